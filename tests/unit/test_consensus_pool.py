"""The pool of pending transactions: what it counts, what it gives, what it takes again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consensus.pool import Pool
from consensus.settings import Settings
from ledger.transaction import Transaction
from tests.simulator.inspection import check_sums
from tests.simulator.stage import EPOCH_MS, Stage

ONES = [Stage().transaction(number) for number in range(6)]
SIZE = len(ONES[0].raw)
MOVES = st.tuples(
    st.sampled_from(
        ("submit", "take-in", "done", "failed", "claim", "order", "forget", "restore", "other")
    ),
    st.integers(0, 5),
    st.sampled_from(("m0", "m1", "m2")),
)


def move(pool: Pool, what: str, one: Transaction, source: str) -> None:
    """One thing that happens to a pool."""
    known = pool.entries.get(one.digest)
    if what == "submit":
        pool.submit([one], source, 1)
    elif what == "take-in":
        pool.take_in([one.raw], source, 1, {})
    elif what == "done":
        pool.check_done(one.digest, one)
    elif what == "failed" and known is not None and known.transaction is None:
        pool.check_failed(one.digest)
    elif what == "claim":
        pool.claim(one.digest)
    elif what == "order":
        pool.order(one)
    elif what == "forget":
        pool.forget((one.digest,))
    elif what == "restore" and known is None:
        pool.restore(one)
    elif source == "m0":
        pool.unclaim_all()
    elif source == "m1":
        pool.expire(EPOCH_MS + 590_000)
    else:
        pending, ordered = pool.leave()
        pool.take_over(pending, ordered)


@given(st.lists(MOVES, max_size=40))
def test_whatever_happens_a_pool_counts_what_it_holds(moves: list[tuple[str, int, str]]) -> None:
    """R-RS-2: its limits are judged by these sums."""
    pool = Pool(Settings(remembered=3), 3)
    for what, number, source in moves:
        move(pool, what, ONES[number], source)
        check_sums("m0", pool)


@pytest.mark.parametrize("by", ["the own clients", "another member"])
def test_what_is_ordered_makes_room(by: str) -> None:
    """R-RS-2: room for one, and a hundred one after the other."""
    pool = Pool(
        Settings(
            pool_count=2, pool_source_count=1, pool_size=2 * SIZE + 9, pool_source_size=SIZE + 4
        ),
        2,
    )
    stage = Stage()
    for number in range(100):
        one = stage.transaction(number)
        if by == "the own clients":
            assert pool.submit([one], "m0", number) == ([one], [])
        else:
            assert pool.take_in([one.raw], "m1", number, {}) == [(one.digest, one.raw)]
            pool.check_done(one.digest, one)
        pool.order(one)


def test_a_pool_is_full_when_its_bytes_are_however_few_they_come_in() -> None:
    """R-RS-2."""
    pool = Pool(Settings(pool_size=2 * SIZE + 9, pool_source_size=SIZE), 1)
    _, refused = pool.submit(ONES[:3], "m0", 1)
    assert refused == [ONES[2].digest]


def test_a_batch_keeps_to_its_bytes_and_to_its_count_but_is_never_empty() -> None:
    """R-RS-3: a block may be so large and no larger, or honest backups blame the primary."""
    pool = Pool(Settings(), 4)
    pool.submit(ONES, "m0", 1)
    assert pool.batch(6, 3 * SIZE + 9) == ONES[:3]
    assert pool.batch(2, 100 * SIZE) == ONES[:2]
    assert pool.batch(6, 1) == ONES[:1]
    assert pool.batch(0, 100 * SIZE) == []


def test_what_was_not_checked_is_not_proposed_whatever_view_begins() -> None:
    """R-Q-6: the primary of a new view may propose only what it has checked."""
    pool = Pool(Settings(), 4)
    pool.take_in([ONES[0].raw], "m1", 1, {})
    pool.unclaim_all()
    assert pool.batch(9, 10**6) == []
    pool.check_done(ONES[0].digest, ONES[0])
    assert pool.batch(9, 10**6) == [ONES[0]]


def test_a_body_known_to_be_invalid_is_not_checked_again() -> None:
    """R-RS-2: else one bad body, sent a thousand times, costs a thousand checks."""
    pool = Pool(Settings(), 4)
    assert pool.take_in([ONES[0].raw], "m1", 1, {})
    pool.check_failed(ONES[0].digest)
    assert pool.take_in([ONES[0].raw], "m2", 1, {ONES[0].digest: None}) == []
