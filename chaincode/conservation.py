"""The counters of every lot recomputed from events alone, and compared with the records.

A pure function over leaves: give it the complete log of one lot, or the leaves of all; an event
that stands in several logs counts once. It knows what each kind of event moves, and nothing of how
the contract keeps its records, so a mistake there shows here. Source: DESIGN section 5, first
invariant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ledger.leaf import Leaf

__all__ = ["COUNTERS", "Mismatch", "Movement", "compare", "movements", "recount"]

COUNTERS: Final = (
    "received",
    "in_stock",
    "reserved",
    "in_transit",
    "delivered",
    "used",
    "destroyed",
    "declared_loss",
    "transformed_in",
    "transformed_out",
)
_CAME: Final = ("received", "transformed_in")
_CONTRACT: Final = "supplies"


@dataclass(frozen=True, slots=True)
class Movement:
    """Base units of a lot leave one counter for another; without a source they come in."""

    lot: str
    source: str | None
    target: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A counter whose record and recount differ, or one below zero (then nothing is recorded)."""

    lot: str
    counter: str
    recorded: int | None
    recounted: int


def movements(leaf: Leaf) -> Iterator[Movement]:
    """Give what an event of supplies moves; kinds that move nothing give nothing."""
    body = leaf.body
    if leaf.kind == "received":
        for path, quantity in leaf.outputs:
            yield Movement(path.id, None, "in_stock", quantity)
    elif leaf.kind == "receipt_corrected":
        change = body["new"]["quantity"] - body["old"]["quantity"]
        yield Movement(body["lot"], None, "in_stock", change)
    elif leaf.kind == "proposed":
        for path, quantity in leaf.inputs:
            yield Movement(path.id, "in_stock", "reserved", quantity)
    elif leaf.kind == "rejected":
        yield from _each(body["lots"], "reserved", "in_stock")
    elif leaf.kind == "shipped":
        yield from _each(body["lots"], "reserved", "in_transit")
    elif leaf.kind == "handed_over":
        yield from _each(body["counted"], "in_transit", "delivered")
    elif leaf.kind == "hand_over_corrected":
        yield from _each(body["from_transit"], "in_transit", "delivered")
        yield from _each(body["from_stock"], "in_stock", "delivered")
    elif leaf.kind == "loss_declared":
        yield Movement(body["lot"], "in_transit", "declared_loss", body["quantity"])
    elif leaf.kind == "used":
        yield Movement(body["lot"], "delivered", "used", body["quantity"])


def recount(leaves: Iterable[Leaf]) -> tuple[dict[str, dict[str, int]], list[Mismatch]]:
    """Return every lot's counters, and each fall below zero on the way. Leaves may come in any
    order.
    """
    events: dict[tuple[int, int, int], Leaf] = {}
    for leaf in leaves:
        if leaf.contract == _CONTRACT:
            events[leaf.position] = leaf
    counters: dict[str, dict[str, int]] = {}
    negative: list[Mismatch] = []
    for position in sorted(events):
        for movement in movements(events[position]):
            lot = counters.setdefault(movement.lot, dict.fromkeys(COUNTERS, 0))
            source = "received" if movement.source is None else movement.source
            lot[source] += movement.quantity if movement.source is None else -movement.quantity
            lot[movement.target] += movement.quantity
            negative.extend(
                Mismatch(movement.lot, counter, None, lot[counter])
                for counter in (source, movement.target)
                if lot[counter] < 0
            )
    return counters, negative


def compare(leaves: Iterable[Leaf], records: Mapping[str, Any]) -> list[Mismatch]:
    """Return every difference between the recount and the lots' records (id to supplies Lot), and
    imbalance.

    Empty means: per lot, each counter is what the events say, none was ever below zero, and they
    balance.
    """
    counters, found = recount(leaves)
    for lot, record in records.items():
        mine = counters.get(lot, dict.fromkeys(COUNTERS, 0))
        for counter in COUNTERS:
            recorded = getattr(record, counter)
            if recorded != mine[counter]:
                found.append(Mismatch(lot, counter, recorded, mine[counter]))
        came = sum(getattr(record, counter) for counter in _CAME)
        there = sum(getattr(record, counter) for counter in COUNTERS if counter not in _CAME)
        if came != there:
            found.append(Mismatch(lot, "balance", came, there))
    return found


def _each(lots: Iterable[tuple[str, int]], source: str, target: str) -> Iterator[Movement]:
    for lot, quantity in lots:
        yield Movement(lot, source, target, quantity)
