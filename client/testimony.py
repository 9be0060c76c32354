"""What members say without proof: one of them may lie, f + 1 of them cannot all.

A refusal at the door, a problem that ends a question, a result that is not final: none of these has
a proof. So each is the word of the member asked, and is believed when f + 1 addresses say the same,
or when whoever can be reached has spoken (`session` knows when that is).

What it is not: a vote of members by key. Addresses stand for members; whoever is given only
addresses of liars hears only lies, and is told no more than that.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

__all__ = ["Doubtful", "Testimony"]

T = TypeVar("T")


class Doubtful(Exception):
    """A reader's way to say: an answer, but no proof. `matter` is what others must say alike."""

    def __init__(self, matter: str, answer: Any) -> None:
        super().__init__(matter)
        self.matter = matter
        self.answer = answer


class Testimony(Generic[T]):
    """What was said of one question by each address; a later word replaces an earlier one."""

    __slots__ = ("_needed", "_said")

    def __init__(self, needed: int) -> None:
        self._needed = needed
        self._said: dict[str, tuple[str, T]] = {}

    def __bool__(self) -> bool:
        return bool(self._said)

    def __contains__(self, url: str) -> bool:
        return url in self._said

    def hear(self, url: str, matter: str, answer: T) -> None:
        """Take down what an address says; `matter` is what others must say alike."""
        self._said[url] = (matter, answer)

    @property
    def agreed(self) -> bool:
        """Whether enough addresses say the same."""
        return bool(self._said) and max(self._counts().values()) >= self._needed

    @property
    def prevailing(self) -> T:
        """What most say; among equals, what was said first. ValueError when nobody spoke."""
        most = self.matter
        return next(answer for matter, answer in self._said.values() if matter == most)

    @property
    def matter(self) -> str:
        """What the prevailing word is about. Raises: ValueError when nobody spoke."""
        counts = self._counts()
        return max(counts, key=lambda matter: counts[matter])

    def _counts(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for matter, _ in self._said.values():
            counts[matter] = counts.get(matter, 0) + 1
        return counts
