"""Stories of four members, one fault each. The simulator's checkers watch over all of them."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from consensus import Evidence, Mode
from consensus import messages as wire
from consensus.epoch import PRE_PREPARE, VIEW_CHANGE, vote_bytes
from ledger.merkle_log import leaf_hash
from tests.simulator.stage import EPOCH_MS, SETTINGS, Stage


def test_one_request_becomes_one_certified_block_everywhere_without_a_tick() -> None:
    stage = Stage()
    stage.submit("m1", 1)
    assert stage.heights() == [1, 1, 1, 1]
    assert [member.replica.stable for member in stage.members] == [1, 1, 1, 1]
    assert stage.executed_numbers("m3") == [1]
    certificate = stage["m2"].disk.certificate
    assert certificate is not None
    assert len(certificate.cosignatures) == 3


def test_a_request_is_executed_when_one_member_is_down() -> None:
    stage = Stage()
    stage.crash("m3")  # R-Q-3: q − 1 PREPAREs of backups, not unanimity
    stage.submit("m1", 1)
    assert stage.heights()[:3] == [1, 1, 1]
    assert stage["m0"].replica.stable == 1


def test_a_crashed_primary_is_replaced_and_the_waiting_request_executed() -> None:
    stage = Stage()
    stage.crash("m0")
    stage.submit("m1", 1)
    stage.until(lambda: stage.heights()[1:] == [1, 1, 1])
    assert {member.replica.view for member in stage.members[1:]} == {1}
    assert all(member.replica.mode is Mode.ACTIVE for member in stage.members[1:])


def test_two_primaries_in_a_row_fail_at_seven_members_and_the_third_goes_on() -> None:
    """R-MB-4."""
    stage = Stage(7)
    stage.crash("m0")
    stage.crash("m1")
    stage.submit("m4", 1)
    stage.until(lambda: stage.heights()[2:] == [1] * 5)
    assert {member.replica.view for member in stage.members[2:]} == {2}


def test_a_value_committed_by_one_member_only_survives_two_view_changes() -> None:
    """R-VC-1, R-VC-10."""
    stage = Stage()
    stage.lose(lambda sender, target, one: isinstance(one, wire.Commit) and target != "m3")
    stage.submit("m1", 1)
    assert stage.heights() == [0, 0, 0, 1]
    stage.crash("m3")
    # The first view change brings no progress: no COMMIT arrives in view 1 either.
    stage.lose(lambda sender, target, one: isinstance(one, wire.Commit))
    stage.until(lambda: stage["m2"].replica.view == 1)
    stage.until(lambda: stage["m2"].replica.view >= 2)
    stage.heal()
    stage.until(lambda: stage.heights()[:3] == [1, 1, 1])
    stage.restart("m3")
    stage.submit("m2", 2)
    stage.until(lambda: stage.heights() == [2, 2, 2, 2])
    assert stage.executed_numbers("m0") == stage.executed_numbers("m3") == [1, 2]


def test_a_gap_is_filled_with_a_null_request_and_what_follows_is_kept() -> None:
    """R-VC-3, R-DW-5: sequence 1 is lost with its primary, sequence 2 is prepared."""
    stage = Stage()
    stage.lose(lambda _, to, one: isinstance(one, wire.PrePrepare) and one.sequence == 1)
    stage.lose(lambda _, to, one: isinstance(one, wire.Commit))
    stage.submit("m0", 1)
    stage.submit("m0", 2)
    assert stage.heights() == [0, 0, 0, 0]
    stage.crash("m0")
    stage.heal()
    stage.until(lambda: all(height >= 3 for height in stage.heights()[1:]))
    chain = stage["m1"].disk.chain
    assert chain[0].transactions == ()  # the null request
    assert stage.executed_numbers("m1") == [2, 1]
    assert chain[0].time < chain[1].time < chain[2].time


def test_a_proposed_batch_keeps_its_time_when_it_is_proposed_again_long_after() -> None:
    """R-DT-3: a re-proposed batch is not judged by the clock."""
    stage = Stage()
    stage.lose(lambda _, to, one: isinstance(one, wire.Commit))
    stage.submit("m0", 1)
    stage.crash("m0")
    stage.now += 60_000  # far beyond drift_ms
    stage.heal()
    stage.until(lambda: stage.heights()[1:] == [1, 1, 1])
    assert stage["m1"].disk.chain[0].time < EPOCH_MS + 1_000


def test_an_equivocating_primary_is_reported_with_proof_and_replaced() -> None:
    """R-Q-5, C13."""
    stage = Stage()
    stage.lose(lambda sender, target, one: isinstance(one, wire.Prepare))
    stage.submit("m1", 1)
    first = next(one for _, _, one in stage.sent if isinstance(one, wire.PrePrepare))
    other = msgspec.structs.replace(first.batch, time=first.batch.time + 1)
    message = vote_bytes(PRE_PREPARE, stage.chain_id, 0, 0, 1, other.digest())
    lie = wire.PrePrepare(0, 0, 1, other, stage.signer("m0").sign(message))
    stage.inject("m0", "m2", lie)
    stage.inject("m0", "m3", lie)
    assert [one.member for one in stage.evidence if isinstance(one, Evidence)] == ["m0", "m0"]
    stage.heal()
    stage.until(lambda: all(height >= 1 for height in stage.heights()))
    assert stage["m1"].replica.view >= 1
    assert stage.executed_numbers("m1") == [1]


def test_a_batch_with_an_invalid_transaction_is_never_prepared_and_its_primary_suspected() -> None:
    stage = Stage()
    good = stage.transaction(1)
    bad = good.raw[:-1] + bytes([good.raw[-1] ^ 1])
    spread = wire.Transactions((bad,))
    for name in ("m1", "m2", "m3"):
        stage.inject("m0", name, spread)
    batch = wire.Batch(EPOCH_MS, leaf_hash(bad))
    message = vote_bytes(PRE_PREPARE, stage.chain_id, 0, 0, 1, batch.digest())
    proposal = wire.PrePrepare(0, 0, 1, batch, stage.signer("m0").sign(message))
    for name in ("m1", "m2", "m3"):
        stage.inject("m0", name, proposal)
    assert not any(isinstance(one, wire.Prepare) for _, _, one in stage.sent)
    assert {stage[name].replica.view for name in ("m1", "m2", "m3")} == {1}


def test_a_body_that_never_arrived_is_fetched_before_the_vote() -> None:
    """R-Q-6."""
    stage = Stage()
    stage.lose(lambda sender, to, one: isinstance(one, wire.Transactions) and to in {"m2", "m3"})
    stage.submit("m1", 1)
    assert stage.heights() == [0, 0, 0, 0]
    stage.heal()
    stage.until(lambda: stage.heights() == [1, 1, 1, 1])
    assert any(isinstance(one, wire.Fetch) for _, _, one in stage.sent)
    assert stage["m1"].replica.view == 0


def test_a_member_cut_off_for_longer_than_a_window_installs_blocks_and_votes_again() -> None:
    """R-TL-8, R-VC-13: an idle consortium still brings it up to date."""
    stage = Stage()
    stage.cut("m3")
    for number in range(20):
        stage.submit("m0", number)
    assert stage.heights() == [20, 20, 20, 0]
    stage.heal()
    stage.until(lambda: stage.heights() == [20, 20, 20, 20])
    assert ("m3", "needs state up to 20") in stage.story
    stage.crash("m2")  # now its votes are needed
    stage.submit("m0", 99)
    stage.until(lambda: stage["m3"].height == 21)


def test_a_restarted_member_catches_up_by_commit_certificates() -> None:
    stage = Stage()
    stage.crash("m3")
    stage.lose(lambda sender, to, one: isinstance(one, wire.Fetch) and sender == to)
    stage.submit("m0", 1)
    stage.restart("m3")
    stage.until(lambda: stage.heights() == [1, 1, 1, 1])


def test_a_member_that_slept_through_a_view_change_is_shown_the_new_view() -> None:
    """R-VC-12."""
    stage = Stage()
    stage.crash("m3")
    stage.submit("m1", 1)
    stage.lose(lambda sender, target, one: "m0" in {sender, target})
    stage.submit("m1", 2)
    stage.ticks(5)
    stage.restart("m3")
    stage.until(lambda: stage["m1"].replica.view == stage["m3"].replica.view == 1)
    stage.heal()
    stage.until(lambda: stage["m0"].replica.view == 1 and stage["m0"].replica.mode is Mode.ACTIVE)


def test_one_member_that_wants_another_view_cannot_force_one() -> None:
    """R-TL-4."""
    stage = Stage()
    heard = (wire.Transactions, wire.Status)  # it knows of the request, and of nothing that follows
    stage.lose(lambda sender, target, one: target == "m3" and not isinstance(one, heard))
    stage.submit("m1", 1)
    stage.ticks(200)
    assert stage["m3"].replica.view == 1
    assert {stage[name].replica.view for name in ("m0", "m1", "m2")} == {0}
    stage.submit("m1", 2)
    assert stage.heights()[:3] == [2, 2, 2]


def test_a_primary_that_censors_one_request_is_replaced() -> None:
    """R-TL-6: it orders others, but the oldest waiting request does not move."""
    stage = Stage(settings=replace(SETTINGS, censor_factor=2))
    censored = stage.transaction(7).raw
    stage.lose(
        lambda sender, to, one: (
            to == "m0"
            and isinstance(one, wire.Transactions | wire.Overdue)
            and censored in one.raws
        )
    )
    stage.submit("m1", 7)
    for number in range(100, 150):
        stage.submit("m2", number)
        stage.ticks(2)
    assert 7 in stage.executed_numbers("m2")
    assert stage["m2"].replica.view >= 1


def test_the_whole_consortium_loses_power_and_nothing_prepared_is_lost() -> None:
    stage = Stage()
    stage.submit("m0", 1)
    stage.lose(lambda _, to, one: isinstance(one, wire.Commit))
    stage.submit("m0", 2)
    for name in ("m0", "m1", "m2", "m3"):
        stage.crash(name)
    stage.heal()
    for name in ("m0", "m1", "m2", "m3"):
        stage.restart(name)
    stage.until(lambda: stage.heights() == [2, 2, 2, 2])
    assert stage.executed_numbers("m2") == [1, 2]


def test_an_idle_chain_is_certified_anew_without_a_block() -> None:
    stage = Stage()
    stage.submit("m0", 1)
    first = stage["m0"].disk.certificate
    stage.ticks(500)
    again = stage["m0"].disk.certificate
    assert first is not None
    assert again is not None
    assert again.checkpoint == first.checkpoint
    assert min(again.timestamps()) > min(first.timestamps())
    assert stage.heights() == [1, 1, 1, 1]


def test_ordering_stops_a_window_above_what_is_certified() -> None:
    """R-CP-1, DESIGN 2: it stops at certified + WINDOW."""
    stage = Stage()
    for member in stage.members:
        member.certifier.step = lambda event: []  # type: ignore[method-assign]
    for number in range(20):
        stage.submit("m0", number)
    assert stage.heights() == [8, 8, 8, 8]


def test_single_members_and_small_sets_work_without_tolerance() -> None:
    for n in (1, 2, 3):
        stage = Stage(n)
        stage.submit("m0", 1)
        assert stage.heights() == [1] * n
        assert stage["m0"].replica.stable == 1


def test_a_body_that_survived_only_in_records_is_given_to_a_member_that_never_had_it() -> None:
    """After a power cut of everybody no client submits again, and one member lacks the body."""
    stage = Stage()
    stage.lose(lambda sender, to, one: to == "m3" and not isinstance(one, wire.Status))
    stage.lose(lambda _, to, one: isinstance(one, wire.Commit))
    stage.submit("m1", 1)
    for name in ("m0", "m1", "m2", "m3"):
        stage.crash(name)
    stage.heal()
    for name in ("m0", "m1", "m3"):  # m2 stays down: the vote of m3 is needed
        stage.restart(name)
    stage.until(lambda: stage["m0"].height == stage["m1"].height == stage["m3"].height == 1)
    assert stage.executed_numbers("m3") == [1]


def test_a_member_cut_off_with_requests_waiting_is_still_in_the_view_when_it_returns() -> None:
    """R-TL-4: who hears no quorum leaves no view."""
    stage = Stage()
    stage.cut("m3")
    stage.submit("m3", 1)
    stage.submit("m0", 2)
    stage.ticks(500)
    assert stage["m3"].replica.view == 0
    stage.heal()
    stage.until(lambda: set(stage.executed_numbers("m3")) == {1, 2})
    assert [member.replica.mode for member in stage.members] == [Mode.ACTIVE] * 4


def test_a_member_that_never_saw_a_batch_fetches_what_the_new_view_proposes() -> None:
    """A NEW-VIEW names digests; the batch behind one proves itself by it (R-Q-6)."""
    stage = Stage()
    stage.lose(lambda _, to, one: isinstance(one, wire.PrePrepare) and to == "m3")
    stage.lose(lambda _, to, one: isinstance(one, wire.Commit | wire.Committed))
    stage.submit("m1", 1)
    stage.crash("m0")  # its successors need the vote of m3
    stage.until(lambda: stage["m3"].replica.view == 1)
    stage.heal()
    stage.until(lambda: stage.heights()[1:] == [1, 1, 1])
    assert any(to == "m3" and isinstance(one, wire.Batches) for _, to, one in stage.sent)


def test_two_view_changes_of_one_member_for_one_view_are_evidence() -> None:
    stage = Stage()
    for height in (0, 1):
        stable = wire.Stable(0, bytes(32), ())
        blank = wire.ViewChange(0, 4 + height, 3, stable, (), bytes(64))
        for view_change in (blank, msgspec.structs.replace(blank, view=9)):
            message = vote_bytes(
                VIEW_CHANGE, stage.chain_id, 0, view_change.view, 0, view_change.digest()
            )
            signature = stage.signer("m3").sign(message)
            stage.inject("m3", "m1", msgspec.structs.replace(view_change, signature=signature))
    assert stage.evidence == []  # the same twice is no lie; another for the same view is one:
    stage.submit("m0", 1)
    certificate = stage["m0"].disk.certificate
    assert certificate is not None
    stable = wire.Stable.of(certificate, stage.epoch.members)
    other = wire.ViewChange(0, 9, 3, stable, (), bytes(64))
    message = vote_bytes(VIEW_CHANGE, stage.chain_id, 0, 9, 1, other.digest())
    signature = stage.signer("m3").sign(message)
    stage.inject("m3", "m1", msgspec.structs.replace(other, signature=signature))
    assert [one.member for one in stage.evidence if isinstance(one, Evidence)] == ["m3"]
