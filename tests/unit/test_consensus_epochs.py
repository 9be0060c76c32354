"""Epochs: a set ends with the block that decided the next one, certified by itself; the next one
opens with an empty block, signs with new keys, and helps whoever was left behind (R-MB-1 to
R-MB-6).
"""

from __future__ import annotations

import pytest

from consensus import (
    Epoch,
    EpochEnded,
    Mode,
    Refused,
    Submit,
)
from consensus import messages as wire
from consensus.handover import Ending
from ledger.checkpoint import verify_certificate
from ledger.errors import Malformed
from tests.simulator.member import CERTIFIER
from tests.simulator.stage import Stage

OLD, NEW = ("m0", "m1", "m2", "m3"), ("m0", "m1", "m2", "m4")
CHANGE = 900  # the number of the transaction that decides


def stage_with(*names: str) -> Stage:
    """Four members, a fifth that follows, and a transaction that decides the next set."""
    stage = Stage()
    stage.join("m4")
    stage.changes[CHANGE] = stage.set_of(1, *names)
    return stage


# -- the boundary ----------------------------------------------------------------------------------


def test_nothing_is_ordered_above_the_last_height_of_an_epoch_whatever_was_in_flight() -> None:
    """R-MB-1, R-MB-3: the boundary is the same for all, also for a member that fetched it."""
    stage = Stage()
    stage.boundary = 3
    stage.crash("m2")
    stage["m0"].submit(tuple(stage.transaction(number) for number in range(8)))
    stage.settle()
    stage.restart("m2")
    stage.until(lambda: stage.heights() == [9, 9, 9, 9])
    assert [text for _, text in stage.story].count("epoch ends at 3") == 4
    for member in stage.members:
        chain = member.disk.chain
        assert [block.epoch for block in chain] == [0, 0, 0, 1, 1, 1, 1, 1, 1]
        assert chain[3].transactions == ()  # the opening block
    # What waited was carried over, nothing twice.
    assert sorted(stage.executed_numbers("m1")) == list(range(8))


def test_each_height_is_certified_by_its_own_set_and_the_keys_are_new() -> None:
    """R-MB-2: the boundary by the old set, the opening block by the new one."""
    stage = stage_with(*NEW)
    stage.submit("m1", 1, CHANGE)
    stage.until(lambda: stage.in_epoch(1, *NEW) and stage["m4"].certifier.certified == 3)
    handover = stage["m4"].disk.handovers[0]
    opening = stage["m4"].disk.certificate
    assert opening is not None
    assert (handover.certificate.checkpoint.size, opening.checkpoint.size) == (2, 3)
    old, new = stage.epoch.members, stage.changes[CHANGE]
    verify_certificate(handover.certificate, old, stage.origin, stage.keyring.verify)
    verify_certificate(opening, new, stage.origin, stage.keyring.verify)
    for certificate, members in ((handover.certificate, new), (opening, old)):
        with pytest.raises(Malformed):
            verify_certificate(certificate, members, stage.origin, stage.keyring.verify)


def test_the_boundary_waits_for_its_certificate_before_the_next_set_orders() -> None:
    """R-MB-3, R-TL-4: without q cosignatures of the old set nothing begins; nobody is blamed."""
    stage = Stage()
    stage.boundary = 1
    for member in stage.members:
        member.certifier.step = lambda event: []  # type: ignore[method-assign]
    stage.submit("m0", 1)
    stage.ticks(300)
    assert stage.heights() == [1, 1, 1, 1]
    assert {member.replica.mode for member in stage.members} == {Mode.ACTIVE}
    assert {member.replica.view for member in stage.members} == {0}  # nobody is to blame


def test_two_changes_one_after_the_other() -> None:
    stage = stage_with(*NEW)
    stage.changes[CHANGE + 1] = stage.set_of(2, "m1", "m2", "m4", "m3")
    stage.submit("m1", CHANGE)
    stage.until(lambda: stage.in_epoch(1, *NEW))
    stage.submit("m4", CHANGE + 1)
    stage.until(lambda: stage.in_epoch(2, "m1", "m2", "m3", "m4"))
    stage.submit("m3", 5)
    stage.until(lambda: stage.heights() == [5, 5, 5, 5, 5])
    assert [one.epoch for one in stage["m0"].disk.chain] == [0, 1, 1, 2, 2]
    assert not stage["m0"].seated


# -- the opening block -----------------------------------------------------------------------------


def test_the_next_epoch_opens_at_once_with_an_empty_block_though_nobody_submits() -> None:
    stage = Stage()
    stage.boundary = 1
    stage.submit("m0", 1)
    stage.ticks(2)
    assert stage.heights() == [2, 2, 2, 2]
    assert stage["m3"].disk.chain[1].transactions == ()
    assert {member.replica.stable for member in stage.members} == {2}


def test_a_first_primary_that_does_not_open_its_epoch_is_replaced() -> None:
    """Without a request that waits: the opening itself is waited for (R-TL-5)."""
    stage = Stage()
    stage.boundary = 1
    stage.lose(
        lambda sender, to, one: (
            isinstance(one, wire.PrePrepare) and one.epoch == 1 and sender == "m0"
        )
    )
    stage.submit("m1", 1)
    stage.until(lambda: stage.heights() == [2, 2, 2, 2])
    assert stage["m1"].replica.view == 1
    assert stage["m1"].disk.chain[1].transactions == ()


def test_a_primary_that_opens_with_transactions_is_given_up_at_once() -> None:
    """R-MB-3."""
    stage = Stage()
    stage.boundary = 1
    stage.lose(
        lambda sender, to, one: (
            isinstance(one, wire.PrePrepare) and one.epoch == 1 and sender == "m0"
        )
    )
    stage.submit("m1", 1)
    stage.submit("m1", 2)
    batch = wire.Batch(stage.wall_ms(stage["m0"]), stage.transaction(2).digest)
    lie = stage.vote("m0", 1, "pre-prepare", 0, 2, batch.digest())
    for name in ("m1", "m2", "m3"):
        stage.inject("m0", name, wire.PrePrepare(1, 0, 2, batch, lie))
    assert {stage[name].replica.view for name in ("m1", "m2", "m3")} == {1}
    stage.until(lambda: stage.heights()[1:] == [3, 3, 3])
    assert [len(block.transactions) for block in stage["m2"].disk.chain] == [1, 0, 1]


def test_who_is_still_in_the_epoch_before_does_not_make_others_blame_the_primary() -> None:
    """R-TL-4: alone in the new epoch a member leaves no view, whatever it hears from the old."""
    stage = Stage()
    stage.boundary = 1
    stage.lose(lambda sender, to, one: to != "m3" and isinstance(one, wire.StableProof))
    stage.lose(lambda sender, to, one: to in {"m0", "m1", "m2"} and isinstance(one, wire.Fetch))
    for name in ("m0", "m1", "m2"):
        stage[name].certifier.step = lambda event: []  # type: ignore[method-assign]
    stage.submit("m1", 1)
    assert stage.heights() == [1, 1, 1, 1]
    stage.ticks(200)
    assert stage["m3"].replica.view == 0


# -- who is left behind, who leaves, who joins -----------------------------------------------------


def test_a_straggler_is_told_by_the_next_epoch_that_its_own_has_ended() -> None:
    """R-MB-2."""
    stage = Stage()
    stage.boundary = 2
    stage.submit("m0", 1)
    stage.cut("m3")
    stage.submit("m0", 2)
    stage.ticks(5)
    stage.submit("m0", 3)
    assert stage.in_epoch(1, "m0", "m1", "m2")
    assert stage.heights() == [4, 4, 4, 1]
    stage.heal()
    stage.until(lambda: stage.in_epoch(1, *OLD) and stage.heights() == [4, 4, 4, 4])
    proofs = [one for _, to, one in stage.sent if to == "m3" and isinstance(one, wire.StableProof)]
    assert any(one.epoch == 0 and one.stable.height == 2 for one in proofs)


def test_a_straggler_two_epochs_behind_ends_one_after_the_other() -> None:
    stage = stage_with(*NEW)
    stage.changes[CHANGE + 1] = stage.set_of(2, *NEW, "m3")
    stage.cut("m3")
    stage.submit("m1", CHANGE)
    stage.until(lambda: stage.in_epoch(1, *NEW))
    stage.submit("m1", CHANGE + 1)
    stage.until(lambda: stage.in_epoch(2, *NEW))
    stage.heal()
    stage.until(lambda: stage.in_epoch(2, *OLD) and len(set(stage.heights())) == 1)
    assert [one.epoch.number for one in stage["m3"].disk.handovers] == [0, 1]


def test_who_left_refuses_clients_signs_nothing_and_still_tells_others_that_it_is_over() -> None:
    """R-MB-6."""
    stage = stage_with("m0", "m1", "m2", "m4")
    stage.cut("m2")
    stage.submit("m1", CHANGE)
    stage.until(lambda: stage.in_epoch(1, "m0", "m1", "m4"))
    stage.until(lambda: stage["m3"].height == 2)
    assert not stage["m3"].seated
    assert stage["m3"].replica.mode is Mode.ENDED
    refusals = stage["m3"].replica.step(Submit((stage.transaction(5),)))
    assert refusals == [Refused((stage.transaction(5).digest,), "epoch-ended")]
    stage.heal()
    # Only who left answers: that it does suffices.
    stage.lose(lambda sender, to, one: to == "m2" and sender != "m3")
    stage.until(lambda: stage.in_epoch(1, "m2"))


def test_who_left_may_be_left_behind_too_and_learns_it_from_strangers() -> None:
    """R-MB-6: in no set of today it is answered all the same, a Status and nothing else."""
    stage = stage_with(*NEW)
    stage.cut("m3")
    stage.submit("m1", CHANGE)
    stage.until(lambda: stage.in_epoch(1, *NEW))
    before = stage["m0"].replica.pending
    stage.inject("m3", "m0", wire.Transactions((stage.transaction(7).raw,)))
    assert stage["m0"].replica.pending == before
    stage.heal()
    stage.until(lambda: stage["m3"].replica.mode is Mode.ENDED)
    assert not stage["m3"].seated


def test_who_joins_starts_at_the_boundary_and_its_vote_is_needed() -> None:
    """R-MB-3."""
    stage = stage_with(*NEW)
    stage.submit("m1", 1, CHANGE)
    stage.until(lambda: stage.in_epoch(1, *NEW))
    stage.crash("m0")
    stage.submit("m4", 2)
    stage.until(lambda: stage.heights()[1:] == [4, 4, 4, 4])
    assert stage.executed_numbers("m4") == [1, CHANGE, 2]


def test_votes_and_words_of_who_left_count_for_nothing() -> None:
    """R-MB-6, "I still work here": neither under the old epoch's name nor the new one's."""
    stage = stage_with(*NEW)
    stage.submit("m1", CHANGE)
    stage.until(lambda: stage.in_epoch(1, *NEW))
    stage.crash("m4")
    stage.crash("m2")
    stage.submit("m1", 2)
    height = stage["m0"].height
    batch = wire.Batch(stage.wall_ms(stage["m0"]), stage.transaction(2).digest)
    for epoch in (0, 1):
        vote = stage.vote("m3", epoch, "prepare", 0, height + 1, batch.digest())
        stage.inject("m3", "m0", wire.Prepare(epoch, 0, height + 1, batch.digest(), vote))
        vote = stage.vote("m3", epoch, "commit", 0, height + 1, batch.digest())
        stage.inject("m3", "m0", wire.Commit(epoch, 0, height + 1, batch.digest(), vote))
        for name in ("m3", "m1"):  # under its own name, and relayed by a friend
            root = stage["m0"].disk.chain[-1].root
            word = stage.word("m3", 0, epoch, height, root)
            stage["m0"].deliver(CERTIFIER, name, word)
    stage.ticks(100)
    assert stage["m0"].height == height


def test_a_retired_cosigner_key_is_worth_nothing_in_the_next_epoch() -> None:
    """R-MB-6: also of one that is still a member."""
    stage = Stage()
    stage.boundary = 1
    stage.submit("m0", 1)
    stage.ticks(2)
    certifier = stage["m0"].certifier
    before = certifier.certified
    root = bytes(32)
    for name in ("m1", "m2", "m3"):
        stage["m0"].deliver(CERTIFIER, name, stage.word(name, 0, 1, 9, root))
        stage["m0"].deliver(CERTIFIER, name, stage.word(name, 0, 0, 9, root))
    assert certifier.certified == before


# -- what waits --------------------------------------------------------------------------------


def test_what_waits_is_carried_over_with_whose_share_it_fills() -> None:
    stage = Stage()
    stage.boundary = 1
    for member in stage.members:
        member.certifier.step = lambda event: []  # type: ignore[method-assign]
    stage.submit("m0", 1)
    stage.submit("m1", 2, 3)
    ended = Ending(stage.seat, stage["m0"].replica._outbox, stage["m0"].replica._pool)
    ended.decided(1, Epoch(1, stage.same(stage.epoch.members, 1), 1))
    ended.conclude(wire.Stable(1, bytes(32), ()))
    effect = stage["m0"].replica._outbox.take()[-1]
    assert isinstance(effect, EpochEnded)
    assert {source for source, _ in effect.carried.pending} == {"m1"}
    assert [one.digest for _, one in effect.carried.pending] == [
        stage.transaction(number).digest for number in (2, 3)
    ]
    assert effect.carried.ordered == (stage.transaction(1).digest,)


def test_what_was_ordered_lately_is_not_taken_in_again_in_the_next_epoch() -> None:
    stage = Stage()
    stage.boundary = 1
    stage.submit("m0", 1)
    stage.ticks(2)
    assert stage.in_epoch(1, *OLD)
    stage.inject("m2", "m1", wire.Transactions((stage.transaction(1).raw,)))
    stage.submit("m3", 1)
    assert stage.executed_numbers("m0") == [1]
    assert {member.replica.pending for member in stage.members} == {0}


def test_a_transaction_known_to_one_member_alone_reaches_the_next_epoch() -> None:
    """A new primary has nothing of the old pool: each says again what its clients brought."""
    stage = stage_with("m4", "m0", "m1", "m2")
    stage.lose(lambda sender, to, one: isinstance(one, wire.Transactions) and sender == "m1")
    stage["m1"].submit((stage.transaction(5),))
    stage.settle()
    stage.heal()
    stage.submit("m2", CHANGE)
    stage.until(lambda: stage.in_epoch(1, "m4", "m0", "m1", "m2"))
    stage.until(lambda: 5 in stage.executed_numbers("m4"))
