"""Run schedules and report.

python -m tests.simulator --seed N | --seeds A..B | --plan FILE | --hunt SECONDS [--from N]
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
import traceback
from pathlib import Path

from tests.simulator.inspection import status
from tests.simulator.plan import Plan, generate
from tests.simulator.world import Outcome, World


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


def main() -> int:
    """Return 0 when every schedule held."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--seed", type=int, help="run one seed")
    which.add_argument("--seeds", help="run seeds A..B, B excluded")
    which.add_argument("--plan", type=Path, help="run a plan kept as JSON")
    which.add_argument("--hunt", type=int, metavar="SECONDS", help="run fresh seeds for so long")
    parser.add_argument(
        "--from", dest="first", type=int, default=1_000_000, help="first seed of a hunt"
    )
    arguments = parser.parse_args()
    if arguments.seeds is not None:
        first, last = (int(part) for part in arguments.seeds.split(".."))
        return sweep(first, last, None)
    if arguments.hunt is not None:
        return sweep(arguments.first, None, arguments.hunt)
    if arguments.plan is not None:
        plan = Plan.from_json(arguments.plan.read_text(encoding="utf-8"))
    else:
        plan = generate(arguments.seed)
    print(plan.to_json())
    outcome = run(plan)
    print(outcome)
    return 0 if outcome else 1


def sweep(first: int, last: int | None, seconds: int | None) -> int:
    """Run seeds from `first` on, to `last` or for some seconds; print a summary."""
    gc.disable()  # a schedule is garbage as a whole when it ends
    began = time.monotonic()
    failed: list[int] = []
    seed, events, views, crashed, worst = first, 0, 0, 0, 0
    while last is None or seed < last:
        if seconds is not None and time.monotonic() - began >= seconds:
            break
        outcome = run(generate(seed))
        if outcome is None:
            failed.append(seed)
        else:
            events += outcome.events
            views += outcome.views > 0
            crashed += outcome.crashes > 0
            worst = max(worst, outcome.healed_ms)
        seed += 1
        if seed % 16 == 0:
            gc.collect()
    spent = max(time.monotonic() - began, 0.001)
    done = seed - first
    print(
        f"{done} schedules in {spent:.0f} s ({done / spent:.1f}/s, {events / spent:.0f} events/s); "
        f"view changes in {views}, crashes in {crashed}; slowest healing {worst} ms; "
        f"failed: {failed or 'none'}"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
