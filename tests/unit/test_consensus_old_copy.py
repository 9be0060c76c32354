"""R-DW-4: a store put back from an older copy is noticed by what others have of its own words."""

from __future__ import annotations

from copy import deepcopy

import pytest

from consensus import Recollected, Store, Suspicion
from consensus import messages as wire
from consensus.ballots import Ballots
from consensus.epoch import COMMIT, PRE_PREPARE, PREPARE, VIEW_CHANGE
from consensus.old_copy import in_committed, in_stable, in_view_changes
from tests.paper.alone import Alone
from tests.simulator.member import Disk
from tests.simulator.stage import EPOCH_MS, SETTINGS, Stage
from tests.unit.test_consensus_attacks import view_change
from tests.unit.test_consensus_certifier import certifier, rooted, word
from tests.unit.test_consensus_lost_ballots import votes_of


def put_back(stage: Stage, name: str, old: Disk) -> None:
    """A member loses power and starts from an older copy of its disk."""
    stage.crash(name)
    stage[name].put_back_disk(old)
    stage.sent.clear()
    stage.restart(name)


def reported(stage: Stage, name: str) -> bool:
    return (name, f"reports {Suspicion(name, 'old-copy')}") in stage.story


def test_a_copy_older_than_the_chain_is_noticed_before_anything_is_signed() -> None:
    """Others prove a checkpoint that it has cosigned, of a height that is not in its chain."""
    # R-DW-4
    stage = Stage()
    stage.submit("m0", 1, 2)
    old = deepcopy(stage["m1"].disk)
    stage.submit("m0", 3, 4, 5)
    put_back(stage, "m1", old)
    assert reported(stage, "m1")
    assert stage["m1"].replica.lost
    for number in range(6, 12):
        stage.submit("m2", number)
    stage.ticks(5 * SETTINGS.status_ticks)
    assert votes_of(stage, "m1") == []
    assert stage["m1"].certifier._waits, "the Certifier is told, too"
    assert stage.heights() == [11, 11, 11, 11], "it listens and executes"


def test_an_old_copy_speaks_again_beyond_what_it_may_have_said() -> None:
    stage = Stage()
    stage.submit("m0", 1, 2)
    old = deepcopy(stage["m1"].disk)
    stage.submit("m0", 3, 4, 5)
    put_back(stage, "m1", old)
    for number in range(6, 6 + 3 * SETTINGS.window):
        stage.submit("m2", number)
        stage.ticks(SETTINGS.status_ticks)
    stage.until(lambda: not stage["m1"].replica.lost)
    first = votes_of(stage, "m1")[0]
    assert isinstance(first, wire.ViewChange)
    assert first.view == 2


def test_a_promise_that_the_copy_does_not_hold_is_shown_to_it() -> None:
    """R-DW-4: Amnesia between two heights: the VIEW-CHANGE is all that would tell."""
    stage = Stage()
    stage.submit("m0", 1)
    old = deepcopy(stage["m3"].disk)
    heard = (wire.Transactions, wire.Status)
    stage.lose(lambda _, to, one: to == "m3" and not isinstance(one, heard))
    stage.submit("m3", 2)
    stage.until(lambda: stage["m3"].replica.view == 1)
    stage.heal()
    put_back(stage, "m3", old)
    assert reported(stage, "m3")
    assert stage["m3"].replica.lost


@pytest.mark.parametrize("way", ["commit certificate", "VIEW-CHANGE", "checkpoint"])
def test_its_words_are_looked_for_in_whatever_is_shown_to_it(way: str) -> None:
    """R-DW-4: each kind of proof alone is enough, as it may be the only one that still exists."""
    alone = Alone()
    alone.stage["m1"].put_back = True  # the empty store is the copy
    batch = wire.Batch(EPOCH_MS, alone.stage.transaction(1).digest)
    if way == "commit certificate":
        seals = [wire.Seal(p, alone.sign(p, COMMIT, 0, 1, batch.digest())) for p in (0, 1, 2)]
        alone.hear(2, wire.Committed(0, 0, 1, batch, tuple(seals)))
    elif way == "VIEW-CHANGE":
        backups = [wire.Seal(p, alone.sign(p, PREPARE, 0, 1, batch.digest())) for p in (1, 3)]
        opening = alone.sign(0, PRE_PREPARE, 0, 1, batch.digest())
        prepared = wire.PreparedCertificate(0, 1, batch.digest(), opening, tuple(backups))
        alone.hear(2, alone.view_change(2, 2, prepared))
    else:
        alone.hear(2, wire.StableProof(0, alone.stable(1, by=(0, 1, 2))))
    assert reported(alone.stage, "m1")
    assert alone.replica.lost


@pytest.mark.parametrize("word", ["promise", "vote"])
def test_words_inside_a_new_view_are_looked_at_too(word: str) -> None:
    """R-DW-4: a copy that slept through the VIEW-CHANGEs hears of them in the NEW-VIEW alone."""
    alone = Alone()
    alone.stage["m1"].put_back = True  # the empty store is the copy
    chosen: tuple[tuple[int, bytes], ...] = ()
    changes = [alone.view_change(place, 2) for place in (0, 2, 3)]
    if word == "promise":
        changes[1:2] = [alone.view_change(1, 2)]
    else:
        digest = wire.Batch(EPOCH_MS, bytes(32)).digest()
        backups = tuple(wire.Seal(p, alone.sign(p, PREPARE, 0, 1, digest)) for p in (1, 3))
        signature = alone.sign(0, PRE_PREPARE, 0, 1, digest)
        prepared = wire.PreparedCertificate(0, 1, digest, signature, backups)
        changes[0], chosen = alone.view_change(0, 2, prepared), ((1, digest),)
    alone.hear(2, alone.new_view(2, changes, *chosen))
    assert reported(alone.stage, "m1")
    assert alone.replica.lost


def test_a_new_view_of_its_own_that_the_copy_does_not_hold_is_shown_to_it() -> None:
    stage = Stage()
    old = deepcopy(stage["m1"].disk)
    stage.submit("m0", 1)
    old.records = deepcopy(stage["m1"].disk.records)
    old.chain = list(stage["m1"].disk.chain)
    stage.crash("m0")
    stage.submit("m2", 2)
    stage.until(lambda: stage["m1"].replica.view == stage["m3"].replica.view == 1)
    stage.restart("m0")
    stage.lose(lambda _, to, one: to == "m1" and isinstance(one, wire.Recalled))
    put_back(stage, "m1", old)
    stage.until(lambda: reported(stage, "m1"), ticks=200)


def test_an_ordinary_restart_is_silent_until_a_quorum_with_itself_has_answered() -> None:
    """R-DW-4: Then whatever a quorum knows of its words is known to it, too."""
    stage = Stage()
    stage.submit("m0", 1)
    stage.crash("m3")
    stage.lose(lambda sender, to, one: isinstance(one, wire.Recalled) and sender != "m0")
    stage.sent.clear()
    stage.restart("m3")
    stage.submit("m0", 2)
    assert votes_of(stage, "m3") == []
    assert not stage["m3"].replica.lost
    stage.heal()
    stage.ticks(SETTINGS.resend_ticks)
    stage.submit("m0", 3)
    assert any(isinstance(one, wire.Commit) for one in votes_of(stage, "m3"))


def test_a_power_cut_of_everybody_ends_with_a_round_of_questions() -> None:
    """Who waits for answers gives them; q of four are enough."""
    stage = Stage()
    stage.submit("m0", 1)
    for name in ("m0", "m1", "m2", "m3"):
        stage.crash(name)
    for name in ("m0", "m2"):
        stage.restart(name)
    stage.submit("m2", 2)
    stage.ticks(SETTINGS.timeout_ticks * 4)
    assert not any(
        isinstance(one, wire.PrePrepare) and one.sequence == 2 for _, _, one in stage.sent
    )
    stage.restart("m3")
    stage.submit("m2", 3)
    stage.until(lambda: stage.heights() == [3, 1, 3, 3])


def test_a_member_alone_in_its_set_asks_nobody() -> None:
    stage = Stage(1)
    stage.submit("m0", 1)
    stage.crash("m0")
    stage.restart("m0")
    stage.submit("m0", 2)
    assert stage.heights() == [2]


A, B = bytes([1]) * 32, bytes([2]) * 32


@pytest.mark.parametrize(
    ("kind", "place", "expected"),
    [
        (COMMIT, (0, 5, A), False),  # as remembered
        (COMMIT, (0, 5, B), True),
        (COMMIT, (1, 5, A), True),  # a later view
        (COMMIT, (0, 6, A), True),  # another sequence
        (PREPARE, (0, 5, A), True),  # another kind
        (COMMIT, (0, 3, B), False),  # at the stable checkpoint: forgotten on purpose
        (COMMIT, (0, 4, B), True),
        (PREPARE, (1, 7, A), False),  # an older view than the newest: forgotten on purpose
        (PREPARE, (3, 7, A), True),
        (VIEW_CHANGE, (2, 0, A), False),
        (VIEW_CHANGE, (1, 0, B), False),
        (VIEW_CHANGE, (2, 0, B), True),
        (VIEW_CHANGE, (3, 0, A), True),
    ],
)
def test_what_the_ballots_lack(kind: str, place: tuple[int, int, bytes], expected: bool) -> None:
    stage = Stage()
    ballots = Ballots(stage.seat, stage.signer("m0"))
    ballots.sign(COMMIT, 0, 5, A)
    ballots.sign(PREPARE, 2, 7, A)
    ballots.sign(VIEW_CHANGE, 2, 3, A)
    ballots.forget_below(3, 0)
    assert ballots.lacks(kind, *place) is expected


def test_a_vote_in_somebody_elses_proof_counts_only_if_it_is_the_own() -> None:
    """R-DW-4."""
    stage = Stage()
    ballots = Ballots(stage.seat, stage.signer("m0"))
    batch = wire.Batch(1, b"")
    for places, expected in (((1, 2, 3), False), ((0, 1, 2), True)):
        seals = tuple(wire.Seal(place, bytes(64)) for place in places)
        assert in_committed(wire.Committed(0, 0, 1, batch, seals), stage.seat, ballots) is expected
        held = wire.PreparedCertificate(1, 1, A, bytes(64), seals[:2])
        changes = (view_change(stage, "m2", 2, prepared=(held,)),)
        assert in_view_changes(changes, stage.seat, ballots, 0) is expected
        stable = wire.Stable(4, A, tuple(wire.Line(place, 1, bytes(64)) for place in places))
        assert in_stable(stable, stage.seat, 3) is expected
        assert not in_stable(stable, stage.seat, 4), "what it executed it may have cosigned"
        changes = (view_change(stage, "m2", 2, stable=stable),)
        assert in_view_changes(changes, stage.seat, ballots, 3) is expected


def test_a_copy_from_before_its_first_cosignature_waits_as_well() -> None:
    """R-DW-4: no record of a cosignature is no sign that there was none."""
    machine = certifier(recollected=False)
    assert rooted(machine, 1) == []
    machine.step(Recollected(True, 3))
    assert rooted(machine, 2) == []
    assert any(isinstance(one, Store) for one in rooted(machine, 3))


def test_a_certifier_whose_store_is_an_old_copy_cosigns_nothing_near_its_old_words() -> None:
    """R-DW-4."""
    (store,) = [one for one in rooted(certifier(), 5) if isinstance(one, Store)]
    machine = certifier([(store.number, store.record)], recollected=False)
    assert rooted(machine, 6) == [], "it waits for what the others say"
    machine.step(Recollected(False))
    assert rooted(machine, 6) == []
    for member in ("m1", "m2", "m3"):
        machine.step(word(member, 7))
    assert rooted(machine, 900) == [], "only the Replica can tell how far is far enough"
    machine.step(Recollected(True, 901))
    assert rooted(machine, 900) == []
    assert any(isinstance(one, Store) for one in rooted(machine, 901))


def test_an_old_copy_whose_words_are_in_nobodys_proof_says_nothing_below_what_is_proven() -> None:
    """m3 is not in the quorum that others keep: nothing shows it that its records are old. But
    what it said since was about heights that are proven meanwhile, and there it is silent.
    """
    stage = Stage()
    stage.submit("m0", 1)
    old = deepcopy(stage["m3"].disk)
    stage.submit("m0", 2, 3)
    stage.crash("m3")
    stage["m3"].put_back_disk(old)
    stage.sent.clear()
    stage.restart("m3")
    late = (wire.StableProof, wire.Committed)  # no other way to learn of the height
    stage.lose(lambda _, to, one: to == "m3" and isinstance(one, late))
    stage.until(lambda: stage["m3"].replica.stable == 3)
    assert not reported(stage, "m3")
    stage.ticks(2 * SETTINGS.status_ticks)  # the checkers compare every word with those before
    assert votes_of(stage, "m3") == []
    stage.heal()
    stage.submit("m0", 4)
    assert stage.heights() == [4, 4, 4, 4]
    commits = [one for one in votes_of(stage, "m3") if isinstance(one, wire.Commit)]
    assert {one.sequence for one in commits} == {4}


def test_a_cosigner_with_whole_records_says_nothing_below_what_others_have_proven() -> None:
    """R-DW-4."""
    (store,) = [one for one in rooted(certifier(), 5) if isinstance(one, Store)]
    machine = certifier([(store.number, store.record)], recollected=False)
    machine.step(Recollected(True, 7))
    assert rooted(machine, 6) == [], "it may have said this, at a later time"
    assert any(isinstance(one, Store) for one in rooted(machine, 7))
