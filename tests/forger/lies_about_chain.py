"""Lies about the chain, who certified it and when; and about receipts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from ledger.assembly import assemble_receipts
from ledger.block import HEADER, RESULT
from ledger.bundle import Bundle
from ledger.bundle_file import encode_bundle
from ledger.checkpoint import Certificate, Checkpoint, cosign
from ledger.claims import Receipt, Trace
from ledger.limits import VALIDITY_MS_MAX
from ledger.transaction import Transaction
from tests.forger import stories
from tests.forger.edges import ordered
from tests.forger.forging import (
    Attempt,
    attempt,
    donation,
    false_world,
    forgery,
    honest,
)
from tests.forger.stories import (
    DONATION,
    LOT_A,
)
from tests.forger.world import World, signer

# -- chain, header, checkpoint --------------------------------------------------------------------


@forgery("authority", "another-chain")
def a_proof_from_another_chain() -> Attempt:
    other = stories.donation_world("hunan")
    return Attempt(encode_bundle(honest(other, Trace(DONATION))), donation().genesis)


@forgery("authority", "another-chain")
def a_bundle_from_a_chain_of_the_same_name() -> Attempt:
    other = stories.donation_world("hubei", members=5)
    other.certify(delays=(1, 2, 3, 4))
    return Attempt(encode_bundle(honest(other, Trace(DONATION))), donation().genesis)


@forgery("integrity", "header-not-in-chain")
def a_false_chain_under_the_true_checkpoint() -> Attempt:
    def story(world: World) -> None:
        for _ in range(6):
            world.grow([stories.receipt(DONATION, ((LOT_A, 5),), "a-firm")])

    other = false_world(story)
    bundle = replace(
        honest(other, Trace(DONATION)),
        checkpoint=donation().certificate().to_note(donation().genesis.members),
    )
    return attempt(bundle, donation())


@forgery("authority", "another-member-set")
def a_header_names_another_member_set() -> Attempt:
    """A chain of the true origin, certified by the true quorum, with a block before the newest
    that names other members: only an epoch's last block may, and nothing follows it unhanded.
    """
    world = World()
    world.header_changes = {"members": bytes(32)}
    world.grow([stories.receipt(DONATION, ((LOT_A, 5),), "a-firm")])
    world.header_changes = {}
    world.grow([])
    world.certify()
    raw = world.blocks[0].transactions[0]
    return attempt(honest(world, Receipt(Transaction.decode(raw).id)), world)


@forgery("authority", "another-epoch")
def a_header_of_a_later_epoch_without_a_walk() -> Attempt:
    world = World()
    world.header_changes = {"epoch": 1}
    world.grow([stories.receipt(DONATION, ((LOT_A, 5),), "a-firm")])
    world.certify()
    return attempt(honest(world, Trace(DONATION)), world)


@forgery("integrity", "header-not-in-chain")
def a_header_is_changed() -> Attempt:
    bundle = honest(donation(), Trace(DONATION))
    header = HEADER.decode(bundle.header)
    return attempt(
        replace(bundle, header=HEADER.encode(replace(header, parent=bytes(32)))), donation()
    )


@forgery("integrity", "header-above-checkpoint")
def a_header_beyond_the_checkpoint() -> Attempt:
    world = stories.donation_world()
    world.certify(size=5)
    note = world.certificates[5].to_note(world.genesis.members)
    return attempt(replace(honest(world, Trace(DONATION)), checkpoint=note), world)


@forgery("integrity", "header-not-in-chain")
def the_path_of_another_header_is_given() -> Attempt:
    world = donation()
    bundle = honest(world, Trace(DONATION))
    return attempt(replace(bundle, inclusion=tuple(world.inclusion(3, 6))), world)


def _with_note(change: Callable[[list[str]], list[str]], world: World | None = None) -> Attempt:
    """Change the signature lines of the honest note."""
    source = donation() if world is None else world
    bundle = honest(source, Trace(DONATION))
    text, _, block = bundle.checkpoint.rpartition("\n\n")
    lines = change(block[:-1].split("\n"))
    return attempt(replace(bundle, checkpoint=text + "\n\n" + "\n".join(lines) + "\n"), source)


@forgery("authority", "not-certified")
def too_few_cosignatures() -> Attempt:
    return _with_note(lambda lines: lines[:2])


@forgery("authority", "not-certified")
def more_cosignatures_than_a_quorum() -> Attempt:
    """Valid, but a second spelling: the least timestamp could be chosen by leaving lines out."""
    world = stories.donation_world()
    world.certify(delays=(4, 2, 9, 5))
    return _with_note(lambda lines: lines, world)


@forgery("authority", "not-certified")
def one_member_signs_twice() -> Attempt:
    return _with_note(lambda lines: [lines[0], lines[0], lines[1]])


@forgery("authority", "not-certified")
def signature_lines_out_of_order() -> Attempt:
    return _with_note(lambda lines: [lines[1], lines[0], lines[2]])


@forgery("authority", "not-certified")
def a_line_of_somebody_who_is_no_member() -> Attempt:
    return _with_note(lambda lines: [lines[0].replace("/m0 ", "/m9 "), *lines[1:]])


@forgery("authority", "not-certified")
def the_signature_of_one_member_under_the_name_of_another() -> Attempt:
    return _with_note(lambda lines: [*lines[:2], lines[0].replace("/m0 ", "/m2 ")])


@forgery("authority", "not-certified")
def a_vote_key_signs_in_place_of_the_cosigner_key() -> Attempt:
    """A signature of the member's own, but of another role."""
    world = stories.donation_world()
    for name in ("m1", "m2"):
        world.cosigners[name] = signer("hubei/vote", name)
    world.certify()
    return attempt(honest(world, Trace(DONATION)), world)


@forgery("authority", "not-certified")
def signatures_over_an_older_checkpoint_are_reused() -> Attempt:
    world = stories.donation_world()
    world.certify(size=5)
    old = world.certificates[5].to_note(world.genesis.members)
    bundle = honest(world, Trace(DONATION))
    text = bundle.checkpoint.rpartition("\n\n")[0]
    note = text + "\n\n" + old.rpartition("\n\n")[2]
    return attempt(replace(bundle, checkpoint=note), world)


@forgery("authority", "not-certified")
def an_old_certificate_is_given_a_new_time() -> Attempt:
    """F members may sign a new timestamp; the others' lines are edited."""
    world = stories.donation_world()
    bundle = honest(world, Trace(DONATION))
    checkpoint = world.checkpoint()
    later = world.certificate().timestamps()[0] + 86_400
    cosignatures = tuple(
        cosign(checkpoint, later, "m0", world.cosigners["m0"])
        if one.member == "m0"
        else type(one)(one.member, later, one.signature)
        for one in world.certificate().cosignatures
    )
    note = Certificate(checkpoint, cosignatures).to_note(world.genesis.members)
    return attempt(replace(bundle, checkpoint=note), world)


@forgery("integrity", "malformed")
def an_extension_line_is_added_to_the_checkpoint() -> Attempt:
    bundle = honest(donation(), Trace(DONATION))
    text, _, block = bundle.checkpoint.rpartition("\n\n")
    return _malformed_note(bundle, text + "\nextension\n\n" + block)


def _malformed_note(bundle: Bundle, note: str) -> Attempt:
    return attempt(replace(bundle, checkpoint=note), donation())


# -- time and pin ---------------------------------------------------------------------------------


@forgery("time", "too-old")
def a_checkpoint_older_than_the_asked_age() -> Attempt:
    now = donation().certificate().timestamps()[1] + 601
    return attempt(honest(donation(), Trace(DONATION)), donation(), now_s=now, max_age_s=600)


@forgery("time", "in-the-future")
def a_checkpoint_from_the_future() -> Attempt:
    now = donation().certificate().timestamps()[1] - 301
    return attempt(honest(donation(), Trace(DONATION)), donation(), now_s=now)


@forgery("time", "before-block")
def a_cosignature_before_the_blocks_time() -> Attempt:
    world = stories.donation_world()
    world.certify(delays=(4, -1, 9))
    return attempt(honest(world, Trace(DONATION)), world)


@forgery("authority", "pin-contradicted")
def a_history_rewritten_by_all_members_before_the_pin() -> Attempt:
    pin = donation().checkpoint(3).text()

    def story(world: World) -> None:
        for _ in range(6):
            world.grow([stories.receipt(DONATION, ((LOT_A, 5),), "a-firm")])

    world = false_world(story)
    return attempt(honest(world, Trace(DONATION), pin_size=3), world, pin=pin)


@forgery("authority", "pin-contradicted")
def a_fork_at_the_size_of_the_pin() -> Attempt:
    pin = Checkpoint(donation().genesis.origin, 6, bytes(32)).text()
    return attempt(honest(donation(), Trace(DONATION)), donation(), pin=pin)


@forgery("authority", "pin-without-proof")
def the_proof_from_the_pin_is_withheld() -> Attempt:
    pin = donation().checkpoint(3).text()
    return attempt(honest(donation(), Trace(DONATION)), donation(), pin=pin)


@forgery("authority", "pin-without-proof")
def the_proof_is_from_another_size_than_the_pins() -> Attempt:
    pin = donation().checkpoint(3).text()
    return attempt(honest(donation(), Trace(DONATION), pin_size=2), donation(), pin=pin)


@forgery("integrity", "not-consistent")
def the_root_of_the_pin_is_written_into_a_proof_of_another_chain() -> Attempt:
    bundle = honest(donation(), Trace(DONATION), pin_size=3)
    if bundle.consistency is None:
        raise ValueError(bundle)
    lie = replace(bundle.consistency, root=bytes(32))
    pin = Checkpoint(donation().genesis.origin, 3, bytes(32)).text()
    return attempt(replace(bundle, consistency=lie), donation(), pin=pin)


@forgery("authority", "pin-newer")
def a_bundle_older_than_the_pin() -> Attempt:
    pin = Checkpoint(donation().genesis.origin, 7, bytes(32)).text()
    return attempt(honest(donation(), Trace(DONATION)), donation(), pin=pin)


@forgery("authority", "pin-of-another-chain")
def a_pin_of_another_chain() -> Attempt:
    pin = stories.donation_world("hunan").checkpoint(3).text()
    return attempt(honest(donation(), Trace(DONATION)), donation(), pin=pin)


# -- receipts -------------------------------------------------------------------------------------


def _receipt(height: int = 2, index: int = 1) -> Bundle:
    return assemble_receipts(donation(), height, [index])[0]


def _proof(bundle: Bundle, **changes: Any) -> Bundle:
    if bundle.receipt is None:
        raise ValueError(bundle)
    return replace(bundle, receipt=replace(bundle.receipt, **changes))


@forgery("integrity", "result-of-another-transaction")
def a_receipt_with_the_result_of_its_neighbour() -> Attempt:
    result = donation().blocks[1].results[0]
    return attempt(_proof(_receipt(), result=result), donation())


@forgery("integrity", "result-of-another-transaction")
def a_receipt_for_another_transaction_than_it_says() -> Attempt:
    return attempt(replace(_receipt(), claim=Receipt(bytes(32))), donation())


@forgery("integrity", "result-not-in-block")
def a_receipt_whose_refusal_reads_accepted() -> Attempt:
    bundle = _receipt()
    if bundle.receipt is None:
        raise ValueError(bundle)
    result = replace(RESULT.decode(bundle.receipt.result), contract_version=2)
    return attempt(_proof(bundle, result=RESULT.encode(result)), donation())


@forgery("integrity", "transaction-not-in-block")
def a_receipt_under_another_block() -> Attempt:
    world = donation()
    bundle = replace(_receipt(), header=world.header(3), inclusion=tuple(world.inclusion(3, 6)))
    return attempt(bundle, world)


@forgery("integrity", "transaction-unsigned")
def a_transaction_with_a_false_signature_was_ordered() -> Attempt:
    world = World()
    world.spoil_signatures = True
    world.grow([stories.receipt(DONATION, ((LOT_A, 5),), "a-firm")])
    world.certify()
    return attempt(assemble_receipts(world, 1, [0])[0], world)


@forgery("integrity", "transaction-of-another-chain")
def a_receipt_for_a_transaction_of_another_chain() -> Attempt:
    world = World()
    world.chain_of_transactions = bytes(32)
    world.grow([stories.receipt(DONATION, ((LOT_A, 5),), "a-firm")])
    world.certify()
    return attempt(assemble_receipts(world, 1, [0])[0], world)


@forgery("integrity", "transaction-outside-window")
def a_transaction_was_accepted_after_its_validity() -> Attempt:
    return ordered(-1)


@forgery("integrity", "transaction-outside-window")
def a_transaction_was_accepted_at_the_end_of_its_validity() -> Attempt:
    return ordered(0)


@forgery("integrity", "transaction-outside-window")
def a_transaction_was_accepted_that_is_valid_for_too_long() -> Attempt:
    return ordered(VALIDITY_MS_MAX + 1)
