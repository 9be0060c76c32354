"""Members killed, frozen, cut off and with wrong clocks, over a bad network: nothing told is lost.

A short plan for each size; `make soak` has long ones.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.processes.faults import HURTS, LINKS, draw
from tests.processes.soak import FRESH, SIZES, survive

pytestmark = pytest.mark.processes

SEED = 20200129  # seven members: two frozen; five: one cut off
ROUNDS = {4: len(HURTS), 5: 1, 6: 1, 7: 1}  # at four members every way to be hurt


@pytest.mark.parametrize("size", SIZES)
def test_whoever_is_hurt_nothing_that_a_client_was_told_is_missing(
    tmp_path: Path, size: int
) -> None:
    members = tuple(f"m{number + 1}" for number in range(size))
    plan = draw(SEED, members, ROUNDS[size])
    survived = survive(tmp_path, members, plan)
    assert survived.donations >= 2 * FRESH * ROUNDS[size]
    assert survived.touched >= len(plan)  # each round's bad links met traffic


def test_a_plan_is_its_seeds_and_leaves_nothing_out() -> None:
    members = ("m1", "m2", "m3", "m4")
    plan = draw(SEED, members, 40)
    assert plan == draw(SEED, members, 40)
    assert plan != draw(SEED + 1, members, 40)
    assert {one.hurt for one in plan[: len(HURTS)]} == set(HURTS)
    assert {fault for one in plan for _, fault in one.links} == set(LINKS)
    assert {victim for one in plan for victim in one.victims} == set(members)
