"""Honest bundles at the very edge of what is accepted; a step further is a forgery."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from ledger.assembly import assemble_receipts
from ledger.claims import History, ListOf, Trace
from ledger.limits import BUNDLE_EVENTS_MAX, CLOCK_TOLERANCE_S, VALIDITY_MS_MAX
from tests.forger import stories
from tests.forger.forging import Attempt, attempt, donation, honest
from tests.forger.stories import DONATION, LOT_A, STOCK, event
from tests.forger.world import Call, World


def ordered(left_ms: int) -> Attempt:
    """The receipt of a transaction that was valid for so long still when it was ordered."""
    world = World()
    world.validity_ms = left_ms
    world.grow([stories.receipt(DONATION, (), "a-firm")])
    world.certify()
    return attempt(assemble_receipts(world, 1, [0])[0], world)


@cache
def counted_often() -> World:
    """An entity with as many events as one bundle holds."""
    world = World()
    counts = [event("counted", on=(STOCK,), count=count) for count in range(BUNDLE_EVENTS_MAX)]
    world.grow([Call(counts, {STOCK: {"held": 1}})])
    world.certify()
    return world


def a_transaction_in_its_last_millisecond() -> Attempt:
    return ordered(1)


def a_transaction_valid_for_the_whole_window() -> Attempt:
    return ordered(VALIDITY_MS_MAX)


def members_who_cosign_in_the_second_of_the_block() -> Attempt:
    world = stories.donation_world()
    world.certify(delays=(0, 0, 0))
    return attempt(honest(world, Trace(DONATION)), world)


def a_reader_whose_clock_is_behind_by_the_tolerance() -> Attempt:
    now = min(donation().certificate().timestamps()) - CLOCK_TOLERANCE_S
    return attempt(honest(donation(), Trace(DONATION)), donation(), now_s=now, max_age_s=0)


def a_checkpoint_as_old_as_is_tolerated() -> Attempt:
    now = min(donation().certificate().timestamps()) + 600
    return attempt(honest(donation(), Trace(DONATION)), donation(), now_s=now, max_age_s=600)


def as_many_events_as_a_bundle_holds() -> Attempt:
    return attempt(honest(counted_often(), History(STOCK)), counted_often())


def a_list_beside_events_of_that_name_of_another_contract() -> Attempt:
    """Only the entity's own contract says what a kind of its events means."""
    world = stories.donation_world()
    world.grow([Call([event("proposed", on=(LOT_A,))], {LOT_A: {"held": 1}}, "datasharing")])
    world.certify()
    return attempt(honest(world, ListOf(LOT_A, "proposed")), world)


EDGES: list[Callable[[], Attempt]] = [
    a_transaction_in_its_last_millisecond,
    a_transaction_valid_for_the_whole_window,
    members_who_cosign_in_the_second_of_the_block,
    a_reader_whose_clock_is_behind_by_the_tolerance,
    a_checkpoint_as_old_as_is_tolerated,
    as_many_events_as_a_bundle_holds,
    a_list_beside_events_of_that_name_of_another_contract,
]
