"""What the state tree costs: start-up, updates, memory, collector pauses, proofs and their checks.

Run `python benchmarks/state_tree.py [ENTITIES]` (default 1,000,000: about 20 s). Updates write new
values to keys drawn at random, in batches of 500 and 1,000, as blocks do, with every recent height
kept. Prints one table under a line that names the machine; judges nothing. The layouts that were
tried and left: docs/decisions/0002-state-tree-layout.md.
"""

from __future__ import annotations

import gc
import os
import platform
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

# Run as a file, the import path begins at benchmarks/ and not at the repository.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ledger.limits import RECENT_ROOTS
from ledger.state_tree import StateTree, verify_state_proof

BATCHES = 2 * RECENT_ROOTS  # of each size: the window is full for the second half
PROOFS = 200


def main() -> None:
    """Measures one tree of so many entities and prints the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    chance = random.Random(count)
    print(machine())
    print(f"{count:,} entities")
    before = resident()
    tree = built(count)
    row("memory at start", (resident() - before) / 1e6, "MB")
    for size in (500, 1_000):
        updates(tree, count, size, chance)
        row(f"  memory with {RECENT_ROOTS} heights of it", (resident() - before) / 1e6, "MB")
    row("full garbage collection", seconds(gc.collect) * 1e3, "ms")
    for asked in (1, 100):
        for age in (0, 4, RECENT_ROOTS - 1):
            proofs(tree, count, asked, age, chance)


def built(count: int) -> StateTree:
    """The tree of `count` entities, timed from entries in any order and in key order."""
    prepared = [key(number) for number in range(count)]
    value_hash = sha256(b"at start").digest()
    for order in ("any order", "key order"):
        spent = seconds(lambda: StateTree.build(0, [(k, value_hash) for k in prepared]))
        row(f"build, entries in {order}", spent, "s")
        prepared.sort()
    prepared.clear()
    return StateTree.build(0, entries(count, value_hash))


def updates(tree: StateTree, count: int, size: int, chance: random.Random) -> None:
    """Batches of `size` keys: microseconds of processor time a key, and the longest batch."""
    per_key, longest = [], 0.0
    for _ in range(BATCHES):
        height = tree.newest + 1
        value_hash = sha256(b"%d" % height).digest()
        writes = {key(chance.randrange(count)): value_hash for _ in range(size)}
        wall, busy = time.perf_counter(), time.process_time()
        tree.update(height, writes)
        per_key.append((time.process_time() - busy) / len(writes))
        longest = max(longest, time.perf_counter() - wall)
    row(f"update, batches of {size:,}, median", statistics.median(per_key) * 1e6, "µs a key")
    row("  slowest batch", max(per_key) * 1e6, "µs a key")
    row("  longest pause, whatever its cause", longest * 1e3, "ms")


def proofs(tree: StateTree, count: int, asked: int, age: int, chance: random.Random) -> None:
    """Proofs of `asked` keys together, `age` heights back."""
    height = tree.newest - age
    questions = [
        {k: tree.get(k, height) for k in (key(chance.randrange(count)) for _ in range(asked))}
        for _ in range(PROOFS)
    ]
    answers: list[bytes] = []
    spent = seconds(lambda: answers.extend(tree.prove(list(q), height) for q in questions))
    root = tree.root(height)
    pairs = list(zip(answers, questions, strict=True))
    checking = seconds(lambda: check(root, pairs))
    row(f"proof of {asked} keys, {age} heights back", spent / PROOFS * 1e6, "µs")
    row("  check", checking / PROOFS * 1e6, "µs")
    row("  size", sum(map(len, answers)) / PROOFS, "bytes")


def check(root: bytes, pairs: list[tuple[bytes, dict[bytes, bytes | None]]]) -> None:
    for answer, question in pairs:
        verify_state_proof(root, answer, question)


def key(number: int) -> bytes:
    return sha256(b"entity %d" % number).digest()


def entries(count: int, value_hash: bytes) -> Iterator[tuple[bytes, bytes]]:
    for number in range(count):
        yield key(number), value_hash


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def resident() -> int:
    """Bytes of memory this process holds now (Linux)."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def row(name: str, figure: float, unit: str) -> None:
    print(f"{name:<48}{figure:>12,.2f} {unit}", flush=True)


def machine() -> str:
    """One line naming what was measured on."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="ascii").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, {python}"


if __name__ == "__main__":
    main()
