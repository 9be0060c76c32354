"""The consumed ids that a fetched state names: which are wanted, and whether those shown are they.

The state holds size and frontier of a log over the ids of every live bucket; whoever shows ids in
that order shows all of them, or another frontier. So a bucket is checked when it is complete, at
the cost of 32 bytes an id; until then its ids stand in a state that is not in force.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from chaincode.duplicates import LIVE, bucket_path, live_buckets
from ledger.errors import InvariantViolated, Malformed
from ledger.leaf import StateValue, parse_state_value
from ledger.merkle_log import Frontier, frontier_append, leaf_hash
from ledger.paths import Path
from ledger.paths import key as path_key
from node.archive import Archive, Transfer
from node.snapshot.messages import IDS_MAX
from node.state_store import ID_SIZE, Ids, StateWrites, joined_ids

__all__ = ["Buckets"]

STORED_AT_ONCE: Final = 2_000  # ids of one stored piece, as many as a block may consume


class Buckets:
    """The ids of a fetched state, bucket by bucket."""

    def __init__(self, archive: Archive, transfer: Transfer) -> None:
        """Take the buckets that the fetched state names."""
        self._archive = archive
        self._transfer = transfer
        self._state = archive.state_of(transfer.state)
        live = self._state.value(path_key(LIVE))
        self._left = [] if live is None else list(live_buckets(live))
        self._begin()

    def _begin(self) -> None:
        """Begin the first bucket that is left; of one shown falsely before, nothing stays."""
        self._count = 0
        self.giver = ""  # of the ids of the bucket that are here
        self._frontier: Frontier = ()
        self._logged: StateValue | None = None
        if self._left:
            self._logged = self._value(bucket_path(self._left[0]))
            self._archive.write_part(self._transfer, StateWrites(dropped=[self._left[0]]))

    def _value(self, path: Path) -> StateValue:
        data = self._state.value(path_key(path))
        if data is None:
            raise InvariantViolated(f"{path.text} is live but not in the certified state")
        return parse_state_value(data)

    def wanted(self, sources: Container[str]) -> tuple[int, int] | None:
        """Return the bucket and the index from which ids are wanted, or None when all are here.

        Where the giver of a bucket is no source any more, the bucket begins anew.
        """
        if self._count and self.giver not in sources:
            self._begin()
        return (self._left[0], self._count) if self._left else None

    def take(self, sender: str, joined: bytes) -> None:
        """Take ids from the wanted index on. Raises: Malformed; then the bucket begins anew."""
        self.giver = sender
        try:
            self._take(joined)
        except Malformed:
            self._begin()
            raise

    def _take(self, joined: bytes) -> None:
        logged = self._logged
        if logged is None:
            return
        if len(joined) != ID_SIZE * min(IDS_MAX, logged.size - self._count):
            raise Malformed("ids", "are not as many as were asked for")
        ids = joined_ids(joined)
        bucket, begins = self._left[0], self._count
        for identity in ids:
            self._frontier = frontier_append(self._frontier, self._count, leaf_hash(identity))
            self._count += 1
        if self._count == logged.size and self._frontier != logged.frontier:
            raise Malformed("ids", "are not those that the state has consumed")
        pieces = [
            Ids(bucket, begins + at, b"".join(ids[at : at + STORED_AT_ONCE]))
            for at in range(0, len(ids), STORED_AT_ONCE)
        ]
        self._archive.write_part(self._transfer, StateWrites(ids=pieces))
        if self._count == logged.size:
            self._left.pop(0)
            self._begin()
