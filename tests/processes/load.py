"""Clients that keep giving while members change and die; what they were told is kept for judging.

Each donation goes from member to member until one says that it is certified. Whoever is told so
must find it for ever, at every member.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

import httpx

from ledger.codec import encode
from ledger.transaction import Transaction
from tests.processes.consortium import Consortium, until

__all__ = ["Load"]

CLIENTS = 3
ANSWER_S = 8.0  # then another member is asked; one that is frozen takes connections for ever
PAUSE_S = 0.05  # between two requests of a client


class Load:
    """Use in a `with`; `seats` may be replaced at any time."""

    def __init__(self, consortium: Consortium, seats: tuple[str, ...]) -> None:
        self._consortium = consortium
        self.seats = seats
        self.certified: dict[str, tuple[int, int]] = {}  # transaction id -> (height, index)
        self.receipts: dict[str, str] = {}  # and its receipt, a bundle
        self._over = threading.Event()
        self._pool = ThreadPoolExecutor(CLIENTS)

    def __enter__(self) -> Load:
        self._running = [self._pool.submit(self._client, number) for number in range(CLIENTS)]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._over.set()
        self._pool.shutdown()
        if kind is None:
            for one in self._running:
                one.result()

    def fresh(self, count: int) -> None:
        """Wait for so many more certified donations."""
        told = len(self.certified)
        until(
            lambda: self._died() or len(self.certified) >= told + count,
            f"{count} more donations than {told}",
        )

    def _died(self) -> bool:
        for one in self._running:
            if one.done():
                one.result()
        return False

    def _client(self, number: int) -> None:
        count = 0
        while not self._over.wait(PAUSE_S):
            count += 1
            self._give(self._consortium.receipt(f"c{number}-{count}"), number + count)

    def _give(self, donation: Transaction, turn: int) -> None:
        """Send one donation to member after member until it is certified."""
        while not self._over.is_set():
            seats, turn = self.seats, turn + 1
            try:
                response = self._consortium.post(
                    seats[turn % len(seats)], encode([donation.raw]), "?receipt=true", ANSWER_S
                )
            except httpx.HTTPError:
                continue  # this one is down: the next
            if response.status_code == 200:
                (answer,) = response.json()["transactions"]
                if answer["status"] == "certified":
                    assert answer["result"]["code"] == "accepted", answer
                    self.receipts[answer["id"]] = answer["receipt"]
                    self.certified[answer["id"]] = (answer["height"], answer["index"])
                    return
            self._over.wait(PAUSE_S)
