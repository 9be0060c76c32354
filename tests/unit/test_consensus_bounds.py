"""Bounds that one off-by-one, or one forgotten line, would take away."""

from __future__ import annotations

from dataclasses import replace

from consensus import Check, Deliver, Discard, Evidence
from consensus import messages as wire
from consensus.catch_up import FETCHED_PER_PERIOD, portions
from consensus.messages import DIGEST_SIZE
from consensus.outbox import Outbox
from consensus.settings import FETCH_MAX, SPREAD_COUNT_MAX, SPREAD_SIZE_MAX
from tests.paper.alone import Alone
from tests.simulator.stage import EPOCH_MS, SETTINGS, Stage


def bodies_for(stage: Stage, name: str) -> list[bytes]:
    return [
        raw
        for _, to, one in stage.sent
        if to == name and isinstance(one, wire.Transactions)
        for raw in one.raws
    ]


def test_bodies_are_given_up_to_the_allowance_of_a_period_and_then_again() -> None:
    """R-RS-2: whatever one member asks for, the others' turn comes."""
    size = len(Stage().transaction(1).raw)
    stage = Stage(settings=replace(SETTINGS, serve_size=3 * size))
    stage.lose(lambda _, __, one: isinstance(one, wire.PrePrepare))
    stage.submit("m0", *range(6))  # pending everywhere
    wanted = wire.Fetch(b"", b"".join(stage.transaction(number).digest for number in range(6)))
    stage.sent.clear()
    stage.inject("m3", "m0", wanted)
    stage.inject("m3", "m0", wanted)
    assert len(bodies_for(stage, "m3")) == 3
    stage.ticks(SETTINGS.status_ticks)
    stage.sent.clear()
    stage.inject("m3", "m0", wanted)
    assert len(bodies_for(stage, "m3")) == 3


def test_asking_for_what_nobody_has_uses_up_the_allowance_too() -> None:
    """R-RS-2: each digest costs a look-up, whether it is here or not."""
    stage = Stage()
    stage.lose(lambda _, __, one: isinstance(one, wire.PrePrepare))
    stage.submit("m1", 1)  # pending everywhere
    stage.sent.clear()
    known, unknown = stage.transaction(1).digest, bytes(DIGEST_SIZE)
    for _ in range(FETCHED_PER_PERIOD // FETCH_MAX):
        stage.inject("m2", "m1", wire.Fetch(b"", unknown * FETCH_MAX))
    stage.inject("m2", "m1", wire.Fetch(b"", known))
    assert bodies_for(stage, "m2") == []
    stage.inject("m3", "m1", wire.Fetch(b"", known))
    assert len(bodies_for(stage, "m3")) == 1, "the others' turn comes"
    stage.ticks(SETTINGS.status_ticks + 1)
    stage.inject("m2", "m1", wire.Fetch(b"", known))
    assert len(bodies_for(stage, "m2")) == 1


def test_batches_that_are_served_count_against_the_allowance_too() -> None:
    """R-RS-2: a batch names up to thousands of digests."""
    stage = Stage(settings=replace(SETTINGS, serve_size=DIGEST_SIZE + 1))
    stage.lose(lambda _, __, one: isinstance(one, wire.Commit))
    stage.submit("m1", 1, 2, 3)
    proposed = [one for _, _, one in stage.sent if isinstance(one, wire.PrePrepare)]
    digests = list(dict.fromkeys(one.batch.digest() for one in proposed))
    assert len(digests) == 3
    stage.sent.clear()
    for digest in digests:
        stage.inject("m3", "m1", wire.Fetch(digest, b""))
    given = [one for _, to, one in stage.sent if to == "m3" and isinstance(one, wire.Batches)]
    assert len(given) == 2, "the second is what uses it up"


def test_words_that_a_digest_is_settled_are_kept_of_what_waits_alone() -> None:
    """R-RS-1: anybody can say so of any 32 bytes."""
    stage = Stage()
    stage.lose(lambda _, __, one: isinstance(one, wire.PrePrepare))
    stage.submit("m1", 1)  # waits everywhere
    for number in range(20):
        unknown = number.to_bytes(DIGEST_SIZE, "big")
        stage.inject("m3", "m0", wire.Settled(0, unknown))
    stage.inject("m3", "m0", wire.Settled(0, stage.transaction(1).digest))
    assert list(stage["m0"].replica._watching._words) == [stage.transaction(1).digest]


def test_what_clients_bring_is_spread_to_the_last_portion() -> None:
    """R-TL-6: or who waits for it blames a primary that never had it."""
    stage = Stage()
    stage.lose(lambda _, __, one: isinstance(one, wire.PrePrepare))
    stage["m1"].submit(tuple(stage.transaction(number) for number in range(SPREAD_COUNT_MAX + 2)))
    stage.settle()
    assert len(bodies_for(stage, "m2")) == SPREAD_COUNT_MAX + 2


def test_one_body_settles_every_batch_that_names_it() -> None:
    """R-Q-6: two views may have proposed it at two sequences."""
    alone = Alone()
    one = alone.stage.transaction(1)
    batch = wire.Batch(EPOCH_MS, one.digest)
    later = wire.Batch(EPOCH_MS + 1, one.digest)
    alone.hear(0, alone.pre_prepare(1, batch), alone.pre_prepare(2, later))
    assert alone.said(wire.Prepare) == []
    alone.hear(2, wire.Transactions((one.raw,)))
    said = [vote.sequence for vote in alone.said(wire.Prepare) if isinstance(vote, wire.Prepare)]
    assert said == [1, 2]


def test_bodies_leave_in_messages_of_bounded_count_and_of_bounded_size() -> None:
    """R-RS-3: whoever gets more in one message takes it for malformed."""
    small = [bytes(1)] * (SPREAD_COUNT_MAX + 1)
    assert list(map(len, portions(small))) == [SPREAD_COUNT_MAX, 1]
    half = [bytes(SPREAD_SIZE_MAX // 2)] * 3
    assert list(map(len, portions(half))) == [2, 1]
    assert list(map(len, portions([bytes(SPREAD_SIZE_MAX + 1)] * 2))) == [1, 1]
    assert portions([]) == []


def test_a_member_that_says_where_it_stands_without_end_is_answered_once_in_a_while() -> None:
    """R-RS-2: each answer may hold a proof and eight commit certificates."""
    stage = Stage()
    stage.submit("m0", 1, 2)
    stage.ticks(SETTINGS.status_ticks)
    stage.sent.clear()
    for _ in range(50):
        stage.inject("m3", "m0", wire.Status(0, 0, True, 0, 0))
    answers = [one for who, to, one in stage.sent if (who, to) == ("m0", "m3")]
    assert len(answers) <= 3


def test_who_answers_no_fetch_is_passed_over_for_the_next() -> None:
    """R-Q-6: whoever has the body is asked in the end, the primary first."""
    alone = Alone()
    body = alone.stage.transaction(1)
    alone.hear(0, alone.pre_prepare(1, wire.Batch(alone.batch(2).time, body.digest)))
    alone.stage.sent.clear()
    alone.stage.ticks(6 * SETTINGS.fetch_ticks)
    asked = [to for _, to, one in alone.stage.sent if isinstance(one, wire.Fetch)]
    assert asked[0] == "m0"
    assert set(asked) == {"m0", "m2", "m3"}


def test_a_batch_of_another_digest_fills_no_slot() -> None:
    """R-Q-6: what was asked for by its digest proves itself by it."""
    alone = Alone()
    batch = alone.batch(1)
    changes = [alone.view_change(0, 2, alone.prepared(1, batch.digest()))]
    changes += [alone.view_change(place, 2) for place in (2, 3)]
    alone.hear(2, alone.new_view(2, changes, (1, batch.digest())))
    alone.hear(0, wire.Batches((wire.Batch(batch.time + 1, batch.digests),)))
    assert alone.said(wire.Prepare) == []
    alone.hear(0, wire.Batches((batch,)))
    assert len(alone.said(wire.Prepare)) == 1


def test_batches_of_views_that_are_over_are_let_go() -> None:
    """R-RS-1: a slot holds what is proposed, prepared or decided, however many views it sees."""
    alone = Alone()
    first, second = alone.batch(1), alone.batch(2)
    alone.hear(0, alone.pre_prepare(1, first))
    changes = [alone.view_change(0, 2, alone.prepared(1, second.digest()))]
    changes += [alone.view_change(place, 2) for place in (2, 3)]
    alone.hear(2, alone.new_view(2, changes, (1, second.digest())))
    assert alone.replica.view == 2
    slot = alone.replica._ordering.log.get(1)
    assert slot is not None
    assert first.digest() not in slot.contents


def test_records_are_given_up_only_when_their_successor_is_durable() -> None:
    """R-DW-5: a power cut between the two must find the one or the other."""
    outbox: Outbox[Discard, int] = Outbox(0)
    number = outbox.store(b"base")
    outbox.discard_after(number, number)
    assert not any(isinstance(one, Discard) for one in outbox.take())
    outbox.stored(number)
    assert outbox.take() == [Discard(number)]


def test_votes_above_a_certified_height_are_kept_by_those_who_have_not_executed_it() -> None:
    """R-CP-2: a low mark that rises early must not drop what is still to be ordered."""
    alone = Alone()
    first, second = alone.batch(1), alone.batch(2)
    alone.order(2, second)
    alone.hear(0, wire.StableProof(0, alone.stable(2)))
    assert (alone.replica.stable, alone.executed) == (2, 0)
    commits = [alone.commit(place, 1, first.digest()) for place in (0, 2, 3)]
    seals = tuple(wire.Seal(p, one.signature) for p, one in zip((0, 2, 3), commits, strict=True))
    alone.hear(3, wire.Committed(0, 0, 1, first, seals))
    assert alone.executed == 2


def test_who_speaks_of_a_later_epoch_is_not_answered_as_if_it_were_this_one() -> None:
    """R-Q-4: not even words without a signature."""
    stage = Stage()
    stage.submit("m0", 1)
    stage.sent.clear()
    stage.inject("m3", "m0", wire.Status(1, 0, True, 0, 0))
    stage.inject("m3", "m0", wire.Recall(1, 7))
    assert stage.sent == []


def proposed(stage: Stage) -> list[int]:
    """The sequences that m0 has proposed."""
    said = {
        one.sequence
        for who, _, one in stage.sent
        if who == "m0" and isinstance(one, wire.PrePrepare)
    }
    return sorted(said)


def test_only_so_many_sequences_are_in_flight() -> None:
    """R-CP-1: the pipeline, well inside the window."""
    stage = Stage()
    stage.lose(lambda _, __, one: isinstance(one, wire.Commit))
    stage.submit("m0", *range(3 * SETTINGS.pipeline))
    assert proposed(stage) == list(range(1, SETTINGS.pipeline + 1))


def test_nothing_is_proposed_above_the_high_mark() -> None:
    """R-CP-1: while nothing is certified, a window and not one more."""
    stage = Stage()
    for member in stage.members:
        member.certifier.step = lambda event: []  # type: ignore[method-assign]
    for number in range(2 * SETTINGS.window):
        stage.submit("m0", number)
    assert proposed(stage) == list(range(1, SETTINGS.window + 1))


def test_what_a_proposal_names_does_not_expire() -> None:
    """R-Q-6: its body is needed for the vote, for the others, and for the block."""
    stage = Stage()
    stage.lose(lambda _, __, one: isinstance(one, wire.Commit))
    stage.submit("m0", 1, *range(10, 10 + SETTINGS.pipeline))
    pool = stage["m1"].replica._pool
    gone = pool.expire(stage.transaction(1).body.valid_until)
    assert stage.transaction(1).digest not in gone
    assert stage.transaction(1).digest in pool.entries
    assert len(gone) == 1, "what nobody has proposed does"


def test_a_body_of_another_member_is_not_ready_before_it_is_checked() -> None:
    """R-Q-6: whoever brings it."""
    stage = Stage()
    replica = stage["m0"].replica
    raw = stage.transaction(1).raw
    effects = replica.step(Deliver("m3", wire.encode(wire.Transactions((raw,)))))
    assert [type(one) for one in effects] == [Check]
    assert replica._pool.ready == {}


def test_a_second_vote_does_not_take_the_place_of_the_first() -> None:
    """R-Q-5: or a liar's votes would count now for the one batch, now for the other."""
    alone = Alone()
    first, second = alone.batch(1), alone.batch(2)
    alone.hear(2, alone.prepare(2, 1, second.digest()), alone.prepare(2, 1, first.digest()))
    alone.hear(0, alone.pre_prepare(1, first))
    assert alone.said(wire.Commit) == []
    assert [one.member for one in alone.stage.evidence if isinstance(one, Evidence)] == ["m2"]


def test_a_member_that_executes_slowly_keeps_no_more_slots_however_far_the_others_are() -> None:
    """R-RS-1, C9: what is certified far above what it executed it fetches as blocks. Found by seed
    73002375.
    """
    stage = Stage()
    stage["m3"]._execute = lambda effect: None  # type: ignore[method-assign]
    for number in range(6 * SETTINGS.window):
        stage.submit("m0", number)
    assert stage.heights() == [6 * SETTINGS.window] * 3 + [0]
    assert len(stage["m3"].replica._ordering.log) <= 4 * SETTINGS.window
