"""C13: a member's two words are evidence wherever they meet, also when others show the second."""

from __future__ import annotations

import pytest

from consensus import Evidence, Suspicion, verify_evidence
from consensus import messages as wire
from consensus.epoch import COMMIT, PRE_PREPARE, PREPARE
from tests.paper.alone import Alone
from tests.simulator.stage import EPOCH_MS, Stage


def convicted(alone: Alone) -> list[tuple[str, str, int, int]]:
    """Who is reported for which two words; each pair convinces a third party."""
    stage, found = alone.stage, []
    for one in stage.evidence:
        assert isinstance(one, Evidence)
        keys = (stage.chain_id, stage.origin, stage.epoch, stage.keyring.verify)
        assert verify_evidence(one, *keys)
        found.append((one.member, one.first.kind, one.first.view, one.first.sequence))
    return found


def two_batches(alone: Alone) -> tuple[wire.Batch, wire.Batch]:
    return alone.batch(1), alone.batch(2)


def committed(alone: Alone, batch: wire.Batch, view: int = 0) -> wire.Committed:
    digest = batch.digest()
    seals = [wire.Seal(one, alone.sign(one, COMMIT, view, 1, digest)) for one in (0, 2, 3)]
    return wire.Committed(0, view, 1, batch, tuple(seals))


@pytest.mark.parametrize("shown_in", ["VIEW-CHANGE", "NEW-VIEW"])
def test_a_primary_that_told_others_another_batch_is_convicted_by_their_certificate(
    shown_in: str,
) -> None:
    """R-Q-5, C13: m1 is told the one batch, m2 and m3 prepare the other; it sees both only then."""
    alone = Alone()
    told, other = two_batches(alone)
    alone.hear(0, alone.pre_prepare(1, told))
    assert convicted(alone) == []
    change = alone.view_change(3, 2, alone.prepared(1, other.digest()))
    if shown_in == "VIEW-CHANGE":
        alone.hear(3, change)
    else:
        changes = [alone.view_change(0, 2), alone.view_change(2, 2), change]
        alone.hear(2, alone.new_view(2, changes, (1, other.digest())))
        assert alone.replica.view == 2
    assert convicted(alone) == [("m0", PRE_PREPARE, 0, 1)]


def test_a_backup_that_prepared_two_batches_is_convicted_by_a_certificate() -> None:
    """C13: m3 says PREPARE of one batch to m1, and of another to m2."""
    alone = Alone()
    told, other = two_batches(alone)
    alone.hear(3, alone.prepare(3, 1, told.digest()))
    alone.hear(2, alone.view_change(2, 2, alone.prepared(1, other.digest())))
    assert convicted(alone) == [("m3", PREPARE, 0, 1)]


@pytest.mark.parametrize("first", ["the vote", "the certificate"])
def test_two_commits_convict_whichever_came_inside_a_certificate(first: str) -> None:
    """R-Q-5, C13: m3's COMMIT of one batch, and its COMMIT in the certificate of the other."""
    alone = Alone()
    told, other = two_batches(alone)
    words: list[tuple[int, wire.Message]] = [
        (3, alone.commit(3, 1, told.digest())),
        (2, committed(alone, other)),
    ]
    for place, word in words if first == "the vote" else reversed(words):
        alone.hear(place, word)
    assert alone.executed == 1
    assert convicted(alone) == [("m3", COMMIT, 0, 1)]


def test_what_an_own_certificate_holds_convicts_too() -> None:
    """C13: the proposal of a view that was left is known from the own prepared certificate."""
    alone = Alone()
    told, other = two_batches(alone)
    alone.hear(0, alone.pre_prepare(1, told))
    for place in (2, 3):
        alone.hear(place, alone.prepare(place, 1, told.digest()))
    changes = [alone.view_change(place, 2) for place in (0, 2, 3)]
    alone.hear(2, alone.new_view(2, changes))
    assert (alone.replica.view, convicted(alone)) == (2, [])
    alone.hear(3, alone.view_change(3, 4, alone.prepared(1, other.digest())))
    assert ("m0", PRE_PREPARE, 0, 1) in convicted(alone)


def test_words_of_different_views_or_that_agree_convict_nobody() -> None:
    """R-Q-5, C13: in another view another batch may honestly be prepared at one sequence."""
    alone = Alone()
    told, other = two_batches(alone)
    alone.hear(0, alone.pre_prepare(1, told))
    alone.hear(3, alone.prepare(3, 1, told.digest()), alone.commit(3, 1, told.digest()))
    alone.hear(3, alone.view_change(3, 6, alone.prepared(1, told.digest())))
    alone.hear(2, alone.view_change(2, 6, alone.prepared(1, other.digest(), 4)))
    alone.hear(2, committed(alone, other, 4))
    assert convicted(alone) == []


def test_a_certificate_that_does_not_hold_convicts_nobody() -> None:
    """I18: or anybody could put a second word into an honest member's mouth."""
    alone = Alone()
    told, other = two_batches(alone)
    alone.hear(0, alone.pre_prepare(1, told))
    alone.hear(3, alone.commit(3, 1, told.digest()))
    good, digest = alone.prepared(1, other.digest()), other.digest()
    false = wire.PreparedCertificate(0, 1, digest, bytes(64), good.prepares)
    alone.hear(3, alone.view_change(3, 2, false))
    seals = (*committed(alone, other).commits[:2], wire.Seal(3, bytes(64)))
    alone.hear(2, wire.Committed(0, 0, 1, other, seals))
    assert convicted(alone) == []


def test_a_member_is_never_convicted_by_itself() -> None:
    """R-Q-5, R-DW-4: own words that it does not remember say that its store is an old copy."""
    alone = Alone()
    alone.stage["m1"].put_back = True
    told, other = two_batches(alone)
    alone.hear(0, alone.pre_prepare(1, told))
    assert alone.said(wire.Prepare)
    signature = alone.sign(0, PRE_PREPARE, 0, 1, other.digest())
    seals = [wire.Seal(one, alone.sign(one, PREPARE, 0, 1, other.digest())) for one in (1, 3)]
    mine = wire.PreparedCertificate(0, 1, other.digest(), signature, tuple(seals))
    alone.hear(3, alone.view_change(3, 2, mine))
    assert convicted(alone) == [("m0", PRE_PREPARE, 0, 1)]
    assert ("m1", f"reports {Suspicion('m1', 'old-copy')}") in alone.stage.story


def test_four_members_convict_a_primary_that_tells_one_of_them_another_batch() -> None:
    """C13: the ordinary case. Nobody relays a PRE-PREPARE: the next view puts both side by side."""
    stage = Stage()
    stage.lose(lambda _, to, one: to == "m1" and isinstance(one, wire.PrePrepare))
    stage.lose(lambda _, __, one: isinstance(one, wire.Commit | wire.Committed))
    stage.submit("m2", 1)
    told = wire.Batch(EPOCH_MS, stage.transaction(9).digest)
    signature = stage.vote("m0", 0, PRE_PREPARE, 0, 1, told.digest())
    stage.inject("m0", "m1", wire.PrePrepare(0, 0, 1, told, signature))
    stage.until(lambda: stage["m1"].replica.view == 1)
    stage.heal()
    stage.until(lambda: min(stage.heights()) >= 1)
    assert stage.executed_numbers("m1")[:1] == [1], "what the others prepared, not what it was told"
    assert {
        (one.member, one.first.kind) for one in stage.evidence if isinstance(one, Evidence)
    } == {("m0", PRE_PREPARE)}
