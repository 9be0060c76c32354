"""Run schedules, on several processes, and say what they met: `python -m tests.simulator --hunt`.

Fails when a schedule fails, when a coverage mark of `MARKS` was never hit, or when a share that
makes the figure worth having was missed (both only judged from `JUDGED` schedules on).
"""

from __future__ import annotations

import gc
import multiprocessing
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field

from ledger.quorum import faulty
from tests.simulator.inspection import status
from tests.simulator.plan import Plan, generate
from tests.simulator.world import Outcome, World

GROUP = 8  # schedules that a worker runs before it reports
JUDGED = 400  # schedules from which marks and shares are judged
JUDGED_SIZE = 60  # schedules of one number of members from which its shares are judged

# What a hunt must have met. Whatever is not here may be met or not.
MARKS = (
    "certified-afresh",
    "contradiction-heard",
    "contradiction-shown",
    "crash",
    "epoch/ended",
    "epoch/joined",
    "epoch/left",
    "epoch/opened",
    "epoch/opened-after-view-change",
    "epoch/refused",
    "epoch/straggler",
    "evidence/commit",
    "evidence/pre-prepare",
    "evidence/prepare",
    "idle",
    "new-view/carried",
    "new-view/certificates-of-several-views",
    "new-view/entered",
    "new-view/null-filled",
    "new-view/second-in-a-row",
    "new-view/unequal-checkpoints",
    "lost",
    "lost/found",
    "ordered/in-later-view",
    "ordered/null",
    "outside/cut",
    "outside/dead",
    "outside/deaf",
    "pause",
    "restart/active",
    "restart/changing",
    "restart/ended",
    "sent/batches",
    "sent/committed",
    "sent/fetch",
    "sent/new-view",
    "sent/stable",
    "sent/view-change",
    "state-transfer",
    "suspicion/bad",
    "suspicion/equivocation",
    "suspicion/malformed",
    "suspicion/silent",
    "slow-member",
)
# Share -> the least part of all schedules of one number of members.
SHARES = {"view change": 0.5, "carried": 0.1, "restart": 1 / 3, "f liars": 1 / 3}


@dataclass
class Report:
    """What some schedules came to."""

    done: int = 0
    events: int = 0
    slowest_ms: int = 0
    failed: list[int] = field(default_factory=list)
    marks: dict[str, int] = field(default_factory=dict)  # mark -> schedules that met it
    sizes: dict[int, dict[str, int]] = field(default_factory=dict)  # n -> share -> schedules

    def take(self, plan: Plan, outcome: Outcome | None) -> None:
        """Add a schedule."""
        self.done += 1
        counts = self.sizes.setdefault(plan.n, dict.fromkeys(("all", *SHARES), 0))
        counts["all"] += 1
        if outcome is None:
            self.failed.append(plan.seed)
            return
        self.events += outcome.events
        self.slowest_ms = max(self.slowest_ms, outcome.healed_ms)
        for name in outcome.marks:
            self.marks[name] = self.marks.get(name, 0) + 1
        counts["view change"] += "new-view/entered" in outcome.marks
        counts["carried"] += "new-view/carried" in outcome.marks
        counts["restart"] += any(name.startswith("restart/") for name in outcome.marks)
        counts["f liars"] += len(plan.byzantine) == faulty(plan.n)

    def add(self, other: Report) -> None:
        """Add what another worker came to."""
        self.done += other.done
        self.events += other.events
        self.slowest_ms = max(self.slowest_ms, other.slowest_ms)
        self.failed += other.failed
        for name, count in other.marks.items():
            self.marks[name] = self.marks.get(name, 0) + count
        for n, counts in other.sizes.items():
            own = self.sizes.setdefault(n, dict.fromkeys(counts, 0))
            for name, count in counts.items():
                own[name] += count

    def missed(self) -> list[str]:
        """Say which marks and shares were not met, once there are enough schedules to judge."""
        if self.done < JUDGED:
            return []
        missed = [f"mark {name}" for name in MARKS if name not in self.marks]
        return missed + self.missed_shares(JUDGED_SIZE)

    def missed_shares(self, least: int) -> list[str]:
        """Say which shares were not met at a number of members of which so many were run."""
        return [
            f"n={n}: {name} in {counts[name]} of {counts['all']}"
            for n, counts in sorted(self.sizes.items())
            if counts["all"] >= least
            for name, share in SHARES.items()
            if counts[name] < share * counts["all"]
        ]


def run(plan: Plan) -> Outcome | None:
    """Run a plan; print what a person needs when it fails."""
    world = World(plan)
    try:
        return world.run()
    except Exception as error:  # noqa: BLE001 - whatever a schedule raises is its failure
        print(f"\nFAILED seed {plan.seed}: {type(error).__name__}: {error}")
        print(f"plan: {plan.to_json()}")
        print("last events:")
        print("\n".join(f"  {line}" for line in world.story))
        print(status(world.members))
        traceback.print_exc(file=sys.stdout)
        return None


def run_range(first: int, last: int) -> Report:
    """Run the seeds from first to last (excluded); what fails is printed as it happens."""
    gc.disable()  # a schedule is garbage as a whole when it ends
    report = Report()
    for seed in range(first, last):
        plan = generate(seed)
        report.take(plan, run(plan))
        sys.stdout.flush()
        if seed % GROUP == 0:
            gc.collect()
    return report


def groups(first: int, ends: float) -> Iterator[int]:
    """First seeds of groups, until the time is over."""
    while time.monotonic() < ends:
        yield first
        first += GROUP


def hunt(seconds: float, first: int, workers: int) -> Report:
    """Run schedules for so long."""
    total = Report()
    ends = time.monotonic() + seconds
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        waiting = []
        source = groups(first, ends)
        for group in source:
            waiting.append(pool.apply_async(run_range, (group, group + GROUP)))
            if len(waiting) > workers:
                total.add(waiting.pop(0).get())
        for one in waiting:
            total.add(one.get())
    return total


def tell(report: Report, first: int, spent: float) -> int:
    """Print what was met; 0 when every schedule held and everything was met."""
    print(
        f"{report.done} schedules from seed {first} in {spent:.0f} s: "
        f"{report.done / spent:.1f}/s, {report.events / spent:.0f} events/s; "
        f"slowest healing {report.slowest_ms} ms of simulated time"
    )
    for n, counts in sorted(report.sizes.items()):
        shares = ", ".join(f"{name} {counts[name] / counts['all']:.0%}" for name in SHARES)
        print(f"  n={n:<2} {counts['all']:>6} schedules: {shares}")
    print("marks (schedules that met them):")
    for name in sorted({*MARKS, *report.marks}):
        print(f"  {report.marks.get(name, 0):>7} {name}")
    missed = report.missed()
    print(f"missed: {'; '.join(missed) or 'nothing'}")
    print(f"failed: {report.failed or 'none'}")
    return 1 if report.failed or missed else 0
