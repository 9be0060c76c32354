"""The log of every entity on disk: leaves, where they stand, records as they were, subtree roots.

| key                      | value                                                         |
| ------------------------ | ------------------------------------------------------------- |
| l ‖ height ‖ number      | a leaf; numbered within its block                             |
| r ‖ height ‖ number      | of the last leaf that a block gives an entity: the record as  |
|                          | the block left it                                             |
| i ‖ key ‖ index          | height ‖ number: where leaf `index` of the entity's log stands |
| n ‖ key ‖ level ‖ number | root of the 2^level leaves from number · 2^level on; levels   |
|                          | 4, 8, 12, …                                                   |

Numbers are big-endian (8 bytes; a leaf's number 4, a level 1), so ranges come in order. Leaves and
records stand by height and not by entity, because the engines merge sorted files again and again:
what is written in ascending order is never merged, and only twelve bytes a leaf are written at
random places.

The subtree roots come from the frontier that the state held before the block, so that writing them
reads nothing. With them, what stands for the leaves that an answer does not show costs the
logarithm of the log and not its length.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from chaincode.runtime import Outcome
from ledger.errors import InvariantViolated
from ledger.leaf import parse_state_value
from ledger.merkle_log import Frontier, leaf_hash, root_of
from ledger.merkle_ranges import cover, subtrees_made
from ledger.paths import key as path_key
from node.store import Store

__all__ = ["LEVELS", "EntityLogs", "LogWrites", "log_writes"]

LEVELS: Final = 4  # every so many levels of an entity's log are kept


@dataclass(frozen=True, slots=True)
class LogWrites:
    """What a block adds to the logs of entities.

    `leaves`: (state key, index in the log, leaf) in the order of the block; `records`: (number of a
    leaf among them, record); `subtrees`: (state key, level, number, root).
    """

    leaves: Sequence[tuple[bytes, int, bytes]] = ()
    records: Sequence[tuple[int, bytes]] = ()
    subtrees: Sequence[tuple[bytes, int, int, bytes]] = ()

    def batch(self, height: int) -> dict[bytes, bytes | None]:
        """Return the store's batch for the block of a height."""
        place = _u64(height)
        batch: dict[bytes, bytes | None] = {}
        for number, (key, index, leaf) in enumerate(self.leaves):
            stands = place + number.to_bytes(4, "big")
            batch[b"l" + stands] = leaf
            batch[b"i" + key + _u64(index)] = stands
        for number, record in self.records:
            batch[b"r" + place + number.to_bytes(4, "big")] = record
        for key, level, number, root in self.subtrees:
            batch[_subtree_key(key, level, number)] = root
        return batch


def log_writes(outcome: Outcome, replaced: Mapping[bytes, bytes | None]) -> LogWrites:
    """Return what the outcome of a block adds; `replaced` are the state values before it."""
    keys = {path: path_key(path) for path in {path for path, _, _ in outcome.leaves}}
    leaves = [(keys[path], index, leaf) for path, index, leaf in outcome.leaves]
    last: dict[bytes, int] = {}
    hashes: dict[bytes, list[bytes]] = {}
    for number, (key, _, leaf) in enumerate(leaves):
        last[key] = number
        hashes.setdefault(key, []).append(leaf_hash(leaf))
    records = []
    for key, number in last.items():
        value = outcome.writes[key]
        if value is None:
            raise InvariantViolated(f"{leaves[number]} is the event of an entity that is removed")
        records.append((number, parse_state_value(value).record))
    subtrees = [
        (key, level, number, root)
        for key, added in hashes.items()
        for level, number, root in subtrees_made(*_before(replaced.get(key)), added)
        if level % LEVELS == 0
    ]
    return LogWrites(leaves, records, subtrees)


def _before(data: bytes | None) -> tuple[int, Frontier]:
    if data is None:
        return 0, ()
    value = parse_state_value(data)
    return value.size, value.frontier


class EntityLogs:
    """Reading of the logs. `need_history` raises where what is missing may lie in a gap."""

    def __init__(self, store: Store, need_history: Callable[[], None]) -> None:
        self._store = store
        self._need_history = need_history

    def leaves(self, key: bytes, start: int, stop: int) -> list[bytes]:
        """Return the leaves start..stop−1 of an entity's log.

        Raises: ClientFault "history-not-held" when one is missing and this member has a gap,
        InvariantViolated when it has none.
        """
        prefix, get = b"i" + key, self._store.get
        places = self._store.range(prefix + _u64(start), prefix + _u64(stop))
        found = [leaf for _, place in places if (leaf := get(b"l" + place)) is not None]
        if len(found) != stop - start:
            raise self._lacks(f"log {key.hex()} lacks leaves between {start} and {stop}")
        return found

    def record_after(self, key: bytes, index: int) -> bytes:
        """Return an entity's record as the block of leaf `index`, its last of that height, left it.

        Raises: as `leaves`.
        """
        place = self._store.get(b"i" + key + _u64(index))
        record = None if place is None else self._store.get(b"r" + place)
        if record is None:
            raise self._lacks(f"log {key.hex()} lacks the record after leaf {index}")
        return record

    def subtrees(self, key: bytes, start: int, stop: int) -> list[bytes]:
        """Return the roots of the perfect subtrees over leaves start..stop−1 (`cover`): each from
        fewer than 2^LEVELS that are kept.

        Raises: as `leaves`.
        """
        roots: list[bytes] = []
        place = start
        for size in cover(start, stop):
            above = (size.bit_length() - 1) % LEVELS
            level, number = size.bit_length() - 1 - above, place // size << above
            roots.append(root_of(self._kept(key, level, number, number + (1 << above))))
            place += size
        return roots

    def _kept(self, key: bytes, level: int, start: int, stop: int) -> list[bytes]:
        if level == 0:
            return [leaf_hash(leaf) for leaf in self.leaves(key, start, stop)]
        first, end = (_subtree_key(key, level, number) for number in (start, stop))
        found = [root for _, root in self._store.range(first, end)]
        if len(found) != stop - start:
            raise self._lacks(f"log {key.hex()} lacks subtrees {start} to {stop} of level {level}")
        return found

    def _lacks(self, what: str) -> InvariantViolated:
        self._need_history()
        return InvariantViolated(what)


def _subtree_key(key: bytes, level: int, number: int) -> bytes:
    return b"n" + key + bytes([level]) + _u64(number)


def _u64(number: int) -> bytes:
    return number.to_bytes(8, "big")
