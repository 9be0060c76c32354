"""Leaving and entering views: what one bad word must not spoil, and what must come to an end."""

from __future__ import annotations

import pytest

from consensus import Installed, Mode
from consensus import messages as wire
from consensus.records import RECORD, Entered, Promised
from tests.paper.alone import Alone
from tests.simulator.member import REPLICA
from tests.simulator.stage import SETTINGS, Stage
from tests.unit.test_consensus_attacks import view_change


@pytest.mark.parametrize("order", ["the bad one first", "the bad one last"])
def test_a_malformed_view_change_neither_hides_nor_spoils_a_good_one(order: str) -> None:
    """R-VC-6: m3 says both, or somebody passes a spoilt copy on; m1 leads view 1."""
    alone = Alone()
    first = order == "the bad one first"
    spoilt = alone.view_change(3, 4 if first else 1, stable=alone.stable(9, (0,)))
    good = alone.view_change(3, 1)
    alone.hear(2, alone.view_change(2, 1))
    alone.hear(3, *((spoilt, good) if first else (good, spoilt)))
    (new_view,) = alone.said(wire.NewView)
    assert isinstance(new_view, wire.NewView)
    assert new_view.view_changes[2] == good


def test_views_of_many_members_are_joined_one_by_one_and_to_an_end() -> None:
    """R-TL-10, R-TL-3: f+1 others for later views, then for later ones still; never in a circle."""
    stage = Stage(7)
    joining = stage["m0"]
    for place, view in ((1, 5), (2, 6), (3, 7), (4, 8), (5, 9), (6, 10)):
        change = view_change(stage, f"m{place}", view)
        stage.checkers.on_view_change_heard(joining.who, place, view)
        stage.inject(f"m{place}", "m0", change)
    promised = [
        record.view_change.view
        for record in (RECORD.decode(data) for _, data in joining.disk.records[REPLICA])
        if isinstance(record, Promised)
    ]
    assert promised == [5, 6, 7, 8], "beyond that fewer than f+1 wait"


def test_a_new_primary_has_the_whole_time_whatever_was_waited_for_before() -> None:
    """R-TL-5: a request older than the view must not end it at once."""
    stage = Stage()
    stage.crash("m0")
    stage.lose(lambda who, _, one: who == "m1" and isinstance(one, wire.PrePrepare))
    stage.submit("m2", 1)
    stage.until(lambda: stage["m2"].replica.view == 1 and stage["m2"].replica.mode is Mode.ACTIVE)
    entered = stage.now
    stage.until(lambda: stage["m2"].replica.view == 2)
    assert (stage.now - entered) // 10 > 2 * SETTINGS.timeout_ticks


def test_a_promise_outlives_the_records_that_are_let_go() -> None:
    """R-VC-14: checkpoints go on while it waits for a NEW-VIEW, and records are summed up."""
    alone = Alone()
    for place in (0, 3):
        alone.hear(place, alone.view_change(place, 2))
    assert alone.replica.mode is Mode.CHANGING
    alone.hear(0, wire.StableProof(0, alone.stable(SETTINGS.window // 4)))
    alone.stage.crash("m1")
    alone.stage.restart("m1")
    again = alone.stage["m1"].replica
    assert (again.view, again.mode) == (2, Mode.CHANGING)
    assert again.stable == SETTINGS.window // 4


def test_what_is_ordered_waits_for_the_one_before_to_be_executed() -> None:
    """R-CP-8: then the last height of an epoch is the same everywhere."""
    alone = Alone()
    member = alone.stage["m1"]
    held: list[object] = []
    member._execute = held.append  # type: ignore[method-assign,assignment]
    for sequence in (1, 2):
        alone.order(sequence, alone.batch(sequence))
    assert len(held) == 1
    assert alone.replica._ordering.ordered == 1


def test_blocks_that_were_fetched_in_vain_take_nothing_back() -> None:
    """R-CP-5: whoever served them was behind by then."""
    alone = Alone()
    for sequence in (1, 2, 3):
        alone.order(sequence, alone.batch(sequence))
    last = alone.stage["m1"].disk.chain[-1].time
    alone.replica.step(Installed(1, alone.stage["m1"].disk.chain[0].time, None))
    ordering = alone.replica._ordering
    assert (ordering.ordered, ordering.executed, ordering.last_time) == (3, 3, last)


def test_a_view_change_is_said_again_now_and_then_and_not_at_every_tick() -> None:
    """R-VC-12, R-RS-2: it may hold 256 certificates, and each of them is checked again."""
    alone = Alone()
    for place in (0, 3):
        alone.hear(place, alone.view_change(place, 2))
    alone.stage.sent.clear()
    alone.stage.ticks(SETTINGS.timeout_ticks - 5)
    said = [to for _, to, one in alone.stage.sent if isinstance(one, wire.ViewChange)]
    assert 2 <= said.count("m3") <= SETTINGS.timeout_ticks // SETTINGS.resend_ticks


def test_an_older_view_change_does_not_take_the_place_of_a_newer_one() -> None:
    """R-RS-1: one for each member, the newest; replaying the old takes nothing away."""
    alone = Alone()
    older, newer = alone.view_change(3, 3), alone.view_change(3, 5)
    alone.hear(3, newer, older)
    assert alone.replica._views._collected == {3: newer}


def test_what_was_prepared_is_said_again_although_the_next_view_never_prepared_it() -> None:
    """R-VC-10: P is kept until stable, over a view in which nothing was heard but its NEW-VIEW."""
    stage = Stage()
    stage.lose(lambda _, to, one: isinstance(one, wire.Commit) and to != "m3")
    stage.submit("m1", 1)
    assert stage.heights() == [0, 0, 0, 1]
    stage.crash("m3")
    stage.crash("m0")
    stage.restart("m0")
    stage.lose(lambda _, __, one: isinstance(one, wire.Commit | wire.Prepare))
    stage.until(lambda: stage["m2"].replica.view == 1 and stage["m2"].replica.mode is Mode.ACTIVE)
    stage.until(lambda: stage["m2"].replica.view == 2)
    said = [one for who, _, one in stage.sent if who == "m2" and isinstance(one, wire.ViewChange)]
    assert [[held.view for held in one.prepared] for one in (said[0], said[-1])] == [[0], [0]]


def test_blocks_fetched_in_a_view_change_end_the_waiting_too() -> None:
    """R-VC-13: whoever installs while it waits for a NEW-VIEW orders afterwards as before."""
    alone = Alone()
    for place in (0, 3):
        alone.hear(place, alone.view_change(place, 2))
    alone.hear(0, wire.StableProof(0, alone.stable(2 * SETTINGS.window)))
    alone.stage.ticks(1)
    assert ("m1", f"needs state up to {2 * SETTINGS.window}") in alone.stage.story
    assert alone.replica.mode is Mode.CHANGING
    batch = alone.batch(1)
    seals = [wire.Seal(p, alone.commit(p, 1, batch.digest()).signature) for p in (0, 2, 3)]
    alone.hear(0, wire.Committed(0, 0, 1, batch, tuple(seals)))
    assert alone.executed == 1


def test_a_null_request_of_a_new_view_is_known_after_a_restart() -> None:
    """R-DW-5: the record names it, and nobody can be asked for what it holds."""
    alone = Alone()
    changes = [alone.view_change(0, 2, alone.prepared(2, bytes([9]) * 32))]
    changes += [alone.view_change(place, 2) for place in (2, 3)]
    proposals = ((1, wire.NULL_DIGEST), (2, bytes([9]) * 32))
    alone.hear(2, alone.new_view(2, changes, *proposals))
    alone.stage.crash("m1")
    records = alone.stage["m1"].disk.records
    records[REPLICA] = [  # as if the power had failed before its PREPARE was written
        one for one in records[REPLICA] if isinstance(RECORD.decode(one[1]), Entered)
    ]
    assert len(records[REPLICA]) == 1
    alone.stage.restart("m1")
    for place in (0, 2, 3):
        alone.hear(place, alone.commit(place, 1, wire.NULL_DIGEST, 2))
    assert alone.stage["m1"].replica.executed == 1


def test_a_restarted_primary_goes_on_after_what_it_proposed() -> None:
    """R-DW-2: the old place is taken, whether or not anybody heard of it."""
    stage = Stage()
    stage.lose(lambda _, __, one: isinstance(one, wire.PrePrepare))
    stage.submit("m0", 1)
    stage.crash("m0")
    stage.ticks(3)  # the same request proposed now is another batch
    stage.restart("m0")
    stage.heal()
    stage.submit("m0", 2)
    stage.until(lambda: stage.heights() == [2, 2, 2, 2])
    assert sorted(stage.executed_numbers("m3")) == [1, 2]
    assert {member.replica.view for member in stage.members} == {0}


def test_a_request_that_was_ordered_is_not_ordered_again_in_a_later_view() -> None:
    """R-CL-2: a client that has heard nothing asks again, and finds another primary."""
    stage = Stage()
    stage.submit("m1", 1)
    stage.crash("m0")
    stage.submit("m2", 2)
    stage.until(lambda: stage["m2"].height == 2)
    assert stage["m2"].replica.view == 1
    for name in ("m1", "m2", "m3"):
        stage.submit(name, 1, 2)
    stage.submit("m3", 3)
    assert stage.executed_numbers("m2") == [1, 2, 3]
