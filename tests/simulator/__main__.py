"""Run schedules and report.

python -m tests.simulator --seed N | --plan FILE | --seeds A..B | --hunt SECONDS [--from SEED]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from tests.simulator.hunt import hunt, run, run_range, tell
from tests.simulator.plan import Plan, generate


def main() -> int:
    """Return 0 when every schedule held, and a hunt met what it must."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--seed", type=int, help="run one seed")
    which.add_argument("--plan", type=Path, help="run a plan kept as JSON")
    which.add_argument("--seeds", help="run seeds A..B, B excluded")
    which.add_argument("--hunt", type=float, metavar="SECONDS", help="fresh seeds for so long")
    parser.add_argument("--from", dest="first", type=int, help="first seed of a hunt")
    parser.add_argument("--workers", type=int, default=2, help="processes of a hunt")
    arguments = parser.parse_args()
    began = time.monotonic()
    if arguments.hunt is not None:
        first = int(time.time()) * 1_000 if arguments.first is None else arguments.first
        report = hunt(arguments.hunt, first, arguments.workers)
        return tell(report, first, time.monotonic() - began)
    if arguments.seeds is not None:
        first, last = (int(part) for part in arguments.seeds.split(".."))
        return tell(run_range(first, last), first, time.monotonic() - began)
    if arguments.plan is not None:
        plan = Plan.from_json(arguments.plan.read_text(encoding="utf-8"))
    else:
        plan = generate(arguments.seed)
    print(plan.to_json())
    outcome = run(plan)
    print(outcome)
    return 0 if outcome else 1


if __name__ == "__main__":
    raise SystemExit(main())
