"""The order in which rows are worked through: by date, receipts of a day before its distributions.

A row without a date that says a bound ("截至28日": up to the 28th) counts as received on that day,
after the rows that state it; the month is the one of the table's earliest date, or the next where
the day would lie before it. A row that says nothing comes last. Only the order uses a bound: on the
ledger the date stays "not stated".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from client.redcross.tables import Row

__all__ = ["UNKNOWN_DAY", "day_of", "earliest", "in_order"]

UNKNOWN_DAY: Final = "9999-12-31"
_BOUND = re.compile(r"截至(?:(\d{1,2})月)?(\d{1,2})日\Z")


def earliest(rows: Iterable[Row]) -> str:
    """The earliest date stated by a sound row, "" where none is."""
    return min((row.date for row in rows if row.date and not row.fault), default="")


def day_of(row: Row, first: str) -> str:
    """The day a row counts for: its date, or the bound it says, or UNKNOWN_DAY. `first`: see
    `earliest`.
    """
    if row.date:
        return row.date
    match = _BOUND.match(row.date_raw)
    if match is None or not first:
        return UNKNOWN_DAY
    year, month, day = int(first[:4]), int(first[5:7]), int(match[2])
    if match[1]:
        month = int(match[1])
    elif day < int(first[8:]):
        month += 1
    if month > 12:
        year, month = year + 1, month - 12
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return UNKNOWN_DAY
    return f"{year:04}-{month:02}-{day:02}"


def in_order(receipts: Sequence[Row], distributions: Sequence[Row]) -> list[tuple[str, Row]]:
    """All rows with the day each counts for, in the order in which they are worked through."""
    keyed = [
        (day_of(row, first), rank, not row.date, row.line, row)
        for rank, rows in enumerate((receipts, distributions))
        for first in (earliest(rows),)
        for row in rows
    ]
    keyed.sort(key=lambda entry: entry[:4])
    return [(day, row) for day, _, _, _, row in keyed]
