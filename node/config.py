"""What one member is told from outside: where it listens, who its peers are, its keys, its folder.

Nothing here changes what the consortium decides: every consensus parameter lives in genesis, none
in a local file (a local one hung whole chains elsewhere). Files: `member.json` (plain), `keys.json`
(0600).
"""

from __future__ import annotations

import json
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger.canonical_json import from_hex
from ledger.errors import Malformed, SuyuanError
from ledger.genesis import Genesis
from ledger.keys import Ed25519Signer

__all__ = ["Address", "ConfigError", "Keys", "MemberConfig", "load_member"]


class ConfigError(SuyuanError):
    """A member's folder cannot be used as it is; names the file and what is wrong."""


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a TCP port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: object, field: str) -> Address:
        """Read "host:port". Raises: Malformed."""
        if not isinstance(text, str):
            raise Malformed(field, "must be host:port")
        host, separator, port = text.rpartition(":")
        if not separator or not host or not port.isdecimal() or not 1 <= int(port) <= 65535:
            raise Malformed(field, "must be host:port")
        return cls(host.strip("[]"), int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Keys:
    """A member's private keys: three signers and the TLS key in PEM."""

    vote: Ed25519Signer
    log: Ed25519Signer
    cosigner: Ed25519Signer
    tls_key: bytes


@dataclass(frozen=True, slots=True)
class MemberConfig:
    """Everything `compose` needs to build one member."""

    id: str
    genesis: Genesis
    listen: Address
    api: Address
    peers: dict[str, Address]
    data: Path
    keys: Keys
    store_engine: str | None = None
    clock_offset_ms: int = 0


def load_member(folder: Path) -> MemberConfig:
    """Read a member's folder.

    Raises: ConfigError with one sentence that names the file.
    """
    member_file, keys_file = folder / "member.json", folder / "keys.json"
    value = _read_json(member_file)
    try:
        genesis = _read_genesis(folder / _text(value, "genesis"))
        identity = _text(value, "id")
        member = genesis.members.get(identity)
        if member is None:
            raise Malformed("id", f"{identity!r} is not a member in the genesis file")
        peers = value.get("peers")
        others = {m.id for m in genesis.members.members} - {identity}
        if not isinstance(peers, dict) or set(peers) != others:
            raise Malformed("peers", "must give an address for each other member")
        config = MemberConfig(
            id=identity,
            genesis=genesis,
            listen=Address.parse(value.get("listen"), "listen"),
            api=Address.parse(value.get("api"), "api"),
            peers={name: Address.parse(text, f"peers.{name}") for name, text in peers.items()},
            data=folder / _text(value, "data"),
            keys=_read_keys(keys_file),
            store_engine=None if value.get("store") is None else _text(value, "store"),
            clock_offset_ms=_integer(value.get("clock_offset_ms", 0), "clock_offset_ms"),
        )
    except Malformed as error:
        raise ConfigError(f"{member_file}: {error}") from None
    held = (config.keys.vote.public, config.keys.log.public, config.keys.cosigner.public)
    if held != (member.vote_key, member.log_key, member.cosigner_key):
        raise ConfigError(f"{keys_file}: these are not the keys of {identity} in the genesis file")
    return config


def _read_genesis(path: Path) -> Genesis:
    try:
        return Genesis.from_json(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except Malformed as error:
        raise ConfigError(f"{path}: {error}") from None


def _read_keys(path: Path) -> Keys:
    value = _read_json(path)
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise ConfigError(f"{path}: is readable by others (mode {mode:o}); make it 600")
    try:
        return Keys(
            vote=Ed25519Signer(from_hex(value.get("vote"), "vote")),
            log=Ed25519Signer(from_hex(value.get("log"), "log")),
            cosigner=Ed25519Signer(from_hex(value.get("cosigner"), "cosigner")),
            tls_key=_text(value, "tls_key").encode(),
        )
    except Malformed as error:
        raise ConfigError(f"{path}: {error}") from None


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise ConfigError(f"{path}: is not JSON ({error})") from None
    if not isinstance(value, dict):
        raise ConfigError(f"{path}: must be a JSON object")
    return value


def _integer(value: object, field: str) -> int:
    if type(value) is not int:
        raise Malformed(field, "must be an integer")
    return value


def _text(value: dict[str, Any], name: str) -> str:
    text = value.get(name)
    if not isinstance(text, str) or not text:
        raise Malformed(name, "must be text")
    return text
