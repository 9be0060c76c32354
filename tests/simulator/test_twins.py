"""A fixed share of the enumerated twins scenarios, and that they are what they claim to be."""

from __future__ import annotations

import pytest

from consensus import Evidence
from tests.simulator import twins
from tests.simulator.checkers import Violation

SHARE = {(4, 2): 240, (4, 3): 160, (7, 2): 24}  # members, rounds -> how many are run


@pytest.mark.parametrize(("n", "rounds"), SHARE, ids=lambda value: str(value))
def test_twins_never_split_the_chain_nor_stop_it(n: int, rounds: int) -> None:
    """Spread evenly over all scenarios; each also converges after healing."""
    total = twins.count(n, rounds)
    marks: set[str] = set()
    for place in range(SHARE[n, rounds]):
        index = place * total // SHARE[n, rounds] + place % 7  # not always the same last digits
        plan = twins.scenario(n, rounds, index % total)
        try:
            marks |= set(twins.play(plan))
        except Violation as violation:
            violation.add_note(f"scenario {index % total}: {plan}")
            raise
    assert {"new-view/entered", "new-view/carried", "ordered/in-later-view"} <= marks
    assert "evidence/pre-prepare" in marks  # the equivocation is found, and can be shown


def test_each_number_is_another_scenario() -> None:
    every = {twins.scenario(4, 1, index) for index in range(twins.count(4, 1))}
    assert len(every) == twins.count(4, 1) == 4 * 16 * 3
    assert {one.twins for one in every} == {(0,), (1,), (2,), (3,)}
    assert {one.rounds[0].groups for one in every} == set(range(0, 32, 2))


def test_a_leader_and_its_twin_propose_two_things_in_one_view() -> None:
    """Without this, twins would be no liars at all."""
    town = twins.Town(twins.Scenario(4, (0,), (twins.Round(0b10110, 1),)))
    town.play()
    first, second = (town.members[place] for place in (0, 4))
    assert (first.id, second.id) == ("m0", "m0")
    assert any(isinstance(one, Evidence) and one.member == "m0" for one in town.evidence)
