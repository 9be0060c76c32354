"""Times by arithmetic, compared with the calendar of the standard library."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.instants import china_time, utc_time

LAST = int(datetime(9999, 12, 31, 15, 59, 59, tzinfo=UTC).timestamp())


@given(st.integers(0, LAST))
def test_times_are_those_of_the_calendar(seconds: int) -> None:
    moment = datetime.fromtimestamp(seconds, UTC)
    assert utc_time(seconds) == moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert china_time(seconds) == (moment + timedelta(hours=8)).strftime("%Y-%m-%d %H:%M:%S")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (951_782_400, "2000-02-29T00:00:00Z"),
        (4_107_542_399, "2100-02-28T23:59:59Z"),
        (4_107_542_400, "2100-03-01T00:00:00Z"),
        (253_402_300_800, "10000-01-01T00:00:00Z"),
    ],
)
def test_leap_days_and_far_years(seconds: int, text: str) -> None:
    assert utc_time(seconds) == text
