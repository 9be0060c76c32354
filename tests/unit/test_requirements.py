"""The table of requirements in docs/INVARIANTS.md tells the truth: nothing left out or made up."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.simulator.mutants.bench import Mutant, all_mutants

# The numbered requirements, spelled out: what a table lists is not what must be listed.
ALL = (
    *("R-Q-1", "R-Q-2", "R-Q-3", "R-Q-4", "R-Q-5", "R-Q-6", "R-Q-7"),
    *("R-VC-1", "R-VC-2", "R-VC-3", "R-VC-4", "R-VC-5", "R-VC-6", "R-VC-7", "R-VC-8"),
    *("R-VC-9", "R-VC-10", "R-VC-11", "R-VC-12", "R-VC-13", "R-VC-14", "R-VC-15", "R-VC-16"),
    *("R-TL-1", "R-TL-2", "R-TL-3", "R-TL-4", "R-TL-5", "R-TL-6", "R-TL-7", "R-TL-8"),
    *("R-TL-9", "R-TL-10", "R-TL-11"),
    *("R-CP-1", "R-CP-2", "R-CP-3", "R-CP-4", "R-CP-5", "R-CP-6", "R-CP-7", "R-CP-8"),
    *("R-CL-1", "R-CL-2", "R-CL-3", "R-CL-4", "R-CL-5", "R-CL-6", "R-CL-7"),
    *("R-DW-1", "R-DW-2", "R-DW-3", "R-DW-4", "R-DW-5", "R-DW-6", "R-DW-7"),
    *("R-DT-1", "R-DT-2", "R-DT-3", "R-DT-4"),
    *("R-MB-1", "R-MB-2", "R-MB-3", "R-MB-4", "R-MB-5", "R-MB-6"),
    *("R-LC-1", "R-LC-2", "R-LC-3"),
    *("R-RS-1", "R-RS-2", "R-RS-3", "R-RS-4", "R-RS-5"),
)
# What the simulator's checkers and the design number, beside the requirements.
OTHERS = re.compile(r"C\d+|DESIGN-\d+")
EXCUSE = re.compile(r"(does not apply|elsewhere)(?:: (.+))?$")
LINE = re.compile(r"\| (R-[A-Z]+-\d+) \| (.+) \| (.+) \| (.+) \|")
QUOTED = re.compile(r"`([^`]+)`")
REASON_MIN = 20  # characters


@dataclass(frozen=True)
class Row:
    """One line of the table; `test` and `mutants` are as quoted there."""

    requirement: str
    held: str
    tests: tuple[str, ...]
    mutants: tuple[str, ...]


def table(repository: Path) -> list[Row]:
    text = (repository / "docs/INVARIANTS.md").read_text(encoding="utf-8")
    rows = [match.groups() for match in map(LINE.fullmatch, text.splitlines()) if match]
    return [
        Row(name, held, tuple(QUOTED.findall(test)), tuple(QUOTED.findall(mutants)))
        for name, held, test, mutants in rows
    ]


@pytest.fixture(scope="module")
def rows(repository: Path) -> list[Row]:
    return table(repository)


@pytest.fixture(scope="module")
def mutants() -> dict[str, Mutant]:
    return {one.name: one for one in all_mutants()}


def source_of(repository: Path, test: str) -> str:
    """The text of a test function, its docstring and comments included; "" if there is none."""
    path, _, name = test.partition("::")
    file = repository / "tests" / path
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            return ast.get_source_segment(text, node) or ""
    return ""


def cites(source: str, requirement: str) -> bool:
    return re.search(rf"\b{requirement}\b", source) is not None


def test_every_requirement_has_one_line_in_order(rows: list[Row]) -> None:
    assert [row.requirement for row in rows] == list(ALL)


def test_every_named_test_exists_and_cites_the_requirement(
    rows: list[Row], repository: Path
) -> None:
    wrong = [
        (row.requirement, test)
        for row in rows
        for test in row.tests
        if not cites(source_of(repository, test), row.requirement)
    ]
    assert wrong == []


def test_what_is_held_in_consensus_names_a_test_and_a_mutant_that_it_notices(
    rows: list[Row], mutants: dict[str, Mutant]
) -> None:
    """`make mutants` runs each mutant against the test that its file names."""
    for row in rows:
        if EXCUSE.match(row.held) is None:
            assert len(row.tests) == 1, row
            assert row.mutants, row
            assert mutants[row.mutants[0]].test == f"tests/{row.tests[0]}", row


def test_what_is_excused_says_why(rows: list[Row], mutants: dict[str, Mutant]) -> None:
    """What lies in another room names the test there, and a mutant that this test notices."""
    for row in rows:
        excuse = EXCUSE.match(row.held)
        if excuse is not None:
            assert len(excuse[2] or "") >= REASON_MIN, row
            if excuse[1] == "elsewhere":
                assert len(row.tests) == 1, row
                assert any(mutants[one].test == f"tests/{row.tests[0]}" for one in row.mutants), row


def test_every_mutant_stands_in_the_line_of_its_requirement(
    rows: list[Row], mutants: dict[str, Mutant]
) -> None:
    listed = {name: row.requirement for row in rows for name in row.mutants}
    assert sum(len(row.mutants) for row in rows) == len(listed), "none stands in two lines"
    there = {
        name: one.requirement
        for name, one in mutants.items()
        if not OTHERS.fullmatch(one.requirement)
    }
    assert listed == there


def test_every_mutant_has_a_test_or_a_budget(mutants: dict[str, Mutant]) -> None:
    """And says why, if no schedule shows it."""
    for one in mutants.values():
        assert one.seeds > 0 or one.test, one.name
        assert (one.seeds > 0) != (len(one.unseen) >= REASON_MIN), one.name


def test_every_mutants_test_exists_and_cites_its_requirement(
    mutants: dict[str, Mutant], repository: Path
) -> None:
    wrong = [
        (one.name, one.test)
        for one in mutants.values()
        if one.test
        and not cites(source_of(repository, one.test.removeprefix("tests/")), one.requirement)
    ]
    assert wrong == []


def test_a_line_that_lies_would_be_noticed(repository: Path) -> None:
    """The reader of the table is tested, too."""
    test = "unit/test_requirements.py::test_a_line_that_lies_would_be_noticed"
    source = source_of(repository, test)
    assert source.startswith("def test_a_line_that_lies")
    assert not cites(source, "R-Q-" + "9")
    assert not cites("R-VC-10", "R-VC-1")
    assert source_of(repository, "unit/test_requirements.py::test_nobody") == ""
    assert source_of(repository, "unit/nowhere.py::test_nobody") == ""
    assert EXCUSE.match("elsewhere") is not None
    assert LINE.fullmatch("| R-Q-1 | a | b | c |") is not None
