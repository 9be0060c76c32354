"""What one member is told from outside: where it listens, who its peers are, its keys, its folder.

Nothing here changes what the consortium decides: every consensus parameter lives in genesis, none
in a local file (a local one hung whole chains elsewhere). Who the members are is on the chain;
where they are reached stands here, and so may members to come: `peers` gives addresses, also of
ids that are no members yet or no longer, and with `tls_certificate` a peer that no member set
names is let in to catch up, and believed to be the one dialled. `snapshot_above` says how many
blocks this member would rather execute than lack them afterwards. Files: `member.json` (plain),
`keys.json` (0600), `cosigners/` (0700).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ledger.canonical_json import from_base64, from_hex
from ledger.errors import Malformed
from ledger.genesis import Genesis
from ledger.keys import Ed25519Signer
from ledger.membership import Member
from node.keyring import ConfigError, Keyring, require_private

__all__ = [
    "SNAPSHOT_ABOVE",
    "Address",
    "ConfigError",
    "Keys",
    "MemberConfig",
    "Peer",
    "load_member",
    "load_peers",
]

# blocks behind above which the state is fetched instead: executing a thousand full ones takes some
# two minutes, a state of 10^6 entities one; below it, blocks leave no gap in what can be shown
SNAPSHOT_ABOVE: Final = 1_000


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
class Peer:
    """Where another node is reached, and by which certificate (DER) where no member set says."""

    address: Address
    tls_certificate: bytes | None = None


@dataclass(frozen=True, slots=True)
class Keys:
    """A member's private keys but the cosigner's: two signers and the TLS key in PEM, with its
    certificate in DER.
    """

    vote: Ed25519Signer
    log: Ed25519Signer
    tls_key: bytes
    tls_certificate: bytes

    def are_of(self, member: Member) -> bool:
        """Say whether these are the keys a member set names; the cosigner's is looked up apart."""
        held = (self.vote.public, self.log.public, self.tls_certificate)
        return held == (member.vote_key, member.log_key, member.tls_certificate)


@dataclass(frozen=True, slots=True)
class MemberConfig:
    """Everything `compose` needs to build one member."""

    id: str
    folder: Path
    genesis: Genesis
    listen: Address
    api: Address
    peers: dict[str, Peer]
    data: Path
    keys: Keys
    cosigners: Keyring
    store_engine: str | None = None
    clock_offset_ms: int = 0
    snapshot_above: int = SNAPSHOT_ABOVE


def load_member(folder: Path) -> MemberConfig:
    """Read a member's folder.

    Raises: ConfigError with one sentence that names the file.
    """
    member_file, keys_file = folder / "member.json", folder / "keys.json"
    value = _read_json(member_file)
    try:
        genesis = _read_genesis(folder / _text(value, "genesis"))
        identity = _text(value, "id")
        config = MemberConfig(
            id=identity,
            folder=folder,
            genesis=genesis,
            listen=Address.parse(value.get("listen"), "listen"),
            api=Address.parse(value.get("api"), "api"),
            peers=_peers(value.get("peers"), identity),
            data=folder / _text(value, "data"),
            keys=_read_keys(keys_file),
            cosigners=Keyring(folder / "cosigners", folder / _text(value, "data")),
            store_engine=None if value.get("store") is None else _text(value, "store"),
            clock_offset_ms=_integer(value.get("clock_offset_ms", 0), "clock_offset_ms"),
            snapshot_above=_blocks(value.get("snapshot_above", SNAPSHOT_ABOVE), "snapshot_above"),
        )
    except Malformed as error:
        raise ConfigError(f"{member_file}: {error}") from None
    # Who is not in genesis may have joined since: that is on the chain, and looked at there.
    member = genesis.members.get(identity)
    if member is not None and not config.keys.are_of(member):
        raise ConfigError(f"{keys_file}: these are not the keys of {identity} in the genesis file")
    return config


def load_peers(folder: Path, identity: str) -> dict[str, Peer]:
    """Read the peers of a member's folder anew. Raises: ConfigError."""
    member_file = folder / "member.json"
    try:
        return _peers(_read_json(member_file).get("peers"), identity)
    except Malformed as error:
        raise ConfigError(f"{member_file}: {error}") from None


def _peers(value: object, identity: str) -> dict[str, Peer]:
    if not isinstance(value, dict) or identity in value:
        raise Malformed("peers", "must give addresses by id, and not one's own")
    return {name: _peer(told, f"peers.{name}") for name, told in value.items()}


def _peer(value: object, field: str) -> Peer:
    if not isinstance(value, dict):
        return Peer(Address.parse(value, field))
    if set(value) != {"address", "tls_certificate"}:
        raise Malformed(field, "must be host:port, or an object of address and tls_certificate")
    certificate = value["tls_certificate"]
    if not isinstance(certificate, str):
        raise Malformed(f"{field}.tls_certificate", "must be base64")
    return Peer(
        Address.parse(value["address"], f"{field}.address"),
        from_base64(certificate, f"{field}.tls_certificate"),
    )


def _read_genesis(path: Path) -> Genesis:
    try:
        return Genesis.from_json(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except Malformed as error:
        raise ConfigError(f"{path}: {error}") from None


def _read_keys(path: Path) -> Keys:
    value = _read_json(path)
    require_private(path)
    try:
        return Keys(
            vote=Ed25519Signer(from_hex(value.get("vote"), "vote")),
            log=Ed25519Signer(from_hex(value.get("log"), "log")),
            tls_key=_text(value, "tls_key").encode(),
            tls_certificate=from_base64(_text(value, "tls_certificate"), "tls_certificate"),
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


def _blocks(value: object, field: str) -> int:
    if type(value) is not int or value < 0:
        raise Malformed(field, "must be a number of blocks")
    return value


def _text(value: dict[str, Any], name: str) -> str:
    text = value.get(name)
    if not isinstance(text, str) or not text:
        raise Malformed(name, "must be text")
    return text
