"""Corrections: nothing is edited. The N95 case of 31 January 2020 and what may not be corrected."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.block import Result
from tests.chaincode_story import (
    KN95,
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
from tests.chaincode_world import DAY, START, World, genesis, key_of

ALONE = "redcross.store"
APPROVED = ("redcross.store", "command.deputy")
INSPECTED = ("redcross.store", "inspection.li")
THREE = ("redcross.store", "renai.door", "command.deputy")


def correct_receipt(world: World, who: str | tuple[str, ...] = ALONE, **changes: Any) -> Result:
    arguments = {
        "donation": "redcross.D-1", "lot": LOT, "item": None, "quantity": None, "verdict": None,
        "reason": "incorrect_data", "explanation": "as the notice of 31 January says", **changes,
    }  # fmt: skip
    return world.call(who, "supplies.correct_receipt", **arguments)


def correct_hand_over(
    world: World,
    counted: list[list[Any]],
    who: tuple[str, ...] = ("redcross.store", "renai.door"),
    shipment: str = "redcross.S-1",
    reason: str = "incorrect_data",
) -> Result:
    return world.call(
        who,
        "supplies.correct_hand_over",
        shipment=shipment,
        counted=counted,
        reason=reason,
        explanation="counted again",
    )


def test_the_n95_case_keeps_both_versions_and_ends_balanced() -> None:
    world = World()
    items(world)
    accepted(receive(world, lot(count=36_000), stated_date="2020-01-30"), inspect(world))
    for hospital in ("renai", "tianyou"):
        allocation, shipment = f"command.A-{hospital}", f"redcross.S-{hospital}"
        lots = [[LOT, 16_000]]
        accepted(
            propose(world, allocation, hospital, lots),
            approve(world, allocation),
            ship(world, shipment, allocation, lots),
            hand_over(world, lots, shipment, f"{hospital}.door"),
        )
    record = world.record(f"supplies/lot/{LOT}")
    assert (record.item, record.in_stock, record.delivered) == (MASK, 4_000, 32_000)
    check_all(world)

    world.pass_time(START + 7 * DAY)
    accepted(correct_receipt(world, INSPECTED, item=KN95, verdict="conformant"))
    for hospital in ("renai", "tianyou"):
        parties = (f"{hospital}.door", "redcross.store", "command.deputy")
        accepted(correct_hand_over(world, [[LOT, 18_000]], parties, f"redcross.S-{hospital}"))
    record = world.record(f"supplies/lot/{LOT}")
    assert (record.item, record.received, record.in_stock) == (KN95, 36_000, 0)
    assert record.delivered == 36_000
    log = world.log(f"supplies/lot/{LOT}")
    original, correction = log[0], log[-3]
    assert original.body["item"] == MASK
    assert correction.kind == "receipt_corrected"
    assert correction.body["corrects"] == list(original.position)
    assert correction.body["old"] == {"item": MASK, "quantity": 36_000}
    assert correction.body["new"] == {"item": KN95, "quantity": 36_000}
    assert correction.body["confirmed_by"] == "inspection.li"
    corrected = log[-1]
    counted = next(leaf for leaf in log if leaf.position == tuple(corrected.body["corrects"]))
    assert (counted.kind, counted.body["counted"]) == ("handed_over", [[LOT, 16_000]])
    assert corrected.body["old"] == [[LOT, 16_000]]
    assert corrected.body["new"] == [[LOT, 18_000]]
    assert corrected.body["from_stock"] == [[LOT, 2_000]]
    assert corrected.body["approved_by"] == "command.deputy"
    allocation = world.record("supplies/allocation/command.A-tianyou")
    assert [(line.quantity, line.shipped) for line in allocation.lines] == [(18_000, 18_000)]
    assert world.record("supplies/recipient/tianyou").sums["allocated"] == {"piece": 18_000}
    assert world.record("supplies/day/2020-01-24").sums["delivered"] == {"piece": 36_000}
    assert world.kinds("supplies/day/2020-01-31") == []
    assert world.record("supplies/open/receipt.2020-01-24").closed == 1
    check_all(world)


def test_a_second_correction_corrects_the_first() -> None:
    world = stocked()
    accepted(correct_receipt(world, APPROVED, quantity=1_100))
    accepted(correct_receipt(world, APPROVED, quantity=1_200))
    first, second = world.log(f"supplies/lot/{LOT}")[-2:]
    assert second.body["corrects"] == list(first.position)
    assert world.record("supplies/donor/senjinbiya").sums == {"received": {"piece": 1_200}}
    check_all(world)


def test_a_receipt_that_did_not_occur_is_void_and_stays_visible() -> None:
    world = stocked()
    accepted(correct_receipt(world, reason="did_not_occur"))
    record = world.record(f"supplies/lot/{LOT}")
    assert (record.received, record.in_stock, record.status) == (0, 0, "void")
    assert world.record("supplies/donation/redcross.D-1").status == "did_not_occur"
    assert world.kinds(f"supplies/lot/{LOT}") == ["received", "inspected", "receipt_corrected"]
    assert correct_receipt(world, quantity=5).code == "wrong-state"
    assert inspect(world).code == "wrong-state"
    assert propose(world).code == "more-than-held"
    check_all(world)


def test_a_donation_did_not_occur_only_when_none_of_its_lots_did() -> None:
    world = World()
    items(world)
    accepted(receive(world, lot("redcross.L-1"), lot("redcross.L-2"), earmark="renai"))
    accepted(correct_receipt(world, reason="did_not_occur"))
    assert world.record("supplies/donation/redcross.D-1").status == "received"
    accepted(correct_receipt(world, lot="redcross.L-2", reason="did_not_occur"))
    assert world.record("supplies/donation/redcross.D-1").status == "did_not_occur"
    assert world.record("supplies/recipient/renai").sums == {"earmarked": {"piece": 0}}
    check_all(world)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "nothing-corrected"),
        ({"item": MASK, "quantity": 1_000}, "nothing-corrected"),
        ({"item": "redcross.gown"}, "mixed-units"),
        ({"item": "redcross.nothing"}, "unknown-entity"),
        ({"quantity": 599}, "more-than-held"),
        ({"reason": "did_not_occur"}, "already-moved"),
        ({"reason": "did_not_occur", "quantity": 5}, "bad-argument"),
        ({"reason": "typo"}, "bad-argument"),
        ({"explanation": ""}, "bad-argument"),
        ({"who": "other.store", "quantity": 600}, "wrong-organisation"),
        ({"who": "inspection.li", "quantity": 600}, "wrong-role"),
        ({"donation": "redcross.D-2", "quantity": 1_001}, "unknown-entity"),
        ({"quantity": 600}, "accepted"),
        ({"quantity": 600, "verdict": "conformant"}, "bad-argument"),
        ({"who": APPROVED, "quantity": 600}, "signer-count"),
        ({"quantity": 1_001}, "signer-count"),
        ({"item": KN95}, "signer-count"),
        ({"who": APPROVED, "quantity": 1_001}, "accepted"),
        ({"who": APPROVED[::-1], "item": KN95, "quantity": 600}, "accepted"),
        ({"who": ("other.store", "command.deputy"), "item": KN95}, "wrong-organisation"),
        ({"who": ("redcross.store", "redcross.clerk"), "item": KN95}, "wrong-role"),
        ({"who": ("redcross.store", "renai.door"), "item": KN95}, "wrong-role"),
        ({"who": INSPECTED, "item": KN95}, "wrong-role"),
        ({"who": APPROVED, "item": KN95, "verdict": "conformant"}, "wrong-role"),
        ({"who": INSPECTED, "item": KN95, "verdict": "non_conformant"}, "accepted"),
        ({"who": INSPECTED, "item": KN95, "verdict": "fine"}, "bad-argument"),
        ({"who": (*INSPECTED, "command.deputy"), "item": KN95}, "signer-count"),
    ],
)
def test_a_correction_of_a_receipt_answers(changes: dict[str, Any], code: str) -> None:
    world = shipped()
    assert correct_receipt(world, **changes).code == code
    check_all(world)


def test_a_lot_is_corrected_under_its_own_donation() -> None:
    world = stocked()
    accepted(receive(world, lot("redcross.L-2"), donation="redcross.D-2"))
    result = correct_receipt(world, donation="redcross.D-2", quantity=5)
    assert result.code == "not-in-donation"


def test_a_count_corrected_downwards_returns_to_transit() -> None:
    world = shipped()
    accepted(hand_over(world), correct_hand_over(world, [[LOT, 500]]))
    record = world.record(f"supplies/lot/{LOT}")
    assert (record.in_transit, record.delivered) == (100, 500)
    assert world.record("supplies/shipment/redcross.S-1").status == "incomplete"
    opened = world.record("supplies/open/shipment.2020-01-24")
    assert (opened.opened, opened.closed) == (2, 1)
    accepted(correct_hand_over(world, [[LOT, 650]], THREE))
    record = world.record(f"supplies/lot/{LOT}")
    assert (record.in_transit, record.delivered, record.in_stock) == (0, 650, 350)
    check_all(world)


def test_a_second_correction_of_a_count_corrects_the_first() -> None:
    world = shipped()
    accepted(hand_over(world))
    accepted(correct_hand_over(world, [[LOT, 500]]), correct_hand_over(world, [[LOT, 550]]))
    counted, first, second = world.log("supplies/shipment/redcross.S-1")[1:]
    assert first.body["corrects"] == list(counted.position)
    assert second.body["corrects"] == list(first.position)


def test_what_is_used_cannot_be_corrected_away() -> None:
    world = shipped()
    accepted(hand_over(world), use(world, 400))
    result = correct_hand_over(world, [[LOT, 399]])
    assert (result.code, result.parameters["held"]) == ("more-than-held", 200)
    accepted(correct_hand_over(world, [[LOT, 400]]))
    check_all(world)


@pytest.mark.parametrize(
    ("who", "code"),
    [
        (("redcross.store",), "signer-count"),
        (("redcross.store", "redcross.clerk"), "wrong-organisation"),
        (("renai.door", "other.store"), "wrong-organisation"),
        (("redcross.registry", "renai.door"), "wrong-role"),
        (("redcross.store", "command.deputy", "renai.door"), "signer-count"),
        (("redcross.store", "redcross.clerk", "renai.door", "command.deputy"), "signer-count"),
        (("renai.door", "redcross.store"), "accepted"),
        (("redcross.clerk", "renai.door"), "accepted"),
    ],
)
def test_a_count_is_corrected_by_custodian_and_recipient_together(
    who: tuple[str, ...], code: str
) -> None:
    world = shipped()
    accepted(hand_over(world))
    assert correct_hand_over(world, [[LOT, 500]], who).code == code


@pytest.mark.parametrize(
    ("counted", "reason", "code"),
    [
        ([[LOT, 600]], "incorrect_data", "nothing-corrected"),
        ([[LOT, 1_001]], "incorrect_data", "more-than-held"),
        ([["redcross.L-2", 1]], "incorrect_data", "not-in-shipment"),
        ([[LOT, 1], [LOT, 2]], "incorrect_data", "duplicate-entry"),
        ([[LOT, 5]], "did_not_occur", "bad-argument"),
        ([[LOT, 0]], "did_not_occur", "accepted"),
    ],
)
def test_a_correction_of_a_count_answers(counted: list[list[Any]], reason: str, code: str) -> None:
    world = shipped()
    accepted(hand_over(world))
    who = THREE if code == "more-than-held" else THREE[:2]
    assert correct_hand_over(world, counted, who, reason=reason).code == code
    check_all(world)


@pytest.mark.parametrize(
    ("who", "code"),
    [
        (THREE[:2], "signer-count"),
        (THREE, "accepted"),
        (THREE[::-1], "accepted"),
        (("renai.door", "command.chief", "redcross.clerk"), "accepted"),
        (("redcross.store", "renai.door", "redcross.clerk"), "wrong-role"),
        (("redcross.store", "renai.door", "command.plan"), "wrong-role"),
        (("redcross.store", "command.chief", "command.deputy"), "wrong-organisation"),
        (("other.store", "renai.door", "command.deputy"), "wrong-organisation"),
    ],
)
def test_more_than_was_shipped_is_counted_with_an_approvers_signature(
    who: tuple[str, ...], code: str
) -> None:
    world = shipped()
    accepted(hand_over(world))
    assert correct_hand_over(world, [[LOT, 601]], who).code == code
    check_all(world)


def test_the_proposer_does_not_approve_what_a_correction_draws_from_stock() -> None:
    world = stocked()
    accepted(propose(world, who="command.chief"), approve(world), ship(world), hand_over(world))
    result = correct_hand_over(world, [[LOT, 700]], (*THREE[:2], "command.chief"))
    assert (result.code, result.parameters) == ("self-approval", {"account": "command.chief"})
    accepted(correct_hand_over(world, [[LOT, 700]], THREE))
    (line,) = world.record("supplies/allocation/command.A-1").lines
    assert (line.quantity, line.shipped) == (700, 700)


def test_what_a_correction_draws_from_stock_is_allocated_to_the_need_as_well() -> None:
    world = stocked()
    world.ok(
        "renai.door",
        "supplies.report_need",
        need="renai.N-1",
        recipient="renai",
        item=MASK,
        quantity=2_000,
        urgency="routine",
    )
    accepted(propose(world, need="renai.N-1"), approve(world), ship(world), hand_over(world))
    accepted(correct_hand_over(world, [[LOT, 750]], THREE))
    need = world.record("supplies/need/renai.N-1")
    assert (need.allocated, need.delivered) == (750, 750)
    assert world.record("supplies/recipient/renai").sums == {
        "allocated": {"piece": 750}, "delivered": {"piece": 750}, "needed": {"piece": 2_000},
    }  # fmt: skip
    check_all(world)


def test_a_correction_draws_nothing_that_is_expired_or_failed_inspection_or_waits_for_it() -> None:
    world = World()
    items(world)
    accepted(receive(world, lot(expiry="2020-02-01")), inspect(world))
    accepted(propose(world), approve(world), ship(world), hand_over(world))
    accepted(inspect(world, verdict="non_conformant"))
    assert correct_hand_over(world, [[LOT, 601]], THREE).code == "non-conformant"
    accepted(inspect(world), correct_receipt(world, APPROVED, quantity=1_001))
    assert correct_hand_over(world, [[LOT, 601]], THREE).code == "not-inspected"
    accepted(inspect(world))
    world.pass_time(START + 40 * DAY)
    assert correct_hand_over(world, [[LOT, 601]], THREE).code == "lot-expired"
    accepted(correct_hand_over(world, [[LOT, 500]]))  # back in transit: nothing leaves the stock
    check_all(world)


def test_other_goods_or_more_of_them_wait_for_inspection_again() -> None:
    for changes in ({"item": KN95}, {"quantity": 1_001}):
        world = stocked()
        accepted(correct_receipt(world, APPROVED, **changes))
        assert world.record(f"supplies/lot/{LOT}").verdict == "pending"
        accepted(propose(world))
        assert approve(world).code == "not-inspected"
        accepted(inspect(world), approve(world))


def test_an_inspector_who_signs_a_correction_inspects_what_is_now_stated() -> None:
    world = stocked()
    accepted(correct_receipt(world, INSPECTED, quantity=1_200, verdict="conformant"))
    accepted(propose(world, lots=[[LOT, 1_100]]), approve(world))
    accepted(correct_receipt(world, INSPECTED, item=KN95, verdict="non_conformant"))
    record = world.record(f"supplies/lot/{LOT}")
    assert (record.verdict, record.inspections) == ("non_conformant", 3)
    assert world.log(f"supplies/lot/{LOT}")[-1].body["verdict"] == "non_conformant"


def test_goods_that_were_corrected_to_another_item_do_not_go_as_they_were_allocated() -> None:
    world = stocked()
    accepted(propose(world), propose(world, "command.A-2", lots=[[LOT, 100]]), approve(world))
    accepted(correct_receipt(world, INSPECTED, item=KN95, verdict="conformant"))
    wrong = {"item": KN95, "lot": LOT}
    for refused in (ship(world), approve(world, "command.A-2")):
        assert (refused.code, refused.parameters) == ("wrong-item", wrong)
    reject = {"allocation": "command.A-1", "reason": "not N95"}
    accepted(world.call("command.deputy", "supplies.reject", **reject))
    accepted(propose(world, "command.A-3"), approve(world, "command.A-3"))
    accepted(ship(world, allocation="command.A-3"))
    check_all(world)


def test_one_person_with_two_accounts_does_not_restate_a_receipt() -> None:
    keys = {"command.deputy": (key_of("command.deputy"), key_of("redcross.store"))}
    world = World(genesis(keys=keys))
    items(world)
    accepted(receive(world))
    assert correct_receipt(world, APPROVED, quantity=1_001).code == "repeated-signer"


def test_what_was_not_counted_yet_has_nothing_to_correct() -> None:
    assert correct_hand_over(shipped(), [[LOT, 5]]).code == "wrong-state"


def test_one_organisation_may_be_both_parties_by_two_accounts() -> None:
    world = stocked()
    accepted(propose(world, recipient="redcross.depot"), approve(world), ship(world))
    accepted(hand_over(world, who="redcross.carrier"))
    accepted(correct_hand_over(world, [[LOT, 500]], ("redcross.carrier", "redcross.store")))
    result = correct_hand_over(world, [[LOT, 400]], ("redcross.carrier", "redcross.registry"))
    assert (result.code, result.parameters["account"]) == ("wrong-role", "redcross.registry")
    leaf = world.log("supplies/shipment/redcross.S-1")[-1]
    assert (leaf.body["by"], leaf.body["confirmed_by"]) == ("redcross.store", "redcross.carrier")
