"""Who waits for which transaction: from submission to a certified receipt.

A client is told "certified" only when its block stands under a checkpoint cosigned by q members.
Every waiter is released exactly once: with its place, with the code under which the engine refused
to order it, or with None when this member can say no more (it has halted).

Invariant: nothing is kept of a transaction once nobody waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from ledger.transaction import Transaction

__all__ = ["WAITING_MAX", "Outcome", "Waiting"]

WAITING_MAX: Final = 40_000  # transactions of clients waiting at one member; beyond it, 429

Outcome = tuple[int, int] | str | None
"""(height, index) of a certified transaction; the code under which it was not ordered; None when
its fate is not known here.
"""

_Future = asyncio.Future[Outcome]


class Waiting:
    """Waiters by transaction id, and the executed heights that await their certificate."""

    def __init__(self) -> None:
        # Two bytes-strings may carry one id (signatures are outside it): a refusal is of one of
        # them, a place is of the id.
        self._waiters: dict[bytes, list[tuple[bytes, _Future]]] = {}
        self._identities: dict[bytes, bytes] = {}
        self._executed: dict[int, list[tuple[bytes, int]]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def wait(self, transaction: Transaction, place: tuple[int, int] | None = None) -> _Future:
        """Return a future that is released when the transaction is certified or refused.

        `place` is where it was executed, when that is so already: its block awaits a certificate.
        """
        future: _Future = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(transaction.id, []).append((transaction.digest, future))
        self._identities[transaction.digest] = transaction.id
        self._count += 1
        if place is not None:
            self._executed.setdefault(place[0], []).append((transaction.id, place[1]))
        return future

    def forget(self, transaction: Transaction, future: _Future) -> None:
        """Drop one waiter that gave up."""
        waiters = self._waiters.get(transaction.id, [])
        kept = [each for each in waiters if each[1] is not future]
        self._count -= len(waiters) - len(kept)
        self._keep(transaction.id, transaction.digest, kept)

    def executed(self, height: int, transactions: Sequence[Transaction]) -> None:
        """Note at which place of an executed block the awaited transactions stand."""
        waited = self._waiters
        if not waited:
            return
        places = [(t.id, index) for index, t in enumerate(transactions) if t.id in waited]
        if places:
            self._executed.setdefault(height, []).extend(places)

    def certified(self, height: int) -> None:
        """Release everyone whose block is at or below a certified height."""
        for ready in sorted(h for h in self._executed if h <= height):
            for identity, index in self._executed.pop(ready):
                self._release(identity, (ready, index))

    def refused(self, digests: Sequence[bytes], code: str) -> None:
        """Release the waiters of transactions that the engine will not order."""
        for digest in digests:
            identity = self._identities.get(digest)
            if identity is None:
                continue
            waiters = self._waiters.get(identity, [])
            for each, future in waiters:
                if each == digest:
                    self._set(future, code)
            self._keep(identity, digest, [each for each in waiters if each[0] != digest])

    def abandon(self) -> None:
        """Release everyone with None: this member will hear of no certificate any more."""
        for identity in list(self._waiters):
            self._release(identity, None)
        self._executed.clear()

    def _keep(self, identity: bytes, digest: bytes, waiters: list[tuple[bytes, _Future]]) -> None:
        if waiters:
            self._waiters[identity] = waiters
        else:
            self._waiters.pop(identity, None)
        if not any(each == digest for each, _ in waiters):
            self._identities.pop(digest, None)

    def _release(self, identity: bytes, outcome: Outcome) -> None:
        for digest, future in self._waiters.pop(identity, []):
            self._identities.pop(digest, None)
            self._set(future, outcome)

    def _set(self, future: _Future, outcome: Outcome) -> None:
        self._count -= 1
        if not future.done():
            future.set_result(outcome)
