"""Every maximum of the contracts: a call at it is accepted, one above it refused by field."""

from __future__ import annotations

import re
from typing import Any

import pytest

from chaincode import appending, limits
from chaincode.fields import SEEN, UNSEEN
from ledger.block import Result
from ledger.limits import ENTITIES_PER_EVENT_MAX
from tests.chaincode_story import (
    LOT,
    accepted,
    approve,
    check_all,
    deny,
    inspect,
    items,
    lot,
    propose,
    publish,
    receive,
    request,
    shared,
    ship,
    stocked,
)
from tests.chaincode_world import DAY, World


def too_much(result: Result, field: str, rule: str = "length") -> None:
    assert (result.code, result.parameters) == ("bad-argument", {"field": field, "rule": rule})


def many_lots(count: int, days: bool = False) -> World:
    """A world with conformant lots redcross.M-0, ..., each of a day of its own if asked."""
    world = World()
    items(world)
    for number in range(count):
        if days:
            world.pass_time(world.time + DAY)
        identity = f"redcross.M-{number}"
        accepted(
            receive(world, lot(identity, 10), donation=f"redcross.D-{number}"),
            inspect(world, identity),
        )
    return world


def test_a_receipt_has_at_most_32_lots() -> None:
    world = World()
    items(world)
    lots = [lot(f"redcross.L-{number}") for number in range(limits.LOTS_PER_RECEIPT_MAX + 1)]
    too_much(receive(world, *lots), "lots")
    accepted(receive(world, *lots[:-1]))
    check_all(world)


def test_an_allocation_of_32_lots_of_32_days_goes_all_the_way_and_33_do_not() -> None:
    world = many_lots(33, days=True)
    lots: list[list[Any]] = [[f"redcross.M-{number}", 10] for number in range(33)]
    too_much(propose(world, lots=lots), "lots")
    lots.pop()
    assert len(lots) == limits.LOTS_PER_ALLOCATION_MAX == limits.LOTS_PER_SHIPMENT_MAX
    hand = {"shipment": "redcross.S-1", "condition": ""}
    short = [[identity, 9] for identity, _ in lots]
    correct = {"shipment": "redcross.S-1", "reason": "incorrect_data", "explanation": "e"}
    parties = ("redcross.store", "renai.door")
    results = [
        propose(world, lots=lots),
        approve(world),
        ship(world, lots=lots),
        world.call("renai.door", "supplies.hand_over", counted=short, **hand),
        world.call(parties, "supplies.correct_hand_over", counted=lots, **correct),
    ]
    accepted(*results)
    named = [len(result.events[0].named()) for result in results]
    assert named[0] == 32 + 32 + 3  # lots, the lists of their days; allocation, recipient, its list
    assert max(named) <= ENTITIES_PER_EVENT_MAX
    check_all(world)


def test_an_item_has_at_most_64_packs_of_bounded_words_and_factors() -> None:
    world = World()

    def define(number: int = 0, **changes: Any) -> Result:
        arguments = {
            "item": f"redcross.i{number}", "name": "n", "base_unit": "piece", "packs": [],
            **changes,
        }  # fmt: skip
        return world.call("redcross.registry", "supplies.define_item", **arguments)

    packs = [["box", str(number), 5] for number in range(limits.PACKS_PER_ITEM_MAX + 1)]
    too_much(define(packs=packs), "packs")
    accepted(define(1, packs=packs[:-1]))
    too_much(define(name="n" * (limits.NAME_LENGTH_MAX + 1)), "name")
    too_much(define(base_unit="u" * (limits.UNIT_LENGTH_MAX + 1)), "base_unit")
    too_much(define(packs=[["b", "l" * (limits.LABEL_LENGTH_MAX + 1), 5]]), "packs[0][1]")
    too_much(define(packs=[["b", "", limits.FACTOR_MAX + 1]]), "packs[0][2]", "range")
    accepted(
        define(
            2,
            name="名" * limits.NAME_LENGTH_MAX,
            base_unit="只" * limits.UNIT_LENGTH_MAX,
            packs=[["箱", "只" * limits.LABEL_LENGTH_MAX, limits.FACTOR_MAX]],
        )
    )


def test_counts_and_texts_are_bounded() -> None:
    world = stocked()
    too_much(receive(world, lot("redcross.L-2", limits.COUNT_MAX + 1)), "lots[0].count", "range")
    source = "s" * (limits.TEXT_LENGTH_MAX + 1)
    too_much(receive(world, lot("redcross.L-2"), source=source), "source")
    too_much(
        propose(world, lots=[["redcross.L-1", limits.QUANTITY_MAX + 1]]), "lots[0][1]", "range"
    )


def test_a_text_has_at_most_three_bytes_a_character_it_may_have() -> None:
    world = stocked()
    whole = "\U0001f600" * (limits.BYTES_PER_CHARACTER_MAX * limits.TEXT_LENGTH_MAX // 4)
    second = lot("redcross.L-2")
    too_much(receive(world, second, source=whole + "x", donation="redcross.D-2"), "source")
    accepted(receive(world, second, source=whole, donation="redcross.D-2"))
    accepted(receive(world, lot("redcross.L-3"), source="箱" * 500, donation="redcross.D-3"))
    accepted(propose(world), approve(world))
    carrier = "\U0001f69a" * (limits.BYTES_PER_CHARACTER_MAX * limits.NAME_LENGTH_MAX // 4)
    ship: dict[str, Any] = {
        "allocation": "command.A-1", "lots": [["redcross.L-1", 600]], "shipment": "redcross.S",
    }  # fmt: skip
    call = ("redcross.store", "supplies.ship")
    too_much(world.call(*call, carrier=carrier + "x", **ship), "carrier")
    accepted(world.call(*call, carrier=carrier, **ship))


@pytest.mark.parametrize("code", sorted({bound for pair in UNSEEN for bound in pair}))
def test_no_text_holds_what_cannot_be_seen(code: int) -> None:
    for text in (f"a{chr(code)}b", chr(code), f"a{chr(code)}"):
        assert re.search(SEEN, text) is None
    beside = [chr(code + by) for by in (-1, 1) if code + by >= 0]
    for text in beside:
        inside = any(first <= ord(text) <= last for first, last in UNSEEN)
        assert (re.search(SEEN, text) is None) is inside


@pytest.mark.parametrize(
    "text", ["line\nforged", "\x1b[2J", "a\u202eb", "\u200b", "x\u2028", "\x85"]
)
def test_a_text_that_could_steer_a_terminal_is_refused_wherever_it_stands(text: str) -> None:
    world = stocked()
    rule = "characters"
    too_much(receive(world, lot("redcross.L-2"), source=text), "source", rule)
    too_much(receive(world, lot("redcross.L-2", label=text)), "lots[0].label", rule)
    too_much(receive(world, lot("redcross.L-2", unit=text)), "lots[0].unit", rule)
    too_much(publish(world, name=text), "name", rule)
    too_much(publish(world, fields=[[text, "s"]]), "fields[0][0]", rule)
    too_much(deny(shared(), reason=text), "reason", rule)
    accepted(publish(world, name="武汉：“N95” 口罩 №1 — ½ 😷 é"))


def test_a_transaction_that_would_write_out_of_proportion_changes_nothing() -> None:
    """R-DT-2."""
    world = stocked()
    lots = [lot(f"redcross.L-{number}", earmark=None) for number in range(10, 42)]
    for each in lots:
        del each["earmark"]
    before = dict(world.values)
    refused = receive(world, *lots, source="箱" * 500, donation="redcross.D-2", earmark="renai")
    assert refused.code == "leaves-too-large"
    assert refused.parameters == {"limit": limits.LEAVES_SIZE_MAX}
    assert world.last.leaves == []
    kept = [path for key, path in world.paths.items() if world.values[key] != before.get(key)]
    assert {path.contract for path in kept} == {"runtime"}
    short = "箱" * 330
    accepted(receive(world, *lots, source=short, donation="redcross.D-2", earmark="renai"))
    written = sum(len(leaf) for _, _, leaf in world.last.leaves)
    assert limits.LEAVES_SIZE_MAX * 3 // 4 < written <= limits.LEAVES_SIZE_MAX
    check_all(world)


def test_the_bytes_of_leaves_are_counted_as_they_are_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = stocked()
    accepted(propose(world, lots=[[LOT, 300]]))
    written = sum(len(leaf) for _, _, leaf in world.last.leaves)
    monkeypatch.setattr(appending, "LEAVES_SIZE_MAX", written)
    accepted(propose(world, "command.A-2", lots=[[LOT, 300]]))
    monkeypatch.setattr(appending, "LEAVES_SIZE_MAX", written - 1)
    assert propose(world, "command.A-3", lots=[[LOT, 300]]).code == "leaves-too-large"


def test_a_catalogue_entry_has_at_most_64_fields_and_purposes() -> None:
    world = World()
    fields = [[f"f{number}", "s"] for number in range(limits.FIELDS_PER_DATASET_MAX + 1)]
    purposes = [f"p{number}" for number in range(limits.PURPOSES_PER_DATASET_MAX + 1)]
    too_much(publish(world, fields=fields), "fields")
    too_much(publish(world, purposes=purposes), "purposes")
    too_much(
        publish(world, purposes=["p" * (limits.CODE_LENGTH_MAX + 1)]), "purposes[0]", "characters"
    )
    accepted(publish(world, fields=fields[:-1], purposes=purposes[:-1]))


def test_the_largest_records_there_can_be_fit() -> None:
    world = World()
    fields = [["名" * 62 + f"{number:02d}", "s" * 64] for number in range(64)]
    purposes = ["p" * 62 + f"{number:02d}" for number in range(64)]
    accepted(publish(world, fields=fields, purposes=purposes, name="名" * 200))
    accepted(request(world, fields=[name for name, _ in fields], purpose=purposes[0]))


@pytest.mark.parametrize(("count", "code"), [(64, "accepted"), (65, "bad-argument")])
def test_a_denial_is_about_at_most_64_persons(count: int, code: str) -> None:
    handles = [number.to_bytes(32, "big") for number in range(count)]
    assert deny(shared(), handles=handles).code == code
