"""While blocks are fetched, and from places that no set has."""

from __future__ import annotations

import msgspec
import pytest

from consensus import Deliver, Installed, Report
from consensus import messages as wire
from consensus.new_view import check_stable, check_view_change
from consensus.records import RECORD, Base
from consensus.recovery import fold
from ledger.errors import InvariantViolated, Malformed
from tests.paper.alone import Alone
from tests.simulator.stage import EPOCH_MS, SETTINGS, Stage


def test_a_primary_that_has_fetched_blocks_proposes_above_them() -> None:
    """R-CP-5: also when nobody could show a certificate for the last of them."""
    stage = Stage()
    replica = stage["m0"].replica
    replica._ordering.held = True  # as after NeedState
    replica.step(Installed(3, EPOCH_MS, None))
    assert replica._ordering.next_sequence == 4


def test_a_primary_proposes_nothing_while_it_fetches_blocks() -> None:
    """R-CP-5: it does not know yet which places are taken."""
    stage = Stage()
    stage["m0"].replica._ordering.held = True  # as after NeedState
    stage.submit("m0", 1)
    assert not any(isinstance(one, wire.PrePrepare) for _, _, one in stage.sent)
    stage["m0"].replica.step(Installed(0, EPOCH_MS - 1_000, None))
    assert stage["m0"].replica._ordering.next_sequence == 2


def test_blocks_that_were_fetched_bring_the_checkpoint_that_proves_them() -> None:
    """R-CP-5, R-CP-2: the marks move at once, not when somebody happens to say it again."""
    alone = Alone()
    certificate = alone.stable(3).certificate(alone.stage.origin, alone.stage.epoch.members)
    alone.replica._ordering.held = True  # as after NeedState
    alone.replica.step(Installed(3, EPOCH_MS, certificate))
    assert (alone.replica.stable, alone.replica._ordering.log.low) == (3, 3)


def test_nothing_is_fetched_while_a_block_is_executed() -> None:
    """R-CP-8: the one that was given comes first, and what is fetched begins above it."""
    alone = Alone()
    held: list[object] = []
    member = alone.stage["m1"]
    member._execute = held.append  # type: ignore[method-assign,assignment]
    alone.order(1, alone.batch(1))
    assert len(held) == 1
    alone.hear(0, wire.StableProof(0, alone.stable(2 * SETTINGS.window)))
    alone.stage.ticks(2 * SETTINGS.lag_ticks)
    assert not any("needs state" in text for _, text in alone.stage.story)


@pytest.mark.parametrize("place", [4, 15])
def test_a_place_that_no_member_has_is_a_fault_of_who_names_it(place: int) -> None:
    """R-RS-3, R-Q-2: sets are smaller than the places that a message has room for."""
    alone = Alone()
    batch, stable = alone.batch(1), alone.stable(1)
    lines = (*stable.lines[:2], msgspec.structs.replace(stable.lines[2], member=place))
    seals = [wire.Seal(one, alone.commit(one, 1, batch.digest()).signature) for one in (0, 2)]
    seals.append(wire.Seal(place, bytes(64)))
    change = alone.view_change(3, 2)
    for sender, message in (
        (0, wire.StableProof(0, msgspec.structs.replace(stable, lines=lines))),
        (2, wire.Committed(0, 0, 1, batch, tuple(seals))),
        (3, msgspec.structs.replace(change, member=place)),
    ):
        found = alone.replica.step(Deliver(f"m{sender}", wire.encode(message)))
        assert [one.finding.member for one in found if isinstance(one, Report)] == [f"m{sender}"]
    assert (alone.replica.stable, alone.executed, alone.replica.view) == (0, 0, 0)


def test_a_primary_restarted_behind_a_checkpoint_proposes_above_it() -> None:
    """R-CP-1, R-DW-1: it knows of the checkpoint by its proof alone; below it, it may not sign."""
    stage = Stage()
    stage.submit("m1", 1)
    primary = stage["m0"]
    primary.certifier.step = lambda event: []  # type: ignore[method-assign]
    stage.lose(lambda _, to, one: to == "m0" and isinstance(one, wire.Commit | wire.Committed))
    for number in range(2, 6):
        stage.submit("m1", number)
        stage.ticks(1)
    stage.until(lambda: primary.replica.stable >= 4 and primary.replica.executed < 4)
    stage.crash("m0")
    stage.restart("m0")
    assert primary.replica.executed < 4
    assert primary.replica._ordering.next_sequence > primary.replica.stable


def test_records_out_of_order_stop_the_start() -> None:
    """R-DW-3: then the store is not the one that was written."""
    seat, base = Stage().seat, RECORD.encode(Base(0, 3, True, wire.GENESIS_STABLE, None, None))
    assert fold([(1, base), (3, base)], seat).last_number == 3
    for numbers in ((2, 1), (2, 2)):
        with pytest.raises(InvariantViolated, match="out of order"):
            fold([(number, base) for number in numbers], seat)


def test_records_of_another_epoch_stop_the_start() -> None:
    """R-DW-3, R-MB-2: they are of other sequences, and of other keys."""
    seat, genesis = Stage().seat, wire.GENESIS_STABLE
    fold([(1, RECORD.encode(Base(0, 3, True, genesis, None, None)))], seat)
    with pytest.raises(InvariantViolated, match="of epoch 1, not 0"):
        fold([(1, RECORD.encode(Base(1, 3, True, genesis, None, None)))], seat)


def test_where_an_epoch_begins_needs_no_proof_and_has_one_spelling() -> None:
    """R-VC-1, R-VC-4: else one VIEW-CHANGE could be said with any bytes in it."""
    seat = Stage().seat
    check_stable(wire.GENESIS_STABLE, seat)
    lines = Alone().stable(1).lines
    for other in (wire.Stable(0, bytes([1]) * 32, ()), wire.Stable(0, bytes(32), lines)):
        with pytest.raises(Malformed, match="carries no proof"):
            check_stable(other, seat)


def test_nobody_leaves_for_the_first_view() -> None:
    """R-VC-2: it needs no NEW-VIEW, so a word for it proves nothing and is not kept."""
    alone = Alone()
    with pytest.raises(Malformed, match="no later view"):
        check_view_change(alone.view_change(3, 0), alone.stage.seat)


def test_what_comes_under_the_own_name_is_not_heard() -> None:
    """R-Q-2: a member counts its own word when it says it, and suspects itself of nothing."""
    replica = Alone().replica
    assert replica.step(Deliver("m1", b"anything")) == []


def test_who_executed_a_block_still_gives_the_vote_that_others_need_for_it() -> None:
    """R-CP-5, R-Q-6: power was lost everywhere, the block is on this member's disk, its body no
    longer in the pool, and the new view proposes its height again. Found by seed 100123595.
    """
    alone = Alone()
    body = alone.stage.transaction(1)
    batch = wire.Batch(EPOCH_MS, body.digest)
    alone.replica.step(Installed(1, EPOCH_MS, None, (body.digest,)))
    changes = [alone.view_change(0, 2, alone.prepared(1, batch.digest()))]
    changes += [alone.view_change(place, 2) for place in (2, 3)]
    alone.hear(2, alone.new_view(2, changes, (1, batch.digest())))
    alone.hear(2, wire.Batches((batch,)))
    assert alone.said(wire.Prepare) == []
    alone.stage.ticks(4 * SETTINGS.fetch_ticks)
    asked = [one for one in alone.said(wire.Fetch) if isinstance(one, wire.Fetch)]
    assert body.digest in {one.transactions for one in asked}
    alone.hear(0, wire.Transactions((body.raw,)))
    assert len(alone.said(wire.Prepare)) == 1
    alone.hear(0, alone.prepare(0, 1, batch.digest(), 2))
    alone.hear(3, alone.prepare(3, 1, batch.digest(), 2))
    assert len(alone.said(wire.Commit)) == 1
    pool = alone.replica._pool
    assert (pool.entries, pool.ready) == ({}, {}), "nobody waits for it a second time"
    assert pool.ordered == {body.digest: None}
    assert alone.executed == 1
