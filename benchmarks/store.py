"""What the installed storage engines cost: batched puts, gets, ranges and synced batches.

Run `python benchmarks/store.py [FOLDER]`; the folder (default: a temporary one) decides the disk
that is measured. Prints one table under a line that names the machine; judges nothing.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

# Run as a file, the import path begins at benchmarks/ and not at the repository.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from node.store import Store, installed_engines, open_store

ENTRIES = 200_000  # keys of 32 bytes, like those of the state
VALUE_SIZE = 200  # bytes, about a small record with its frontier
BATCH = 1_000  # keys of one block
GETS = 50_000
SYNCED = 300
SYNCED_BATCH = 50  # keys of one synced batch: what a member's ballots and a small block need


def main() -> None:
    """Measures every installed engine in turn and prints the table."""
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as base:
        tables = {engine: measured(Path(base) / engine, engine) for engine in installed_engines()}
    print(machine())
    width = max(len(line) for table in tables.values() for line in table)
    print(" " * width, *(f"{engine:>10}" for engine in tables))
    for line in next(iter(tables.values())):
        print(f"{line:{width}}", *(f"{table[line]:>10.2f}" for table in tables.values()))


def measured(folder: Path, engine: str) -> dict[str, float]:
    """Microseconds by line of the table."""
    keys = [hashlib.sha256(b"%d" % n).digest() for n in range(ENTRIES)]
    value = os.urandom(VALUE_SIZE)
    store = open_store(folder, engine)
    table = {
        f"put, in batches of {BATCH:,}, a key": spent(lambda: fill(store, keys, value), ENTRIES)
    }
    store.close()
    store = open_store(folder, engine)
    asked = keys[:: ENTRIES // GETS]
    table["get, a key"] = spent(lambda: all(store.get(key) for key in asked), GETS)
    absent = [hashlib.sha256(key).digest() for key in asked]
    table["get of an absent key"] = spent(lambda: any(store.get(key) for key in absent), GETS)
    table["range over all, a pair"] = spent(lambda: sum(1 for _ in store.range()), ENTRIES)
    table["range of one pair"] = spent(
        lambda: [next(store.range(key, key + b"\0"), None) for key in asked], GETS
    )
    table["synced batch of 1 key"] = spent(lambda: synced(store, keys, 1), SYNCED)
    table[f"synced batch of {SYNCED_BATCH} keys"] = spent(
        lambda: synced(store, keys, SYNCED_BATCH), SYNCED
    )
    store.close()
    return table


def spent(work: Callable[[], object], count: int) -> float:
    """Microseconds a piece."""
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) / count * 1e6


def fill(store: Store, keys: list[bytes], value: bytes) -> None:
    for first in range(0, len(keys), BATCH):
        store.write(dict.fromkeys(keys[first : first + BATCH], value), sync=False)


def synced(store: Store, keys: list[bytes], size: int) -> None:
    value = os.urandom(VALUE_SIZE)
    for turn in range(SYNCED):
        store.write(dict.fromkeys(keys[turn * size : (turn + 1) * size], value), sync=True)


def machine() -> str:
    """One line: processor count, system and Python."""
    return (
        f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()} "
        f"{platform.release()}, Python {platform.python_version()}; microseconds"
    )


if __name__ == "__main__":
    main()
