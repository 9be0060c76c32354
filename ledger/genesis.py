"""The genesis file: the one thing a verifier must get from somewhere it trusts.

It names the chain, its first members, organisations and accounts, and the parameters that hold
until governance changes them. It is canonical JSON; the chain id is the SHA-256 of the file, so
`sha256sum genesis.json` prints it. Source: DESIGN section 4.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from ledger.canonical_json import from_base64, from_hex, from_json, to_base64, to_json
from ledger.codec import Value
from ledger.errors import Malformed
from ledger.limits import (
    ACCOUNTS_MAX,
    GENESIS_SIZE_MAX,
    KEYS_PER_ACCOUNT_MAX,
    NAME_LENGTH_MAX,
    ROLES_PER_ACCOUNT_MAX,
)
from ledger.membership import Member, MemberSet

__all__ = ["Account", "Genesis", "Organisation", "member_entry", "read_member"]

VERSION: Final = 1
_CHAIN_NAME: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,61}\Z")
_ORGANISATION: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,30}\Z")
_ACCOUNT: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,30}\.[a-z0-9][a-z0-9-]{0,60}\Z")
_ROLE: Final = re.compile(r"[a-z][a-z-]{0,31}\Z")


@dataclass(frozen=True, slots=True)
class Organisation:
    """A body that acts on the ledger: id (a lower-case word) and the name people read."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Account:
    """Someone who signs for an organisation: id "<organisation>.<name>", 32-byte public keys,
    roles.
    """

    id: str
    organisation: str
    keys: tuple[bytes, ...]
    roles: tuple[str, ...]


@dataclass(frozen=True)
class Genesis:
    """A checked genesis. `time` is in milliseconds since 1970 UTC."""

    name: str
    time: int
    parameters: dict[str, Value]
    organisations: tuple[Organisation, ...]
    accounts: tuple[Account, ...]
    members: MemberSet
    file: bytes = field(init=False, repr=False)
    chain_id: bytes = field(init=False)

    def __post_init__(self) -> None:
        _check(self)
        content = self._file()
        if len(content) > GENESIS_SIZE_MAX:
            raise Malformed("genesis", f"is larger than {GENESIS_SIZE_MAX} bytes")
        object.__setattr__(self, "file", content)
        object.__setattr__(self, "chain_id", sha256(content).digest())

    @property
    def origin(self) -> str:
        """The origin line of this chain's checkpoints: <name>/<64 hex of the chain id>."""
        return f"{self.name}/{self.chain_id.hex()}"

    def to_json(self) -> bytes:
        """Return the bytes of the genesis file (RFC 8785, no newline)."""
        return self.file

    def _file(self) -> bytes:
        return to_json(
            {
                "accounts": [
                    {
                        "id": account.id,
                        "keys": [key.hex() for key in account.keys],
                        "organisation": account.organisation,
                        "roles": list(account.roles),
                    }
                    for account in self.accounts
                ],
                "members": [member_entry(member) for member in self.members.members],
                "name": self.name,
                "organisations": [{"id": o.id, "name": o.name} for o in self.organisations],
                "parameters": self.parameters,
                "time": self.time,
                "version": VERSION,
            }
        )

    @classmethod
    def from_json(cls, data: bytes) -> Genesis:
        """Read a genesis file. Raises: Malformed, naming the field and the rule."""
        if len(data) > GENESIS_SIZE_MAX:
            raise Malformed("genesis", f"is larger than {GENESIS_SIZE_MAX} bytes")
        value = _object(
            from_json(data, "genesis"),
            "genesis",
            ("accounts", "members", "name", "organisations", "parameters", "time", "version"),
        )
        if value["version"] != VERSION:
            raise Malformed("genesis.version", f"must be {VERSION}")
        parameters = value["parameters"]
        if not isinstance(parameters, dict):
            raise Malformed("genesis.parameters", "must be an object")
        genesis = cls(
            name=_text(value["name"], "genesis.name"),
            time=_integer(value["time"], "genesis.time"),
            parameters=parameters,
            organisations=tuple(map(_organisation, _list(value, "organisations"))),
            accounts=tuple(map(_account, _list(value, "accounts"))),
            members=MemberSet(tuple(map(read_member, _list(value, "members")))),
        )
        if genesis.file != data:
            raise Malformed("genesis", "is not its canonical form")
        return genesis


def _check(genesis: Genesis) -> None:
    if not _CHAIN_NAME.match(genesis.name):
        raise Malformed("genesis.name", "must be lower-case letters, digits, '.' and '-'")
    if genesis.time < 0:
        raise Malformed("genesis.time", "must not be negative")
    known = {organisation.id for organisation in genesis.organisations}
    if len(known) != len(genesis.organisations):
        raise Malformed("genesis.organisations", "an id appears twice")
    for organisation in genesis.organisations:
        if not _ORGANISATION.match(organisation.id):
            raise Malformed("genesis.organisations.id", "must be a lower-case word of at most 31")
        if not 1 <= len(organisation.name) <= NAME_LENGTH_MAX:
            raise Malformed("genesis.organisations.name", f"must be 1 to {NAME_LENGTH_MAX} long")
    if len(genesis.accounts) > ACCOUNTS_MAX:
        raise Malformed("genesis.accounts", f"must be at most {ACCOUNTS_MAX}")
    if len({account.id for account in genesis.accounts}) != len(genesis.accounts):
        raise Malformed("genesis.accounts", "an id appears twice")
    for account in genesis.accounts:
        _check_account(account, known)


def _check_account(account: Account, organisations: set[str]) -> None:
    if not _ACCOUNT.match(account.id):
        raise Malformed("genesis.accounts.id", "must be <organisation>.<name> in lower case")
    if account.organisation not in organisations:
        raise Malformed("genesis.accounts.organisation", f"{account.organisation!r} is unknown")
    if account.id.split(".", 1)[0] != account.organisation:
        raise Malformed("genesis.accounts.id", "must begin with its organisation")
    if not 1 <= len(account.keys) <= KEYS_PER_ACCOUNT_MAX or any(
        len(k) != 32 for k in account.keys
    ):
        raise Malformed("genesis.accounts.keys", f"must be 1 to {KEYS_PER_ACCOUNT_MAX} of 32 bytes")
    if len(set(account.keys)) != len(account.keys):
        raise Malformed("genesis.accounts.keys", "a key appears twice")
    if len(account.roles) > ROLES_PER_ACCOUNT_MAX or list(account.roles) != sorted(
        set(account.roles)
    ):
        raise Malformed("genesis.accounts.roles", "must be sorted, distinct and few")
    if any(not _ROLE.match(role) for role in account.roles):
        raise Malformed("genesis.accounts.roles", "must be lower-case words")


def _organisation(item: object) -> Organisation:
    value = _object(item, "genesis.organisations", ("id", "name"))
    return Organisation(
        id=_text(value["id"], "genesis.organisations.id"),
        name=_text(value["name"], "genesis.organisations.name"),
    )


def _account(item: object) -> Account:
    value = _object(item, "genesis.accounts", ("id", "keys", "organisation", "roles"))
    return Account(
        id=_text(value["id"], "genesis.accounts.id"),
        organisation=_text(value["organisation"], "genesis.accounts.organisation"),
        keys=tuple(from_hex(key, "genesis.accounts.keys") for key in _list(value, "keys")),
        roles=tuple(_text(role, "genesis.accounts.roles") for role in _list(value, "roles")),
    )


def member_entry(member: Member) -> dict[str, Value]:
    """Return a member as it stands in a genesis file, and in a proposal to change the members."""
    return {
        "cosigner_key": member.cosigner_key.hex(),
        "id": member.id,
        "log_key": member.log_key.hex(),
        "tls_certificate": to_base64(member.tls_certificate),
        "vote_key": member.vote_key.hex(),
    }


def read_member(item: object) -> Member:
    """Read a member's entry. Raises: Malformed."""
    names = ("cosigner_key", "id", "log_key", "tls_certificate", "vote_key")
    value = _object(item, "genesis.members", names)
    return Member(
        cosigner_key=from_hex(value["cosigner_key"], "genesis.members.cosigner_key"),
        id=_text(value["id"], "genesis.members.id"),
        log_key=from_hex(value["log_key"], "genesis.members.log_key"),
        tls_certificate=from_base64(value["tls_certificate"], "genesis.members.tls_certificate"),
        vote_key=from_hex(value["vote_key"], "genesis.members.vote_key"),
    )


def _object(value: object, field_name: str, names: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict) or tuple(sorted(value)) != names:
        raise Malformed(field_name, f"must be an object of exactly {', '.join(names)}")
    return value


def _list(value: dict[str, Any], name: str) -> list[Any]:
    items = value[name]
    if not isinstance(items, list):
        raise Malformed(f"genesis.{name}", "must be a list")
    return items


def _text(value: object, field_name: str) -> str:
    if not isinstance(value, str):
        raise Malformed(field_name, "must be text")
    return value


def _integer(value: object, field_name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Malformed(field_name, "must be an integer")
    return value
