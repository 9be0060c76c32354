"""A fixed share of schedules in the ordinary run; every seed that ever failed, for ever; and
determinism.
"""

from __future__ import annotations

import ast
import itertools
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.quorum import faulty
from tests.simulator.hunt import Report, run
from tests.simulator.mutants.__main__ import ending, judged
from tests.simulator.mutants.bench import all_mutants
from tests.simulator.plan import GRAFT, LINGER, STRATEGIES, Plan, generate
from tests.simulator.world import World

# How many schedules of each number of members the ordinary run holds: together half a minute.
SHARE = {4: 120, 5: 30, 6: 30, 7: 36, 10: 15, 13: 12}

# Plans that found a defect once. They stay, whatever generates new ones.
REGRESSIONS = sorted((Path(__file__).parent / "regressions").glob("*.json"))


def plans_of(n: int) -> list[Plan]:
    """The first plans of the seeds 1, 2, ... with so many members."""
    plans = (generate(seed) for seed in itertools.count(1))
    return list(itertools.islice((plan for plan in plans if plan.n == n), SHARE[n]))


@pytest.mark.parametrize("n", SHARE)
def test_no_schedule_of_this_share_breaks_a_promise(n: int) -> None:
    """And they met what makes them worth running, at each number of members: a completed view
    change in half of them, a value carried into another view in a tenth, crash and restart in a
    third, exactly f liars in a third.
    """
    report = Report()
    for plan in plans_of(n):
        report.take(plan, run(plan))
    assert not report.failed
    assert not report.missed_shares(least=SHARE[n])
    if n == 4:
        assert {"lost", "new-view/null-filled", "restart/changing"} <= set(report.marks)
        assert {"epoch/joined", "epoch/left", "epoch/refused", "epoch/straggler"} <= set(
            report.marks
        )


@pytest.mark.parametrize("path", REGRESSIONS, ids=lambda path: path.stem)
def test_what_once_failed_holds(path: Path) -> None:
    World(Plan.from_json(path.read_text(encoding="utf-8"))).run()


def test_the_share_is_made_of_what_it_is_meant_to_be_made_of() -> None:
    plans = [plan for n in SHARE for plan in plans_of(n)]
    assert all(sum(one.count for one in plan.requests) >= 30 for plan in plans)
    strategies = {strategy for plan in plans for _, strategy in plan.byzantine}
    assert strategies == {*STRATEGIES, GRAFT, LINGER}
    assert all(len(plan.byzantine) <= faulty(plan.n) for plan in plans)
    assert sum(bool(plan.changes) for plan in plans) > len(plans) // 10


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


def test_a_mutant_that_cannot_be_judged_is_not_said_to_have_survived() -> None:
    """Its text stands nowhere: nobody was asked to notice it, and it needs to be mended."""
    stale = replace(all_mutants()[0], name="stale", text="text that stands nowhere")
    _, verdict = judged(stale, seeds=0)
    assert not verdict.judged
    assert verdict.schedules == "NOT JUDGED: stale: its text stands 0 times"
    said = ending(1, ["idle"], ["stale"]).splitlines()
    assert said == ["1 of 3 noticed", "survived: idle", "could not be judged: stale"]


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
