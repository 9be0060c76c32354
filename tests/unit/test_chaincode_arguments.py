"""Arguments: every fault is refused with the field and the rule it breaks, in our own words."""

from __future__ import annotations

from typing import Any

import pytest

from chaincode.arguments import Arguments
from chaincode.dates import date_at, is_date
from chaincode.refusal import RULES, Refused
from tests.toys.contract import Typed

GOOD: dict[str, Any] = {
    "choice": "left",
    "digest": bytes(32),
    "maybe": 5,
    "pairs": [["a", 1], ["b", 2]],
    "parts": [{"name": "arm", "size": 3}],
    "text": "A.b_c-9",
}
WITHOUT = object()


def fault(**changes: Any) -> tuple[str, dict[str, Any]]:
    given = {name: value for name, value in {**GOOD, **changes}.items() if value is not WITHOUT}
    with pytest.raises(Refused) as refused:
        Arguments(Typed).read(given)
    return refused.value.code, dict(refused.value.parameters)


def test_good_arguments_become_a_struct() -> None:
    typed = Arguments(Typed).read(GOOD)
    assert isinstance(typed, Typed)
    assert typed.pairs == (("a", 1), ("b", 2))
    assert Arguments(Typed).read({**GOOD, "maybe": None}) is not None


def test_an_unknown_argument_is_named_and_cut_short() -> None:
    assert fault(zebra=1) == ("unknown-argument", {"field": "zebra"})
    assert fault(**{"z" * 200: 1}) == ("unknown-argument", {"field": "z" * 96})


def test_a_missing_argument_is_named() -> None:
    assert fault(digest=WITHOUT) == ("missing-argument", {"field": "digest"})


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"choice": "up"}, "choice", "choice"),
        ({"choice": 5}, "choice", "choice"),
        ({"choice": ["left"]}, "choice", "choice"),
        ({"digest": "AAAA" * 11}, "digest", "bytes"),
        ({"digest": bytes(31)}, "digest", "length"),
        ({"maybe": -1}, "maybe", "range"),
        ({"maybe": True}, "maybe", "integer"),
        ({"maybe": "5"}, "maybe", "integer"),
        ({"pairs": "ab"}, "pairs", "list"),
        ({"pairs": [["a", 1]] * 3}, "pairs", "length"),
        ({"pairs": [["a"]]}, "pairs[0]", "length"),
        ({"pairs": [["a", 1], "b"]}, "pairs[1]", "list"),
        ({"pairs": [["a", 1], ["", 2]]}, "pairs[1][0]", "characters"),
        ({"pairs": [["a", 2**53]]}, "pairs[0][1]", "range"),
        ({"parts": [5]}, "parts[0]", "map"),
        ({"parts": {"name": "arm"}}, "parts", "list"),
        ({"parts": [{"name": "arm"}]}, "parts[0].size", "shape"),
        ({"parts": [{"name": "arm", "size": 3, "x": 1}]}, "parts[0]", "shape"),
        ({"parts": [{"name": "", "size": 3}]}, "parts[0].name", "length"),
        ({"parts": [{"name": "armpit", "size": 3}]}, "parts[0].name", "length"),
        ({"parts": [{"name": "arm", "size": 10}]}, "parts[0].size", "range"),
        ({"text": 5}, "text", "text"),
        ({"text": None}, "text", "text"),
        ({"text": "a b"}, "text", "characters"),
        ({"text": "a\n"}, "text", "characters"),
        ({"text": "١"}, "text", "characters"),
        ({"text": "a" * 97}, "text", "characters"),
    ],
)
def test_a_wrong_argument_names_its_place_and_rule(
    changes: dict[str, Any], field: str, rule: str
) -> None:
    assert fault(**changes) == ("bad-argument", {"field": field, "rule": rule})
    assert rule in RULES


@pytest.mark.parametrize(
    ("time", "date"),
    [
        (0, "1970-01-01"),
        (57_599_999, "1970-01-01"),
        (57_600_000, "1970-01-02"),  # 16:00 UTC is midnight at UTC+8
        (1_582_905_600_000, "2020-02-29"),
        (1_582_992_000_000, "2020-03-01"),
        (2**53 - 1, "9999-12-31"),
    ],
)
def test_a_block_time_has_its_date_at_utc_8(time: int, date: str) -> None:
    assert date_at(time) == date


@pytest.mark.parametrize(
    ("date", "exists"),
    [
        ("2020-02-29", True),
        ("2019-02-29", False),
        ("1900-02-29", False),
        ("2000-02-29", True),
        ("2020-04-31", False),
        ("2020-12-31", True),
        ("0000-01-01", False),
    ],
)
def test_only_days_of_the_calendar_are_dates(date: str, exists: bool) -> None:
    assert is_date(date) is exists
