"""Small print: what a member must do although no schedule fails for long when it does not."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from consensus import Evidence, Installed, Mode
from consensus import messages as wire
from consensus.epoch import PRE_PREPARE, PREPARE, Epoch
from consensus.evidence import Statement, verify_evidence
from consensus.new_view import check_new_view
from consensus.pool import INVALID_MAX, Pool
from consensus.slots import Slot, Vote
from ledger.errors import Malformed
from tests.paper.alone import Alone
from tests.simulator.stage import EPOCH_MS, SETTINGS, Stage
from tests.unit.test_consensus_attacks import view_change
from tests.unit.test_consensus_lagging import WORD_OF_A_CERTIFIER

BASE_EVERY = SETTINGS.window // 4  # a Base record is written when the low mark has risen so much


def entered(alone: Alone, view: int, low: int = 0) -> None:
    """The puppets leave for a view that one of them leads, and start it."""
    stable = alone.stable(low) if low else wire.GENESIS_STABLE
    changes = [alone.view_change(place, view, stable=stable) for place in (0, 2, 3)]
    alone.hear(view % 4, alone.new_view(view, changes))


def restart(alone: Alone) -> None:
    alone.stage.crash("m1")
    alone.stage.restart("m1")
    alone.replica = alone.stage["m1"].replica


def test_a_new_view_holds_q_view_changes_and_not_one_more() -> None:
    """R-VC-2: exactly q, or one start of a view could be said in many ways."""
    alone = Alone()
    changes = [alone.view_change(place, 2) for place in range(4)]
    seat = alone.stage.seat
    check_new_view(alone.new_view(2, changes[:3]), seat)
    with pytest.raises(Malformed, match="exactly 3"):
        check_new_view(alone.new_view(2, changes), seat)


def test_who_votes_for_another_batch_when_all_is_settled_is_convicted_all_the_same() -> None:
    """C13, R-Q-5: only the same word again is passed over unread."""
    alone = Alone()
    alone.order(1, alone.batch(1))
    other = bytes([7]) * 32
    alone.hear(2, alone.prepare(2, 1, other))
    alone.hear(0, alone.commit(0, 1, other))
    assert [
        (one.member, one.first.kind) for one in alone.stage.evidence if isinstance(one, Evidence)
    ] == [("m2", "prepare"), ("m0", "commit")]


def test_nothing_is_ordered_while_blocks_are_fetched() -> None:
    """R-CP-5: the driver executes what it fetches; a block given in between would be executed
    twice.
    """
    alone = Alone()
    alone.stage["m1"]._install = lambda: None  # type: ignore[method-assign]
    alone.hear(0, wire.StableProof(0, alone.stable(2 * SETTINGS.window)))
    alone.stage.ticks(1)
    alone.order(1, alone.batch(1))
    batch = alone.batch(2)
    seals = [wire.Seal(p, alone.commit(p, 1, batch.digest()).signature) for p in (0, 2, 3)]
    alone.hear(0, wire.Committed(0, 0, 1, batch, tuple(seals)))
    assert alone.replica._ordering.ordered == 0
    alone.replica.step(Installed(0, EPOCH_MS - 1_000, None))
    assert alone.replica._ordering.ordered == 1


def test_words_below_the_checkpoint_are_forgotten() -> None:
    """R-RS-1: a member that runs for years signs without end, and remembers a window of it."""
    alone = Alone()
    for height in range(1, 3 * SETTINGS.window + 1):
        alone.order(height, alone.batch(height))
        alone.hear(0, wire.StableProof(0, alone.stable(height)))
    assert alone.executed == 3 * SETTINGS.window
    assert alone.replica._ballots._cast == {}


def test_a_new_view_outlives_the_records_that_are_let_go() -> None:
    """R-VC-12, R-DW-5: whoever slept through it asks a member that has restarted since."""
    alone = Alone()
    entered(alone, 2)
    for height in range(1, BASE_EVERY + 1):
        alone.order(height, alone.batch(height), view=2)
    alone.hear(0, wire.StableProof(0, alone.stable(BASE_EVERY)))
    restart(alone)
    alone.stage.sent.clear()
    alone.hear(3, wire.Status(0, 0, True, 0, 0))
    (shown,) = alone.said(wire.NewView)
    assert isinstance(shown, wire.NewView)
    assert shown.view == 2


def test_a_checkpoint_that_comes_with_a_new_view_does_not_put_it_off() -> None:
    """R-VC-14: records are summed up in the middle of entering; a restart is in the view, too."""
    alone = Alone()
    for place in (0, 3):
        alone.hear(place, alone.view_change(place, 2, stable=alone.stable(BASE_EVERY)))
    assert alone.replica.mode is Mode.CHANGING
    entered(alone, 2, low=BASE_EVERY)
    assert alone.replica._based == BASE_EVERY
    restart(alone)
    assert (alone.replica.view, alone.replica.mode) == (2, Mode.ACTIVE)


def answer_recall(stage: Stage, name: str, *others: str) -> None:
    """The puppets tell a member that has restarted where they stand, and it speaks again."""
    stage.ticks(1)
    replica = stage[name].replica
    nonce = replica._recollection._nonce
    for other in others:
        stage.inject(other, name, wire.Recalled(0, nonce, 0, wire.GENESIS_STABLE))
    assert not replica._ordering.silent


def test_a_primary_proposes_what_lies_below_its_own_checkpoint_if_the_others_have_not_seen_it() -> (
    None
):
    """R-VC-2, R-DW-2: its own word is not among the q it chose; it has restarted in between."""
    stage, batch, root = Stage(7), bytes([7]) * 32, bytes([9]) * 32
    for place in range(6):
        stage.crash(f"m{place}")
    lines = tuple(
        wire.Line(place, 1, stage.line(f"m{place}", 0, BASE_EVERY, root, 1)) for place in range(5)
    )
    stage.inject("m0", "m6", wire.StableProof(0, wire.Stable(BASE_EVERY, root, lines)))
    assert stage["m6"].replica.stable == BASE_EVERY
    seals = tuple(
        wire.Seal(place, stage.vote(f"m{place}", 0, PREPARE, 0, 1, batch)) for place in range(1, 5)
    )
    opening = stage.vote("m0", 0, PRE_PREPARE, 0, 1, batch)
    prepared = wire.PreparedCertificate(0, 1, batch, opening, seals)
    changes = [view_change(stage, f"m{place}", 6, prepared=(prepared,)) for place in range(5)]
    for place in range(3):
        stage.checkers.on_view_change_heard(stage["m6"].who, place, 6)
        stage.inject(f"m{place}", "m6", changes[place])
    assert (stage["m6"].replica.view, stage["m6"].replica.mode) == (6, Mode.CHANGING)
    stage.crash("m6")
    stage.restart("m6")
    for place in range(5):
        stage.inject(f"m{place}", "m6", changes[place])
    answer_recall(stage, "m6", "m0", "m1", "m2", "m3")
    (said,) = {wire.encode(one) for _, _, one in stage.sent if isinstance(one, wire.NewView)}
    new_view = wire.decode(said)
    assert isinstance(new_view, wire.NewView)
    assert [one.member for one in new_view.view_changes] == [0, 1, 2, 3, 4]
    assert [(one.sequence, one.digest) for one in new_view.proposals] == [(1, batch)]


def test_what_a_proposal_names_is_not_ready_when_its_check_comes_late() -> None:
    """R-TL-7: or a backup would think that the primary lets it lie, and a primary name it twice."""
    one = Stage().transaction(1)
    pool = Pool(SETTINGS)
    pool.take_in([one.raw], "m2", 0, {})
    pool.claim(one.digest)
    pool.check_done(one.digest, one)
    assert (pool.oldest_ready(), pool.ready_size) == (None, 0)


# -- what must not grow ----------------------------------------------------------------------------


def test_of_what_was_found_invalid_only_the_newest_is_remembered() -> None:
    """R-RS-1: invalid transactions cost a liar nothing."""
    pool = Pool(SETTINGS)
    for number in range(INVALID_MAX + 3):
        pool.check_failed(number.to_bytes(32, "big"))
    assert len(pool.invalid) == INVALID_MAX
    assert (2).to_bytes(32, "big") not in pool.invalid


def test_of_what_was_ordered_only_so_much_is_remembered() -> None:
    """R-RS-1: and never less than slots may still be asked for."""
    pool = Pool(replace(SETTINGS, remembered=3))
    stage = Stage()
    ordered = [stage.transaction(number) for number in range(6)]
    for one in ordered:
        pool.order(one)
    assert len(pool.ordered) == 6, "their slots are not yet stable"
    pool.let_go([one.digest for one in ordered])
    assert list(pool.ordered) == [one.digest for one in ordered[3:]]


def test_bodies_of_a_proposal_that_is_over_are_wanted_no_more() -> None:
    """R-RS-1: a liar that led names thousands, and nobody ever brings them."""
    alone = Alone()
    names = b"".join(number.to_bytes(32, "big") for number in range(100))
    alone.hear(0, alone.pre_prepare(1, wire.Batch(EPOCH_MS, names)))
    assert len(alone.replica._ordering.bodies.wanted) == 100
    entered(alone, 2)
    assert alone.replica._ordering.bodies.wanted == {}


def test_who_is_left_in_an_earlier_epoch_is_told_of_its_end_only_so_often() -> None:
    """R-RS-2: it may say where it stands as often as it likes."""
    stage = Stage()
    stage.boundary = 1
    stage.submit("m0", 1)
    stage.until(lambda: stage.in_epoch(1, "m0", "m1", "m2", "m3"))
    stage.sent.clear()
    for _ in range(10):
        stage.inject("m3", "m1", wire.Status(0, 0, True, 0, 0))
    told = [one for who, to, one in stage.sent if (who, to) == ("m1", "m3")]
    assert [type(one) for one in told] == [wire.StableProof]


# -- whom to blame ---------------------------------------------------------------------------------


def test_evidence_is_judged_by_the_set_of_the_epoch_it_names() -> None:
    """R-MB-2, C13: keys may stay when epochs change; a set says nothing about another's words."""
    stage = Stage()
    statements = [
        Statement(PREPARE, 1, 0, 1, digest, stage.vote("m3", 1, PREPARE, 0, 1, digest))
        for digest in (bytes(32), bytes([1]) * 32)
    ]
    evidence, verify = Evidence("m3", *statements), stage.keyring.verify
    own = Epoch(1, stage.epoch.members, 5)
    assert verify_evidence(evidence, stage.chain_id, stage.origin, own, verify)
    assert not verify_evidence(evidence, stage.chain_id, stage.origin, stage.epoch, verify)


@pytest.mark.parametrize("heard", [(), ("m2",)])
def test_who_hears_less_than_a_quorum_leaves_for_no_view(heard: tuple[str, ...]) -> None:
    """R-TL-4: nothing could come of it, and it could not come back when the network heals."""
    stage = Stage()
    stage.lose(lambda who, to, _: to == "m1" and who not in heard)
    stage.submit("m1", 1)
    stage.lose(lambda who, to, _: who == "m1")
    stage.ticks(10 * SETTINGS.timeout_ticks)
    assert (stage["m1"].replica.view, stage["m1"].replica.mode) == (0, Mode.ACTIVE)
    stage.heal()
    stage.until(lambda: stage.heights() == [1, 1, 1, 1])
    assert {member.replica.view for member in stage.members} == {0}


def test_on_an_idle_chain_nobody_leaves_a_view() -> None:
    """R-TL-4, C12: a primary that has nothing to propose is not late."""
    stage = Stage()
    stage.submit("m1", 1)
    stage.ticks(10 * SETTINGS.timeout_ticks)
    assert stage.heights() == [1, 1, 1, 1]
    assert {member.replica.view for member in stage.members} == {0}


def test_nobody_leaves_a_view_because_a_block_is_not_certified() -> None:
    """R-TL-4: what is ordered and executed is no proposal that waits."""
    stage = Stage()
    stage.lose(lambda _, __, one: isinstance(one, WORD_OF_A_CERTIFIER))
    stage.submit("m1", 1)
    stage.ticks(10 * SETTINGS.timeout_ticks)
    assert stage.heights() == [1, 1, 1, 1]
    assert {member.replica.stable for member in stage.members} == {0}
    assert {member.replica.view for member in stage.members} == {0}


def test_an_empty_block_is_no_progress() -> None:
    """R-TL-1: a primary must not buy time with what nobody asked for."""
    alone = Alone()
    for place in (0, 3):
        alone.hear(place, alone.view_change(place, 2))
    patience = alone.replica._patience
    assert patience.timeout == 2 * SETTINGS.timeout_ticks
    other = bytes([9]) * 32
    changes = [alone.view_change(0, 2, alone.prepared(2, other))]
    changes += [alone.view_change(place, 2) for place in (2, 3)]
    alone.hear(2, alone.new_view(2, changes, (1, wire.NULL_DIGEST), (2, other)))
    for place in (0, 2, 3):
        alone.hear(place, alone.commit(place, 1, wire.NULL_DIGEST, 2))
    assert alone.executed == 1
    assert patience.timeout == 2 * SETTINGS.timeout_ticks


# -- what a NEW-VIEW may not hide ------------------------------------------------------------------


def test_a_known_view_change_is_known_by_every_byte_of_it() -> None:
    """R-VC-4, R-VC-2: the primary takes out of an honest word what was prepared there."""
    alone = Alone()
    honest = alone.view_change(3, 2, alone.prepared(1, bytes([9]) * 32))
    alone.hear(3, honest)
    stripped = msgspec.structs.replace(honest, prepared=())
    changes = [alone.view_change(0, 2), alone.view_change(2, 2)]
    alone.hear(2, alone.new_view(2, [*changes, stripped]))
    assert alone.replica.view == 0
    alone.hear(2, alone.new_view(2, [*changes, honest], (1, bytes([9]) * 32)))
    assert (alone.replica.view, alone.replica.mode) == (2, Mode.ACTIVE)


def test_no_list_names_a_thing_twice() -> None:
    """R-RS-3, R-VC-1: a batch names a transaction once, a VIEW-CHANGE has one claim a sequence."""
    alone = Alone()
    once = alone.prepared(1, bytes([9]) * 32)
    two_claims = alone.view_change(3, 2, once, once)
    twice = alone.pre_prepare(1, wire.Batch(EPOCH_MS, bytes([9]) * 64))
    for message in (two_claims, twice):
        with pytest.raises(Malformed, match=r"distinct and ascending|a digest twice"):
            wire.decode(wire.encode(message))


def test_what_was_prepared_is_still_at_hand_when_a_later_view_asks_for_it() -> None:
    """R-VC-10, R-Q-6: the view between knew nothing of it; perhaps nobody else has its batch."""
    alone = Alone()
    batch = alone.batch(1)
    digest = batch.digest()
    alone.hear(0, alone.pre_prepare(1, batch))
    alone.hear(2, alone.prepare(2, 1, digest))
    (prepared,) = alone.replica._ordering.prepared_certificates()
    assert prepared.digest == digest
    entered(alone, 2)
    changes = [alone.view_change(0, 3, alone.prepared(1, digest))]
    changes += [alone.view_change(place, 3) for place in (2, 3)]
    alone.hear(3, alone.new_view(3, changes, (1, digest)))
    said = [one for one in alone.said(wire.Prepare) if isinstance(one, wire.Prepare)]
    assert [(one.view, one.digest) for one in said] == [(0, digest), (3, digest)]


def test_a_vote_of_an_older_view_does_not_take_the_place_of_a_newer_one() -> None:
    """R-RS-1: one for each member and slot, of its highest view; replaying takes nothing away."""
    slot, older, newer = Slot(1, 0), Vote(1, bytes(32), bytes(64)), Vote(2, bytes(32), bytes(64))
    for vote in (older, newer, older):
        assert slot.add(PREPARE, 3, vote) is None
    assert slot.prepares == {3: newer}


def test_what_waited_is_said_to_the_members_of_the_next_epoch() -> None:
    """R-TL-6: who is new has none of it, and may lead."""
    stage = Stage()
    stage.boundary = 1
    stage.lose(lambda _, __, one: isinstance(one, WORD_OF_A_CERTIFIER))
    stage.submit("m0", 1)
    stage.submit("m1", 2)  # the boundary is executed and waits to be certified
    stage.heal()
    stage.sent.clear()
    stage.until(lambda: stage.in_epoch(1, "m0", "m1", "m2", "m3"))
    said = [who for who, to, one in stage.sent if to == "m2" and isinstance(one, wire.Transactions)]
    assert said == ["m1"]


def test_a_new_primary_has_a_tenure_of_its_own() -> None:
    """R-TL-7: the slowness of the one before is not its doing."""
    alone = Alone()
    tenure = alone.replica._patience.tenure
    tenure.spent = tenure.budget
    entered(alone, 2)
    assert tenure.spent == 0


def test_an_executed_block_whose_commits_nobody_has_any_more_is_certified_all_the_same() -> None:
    """R-TL-5, R-CP-2: else an idle chain's last block waits for the next request to be certified.

    m1 is lost for good. m0 and m2 executed the block and forgot the COMMITs as they lost power; m3
    left the view without executing it, and takes no votes of that view any more. No request waits.
    """
    stage = Stage()
    stage.remembered = lambda member: tuple(  # type: ignore[method-assign]
        one.digest for block in member.disk.chain for one in block.transactions
    )
    unheard = (wire.Commit, wire.Committed)
    stage.lose(lambda *link: "m3" in link[:2] and isinstance(link[2], unheard))
    stage.lose(lambda sender, target, one: isinstance(one, wire.Fetch))  # and what is cosigned
    stage.submit("m0", 1)
    assert stage.heights() == [1, 1, 1, 0]
    for name in ("m0", "m1", "m2"):
        stage.crash(name)
    for name in ("m0", "m2"):
        stage.restart(name)
    stage.until(lambda: stage["m3"].replica.mode is Mode.CHANGING)
    stage.heal()
    rest = [stage[name] for name in ("m0", "m2", "m3")]
    stage.until(lambda: [one.certifier.certified for one in rest] == [1, 1, 1])
    assert stage.heights()[3] == 1, "and nothing was ordered anew"
