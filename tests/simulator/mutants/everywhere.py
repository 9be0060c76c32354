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
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from tests.simulator.mutants.bench import COPIED, PYTEST, ROOT, SEEK, TEST_S, copy, start
from tests.simulator.mutants.places import Place, places

SCHEDULES_S: Final = 300.0
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


def noticed(bug: Bug, root: Path, schedules: int) -> bool:
    """Say whether a test, or a schedule, of the copy under `root` fails with the bug in it."""
    path = root / bug.file
    path.write_bytes(bug.place.apply(bug.source))
    try:
        if start(root, TEST_S, *PYTEST, *_tests(root, bug.file.parts[0])).returncode:
            return True
        if not schedules:
            return False
        return start(root, SCHEDULES_S, *SEEK, str(schedules)).returncode != 0
    except subprocess.TimeoutExpired:
        return True
    finally:
        path.write_bytes(bug.source)


def _tests(root: Path, room: str) -> list[str]:
    return [str(path.relative_to(root)) for each in TESTS[room] for path in sorted(root.glob(each))]


def tried(chosen: list[Bug], schedules: int, workers: int) -> Iterator[tuple[Bug, bool]]:
    """Try each, so many at once, each worker in a copy of its own."""
    with tempfile.TemporaryDirectory() as folder:
        free: SimpleQueue[Path] = SimpleQueue()
        for number in range(workers):
            root = Path(folder) / str(number)
            for name in COPIED:
                copy(name, root)
            free.put(root)

        def one(bug: Bug) -> tuple[Bug, bool]:
            root = free.get()
            try:
                return bug, noticed(bug, root, schedules)
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
    began, survived = time.monotonic(), 0
    for bug, is_noticed in tried(chosen, schedules, arguments.workers):
        if not is_noticed:
            survived += 1
            print(f"survived: {bug.line()}", flush=True)
    seconds = time.monotonic() - began
    print(f"{len(chosen) - survived} of {len(chosen)} noticed in {seconds:.0f} s", end="; ")
    print(f"{arguments.room} has {len(found)} places; seed {arguments.seed}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
