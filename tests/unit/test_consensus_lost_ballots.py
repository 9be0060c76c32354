"""R-DW-4: who has lost what it signed says nothing until nothing it may have said can matter."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from consensus import Deliver, Evidence, Mode, Ordered, Store, Stored, Submit
from consensus import messages as wire
from consensus.epoch import PRE_PREPARE, PREPARE
from consensus.recollection import VIEWS_MAX
from ledger.errors import InvariantViolated
from tests.paper.alone import Alone
from tests.simulator.stage import SETTINGS, Stage

VOTES = (wire.PrePrepare, wire.Prepare, wire.Commit, wire.ViewChange, wire.NewView)


def votes_of(stage: Stage, name: str) -> list[wire.Message]:
    return [one for sender, _, one in stage.sent if sender == name and isinstance(one, VOTES)]


def with_wiped_m3(heights: int = 3, down: tuple[str, ...] = ()) -> Stage:
    """Four members, some blocks, and m3 starts from an empty disk and knows it; others are down."""
    stage = Stage()
    for number in range(heights):
        stage.submit("m0", number)
    for name in ("m3", *down):
        stage.crash(name)
    stage["m3"].wipe()
    stage.sent.clear()
    stage.restart("m3")
    return stage


def test_a_member_without_its_ballots_executes_but_does_not_vote() -> None:
    """R-DW-4."""
    stage = with_wiped_m3()
    for number in range(3, 3 + 2 * SETTINGS.window - 2):
        stage.submit("m1", number)
        stage.ticks(SETTINGS.status_ticks)
    stage.until(lambda: stage.heights()[3] == stage.heights()[0])
    assert stage["m3"].replica.lost
    assert votes_of(stage, "m3") == []


def test_beyond_its_old_window_it_promises_a_view_it_cannot_have_promised_and_votes_there() -> None:
    """R-DW-4, R-VC-2."""
    stage = with_wiped_m3()
    stage.ticks(3 * SETTINGS.resend_ticks)  # all three answer: height 3, view 0
    for number in range(3, 3 + 2 * SETTINGS.window + 1):
        stage.submit("m1", number)
        stage.ticks(SETTINGS.status_ticks)
    stage.until(lambda: not stage["m3"].replica.lost)
    first = votes_of(stage, "m3")[0]
    assert isinstance(first, wire.ViewChange)
    assert first.view == 2  # it may have promised view 1 before
    assert first.stable.height > 3 + 2 * SETTINGS.window
    stage.crash("m2")  # now its word is needed
    stage.submit("m1", 1_000)
    stage.until(lambda: 1_000 in stage.executed_numbers("m3"), ticks=5_000)
    assert stage["m3"].replica.mode is Mode.ACTIVE


def test_it_stays_silent_while_one_member_has_not_answered() -> None:
    """R-DW-4."""
    stage = Stage()
    stage.submit("m0", 0)
    stage.crash("m3")
    stage["m3"].wipe()
    stage.sent.clear()
    stage.lose(lambda sender, _, one: sender == "m2" and isinstance(one, wire.Recalled))
    stage.restart("m3")
    for number in range(1, 4 * SETTINGS.window):
        stage.submit("m1", number)
        stage.ticks(SETTINGS.status_ticks)
    assert stage["m3"].replica.lost
    assert votes_of(stage, "m3") == []


def test_it_asks_those_that_have_not_answered_now_and_then_and_not_at_every_tick() -> None:
    """R-DW-4, R-RS-2: a member that is down for days is asked for days."""
    stage = with_wiped_m3(down=("m0",))
    stage.ticks(20 * SETTINGS.resend_ticks)
    asked = [to for _, to, one in stage.sent if isinstance(one, wire.Recall)]
    assert 15 <= asked.count("m0") <= 21
    assert asked.count("m1") <= 2, "who has answered is left alone"


def test_it_leaves_no_view_whatever_the_primary_does() -> None:
    """R-DW-4, I23: a VIEW-CHANGE is a word, too, and it may have said another one."""
    stage = Stage()
    stage.submit("m1", 1)
    stage.crash("m3")
    stage["m3"].wipe()
    stage.restart("m3")
    stage.lose(lambda _, __, one: isinstance(one, wire.Commit))
    stage.submit("m1", 2)
    first = [one for _, _, one in stage.sent if isinstance(one, wire.PrePrepare)][-1]
    other = replace(first.batch, time=first.batch.time + 1)
    signature = stage.vote("m0", 0, PRE_PREPARE, 0, first.sequence, other.digest())
    stage.sent.clear()
    stage.inject("m0", "m3", wire.PrePrepare(0, 0, first.sequence, other, signature))
    assert [one.member for one in stage.evidence if isinstance(one, Evidence)] == ["m0"]
    assert stage["m3"].replica.lost
    assert votes_of(stage, "m3") == []


def test_the_loss_is_remembered_over_another_restart() -> None:
    """R-DW-5."""
    stage = with_wiped_m3()
    stage.ticks(SETTINGS.resend_ticks)
    stage["m3"].lost_through = -1  # nobody says so any more: the records do
    stage.crash("m3")
    stage.restart("m3")
    assert stage["m3"].replica.lost
    stage.submit("m0", 50)
    assert votes_of(stage, "m3") == []


def test_an_answer_of_another_life_or_with_a_false_proof_does_not_count() -> None:
    """R-DW-4."""
    stage = with_wiped_m3()
    recollection = stage["m3"].replica._recollection
    recollection._answers.clear()
    stage.inject("m0", "m3", wire.Recalled(0, 7, 0, wire.GENESIS_STABLE))
    assert recollection._answers == {}
    false = wire.Stable(900, bytes(32), ())
    stage.inject("m0", "m3", wire.Recalled(0, recollection._nonce, 0, false))
    assert recollection._answers == {}


@pytest.mark.parametrize("again", [False, True])
def test_an_answer_that_nobody_asked_for_is_believed_in_nothing(again: bool) -> None:
    """R-DW-4, R-CP-2: neither where nothing was lost, nor a second one of the same."""
    alone, false = Alone(), wire.Stable(900, bytes(32), ())
    if again:
        alone.stage["m1"].wipe()
        recollection = alone.replica._recollection
        recollection.lost, recollection._nonce = True, 7
        alone.hear(2, wire.Recalled(0, 7, 0, alone.stable(1)))
        assert alone.replica.stable == 1
    for nonce in (0, 7):
        alone.hear(2, wire.Recalled(0, nonce, 50, false))
    assert (alone.replica.stable, alone.replica.view) == (int(again), 0)


def test_a_view_from_nowhere_in_an_answer_keeps_it_silent_and_does_no_more() -> None:
    """R-DW-4."""
    stage = with_wiped_m3()
    recollection = stage["m3"].replica._recollection
    for name in ("m0", "m1", "m2"):
        recollection._answers[name] = (0, 0)
    recollection._answers["m2"] = (2**53 - 1, 0)
    assert recollection.found(1_000, VIEWS_MAX) is None
    recollection._answers["m2"] = (4, 0)
    assert recollection.found(2 * SETTINGS.window, 4) is None
    assert recollection.found(2 * SETTINGS.window + 1, 4) == 5


def test_after_an_ordinary_restart_the_ballots_refuse_another_word() -> None:
    """R-DW-2: the second line of defence, behind slots that would not ask."""
    stage = Stage()
    stage.lose(lambda sender, target, one: isinstance(one, wire.Commit))
    stage.submit("m0", 1)
    stage.crash("m1")
    stage.restart("m1")
    with pytest.raises(InvariantViolated):
        stage["m1"].replica._ballots.sign(PREPARE, 0, 1, bytes(32))


def test_an_old_request_replayed_after_a_restart_is_settled_not_blamed_on_the_primary() -> None:
    """R-TL-4: it has forgotten what was ordered; f+1 others have not."""
    stage = Stage()
    for number in range(1, 10):  # so many that the records of the first are gone
        stage.submit("m0", number)
    stage.crash("m3")
    stage.restart("m3")
    stage.inject("m1", "m3", wire.Transactions((stage.transaction(1).raw,)))
    assert stage["m3"].replica.pending == 1
    stage.ticks(SETTINGS.timeout_ticks)
    assert stage["m3"].replica.pending == 0
    stage.ticks(10 * SETTINGS.timeout_ticks)
    assert stage["m3"].replica.view == 0


def test_one_liars_word_that_a_request_is_settled_ends_no_wait() -> None:
    """R-TL-4."""
    stage = Stage()
    stage.lose(lambda sender, target, one: isinstance(one, wire.PrePrepare))
    stage.submit("m1", 1)
    settled = wire.Settled(0, stage.transaction(1).digest)
    for _ in range(3):
        stage.inject("m2", "m1", settled)
    assert stage["m1"].replica.pending == 1
    stage.inject("m3", "m1", settled)
    assert stage["m1"].replica.pending == 0


def test_after_a_restart_a_batch_that_lost_its_height_is_not_taken_for_ordered() -> None:
    """Found by the simulator: its requests were then refused at every member, for ever."""
    # R-CL-2, R-Q-6
    stage = Stage()
    stage.lose(lambda _, to, one: isinstance(one, wire.Prepare) and one.sequence == 1)
    stage.lose(lambda _, to, one: isinstance(one, wire.Commit))
    stage.submit("m0", 1)  # accepted by all at height 1, with its bodies, and prepared by none
    stage.submit("m0", 2)  # prepared at height 2
    stage.crash("m0")
    stage.heal()
    stage.lose(lambda _, to, one: isinstance(one, wire.Prepare) and one.view == 0)
    stage.lose(lambda _, to, one: isinstance(one, wire.PrePrepare) and one.sequence > 2)
    stage.lose(lambda _, to, one: isinstance(one, wire.Fetch))  # nothing is certified meanwhile
    stage.until(lambda: stage.heights()[1:] == [2, 2, 2])
    assert stage.executed_numbers("m1") == [2]  # height 1 went to the null request
    for name in ("m1", "m2", "m3"):
        stage.crash(name)
    stage.heal()
    for name in ("m1", "m2", "m3"):
        stage.restart(name)
        assert stage.transaction(1).digest not in stage[name].replica._pool.ordered
    stage.submit("m2", 1)  # its client tries again
    stage.until(lambda: stage.executed_numbers("m3") == [2, 1])


def test_the_own_commit_decides_nothing_before_it_is_durable() -> None:
    """R-DW-1: a block must not rest on a word that a power cut can take back."""
    told = Stage()
    told.submit("m0", 1)
    stage = Stage()
    replica = stage["m1"].replica  # driven by hand: nothing is stored unless the test says so
    replica.step(Submit((stage.transaction(1),)))
    kinds = (wire.PrePrepare, wire.Prepare, wire.Commit)
    effects = []
    for kind in kinds:
        for sender in ("m0", "m2"):
            for source, target, one in told.sent:
                if (source, target) == (sender, "m1") and isinstance(one, kind):
                    effects += replica.step(Deliver(sender, wire.encode(one)))
    for source, target, one in told.sent:
        if (source, target) == ("m3", "m1") and isinstance(one, wire.Prepare):
            effects += replica.step(Deliver("m3", wire.encode(one)))
    stores = [one for one in effects if isinstance(one, Store)]
    assert len(stores) == 2  # the proposal with the PREPARE; the certificate with the COMMIT
    assert not any(isinstance(one, Ordered) for one in effects)
    assert not any(isinstance(one, Ordered) for one in replica.step(Stored(stores[0].number)))
    assert any(isinstance(one, Ordered) for one in replica.step(Stored(stores[1].number)))
