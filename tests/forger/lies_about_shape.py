"""Lies about shape: parts of another kind of answer, parts left out, parts of other types.

Each is spelt canonically, so that only the reader's own rules can refuse it (FORMATS 7).
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from ledger.assembly import assemble_receipts
from ledger.block import HEADER
from ledger.checkpoint import Checkpoint
from ledger.claims import Accesses, Entity, Extension, ListOf, Trace
from ledger.notes import NoteLine, parse_note
from tests.forger.epochs import epochs, spelt, witness_note
from tests.forger.forging import (
    Attempt,
    Change,
    accesses,
    attempt,
    donation,
    edited,
    forgery,
    honest,
    of_first,
)
from tests.forger.lies_about_epochs import walked, with_first, with_payload, witnessed
from tests.forger.lies_about_ranges import PAST, PERIOD, stock
from tests.forger.stories import DATASET, DONATION, GRANT_1, LOT_A, PAIRS

EMPTY_RECEIPT = {"result": "", "result_path": [], "transaction": "", "transaction_path": []}


# -- parts of another kind of answer --------------------------------------------------------------


def _chain(change: Change) -> Attempt:
    claim = Extension(3, donation().chain.root(3))
    return edited(honest(donation(), claim), donation(), change)


@forgery("integrity", "malformed")
def a_receipt_beside_a_consistency() -> Attempt:
    return _chain(lambda value: value.update(receipt=EMPTY_RECEIPT))


@forgery("integrity", "malformed")
def entities_beside_a_consistency() -> Attempt:
    return _chain(lambda value: value.update(entities=[]))


@forgery("integrity", "malformed")
def a_state_proof_beside_a_consistency() -> Attempt:
    return _chain(lambda value: value.update(state=""))


def _of_a_transaction(change: Change) -> Attempt:
    return edited(assemble_receipts(donation(), 2, [1])[0], donation(), change)


@forgery("integrity", "malformed")
def entities_beside_a_receipt() -> Attempt:
    return _of_a_transaction(lambda value: value.update(entities=[]))


@forgery("integrity", "malformed")
def a_state_proof_beside_a_receipt() -> Attempt:
    return _of_a_transaction(lambda value: value.update(state=""))


@forgery("integrity", "malformed")
def a_transaction_is_answered_without_a_receipt() -> Attempt:
    return _of_a_transaction(lambda value: value.pop("receipt"))


@forgery("integrity", "malformed")
def a_step_of_a_receipt_has_no_side() -> Attempt:
    def turn(value: dict[str, Any]) -> None:
        path = value["receipt"]["transaction_path"]
        path[0] = "=" + path[0][1:]

    return _of_a_transaction(turn)


def _of_entities(change: Change) -> Attempt:
    return edited(honest(donation(), Trace(DONATION)), donation(), change)


@forgery("integrity", "malformed")
def entities_without_their_proof() -> Attempt:
    return _of_entities(lambda value: value.pop("state"))


@forgery("integrity", "malformed")
def a_proof_without_entities() -> Attempt:
    return _of_entities(lambda value: value.pop("entities"))


@forgery("integrity", "malformed")
def no_entities() -> Attempt:
    return _of_entities(lambda value: value.update(entities=[]))


# -- an entity's parts ----------------------------------------------------------------------------


@forgery("integrity", "malformed")
def a_log_with_a_frontier() -> Attempt:
    return _of_entities(of_first(lambda one: one.update(frontier=[])))


@forgery("integrity", "malformed")
def a_log_with_a_size() -> Attempt:
    return _of_entities(of_first(lambda one: one.update(size=1)))


@forgery("integrity", "malformed")
def a_log_with_a_record_of_another_time() -> Attempt:
    return _of_entities(of_first(lambda one: one.update(then=one["record"])))


@forgery("integrity", "malformed")
def a_log_with_hashes_before_it() -> Attempt:
    return _of_entities(of_first(lambda one: one.update(before=[])))


@forgery("integrity", "malformed")
def a_log_with_hashes_after_it() -> Attempt:
    return _of_entities(of_first(lambda one: one.update(after=[])))


@forgery("integrity", "malformed")
def a_log_without_its_record() -> Attempt:
    return _of_entities(of_first(lambda one: one.pop("record")))


def _outline(change: Change) -> Attempt:
    return edited(honest(donation(), Entity(LOT_A)), donation(), of_first(change))


@forgery("integrity", "malformed")
def an_outline_without_its_frontier() -> Attempt:
    return _outline(lambda one: one.pop("frontier"))


@forgery("integrity", "malformed")
def an_outline_without_its_size() -> Attempt:
    return _outline(lambda one: one.pop("size"))


@forgery("integrity", "malformed")
def a_record_alone() -> Attempt:
    return _outline(lambda one: (one.pop("frontier"), one.pop("size")))


@forgery("integrity", "malformed")
def an_outline_with_hashes_before_it() -> Attempt:
    return _outline(lambda one: one.update(before=[]))


@forgery("integrity", "malformed")
def an_outline_with_hashes_after_it() -> Attempt:
    return _outline(lambda one: one.update(after=[]))


@forgery("integrity", "malformed")
def an_outline_with_a_record_of_another_time() -> Attempt:
    return _outline(lambda one: one.update(then=one["record"]))


def _range(change: Change) -> Attempt:
    return edited(honest(stock(), PERIOD), stock(), of_first(change))


@forgery("integrity", "malformed")
def a_range_without_the_hashes_after_it() -> Attempt:
    return _range(lambda one: one.pop("after"))


@forgery("integrity", "malformed")
def a_range_without_the_hashes_before_it() -> Attempt:
    return _range(lambda one: one.pop("before"))


@forgery("integrity", "malformed")
def a_range_without_its_leaves() -> Attempt:
    return _range(lambda one: one.pop("leaves"))


@forgery("integrity", "malformed")
def a_range_without_its_beginning() -> Attempt:
    return _range(lambda one: one.pop("first"))


@forgery("integrity", "malformed")
def a_range_without_its_record() -> Attempt:
    return _range(lambda one: one.pop("record"))


@forgery("integrity", "malformed")
def a_range_without_its_size() -> Attempt:
    return _range(lambda one: one.pop("size"))


@forgery("integrity", "malformed")
def a_range_with_a_frontier() -> Attempt:
    return _range(lambda one: one.update(frontier=[]))


@forgery("integrity", "malformed")
def a_past_record_without_the_number_of_its_event() -> Attempt:
    return edited(honest(stock(), PAST), stock(), of_first(lambda one: one.pop("first")))


# -- texts and pairs of a claim --------------------------------------------------------------------


def _list(event: Any) -> Attempt:
    bundle = honest(donation(), ListOf(LOT_A, "proposed"))
    return edited(bundle, donation(), lambda value: value["claim"].update(event=event))


@forgery("integrity", "malformed")
def a_list_of_a_kind_that_is_a_number() -> Attempt:
    return _list(1)


@forgery("integrity", "malformed")
def a_list_of_a_kind_that_is_no_word() -> Attempt:
    return _list("proposed\n")


def _pairs(pairs: list[Any]) -> Attempt:
    bundle = honest(accesses(), Accesses(DATASET, PAIRS))
    return edited(bundle, accesses(), lambda value: value["claim"].update(pairs=pairs))


@forgery("integrity", "malformed")
def a_pair_that_is_a_word_of_two_letters() -> Attempt:
    return _pairs(["ab"])


@forgery("integrity", "malformed")
def a_pair_of_three() -> Attempt:
    return _pairs([[*PAIRS[0], "22" * 32]])


@forgery("integrity", "malformed")
def a_pair_whose_grant_is_a_number() -> Attempt:
    return _pairs([[1, PAIRS[0][1]]])


@forgery("integrity", "malformed")
def a_pair_whose_grant_names_no_entity() -> Attempt:
    return _pairs([["Health/g-1", PAIRS[0][1]]])


@forgery("integrity", "malformed")
def a_pair_whose_handle_is_a_number() -> Attempt:
    return _pairs([[GRANT_1.id, 1]])


@forgery("integrity", "malformed")
def a_pair_whose_handle_is_too_short() -> Attempt:
    return _pairs([[GRANT_1.id, "11" * 31]])


@forgery("integrity", "malformed")
def a_pair_twice() -> Attempt:
    return _pairs([list(PAIRS[0]), list(PAIRS[0])])


# -- versions, and the lines of witnesses ---------------------------------------------------------


@forgery("integrity", "malformed")
def a_header_of_another_version() -> Attempt:
    bundle = honest(donation(), Trace(DONATION))
    header = replace(HEADER.decode(bundle.header), version=2)
    return attempt(replace(bundle, header=HEADER.encode(header)), donation())


@forgery("authority", "handover-malformed")
def the_header_of_a_handover_has_another_version() -> Attempt:
    header = replace(HEADER.decode(walked().epochs[0].header), version=2)
    return with_first(header=HEADER.encode(header))


@forgery("authority", "witness-malformed")
def the_log_line_of_a_witness_note_is_a_byte_too_short() -> Attempt:
    return with_payload(0, lambda payload: payload[:-1])


@forgery("authority", "witness-malformed")
def the_log_line_of_a_witness_note_is_a_cosignature() -> Attempt:
    return with_payload(0, lambda payload: bytes(8) + payload)


@forgery("authority", "witness-malformed")
def a_witness_line_without_its_time() -> Attempt:
    return with_payload(1, lambda payload: payload[8:])


@forgery("authority", "witness-malformed")
def a_witness_line_is_a_byte_too_long() -> Attempt:
    return with_payload(1, lambda payload: payload + b"\0")


@forgery("authority", "witness-malformed")
def the_log_line_of_a_witness_note_has_another_name() -> Attempt:
    read = parse_note(witness_note(epochs(), "m1"))
    true = read.lines[0]
    log = NoteLine(f"{epochs().genesis.origin}/m2", true.key, true.payload)
    return witnessed(spelt(read.text, [log, read.lines[1]]))


@forgery("authority", "witness-of-another-chain")
def a_witness_cosigned_an_origin_that_no_member_can_have() -> Attempt:
    true = epochs().checkpoint()
    other = Checkpoint(f"{true.origin}/m1.example", true.size, true.root)
    return witnessed(witness_note(epochs(), "m1", text=other.text()))


# -- claims that ask for nothing there can be ----------------------------------------------------


def _dataset(path: str) -> Attempt:
    bundle = honest(accesses(), Accesses(DATASET, PAIRS))
    return edited(bundle, accesses(), lambda value: value["claim"].update(dataset=path))


@forgery("integrity", "malformed")
def accesses_to_a_data_set_of_another_contract() -> Attempt:
    return _dataset(f"supplies/dataset/{DATASET.id}")


@forgery("integrity", "malformed")
def accesses_to_what_is_no_data_set() -> Attempt:
    return _dataset(GRANT_1.text)


@forgery("integrity", "malformed")
def a_pair_whose_handle_is_too_long() -> Attempt:
    return _pairs([[GRANT_1.id, "11" * 33]])


@forgery("integrity", "malformed")
def a_pair_whose_handle_is_in_upper_case() -> Attempt:
    return _pairs([[GRANT_1.id, "AB" * 32]])


@forgery("integrity", "malformed")
def a_list_of_a_kind_in_upper_case() -> Attempt:
    return _list("Proposed")


@forgery("integrity", "malformed")
def a_consistency_with_no_header_at_all() -> Attempt:
    def change(value: dict[str, Any]) -> None:
        value["claim"].update(size=0)
        value["consistency"].update(size=0)

    return _chain(change)


@forgery("integrity", "malformed")
def a_period_of_no_length() -> Attempt:
    def change(value: dict[str, Any]) -> None:
        value["claim"].update(until=value["claim"]["from"])

    return edited(honest(stock(), PERIOD), stock(), change)
