"""Civil dates from block time: contracts have no clock and no calendar library.

A date is the text YYYY-MM-DD at UTC+8 (DESIGN section 4: `day/<date>` is the block time's date at
UTC+8). Texts of that form compare as dates do, up to the year 9999.
"""

from __future__ import annotations

from typing import Final

from ledger.instants import china_time

__all__ = ["date_at", "is_date"]

_LAST: Final = "9999-12-31"
_LENGTHS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def date_at(time: int) -> str:
    """Return the date at UTC+8 of milliseconds since 1970 UTC; after 9999, its last day."""
    date = china_time(time // 1000).split(" ")[0]
    return date if len(date) == len(_LAST) else _LAST


def is_date(text: str) -> bool:
    """Say whether a text of the form YYYY-MM-DD (already checked) names a day that exists."""
    year, month, day = int(text[:4]), int(text[5:7]), int(text[8:])
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return year >= 1 and day <= (29 if month == 2 and leap else _LENGTHS[month - 1])
