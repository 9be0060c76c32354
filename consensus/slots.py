"""The log between the watermarks: per sequence the proposal, the votes, what is prepared and what
is decided.

Invariants: of each member at most one PREPARE and one COMMIT per slot, of its highest view
(R-RS-1); slots exist only for low < sequence ≤ low + 2·window: one window to vote in, one to
buffer for a lagging low mark (R-CP-1, R-TL-9); the prepared certificate of the highest view is
kept until the slot is stable (R-VC-10). What it is not: deciding when to vote (ordering.py).
Source: PBFT 4.2, 4.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from consensus.epoch import PREPARE, Seat
from consensus.messages import (
    Batch,
    Commit,
    Committed,
    Prepare,
    PreparedCertificate,
    PrePrepare,
    Seal,
)
from ledger.limits import BLOCK_SIZE_MAX
from ledger.transaction import Transaction

__all__ = ["Content", "Proposed", "Slot", "SlotLog", "Vote"]


@dataclass(frozen=True, slots=True)
class Vote:
    """A member's verified PREPARE or COMMIT."""

    view: int
    digest: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Proposed:
    """The accepted pre-prepare of the current view."""

    view: int
    digest: bytes
    signature: bytes


class Content:
    """A batch and its bodies as they arrive. `lacking` holds the digests without a checked body."""

    __slots__ = ("batch", "bodies", "digest", "invalid", "lacking", "names", "size")

    def __init__(
        self, batch: Batch, digest: bytes, find: Callable[[bytes], Transaction | None]
    ) -> None:
        self.batch = batch
        self.digest = digest
        self.names = batch.names()
        self.bodies: dict[bytes, Transaction] = {}
        self.lacking: dict[bytes, None] = {}
        self.invalid = False
        self.size = 0  # bytes of the bodies that are here
        for name in self.names:
            body = find(name)
            if body is None:
                self.lacking[name] = None
            else:
                self._take(name, body)

    def supply(self, name: bytes, body: Transaction) -> bool:
        """Take a body; return whether this settles the batch: whole now, or found too large."""
        if self.invalid or name not in self.lacking:
            return False
        del self.lacking[name]
        return self._take(name, body) or not self.lacking

    def _take(self, name: bytes, body: Transaction) -> bool:
        """Hold a body; return whether the batch is now known to be too large.

        Too large whatever else it names: known before the rest is fetched and held (R-RS-3).
        """
        self.bodies[name] = body
        self.size += len(body.raw)
        if self.size > BLOCK_SIZE_MAX:
            self.invalid = True
        return self.invalid

    def transactions(self) -> tuple[Transaction, ...]:
        """Return the bodies in order; only when none lacks."""
        bodies = self.bodies
        return tuple([bodies[name] for name in self.names])


class Slot:
    """One sequence."""

    __slots__ = (
        "commit_view",
        "commits",
        "contents",
        "decided",
        "newest_record",
        "oldest_record",
        "prepared",
        "prepares",
        "proposed",
        "sequence",
        "touched",
    )

    def __init__(self, sequence: int, tick: int) -> None:
        self.sequence = sequence
        self.proposed: Proposed | None = None
        self.prepares: dict[int, Vote] = {}
        self.commits: dict[int, Vote] = {}
        self.contents: dict[bytes, Content] = {}
        self.prepared: PreparedCertificate | None = None
        self.decided: Committed | None = None
        self.commit_view = -1  # the view of the own COMMIT, durable or about to be
        self.oldest_record = 0  # records this slot still needs after a restart; 0 for none
        self.newest_record = 0
        self.touched = tick  # when its votes were last sent

    def votes(self, kind: str) -> dict[int, Vote]:
        """Return the votes of a kind, by the place of the member."""
        return self.prepares if kind == PREPARE else self.commits

    def add(self, kind: str, member: int, vote: Vote) -> Vote | None:
        """Keep a vote if it is of a newer view; return the one it contradicts, if it does."""
        votes = self.votes(kind)
        known = votes.get(member)
        if known is None or known.view < vote.view:
            votes[member] = vote
            return None
        if known.view == vote.view and known.digest != vote.digest:
            return known
        return None

    def seals(
        self, kind: str, view: int, digest: bytes, count: int, but: int = -1
    ) -> tuple[Seal, ...]:
        """Return `count` matching votes of distinct members, lowest places first, or () if there
        are fewer.
        """
        votes = self.votes(kind)
        matching = [
            Seal(member, votes[member].signature)
            for member in sorted(votes)
            if member != but and votes[member].view == view and votes[member].digest == digest
        ]
        return tuple(matching[:count]) if len(matching) >= count else ()

    def content(self) -> Content | None:
        """Return the content of the current proposal, if it is known."""
        return None if self.proposed is None else self.contents.get(self.proposed.digest)

    def stored(self, number: int) -> None:
        """Note a record of this slot."""
        self.newest_record = number
        if not self.oldest_record:
            self.oldest_record = number

    def own_words(self, seat: Seat) -> list[PrePrepare | Prepare | Commit]:
        """Return what this member says of the current proposal, in its view."""
        proposed, content = self.proposed, self.content()
        if proposed is None:
            return []
        place = (seat.epoch, proposed.view, self.sequence)
        words: list[PrePrepare | Prepare | Commit] = []
        if seat.primary(proposed.view) == seat.index and content is not None:
            words.append(PrePrepare(*place, content.batch, proposed.signature))
        for kind, votes in ((Prepare, self.prepares), (Commit, self.commits)):
            own = votes.get(seat.index)
            if own is not None and own.view == proposed.view:
                words.append(kind(*place, own.digest, own.signature))
        return words

    def needed(self) -> dict[bytes, None]:
        """Return the digests of the batches that still matter: proposed, prepared, decided."""
        digests: dict[bytes, None] = {}
        if self.proposed is not None:
            digests[self.proposed.digest] = None
        if self.prepared is not None:
            digests[self.prepared.digest] = None
        if self.decided is not None:
            digests[self.decided.batch.digest()] = None
        return digests

    def prune(self) -> None:
        """Let go of contents that no longer matter (bounded whatever the views bring)."""
        needed = self.needed()
        self.contents = {digest: one for digest, one in self.contents.items() if digest in needed}


class SlotLog:
    """The slots between the low mark and the buffering mark."""

    __slots__ = ("_slots", "low", "window")

    def __init__(self, low: int, window: int) -> None:
        self.low = low
        self.window = window
        self._slots: dict[int, Slot] = {}

    @property
    def high(self) -> int:
        """The last sequence that may be voted for."""
        return self.low + self.window

    def holds(self, sequence: int) -> bool:
        """Say whether votes of a sequence are kept: above the low mark, at most two windows up."""
        return self.low < sequence <= self.low + 2 * self.window

    def get(self, sequence: int) -> Slot | None:
        """Return a slot that exists."""
        return self._slots.get(sequence)

    def open(self, sequence: int, tick: int) -> Slot:
        """Return the slot of a sequence, new if need be."""
        slot = self._slots.get(sequence)
        if slot is None:
            slot = self._slots[sequence] = Slot(sequence, tick)
        return slot

    def __iter__(self) -> Iterator[Slot]:
        for sequence in sorted(self._slots):
            yield self._slots[sequence]

    def __len__(self) -> int:
        return len(self._slots)

    def drop_to(self, sequence: int) -> list[Slot]:
        """Remove and return the slots up to a sequence."""
        gone = [number for number in sorted(self._slots) if number <= sequence]
        return [self._slots.pop(number) for number in gone]

    def drop_between(self, above: int, upto: int) -> list[Slot]:
        """Remove and return the slots above a sequence and up to another."""
        gone = [number for number in sorted(self._slots) if above < number <= upto]
        return [self._slots.pop(number) for number in gone]

    def raise_low(self, low: int) -> None:
        """Move the low mark up; never down."""
        self.low = max(self.low, low)
