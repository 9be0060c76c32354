"""Words sent again: only what is durable, only within the marks; and floods of what is invalid."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from consensus import Deliver, Report, Send, Store, Stored, Suspicion, Tick, new_view
from consensus import messages as wire
from consensus.epoch import COMMIT, Seat
from consensus.offences import OFFENCES_MAX, OFFENCES_PERIOD
from tests.paper.alone import Alone
from tests.simulator.stage import EPOCH_MS, SETTINGS, Stage


def sent(effects: Iterable[object]) -> set[type[wire.Message]]:
    """The kinds of messages that leave."""
    return {type(wire.decode(one.data)) for one in effects if isinstance(one, Send)}


def test_a_primary_that_slept_sends_no_proposal_of_a_new_view_that_is_not_durable() -> None:
    """R-DW-1: else a power cut makes it start that view anew, and propose something else in it.

    Found by seed 47015702: the process stood still between its NEW-VIEW and the disk's answer, and
    the clock that had run on meanwhile said that all open votes were due again.
    """
    alone = Alone()
    batch = alone.batch(1)
    digest = batch.digest()
    alone.hear(0, alone.pre_prepare(1, batch))
    prepared = alone.prepared(1, digest)
    alone.hear(0, alone.view_change(0, 1, prepared))
    replica = alone.replica
    word = Deliver("m2", wire.encode(alone.view_change(2, 1)))
    effects = list(replica.step(word))
    records = [one.number for one in effects if isinstance(one, Store)]
    assert replica.view == 1
    assert len(records) >= 2, "the promise and the NEW-VIEW are on their way"
    effects += replica.step(Tick(10_000, EPOCH_MS + 100_000))
    assert not {wire.NewView, wire.PrePrepare} & sent(effects)
    assert wire.NewView in sent(replica.step(Stored(records[-1])))
    effects = replica.step(Tick(10_000 + SETTINGS.resend_ticks, EPOCH_MS + 100_100))
    words = [wire.decode(one.data) for one in effects if isinstance(one, Send)]
    again = [one for one in words if isinstance(one, wire.PrePrepare)]
    assert [(one.view, one.sequence, one.batch.digest()) for one in again] == [(1, 1, digest)]


@pytest.mark.parametrize("why", ["decided", "left"])
def test_votes_that_nobody_waits_for_are_not_said_again(why: str) -> None:
    """R-TL-8, R-VC-1: not what is decided, and nothing of a view that a promise has ended."""
    alone = Alone()
    if why == "decided":
        alone.order(1, alone.batch(1))
    else:
        alone.hear(0, alone.pre_prepare(1, alone.batch(1)))
        for place in (0, 3):
            alone.hear(place, alone.view_change(place, 2))
    votes = (wire.PrePrepare, wire.Prepare, wire.Commit)
    assert any(isinstance(one, votes) for _, _, one in alone.stage.sent)
    alone.stage.sent.clear()
    alone.stage.ticks(3 * SETTINGS.resend_ticks)
    assert not any(isinstance(one, votes) for _, _, one in alone.stage.sent)


def test_a_vote_above_the_marks_that_a_restart_found_waits_for_them() -> None:
    """R-CP-1: not every mark is on record. Found by seed 42002826, where all had lost power."""
    alone = Alone()
    top = SETTINGS.window + 1
    alone.order(1, alone.batch(1))
    proof = wire.StableProof(0, alone.stable(1))
    alone.hear(0, proof)
    batch = alone.batch(2)
    alone.hear(0, alone.pre_prepare(top, batch))
    votes = [one for one in alone.said(wire.Prepare) if isinstance(one, wire.Prepare)]
    assert [one.sequence for one in votes] == [1, top]
    alone.stage.crash("m1")
    alone.stage.restart("m1")
    alone.replica = alone.stage["m1"].replica
    assert alone.replica.stable == 0, "the proof was not on record"

    def said_again() -> set[int]:
        sent, alone.stage.sent = alone.stage.sent, []
        return {one.sequence for _, _, one in sent if isinstance(one, wire.Prepare)}

    said_again()
    alone.stage.ticks(2 * SETTINGS.resend_ticks)
    assert top not in said_again()
    alone.hear(0, proof)
    alone.stage.ticks(2 * SETTINGS.resend_ticks)
    assert top in said_again()


def committed_with_one_bad_line(alone: Alone, number: int) -> wire.Committed:
    """Two genuine COMMITs and a false one: all of them are looked at."""
    batch = wire.Batch(EPOCH_MS + number, b"")
    digest = batch.digest()
    seals = [wire.Seal(place, alone.sign(place, COMMIT, 0, 2, digest)) for place in (0, 2)]
    return wire.Committed(0, 0, 2, batch, (*seals, wire.Seal(3, bytes(64))))


def test_who_sends_one_bad_certificate_after_another_is_not_listened_to_for_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """R-RS-4: each of them costs q signature checks, so their number has an end; the votes of who
    sends them count again when the second is over.
    """
    alone = Alone()
    alone.stage.ticks(1)
    checked: list[int] = []
    check = new_view.check_committed

    def counted(certificate: wire.Committed, seat: Seat) -> bytes:
        checked.append(1)
        return check(certificate, seat)

    monkeypatch.setattr("consensus.ordering.check_committed", counted)
    found: list[object] = []
    for number in range(10 * OFFENCES_MAX):
        word = wire.encode(committed_with_one_bad_line(alone, number))
        found += alone.replica.step(Deliver("m3", word))
    assert len(checked) == OFFENCES_MAX
    assert Report(Suspicion("m3", "malformed-committed")) in found
    batch = alone.batch(1)
    alone.hear(0, alone.pre_prepare(1, batch))
    for place in (2, 3):
        alone.hear(place, alone.prepare(place, 1, batch.digest()))
        alone.hear(place, alone.commit(place, 1, batch.digest()))
    assert alone.executed == 0, "m3 was not heard, and two of four are no quorum"
    alone.stage.ticks(OFFENCES_PERIOD)
    alone.hear(3, alone.prepare(3, 1, batch.digest()), alone.commit(3, 1, batch.digest()))
    assert alone.executed == 1


def test_a_primary_whose_clock_is_off_is_heard_all_the_same() -> None:
    """R-DT-3, R-RS-4: its proposals are taken by nobody, its votes are read: it is no liar."""
    stage = Stage()
    batch = wire.Batch(EPOCH_MS + 10 * SETTINGS.drift_ms, bytes(32))
    for sequence in range(1, SETTINGS.window + 1):
        for _ in range(OFFENCES_MAX):
            signature = stage.vote("m0", 0, "pre-prepare", 0, sequence, batch.digest())
            stage.inject("m0", "m1", wire.PrePrepare(0, 0, sequence, batch, signature))
    assert not stage["m1"].replica._offences.silenced("m0", 0)


def test_a_disk_that_hangs_holds_each_word_once() -> None:
    """R-RS-1: a minute of resending into what waits for the disk leaves no more words than one."""
    alone = Alone()
    batch = alone.batch(1)
    replica = alone.replica
    effects = list(replica.step(Deliver("m0", wire.encode(alone.pre_prepare(1, batch)))))
    for view in (1, 2):
        for place in (0, 2):
            word = wire.encode(alone.view_change(place, view))
            effects += replica.step(Deliver(f"m{place}", word))
    for tick in range(100, 6_100, 10):
        effects += replica.step(Tick(tick, EPOCH_MS + 10 * tick))
    records = [one.number for one in effects if isinstance(one, Store)]
    said = [one.data for one in replica.step(Stored(records[-1])) if isinstance(one, Send)]
    assert len(said) == len(set(said))
