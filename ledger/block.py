"""Block headers, events and results: what every member must compute alike.

A header binds version, suite, height, time, parent, the roots over transactions, results and state,
the epoch, and the digest of the member set that certifies what follows (DESIGN 2.6). Its canonical
bytes are leaf height − 1 of the chain log; the parent is the RFC 6962 leaf hash of the previous
header, the genesis hash for the first. A null request is a block without transactions.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from ledger.codec import Digest, Format, Natural
from ledger.limits import ENTITIES_PER_EVENT_MAX, EVENTS_PER_TRANSACTION_MAX
from ledger.merkle_log import leaf_hash
from ledger.paths import Path

__all__ = [
    "ACCEPTED",
    "EVENT",
    "HEADER",
    "NOT_FINAL",
    "RESULT",
    "Event",
    "Header",
    "Quantities",
    "Result",
]

ACCEPTED: Final = "accepted"
# Results that do not consume the transaction's id: the same bytes may stand in another block with
# another result, so such a receipt is not the last word on the transaction.
NOT_FINAL: Final = frozenset({"expired", "replayed", "valid-until-too-far"})
VERSION: Final = 1

Quantities = Annotated[tuple[tuple[Path, Natural], ...], Meta(max_length=ENTITIES_PER_EVENT_MAX)]


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The header of a block. `time` is in milliseconds since 1970 UTC."""

    epoch: Natural
    height: Annotated[int, Meta(ge=1, le=2**53 - 1)]
    members: Digest
    parent: Digest
    results: Digest
    state: Digest
    suite: str
    time: Natural
    transactions: Digest
    version: int


class Event(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One thing that happened: what went in, what came out, how much, and whom it concerns.

    It names the entities on ∪ inputs ∪ outputs and stands in the log of each.
    """

    kind: str
    inputs: Quantities
    outputs: Quantities
    on: Annotated[tuple[Path, ...], Meta(max_length=ENTITIES_PER_EVENT_MAX)]
    body: dict[str, Any]

    def named(self) -> tuple[Path, ...]:
        """Return the distinct entities the event names, in order of first naming."""
        paths = [path for path, _ in self.inputs]
        paths += [path for path, _ in self.outputs]
        paths += self.on
        return tuple(dict.fromkeys(paths))


class Result(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What became of a transaction: "accepted" with events, or a code with its parameters."""

    code: str
    contract_version: Natural
    events: Annotated[tuple[Event, ...], Meta(max_length=EVENTS_PER_TRANSACTION_MAX)]
    parameters: dict[str, Any]
    transaction: Digest


HEADER: Final = Format(Header, "header")
EVENT: Final = Format(Event, "event")
RESULT: Final = Format(Result, "result")


def header_hash(header_bytes: bytes) -> bytes:
    """Return the hash by which the next header names this one: its leaf hash in the chain log."""
    return leaf_hash(header_bytes)
