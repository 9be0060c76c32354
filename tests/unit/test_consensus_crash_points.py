"""Power lost at every durable write of a scenario, at every member: it starts again and never
contradicts itself.

The checkers of the stage watch every signature across the restart (C5, C6; R-DW-1, R-DW-2).
"""

from __future__ import annotations

import pytest

from consensus import messages as wire
from ledger.errors import InvariantViolated
from tests.simulator.member import REPLICA
from tests.simulator.stage import Stage


def scenario(stage: Stage, victim: str) -> None:
    """Two requests, then a primary that falls silent, then another request; the victim comes back
    at once.
    """

    def revive() -> None:
        for member in stage.members:
            if not member.up:
                stage.restart(member.id)

    stage.submit("m1", 1)
    revive()
    stage.submit("m2", 2)
    revive()
    stage.lose(lambda sender, target, one: "m0" in {sender, target})
    stage.submit("m1", 3)
    for _ in range(120):
        stage.ticks(1)
        revive()
    stage.heal()
    # What a client submits to a member that loses power is the client's to submit again.
    for _ in range(60):
        stage.submit("m2", 1, 2, 3)
        revive()
        stage.ticks(10)
        done = [set(stage.executed_numbers(one.id)) for one in stage.members]
        if done == [{1, 2, 3}] * 4 and len(set(stage.heights())) == 1:
            return
    raise AssertionError(f"not finished after a crash of {victim}: {stage.heights()}")


def writes(victim: str) -> int:
    stage = Stage()
    scenario(stage, victim)
    return stage[victim].writes


@pytest.mark.parametrize("victim", ["m0", "m1", "m3"])
def test_a_crash_at_every_durable_write_is_survived_without_equivocation(victim: str) -> None:
    """R-DW-2, R-TL-1, R-VC-12."""
    count = writes(victim)
    assert count > 8
    for write in range(1, count + 1):
        stage = Stage()
        stage[victim].crash_at_write = write
        scenario(stage, victim)
        assert stage[victim].crashes == 1


def test_a_restarted_member_says_again_exactly_what_it_said() -> None:
    """R-DW-2: identical bytes."""
    stage = Stage()
    stage.lose(lambda sender, target, one: isinstance(one, wire.Commit))
    stage.submit("m0", 1)
    before = [
        one for sender, _, one in stage.sent if sender == "m1" and isinstance(one, wire.Commit)
    ]
    stage.sent.clear()
    stage.crash("m1")
    stage.restart("m1")
    stage.ticks(15)
    after = [
        one for sender, _, one in stage.sent if sender == "m1" and isinstance(one, wire.Commit)
    ]
    assert after
    assert set(after) == set(before)


def test_a_member_that_promised_a_view_comes_back_in_it() -> None:
    """R-VC-14."""
    stage = Stage()
    stage.lose(lambda sender, target, one: target == "m3" and not isinstance(one, wire.Status))
    stage["m3"].submit((stage.transaction(1),))
    stage.until(lambda: stage["m3"].replica.view == 1)
    stage.crash("m3")
    stage.restart("m3")
    assert stage["m3"].replica.view == 1
    assert not stage["m3"].replica._ordering.active


def test_damaged_records_stop_the_start() -> None:
    """R-DW-3."""
    stage = Stage()
    stage.submit("m0", 1)
    stage.crash("m1")
    records = stage["m1"].disk.records[REPLICA]
    number, data = records[0]
    records[0] = (number, data[:-1])
    with pytest.raises(InvariantViolated):
        stage.restart("m1")


def test_records_are_let_go_as_the_chain_is_certified() -> None:
    stage = Stage()
    for number in range(40):
        stage.submit("m0", number)
    for member in stage.members:
        assert len(member.disk.records[REPLICA]) < 20
        assert len(member.disk.records["certifier"]) <= 2
    stage.crash("m2")
    stage.restart("m2")
    stage.submit("m2", 99)
    assert stage.heights() == [41, 41, 41, 41]
