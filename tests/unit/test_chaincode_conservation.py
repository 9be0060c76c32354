"""The recount from events alone finds what a record or a log hides."""

from __future__ import annotations

from msgspec.structs import replace

from chaincode.conservation import Mismatch, compare, recount
from tests.chaincode_story import LOT, accepted, hand_over, shipped, use
from tests.chaincode_world import World

PLACE = f"supplies/lot/{LOT}"


def used() -> World:
    world = shipped()
    accepted(hand_over(world, [[LOT, 550]]), use(world, 100))
    return world


def test_the_log_of_a_lot_alone_gives_its_counters() -> None:
    counters, negative = recount(used().log(PLACE))
    assert negative == []
    held = {name: amount for name, amount in counters[LOT].items() if amount}
    assert held == {
        "received": 1_000, "in_stock": 400, "in_transit": 50, "delivered": 450, "used": 100,
    }  # fmt: skip


def test_events_may_come_from_many_logs_in_any_order() -> None:
    world = used()
    leaves = [leaf for path in world.logs for leaf in world.log(path.text)]
    assert compare(reversed(leaves), {LOT: world.record(PLACE)}) == []


def test_a_record_that_says_more_than_the_events_is_found() -> None:
    world = used()
    false = replace(world.record(PLACE), in_stock=500, delivered=350)
    assert compare(world.log(PLACE), {LOT: false}) == [
        Mismatch(LOT, "in_stock", 500, 400),
        Mismatch(LOT, "delivered", 350, 450),
    ]


def test_a_record_that_does_not_balance_is_found() -> None:
    world = used()
    false = replace(world.record(PLACE), in_stock=401)
    assert compare(world.log(PLACE), {LOT: false}) == [
        Mismatch(LOT, "in_stock", 401, 400),
        Mismatch(LOT, "balance", 1_000, 1_001),
    ]


def test_a_left_out_event_is_found_and_so_is_a_counter_below_zero() -> None:
    world = used()
    log = [leaf for leaf in world.log(PLACE) if leaf.kind != "handed_over"]
    found = compare(log, {LOT: world.record(PLACE)})
    assert Mismatch(LOT, "delivered", None, -100) in found
    assert Mismatch(LOT, "in_transit", 50, 600) in found


def test_a_lot_without_any_event_is_found() -> None:
    world = used()
    assert Mismatch(LOT, "received", 1_000, 0) in compare([], {LOT: world.record(PLACE)})
