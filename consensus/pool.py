"""The pending transactions: taken in once, checked once, proposed in order of arrival, bounded on
every side.

Invariants: an entry is unchecked, or checked and then either ready or claimed by the proposal that
names it; entries of one other member are at most its share (R-RS-2), except bodies that an
accepted proposal waits for; a digest ordered lately is not taken in again. (That a transaction
takes effect once for ever is the runtime's table, DESIGN section 4; here it only saves work.) What
it is not: a judge of signatures. It asks by `Check` and hears by `Checked`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from consensus.settings import Settings
from ledger.errors import InvariantViolated
from ledger.limits import DUPLICATE_BUCKET_MS
from ledger.merkle_log import leaf_hash
from ledger.transaction import Transaction

__all__ = ["Entry", "Pool"]

INVALID_MAX = 4_096  # digests known to be invalid; the newest


class Entry:
    """A pending transaction. `transaction` is None until its signatures are checked."""

    __slots__ = ("claimed", "raw", "since", "source", "transaction")

    def __init__(
        self, raw: bytes, transaction: Transaction | None, source: str, since: int
    ) -> None:
        self.raw = raw
        self.transaction = transaction
        self.source = source
        self.since = since  # tick of arrival
        self.claimed = False


class Pool:
    """Pending transactions by digest, in order of arrival, and those ordered lately."""

    __slots__ = (
        "_buckets",
        "_counts",
        "_settings",
        "_share",
        "_size",
        "_sizes",
        "entries",
        "invalid",
        "ordered",
        "ready",
        "ready_size",
    )

    def __init__(self, settings: Settings, members: int = 2) -> None:
        self._settings = settings
        # One other member may fill no more than its n-th: whatever f of them do, an n-th is left
        # for the own clients.
        self._share = (
            min(settings.pool_source_count, settings.pool_count // members),
            min(settings.pool_source_size, settings.pool_size // members),
        )
        self.entries: dict[bytes, Entry] = {}
        self.ready: dict[bytes, Entry] = {}  # checked and not claimed, in order of arrival
        self.ready_size = 0
        self.ordered: dict[bytes, Transaction | None] = {}  # None: body let go, digest remembered
        self.invalid: dict[bytes, None] = {}
        self._counts: dict[str, int] = {}
        self._sizes: dict[str, int] = {}
        self._size = 0
        self._buckets: dict[int, dict[bytes, None]] = {}  # valid_until // 10 s -> digests

    def __len__(self) -> int:
        return len(self.entries)

    def submit(
        self, transactions: Iterable[Transaction], source: str, tick: int
    ) -> tuple[list[Transaction], list[bytes]]:
        """Take in checked transactions; return those that are new, and the digests there is no
        room for.
        """
        new: list[Transaction] = []
        refused: list[bytes] = []
        for transaction in transactions:
            digest = transaction.digest
            known = self.entries.get(digest)
            if known is not None:
                if known.transaction is None:
                    self.check_done(digest, transaction)
                continue
            if digest in self.ordered:
                continue
            if not self._has_room(len(transaction.raw)):
                refused.append(digest)
                continue
            self._add(digest, Entry(transaction.raw, None, source, tick))
            self.check_done(digest, transaction)
            new.append(transaction)
        return new, refused

    def restore(self, transaction: Transaction) -> None:
        """Take back a checked transaction from a durable record, beyond any limit: a slot holds it
        anyway.
        """
        self._add(transaction.digest, Entry(transaction.raw, None, "", 0))
        self.check_done(transaction.digest, transaction)

    def take_in(
        self, raws: Sequence[bytes], source: str, tick: int, wanted: dict[bytes, None]
    ) -> list[tuple[bytes, bytes]]:
        """Take in bodies from another member; return (digest, raw) of those to be checked.

        `wanted` are digests that a proposal waits for: they are taken whatever the member's share.
        """
        new = []
        count, size = self._share
        for raw in raws:
            digest = leaf_hash(raw)
            if digest in self.entries or digest in self.invalid:
                continue
            if digest not in wanted:
                if digest in self.ordered or not self._has_room(len(raw)):
                    continue
                if self._counts.get(source, 0) >= count:
                    continue
                if self._sizes.get(source, 0) + len(raw) > size:
                    continue
            self._add(digest, Entry(raw, None, source, tick))
            new.append((digest, raw))
        return new

    def check_done(self, digest: bytes, transaction: Transaction) -> None:
        """An entry's signatures hold: it may be proposed."""
        entry = self.entries.get(digest)
        if entry is None or entry.transaction is not None:
            return
        entry.transaction = transaction
        bucket = transaction.body.valid_until // DUPLICATE_BUCKET_MS
        self._buckets.setdefault(bucket, {})[digest] = None
        if not entry.claimed:
            self.ready[digest] = entry
            self.ready_size += len(entry.raw)

    def check_failed(self, digest: bytes) -> None:
        """An entry is no valid transaction: drop it and know it again."""
        self._drop(digest)
        self.invalid[digest] = None
        while len(self.invalid) > INVALID_MAX:
            del self.invalid[next(iter(self.invalid))]

    def get(self, digest: bytes) -> Transaction | None:
        """Return a checked transaction, pending or ordered lately."""
        entry = self.entries.get(digest)
        return entry.transaction if entry is not None else self.ordered.get(digest)

    def raw(self, digest: bytes) -> bytes | None:
        """Return the bytes of a body, checked or not: whoever asks checks it again."""
        entry = self.entries.get(digest)
        if entry is not None:
            return entry.raw
        transaction = self.ordered.get(digest)
        return None if transaction is None else transaction.raw

    def batch(self, count: int, size: int) -> list[Transaction]:
        """Return the oldest ready transactions within both limits; at least one if any is ready and
        `count` is not 0.
        """
        chosen: list[Transaction] = []
        total = 0
        for entry in self.ready.values():
            total += len(entry.raw)
            if len(chosen) >= count or (chosen and total > size):
                break
            if entry.transaction is None:
                raise InvariantViolated("a ready entry was never checked")
            chosen.append(entry.transaction)
        return chosen

    def claim(self, digest: bytes) -> None:
        """A proposal names this transaction: do not propose it again."""
        entry = self.entries.get(digest)
        if entry is not None:
            entry.claimed = True
            if self.ready.pop(digest, None) is not None:
                self.ready_size -= len(entry.raw)

    def unclaim_all(self) -> None:
        """A view ended: everything not ordered may be proposed again, oldest first."""
        self.ready = {}
        self.ready_size = 0
        for digest, entry in self.entries.items():
            entry.claimed = False
            if entry.transaction is not None:
                self.ready[digest] = entry
                self.ready_size += len(entry.raw)

    def order(self, transaction: Transaction) -> None:
        """A transaction is ordered: keep its body for members that lag, propose it no more."""
        self._drop(transaction.digest)
        self.ordered[transaction.digest] = transaction

    def leave(self) -> tuple[tuple[tuple[str, Transaction], ...], tuple[bytes, ...]]:
        """An epoch has ended: give up what waits, with who brought it, and the digests ordered
        lately.
        """
        pending = tuple(
            [
                (entry.source, entry.transaction)
                for entry in self.entries.values()
                if entry.transaction is not None
            ]
        )
        for digest in list(self.entries):
            self._drop(digest)
        return pending, tuple(self.ordered)

    def take_over(
        self, pending: Iterable[tuple[str, Transaction]], ordered: Iterable[bytes]
    ) -> list[Transaction]:
        """Begin with what the epoch before left; return what was taken in."""
        self.forget(ordered)
        taken: list[Transaction] = []
        for source, transaction in pending:
            digest = transaction.digest
            if digest in self.entries or digest in self.ordered:
                continue
            if self._has_room(len(transaction.raw)):
                self._add(digest, Entry(transaction.raw, None, source, 0))
                self.check_done(digest, transaction)
                taken.append(transaction)
        return taken

    def forget(self, digests: Iterable[bytes]) -> None:
        """Transactions were executed in fetched blocks: neither wait for them nor take them in
        again.
        """
        for digest in digests:
            self._drop(digest)
            self.ordered.setdefault(digest, None)
        self.let_go(())

    def let_go(self, digests: Iterable[bytes]) -> None:
        """Bodies below the stable checkpoint are in certified blocks: keep only their digests, for
        a while.
        """
        ordered = self.ordered
        for digest in digests:
            if digest in ordered:
                ordered[digest] = None
        while len(ordered) > self._settings.remembered:
            oldest = next(iter(ordered))
            if ordered[oldest] is not None:
                break
            del ordered[oldest]

    def expire(self, time: int) -> list[bytes]:
        """Drop unclaimed transactions whose valid_until is at or before a time (ms); return their
        digests.
        """
        last = time // DUPLICATE_BUCKET_MS
        gone: list[bytes] = []
        for bucket in sorted(number for number in self._buckets if number <= last):
            for digest in list(self._buckets[bucket]):
                entry = self.entries[digest]
                if entry.transaction is None or entry.claimed:
                    continue
                if entry.transaction.body.valid_until <= time:
                    self._drop(digest)
                    gone.append(digest)
        return gone

    def oldest(self) -> tuple[bytes, Entry] | None:
        """Return the checked transaction that waits longest, claimed or not."""
        for digest, entry in self.entries.items():
            if entry.transaction is not None:
                return digest, entry
        return None

    def oldest_ready(self) -> Entry | None:
        """Return the checked transaction that waits longest and that no proposal names."""
        return next(iter(self.ready.values()), None)

    def oldest_raws(self, count: int) -> list[bytes]:
        """Return the bytes of the longest waiting checked transactions, those that no proposal
        names first.
        """
        raws = [entry.raw for entry in islice(self.ready.values(), count)]
        for entry in self.entries.values():
            if len(raws) >= count:
                break
            if entry.transaction is not None and entry.claimed:
                raws.append(entry.raw)
        return raws

    def _has_room(self, size: int) -> bool:
        return (
            len(self.entries) < self._settings.pool_count
            and self._size + size <= self._settings.pool_size
        )

    def _add(self, digest: bytes, entry: Entry) -> None:
        self.entries[digest] = entry
        self._counts[entry.source] = self._counts.get(entry.source, 0) + 1
        self._sizes[entry.source] = self._sizes.get(entry.source, 0) + len(entry.raw)
        self._size += len(entry.raw)

    def _drop(self, digest: bytes) -> None:
        entry = self.entries.pop(digest, None)
        if entry is None:
            return
        self._counts[entry.source] -= 1
        self._sizes[entry.source] -= len(entry.raw)
        self._size -= len(entry.raw)
        if self.ready.pop(digest, None) is not None:
            self.ready_size -= len(entry.raw)
        if entry.transaction is not None:
            number = entry.transaction.body.valid_until // DUPLICATE_BUCKET_MS
            bucket = self._buckets[number]
            del bucket[digest]
            if not bucket:
                del self._buckets[number]
