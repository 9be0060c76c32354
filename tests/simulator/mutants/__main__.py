"""Switch on each known bug alone, and say what noticed it: a schedule, and its test.

python -m tests.simulator.mutants [--only NAME] [--seeds 200] [--workers 2]

First every mutant with the seed whose schedule fails under it, within the budget that its file
states; then, for each that names a test, a line of requirement, mutant and the test that fails
under it and cites the requirement. `--seeds` asks that many schedules about those mutants, too,
that state no budget because none is known to show them. Fails when a mutant survives its budget or
its test; also when one could not be judged, which is told apart: its text no longer stands, it is
no program, or what must notice it fails without it.
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from tests.simulator.mutants.bench import Mutant, Verdict, all_mutants, failing_before, judge


def judged(one: Mutant, seeds: int) -> tuple[Mutant, Verdict]:
    """Judge one; of what cannot be judged, say so: nobody was asked to notice it."""
    try:
        return one, judge(one, seeds)
    except ValueError as error:
        return one, Verdict(False, f"NOT JUDGED: {error}", judged=False)


def ending(killed: int, survivors: list[str], unjudged: list[str]) -> str:
    """What is said last: a mutant that is not the bug it was meant to be needs to be mended, one
    that survives needs somebody to see it.
    """
    lines = [f"{killed} of {killed + len(survivors) + len(unjudged)} noticed"]
    if survivors:
        lines.append(f"survived: {', '.join(survivors)}")
    if unjudged:
        lines.append(f"could not be judged: {', '.join(unjudged)}")
    return "\n".join(lines)


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
    survivors, unjudged, lines = [], [], []
    print(f"{'mutant':<48} {'budget':>6}  schedule that fails")
    with ThreadPoolExecutor(arguments.workers) as pool:
        for one, verdict in pool.map(partial(judged, seeds=arguments.seeds), chosen):
            print(f"{one.name:<48} {one.seeds or '-':>6}  {verdict.schedules}", flush=True)
            if not verdict.judged:
                unjudged.append(one.name)
                continue
            if one.test:
                lines.append(f"{one.requirement:<11} {one.name:<48} {verdict.test}")
            if not verdict.killed:
                survivors.append(one.name)
    print(f"\n{'requirement':<11} {'mutant':<48} test that fails")
    print("\n".join(sorted(lines)))
    shown = sum(bool(one.seeds) for one in chosen)
    print(f"\n{shown} with a budget of schedules, in {time.monotonic() - began:.0f} s")
    print(ending(len(chosen) - len(survivors) - len(unjudged), survivors, unjudged))
    return 1 if survivors or unjudged else 0


if __name__ == "__main__":
    raise SystemExit(main())
