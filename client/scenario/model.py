"""What a scenario is made of: phases of steps, each a call with the code it must end with.

Invariant: the calls of one phase do not depend on each other, except on those of earlier phases; a
driver may send a phase in one piece, and must wait for it before the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from client.calls import ACCEPTED, Call

__all__ = ["Dice", "Phase", "Scenario", "Step", "supplies"]


@dataclass(frozen=True, slots=True)
class Step:
    """A call and the code that its result must have ("accepted", or the refusal that the story is
    about).
    """

    call: Call
    expected: str = ACCEPTED


@dataclass(frozen=True, slots=True)
class Phase:
    """A titled part of the story."""

    key: str
    title_zh: str
    title_en: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """All phases in order, and what is shown at the end."""

    phases: tuple[Phase, ...]
    featured_donation: str  # the id of the donation whose timeline a donor asks for
    featured_dataset: str
    featured_pairs: tuple[
        tuple[str, bytes], ...
    ]  # (grant, handle) of one citizen, one per grant of the data set

    @property
    def calls(self) -> int:
        """How many calls all phases have."""
        return sum(len(phase.steps) for phase in self.phases)


class Dice:
    """A small reproducible generator (64-bit linear congruence, Knuth's MMIX constants); not for
    secrets.
    """

    def __init__(self, seed: int) -> None:
        self._state: int = seed & _MASK

    def below(self, bound: int) -> int:
        """A number in [0, bound)."""
        self._state = (self._state * 6364136223846793005 + 1442695040888963407) & _MASK
        return (self._state >> 33) % bound

    def pick(self, weights: tuple[int, ...]) -> int:
        """An index, in proportion to its weight."""
        left = self.below(sum(weights))
        for index, weight in enumerate(weights):
            if left < weight:
                return index
            left -= weight
        return len(weights) - 1


_MASK: Final = (1 << 64) - 1


def supplies(function: str, account: str, /, *more: str, **arguments: Any) -> Step:
    """A step of the supplies contract, signed by `account` (and `more`), that must be accepted."""
    return Step(Call("supplies", function, arguments, (account, *more)))
