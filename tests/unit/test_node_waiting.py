"""Who waits for a transaction is released once, truthfully, and leaves nothing behind."""

from __future__ import annotations

from node.waiting import Waiting
from tests.node_world import define


def is_empty(waiting: Waiting) -> bool:
    kept = (waiting._waiters, waiting._identities, waiting._executed)
    return len(waiting) == 0 and not any(kept)


async def test_a_waiter_is_released_with_its_place_once_its_block_is_certified() -> None:
    waiting, one, two = Waiting(), define("a"), define("b")
    first, second = waiting.wait(one), waiting.wait(two)
    waiting.executed(7, [define("other"), one])
    waiting.executed(8, [two])
    assert not first.done()
    waiting.certified(7)
    assert first.result() == (7, 1)
    assert not second.done()
    waiting.certified(9)
    assert second.result() == (8, 0)
    assert is_empty(waiting)


async def test_who_asks_between_execution_and_certificate_is_released_with_it() -> None:
    waiting, one = Waiting(), define("a")
    late = waiting.wait(one, (7, 3))
    waiting.certified(6)
    assert not late.done()
    waiting.certified(7)
    assert late.result() == (7, 3)
    assert is_empty(waiting)


async def test_all_who_wait_for_one_transaction_hear_of_it() -> None:
    waiting, one = Waiting(), define("a")
    futures = [waiting.wait(one) for _ in range(3)]
    assert len(waiting) == 3
    waiting.executed(1, [one])
    waiting.certified(1)
    assert [each.result() for each in futures] == [(1, 0)] * 3
    assert is_empty(waiting)


async def test_the_first_place_of_an_id_counts() -> None:
    """A second occurrence is refused as replayed, in the same block or a later one."""
    waiting, one = Waiting(), define("a")
    future = waiting.wait(one)
    waiting.executed(4, [define("x"), one, one])
    waiting.executed(5, [one])
    waiting.certified(5)
    assert future.result() == (4, 1)
    assert is_empty(waiting)


async def test_a_refusal_by_the_engine_releases_with_its_code() -> None:
    waiting, one, two = Waiting(), define("a"), define("b")
    refused, kept = waiting.wait(one), waiting.wait(two)
    waiting.refused([one.digest, define("unknown").digest], "pool-full")
    assert refused.result() == "pool-full"
    assert not kept.done()
    assert len(waiting) == 1
    waiting.forget(two, kept)
    assert is_empty(waiting)


async def test_who_gives_up_is_forgotten_and_the_others_are_not() -> None:
    waiting, one = Waiting(), define("a")
    patient, hasty = waiting.wait(one), waiting.wait(one)
    waiting.forget(one, hasty)
    waiting.forget(one, hasty)  # twice does no harm
    assert len(waiting) == 1
    waiting.refused([one.digest], "expired")
    assert patient.result() == "expired"
    assert not hasty.done()
    assert is_empty(waiting)


async def test_a_cancelled_waiter_is_no_obstacle() -> None:
    waiting, one = Waiting(), define("a")
    cancelled, other = waiting.wait(one), waiting.wait(one)
    cancelled.cancel()
    waiting.executed(1, [one])
    waiting.certified(1)
    assert other.result() == (1, 0)
    assert is_empty(waiting)


async def test_a_member_that_halts_tells_everybody_that_it_does_not_know() -> None:
    waiting, one, two = Waiting(), define("a"), define("b")
    futures = [waiting.wait(one), waiting.wait(two, (3, 0))]
    waiting.abandon()
    assert [each.result() for each in futures] == [None, None]
    assert is_empty(waiting)


async def test_blocks_nobody_waits_for_are_not_noted() -> None:
    waiting = Waiting()
    waiting.executed(1, [define("a")])
    assert is_empty(waiting)
