"""The leaf of an entity's log, and the value the state holds for an entity.

A leaf says when something happened (height, time, place in the block), by which contract, to which
entity, with which inputs, outputs and body, and hashes the entity's record as it stood after the
whole transaction: the last leaf at or below a height proves the record of that height (DESIGN 2.2).
The state holds, under the entity's path, [record, log size, log frontier].
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from ledger.block import Quantities
from ledger.codec import Digest, Format, Natural
from ledger.errors import Malformed
from ledger.merkle_log import Frontier
from ledger.paths import Path

__all__ = ["LEAF", "VERSION", "Leaf", "StateValue", "parse_state_value", "state_value"]

VERSION: Final = 1


class Leaf(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One event in the log of one entity. `time` is the block's, in milliseconds since 1970 UTC.

    Leaves of genesis have height 0 and the chain id as their transaction.
    """

    version: int
    height: Natural
    time: Natural
    transaction_index: Natural
    event_index: Natural
    transaction: Digest
    contract: str
    contract_version: Natural
    path: Path
    kind: str
    inputs: Quantities
    outputs: Quantities
    body: dict[str, Any]
    record: Digest

    @property
    def position(self) -> tuple[int, int, int]:
        """Where it stands on the chain: height, transaction index, event index."""
        return self.height, self.transaction_index, self.event_index


class StateValue(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What the state holds for an entity: its record's bytes, its log's size and frontier."""

    record: bytes
    size: Natural
    frontier: Annotated[tuple[Digest, ...], Meta(max_length=53)]


LEAF: Final = Format(Leaf, "leaf")
_STATE_VALUE: Final = Format(StateValue, "state value")


def state_value(record: bytes, size: int, frontier: Frontier) -> bytes:
    """Return the canonical bytes whose SHA-256 the state tree holds."""
    return _STATE_VALUE.encode(StateValue(record, size, frontier))


def parse_state_value(data: bytes) -> StateValue:
    """Read a state value. Raises: Malformed, also when the frontier does not fit the size."""
    value = _STATE_VALUE.decode(data)
    if len(value.frontier) != value.size.bit_count():
        raise Malformed("state value.frontier", "must have one hash per set bit of the size")
    return value
