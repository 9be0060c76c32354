"""Balances computed from the rows alone: pairs that are short, goods that came later, rows that
look alike.

Source: domain.md 7.1 ("145 of 199 distributed item+unit pairs exceed what was received" before
mapping).
"""

from __future__ import annotations

from collections.abc import Sequence

from client.redcross.master import Placed, place
from client.redcross.report import Notice
from client.redcross.stock import Lot, Shortage, Stock
from client.redcross.tables import Row
from client.redcross.timeline import day_of, earliest

__all__ = ["later_received", "pair_figures", "repeats"]


def pair_figures(receipts: Sequence[Row], distributions: Sequence[Row]) -> dict[str, int]:
    """How many distributed (item text, unit) pairs exceed what was received: before and after
    mapping.

    Dates are left aside (over the whole period), and rows without a recipient count: the goods
    left.
    """
    received: dict[tuple[str, str], int] = {}
    given: dict[tuple[str, str], int] = {}
    for rows, sums in ((receipts, received), (distributions, given)):
        for row in rows:
            if row.item and row.quantity:
                sums[row.item, row.unit] = sums.get((row.item, row.unit), 0) + row.quantity
    before = sum(1 for pair, quantity in given.items() if quantity > received.get(pair, 0))
    stock = Stock()
    for row in receipts:
        if not row.fault:
            _hold(stock, row)
    short: set[tuple[str, str]] = set()
    for row in distributions:
        if not row.item or not row.quantity:
            continue
        plan = stock.plan(place(row), row.quantity)
        if isinstance(plan, Shortage):
            short.add((row.item, row.unit))
        else:
            stock.take(plan)
    return {"pairs": len(given), "short_before_mapping": before, "short_after_mapping": len(short)}


def later_received(row: Row, placed: Placed, receipts: Sequence[Row]) -> int:
    """Units of a refused distribution (at most as many as it asks) that were received after its
    date.
    """
    stock = Stock()
    first = earliest(receipts)
    for receipt in receipts:
        if row.date and day_of(receipt, first) > row.date:
            _hold(stock, receipt)
    plan = stock.plan(placed, row.quantity)
    if isinstance(plan, Shortage):
        return plan.held
    return row.quantity * placed.factor if placed.stated else row.quantity


def repeats(receipts: Sequence[Row]) -> tuple[Notice, ...]:
    """Rows that only say "up to the 28th" and equal a dated row up to then, after conversion.

    Same donor text, same product, same quantity in base units: the published block seems to list
    again what the rows before it list by day. Both rows stand on the ledger; this says which to
    look at.
    """
    first = earliest(receipts)
    dated: dict[tuple[str, str, str, int], list[Row]] = {}
    for row in receipts:
        if row.date:
            dated.setdefault(_likeness(row), []).append(row)
    found: list[Notice] = []
    for row in receipts:
        if row.date:
            continue
        bound = day_of(row, first)
        same = dated.get(_likeness(row), [])
        other = next((entry for entry in same if entry.date <= bound), None)
        if other is not None:
            same.remove(other)
            note = f"{row.party or 'donor not stated'}: {row.item} {row.quantity}{row.unit}"
            found.append(Notice("possible-repeat", row.number, other.number, note))
    return tuple(found)


def _likeness(row: Row) -> tuple[str, str, str, int]:
    placed = place(row)
    return row.party, placed.product, placed.base, row.quantity * placed.factor


def _hold(stock: Stock, row: Row) -> None:
    placed = place(row)
    stock.add(Lot(row.number, row.number, "", placed, row.quantity * placed.factor))
