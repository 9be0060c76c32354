"""Lies at the limits of numbers and counts (FORMATS 7), in pairs.

What is at a limit is read, and refused for what it says; what is one beyond it is refused for that.
A verifier that counts otherwise gives another line in one of the two.
"""

from __future__ import annotations

from typing import Any

from ledger.assembly import assemble_receipts
from ledger.claims import Accesses, Entity, History, Trace
from ledger.limits import (
    BUNDLE_ENTITIES_MAX,
    HANDOVERS_MAX,
    INTEGER_MAX,
    MERKLE_PATH_MAX,
    WITNESS_LINES_MAX,
    WITNESS_NOTES_MAX,
)
from ledger.notes import cosign_text, parse_note
from tests.forger.edges import counted_often
from tests.forger.epochs import epochs, spelt, witness_note
from tests.forger.forging import Attempt, accesses, donation, edited, forgery, honest, of_first
from tests.forger.lies_about_epochs import walked, with_handovers, with_payload, witnessed
from tests.forger.lies_about_ranges import PERIOD, stock
from tests.forger.stories import DATASET, DONATION, LOT_A, PAIRS, STOCK
from tests.forger.world import signer

NOTHING = "00" * 32


# -- numbers --------------------------------------------------------------------------------------


def _outline_of(size: int) -> Attempt:
    return edited(
        honest(donation(), Entity(LOT_A)), donation(), of_first(lambda one: one.update(size=size))
    )


@forgery("integrity", "malformed")
def a_log_of_fewer_than_no_events() -> Attempt:
    return _outline_of(-1)


@forgery("integrity", "not-in-state")
def a_log_of_as_many_events_as_numbers_reach() -> Attempt:
    return _outline_of(INTEGER_MAX)


@forgery("integrity", "malformed")
def a_log_of_more_events_than_numbers_reach() -> Attempt:
    return _outline_of(INTEGER_MAX + 1)


@forgery("integrity", "malformed")
def a_range_begins_before_the_first_event() -> Attempt:
    return edited(
        honest(stock(), PERIOD), stock(), of_first(lambda one: one.update(first=-1, before=[]))
    )


def _consistency(**lie: Any) -> Attempt:
    bundle = honest(donation(), Trace(DONATION), pin_size=3)
    return edited(bundle, donation(), lambda value: value["consistency"].update(lie))


@forgery("integrity", "malformed")
def a_consistency_from_fewer_than_no_headers() -> Attempt:
    return _consistency(size=-1)


@forgery("integrity", "not-consistent")
def a_consistency_from_no_header() -> Attempt:
    return _consistency(size=0)


@forgery("integrity", "not-consistent")
def a_consistency_from_as_many_headers_as_numbers_reach() -> Attempt:
    return _consistency(size=INTEGER_MAX)


@forgery("integrity", "malformed")
def a_consistency_from_more_headers_than_numbers_reach() -> Attempt:
    return _consistency(size=INTEGER_MAX + 1)


def _witnessed_at(time: int) -> Attempt:
    return with_payload(1, lambda payload: time.to_bytes(8, "big") + payload[8:])


@forgery("authority", "witness-signature")
def a_witness_line_of_the_last_time_that_numbers_reach() -> Attempt:
    return _witnessed_at(INTEGER_MAX)


@forgery("authority", "witness-malformed")
def a_witness_line_of_a_time_that_numbers_do_not_reach() -> Attempt:
    return _witnessed_at(INTEGER_MAX + 1)


# -- paths ----------------------------------------------------------------------------------------


def _inclusion(hashes: int) -> Attempt:
    path = [NOTHING] * hashes
    bundle = honest(donation(), Trace(DONATION))
    return edited(bundle, donation(), lambda value: value.update(inclusion=path))


@forgery("integrity", "header-not-in-chain")
def an_inclusion_path_as_long_as_any() -> Attempt:
    return _inclusion(MERKLE_PATH_MAX)


@forgery("integrity", "malformed")
def an_inclusion_path_longer_than_any() -> Attempt:
    return _inclusion(MERKLE_PATH_MAX + 1)


@forgery("integrity", "not-consistent")
def a_consistency_path_as_long_as_any() -> Attempt:
    return _consistency(path=[NOTHING] * MERKLE_PATH_MAX)


@forgery("integrity", "malformed")
def a_consistency_path_longer_than_any() -> Attempt:
    return _consistency(path=[NOTHING] * (MERKLE_PATH_MAX + 1))


def _frontier(hashes: int) -> Attempt:
    bundle = honest(donation(), Entity(LOT_A))
    return edited(bundle, donation(), of_first(lambda one: one.update(frontier=[NOTHING] * hashes)))


@forgery("integrity", "not-in-state")
def a_frontier_as_long_as_any() -> Attempt:
    return _frontier(MERKLE_PATH_MAX)


@forgery("integrity", "malformed")
def a_frontier_longer_than_any() -> Attempt:
    return _frontier(MERKLE_PATH_MAX + 1)


def _receipt(**lie: Any) -> Attempt:
    bundle = assemble_receipts(donation(), 2, [1])[0]
    return edited(bundle, donation(), lambda value: value["receipt"].update(lie))


@forgery("integrity", "transaction-not-in-block")
def a_transactions_path_as_long_as_any() -> Attempt:
    return _receipt(transaction_path=["<" + NOTHING] * MERKLE_PATH_MAX)


@forgery("integrity", "malformed")
def a_transactions_path_longer_than_any() -> Attempt:
    return _receipt(transaction_path=["<" + NOTHING] * (MERKLE_PATH_MAX + 1))


@forgery("integrity", "result-not-in-block")
def a_results_path_as_long_as_any() -> Attempt:
    return _receipt(result_path=[">" + NOTHING] * MERKLE_PATH_MAX)


@forgery("integrity", "malformed")
def a_results_path_longer_than_any() -> Attempt:
    return _receipt(result_path=[">" + NOTHING] * (MERKLE_PATH_MAX + 1))


# -- how many of a thing: most are too large for the documented vectors ---------------------------


def _absent(count: int) -> Attempt:
    entities = [{"path": f"supplies/lot/none.{number:05}"} for number in range(count)]
    bundle = honest(donation(), Trace(DONATION))
    return edited(bundle, donation(), lambda value: value.update(entities=entities))


@forgery("integrity", "not-in-state")
def as_many_entities_as_a_bundle_holds() -> Attempt:
    return _absent(BUNDLE_ENTITIES_MAX)


@forgery("integrity", "malformed")
def more_entities_than_a_bundle_holds() -> Attempt:
    return _absent(BUNDLE_ENTITIES_MAX + 1)


@forgery("integrity", "malformed")
def more_events_than_a_bundle_holds() -> Attempt:
    def one_more(log: dict[str, Any]) -> None:
        log["leaves"].append(log["leaves"][-1])

    world = counted_often()
    return edited(honest(world, History(STOCK)), world, of_first(one_more))


def _pairs(count: int) -> Attempt:
    pairs = [[f"health.g-{number:04}", PAIRS[0][1]] for number in range(count)]
    bundle = honest(accesses(), Accesses(DATASET, PAIRS))
    return edited(bundle, accesses(), lambda value: value["claim"].update(pairs=pairs))


@forgery("completeness", "grant-without-handle")
def as_many_pairs_as_a_bundle_has_room_for() -> Attempt:
    """Two entities a pair, and the data set."""
    return _pairs((BUNDLE_ENTITIES_MAX - 1) // 2)


@forgery("integrity", "malformed")
def more_pairs_than_a_bundle_has_room_for() -> Attempt:
    return _pairs((BUNDLE_ENTITIES_MAX - 1) // 2 + 1)


def _handovers(count: int) -> Attempt:
    return with_handovers(lambda all_: [all_[0]] * count)


@forgery("authority", "handover-order")
def as_many_handovers_as_a_walk_has() -> Attempt:
    return _handovers(HANDOVERS_MAX)


@forgery("integrity", "malformed")
def more_handovers_than_a_walk_has() -> Attempt:
    return _handovers(HANDOVERS_MAX + 1)


@forgery("authority", "witness-malformed")
def as_many_witness_notes_as_a_bundle_holds() -> Attempt:
    return witnessed(*(f"{number:02}\n" for number in range(WITNESS_NOTES_MAX)))


@forgery("integrity", "malformed")
def more_witness_notes_than_a_bundle_holds() -> Attempt:
    return witnessed(*(f"{number:02}\n" for number in range(WITNESS_NOTES_MAX + 1)))


@forgery("integrity", "malformed")
def a_list_of_witness_notes_without_any() -> Attempt:
    return edited(walked(), epochs(), lambda value: value.update(witnesses=[]))


def _witnesses(count: int) -> Attempt:
    read = parse_note(witness_note(epochs(), "m1"))
    names = [f"witness-{number:02}.example" for number in range(count)]
    time = read.lines[1].timestamp
    lines = [cosign_text(read.text, time, name, signer("witness", name)) for name in names]
    return witnessed(spelt(read.text, [read.lines[0], *lines]))


@forgery("authority", "witnesses-too-few-and-unknown")
def as_many_witnesses_as_a_note_names() -> Attempt:
    return _witnesses(WITNESS_LINES_MAX)


@forgery("authority", "witness-malformed")
def more_witnesses_than_a_note_names() -> Attempt:
    return _witnesses(WITNESS_LINES_MAX + 1)
