"""PBFT 4.1, 4.2 and 4.6, the client and the normal case: a test for each rule, by section."""

from __future__ import annotations

import itertools

import msgspec
import pytest

from consensus import messages as wire
from consensus.epoch import PRE_PREPARE
from tests.paper.alone import Alone
from tests.simulator.stage import SETTINGS


@pytest.fixture
def alone() -> Alone:
    return Alone()


def test_4_1_a_request_given_again_is_not_ordered_again(alone: Alone) -> None:
    """'If the request has already been processed, the replicas simply re-send the reply'"""
    batch = alone.batch(1)
    alone.order(1, batch)
    assert alone.executed == 1
    alone.stage.submit("m1", 1)
    assert alone.replica.pending == 0


def test_4_1_a_backup_relays_a_request_to_the_others(alone: Alone) -> None:
    """'if the replica is not the primary, it relays the request to the primary'"""
    alone.stage.submit("m1", 1)
    assert alone.said(wire.Transactions) == [
        wire.Transactions((alone.stage.transaction(1).raw,)),
    ]


def test_4_2_a_backup_answers_an_accepted_pre_prepare_with_its_prepare(alone: Alone) -> None:
    """'it enters the prepare phase by multicasting a PREPARE message'"""
    batch = alone.batch(1)
    alone.hear(0, alone.pre_prepare(1, batch))
    assert alone.said(wire.Prepare) == [alone.prepare(1, 1, batch.digest())]


def test_4_2_otherwise_it_does_nothing(alone: Alone) -> None:
    """'Otherwise, it does nothing': another view, another signer, another digest, other marks."""
    batch = alone.batch(1)
    good = alone.pre_prepare(1, batch)
    alone.hear(0, alone.pre_prepare(1, batch, 4))  # of another view (R-VC-9)
    alone.hear(2, good)  # not from the primary (R-Q-7)
    own = alone.sign(2, PRE_PREPARE, 0, 1, batch.digest())
    alone.hear(2, msgspec.structs.replace(good, signature=own))
    alone.hear(0, msgspec.structs.replace(good, batch=wire.Batch(batch.time, bytes(32))))
    alone.hear(0, alone.pre_prepare(0, batch))  # at h
    alone.hear(0, alone.pre_prepare(SETTINGS.window + 1, batch))  # above H
    assert alone.said(wire.Prepare) == []


def test_4_2_it_accepts_one_digest_for_a_view_and_sequence(alone: Alone) -> None:
    """'it has not accepted a pre-prepare message for view v and sequence number n containing a
    different digest'
    """
    first, second = alone.batch(1), alone.batch(2)
    alone.hear(0, alone.pre_prepare(1, first), alone.pre_prepare(1, second))
    assert alone.said(wire.Prepare) == [alone.prepare(1, 1, first.digest())]


def test_4_2_prepared_needs_the_pre_prepare_and_2f_matching_prepares(alone: Alone) -> None:
    """'and 2f prepares from different backups that match the pre-prepare': m1's own is one."""
    batch = alone.batch(1)
    digest = batch.digest()
    alone.hear(2, alone.prepare(2, 1, digest))
    alone.hear(3, alone.prepare(3, 1, digest))
    assert alone.said(wire.Commit) == [], "no pre-prepare"
    alone.hear(0, alone.pre_prepare(1, batch))
    assert alone.said(wire.Commit) == [alone.commit(1, 1, digest)]


@pytest.mark.parametrize(
    "what", ["the primary's", "of another digest", "of another view", "forged"]
)
def test_4_2_a_prepare_that_does_not_match_does_not_count(alone: Alone, what: str) -> None:
    batch, other = alone.batch(1), alone.batch(2)
    alone.hear(0, alone.pre_prepare(1, batch))
    if what == "the primary's":
        alone.hear(0, alone.prepare(0, 1, batch.digest()))
    elif what == "of another digest":
        alone.hear(2, alone.prepare(2, 1, other.digest()))
    elif what == "of another view":
        alone.hear(2, alone.prepare(2, 1, batch.digest(), 4))
    else:
        alone.hear(2, alone.prepare(3, 1, batch.digest()))
    assert alone.said(wire.Commit) == []
    alone.hear(3, alone.prepare(3, 1, batch.digest()))
    assert alone.said(wire.Commit) == [alone.commit(1, 1, batch.digest())]


def test_4_2_committed_local_needs_2f_plus_1_commits_of_one_digest(alone: Alone) -> None:
    """'has accepted 2f+1 commits (possibly including its own) from different replicas'"""
    batch, other = alone.batch(1), alone.batch(2)
    digest = batch.digest()
    alone.hear(0, alone.pre_prepare(1, batch))
    alone.hear(2, alone.prepare(2, 1, digest), alone.commit(2, 1, digest))
    alone.hear(0, alone.commit(0, 1, other.digest()))
    alone.hear(2, alone.commit(2, 1, digest))
    assert alone.executed == 0, "its own and m2's, twice"
    alone.hear(3, alone.commit(3, 1, digest))
    assert alone.executed == 1


def test_4_2_requests_are_executed_in_sequence_whatever_commits_first(alone: Alone) -> None:
    """'and its state reflects the sequential execution of all requests with lower sequence
    numbers'
    """
    batches = {sequence: alone.batch(sequence) for sequence in (1, 2, 3)}
    for sequence in (3, 2):
        alone.order(sequence, batches[sequence])
        assert alone.executed == 0
    alone.order(1, batches[1])
    assert alone.executed == 3
    assert alone.stage.executed_numbers("m1") == [1, 2, 3]


def test_4_2_messages_may_come_in_any_order() -> None:
    """'We do not rely on ordered message delivery': all 120 orders lead to the same block."""
    for order in itertools.permutations(range(5)):
        alone = Alone()
        batch = alone.batch(1)
        digest = batch.digest()
        events: list[tuple[int, wire.Message]] = [
            (0, alone.pre_prepare(1, batch)),
            (2, alone.prepare(2, 1, digest)),
            (3, alone.prepare(3, 1, digest)),
            (2, alone.commit(2, 1, digest)),
            (3, alone.commit(3, 1, digest)),
        ]
        for place in order:
            alone.hear(*events[place])
        assert alone.executed == 1, order


def test_4_6_the_value_that_the_primary_chose_is_judged_by_the_backups(alone: Alone) -> None:
    """4.6: 'the primary ... concatenates the value with the associated request', here the time;
    a backup that finds it wrong does not prepare; equal times still give rising block times.
    """
    # R-DT-3
    good = alone.batch(1)
    drift = SETTINGS.drift_ms
    for time in (good.time + drift + 11, good.time - drift - 1):
        alone.hear(0, alone.pre_prepare(1, wire.Batch(time, good.digests)))
    assert alone.said(wire.Prepare) == []
    alone.order(1, good)
    alone.order(2, wire.Batch(good.time, alone.batch(2).digests))
    assert [one.time for one in alone.stage["m1"].disk.chain] == [good.time, good.time + 1]
