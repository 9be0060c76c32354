"""`python -m benchmarks.proofs`: what proofs cost, in bytes and time, by answer and by ledger.

For ledgers of so many entities (real store, executor and proofs of one member, opened anew) and
histories of so many events: size of the bundle, time to make it from the store, time to verify it
in Python and, where Chromium and Node are installed, in the offline page. Then how the same answer
grows from the smallest to the largest ledger; status 1 where from 10,000 to 1,000,000 entities it
grows by more than it may. How to read it: docs/BENCHMARKS.md.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter, thread_time
from typing import Any, Final

from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from benchmarks import browser
from benchmarks.business import accesses_of, items, shared_and_read, shipped_and_used
from benchmarks.lone_member import BLOCK, Ledger
from benchmarks.machine import machine
from client.calls import Call
from ledger.assembly import assemble
from ledger.bundle_file import encode_bundle
from ledger.claims import (
    Absence,
    AsOf,
    Claim,
    Entity,
    EventAt,
    Extension,
    History,
    ListOf,
    Period,
    Receipt,
    Trace,
)
from ledger.paths import Path as EntityPath
from ledger.transaction import Transaction
from ledger.verify import verify_bundle

__all__ = ["GROWTH_MAX", "beyond", "main"]

ENTITIES: Final = (10_000, 100_000, 1_000_000)
EVENTS: Final = (10, 1_000, 10_000)  # the last is the most that one bundle holds
ASKED: Final = {10: 20, 1_000: 3, 10_000: 1}  # so many different histories of each length
ROUNDS: Final = 5
LONG: Final = 100_000  # events of the history that is asked for by period
# How many times the figures of the smallest ledger those of the largest may be. The first round is
# by the clock of a machine that others use, so no bound stands on it.
GROWTH_MAX: Final = {"bytes": 1.3, "make_ms": 2.0, "verify_ms": 2.0}
Row = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.proofs", description=__doc__)
    parser.add_argument("--entities", type=int, nargs="+", default=list(ENTITIES))
    parser.add_argument("--no-long", action="store_true", help=f"no history of {LONG:,} events")
    parser.add_argument("--no-browser", action="store_true", help="leave Chromium out")
    parser.add_argument("--dir", type=Path, help="on which disk the folders are made")
    parser.add_argument("--out", type=Path, help="where to write the figures as JSON")
    options = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), machine(), *_load())
    rows: list[Row] = []
    for entities in sorted(options.entities):
        long = not options.no_long and entities == min(options.entities)
        with tempfile.TemporaryDirectory(dir=options.dir) as folder:
            rows += _measured(Path(folder), entities, long, not options.no_browser)
    growth = _growth(rows)
    console.print(_table("proofs", rows), _table("growth with the ledger", growth), *_load())
    if options.out:
        figures = {"machine": machine(), "rows": rows, "growth": growth}
        options.out.write_text(json.dumps(figures, indent=2) + "\n")
    broken = beyond(growth) if {ENTITIES[0], ENTITIES[-1]} <= {*options.entities} else []
    for line in broken:
        print(line, file=sys.stderr)
    return 1 if broken else 0


def _load() -> tuple[str, float]:
    """What else the machine does: the mean number of running threads of the last minute."""
    return "load", round(os.getloadavg()[0], 1)


def _measured(folder: Path, entities: int, long: bool, in_browser: bool) -> Iterator[Row]:
    started = perf_counter()
    ledger = Ledger.make(folder / "member", entities, _business(long))
    print(f"{entities:,} entities: made in {perf_counter() - started:.0f} s", file=sys.stderr)
    gc.collect()
    gc.freeze()  # as a member does over its long-lived data
    for name, claims in _questions(ledger, long):
        row, data = _one(ledger, claims)
        if in_browser:
            row["browser_ms"] = browser.verify_ms(data, ledger.genesis)
        yield {"ledger": entities, "answer": name, **row}
    ledger.close()


def _one(ledger: Ledger, claims: Sequence[Claim]) -> tuple[Row, bytes]:
    """Make and verify the answers, each in turn and all some rounds; medians in milliseconds, and
    the mean size.

    The first round, in which nothing was read before, by the clock; the others by the processor
    time of this thread, which other work on the machine hardly changes.
    """
    times: dict[str, list[float]] = {"first_ms": [], "make_ms": [], "verify_ms": []}
    data, events, sizes = b"", 0, []
    for number in range(ROUNDS):
        clock, name = (thread_time, "make_ms") if number else (perf_counter, "first_ms")
        for claim in claims:
            moment = ledger.moment()
            start = clock()
            data = encode_bundle(assemble(moment, claim))
            times[name].append(clock() - start)
            start = thread_time()
            report = verify_bundle(data, ledger.genesis)
            times["verify_ms"].append(thread_time() - start)
            if not report.clean or report.bundle is None:
                raise RuntimeError(f"{claim}: {report.value()}")
            events = report.bundle.events
            sizes.append(len(data))
    medians = {name: round(1_000 * statistics.median(each), 3) for name, each in times.items()}
    return {
        "events": events,
        "bytes": round(statistics.mean(sizes)),
        **medians,
        "browser_ms": None,
    }, data


def _growth(rows: Sequence[Row]) -> list[Row]:
    """How many times the figures of the smallest ledger those of the largest are, by answer."""
    least, most = (edge(row["ledger"] for row in rows) for edge in (min, max))
    small = {row["answer"]: row for row in rows if row["ledger"] == least}
    figures = ("bytes", "first_ms", "make_ms", "verify_ms")
    return [
        {
            "ledger": f"{most:,} / {least:,}",
            "answer": row["answer"],
            **{figure: round(row[figure] / small[row["answer"]][figure], 2) for figure in figures},
        }
        for row in rows
        if row["ledger"] == most != least
    ]


def beyond(growth: Sequence[Row]) -> list[str]:
    """Say which figures grow by more than a proof may from the smallest ledger to the largest."""
    return [
        f"{row['answer']}: {figure} grows {row[figure]} times, more than {most}"
        for row in growth
        for figure, most in GROWTH_MAX.items()
        if row[figure] > most
    ]


def _table(title: str, rows: Sequence[Row]) -> Table:
    table = Table(*(rows[0] if rows else ()), title=title, box=MARKDOWN)
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    return table


def _cell(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else f"{value:,}"


# -- what is asked ----------------------------------------------------------------------------


def _names(events: int) -> list[str]:
    return [f"{events}-{number}" for number in range(ASKED[events])]


def _shipment(name: str) -> EntityPath:
    return EntityPath("supplies", "shipment", f"depot.S-{name}")


def _questions(ledger: Ledger, long: bool) -> Iterator[tuple[str, list[Claim]]]:
    for events in EVENTS:
        yield f"history {events:,}", [History(_shipment(name)) for name in _names(events)]
    for events in EVENTS[:2]:
        yield (
            f"trace {events:,}",
            [
                Trace(EntityPath("supplies", "donation", f"depot.D-{name}"))
                for name in _names(events)
            ],
        )
    for events in EVENTS[:2]:
        yield f"accesses {events:,}", [accesses_of(events)]
    listed = EVENTS[1]
    yield (
        f"list {listed - 2:,}",
        [ListOf(_shipment(name), "used") for name in _names(listed)],
    )
    yield "record", [Entity(_shipment(name)) for name in _names(EVENTS[0])]
    yield "absence", [Absence(_shipment(f"none-{number}")) for number in range(20)]
    yield from _of_the_past(ledger)
    if long:
        yield f"period of {LONG:,}", [_middle(ledger)]


def _of_the_past(ledger: Ledger) -> Iterator[tuple[str, list[Claim]]]:
    """Half way: one event, a record as it was, what became of transactions, and an old root."""
    events, height = EVENTS[1], ledger.executor.height // 2
    names = _names(events)
    yield "event", [EventAt(_shipment(name), events // 2) for name in names]
    yield "record as of", [AsOf(_shipment(name), height) for name in names]
    transactions, _ = ledger.moment().block(height)
    ids = [Transaction.decode(data).id for data in transactions[: len(transactions) // 2][:20]]
    yield "transaction", [Receipt(identity) for identity in ids]
    yield "consistency", [Extension(height, ledger.executor.log.root(height))]


def _middle(ledger: Ledger) -> Period:
    """Some 9,500 events in the middle of the long history; a block of it takes a second."""
    blocks = LONG // BLOCK
    end = ledger.executor.time - blocks // 2 * 1_000
    return Period(_shipment("long"), end - min(blocks // 4, 19) * 1_000, end)


def _business(long: bool) -> Iterator[Call]:
    yield from items()
    for events in EVENTS:
        for name in _names(events):
            yield from shipped_and_used(name, events)
    for events in EVENTS[:2]:
        yield from shared_and_read(events)
    if long:
        yield from shipped_and_used("long", LONG)


if __name__ == "__main__":
    sys.exit(main())
