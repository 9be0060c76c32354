"""Trust over changes of members: the epoch walk, pins and outside witnesses."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from client.holders import followed_logs
from ledger.assembly import assemble
from ledger.bundle_file import decode_bundle, encode_bundle
from ledger.checkpoint import Checkpoint
from ledger.claims import Extension, History, Receipt, Trace
from ledger.notes import COSIGNATURE_V1, VerifierKey
from ledger.tlog_policy import outsiders_of, policy_of
from ledger.transaction import Transaction
from ledger.verdict import Report
from ledger.verify import verify_bundle
from tests.forger.epochs import (
    COURT,
    NEWS,
    WITNESS,
    epochs,
    forked_by_retired_keys,
    policy,
    three_epochs,
    witness_note,
)
from tests.forger.stories import DONATION, LOT_A, donation_blocks
from tests.forger.world import World, signer

DOUBT = "collusion of past members cannot be excluded"


def is_doubted(report: Report) -> bool:
    """Whether the authority line itself says so, in both languages."""
    doubted = DOUBT in report.authority.text("en")
    assert ("不能排除过往成员合谋" in report.authority.text("zh")) is doubted
    return doubted


def test_a_bundle_walks_from_genesis_over_two_changes_of_members() -> None:
    """R-LC-1: epoch by epoch, each set named under the certificate of the one before."""
    world = epochs()
    data = encode_bundle(assemble(world, Trace(DONATION)))
    report = verify_bundle(data, world.genesis, DONATION)
    assert report.clean, report.value()
    assert report.authority.parameters["epoch"] == 2
    assert report.authority.parameters["members"] == "m1, m2, m3"
    assert report.authority.code == "quorum-from-genesis"
    assert is_doubted(report)
    assert encode_bundle(decode_bundle(data)) == data


@pytest.mark.parametrize("height", [1, 2, 3, 4, 5, 6])
def test_a_receipt_of_any_epoch_verifies_under_the_newest_checkpoint(height: int) -> None:
    world = epochs()
    for raw in world.blocks[height - 1].transactions:
        claim = Receipt(Transaction.decode(raw).id)
        report = verify_bundle(encode_bundle(assemble(world, claim)), world.genesis, claim)
        assert report.clean, report.value()


def test_the_last_block_of_an_epoch_is_certified_by_the_epoch_that_ends() -> None:
    """R-MB-2: height h is certified by the set that header h−1 names."""
    world = World()
    world.grow(donation_blocks()[0])
    world.hand_over([], ["m0", "m1", "m2", "m4"])
    report = verify_bundle(encode_bundle(assemble(world, History(LOT_A))), world.genesis)
    assert report.clean, report.value()
    assert report.authority.parameters["epoch"] == 0
    assert report.bundle is not None
    assert not report.bundle.epochs


def test_retired_keys_convince_who_has_only_genesis_and_the_verdict_says_so() -> None:
    """DESIGN 2.9. Their walk ends with the epoch of their keys: it shows no change at all."""
    world = epochs()
    data = encode_bundle(assemble(forked_by_retired_keys(), Trace(DONATION)))
    report = verify_bundle(data, world.genesis)
    assert report.exit_ok
    assert report.bundle is not None
    assert not report.bundle.epochs
    assert report.authority.code == "quorum-from-genesis"
    assert is_doubted(report)


def test_retired_keys_are_refused_by_a_pin() -> None:
    """R-MB-6: the later signatures of retired members are worthless to who kept a checkpoint."""
    world = epochs()
    bundle = assemble(forked_by_retired_keys(), Trace(DONATION), 2)
    pin = world.checkpoint(2).text()
    report = verify_bundle(encode_bundle(bundle), world.genesis, pin=pin)
    assert not report.exit_ok
    assert report.authority.code == "pin-contradicted"


def test_retired_keys_are_refused_by_a_witness_policy() -> None:
    world = epochs()
    bundle = assemble(forked_by_retired_keys(), Trace(DONATION))
    report = verify_bundle(encode_bundle(bundle), world.genesis, policy=policy(world))
    assert report.authority.code == "witnesses-too-few"
    stolen = replace(bundle, witnesses=(witness_note(world, "m1"),))
    report = verify_bundle(encode_bundle(stolen), world.genesis, policy=policy(world))
    assert report.authority.code == "witness-malformed"


def test_the_line_names_the_members_whose_log_keys_retired_keys_would_need() -> None:
    """An honest witness holds m0's origin to the past of m0's origin. It saw it last before m0
    left; whoever then has m0's log key too has another future cosigned.
    """
    world, fork = epochs(), forked_by_retired_keys()
    court = VerifierKey(COURT, COSIGNATURE_V1, signer("witness", COURT).public)
    bundle = assemble(fork, Trace(DONATION))
    data = encode_bundle(replace(bundle, witnesses=(witness_note(fork, "m0", (COURT,)),)))
    of_then = outsiders_of(followed_logs(world.genesis), [court], 1)
    report = verify_bundle(data, world.genesis, policy=of_then)
    assert report.authority.code == "quorum-and-witnesses"
    assert report.authority.parameters["logs"] == "m0"
    assert "only with the log keys of m0" in report.authority.text("en")
    assert "除非握有 m0 的日志密钥" in report.authority.text("zh")
    of_now = outsiders_of(
        followed_logs(world.genesis, assemble(world, Trace(DONATION))), [court], 1
    )
    report = verify_bundle(data, world.genesis, policy=of_now)
    assert report.authority.code == "witnesses-too-few-and-unknown"
    assert not report.exit_ok


def test_the_members_named_are_those_whose_notes_count() -> None:
    world = epochs()
    court = VerifierKey(COURT, COSIGNATURE_V1, signer("witness", COURT).public)
    everyone = outsiders_of(followed_logs(world.genesis), [court], 1)
    notes = (witness_note(world, "m1", (COURT,)), witness_note(world, "m2", (COURT,)))
    data = encode_bundle(replace(assemble(world, Trace(DONATION)), witnesses=notes))
    report = verify_bundle(data, world.genesis, policy=everyone)
    assert report.authority.parameters["logs"] == "m1, m2"
    assert report.authority.parameters["witnesses"] == f"{COURT}, {COURT}"


def test_a_policy_that_retired_keys_satisfy_excludes_nothing_and_the_line_says_so() -> None:
    """What `/tlog/policy` serves names departments; kept from epoch 0, its keys are the liars'."""
    world = epochs()
    kept = policy_of(world.genesis.origin, world.genesis.members)
    fork = encode_bundle(assemble(forked_by_retired_keys(), Trace(DONATION)))
    report = verify_bundle(fork, world.genesis, policy=kept)
    assert report.exit_ok  # all that was asked for is there
    assert report.authority.code == "members-alone"
    assert is_doubted(report)


def test_an_honest_pin_from_any_epoch_is_extended() -> None:
    world = epochs()
    for size in range(1, 7):
        data = encode_bundle(assemble(world, Trace(DONATION), size))
        report = verify_bundle(data, world.genesis, pin=world.checkpoint(size).text())
        assert report.authority.code == "quorum-and-pin"
        assert is_doubted(report)  # of what came after the pin


def test_a_policy_is_satisfied_by_the_witness_it_names() -> None:
    world = epochs()
    bundle = assemble(world, Trace(DONATION), 3)
    data = encode_bundle(replace(bundle, witnesses=(witness_note(world, "m1"),)))
    report = verify_bundle(data, world.genesis, policy=policy(world))
    assert report.clean, report.value()
    assert report.authority.code == "quorum-and-witnesses"
    assert report.authority.parameters["witnesses"] == WITNESS
    assert not is_doubted(report)
    pin = world.checkpoint(3).text()
    report = verify_bundle(data, world.genesis, pin=pin, policy=policy(world))
    assert report.authority.code == "quorum-pin-and-witnesses"
    assert not is_doubted(report)


def test_a_note_of_the_same_root_at_another_size_is_no_witness_of_this_one() -> None:
    """Both are signed: a witness may well have cosigned a size that this log never had."""
    world = epochs()
    true = world.checkpoint()
    text = Checkpoint(f"{true.origin}/m1", true.size + 1, true.root).text()
    bundle = assemble(world, Trace(DONATION))
    data = encode_bundle(replace(bundle, witnesses=(witness_note(world, "m1", text=text),)))
    report = verify_bundle(data, world.genesis, policy=policy(world))
    assert report.authority.code == "witness-malformed"
    assert report.authority.parameters["rule"] == "must be of the checkpoint's size and root"


@pytest.mark.parametrize(("count", "state"), [(32, "qualified"), (33, "failed")])
def test_a_note_has_at_most_32_lines_of_witnesses(count: int, state: str) -> None:
    world = epochs()
    note = witness_note(world, "m1", [f"w{number:02}.example" for number in range(count)])
    data = encode_bundle(replace(assemble(world, Trace(DONATION)), witnesses=(note,)))
    assert verify_bundle(data, world.genesis).authority.state == state


def test_a_policy_that_asks_for_all_is_not_satisfied_by_one() -> None:
    world = epochs()
    bundle, asked = assemble(world, Trace(DONATION)), policy(world, "all")
    one = encode_bundle(replace(bundle, witnesses=(witness_note(world, "m1"),)))
    report = verify_bundle(one, world.genesis, policy=asked)
    assert report.authority.code == "witnesses-too-few"
    assert not report.exit_ok
    both = (witness_note(world, "m1", (WITNESS, COURT)),)
    report = verify_bundle(
        encode_bundle(replace(bundle, witnesses=both)), world.genesis, policy=asked
    )
    assert report.clean


def test_witnesses_that_nobody_asked_about_are_a_reservation_and_no_lie() -> None:
    world = epochs()
    bundle = assemble(world, Trace(DONATION))
    data = encode_bundle(replace(bundle, witnesses=(witness_note(world, "m1"),)))
    report = verify_bundle(data, world.genesis)
    assert report.exit_ok
    assert (report.authority.state, report.authority.code) == ("qualified", "witnesses-unchecked")
    assert is_doubted(report)
    assert report.time.state == "clean"
    notes, pin = (witness_note(world, "m1"),), world.checkpoint(3).text()
    data = encode_bundle(replace(assemble(world, Trace(DONATION), 3), witnesses=notes))
    report = verify_bundle(data, world.genesis, pin=pin)
    assert report.exit_ok
    assert report.authority.code == "pin-and-witnesses-unchecked"
    assert (report.authority.state, report.authority.parameters["size"]) == ("qualified", 3)
    assert is_doubted(report)


def test_a_witness_that_the_policy_does_not_know_is_named_and_not_counted() -> None:
    world = epochs()
    notes = (witness_note(world, "m1", (WITNESS, NEWS)), witness_note(world, "m2"))
    data = encode_bundle(replace(assemble(world, Trace(DONATION)), witnesses=notes))
    report = verify_bundle(data, world.genesis, policy=policy(world))
    assert report.exit_ok
    assert report.authority.code == "witnesses-unknown"
    assert report.authority.parameters["witnesses"] == f"{NEWS}, {world.genesis.origin}/m2"


def test_two_checkpoints_are_tied_by_a_bundle_of_their_own() -> None:
    world = epochs()
    for size in range(1, 7):
        claim = Extension(size, world.chain.root(size))
        report = verify_bundle(encode_bundle(assemble(world, claim)), world.genesis, claim)
        assert report.clean, report.value()
        assert report.completeness.code == "complete-consistency"


def test_the_world_of_three_epochs_is_the_same_on_every_run() -> None:
    assert three_epochs().checkpoint() == epochs().checkpoint()
