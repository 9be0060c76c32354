"""The records of identity: who may sign for whom, with which keys, in which roles."""

from __future__ import annotations

from typing import Final

import msgspec

from chaincode.kinds import Kind
from ledger.codec import Digest, Natural

__all__ = ["ACCOUNT", "ORGANISATION", "Account", "AccountKey", "Organisation"]


class Organisation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A body that acts on the ledger; `accounts` counts those that genesis gave it."""

    accounts: Natural
    name: str


class AccountKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A public key of an account; an inactive one signs nothing any more but stays known."""

    active: bool
    key: Digest


class Account(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Someone who signs for an organisation."""

    keys: tuple[AccountKey, ...]
    organisation: str
    roles: tuple[str, ...]


ORGANISATION: Final = Kind("identity", "organisation", Organisation)
ACCOUNT: Final = Kind("identity", "account", Account)
