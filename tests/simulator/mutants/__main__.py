"""Switch on each known bug alone, and say what noticed it: its test, or the seed that failed.

python -m tests.simulator.mutants [--only NAME] [--both] [--seeds 400] [--seconds 120] [--workers 2]

A mutant that names a test must be noticed by that test, which cites the requirement: so every
numbered requirement has a test that is known to fail when it is broken. A mutant without one must
be noticed by the simulator within so many seeds; `--both` asks the simulator about all of them
and prints seeds to kill, without failing for what only a test can see (a second line of defence
that the first one hides, say). Fails when a mutant survives, or no longer applies.
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from tests.simulator.mutants.bench import Budget, Mutant, Verdict, all_mutants, judge


def judged(one: Mutant, budget: Budget) -> tuple[Mutant, Verdict]:
    """Judge one; what cannot be judged has survived."""
    try:
        return one, judge(one, budget)
    except ValueError as error:
        return one, Verdict(False, str(error))


def main() -> int:
    """Return 0 when every mutant was noticed."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulator.mutants", description=__doc__)
    parser.add_argument("--only", default="", help="mutants whose name or requirement has this")
    parser.add_argument("--both", action="store_true", help="seeds to kill, beside the tests")
    parser.add_argument("--seeds", type=int, default=400, help="the simulator's budget for each")
    parser.add_argument("--seconds", type=float, default=120, help="and its time")
    parser.add_argument("--workers", type=int, default=2, help="how many at once")
    arguments = parser.parse_args()
    began = time.monotonic()
    chosen = [one for one in all_mutants() if arguments.only in f"{one.name} {one.requirement}"]
    survivors = []
    print(f"{'requirement':<12} {'mutant':<48} noticed by")
    budget = Budget(arguments.seeds, arguments.seconds, arguments.both)
    with ThreadPoolExecutor(arguments.workers) as pool:
        for one, verdict in pool.map(partial(judged, budget=budget), chosen):
            said = verdict.said if verdict.killed else f"SURVIVED: {verdict.said}"
            print(f"{one.requirement:<12} {one.name:<48} {said}", flush=True)
            if not verdict.killed:
                survivors.append(one.name)
    killed, spent = len(chosen) - len(survivors), time.monotonic() - began
    print(f"{killed} of {len(chosen)} noticed in {spent:.0f} s")
    if survivors:
        print(f"survived: {', '.join(survivors)}")
    return 1 if survivors else 0


if __name__ == "__main__":
    raise SystemExit(main())
