"""Put a small bug at one place of the code after another, and list those that nobody notices.

python -m tests.simulator.mutants.everywhere [--room consensus|ledger] [--file NAME ...]
                                             [--from SEED] [--count 100] [--workers 2]

The seed shuffles all places of the room; the first `--count` are tried. The room's own tests run
first; where none fails, and the room is consensus, `--schedules` of the simulator. What survives is
printed with its line: somebody has to say whether it is a bug that no test sees, or changes
nothing. It returns 0 whatever survives; one to be kept becomes a `.mutant` with a test.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from tests.simulator.mutants.bench import COPIED, PYTEST, ROOT, SEEK, copy, start
from tests.simulator.mutants.places import Place, places

UNHURRIED_S: Final = 1_800.0
SLOWER: Final = 4.0  # a bug that makes the tests so much slower goes round in circles
TESTS: Final = {
    "consensus": ("tests/paper", "tests/stories", "tests/unit/test_consensus_*.py"),
    "ledger": (
        "tests/unit/test_ledger_*.py",
        "tests/unit/test_forgeries*.py",
        "tests/properties/test_bundle.py",
        "tests/properties/test_codec.py",
        "tests/properties/test_merkle_ranges.py",
        "tests/properties/test_state_*.py",
        "tests/unit/test_client_*.py",
    ),
}


@dataclass(frozen=True)
class Bug:
    """A place in a file of a room, and that file as it is."""

    file: Path
    source: bytes
    place: Place

    def line(self) -> str:
        """Return file, line, what stands there and what would."""
        place, text = self.place, self.source.decode().splitlines()[self.place.line - 1].strip()
        was = " ".join(self.source[place.start : place.stop].decode().split())
        return f"{self.file}:{place.line}: {was!r} -> {place.instead!r} in {text!r}"


def bugs(room: str, files: list[str]) -> list[Bug]:
    """Return all places of a room, or of some of its files, in order."""
    found = []
    for path in sorted((ROOT / room).glob("*.py")):
        if files and path.name not in files:
            continue
        source = path.read_bytes()
        found += [Bug(path.relative_to(ROOT), source, place) for place in places(source)]
    return found


class Trial:
    """The tests of a room, and then schedules, in copies of the repository."""

    def __init__(self, room: str, schedules: int) -> None:
        self._room = room
        self._schedules = schedules
        self._tests_s = 0.0

    def begin(self, root: Path) -> None:
        """Run the tests of a copy without any bug, to know how long they take.

        Raises: ValueError when one fails: then every bug would seem to be noticed.
        """
        began = time.monotonic()
        done = start(root, UNHURRIED_S, *PYTEST, *self._tests(root))
        if done.returncode:
            raise ValueError(f"without any bug:\n{done.stdout.strip()[-1_000:]}")
        self._tests_s = SLOWER * (time.monotonic() - began)

    def noticed(self, bug: Bug, root: Path) -> str:
        """Say what fails in a copy with the bug in it: a test, a schedule, or nothing, ""."""
        path = root / bug.file
        path.write_bytes(bug.place.apply(bug.source))
        try:
            if start(root, self._tests_s, *PYTEST, *self._tests(root)).returncode:
                return "noticed by a test"
            count = str(self._schedules)
            if self._schedules and start(root, UNHURRIED_S, *SEEK, count).returncode:
                return "noticed by a schedule"
            return ""
        except subprocess.TimeoutExpired:
            return "noticed as they do not end"
        finally:
            path.write_bytes(bug.source)

    def _tests(self, root: Path) -> list[str]:
        found = [path for each in TESTS[self._room] for path in sorted(root.glob(each))]
        return [str(path.relative_to(root)) for path in found]


def tried(chosen: list[Bug], trial: Trial, workers: int) -> Iterator[tuple[Bug, str]]:
    """Try each, so many at once, each worker in a copy of its own. Raises: ValueError."""
    with tempfile.TemporaryDirectory() as folder:
        roots = [Path(folder) / str(number) for number in range(workers)]
        free: SimpleQueue[Path] = SimpleQueue()
        for root in roots:
            for name in (*COPIED, "docs"):
                copy(name, root)
            free.put(root)
        trial.begin(roots[0])

        def one(bug: Bug) -> tuple[Bug, str]:
            root = free.get()
            try:
                return bug, trial.noticed(bug, root)
            finally:
                shutil.rmtree(root / ".hypothesis", ignore_errors=True)
                free.put(root)

        with ThreadPoolExecutor(workers) as pool:
            yield from pool.map(one, chosen)


def main() -> int:
    """Return 0."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulator.mutants.everywhere", description=__doc__
    )
    parser.add_argument("--room", choices=sorted(TESTS), default="consensus")
    parser.add_argument("--file", nargs="*", default=[], help="only of these files of the room")
    parser.add_argument("--from", dest="seed", type=int, default=1, help="shuffles the places")
    parser.add_argument("--count", type=int, default=100, help="how many to try")
    parser.add_argument("--schedules", type=int, default=150, help="of consensus, where tests pass")
    parser.add_argument("--workers", type=int, default=2, help="how many at once")
    arguments = parser.parse_args()
    found = bugs(arguments.room, arguments.file)
    if not found:
        parser.error(f"no place in {arguments.room} {arguments.file}")
    random.Random(arguments.seed).shuffle(found)
    chosen = found[: arguments.count]
    schedules = arguments.schedules if arguments.room == "consensus" else 0
    began, counts = time.monotonic(), Counter[str]()
    for bug, how in tried(chosen, Trial(arguments.room, schedules), arguments.workers):
        counts[how or "survived"] += 1
        if not how:
            print(f"survived: {bug.line()}", flush=True)
    sums = ", ".join(f"{count} {how}" for how, count in counts.most_common())
    print(f"of {len(found)} places in {arguments.room} {len(chosen)} were tried: {sums}")
    print(f"seed {arguments.seed}, {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
