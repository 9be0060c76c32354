"""Chance from a seed, the same on every Python: only `getrandbits`, and one child stream per
concern.

Adding a draw to one concern (network, disk, plan, adversary) shifts no other.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

item_ = TypeVar("item_")


class Dice:
    """A named stream of numbers of a seed."""

    def __init__(self, seed: int, name: str) -> None:
        material = blake2b(f"{seed}/{name}".encode(), digest_size=16).digest()
        self._bits = random.Random(int.from_bytes(material, "big")).getrandbits

    def below(self, bound: int) -> int:
        """A number from 0 to bound − 1 (a bias of 2^-32 does not matter here)."""
        return (self._bits(48) * bound) >> 48

    def between(self, least: int, most: int) -> int:
        """A number from least to most, both included."""
        return least + ((self._bits(48) * (most - least + 1)) >> 48)

    def chance(self, permille: int) -> bool:
        """True that often in a thousand."""
        return permille > 0 and self._bits(48) * 1_000 >> 48 < permille

    def pick(self, items: Sequence[item_]) -> item_:
        """One of the items."""
        return items[self.below(len(items))]

    def shuffled(self, items: Sequence[item_]) -> list[item_]:
        """The items in some order."""
        rest = list(items)
        return [rest.pop(self.below(len(rest))) for _ in range(len(items))]

    def bytes(self, size: int) -> bytes:
        """Some bytes."""
        return self._bits(8 * size).to_bytes(size, "big")
