"""Where a small bug can stand, and that it then stands there and nowhere else."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.simulator.mutants.everywhere import TESTS, bugs
from tests.simulator.mutants.places import TURNED, places


@pytest.mark.parametrize(
    ("line", "bugs"),
    [
        ("b = x < y", {"b = x <= y"}),
        ("b = (x) not in (y)", {"b = (x) in (y)"}),
        ("b = x and y", {"b = x or y", "b = True and y", "b = x and True"}),
        ("b = x or y", {"b = x and y", "b = False or y", "b = x or False"}),
        ("b = not x", {"b = (x)"}),
        ("b = x + y", {"b = x - y"}),
        ("b = x - 7", {"b = x + 7", "b = x - 8"}),
        ("b = True", {"b = False"}),
        ("b = u if x else y", {"b = u if True else y", "b = u if False else y"}),
        ("b = [x for x in y if x]", {"b = [x for x in y if True]"}),
        ("f(x)", {"pass"}),
        ("x += y", {"pass"}),
        ("x.a = y", {"pass"}),
        ("é = 'ü' if x else y", {"é = 'ü' if True else y", "é = 'ü' if False else y"}),
    ],
)
def test_each_small_bug_stands_in_its_place(line: str, bugs: set[str]) -> None:
    source = line.encode()
    assert {one.apply(source).decode() for one in places(source)} == bugs


@pytest.mark.parametrize("line", ["b = x", "def f(x: 'a' = y) -> 3: ...", "b: Final[2]"])
def test_where_nothing_runs_there_is_no_place(line: str) -> None:
    assert places(line.encode()) == []


def test_every_comparison_is_turned() -> None:
    assert set(TURNED) == set(ast.cmpop.__subclasses__())


@pytest.mark.parametrize("room", sorted(TESTS))
def test_every_bug_of_a_room_is_still_a_program(room: str) -> None:
    found = bugs(room, [])
    assert len(found) > 1_000
    for one in found[::29]:
        ast.parse(one.place.apply(one.source))


def test_every_pattern_of_tests_names_some(repository: Path) -> None:
    for patterns in TESTS.values():
        for pattern in patterns:
            assert list(repository.glob(pattern)), pattern
