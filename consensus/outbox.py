"""What a machine has to say, in order; and what it may not say before a record is durable.

The one place of "signed, then durable, then sent" (R-DW-1): `send_after` keeps a message until
Stored names its record. A member's own COMMIT counts for itself only from then on, too: a decision
must not rest on a word that a power cut could take back.
"""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

from consensus.effects import Discard, Send, Store
from ledger.errors import InvariantViolated

__all__ = ["Outbox"]

effect_ = TypeVar("effect_")
own_ = TypeVar("own_")


class Outbox(Generic[effect_, own_]):
    """Effects of the current step, and sends that wait for their record."""

    __slots__ = ("_discarded", "_effects", "_held", "_number", "_stored")

    def __init__(self, last_number: int) -> None:
        self._number = last_number
        self._stored = last_number
        self._discarded = 0
        self._effects: list[effect_ | Store | Send | Discard] = []
        self._held: deque[tuple[int, Send | Discard | own_]] = deque()

    def emit(self, effect: effect_) -> None:
        """Add an effect."""
        self._effects.append(effect)

    def store(self, record: bytes) -> int:
        """Add a Store and return its number."""
        self._number += 1
        self._effects.append(Store(self._number, record))
        return self._number

    def discard_after(self, number: int, below: int) -> None:
        """Say that records before `below` are needed no more, once `number` is durable."""
        if below > self._discarded:
            self._discarded = below
            self._held.append((number, Discard(below)))

    def send(self, to: tuple[str, ...], data: bytes) -> None:
        """Send what depends on no record."""
        if to:
            self._effects.append(Send(to, data))

    def send_after(self, number: int, to: tuple[str, ...], data: bytes) -> None:
        """Send once the record of that number is durable."""
        if not to:
            return
        send = Send(to, data, number)
        if number <= self._stored:
            self._effects.append(send)
        else:
            self._held.append((number, send))

    def send_again(self, number: int, to: tuple[str, ...], data: bytes) -> None:
        """Repeat a word. Nothing while its record is not durable: what is held leaves by itself,
        and a disk that hangs would fill the memory with copies (R-RS-1).
        """
        if to and number <= self._stored:
            self._effects.append(Send(to, data, number))

    def count_after(self, number: int, own: own_) -> None:
        """Return `own` from `stored` once the record of that number is durable."""
        self._held.append((number, own))

    def stored(self, number: int) -> list[own_]:
        """Release what waited for records up to `number`; return the own words that now count.

        Raises: InvariantViolated for a number never given out.
        """
        if number > self._number:
            raise InvariantViolated(f"record {number} was never stored")
        self._stored = max(self._stored, number)
        own: list[own_] = []
        while self._held and self._held[0][0] <= self._stored:
            waiting = self._held.popleft()[1]
            if isinstance(waiting, Send | Discard):
                self._effects.append(waiting)
            else:
                own.append(waiting)
        return own

    def take(self) -> list[effect_ | Store | Send | Discard]:
        """Return the effects of this step."""
        effects, self._effects = self._effects, []
        return effects
