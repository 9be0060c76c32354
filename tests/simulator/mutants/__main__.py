"""Switch on each known bug alone, and say what noticed it: a schedule, and its test.

python -m tests.simulator.mutants [--only NAME] [--seeds 200] [--workers 2]

First every mutant with the seed whose schedule fails under it, within the budget that its file
states; then, for each that names a test, a line of requirement, mutant and the test that fails
under it and cites the requirement. `--seeds` asks that many schedules about those mutants, too,
that state no budget because none is known to show them. Fails when a mutant survives its budget or
its test, no longer applies, or would be noticed without being on.
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from tests.simulator.mutants.bench import Mutant, Verdict, all_mutants, failing_before, judge


def judged(one: Mutant, seeds: int) -> tuple[Mutant, Verdict]:
    """Judge one; what cannot be judged has survived."""
    try:
        return one, judge(one, seeds)
    except ValueError as error:
        return one, Verdict(False, str(error))


def main() -> int:
    """Return 0 when every mutant was noticed."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulator.mutants", description=__doc__)
    parser.add_argument("--only", default="", help="mutants whose name or requirement has this")
    parser.add_argument("--seeds", type=int, default=0, help="also of those without a budget")
    parser.add_argument("--workers", type=int, default=2, help="how many at once")
    arguments = parser.parse_args()
    began = time.monotonic()
    chosen = [one for one in all_mutants() if arguments.only in f"{one.name} {one.requirement}"]
    if not chosen:
        parser.error(f"no mutant has {arguments.only!r} in its name or requirement")
    failing = failing_before(sorted({one.test for one in chosen if one.test}))
    if failing:
        print(f"without any mutant:\n{failing}")
        return 1
    survivors, lines = [], []
    print(f"{'mutant':<48} {'budget':>6}  schedule that fails")
    with ThreadPoolExecutor(arguments.workers) as pool:
        for one, verdict in pool.map(partial(judged, seeds=arguments.seeds), chosen):
            print(f"{one.name:<48} {one.seeds or '-':>6}  {verdict.schedules}", flush=True)
            if one.test:
                lines.append(f"{one.requirement:<11} {one.name:<48} {verdict.test}")
            if not verdict.killed:
                survivors.append(one.name)
    print(f"\n{'requirement':<11} {'mutant':<48} test that fails")
    print("\n".join(sorted(lines)))
    killed, spent = len(chosen) - len(survivors), time.monotonic() - began
    shown = sum(bool(one.seeds) for one in chosen)
    print(f"\n{killed} of {len(chosen)} noticed, {shown} by schedules, in {spent:.0f} s")
    if survivors:
        print(f"survived: {', '.join(survivors)}")
    return 1 if survivors else 0


if __name__ == "__main__":
    raise SystemExit(main())
