"""What the importer knows to be held: the lots that the ledger accepted, oldest first, per product.

It plans draws and takes them; the ledger remains the judge, since every planned draw is proposed
there. A draw is whole or refused: a distribution is never cut to what happens to be there, and no
lot is invented.

A row that states a pack, or counts pieces, draws base units. A row that counts cartons and does not
say what one holds takes whole cartons as they came, each at the content its own receipt states.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from client.redcross.master import Placed, same_words

__all__ = ["Draw", "Lot", "Shortage", "Stock"]


@dataclass(slots=True)
class Lot:
    """One accepted lot; `held` is what has not been drawn, in base units."""

    identity: str
    row: str
    date: str  # the day it counts as received, ISO
    placed: Placed
    held: int


@dataclass(frozen=True, slots=True)
class Draw:
    """Lots and base units that together are what a row asks for."""

    lots: tuple[tuple[Lot, int], ...]


@dataclass(frozen=True, slots=True)
class Shortage:
    """Why a row cannot be drawn. `asked` and `held` count `unit` (its own, or base units)."""

    code: str  # nothing-received, wrong-unit, more-than-held
    unit: str
    asked: int
    held: int
    behind: tuple[str, ...]  # receipts of the product, in the order received
    note: str


class Stock:
    """Lots by product, in the order in which they were added: the caller adds them by date."""

    def __init__(self) -> None:
        self._lots: Final[dict[str, list[Lot]]] = {}

    def add(self, lot: Lot) -> None:
        """Hold a lot that the ledger has accepted."""
        self._lots.setdefault(lot.placed.product, []).append(lot)

    def plan(self, demand: Placed, count: int) -> Draw | Shortage:
        """The oldest lots that make up `count` units of `demand`, or why there are none. Changes
        nothing.
        """
        lots = self._lots.get(demand.product, [])
        if not lots:
            return Shortage("nothing-received", demand.unit, count, 0, (), "")
        behind = tuple(lot.row for lot in lots)
        fitting = [lot for lot in lots if _compatible(lot.placed.variant, demand.variant)]
        if not fitting:
            variants = ", ".join(dict.fromkeys(lot.placed.variant for lot in lots))
            note = f"received under this name only as {variants}"[:300]
            return Shortage("nothing-received", demand.unit, count, 0, behind, note)
        fitting.sort(
            key=lambda lot: lot.placed.variant != demand.variant
        )  # stable: oldest first in each
        if demand.stated:
            left, size, unit = count * demand.factor, 1, demand.base
        else:
            left, size, unit = count, demand.factor, demand.unit
        asked = left
        taken: list[tuple[Lot, int]] = []
        units = False
        for lot in fitting:
            per = _units_per(lot, demand, size)
            if per == 0:
                continue
            units = True
            whole = min(left, lot.held // per)
            if whole:
                taken.append((lot, whole * per))
                left -= whole
            if left == 0:
                return Draw(tuple(taken))
        if units:
            return Shortage("more-than-held", unit, asked, asked - left, behind, "")
        words = ", ".join(dict.fromkeys(lot.placed.unit + lot.placed.label for lot in fitting))
        note = f"received only in {words}; no factor to {unit} is stated"[:300]
        return Shortage("wrong-unit", unit, asked, 0, behind, note)

    @staticmethod
    def take(draw: Draw) -> None:
        """Remove what a draw names."""
        for lot, quantity in draw.lots:
            lot.held -= quantity

    @staticmethod
    def give_back(draw: Draw) -> None:
        """Undo `take` for a draw that the ledger refused."""
        for lot, quantity in draw.lots:
            lot.held += quantity


def _compatible(received: str, asked: str) -> bool:
    """Equal variants, or one side does not state any; two stated and different variants are two
    things.
    """
    return received == asked or not received or not asked


def _units_per(lot: Lot, demand: Placed, size: int) -> int:
    """Base units of `lot` in one unit of the demand; 0 where they do not convert."""
    if lot.placed.base == demand.base:
        return size
    if demand.stated or not lot.placed.stated:
        return 0
    words = same_words(demand.product, demand.unit)
    return lot.placed.factor if lot.placed.unit in words else 0
