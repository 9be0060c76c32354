"""The records of datasharing. Times are milliseconds since 1970 UTC; [from, until) is half open."""

from __future__ import annotations

from typing import Final

import msgspec

from chaincode.kinds import Kind
from ledger.codec import Natural


class Dataset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A catalogue entry: fields [name, sensitivity], the purposes a request may name, and what
    came of it; `waiting` counts the undecided requests of each organisation that has any.
    """

    fields: tuple[tuple[str, str], ...]
    grants: Natural
    name: str
    provider: str
    purposes: tuple[str, ...]
    requests: Natural
    share_type: str  # unconditional, conditional, withheld
    waiting: dict[str, Natural]


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a department asks for. `requester` is the account, `user` its organisation."""

    dataset: str
    fields: tuple[str, ...]
    from_: Natural = msgspec.field(name="from")
    legal_basis: str
    purpose: str
    requested_on: str
    requester: str
    status: str  # requested, granted, refused
    until: Natural
    user: str


class Grant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was granted, and how many accesses and denials were recorded under it. It expires by
    time alone.
    """

    accesses: Natural
    dataset: str
    denials: Natural
    fields: tuple[str, ...]
    from_: Natural = msgspec.field(name="from")
    provider: str
    purpose: str
    request: str
    status: str  # active, revoked
    until: Natural
    user: str


class Handle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person in one data set under one grant, opaque: how often accessed, how often denied."""

    accesses: Natural
    denials: Natural
    grant: str


class OpenList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was opened on a day and how much of it has been closed; open = opened − closed."""

    closed: Natural
    opened: Natural


_NAME: Final = "datasharing"

DATASET: Final = Kind(_NAME, "dataset", Dataset)
REQUEST: Final = Kind(_NAME, "request", Request)
GRANT: Final = Kind(_NAME, "grant", Grant)
HANDLE: Final = Kind(_NAME, "handle", Handle)
OPEN: Final = Kind(_NAME, "open", OpenList)
