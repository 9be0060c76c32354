"""Whatever is submitted in whatever order: goods are conserved, logs are complete, nothing breaks.

Random calls on a small world, valid and not, several to a block. After every block the counters of
every lot are recounted from events alone, and every entity's frontier is recomputed over its
leaves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chaincode.conservation import COUNTERS
from ledger.transaction import Transaction
from tests.chaincode_story import KN95, MASK, check_all, items
from tests.chaincode_world import DAY, World

RECIPIENTS = ["renai", "tianyou", "renai.ward3"]
Call = tuple[Any, str, dict[str, Any]]
Draw = tuple[int, int, int, int]  # which entity, which other, how much, how wrong


def door(recipient: str) -> str:
    return recipient.split(".", maxsplit=1)[0] + ".door"


def known(world: World, kind: str, which: int) -> str:
    """Return the id of an entity there is, now and then of one there is not."""
    ids = [path.id for path in world.logs if path.kind == kind]
    return f"redcross.none-{kind}" if which % 16 == 15 or not ids else ids[which % len(ids)]


def fresh(world: World, prefix: str, kind: str, wrong: int) -> str:
    """Return a new id, now and then one that is taken or foreign."""
    if wrong == 0:
        return known(world, kind, wrong)
    count = sum(path.kind == kind for path in world.logs)
    return f"{'other' if wrong == 1 else prefix}.{kind}-{count}"


def record(world: World, kind: str, identity: str) -> Any:
    if kind in {path.kind for path in world.logs if path.id == identity}:
        return world.record(f"supplies/{kind}/{identity}")
    return None


def receive(world: World, draw: Draw) -> Call:
    _, b, q, wrong = draw
    lot = {
        "count": q, "expiry": "2020-01-25" if b % 8 == 7 else None, "item": MASK, "label": "",
        "lot": fresh(world, "redcross", "lot", wrong), "unit": "piece",
    }  # fmt: skip
    return "redcross.clerk" if wrong == 2 else "redcross.web", "supplies.receive", {
        "attestation": ("republished", "first_hand")[b % 2],
        "donation": fresh(world, "redcross", "donation", wrong), "donor": f"donor{b % 3}",
        "earmark": "renai" if b % 5 == 3 else None, "lots": [lot], "source": "",
        "stated_date": None,
    }  # fmt: skip


def inspect(world: World, draw: Draw) -> Call:
    a, _, _, wrong = draw
    verdict = "non_conformant" if wrong < 2 else "conformant"
    return "inspection.li", "supplies.inspect", {
        "lot": known(world, "lot", a), "note": "", "verdict": verdict,
    }  # fmt: skip


def report_need(world: World, draw: Draw) -> Call:
    _, b, q, wrong = draw
    recipient = RECIPIENTS[b % 3]
    need = fresh(world, recipient.split(".", maxsplit=1)[0], "need", wrong)
    return door(recipient), "supplies.report_need", {
        "item": MASK, "need": need, "quantity": q, "recipient": recipient, "urgency": "routine",
    }  # fmt: skip


def propose(world: World, draw: Draw) -> Call:
    a, b, q, wrong = draw
    lots = [[known(world, "lot", a), q]]
    if b % 3 == 0:
        lots.append([known(world, "lot", a + 1), 1 + q % 3])
    need = known(world, "need", b) if b % 2 else None
    held = record(world, "need", need) if need else None
    recipient = held.recipient if held else RECIPIENTS[b % 3]
    return "command.chief" if wrong == 2 else "command.plan", "supplies.propose", {
        "allocation": fresh(world, "command", "allocation", wrong), "lots": lots, "need": need,
        "reason": "r", "recipient": recipient,
    }  # fmt: skip


def approve(world: World, draw: Draw) -> Call:
    who = "command.chief" if draw[3] == 0 else "command.deputy"
    return who, "supplies.approve", {"allocation": known(world, "allocation", draw[0])}


def reject(world: World, draw: Draw) -> Call:
    allocation = known(world, "allocation", draw[0])
    return "command.deputy", "supplies.reject", {"allocation": allocation, "reason": "r"}


def ship(world: World, draw: Draw) -> Call:
    a, b, q, wrong = draw
    allocation = known(world, "allocation", a)
    held = record(world, "allocation", allocation)
    lots = [[line.lot, max(1, line.quantity // (1 + b % 2))] for line in held.lines] if held else []
    if wrong == 2 or not lots:
        lots = [[known(world, "lot", b), q]]
    return "redcross.store", "supplies.ship", {
        "allocation": allocation, "carrier": "c", "lots": lots,
        "shipment": fresh(world, "redcross", "shipment", wrong),
    }  # fmt: skip


def _on_shipment(world: World, draw: Draw) -> tuple[str, str, str, int]:
    """Return a shipment, who receives it, a lot of it, and a quantity near what there is of it."""
    a, b, q, wrong = draw
    shipment = known(world, "shipment", a)
    held = record(world, "shipment", shipment)
    if held is None:
        return shipment, "renai.door", "redcross.lot-0", q
    line = held.lines[b % len(held.lines)]
    quantity = q if wrong < 2 else max(1, line.shipped - q % 4)
    who = "tianyou.door" if wrong == 2 else door(held.recipient)
    return shipment, who, line.lot, quantity


def hand_over(world: World, draw: Draw) -> Call:
    shipment, who, lot, quantity = _on_shipment(world, draw)
    return who, "supplies.hand_over", {
        "condition": "", "counted": [[lot, quantity]], "shipment": shipment,
    }  # fmt: skip


def declare_loss(world: World, draw: Draw) -> Call:
    shipment, _, lot, _ = _on_shipment(world, draw)
    return "redcross.store", "supplies.declare_loss", {
        "lot": lot, "quantity": 1 + draw[2] % 4, "reason": "r", "shipment": shipment,
    }  # fmt: skip


def use(world: World, draw: Draw) -> Call:
    shipment, who, lot, quantity = _on_shipment(world, draw)
    return who, "supplies.use", {
        "lot": lot, "purpose": "", "quantity": 1 + quantity // 2, "shipment": shipment,
    }  # fmt: skip


def correct_receipt(world: World, draw: Draw) -> Call:
    a, b, q, wrong = draw
    lot = known(world, "lot", a)
    held = record(world, "lot", lot)
    void = wrong < 3
    item = KN95 if b % 2 and not void else None
    more = held is not None and not void and (item not in (None, held.item) or q > held.received)
    verdict = "conformant" if more and b % 3 else None
    second = "inspection.li" if verdict else "command.deputy"
    who = ["redcross.store", second] if more and wrong != 3 else "redcross.store"
    return who, "supplies.correct_receipt", {
        "donation": held.donation if held else "redcross.donation-0", "explanation": "e",
        "item": item, "lot": lot, "quantity": None if void else q,
        "reason": "did_not_occur" if void else "incorrect_data", "verdict": verdict,
    }  # fmt: skip


def correct_hand_over(world: World, draw: Draw) -> Call:
    shipment, who, lot, quantity = _on_shipment(world, draw)
    counted = quantity + draw[2] % 7
    held = record(world, "shipment", shipment)
    lines = held.lines if held else ()
    more = any(line.lot == lot and counted > line.shipped - line.lost for line in lines)
    signers = ["redcross.store", who, "command.deputy"][: 3 if more else 2]
    return signers, "supplies.correct_hand_over", {
        "counted": [[lot, counted]], "explanation": "e",
        "reason": "incorrect_data", "shipment": shipment,
    }  # fmt: skip


Maker = Callable[[World, Draw], Call]
MAKERS: list[Maker] = [
    receive, inspect, report_need, propose, propose, approve, reject, ship, ship, hand_over,
    declare_loss, use, correct_receipt, correct_hand_over,
]  # fmt: skip
DRAW = st.tuples(st.integers(0, 31), st.integers(0, 31), st.integers(-1, 90), st.integers(0, 15))
STEP = st.tuples(st.sampled_from(MAKERS), DRAW)


def transaction(world: World, maker: Maker, draw: Draw) -> Transaction:
    who, call, arguments = maker(world, draw)
    return world.transaction(who, call, **arguments)


def step(world: World, maker: Maker, draw: Draw) -> None:
    world.block([transaction(world, maker, draw)])


def start() -> World:
    """A world in which every kind of call can succeed at once."""
    world = World()
    items(world)
    for maker, count in (
        (receive, 4), (inspect, 4), (report_need, 2), (propose, 4), (approve, 4), (ship, 2),
        (hand_over, 1), (use, 1),
    ):  # fmt: skip
        for number in range(count):
            step(world, maker, (number, 2 * number + 1, 60 if maker is receive else 20, 9))
    return world


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(STEP, min_size=1, max_size=6), min_size=1, max_size=12), st.booleans())
def test_goods_are_conserved_and_logs_complete_after_every_block(
    blocks: list[list[tuple[Maker, Draw]]], later: bool
) -> None:
    world = start()
    check_all(world)
    for number, calls in enumerate(blocks):
        if later and number == 3:
            world.pass_time(world.time + 2 * DAY)
        before = {path: len(log) for path, log in world.logs.items()}
        results = world.block([transaction(world, maker, draw) for maker, draw in calls])
        if all(result.code != "accepted" for result in results):
            assert {path: len(log) for path, log in world.logs.items()} == before
        check_all(world)
    days = [world.record(path.text).sums for path in world.logs if path.kind == "day"]
    total = sum(sums.get("received", {}).get("piece", 0) for sums in days)
    lots = [world.record(path.text) for path in world.logs if path.kind == "lot"]
    assert total == sum(lot.received for lot in lots)
    assert all(getattr(lot, counter) >= 0 for lot in lots for counter in COUNTERS)
