"""PBFT 4.4, view changes: what a VIEW-CHANGE says, what a NEW-VIEW must hold, who believes it."""

from __future__ import annotations

import msgspec
import pytest

from consensus import messages as wire
from tests.paper.alone import Alone
from tests.simulator.stage import EPOCH_MS, SETTINGS, Stage


@pytest.fixture
def alone() -> Alone:
    return Alone()


def leave(alone: Alone, view: int = 1) -> wire.ViewChange:
    """F+1 others want the view, so m1 leaves its own; return what it says."""
    for place in (2, 3):
        alone.hear(place, alone.view_change(place, view))
    said = alone.said(wire.ViewChange)[-1]
    assert isinstance(said, wire.ViewChange)
    return said


def test_4_4_a_view_change_names_the_stable_checkpoint_its_proof_and_what_is_prepared_above(
    alone: Alone,
) -> None:
    """'n is the sequence number of the last stable checkpoint s known to i, C is a set of 2f+1
    valid checkpoint messages proving the correctness of s, and P is a set containing a set Pm for
    each request m that prepared at i with a sequence number higher than n'
    """
    # R-VC-1
    for sequence in (1, 2):
        alone.order(sequence, alone.batch(sequence))
    batch = alone.batch(3)
    digest = batch.digest()
    alone.hear(0, alone.pre_prepare(3, batch))
    alone.hear(2, alone.prepare(2, 3, digest))  # prepared, with its own PREPARE
    alone.hear(0, alone.pre_prepare(4, alone.batch(4)))  # only pre-prepared
    alone.hear(0, wire.StableProof(0, alone.stable(1)))
    said = leave(alone)
    assert (said.view, said.stable) == (1, alone.stable(1))
    assert [one.sequence for one in said.prepared] == [2, 3]


def test_4_4_pm_holds_the_pre_prepare_and_2f_prepares_of_different_backups(alone: Alone) -> None:
    """'a valid pre-prepare message (without the corresponding client message) and 2f matching,
    valid prepare messages signed by different backups'
    """
    batch = alone.batch(1)
    alone.order(1, batch)
    (held,) = leave(alone).prepared
    assert held.signature == alone.pre_prepare(1, batch).signature
    assert len({seal.member for seal in held.prepares}) == 2
    assert 0 not in {seal.member for seal in held.prepares}, "the primary is no backup"


def test_4_4_in_a_view_change_only_checkpoint_view_change_and_new_view_are_accepted(
    alone: Alone,
) -> None:
    """'it stops accepting messages (other than checkpoint, view-change, and new-view messages)'"""
    batch = alone.batch(1)
    digest = batch.digest()
    leave(alone, 2)
    alone.hear(0, alone.pre_prepare(1, batch), alone.commit(0, 1, digest))
    for place in (2, 3):
        alone.hear(place, alone.prepare(place, 1, digest), alone.commit(place, 1, digest))
    assert alone.said(wire.Prepare) == []
    assert alone.said(wire.Commit) == []
    assert alone.executed == 0
    alone.hear(0, wire.StableProof(0, alone.stable(1)))
    assert alone.replica.stable == 1


def test_4_4_what_was_accepted_before_is_not_voted_for_after_leaving(alone: Alone) -> None:
    """R-VC-9: the body comes late, after the promise; the proposal is of the view that was left."""
    body = alone.stage.transaction(1)
    alone.hear(0, alone.pre_prepare(1, wire.Batch(EPOCH_MS, body.digest)))
    leave(alone, 2)
    alone.hear(0, wire.Transactions((body.raw,)))
    assert alone.said(wire.Prepare) == []


def test_4_4_the_new_primary_starts_its_view_on_2f_valid_view_changes_of_others(
    alone: Alone,
) -> None:
    """'When the primary p of view v+1 receives 2f valid view-change messages for view v+1 from
    other replicas, it multicasts a new-view message': m1 leads view 1.
    """
    held = alone.prepared(2, alone.batch(1).digest())
    alone.hear(2, alone.view_change(2, 1, held))
    assert alone.said(wire.NewView) == []
    alone.hear(3, alone.view_change(3, 1))
    (new_view,) = alone.said(wire.NewView)
    assert isinstance(new_view, wire.NewView)
    assert [one.member for one in new_view.view_changes] == [1, 2, 3]
    assert [(one.sequence, one.digest) for one in new_view.proposals] == [
        (1, wire.NULL_DIGEST),
        (2, held.digest),
    ]
    assert alone.replica.view == 1


def test_4_4_an_invalid_view_change_is_no_help_to_the_new_primary(alone: Alone) -> None:
    """'valid': signature, proof of the checkpoint and every certificate count."""
    batch = alone.batch(1)
    alone.hear(2, alone.view_change(2, 1))
    bad = [
        msgspec.structs.replace(alone.view_change(3, 1), signature=bytes(64)),
        alone.view_change(3, 1, stable=alone.stable(4, by=(0, 2))),
        alone.view_change(3, 1, alone.prepared(1, batch.digest(), view=1)),  # of no earlier view
        alone.view_change(3, 1, stable=wire.Stable(4, bytes(32), ())),
    ]
    alone.hear(3, *bad)
    assert alone.said(wire.NewView) == []
    assert alone.replica.view == 0


def enter_2(alone: Alone, *proposals: tuple[int, bytes], held: bool = True) -> wire.NewView:
    """The NEW-VIEW of m2 for view 2, from VIEW-CHANGEs of the puppets."""
    certificate = (alone.prepared(2, bytes([9]) * 32),) if held else ()
    changes = [alone.view_change(0, 2, *certificate)]
    changes += [alone.view_change(place, 2) for place in (2, 3)]
    return alone.new_view(2, changes, *proposals)


def test_4_4_a_backup_accepts_a_right_new_view_and_prepares_what_it_proposes(alone: Alone) -> None:
    """'it multicasts a prepare for each message in O, adds these prepares to its log, and enters
    view v+1'
    """
    batch = alone.batch(1)
    changes = [alone.view_change(0, 2, alone.prepared(2, batch.digest()))]
    changes += [alone.view_change(place, 2) for place in (2, 3)]
    alone.hear(0, alone.pre_prepare(2, batch))  # it has the batch, from view 0
    new_view = alone.new_view(2, changes, (1, wire.NULL_DIGEST), (2, batch.digest()))
    alone.hear(2, new_view)
    assert alone.replica.view == 2
    prepares = [one for one in alone.said(wire.Prepare) if isinstance(one, wire.Prepare)]
    assert [(one.sequence, one.digest) for one in prepares if one.view == 2] == [
        (1, wire.NULL_DIGEST),
        (2, batch.digest()),
    ]


@pytest.mark.parametrize(
    "proposals",
    [
        (),
        ((2, bytes([9]) * 32),),
        ((1, wire.NULL_DIGEST), (2, wire.NULL_DIGEST)),
        ((1, wire.NULL_DIGEST), (2, bytes([9]) * 32), (3, wire.NULL_DIGEST)),
        ((2, bytes([9]) * 32), (1, wire.NULL_DIGEST)),
    ],
)
def test_4_4_a_backup_verifies_o_by_the_same_computation(
    alone: Alone, proposals: tuple[tuple[int, bytes], ...]
) -> None:
    """'it verifies the correctness of O by performing a computation similar to the one used by
    the primary to create O'
    """
    alone.hear(2, enter_2(alone, *proposals))
    assert alone.replica.view == 0


def test_4_4_min_s_is_the_latest_stable_checkpoint_in_v_and_max_s_the_highest_prepared(
    alone: Alone,
) -> None:
    """'min-s ... of the latest stable checkpoint in V and max-s ... the highest sequence number in
    a prepare message in V', and the primary that lacks the checkpoint adopts its proof.
    """
    late = alone.prepared(5, bytes([9]) * 32)
    early = alone.prepared(2, bytes([8]) * 32)
    alone.hear(2, alone.view_change(2, 1, early, late))
    alone.hear(3, alone.view_change(3, 1, stable=alone.stable(3)))
    (new_view,) = alone.said(wire.NewView)
    assert isinstance(new_view, wire.NewView)
    assert [(one.sequence, one.digest) for one in new_view.proposals] == [
        (4, wire.NULL_DIGEST),
        (5, late.digest),
    ]
    assert alone.replica.stable == 3


def test_4_4_a_null_request_goes_through_the_protocol_and_executes_as_nothing(alone: Alone) -> None:
    """'A null request goes through the protocol like other requests, but its execution is a
    no-op'
    """
    held = alone.prepared(2, alone.batch(7).digest())
    alone.hear(2, alone.view_change(2, 1, held))
    alone.hear(3, alone.view_change(3, 1))
    for place in (2, 3):
        alone.hear(place, alone.prepare(place, 1, wire.NULL_DIGEST, 1))
        alone.hear(place, alone.commit(place, 1, wire.NULL_DIGEST, 1))
    assert alone.executed == 1
    (block,) = alone.stage["m1"].disk.chain
    assert block.transactions == ()


def test_4_4_what_is_executed_is_agreed_again_and_not_executed_again(alone: Alone) -> None:
    """'Replicas redo the protocol for messages between min-s and max-s but they avoid re-executing
    client requests' (R-VC-11).
    """
    batch = alone.batch(1)
    digest = batch.digest()
    alone.order(1, batch)
    leave(alone, 1)  # which m1 leads
    for place in (2, 3):
        alone.hear(place, alone.prepare(place, 1, digest, 1))
        alone.hear(place, alone.commit(place, 1, digest, 1))
    again = [one for one in alone.said(wire.Commit) if isinstance(one, wire.Commit)]
    assert [(one.view, one.digest) for one in again] == [(0, digest), (1, digest)]
    assert alone.stage.executed_numbers("m1") == [1]


def test_4_4_a_member_that_lacks_a_batch_of_o_asks_the_others_for_it(alone: Alone) -> None:
    """'It may be missing some request message m ... it can obtain missing information from another
    replica'
    """
    alone.hear(2, enter_2(alone, (1, wire.NULL_DIGEST), (2, bytes([9]) * 32)))
    assert alone.replica.view == 2
    alone.stage.ticks(2 * SETTINGS.fetch_ticks)
    assert {one.batches for who, _, one in alone.stage.sent if isinstance(one, wire.Fetch)} == {
        bytes([9]) * 32
    }


def test_4_4_the_timer_stops_when_nothing_is_waited_for_and_starts_anew_for_the_next() -> None:
    """'It stops the timer when it is no longer waiting to execute the request, but restarts it if
    at that point it is waiting to execute some other request'
    """
    stage = Stage()
    stage.ticks(3 * SETTINGS.timeout_ticks)
    assert stage["m1"].replica.view == 0, "it waits for nothing"
    stage.lose(lambda who, _, one: who == "m0" and isinstance(one, wire.PrePrepare))
    stage.submit("m1", 1)
    stage.ticks(SETTINGS.timeout_ticks)
    assert stage["m1"].replica.view == 0
    stage.ticks(2)
    assert stage["m1"].replica.view == 1
