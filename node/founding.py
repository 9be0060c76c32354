"""Found a consortium: make every member's keys, the genesis file and one folder a member.

For a consortium whose members share one machine or one administrator at birth: demonstrations,
tests, rehearsals. What comes later is here too: the folder of a member to come, and the next
epoch's cosigner key of one that stays.

The cast (who takes part, with public account keys) comes from outside as JSON;
no account's private key passes through here.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from ledger.canonical_json import from_hex, to_base64
from ledger.errors import Malformed
from ledger.genesis import Account, Genesis, Organisation
from ledger.keys import Ed25519Signer
from ledger.membership import Member, MemberSet
from network.tls import new_certificate
from node.config import Address, ConfigError, load_member
from node.keyring import Keyring, write_private
from node.ports import free_ports

__all__ = ["Founded", "found", "join", "next_keys", "read_cast"]


@dataclass(frozen=True, slots=True)
class Cast:
    """Who founds the consortium: its name, member ids in order, organisations and accounts."""

    name: str
    members: tuple[str, ...]
    organisations: tuple[Organisation, ...]
    accounts: tuple[Account, ...]
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Founded:
    """What was written: the genesis file and each member's folder and API address."""

    genesis: Path
    members: dict[str, tuple[Path, Address]]


class _Organisation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    name: str


class _Account(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    organisation: str
    keys: list[str]
    roles: list[str]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    members: list[str]
    organisations: list[_Organisation]
    accounts: list[_Account]
    parameters: dict[str, Any] = {}


def read_cast(path: Path) -> Cast:
    """Read a cast file. Raises: ConfigError, naming the file, the field and the rule."""
    try:
        value = msgspec.json.decode(path.read_bytes(), type=_File)
        return Cast(
            name=value.name,
            members=tuple(value.members),
            organisations=tuple(Organisation(one.id, one.name) for one in value.organisations),
            accounts=tuple(
                Account(
                    one.id,
                    one.organisation,
                    tuple(from_hex(key, "accounts.keys") for key in one.keys),
                    tuple(sorted(one.roles)),
                )
                for one in value.accounts
            ),
            parameters=value.parameters,
        )
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except (msgspec.MsgspecError, UnicodeDecodeError, Malformed) as error:
        raise ConfigError(f"{path}: {error}") from None


def found(folder: Path, cast: Cast, time_ms: int, host: str, base_port: int) -> Founded:
    """Write `folder`/genesis.json and `folder`/members/<id>/.

    `base_port` 0 picks free ports; otherwise member i listens on base + 2i and serves on base + 2i
    + 1. Raises: ConfigError when the folder already holds a consortium or the cast is not sound.
    """
    genesis_path = folder / "genesis.json"
    if genesis_path.exists():
        raise ConfigError(f"{genesis_path}: a consortium was already founded here")
    seeds = {name: [secrets.token_bytes(32) for _ in range(3)] for name in cast.members}
    certificates = {name: new_certificate(name) for name in cast.members}
    try:
        genesis = Genesis(
            name=cast.name,
            time=time_ms,
            parameters=cast.parameters,
            organisations=cast.organisations,
            accounts=cast.accounts,
            members=MemberSet(
                tuple(_member(name, seeds[name], certificates[name][0]) for name in cast.members)
            ),
        )
        # Read back, because a reader checks more, the ids that name folders here among it.
        Genesis.from_json(genesis.to_json())
    except Malformed as error:
        raise ConfigError(f"the cast cannot found a consortium: {error}") from None
    ports = _ports(len(cast.members) * 2, host, base_port)
    folder.mkdir(parents=True, exist_ok=True)
    listens = {name: Address(host, ports[2 * i]) for i, name in enumerate(cast.members)}
    apis = {name: Address(host, ports[2 * i + 1]) for i, name in enumerate(cast.members)}
    members: dict[str, tuple[Path, Address]] = {}
    for name in cast.members:
        place = folder / "members" / name
        place.mkdir(parents=True)
        peers = {peer: str(address) for peer, address in listens.items() if peer != name}
        _write_member(place, name, "../../genesis.json", (listens[name], apis[name]), peers)
        _write_keys(place, seeds[name], certificates[name])
        members[name] = (place, apis[name])
    genesis_path.write_bytes(genesis.to_json())
    return Founded(genesis_path, members)


def join(
    folder: Path, name: str, genesis: Path, listen: Address, api: Address, peers: dict[str, Address]
) -> Member:
    """Write the folder of a member to come, with all its keys; returns its entry for the proposal.

    Raises: ConfigError when the folder is in use, or the genesis file or the id cannot be used.
    """
    try:
        chain = Genesis.from_json(genesis.read_bytes())
    except OSError as error:
        raise ConfigError(f"{genesis}: cannot be read ({error.strerror})") from None
    except Malformed as error:
        raise ConfigError(f"{genesis}: {error}") from None
    if name in chain.members:
        raise ConfigError(f"{name}: is a member in the genesis file; ids are never used again")
    if (folder / "member.json").exists() or (folder / "keys.json").exists():
        raise ConfigError(f"{folder}: holds a member already")
    seeds, certificate = [secrets.token_bytes(32) for _ in range(3)], new_certificate(name)
    try:
        member = _member(name, seeds, certificate[0])
        MemberSet((*chain.members.members[:1], member))
    except Malformed as error:
        raise ConfigError(f"{name}: cannot be a member's id ({error})") from None
    folder.mkdir(parents=True, exist_ok=True)
    told = {peer: str(address) for peer, address in peers.items()}
    _write_member(folder, name, os.path.relpath(genesis, folder), (listen, api), told)
    _write_keys(folder, seeds, certificate)
    return member


def next_keys(folder: Path) -> Member:
    """Make the next epoch's cosigner key of a member; returns its entry for the proposal."""
    config = load_member(folder)
    return Member(
        cosigner_key=config.cosigners.make(),
        id=config.id,
        log_key=config.keys.log.public,
        tls_certificate=config.keys.tls_certificate,
        vote_key=config.keys.vote.public,
    )


def _member(name: str, seeds: list[bytes], certificate: bytes) -> Member:
    vote, log, cosigner = (Ed25519Signer(seed).public for seed in seeds)
    return Member(
        cosigner_key=cosigner, id=name, log_key=log, tls_certificate=certificate, vote_key=vote
    )


def _write_member(
    place: Path, name: str, genesis: str, own: tuple[Address, Address], peers: dict[str, str]
) -> None:
    listen, api = own
    value = {
        "api": str(api),
        "data": "data",
        "genesis": genesis,
        "id": name,
        "listen": str(listen),
        "peers": peers,
    }
    (place / "member.json").write_text(json.dumps(value, indent=2) + "\n")


def _write_keys(place: Path, seeds: list[bytes], tls: tuple[bytes, bytes]) -> None:
    """Write a new member's keys, durably: seeds of vote, log, cosigner; TLS certificate and key."""
    vote, log, cosigner = seeds
    value = {
        "log": log.hex(),
        "tls_certificate": to_base64(tls[0]),
        "tls_key": tls[1].decode(),
        "vote": vote.hex(),
    }
    write_private(place / "keys.json", json.dumps(value, indent=2).encode())
    Keyring(place / "cosigners", place / "data").make(cosigner)


def _ports(count: int, host: str, base: int) -> list[int]:
    if base:
        if base + count > 65_536:
            raise ConfigError(f"base port {base}: {count} ports from there on do not exist")
        return list(range(base, base + count))
    return free_ports(count, host)
