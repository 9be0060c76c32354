"""Taking transactions in: from the own node, checked; from others, to be checked; spread to all.

What it is not: the pool, which bounds and orders them; a judge of signatures, which it asks for by
`Check`. Source: PBFT 4.1, DESIGN section 2 (the engine owns the pool).
"""

from __future__ import annotations

from collections.abc import Sequence

from consensus.catch_up import portions
from consensus.effects import Check, Effect, Refused
from consensus.epoch import Seat
from consensus.inputs import Carried, Checked
from consensus.messages import Commit, Transactions, encode
from consensus.ordering import Ordering
from consensus.outbox import Outbox
from consensus.pool import Pool
from ledger.errors import InvariantViolated
from ledger.transaction import Transaction

__all__ = ["Intake"]


class Intake:
    """The door of the pool, and the slots that wait for what comes through it."""

    __slots__ = ("_checks", "_ordering", "_outbox", "_pool", "_seat", "_token")

    def __init__(
        self, seat: Seat, outbox: Outbox[Effect, Commit], pool: Pool, ordering: Ordering
    ) -> None:
        self._seat = seat
        self._outbox = outbox
        self._pool = pool
        self._ordering = ordering
        self._token = 0
        self._checks: dict[int, list[bytes]] = {}  # token -> digests under way to be checked

    def submit(self, transactions: Sequence[Transaction], tick: int) -> None:
        """Take checked transactions of the own node, and spread those that are new."""
        new, refused = self._pool.submit(transactions, self._seat.me, tick)
        if refused:
            self._outbox.emit(Refused(tuple(refused), "pool-full"))
        for portion in portions([one.raw for one in new]):
            self._outbox.send(self._seat.others(), encode(Transactions(portion)))
        for one in new:
            self._supply(one.digest, one)

    def take_over(self, carried: Carried) -> None:
        """Begin with what the epoch before left. Each member spreads what its own clients brought:
        who is new has none of it.
        """
        taken = self._pool.take_over(carried.pending, carried.ordered)
        own = {digest for digest, one in self._pool.entries.items() if one.source == self._seat.me}
        for portion in portions([one.raw for one in taken if one.digest in own]):
            self._outbox.send(self._seat.others(), encode(Transactions(portion)))

    def take_in(self, sender: str, raws: Sequence[bytes], tick: int) -> None:
        """Take bodies of another member, and ask for their signatures to be checked."""
        new = self._pool.take_in(raws, sender, tick, self._ordering.bodies.wanted)
        if new:
            self._token += 1
            self._checks[self._token] = [digest for digest, _ in new]
            self._outbox.emit(Check(self._token, tuple([raw for _, raw in new])))

    def checked(self, event: Checked) -> None:
        """Hear which were valid. Raises: InvariantViolated for an answer nobody asked for."""
        digests = self._checks.pop(event.token, None)
        if digests is None or len(digests) != len(event.transactions):
            raise InvariantViolated(f"check {event.token} was not asked, or not answered in full")
        for digest, transaction in zip(digests, event.transactions, strict=True):
            if transaction is not None:
                if digest in self._pool.ordered:
                    # Executed already: a slot wants it for a vote, nobody waits for it again.
                    self._pool.forget((digest,))
                else:
                    self._pool.check_done(digest, transaction)
                self._supply(digest, transaction)
                continue
            self._pool.check_failed(digest)
            for slot in self._ordering.bodies.fail(digest):
                self._ordering.advance(slot)

    def _supply(self, digest: bytes, body: Transaction) -> None:
        for slot in self._ordering.bodies.supply(digest, body):
            self._ordering.advance(slot)
