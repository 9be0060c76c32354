"""Whom the next piece of a snapshot is asked of, and who is not asked any more.

All sources give the same bytes, so any of them will do. Each is asked again PATIENCE times its last
answer's time after that answer was asked for: those that are quick share the work, one that is slow
costs a fifth of the time at most, and none is forgotten for so long that it lets the height go.
Who shows something false, or twice nothing at all, is left out of this fetching and reported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

__all__ = ["PATIENCE", "STRIKES_MAX", "Sources"]

PATIENCE: Final = 4.0
STRIKES_MAX: Final = 2  # questions of one member unanswered in a row, before it is left out


class Sources:
    """The members that hold the height being fetched. Times are seconds of the loop's clock."""

    def __init__(self, report: Callable[[str, str], None]) -> None:
        """`report` hears of whoever is left out, and why."""
        self._report = report
        self._due: dict[str, float] = {}
        self._strikes: dict[str, int] = {}
        self.left_out: set[str] = set()

    def __len__(self) -> int:
        """Number of members that hold the height."""
        return len(self._due)

    def __contains__(self, peer: object) -> bool:
        return peer in self._due

    def clear(self) -> None:
        """Begin another height: who holds it is not known yet; who is left out remains so."""
        self._due.clear()

    def add(self, peer: str) -> None:
        """Take a member that holds the height, unless it is left out."""
        if peer not in self.left_out:
            self._due.setdefault(peer, 0.0)

    def remove(self, peer: str) -> None:
        """Take note that a member does not hold the height any more."""
        self._due.pop(peer, None)

    def by_turn(self) -> list[str]:
        """Return the sources, the one to ask next first."""
        return sorted(self._due, key=lambda peer: self._due[peer])

    def answered(self, peer: str, asked: float, now: float) -> None:
        """Take note of an answer that was true."""
        self._strikes.pop(peer, None)
        self._ask_again(peer, asked, now)

    def late(self, peer: str, asked: float, now: float) -> None:
        """Take note of a question that got no answer in time."""
        self._strikes[peer] = self._strikes.get(peer, 0) + 1
        if self._strikes[peer] >= STRIKES_MAX:
            self.leave_out(peer, "does not answer")
        else:
            self._ask_again(peer, asked, now)

    def _ask_again(self, peer: str, asked: float, now: float) -> None:
        if peer in self._due:
            self._due[peer] = asked + PATIENCE * (now - asked)

    def leave_out(self, peer: str, why: str) -> None:
        """Ask a member for nothing more, whatever height is fetched."""
        self.left_out.add(peer)
        self.remove(peer)
        self._report(peer, why)
