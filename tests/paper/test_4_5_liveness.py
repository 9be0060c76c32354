"""PBFT 4.5, correctness: the three means of 4.5.2 by which members meet in a view and stay."""

from __future__ import annotations

from itertools import pairwise

import pytest

from consensus import messages as wire
from tests.paper.alone import Alone
from tests.simulator.stage import SETTINGS, Stage

T = SETTINGS.timeout_ticks


@pytest.fixture
def alone() -> Alone:
    return Alone()


def test_4_5_1_no_two_honest_members_can_commit_different_batches_of_one_place(
    alone: Alone,
) -> None:
    """4.5.1: the quorums of two certificates share an honest member, and it signs only once."""
    first, second = alone.batch(1), alone.batch(2)
    alone.hear(0, alone.pre_prepare(1, first))
    for place in (2, 3):
        alone.hear(place, alone.prepare(place, 1, second.digest()))
        alone.hear(place, alone.commit(place, 1, second.digest()))
    alone.hear(0, alone.commit(0, 1, second.digest()))
    assert alone.said(wire.Commit) == []
    assert alone.executed == 0, "the three liars are more than f, and still not of its own view"


def silent_view_1(stage: Stage) -> None:
    """M0 is down and m1 never says NEW-VIEW."""
    stage.crash("m0")
    stage.lose(lambda who, _, one: who == "m1" and isinstance(one, wire.NewView))
    stage.submit("m2", 1)
    stage.until(lambda: stage["m2"].replica.view == stage["m3"].replica.view == 1)


def test_4_5_2_the_new_primary_is_waited_for_from_2f_plus_1_view_changes_on() -> None:
    """'a replica that multicasts a view-change message for view v+1 waits for 2f+1 view-change
    messages for view v+1 and then starts its timer to expire after some time T' (R-TL-2)
    """
    stage = Stage()
    stage.crash("m0")
    stage.lose(lambda who, _, one: who == "m3" and isinstance(one, wire.ViewChange))
    stage.submit("m2", 1)
    stage.until(lambda: stage["m2"].replica.view == 1)
    stage.ticks(10 * T)
    assert stage["m2"].replica.view == 1, "with fewer it goes no further by itself"


def test_4_5_2_the_next_wait_is_twice_as_long() -> None:
    """'it starts the view change for view v+2 but this time it will wait 2T before starting a view
    change for view v+3'
    """
    stage = Stage()
    stage.crash("m0")
    stage.lose(lambda _, __, one: isinstance(one, wire.NewView))
    stage.submit("m2", 1)
    since: dict[int, int] = {}
    for _ in range(40 * T):
        since.setdefault(stage["m2"].replica.view, stage.now // 10)
        if 4 in since:
            break
        stage.ticks(1)
    waits = [since[view + 1] - since[view] for view in (1, 2, 3)]
    for shorter, longer in pairwise(waits):
        assert abs(longer - 2 * shorter) <= 2, waits


def test_4_5_2_a_request_not_executed_before_ends_the_doubling() -> None:
    """'or before executing a request in the new view that it had not executed previously'"""
    stage = Stage()
    silent_view_1(stage)
    patience = stage["m3"].replica._patience
    assert patience.timeout > T
    stage.heal()
    stage.until(lambda: stage.heights()[1:] == [1, 1, 1])
    assert patience.timeout == T


def test_4_5_2_f_plus_1_higher_views_make_a_member_join_the_smallest(alone: Alone) -> None:
    """'if a replica receives a set of f+1 valid view-change messages from other replicas for views
    greater than its current view, it sends a view-change message for the smallest view in the set,
    even if its timer has not expired'
    """
    # R-TL-3
    alone.hear(2, alone.view_change(2, 9))
    assert alone.replica.view == 0, "f do nothing"
    alone.hear(3, alone.view_change(3, 5))
    assert alone.replica.view == 5


def test_4_5_2_invalid_view_changes_are_not_among_the_f_plus_1(alone: Alone) -> None:
    alone.hear(2, alone.view_change(2, 9))
    alone.hear(3, alone.view_change(0, 5, alone.prepared(1, bytes(32), view=6)))
    alone.hear(3, alone.view_change(2, 5), alone.view_change(2, 10))  # m2 again, passed on by m3
    assert alone.replica.view == 0


def test_4_5_2_f_faulty_members_cannot_force_view_changes() -> None:
    """'faulty replicas are unable to impede progress by forcing frequent view changes'"""
    stage = Stage()
    puppet = Alone()
    stage.crash("m3")
    for view in range(1, 30):
        for name in ("m0", "m1", "m2"):
            stage.inject("m3", name, puppet.view_change(3, view))
        stage.submit("m2", view)
        stage.ticks(T // 4)
    assert stage.heights()[:3] == [29, 29, 29]
    assert {stage[name].replica.view for name in ("m0", "m1", "m2")} == {0}
