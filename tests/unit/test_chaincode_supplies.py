"""Stories in supplies: what is accepted, and what it leaves in records, logs and lists."""

from __future__ import annotations

from tests.chaincode_story import (
    GOWN,
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
from tests.chaincode_world import World

TODAY = "2020-01-24"


def test_a_donation_goes_from_receipt_to_use_and_every_step_stands_in_every_log_it_concerns() -> (
    None
):
    world = shipped()
    accepted(hand_over(world), use(world, 100))
    record = world.record(f"supplies/lot/{LOT}")
    assert (record.received, record.in_stock, record.delivered, record.used) == (
        1000,
        400,
        500,
        100,
    )
    assert world.kinds(f"supplies/lot/{LOT}") == [
        "received", "inspected", "proposed", "approved", "shipped", "handed_over", "used",
    ]  # fmt: skip
    assert world.kinds("supplies/donation/redcross.D-1") == ["received"]
    assert world.kinds("supplies/donor/senjinbiya") == ["received"]
    assert world.kinds("supplies/allocation/command.A-1") == [
        "proposed", "approved", "shipped", "handed_over",
    ]  # fmt: skip
    assert world.kinds("supplies/shipment/redcross.S-1") == ["shipped", "handed_over", "used"]
    assert world.kinds("supplies/recipient/renai") == ["proposed", "handed_over", "used"]
    assert world.kinds(f"supplies/day/{TODAY}") == ["received", "shipped", "handed_over"]
    check_all(world)


def test_outputs_lead_from_a_donation_to_its_lots_allocations_and_shipments() -> None:
    world = shipped()
    reached = ["supplies/donation/redcross.D-1"]
    for place in reached:
        for leaf in world.log(place):
            reached += [p.text for p, _ in leaf.outputs if p.text not in reached]
    assert reached == [
        "supplies/donation/redcross.D-1",
        f"supplies/lot/{LOT}",
        "supplies/allocation/command.A-1",
        "supplies/shipment/redcross.S-1",
    ]


def test_lists_hold_counts_sums_and_what_is_open() -> None:
    world = shipped(quantity=1000)
    accepted(hand_over(world, [[LOT, 900]]))
    day = world.record(f"supplies/day/{TODAY}")
    assert day.sums == {
        "received": {"piece": 1000},
        "shipped": {"piece": 1000},
        "delivered": {"piece": 900},
    }
    assert world.record("supplies/recipient/renai").sums == {
        "allocated": {"piece": 1000},
        "delivered": {"piece": 900},
    }
    opened = {
        kind: world.record(f"supplies/open/{kind}.{TODAY}")
        for kind in ("receipt", "allocation", "shipment")
    }
    assert (opened["receipt"].opened, opened["receipt"].closed) == (1, 1)
    assert (opened["allocation"].opened, opened["allocation"].closed) == (1, 1)
    assert (opened["shipment"].opened, opened["shipment"].closed) == (1, 0)
    check_all(world)


def test_packs_are_converted_to_base_units_by_unit_and_label_together() -> None:
    world = World()
    items(world)
    lots = [
        lot("redcross.L-1", 3, unit="box", label="50"),
        lot("redcross.L-2", 3, unit="box", label="100"),
        lot("redcross.L-3", 3, unit="carton"),
    ]
    accepted(receive(world, *lots))
    received = [world.record(f"supplies/lot/redcross.L-{n}").received for n in (1, 2, 3)]
    assert received == [150, 300, 3000]
    assert world.record("supplies/donation/redcross.D-1").lots == (
        "redcross.L-1", "redcross.L-2", "redcross.L-3",
    )  # fmt: skip
    check_all(world)


def test_a_rejected_proposal_returns_its_goods_to_stock() -> None:
    world = stocked()
    accepted(propose(world, lots=[[LOT, 1000]]))
    assert world.record(f"supplies/lot/{LOT}").reserved == 1000
    assert world.record(f"supplies/open/receipt.{TODAY}").closed == 1
    accepted(world.call("command.deputy", "supplies.reject", allocation="command.A-1", reason="no"))
    record = world.record(f"supplies/lot/{LOT}")
    assert (record.reserved, record.in_stock) == (0, 1000)
    assert world.record(f"supplies/open/receipt.{TODAY}").opened == 2
    assert world.record("supplies/allocation/command.A-1").status == "rejected"
    assert world.record("supplies/recipient/renai").sums == {"allocated": {"piece": 0}}
    check_all(world)


def test_a_rejection_gives_a_need_back_what_was_allocated_to_it() -> None:
    world = stocked()
    need = {"need": "renai.N-1", "recipient": "renai", "item": MASK, "urgency": "urgent"}
    accepted(
        world.call("renai.door", "supplies.report_need", quantity=600, **need),
        propose(world, need="renai.N-1"),
    )
    assert world.record("supplies/need/renai.N-1").allocated == 600
    reject = {"allocation": "command.A-1", "reason": "no"}
    accepted(world.call("command.deputy", "supplies.reject", **reject))
    assert world.record("supplies/need/renai.N-1").allocated == 0
    assert world.call("command.deputy", "supplies.reject", **reject).code == "wrong-state"
    assert approve(world).code == "wrong-state"
    check_all(world)


def test_a_corrected_count_reopens_a_need() -> None:
    world = stocked()
    need = {"need": "renai.N-1", "recipient": "renai", "item": MASK, "urgency": "urgent"}
    accepted(
        world.call("renai.door", "supplies.report_need", quantity=600, **need),
        propose(world, need="renai.N-1"),
        approve(world),
        ship(world),
        hand_over(world),
        world.call(
            ("redcross.store", "renai.door"),
            "supplies.correct_hand_over",
            shipment="redcross.S-1",
            counted=[[LOT, 599]],
            reason="incorrect_data",
            explanation="one was torn",
        ),
    )
    record = world.record("supplies/need/renai.N-1")
    assert (record.status, record.delivered) == ("active", 599)
    opened = world.record(f"supplies/open/need.{TODAY}")
    assert (opened.opened, opened.closed) == (2, 1)
    check_all(world)


def test_the_rest_of_an_approved_allocation_can_be_released_after_a_part_was_shipped() -> None:
    world = stocked()
    accepted(propose(world), approve(world), ship(world, lots=[[LOT, 250]]))
    assert world.record("supplies/allocation/command.A-1").status == "approved"
    accepted(
        world.call("command.deputy", "supplies.reject", allocation="command.A-1", reason="enough")
    )
    record = world.record(f"supplies/lot/{LOT}")
    assert (record.in_stock, record.in_transit, record.reserved) == (750, 250, 0)
    assert world.record("supplies/allocation/command.A-1").status == "shipped"
    check_all(world)


def test_what_did_not_arrive_stays_in_transit_until_its_loss_is_declared() -> None:
    world = shipped()
    accepted(hand_over(world, [[LOT, 550]]))
    assert world.record("supplies/shipment/redcross.S-1").status == "incomplete"
    accepted(
        world.call(
            "redcross.clerk",
            "supplies.declare_loss",
            shipment="redcross.S-1",
            lot=LOT,
            quantity=50,
            reason="torn",
        )
    )
    record = world.record(f"supplies/lot/{LOT}")
    assert (record.in_transit, record.declared_loss) == (0, 50)
    assert world.record(f"supplies/open/shipment.{TODAY}").closed == 1
    check_all(world)


def test_a_shipment_lost_whole_cannot_be_handed_over_any_more() -> None:
    world = shipped()
    accepted(
        world.call(
            "redcross.store",
            "supplies.declare_loss",
            shipment="redcross.S-1",
            lot=LOT,
            quantity=600,
            reason="burnt",
        )
    )
    assert world.record("supplies/shipment/redcross.S-1").status == "lost"
    assert hand_over(world).code == "wrong-state"


def test_a_need_is_completed_by_what_its_recipient_counted() -> None:
    world = stocked()
    accepted(
        world.call(
            "renai.door",
            "supplies.report_need",
            need="renai.N-1",
            recipient="renai",
            item=MASK,
            quantity=600,
            urgency="stat",
        ),
        propose(world, need="renai.N-1"),
        approve(world),
        ship(world),
        hand_over(world),
    )
    need = world.record("supplies/need/renai.N-1")
    assert (need.allocated, need.delivered, need.status) == (600, 600, "completed")
    assert world.kinds("supplies/need/renai.N-1") == ["need_reported", "proposed", "handed_over"]
    assert world.record(f"supplies/open/need.{TODAY}").closed == 1
    assert propose(world, "command.A-2", need="renai.N-1").code == "wrong-state"
    check_all(world)


def test_a_need_without_an_amount_stays_open_whatever_arrives() -> None:
    world = stocked()
    accepted(
        world.call(
            "renai.door",
            "supplies.report_need",
            need="renai.N-1",
            recipient="renai.ward3",
            item=MASK,
            quantity=0,
            urgency="routine",
        ),
        propose(world, recipient="renai.ward3", need="renai.N-1"),
        approve(world),
        ship(world),
        hand_over(world),
    )
    assert world.record("supplies/need/renai.N-1").status == "active"
    assert world.record("supplies/recipient/renai.ward3").sums["delivered"] == {"piece": 600}


def test_republished_goods_need_no_inspection() -> None:
    world = World()
    items(world)
    accepted(receive(world, who="redcross.web", attestation="republished"))
    accepted(propose(world), approve(world))


def test_an_earmarked_donation_reaches_a_place_of_whom_it_was_meant_for() -> None:
    world = World()
    items(world)
    accepted(receive(world, earmark="renai"), inspect(world))
    assert world.kinds("supplies/recipient/renai") == ["received"]
    assert propose(world, recipient="tianyou").code == "earmarked"
    accepted(propose(world, recipient="renai.ward3"), approve(world))


def test_two_proposals_cannot_count_on_the_same_goods() -> None:
    world = stocked()
    accepted(propose(world))
    refused = propose(world, "command.A-2", "tianyou")
    assert refused.code == "more-than-held"
    assert refused.parameters == {"asked": 600, "held": 400, "lot": LOT}


def test_an_allocation_may_join_lots_of_one_unit_but_not_of_two() -> None:
    world = stocked()
    accepted(
        receive(world, lot("redcross.L-2"), donation="redcross.D-2"),
        receive(world, lot("redcross.L-3", item=GOWN, unit="set"), donation="redcross.D-3"),
    )
    mixed = propose(world, lots=[[LOT, 1], ["redcross.L-3", 1]])
    assert (mixed.code, mixed.parameters) == ("mixed-units", {"other": "set", "unit": "piece"})
    accepted(propose(world, lots=[[LOT, 1], ["redcross.L-2", 2]]))
    leaf = world.log("supplies/allocation/command.A-1")[0]
    assert [quantity for _, quantity in leaf.inputs] == [1, 2]
    assert leaf.outputs[0][1] == 3
    check_all(world)


def test_a_later_verdict_replaces_an_earlier_one_and_both_stay_in_the_log() -> None:
    world = stocked()
    accepted(propose(world), inspect(world, verdict="non_conformant"))
    assert approve(world).code == "non-conformant"
    accepted(inspect(world), approve(world))
    assert world.kinds(f"supplies/lot/{LOT}").count("inspected") == 3
