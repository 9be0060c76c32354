"""Lies about who the members are: handovers dropped, mixed or made up, and outside witnesses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from ledger.block import HEADER
from ledger.bundle import Bundle, Handover
from ledger.checkpoint import Certificate, Checkpoint, cosign
from ledger.claims import Receipt, Trace
from ledger.membership import MemberSet
from ledger.notes import NoteLine, cosign_text, parse_note, sign_text
from ledger.transaction import Transaction
from tests.forger.epochs import (
    COURT,
    WITNESS,
    epochs,
    forked_by_retired_keys,
    policy,
    relined,
    spelt,
    text_of,
    three_epochs,
    witness_note,
)
from tests.forger.forging import Attempt, attempt, forgery, honest
from tests.forger.stories import DONATION, LOT_A, receipt
from tests.forger.world import make_members, signer

STOLEN_OF_EPOCH_0 = "m0"


def walked() -> Bundle:
    return honest(epochs(), Trace(DONATION))


def with_handovers(change: Callable[[list[Handover]], list[Handover]]) -> Attempt:
    bundle = walked()
    return attempt(replace(bundle, epochs=tuple(change(list(bundle.epochs)))), epochs())


def with_first(**changes: Any) -> Attempt:
    return with_handovers(lambda all_: [replace(all_[0], **changes), *all_[1:]])


# -- the walk -------------------------------------------------------------------------------------


@forgery("authority", "another-epoch")
def the_walk_is_left_out() -> Attempt:
    return with_handovers(lambda _: [])


@forgery("authority", "handover-not-consistent")
def the_last_handover_is_left_out() -> Attempt:
    return with_handovers(lambda all_: all_[:1])


@forgery("authority", "another-epoch")
def the_first_handover_is_left_out() -> Attempt:
    return with_handovers(lambda all_: all_[1:])


@forgery("authority", "handover-order")
def a_handover_stands_twice() -> Attempt:
    return with_handovers(lambda all_: [all_[0], *all_])


@forgery("authority", "another-epoch")
def the_handovers_are_exchanged() -> Attempt:
    return with_handovers(lambda all_: all_[::-1])


@forgery("authority", "another-chain")
def a_handover_is_of_another_chain() -> Attempt:
    other = honest(three_epochs("hunan"), Trace(DONATION)).epochs[0]
    return with_handovers(lambda all_: [other, *all_[1:]])


@forgery("authority", "another-member-set")
def a_handover_leads_to_members_of_the_forgers_choice() -> Attempt:
    return with_first(members=make_members("forger", ["m0", "m1", "m2", "m3"], 1).encode())


@forgery("authority", "another-member-set")
def the_order_of_the_next_members_is_changed() -> Attempt:
    members = MemberSet.decode(walked().epochs[0].members).members
    return with_first(members=MemberSet((members[1], members[0], *members[2:])).encode())


@forgery("authority", "handover-malformed")
def the_next_members_are_no_member_set() -> Attempt:
    return with_first(members=b"\x90")


@forgery("authority", "handover-malformed")
def the_header_of_a_handover_is_none() -> Attempt:
    return with_first(header=b"\x80")


@forgery("authority", "handover-malformed")
def the_checkpoint_of_a_handover_is_none() -> Attempt:
    return with_first(checkpoint="hubei\n")


@forgery("authority", "handover-not-in-chain")
def a_boundary_is_made_up_under_a_true_checkpoint() -> Attempt:
    """The next members are the forger's, named by a header that the old members never certified."""
    true = walked().epochs[0]
    successors = make_members("forger", ["m0", "m1", "m2", "m3"], 1)
    header = replace(HEADER.decode(true.header), members=successors.digest())
    return with_first(header=HEADER.encode(header), members=successors.encode())


@forgery("authority", "handover-height")
def a_boundary_is_not_the_last_of_its_checkpoint() -> Attempt:
    return with_first(header=epochs().header(1))


@forgery("authority", "not-certified")
def a_handover_is_signed_by_stolen_keys_alone() -> Attempt:
    world = epochs()
    text = world.checkpoint(2)
    lines = tuple(
        cosign(text, 1_579_795_300, one, _key(one, STOLEN_OF_EPOCH_0)) for one in ("m0", "m1", "m2")
    )
    note = Certificate(text, lines).to_note(world.genesis.members)
    return with_first(checkpoint=note)


def _key(member: str, stolen: str) -> Any:
    return signer("hubei/cosigner" if member == stolen else "forger", member)


@forgery("authority", "not-certified")
def a_handover_is_signed_by_those_who_take_over() -> Attempt:
    """The set of epoch 1 certifies its own coming into office."""
    world = epochs()
    successors = MemberSet.decode(walked().epochs[0].members)
    text = world.checkpoint(2)
    names = ("m0", "m1", "m2", "m3")
    lines = tuple(
        cosign(text, 1_579_795_300, one, signer("hubei/cosigner/1", one)) for one in names
    )
    return with_first(checkpoint=Certificate(text, lines).to_note(successors))


@forgery("authority", "handover-not-consistent")
def the_consistency_of_a_handover_is_anothers() -> Attempt:
    last = walked().epochs[1].consistency
    return with_first(consistency=last)


@forgery("authority", "handover-not-consistent")
def a_handover_is_followed_by_a_chain_that_rewrites_it() -> Attempt:
    """A true handover, then a checkpoint of a chain that forked before it."""
    false, true = honest(forked_by_retired_keys(), Trace(DONATION)), walked()
    return attempt(replace(false, epochs=true.epochs[:1]), epochs())


@forgery("authority", "not-certified")
def the_checkpoint_is_signed_by_the_members_before_last() -> Attempt:
    """Q keys of epoch 1, retired, certify the newest size under the walk to epoch 2."""
    world = epochs()
    text, bundle = world.checkpoint(), walked()
    set_1 = MemberSet.decode(bundle.epochs[0].members)
    time = world.certificate().timestamps()[0]
    lines = tuple(
        cosign(text, time, one, signer("hubei/cosigner/1", one)) for one in ("m1", "m2", "m3", "m4")
    )
    note = Certificate(text, lines).to_note(set_1)
    return attempt(replace(bundle, checkpoint=note), world)


@forgery("authority", "another-epoch")
def retired_members_end_the_walk_early() -> Attempt:
    """Q keys of epoch 1 certify the newest size, and the bundle walks to epoch 1 only."""
    world = epochs()
    text, bundle = world.checkpoint(), walked()
    set_1 = MemberSet.decode(bundle.epochs[0].members)
    time = world.certificate().timestamps()[0]
    lines = tuple(
        cosign(text, time, one, signer("hubei/cosigner/1", one)) for one in ("m1", "m2", "m3", "m4")
    )
    first = replace(bundle.epochs[0], consistency=tuple(world.consistency(2, world.height)))
    note = Certificate(text, lines).to_note(set_1)
    return attempt(replace(bundle, checkpoint=note, epochs=(first,)), world)


@forgery("authority", "handover-order")
def a_walk_leads_to_members_who_certified_nothing_yet() -> Attempt:
    """The checkpoint is the last of epoch 0; the handover that it makes is shown as done."""
    world = three_epochs()
    world.certificates = {2: world.certificates[2]}
    bundle = honest(world, Trace(DONATION))
    return attempt(replace(bundle, epochs=walked().epochs[:1]), world)


@forgery("authority", "pin-contradicted")
def retired_keys_fork_the_chain_before_a_pin() -> Attempt:
    bundle = honest(forked_by_retired_keys(), Trace(DONATION), 2)
    return attempt(bundle, epochs(), pin=epochs().checkpoint(2).text())


@forgery("authority", "another-epoch")
def a_block_says_that_another_epoch_ordered_it() -> Attempt:
    world = three_epochs()
    world.header_changes = {"epoch": 1}
    world.grow([receipt(DONATION, ((LOT_A, 5),), "a-firm")])
    world.header_changes = {}
    world.grow([])
    world.certify()
    raw = world.blocks[6].transactions[0]
    return attempt(honest(world, Receipt(Transaction.decode(raw).id)), world)


@forgery("authority", "another-member-set")
def the_last_block_of_an_epoch_names_the_members_of_that_epoch() -> Attempt:
    """Certified all the same, so that a walk could be said to end earlier."""
    world = three_epochs()
    world.header_changes = {"members": world.genesis.members.digest()}
    world.grow([receipt(DONATION, ((LOT_A, 5),), "a-firm")])
    world.header_changes = {}
    world.grow([])
    world.certify()
    raw = world.blocks[6].transactions[0]
    return attempt(honest(world, Receipt(Transaction.decode(raw).id)), world)


# -- witnesses ------------------------------------------------------------------------------------


def witnessed(*notes: str, quorum: str = "any") -> Attempt:
    bundle = replace(walked(), witnesses=notes)
    return attempt(bundle, epochs(), policy=policy(epochs(), quorum))


def with_payload(place: int, change: Callable[[bytes], bytes]) -> Attempt:
    """A witness note of which one line carries other bytes: 0 is the log's, 1 the witness's."""
    read = parse_note(witness_note(epochs(), "m1"))
    lines = list(read.lines)
    line = lines[place]
    lines[place] = NoteLine(line.name, line.key, change(line.payload))
    return witnessed(spelt(read.text, lines))


@forgery("authority", "witnesses-too-few")
def a_policy_is_met_by_nobody() -> Attempt:
    return attempt(walked(), epochs(), policy=policy(epochs()))


@forgery("authority", "witnesses-too-few")
def a_policy_is_met_by_one_of_two() -> Attempt:
    return witnessed(witness_note(epochs(), "m1", (COURT,)), quorum="all")


@forgery("authority", "witnesses-too-few-and-unknown")
def a_witness_cosigned_an_origin_that_the_policy_does_not_pin() -> Attempt:
    return witnessed(witness_note(epochs(), "m2"))


@forgery("authority", "witness-malformed")
def a_witness_cosigned_a_smaller_chain() -> Attempt:
    return witnessed(witness_note(epochs(), "m1", text=text_of(epochs(), "m1", 5)))


@forgery("authority", "witness-malformed")
def a_witness_cosigned_another_chain_of_this_size() -> Attempt:
    other = Checkpoint(f"{epochs().genesis.origin}/m1", epochs().height, bytes(32))
    return witnessed(witness_note(epochs(), "m1", text=other.text()))


@forgery("authority", "witness-of-another-chain")
def a_witness_cosigned_the_same_root_of_another_origin() -> Attempt:
    true = epochs().checkpoint()
    other = Checkpoint("example.com/log", true.size, true.root)
    return witnessed(witness_note(epochs(), "m1", text=other.text()))


@forgery("authority", "witness-of-another-chain")
def a_witness_cosigned_the_chains_own_origin() -> Attempt:
    return witnessed(witness_note(epochs(), "m1", text=epochs().checkpoint().text()))


@forgery("authority", "witness-signature")
def a_witness_line_is_signed_by_the_forger() -> Attempt:
    read = parse_note(witness_note(epochs(), "m1"))
    false = replace_line(read.lines[1], signer("forger", WITNESS), read.text)
    return witnessed(spelt(read.text, [read.lines[0], false]))


def replace_line(line: Any, key: Any, text: str) -> Any:
    forged = cosign_text(text, line.timestamp, line.name, key)
    return type(line)(line.name, line.key, forged.payload)


@forgery("authority", "witness-signature")
def the_log_line_of_a_witness_note_is_signed_by_the_forger() -> Attempt:
    read = parse_note(witness_note(epochs(), "m1"))
    forged = sign_text(read.text, read.lines[0].name, signer("forger", "log"))
    false = type(forged)(forged.name, read.lines[0].key, forged.payload)
    return witnessed(spelt(read.text, [false, read.lines[1]]))


@forgery("authority", "witness-signature")
def a_witness_line_is_moved_to_another_time() -> Attempt:
    def later(payload: bytes) -> bytes:
        time = int.from_bytes(payload[:8], "big") + 1
        return time.to_bytes(8, "big") + payload[8:]

    return with_payload(1, later)


@forgery("authority", "witness-malformed")
def a_witness_note_has_no_log_line() -> Attempt:
    return witnessed(relined(witness_note(epochs(), "m1", (WITNESS, COURT)), 1, 2))


@forgery("authority", "witness-malformed")
def a_witness_note_has_no_witness() -> Attempt:
    return witnessed(relined(witness_note(epochs(), "m1"), 0))


@forgery("authority", "witness-malformed")
def one_witness_is_counted_twice() -> Attempt:
    return witnessed(relined(witness_note(epochs(), "m1"), 0, 1, 1), quorum="all")


@forgery("integrity", "malformed")
def one_witness_note_stands_twice() -> Attempt:
    note = witness_note(epochs(), "m1")
    return witnessed(note, note, quorum="all")


@forgery("authority", "witnesses-too-few-and-unknown")
def a_departments_cosignature_is_passed_off_as_a_witness() -> Attempt:
    """The member's cosigner key under a witness's name: the policy's key does not know it."""
    read = parse_note(witness_note(epochs(), "m1"))
    line = cosign_text(read.text, read.lines[1].timestamp, WITNESS, epochs().cosigners["m1"])
    return witnessed(spelt(read.text, [read.lines[0], line]))
