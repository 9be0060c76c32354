"""Exactly once: the table of consumed transaction ids, bounded and deterministic (DESIGN section
4).

A transaction may be executed while block time < valid_until ≤ block time + 10 minutes. Its id
goes into the bucket `valid_until // 10 s`; the state holds, per bucket, size and frontier of a
log over the ids (path runtime/dup/<bucket>), so that the table is in every snapshot. Once the
last valid_until of a bucket is past, the bucket is removed whole. Which buckets are live stands
under runtime/dup/live: no scan is needed to find what to drop. These entries are the runtime's
own: no entities, no events.
"""

from __future__ import annotations

from typing import Final

from chaincode.entities import State
from chaincode.limits import BUCKETS_MAX
from chaincode.refusal import refuse
from ledger.codec import Format
from ledger.errors import InvariantViolated
from ledger.leaf import parse_state_value, state_value
from ledger.limits import DUPLICATE_BUCKET_MS, VALIDITY_MS_MAX
from ledger.merkle_log import Frontier, frontier_append, leaf_hash
from ledger.paths import Path, key

__all__ = ["LIVE", "Duplicates", "bucket_of", "bucket_path", "live_buckets"]

LIVE: Final = Path("runtime", "dup", "live")
_LIVE_FORMAT: Final = Format(tuple[int, ...], "live buckets")


def bucket_of(valid_until: int) -> int:
    """Return the bucket of a time in milliseconds."""
    return valid_until // DUPLICATE_BUCKET_MS


def bucket_path(bucket: int) -> Path:
    """Return the path of a bucket's state entry."""
    return Path("runtime", "dup", str(bucket))


def live_buckets(value: bytes) -> tuple[int, ...]:
    """Return the buckets that the state value under LIVE names. Raises: Malformed."""
    return _LIVE_FORMAT.decode(parse_state_value(value).record)


class Duplicates:
    """The table as one block sees and changes it."""

    def __init__(self, state: State, time: int) -> None:
        """Take the state before the block and the block's time; drop what is past."""
        self._state: Final = state
        self._time: Final = time
        held = state.value(key(LIVE))
        before = () if held is None else live_buckets(held)
        self._before: Final = before
        self.dropped: Final = [b for b in before if (b + 1) * DUPLICATE_BUCKET_MS - 1 <= time]
        self._live: Final = dict.fromkeys(
            b for b in before if (b + 1) * DUPLICATE_BUCKET_MS > time + 1
        )
        self._logs: dict[int, tuple[int, Frontier]] = {}
        self._fresh: dict[bytes, int] = {}

    @property
    def consumed(self) -> list[tuple[int, bytes]]:
        """The ids this block consumed, in order, each with its bucket."""
        return [(bucket, identity) for identity, bucket in self._fresh.items()]

    def consume(self, transaction_id: bytes, valid_until: int) -> None:
        """Consume an id.

        Raises: Refused "expired", "valid-until-too-far" or "replayed"; then nothing is consumed.
        """
        time = self._time
        if valid_until <= time:
            refuse("expired", time=time, valid_until=valid_until)
        if valid_until > time + VALIDITY_MS_MAX:
            refuse("valid-until-too-far", time=time, valid_until=valid_until)
        bucket = bucket_of(valid_until)
        if transaction_id in self._fresh or (
            bucket in self._live and self._state.consumed(bucket, transaction_id)
        ):
            refuse("replayed")
        size, frontier = self._log(bucket)
        self._logs[bucket] = size + 1, frontier_append(frontier, size, leaf_hash(transaction_id))
        self._fresh[transaction_id] = bucket

    def writes(self) -> dict[Path, bytes | None]:
        """Return the state entries the block changes: None removes one."""
        writes: dict[Path, bytes | None] = {bucket_path(bucket): None for bucket in self.dropped}
        for bucket, (size, frontier) in self._logs.items():
            writes[bucket_path(bucket)] = state_value(b"", size, frontier)
        live = tuple(sorted(self._live))
        if len(live) > BUCKETS_MAX:
            raise InvariantViolated(f"{len(live)} live buckets of consumed ids")
        if live != self._before:
            writes[LIVE] = state_value(_LIVE_FORMAT.encode(live), 0, ())
        return writes

    def _log(self, bucket: int) -> tuple[int, Frontier]:
        log = self._logs.get(bucket)
        if log is not None:
            return log
        if bucket not in self._live:
            self._live[bucket] = None
            return 0, ()
        held = self._state.value(key(bucket_path(bucket)))
        if held is None:
            raise InvariantViolated(f"bucket {bucket} is live but not in the state")
        value = parse_state_value(held)
        return value.size, value.frontier
