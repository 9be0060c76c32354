"""Bounds and arithmetic: hostile input costs a bounded amount and changes nothing."""

from __future__ import annotations

import pytest

from consensus import CertifierSettings, Checked, Deliver, Settings, Suspicion
from consensus import messages as wire
from consensus.epoch import COMMIT, PREPARE, vote_bytes
from consensus.evidence import Findings
from consensus.outbox import Outbox
from consensus.patience import Patience
from consensus.pool import Pool
from consensus.settings import FETCH_MAX, REPORTS_MAX
from ledger.errors import InvariantViolated, Malformed
from ledger.quorum import faulty, quorum, weak
from tests.simulator.stage import EPOCH_MS, SETTINGS, Stage


def test_quorums_intersect_in_an_honest_member_for_every_size() -> None:
    """R-Q-1."""
    for n in range(1, 101):
        f, q = faulty(n), quorum(n)
        assert 2 * q - n >= f + 1
        assert q <= n - f
        assert 2 * (q - 1) - n < f + 1, "one less would not do: no member more is waited for"
        assert weak(n) == f + 1
        assert 3 * f + 1 <= n < 3 * f + 4


@pytest.mark.parametrize(
    "wrong",
    [
        {"window": 1},
        {"window": 1_000},
        {"pipeline": 100},
        {"batch_count": 0},
        {"timeout_ticks": 9_999},
        {"batch_count": 10_000},
        {"pool_source_count": 100_000},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(InvariantViolated):
        Settings(**wrong)


def test_certifier_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InvariantViolated):
        CertifierSettings(interval_s=0)


def test_votes_far_ahead_or_in_future_views_do_not_grow_memory() -> None:
    """R-RS-1, C13: one vote per member, kind and slot; slots only within two windows."""
    stage = Stage()
    signer = stage.signer("m3")
    target = stage["m1"]
    for number in range(300):
        for kind, make in ((PREPARE, wire.Prepare), (COMMIT, wire.Commit)):
            view, sequence = number % 60, 1 + number * 7 % 100
            digest = bytes([number % 256]) * 32
            signature = signer.sign(vote_bytes(kind, stage.chain_id, 0, view, sequence, digest))
            stage.inject("m3", "m1", make(0, view, sequence, digest, signature))
    log = target.replica._ordering.log
    assert len(log) <= 2 * SETTINGS.window
    assert all(len(slot.prepares) <= 4 and len(slot.commits) <= 4 for slot in log)
    stage.submit("m0", 1)
    assert stage.heights() == [1, 1, 1, 1]


def test_bytes_that_are_no_message_are_counted_against_their_sender_once() -> None:
    stage = Stage()
    findings = [
        one
        for junk in (b"", b"\xc1", bytes(1_000), b"\x91\xa7prepare")
        for one in stage["m1"].replica.step(Deliver("m2", junk))
    ]
    assert len(findings) == 1
    assert "malformed-message" in str(findings[0])


def test_a_member_of_no_set_is_not_heard() -> None:
    stage = Stage()
    status = wire.encode(wire.Status(0, 9, True, 0, 0))
    assert stage["m1"].replica.step(Deliver("stranger", status)) == []
    assert stage["m1"].replica.step(Deliver("m1", status)) == []


def test_the_pool_is_bounded_in_all_and_for_each_member() -> None:
    """R-RS-2: one member's flood leaves room for the others."""
    stage = Stage()
    pool = Pool(Settings(pool_count=10, pool_source_count=4))
    raws = [stage.transaction(number).raw for number in range(20)]
    assert len(pool.take_in(raws, "m3", 1, {})) == 4
    assert len(pool.take_in(raws[4:], "m2", 1, {})) == 4
    wanted = {stage.transaction(19).digest: None}
    assert len(pool.take_in(raws[19:], "m3", 1, wanted)) == 1
    new, refused = pool.submit([stage.transaction(n) for n in range(30, 40)], "m0", 1)
    assert len(new) == 1
    assert len(refused) == 9


def test_transactions_leave_the_pool_when_their_time_is_over() -> None:
    stage = Stage()
    pool = Pool(Settings())
    pool.submit([stage.transaction(1)], "m0", 1)
    assert pool.expire(EPOCH_MS + 589_999) == []
    assert pool.expire(EPOCH_MS + 590_000) == [stage.transaction(1).digest]
    assert len(pool) == 0
    assert pool.oldest() is None
    assert not pool._buckets


def test_they_leave_it_on_an_idle_chain_too() -> None:
    """R-RS-2: no block need come for what nobody may order any more to be given up."""
    stage = Stage()
    stage.lose(lambda _, __, one: isinstance(one, wire.PrePrepare | wire.ViewChange))
    stage.submit("m1", 1)
    assert [member.replica.pending for member in stage.members] == [1, 1, 1, 1]
    stage.now += 600_000
    stage.ticks(2 * SETTINGS.status_ticks)
    assert [member.replica.pending for member in stage.members][1:] == [0, 0, 0], "m0 proposed it"


def test_a_fetch_of_too_many_digests_is_refused_before_any_look_up() -> None:
    message = wire.Fetch(b"", bytes(32 * (FETCH_MAX + 1)))
    with pytest.raises(Malformed):
        wire.decode(wire.encode(message))


def test_fetching_without_end_is_answered_only_so_much() -> None:
    stage = Stage()
    stage.lose(lambda sender, target, one: isinstance(one, wire.PrePrepare))
    stage.submit("m0", 1)  # pending everywhere
    ask = wire.encode(wire.Fetch(b"", stage.transaction(1).digest * FETCH_MAX))
    answers = sum(len(stage["m1"].replica.step(Deliver("m3", ask))) for _ in range(50))
    assert 0 < answers < 50 * 2


def test_a_flood_of_findings_is_one_report_of_each_kind_and_limited_in_all() -> None:
    findings = Findings()
    for number in range(10_000):
        findings.add(Suspicion("m1", f"code-{number}"))
        findings.add(Suspicion("m1", "same"))
    assert len(findings.take()) == REPORTS_MAX
    assert findings.take() == []


def test_patience_doubles_with_each_failed_view_is_capped_and_ends_with_progress() -> None:
    """R-TL-1, R-TL-2."""
    patience = Patience(Settings(timeout_ticks=10, timeout_cap_ticks=35))
    seen = []
    for _ in range(4):
        patience.left()
        seen.append(patience.timeout)
    assert seen == [20, 35, 35, 35]
    patience.progress(900)
    assert patience.timeout == 10
    assert not patience.new_view_overdue(1_000)  # no quorum has left yet
    patience.quorum_left(1_000)
    patience.quorum_left(1_005)
    assert not patience.new_view_overdue(1_010)
    assert patience.new_view_overdue(1_011)


def test_a_primary_that_orders_nothing_is_silent_one_that_orders_others_has_longer() -> None:
    """R-TL-5, R-TL-6."""
    patience = Patience(Settings(timeout_ticks=10, censor_factor=3))
    assert patience.judge(b"request", None, 100) == ""
    assert patience.judge(b"request", None, 110) == ""
    assert patience.judge(b"request", None, 111) == "silent"
    patience.progress(111)  # another one was ordered
    assert patience.judge(b"request", None, 115) == ""
    patience.progress(125)
    assert patience.judge(b"request", None, 130) == ""
    assert patience.judge(b"request", None, 131) == "censoring"
    assert patience.judge(b"next", None, 132) == ""


def test_a_send_waits_for_its_record_and_others_do_not() -> None:
    """R-DW-1."""
    outbox: Outbox[str, str] = Outbox(0)
    number = outbox.store(b"record")
    outbox.send_after(number, ("m1",), b"vote")
    outbox.count_after(number, "own")
    outbox.send(("m1",), b"status")
    assert [getattr(one, "data", None) for one in outbox.take()] == [None, b"status"]
    assert outbox.stored(number) == ["own"]
    assert [getattr(one, "data", None) for one in outbox.take()] == [b"vote"]
    with pytest.raises(InvariantViolated):
        outbox.stored(number + 1)


def test_an_answer_to_a_check_nobody_asked_for_is_our_own_bug() -> None:
    stage = Stage()
    with pytest.raises(InvariantViolated):
        stage["m0"].replica.step(Checked(7, ()))
