"""Size of a bundle, and time to make and to verify it, for histories of 10, 100 and 1,000 events.

    python -m benchmarks.bundle [--json]

One process, one core. "graph" is a donation in lots, each proposed, shipped, handed over and used;
"history" is one entity with all the events. The ledger around them is empty: what a proof costs
beyond the answer is the state proof's depth (about log16 of the entities).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

from ledger.assembly import assemble
from ledger.bundle_file import encode_bundle
from ledger.claims import Claim, History, Trace
from ledger.paths import Path
from ledger.verify import verify_bundle
from tests.forger.stories import event, receipt, supply
from tests.forger.world import Call, World

COUNTS = (10, 100, 1_000)
REPEATS = 7


def history_world(events: int) -> tuple[World, Claim]:
    world, path = World(), supply("lot", "L-1")
    for index in range(events):
        call = Call([event("inspected", on=(path,), note=f"shelf {index}")], {path: {"n": index}})
        world.grow([call])
    world.certify()
    return world, History(path)


def graph_world(events: int) -> tuple[World, Claim]:
    """About `events` leaves: a lot's path to its use takes ten."""
    world, donation = World(), supply("donation", "D-1")
    names = range(max(1, events // 10))
    lots = [supply("lot", f"L-{index}") for index in names]
    world.grow([receipt(donation, tuple((lot, 10) for lot in lots), "a-firm")])
    for index, lot in enumerate(lots):
        allocation, shipment = supply("allocation", f"A-{index}"), supply("shipment", f"S-{index}")
        world.grow([_moved("proposed", lot, allocation)])
        world.grow([_moved("shipped", allocation, shipment)])
        world.grow([Call([event("handed_over", ((shipment, 10),))], {shipment: {"at": "ward"}})])
        world.grow([Call([event("used", ((shipment, 10),), on=(lot,))], {shipment: {"used": 10}})])
    world.certify()
    return world, Trace(donation)


def _moved(kind: str, source: Path, target: Path) -> Call:
    return Call(
        [event(kind, ((source, 10),), ((target, 10),))], {target: {"held": 10}, source: {"held": 0}}
    )


def best(work: Callable[[], Any]) -> float:
    """The least of some runs, in milliseconds."""
    times = []
    for _ in range(REPEATS):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return 1_000 * min(times)


def measure_one(shape: str, world: World, claim: Claim) -> dict[str, Any]:
    data = encode_bundle(assemble(world, claim))
    report = verify_bundle(data, world.genesis)
    if not report.clean or report.bundle is None:
        raise SystemExit(f"{shape}: {report.value()}")
    return {
        "shape": shape,
        "entities": len(report.bundle.entities),
        "events": report.bundle.events,
        "bytes": len(data),
        "make_ms": round(best(lambda: encode_bundle(assemble(world, claim))), 2),
        "verify_ms": round(best(lambda: verify_bundle(data, world.genesis)), 2),
    }


def measure() -> list[dict[str, Any]]:
    shapes = (("history", history_world), ("graph", graph_world))
    return [measure_one(name, *build(count)) for name, build in shapes for count in COUNTS]


def main() -> None:
    rows = measure()
    if "--json" in sys.argv[1:]:
        print(json.dumps(rows))
        return
    print(" ".join(f"{name:>10}" for name in rows[0]))
    for row in rows:
        print(" ".join(f"{value:>10}" for value in row.values()))


if __name__ == "__main__":
    main()
