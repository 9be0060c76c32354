"""Supplies refuses: each rule broken once, with its code, and nothing else changed."""

from __future__ import annotations

from typing import Any

import pytest

from chaincode.limits import INSPECTIONS_PER_LOT_MAX, UNITS_PER_INDEX_MAX
from ledger.block import Result
from tests.chaincode_story import (
    LOT,
    MASK,
    accepted,
    approve,
    check_all,
    hand_over,
    inspect,
    items,
    lot,
    propose,
    receive,
    ship,
    shipped,
    stocked,
    use,
)
from tests.chaincode_world import START, World, genesis, key_of


def refused(result: Result, code: str, **parameters: Any) -> None:
    assert (result.code, result.parameters) == (code, parameters)
    assert result.events == ()


def test_a_refusal_writes_nothing_but_the_consumed_id() -> None:
    world = stocked()
    refused(
        use_of_unknown_shipment(world), "unknown-entity", entity="supplies/shipment/redcross.S-9"
    )
    written = [world.last.paths[key].text.rsplit("/", 1)[0] for key in world.last.writes]
    assert written == ["runtime/dup"]
    assert world.last.leaves == []
    assert len(world.last.consumed) == 1


def use_of_unknown_shipment(world: World) -> Result:
    return use(world, 1, "redcross.S-9")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"who": "command.plan"}, "wrong-role"),
        ({"donation": "other.D-1"}, "foreign-id"),
        ({"earmark": "nowhere"}, "unknown-recipient"),
        ({"stated_date": "2020-02-30"}, "bad-argument"),
    ],
)
def test_a_receipt_is_refused(changes: dict[str, Any], code: str) -> None:
    world = World()
    items(world)
    assert receive(world, **changes).code == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"identity": "other.L-1"}, "foreign-id"),
        ({"unit": "pallet"}, "wrong-unit"),
        ({"unit": "box"}, "wrong-unit"),
        ({"label": "50"}, "wrong-unit"),
        ({"item": "redcross.nothing"}, "unknown-entity"),
        ({"expiry": "2019-02-29"}, "bad-argument"),
        ({"count": 10**9, "unit": "carton", "label": ""}, "accepted"),
        ({"count": 0}, "bad-argument"),
        ({"count": -5}, "bad-argument"),
    ],
)
def test_a_lot_is_refused(changes: dict[str, Any], code: str) -> None:
    world = World()
    items(world)
    assert receive(world, lot(**changes)).code == code


def test_more_than_a_lot_may_hold_is_refused() -> None:
    world = World()
    packs = [["ship", "", 10**9]]
    world.ok(
        "redcross.registry",
        "supplies.define_item",
        item=MASK,
        name="mask",
        base_unit="piece",
        packs=packs,
    )
    refused(receive(world, lot(count=1_001, unit="ship")), "quantity-too-large", limit=10**12)


def test_a_sum_beyond_what_browsers_count_exactly_is_refused() -> None:
    world = World()
    packs = [["ship", "", 10**9]]
    world.ok(
        "redcross.registry",
        "supplies.define_item",
        item=MASK,
        name="mask",
        base_unit="piece",
        packs=packs,
    )
    accepted_before = 0
    result = receive(world, lot("redcross.L", 1_000, unit="ship"), donation="redcross.D")
    for number in range(282):
        lots = [lot(f"redcross.L-{number}-{n}", 1_000, unit="ship") for n in range(32)]
        result = receive(world, *lots, donation=f"redcross.D-{number}", donor=f"donor-{number}")
        if result.code != "accepted":
            break
        accepted_before += 1
    refused(result, "overflow", limit=2**53 - 1)
    assert accepted_before == 281


def test_what_exists_cannot_be_created_again() -> None:
    world = stocked()
    assert receive(world).code == "already-exists"
    assert receive(world, donation="redcross.D-2").code == "already-exists"
    twice = [lot("redcross.L-5"), lot("redcross.L-5")]
    assert receive(world, *twice, donation="redcross.D-3").code == "already-exists"


def test_an_item_with_the_same_pack_twice_is_refused() -> None:
    world = World()
    define = {"item": MASK, "name": "mask", "base_unit": "piece"}
    for packs in ([["box", "", 5], ["box", "", 6]], [["piece", "", 1]]):
        result = world.call("redcross.registry", "supplies.define_item", packs=packs, **define)
        assert result.code == "duplicate-entry"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"who": "redcross.store"}, "wrong-role"),
        ({"allocation": "renai.A-1"}, "foreign-id"),
        ({"recipient": "nowhere.ward"}, "unknown-recipient"),
        ({"lots": [["redcross.L-9", 5]]}, "unknown-entity"),
        ({"lots": [[LOT, 5], [LOT, 5]]}, "duplicate-entry"),
        ({"lots": [[LOT, 1_001]]}, "more-than-held"),
        ({"lots": [[LOT, 0]]}, "bad-argument"),
        ({"need": "renai.N-9"}, "unknown-entity"),
    ],
)
def test_a_proposal_is_refused(changes: dict[str, Any], code: str) -> None:
    assert propose(stocked(), **changes).code == code


def test_a_need_binds_recipient_and_item() -> None:
    world = stocked()
    need = {"recipient": "renai", "quantity": 5, "urgency": "asap"}
    accepted(
        world.call("renai.door", "supplies.report_need", need="renai.N-1", item=MASK, **need),
        world.call(
            "renai.door", "supplies.report_need", need="renai.N-2", item="redcross.gown", **need
        ),
    )
    assert propose(world, recipient="tianyou", need="renai.N-1").code == "wrong-recipient"
    assert propose(world, need="renai.N-2").code == "wrong-item"
    other = {**need, "recipient": "tianyou"}
    result = world.call("renai.door", "supplies.report_need", need="renai.N-3", item=MASK, **other)
    refused(result, "wrong-organisation", account="renai.door", organisation="tianyou")


def test_goods_not_inspected_or_not_conformant_are_not_approved() -> None:
    world = World()
    items(world)
    accepted(receive(world), propose(world))
    refused(approve(world), "not-inspected", lot=LOT)
    accepted(inspect(world, verdict="non_conformant"))
    refused(approve(world), "non-conformant", lot=LOT)
    refused(propose(world, "command.A-2"), "non-conformant", lot=LOT)


def test_goods_that_expire_go_nowhere_from_the_day_after() -> None:
    world = World()
    items(world)
    accepted(
        receive(world, lot(expiry="2020-01-25")), inspect(world), propose(world), approve(world)
    )
    day_25_ends = START + 32 * 3_600_000  # 2020-01-25 16:00 UTC is the 26th at UTC+8
    world.pass_time(day_25_ends - 3_600_000)
    accepted(ship(world, lots=[[LOT, 100]]))
    world.pass_time(day_25_ends)
    refused(
        ship(world, "redcross.S-2", lots=[[LOT, 100]]), "lot-expired", expiry="2020-01-25", lot=LOT
    )
    refused(
        propose(world, "command.A-2", lots=[[LOT, 1]]), "lot-expired", expiry="2020-01-25", lot=LOT
    )


def test_who_proposes_does_not_approve() -> None:
    world = stocked()
    accepted(propose(world, allocation="command.A-1", who="command.chief"))
    refused(approve(world, who="command.chief"), "self-approval", account="command.chief")
    rejected = world.call("command.chief", "supplies.reject", allocation="command.A-1", reason="x")
    refused(rejected, "self-approval", account="command.chief")


def test_one_person_with_two_accounts_does_not_approve_for_himself() -> None:
    shared = key_of("one person")
    keys = {
        "command.plan": (key_of("command.plan"), shared),
        "command.deputy": (key_of("command.deputy"), shared),
    }
    world = World(genesis(keys=keys))
    items(world)
    accepted(receive(world), inspect(world), propose(world))
    refused(approve(world), "self-approval", account="command.deputy")


def test_an_allocation_is_decided_once() -> None:
    world = stocked()
    accepted(propose(world), approve(world))
    refused(
        approve(world), "wrong-state", entity="supplies/allocation/command.A-1", state="approved"
    )


def test_only_an_approved_allocation_is_shipped() -> None:
    world = stocked()
    accepted(propose(world))
    assert ship(world).code == "wrong-state"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"who": "other.store", "shipment": "other.S-1"}, "wrong-organisation"),
        ({"who": "renai.door"}, "wrong-role"),
        ({"lots": [[LOT, 601]]}, "more-than-held"),
        ({"lots": [["redcross.L-2", 1]]}, "not-in-allocation"),
        ({"lots": [[LOT, 1], [LOT, 1]]}, "duplicate-entry"),
        ({"shipment": "renai.S-1"}, "foreign-id"),
        ({"allocation": "command.A-2"}, "unknown-entity"),
    ],
)
def test_a_shipment_is_refused(changes: dict[str, Any], code: str) -> None:
    world = stocked()
    accepted(propose(world), approve(world))
    assert ship(world, **changes).code == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"who": "tianyou.door"}, "wrong-organisation"),
        ({"who": "redcross.store"}, "wrong-role"),
        ({"counted": [[LOT, 601]]}, "more-than-shipped"),
        ({"counted": [["redcross.L-2", 1]]}, "not-in-shipment"),
        ({"counted": [[LOT, 1], [LOT, 2]]}, "duplicate-entry"),
    ],
)
def test_a_handover_is_refused(changes: dict[str, Any], code: str) -> None:
    assert hand_over(shipped(), **changes).code == code


def test_a_shipment_is_handed_over_once() -> None:
    world = shipped()
    accepted(hand_over(world))
    assert hand_over(world).code == "wrong-state"


def test_who_ships_does_not_confirm_the_arrival() -> None:
    world = stocked()
    accepted(propose(world, recipient="redcross.depot"), approve(world))
    accepted(ship(world, who="redcross.carrier"))
    refused(
        hand_over(world, who="redcross.carrier"), "self-confirmation", account="redcross.carrier"
    )


def test_loss_and_use_are_bounded_by_what_is_there() -> None:
    world = shipped()
    loss = {"shipment": "redcross.S-1", "lot": LOT, "reason": "torn"}
    declare = "supplies.declare_loss"
    result = world.call("redcross.store", declare, quantity=601, **loss)
    refused(result, "more-than-held", asked=601, held=600, lot=LOT)
    assert world.call("other.store", declare, quantity=1, **loss).code == "wrong-organisation"
    assert use(world, 1).code == "more-than-held"
    accepted(hand_over(world, [[LOT, 500]]))
    refused(use(world, 501), "more-than-held", asked=501, held=500, lot=LOT)
    assert use(world, 1, who="tianyou.door").code == "wrong-organisation"


def test_units_beyond_those_a_list_sums_are_counted_and_keep_nobody_out() -> None:
    world = World()
    for number in range(66):
        world.ok(
            "redcross.registry",
            "supplies.define_item",
            item=f"redcross.i{number}",
            name="thing",
            base_unit=f"unit {number}",
            packs=[],
        )
        accepted(
            receive(
                world,
                lot(f"redcross.L{number}", item=f"redcross.i{number}", unit=f"unit {number}"),
                donation=f"redcross.D{number}",
                donor=f"donor-{number}",
            )
        )
    day = world.record("supplies/day/2020-01-24")
    assert (day.count, day.other) == (66, 2)
    assert len(day.sums["received"]) == UNITS_PER_INDEX_MAX
    correction = {
        "donation": "redcross.D65", "explanation": "e", "item": None, "lot": "redcross.L65",
        "quantity": 1, "reason": "incorrect_data", "verdict": None,
    }  # fmt: skip
    accepted(world.call("redcross.store", "supplies.correct_receipt", **correction))
    after = world.record("supplies/day/2020-01-24")
    assert (after.count, after.other, after.sums) == (67, 3, day.sums)
    check_all(world)


def test_the_same_verdict_again_is_refused() -> None:
    world = stocked()
    nothing = {"entity": f"supplies/lot/{LOT}"}
    refused(inspect(world), "nothing-changed", **nothing)
    accepted(inspect(world, verdict="non_conformant"))
    refused(inspect(world, verdict="non_conformant"), "nothing-changed", **nothing)


def test_a_lot_has_32_verdicts_and_a_warning_after_them() -> None:
    world = stocked()
    verdicts = ("non_conformant", "conformant")
    for number in range(INSPECTIONS_PER_LOT_MAX - 1):
        accepted(inspect(world, verdict=verdicts[number % 2]))
    assert world.record(f"supplies/lot/{LOT}").verdict == "non_conformant"
    limit = {"limit": INSPECTIONS_PER_LOT_MAX, "lot": LOT}
    refused(inspect(world), "too-many-inspections", **limit)
    other = World()
    items(other)
    accepted(receive(other))
    for number in range(INSPECTIONS_PER_LOT_MAX):
        accepted(inspect(other, verdict=verdicts[number % 2]))
    accepted(inspect(other, verdict="non_conformant"))
    refused(inspect(other), "too-many-inspections", **limit)


def test_nobody_frees_his_own_goods_of_inspection() -> None:
    world = World()
    items(world)
    own = receive(world, attestation="republished")
    refused(own, "wrong-role", account="redcross.store", role="republisher")
    accepted(receive(world, who="redcross.web", attestation="republished"))
