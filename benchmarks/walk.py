"""`python -m benchmarks.walk`: what the epoch walk costs, by the number of handovers in a bundle.

Chains whose members change after every block, four and five of them in turn: size of the bundle of
one absence, time to verify it in Python, in the TypeScript verifier under Node (both engines) and,
where Chromium is installed, in the offline page. The most that a bundle may hold is 1,024: ten
changes of members a year for a century. How to read it: docs/BENCHMARKS.md.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from time import perf_counter, thread_time
from typing import Final

from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from benchmarks import browser
from benchmarks.machine import machine
from ledger.assembly import assemble
from ledger.bundle_file import encode_bundle
from ledger.claims import Absence
from ledger.genesis import Genesis
from ledger.limits import HANDOVERS_MAX
from ledger.paths import Path
from ledger.verify import verify_bundle
from tests import portal
from tests.forger.world import World

__all__ = ["main", "walked"]

HANDOVERS: Final = (0, 1, 32, HANDOVERS_MAX)
ROUNDS: Final = 5
SETS: Final = (["m0", "m1", "m2", "m3", "m4"], ["m0", "m1", "m2", "m3"])
ABSENT: Final = Absence(Path("supply", "donation", "never-made"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.walk", description=__doc__)
    parser.add_argument("--handovers", type=int, nargs="+", default=list(HANDOVERS))
    parser.add_argument("--no-browser", action="store_true", help="leave Node and Chromium out")
    options = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), machine())
    table = Table(box=MARKDOWN)
    for name in ("handovers", "bytes", "python_ms", "webcrypto_ms", "noble_ms", "browser_ms"):
        table.add_column(name)
    for handovers in options.handovers:
        world = walked(handovers)
        bundle = encode_bundle(assemble(world, ABSENT))
        row: list[float | None] = [len(bundle), _python_ms(bundle, world.genesis)]
        if not options.no_browser:
            row += [_node_ms(bundle, world.genesis, name) for name in ("webcrypto", "noble")]
            row.append(browser.verify_ms(bundle, world.genesis))
        table.add_row(str(handovers), *("" if one is None else f"{one:,.1f}" for one in row))
    console.print(table)
    return 0


def walked(handovers: int) -> World:
    """A chain of so many blocks and one, with a change of members after each but the last."""
    world = World()
    for number in range(handovers):
        world.hand_over([], SETS[number % 2])
    world.grow([])
    world.certify(delays=tuple(range(world.members.q)))
    return world


def _python_ms(bundle: bytes, genesis: Genesis) -> float:
    times = []
    for _ in range(ROUNDS):
        begun = thread_time()
        report = verify_bundle(bundle, genesis)
        times.append((thread_time() - begun) * 1e3)
        if not report.clean:
            raise RuntimeError(f"not a clean verdict: {report.lines}")
    return statistics.median(times)


def _node_ms(bundle: bytes, genesis: Genesis, engine: str) -> float:
    """By the clock, of the second of two verifications in one process."""
    portal.build()
    one = portal.task(bundle, genesis.to_json(), engine=engine)

    def taken(count: int) -> float:
        begun = perf_counter()
        verdicts = portal.judge([one] * count)
        if not all(verdict["ok"] for verdict in verdicts):
            raise RuntimeError(f"not a clean verdict: {verdicts[0]['lines']}")
        return (perf_counter() - begun) * 1e3

    return statistics.median(taken(2) - taken(1) for _ in range(3))


if __name__ == "__main__":
    sys.exit(main())
