"""Times as people read them, by arithmetic alone: this room has no clock and no calendar library.

Source: Howard Hinnant, "chrono-compatible low-level date algorithms" (days to civil date).
"""

from __future__ import annotations

from typing import Final

__all__ = ["china_time", "utc_time"]

_DAY_S: Final = 86_400
_UTC_8_S: Final = 8 * 3_600
_DAYS_BEFORE_1970: Final = 719_468  # from 0000-03-01
_ERA_DAYS: Final = 146_097  # days of 400 years


def utc_time(seconds: int) -> str:
    """Return YYYY-MM-DDThh:mm:ssZ for seconds since 1970 UTC (years above 9999 take more
    digits).
    """
    date, clock = _civil(seconds)
    return f"{date}T{clock}Z"


def china_time(seconds: int) -> str:
    """Return "YYYY-MM-DD hh:mm:ss" at UTC+8 for seconds since 1970 UTC."""
    date, clock = _civil(seconds + _UTC_8_S)
    return f"{date} {clock}"


def _civil(seconds: int) -> tuple[str, str]:
    days, second = divmod(seconds, _DAY_S)
    era, day_of_era = divmod(days + _DAYS_BEFORE_1970, _ERA_DAYS)
    leap_days = day_of_era // 1460 - day_of_era // 36_524 + day_of_era // 146_096
    year_of_era = (day_of_era - leap_days) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month_from_march = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month_from_march + 2) // 5 + 1
    month = month_from_march + 3 if month_from_march < 10 else month_from_march - 9
    year = year_of_era + era * 400 + (1 if month <= 2 else 0)
    clock = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
    return f"{year:04d}-{month:02d}-{day:02d}", clock
