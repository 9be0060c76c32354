"""Batches and the bodies they name: what a slot still lacks, and what to ask other members for.

A proposal is voted for only when every body is here, hashes to its digest and is valid (R-Q-6).
Bodies are spread ahead of ordering, so lacking one is the exception; asking is bounded in size and
in frequency. What it is not: the pool. Contents belong to slots; the pool owns what is pending.
"""

from __future__ import annotations

from consensus.messages import NULL_BATCH, NULL_DIGEST, Batch
from consensus.pool import Pool
from consensus.settings import BATCHES_MAX, FETCH_MAX
from consensus.slots import Content, Slot, SlotLog
from ledger.transaction import Transaction

__all__ = ["Bodies"]


class Bodies:
    """The contents of all slots, indexed by the digests they lack."""

    __slots__ = ("_log", "_pool", "wanted")

    def __init__(self, log: SlotLog, pool: Pool) -> None:
        self._log = log
        self._pool = pool
        self.wanted: dict[bytes, None] = {}

    def add(self, slot: Slot, batch: Batch, digest: bytes) -> Content:
        """Give a slot the content of a batch it names."""
        known = slot.contents.get(digest)
        if known is not None:
            return known
        content = slot.contents[digest] = Content(batch, digest, self._pool.get)
        for name in content.lacking:
            self.wanted[name] = None
            if name in self._pool.invalid:
                content.invalid = True
        if content.invalid:
            self.tidy()
        return content

    def add_null(self, slot: Slot) -> None:
        """Give a slot the content of the null request."""
        self.add(slot, NULL_BATCH, NULL_DIGEST)

    def supply(self, name: bytes, body: Transaction) -> list[Slot]:
        """A body is here and valid; return the slots it settles: whole now, or too large."""
        if name not in self.wanted:
            return []
        del self.wanted[name]
        settled = [
            (slot, content)
            for slot in self._log
            for content in slot.contents.values()
            if content.supply(name, body)
        ]
        if any(content.invalid for _, content in settled):
            self.tidy()
        return [slot for slot, _ in settled]

    def fail(self, name: bytes) -> list[Slot]:
        """A body is no valid transaction; return the slots whose batch names it."""
        if name not in self.wanted:
            return []
        spoilt = []
        for slot in self._log:
            for content in slot.contents.values():
                if name in content.lacking:
                    content.invalid = True
                    spoilt.append(slot)
        return spoilt

    def take_batch(self, batch: Batch) -> list[Slot]:
        """Take a batch that was asked for; return the slots that named it."""
        digest = batch.digest()
        found = []
        for slot in self._log:
            if digest in slot.needed() and digest not in slot.contents:
                self.add(slot, batch, digest)
                found.append(slot)
        return found

    def tidy(self) -> None:
        """Forget what no slot lacks any more, after slots or contents were dropped."""
        if not self.wanted:
            return
        self.wanted = {
            name: None
            for slot in self._log
            for content in slot.contents.values()
            if not content.invalid
            for name in content.lacking
        }

    def missing(self, above: int) -> tuple[bytes, bytes]:
        """Return the digests of batches and of bodies to ask for, for slots above a height;
        bounded.
        """
        batches: dict[bytes, None] = {}
        names: dict[bytes, None] = {}
        for slot in self._log:
            if slot.sequence <= above:
                continue
            for digest in slot.needed():
                content = slot.contents.get(digest)
                if content is None:
                    batches[digest] = None
                    continue
                if content.invalid:
                    continue
                for name in content.lacking:
                    if name not in self._pool.entries and name not in self._pool.invalid:
                        names[name] = None
            if len(batches) >= BATCHES_MAX or len(names) >= FETCH_MAX:
                break
        return b"".join(list(batches)[:BATCHES_MAX]), b"".join(list(names)[:FETCH_MAX])

    def find_raw(self, name: bytes) -> bytes | None:
        """Return the bytes of a body that the pool or some slot holds."""
        raw = self._pool.raw(name)
        if raw is None:
            for slot in self._log:
                for content in slot.contents.values():
                    if name in content.bodies:
                        return content.bodies[name].raw
        return raw

    def find_batch(self, digest: bytes) -> Batch | None:
        """Return a batch that some slot holds."""
        for slot in self._log:
            content = slot.contents.get(digest)
            if content is not None:
                return content.batch
        return None
