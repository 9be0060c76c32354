"""What could go wrong as an epoch ends: power lost at any write, clocks set back, members that
decide different sets, a driver that names what does not follow (R-MB-1 to R-MB-5, R-DW-1).
"""

from __future__ import annotations

import pytest

from consensus import (
    Deliver,
    Epoch,
    EpochEnded,
    Executed,
    Installed,
    Mode,
    Rooted,
)
from consensus import messages as wire
from ledger.errors import InvariantViolated
from tests.simulator.member import CERTIFIER, REPLICA
from tests.simulator.stage import Stage

OLD, NEW = ("m0", "m1", "m2", "m3"), ("m0", "m1", "m2", "m4")
CHANGE = 900  # the number of the transaction that decides


def stage_with(*names: str) -> Stage:
    """Four members, a fifth that follows, and a transaction that decides the next set."""
    stage = Stage()
    stage.join("m4")
    stage.changes[CHANGE] = stage.set_of(1, *names)
    return stage


# -- power -------------------------------------------------------------------------------------


@pytest.mark.parametrize("victim", ["m0", "m1", "m4"])
def test_a_crash_at_every_durable_write_around_the_boundary(victim: str) -> None:
    """Also between EpochEnded and the handover, and between that and the first record of e+1."""

    def story(write: int) -> Stage:
        stage = stage_with(*NEW)
        stage[victim].crash_at_write = write
        for number in (1, CHANGE, 2, 3):
            stage.submit("m2", number)
            stage.ticks(3)
            if not stage[victim].up:
                stage.restart(victim)
        for _ in range(200):
            if not stage[victim].up:
                stage.restart(victim)
            if stage.in_epoch(1, *NEW) and set(stage.heights()) == {5}:
                break
            stage.ticks(2)
        assert stage.in_epoch(1, *NEW)
        assert set(stage.heights()) == {5}
        return stage

    count = story(0)[victim].writes
    assert count > 8 or victim == "m4"
    for write in range(1, count + 1):
        story(write)


def test_everybody_loses_power_just_after_the_handover() -> None:
    stage = stage_with(*NEW)
    stage.lose(lambda sender, to, one: isinstance(one, wire.PrePrepare) and one.epoch == 1)
    stage.submit("m1", 1, CHANGE)
    stage.until(lambda: stage.in_epoch(1, *NEW))
    for member in stage.members:
        stage.crash(member.id)
    stage.heal()
    for member in stage.members:
        stage.restart(member.id)
    assert stage.in_epoch(1, *NEW)
    stage.until(lambda: set(stage.heights()) == {3})


# -- cosigning over epochs ---------------------------------------------------------------------


def test_a_member_whose_clock_jumps_back_over_a_boundary_says_no_earlier_time() -> None:
    """The certifier's log spans all epochs, so that its time never falls (DESIGN 4, Times)."""
    stage = Stage()
    stage.boundary = 1
    stage.lose(lambda sender, to, one: isinstance(one, wire.PrePrepare) and one.epoch == 1)
    stage.now = 50_000
    stage.submit("m0", 1)
    stage.until(lambda: stage.in_epoch(1, *OLD))
    for member in stage.members:
        stage.crash(member.id)
    stage.now = 20_000
    stage.heal()
    for member in stage.members:
        stage.restart(member.id)
    stage.until(lambda: {member.replica.stable for member in stage.members} == {2})
    certificate = stage["m0"].disk.certificate
    assert certificate is not None
    handover = stage["m0"].disk.handovers[0].certificate
    assert min(certificate.timestamps()) >= max(handover.timestamps())


def test_a_certifier_signs_no_size_of_another_epoch() -> None:
    """R-MB-2, R-MB-3."""
    stage = Stage()
    stage.boundary = 1
    stage.submit("m0", 1)
    stage.ticks(2)
    member = stage["m1"]
    block = member.disk.chain[0]
    assert member.certifier.step(Rooted(1, block.root, block.time, last=True)) == []
    member.certifier.step(Rooted(5, bytes(32), block.time, last=True))
    with pytest.raises(InvariantViolated, match="above the epoch's last"):
        member.certifier.step(Rooted(6, bytes(32), block.time))


def test_records_of_a_later_epoch_stop_an_earlier_certifier() -> None:
    stage = Stage()
    stage.boundary = 1
    stage.submit("m0", 1)
    stage.ticks(2)
    member = stage["m1"]
    member.disk.handovers = []
    member.disk.records[REPLICA] = []
    member.destroyed = -1  # the keys too are of an older copy: it takes its seat of epoch 0
    stage.crash("m1")
    with pytest.raises(InvariantViolated, match="is not of epoch 1"):
        stage.restart("m1")


def test_freshness_goes_on_in_the_next_epoch_without_a_block() -> None:
    stage = Stage()
    stage.boundary = 1
    stage.submit("m0", 1)
    stage.ticks(2)
    first = stage["m0"].disk.certificate
    stage.ticks(500)
    again = stage["m0"].disk.certificate
    assert first is not None
    assert again is not None
    assert again.checkpoint == first.checkpoint
    assert min(again.timestamps()) > min(first.timestamps())
    assert stage.heights() == [2, 2, 2, 2]


def test_members_that_decide_different_next_sets_do_not_certify_the_boundary() -> None:
    """The header names the next set: who decided another one halts, its root is not q's."""
    stage = stage_with(*NEW)
    decide, odd = stage.decide, stage.set_of(1, "m1", "m2", "m3", "m4")

    def two_minds(current: Epoch, height: int, transactions: object) -> Epoch | None:
        decided = decide(current, height, transactions)  # type: ignore[arg-type]
        return Epoch(1, odd, height) if decided is not None else None

    stage["m3"].strategy = "broken"  # its driver halts; the checkers do not count it as honest
    execute = stage["m3"]._execute

    def diverge(effect: object) -> None:
        stage.decide = two_minds  # type: ignore[method-assign]
        try:
            execute(effect)  # type: ignore[arg-type]
        finally:
            stage.decide = decide  # type: ignore[method-assign]

    stage["m3"]._execute = diverge  # type: ignore[method-assign]
    stage.submit("m1", CHANGE)
    stage.until(lambda: stage.in_epoch(1, "m0", "m1", "m2", "m4"))
    stage.ticks(50)
    assert stage["m3"].replica.mode is Mode.HALTED or stage["m3"].certifier._halted
    assert not stage["m3"].disk.handovers


# -- the engine's own guards -------------------------------------------------------------------


def test_an_epoch_that_does_not_follow_is_refused() -> None:
    """R-MB-3."""
    stage = Stage()
    stage.boundary = 99
    members = stage.same(stage.epoch.members, 1)
    stage["m0"]._execute = lambda effect: None  # type: ignore[method-assign]
    stage.submit("m0", 1)
    for wrong in (Epoch(2, members, 1), Epoch(1, members, 2), Epoch(0, members, 1)):
        with pytest.raises(InvariantViolated, match="does not follow"):
            stage["m0"].replica.step(Executed(1, bytes(32), wrong))


def test_an_epoch_certified_above_its_last_height_halts_its_members() -> None:
    """R-MB-3: only a quorum of liars can do that (R-DT-4): better nothing than two chains."""
    stage = Stage()
    stage.boundary = 1
    for member in stage.members:
        member.certifier.step = lambda event: []  # type: ignore[method-assign]
    stage.submit("m0", 1)
    lines = [
        wire.Line(place, 1_800_000_001, stage.line(f"m{place}", 0, 5, bytes(32), 1_800_000_001))
        for place in range(3)
    ]
    proof = wire.StableProof(0, wire.Stable(5, bytes(32), tuple(lines)))
    effects = stage["m3"].replica.step(Deliver("m0", wire.encode(proof)))
    assert "above its last height" in str(effects[-1])


def test_epoch_ended_is_the_last_effect_of_its_step_and_said_again_after_a_restart() -> None:
    stage = Stage()
    stage.boundary = 1
    seen: list[list[object]] = []
    member = stage["m0"]
    step = member.replica.step

    def watched(event: object) -> list[object]:
        effects: list[object] = list(step(event))  # type: ignore[arg-type]
        seen.append(effects)
        return effects

    member.replica.step = watched  # type: ignore[method-assign, assignment]
    stage.submit("m0", 1)
    ended = [one for one in seen if any(isinstance(effect, EpochEnded) for effect in one)]
    assert len(ended) == 1
    assert isinstance(ended[0][-1], EpochEnded)


def test_a_start_with_the_boundary_and_its_certificate_ends_the_epoch_at_once() -> None:
    stage = Stage()
    stage.boundary = 1
    stage.submit("m0", 1)
    stage.ticks(2)
    member = stage["m2"]
    handover = member.disk.handovers[0]
    member.disk.handovers = []
    member.disk.certificate = handover.certificate
    member.disk.records = {REPLICA: [], CERTIFIER: []}
    stage.crash("m2")
    member.disk.chain = member.disk.chain[:1]
    member.put_back = True
    stage.checkers._handed_over.pop("m2")
    stage.restart("m2")
    stage.until(lambda: stage.in_epoch(1, *OLD) and stage.heights() == [2, 2, 2, 2])


def test_a_fetch_that_reached_no_further_than_the_boundary_says_nothing_of_this_epoch() -> None:
    """R-MB-2: the newest certificate known is of the set before, some of whom have left."""
    stage = stage_with("m1", "m2", "m3", "m4")
    stage.submit("m1", 1, CHANGE)
    stage.until(lambda: stage.in_epoch(1, "m1", "m2", "m3", "m4"))
    member = stage["m1"]
    ended = member.disk.handovers[0].certificate
    assert "m0" in {one.member for one in ended.cosignatures}
    base = ended.checkpoint.size
    stable = member.replica.stable
    member.replica.step(Installed(base, member.disk.chain[base - 1].time, ended))
    assert member.replica.mode is Mode.ACTIVE
    assert member.replica.stable == stable


def test_a_boundary_whose_commits_nobody_has_any_more_is_brought_about_by_a_new_view() -> None:
    """R-MB-3, R-TL-5: else one that left its view alone could never execute the boundary.

    Found by seed 50004188. m1 is lost for good. m0 and m2 executed the boundary and forgot the
    COMMITs as they lost power; m3 lacks those of the others, and no longer takes any of a view that
    it has left.
    """
    stage = stage_with(*OLD)
    unheard = (wire.Commit, wire.Committed)
    stage.lose(lambda *link: "m3" in link[:2] and isinstance(link[2], unheard))
    stage.lose(lambda sender, target, one: isinstance(one, wire.Fetch))  # and what is cosigned
    stage.submit("m0", CHANGE)
    assert stage.heights()[:4] == [1, 1, 1, 0]
    for name in ("m0", "m1", "m2"):
        stage.crash(name)
    for name in ("m0", "m2"):
        stage.restart(name)
    stage.until(lambda: stage["m3"].replica.mode is Mode.CHANGING)
    stage.heal()
    stage.until(lambda: stage.in_epoch(1, "m0", "m2", "m3"))
    assert stage.heights()[3] >= 1
