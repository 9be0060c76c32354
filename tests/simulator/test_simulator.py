"""A fixed share of schedules in the ordinary run; every seed that ever failed, for ever; and
determinism.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulator.hunt import Report
from tests.simulator.mutants.bench import all_mutants
from tests.simulator.plan import STRATEGIES, Plan, generate
from tests.simulator.world import World

SHARE = 12  # groups of seeds, so that a failure names a small one
SEEDS_IN_GROUP = 20

# Plans that found a defect once. They stay, whatever generates new ones.
REGRESSIONS = sorted((Path(__file__).parent / "regressions").glob("*.json"))


@pytest.mark.parametrize("group", range(SHARE))
def test_no_schedule_of_this_share_breaks_a_promise(group: int) -> None:
    first = 1 + group * SEEDS_IN_GROUP
    for seed in range(first, first + SEEDS_IN_GROUP):
        World(generate(seed)).run()


@pytest.mark.parametrize("path", REGRESSIONS, ids=lambda path: path.stem)
def test_what_once_failed_holds(path: Path) -> None:
    World(Plan.from_json(path.read_text(encoding="utf-8"))).run()


def test_the_share_meets_what_it_is_meant_to_meet() -> None:
    """A share without view changes, crashes and liars would prove nothing."""
    plans = [generate(seed) for seed in range(1, 1 + SHARE * SEEDS_IN_GROUP)]
    assert sum(bool(plan.byzantine) for plan in plans) > len(plans) // 3
    assert sum(bool(plan.crashes) for plan in plans) > len(plans) // 3
    assert {plan.n for plan in plans} == {4, 5, 6, 7, 10, 13}
    assert all(sum(one.count for one in plan.requests) >= 30 for plan in plans)
    strategies = {strategy for plan in plans for _, strategy in plan.byzantine}
    assert strategies == set(STRATEGIES)
    report = Report()
    for plan in plans[:40]:
        report.take(plan, World(plan).run())
    assert sum(counts["view change"] for counts in report.sizes.values()) >= 20
    assert sum(counts["carried"] for counts in report.sizes.values()) >= 4
    assert {"lost", "new-view/null-filled", "restart/changing"} <= set(report.marks)


def test_every_mutant_still_applies(tmp_path: Path, repository: Path) -> None:
    """Whether each is killed takes minutes: python -m tests.simulator.mutants."""
    mutants = all_mutants()
    assert len(mutants) >= 45
    for mutant in mutants:
        target = tmp_path / mutant.file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text((repository / mutant.file).read_text(encoding="utf-8"), encoding="utf-8")
        mutant.apply(tmp_path)
        ast.parse(target.read_text(encoding="utf-8"))


def test_a_plan_survives_being_written_down() -> None:
    for seed in range(50):
        plan = generate(seed)
        assert Plan.from_json(plan.to_json()) == plan


TRACES = (
    "from tests.simulator.plan import generate\n"
    "from tests.simulator.world import World\n"
    "print([World(generate(seed)).run().trace for seed in range(5)])\n"
)


def test_a_seed_tells_the_same_story_twice_and_under_another_hash_seed(repository: Path) -> None:
    """R-DT-1: nothing depends on the order of a set, on hash(), on memory."""
    traces = []
    for hash_seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", TRACES],
            cwd=repository,
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
        )
        traces.append(done.stdout)
    assert traces[0] == traces[1]
    assert traces[0].strip() == str([World(generate(seed)).run().trace for seed in range(5)])
