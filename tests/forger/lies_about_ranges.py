"""Lies about part of a log: a period cut short, a record of another time, another list's total."""

from __future__ import annotations

from functools import cache
from typing import Any

from msgspec.structs import replace

from ledger.bundle import Bundle, Logged, Outlined, Ranged
from ledger.claims import Absence, AsOf, EventAt, Extension, History, ListOf, Period, Ranging
from ledger.leaf import LEAF, parse_state_value
from ledger.merkle_log import leaf_hash
from ledger.merkle_ranges import subtree_roots
from tests.forger.forging import Attempt, attempt, donation, forgery, honest
from tests.forger.stories import LOT_A, LOT_B, STOCK, event, stock_world, supply
from tests.forger.world import Call, World


@cache
def stock() -> World:
    return stock_world()


def leaves() -> list[bytes]:
    return stock().lives[STOCK].leaves


def time_of(index: int) -> int:
    return LEAF.decode(leaves()[index]).time


def ranged(first: int, stop: int, **changes: Any) -> Ranged:
    """The lot's leaves first..stop−1, truly covered on both sides."""
    value = parse_state_value(stock().lives[STOCK].value())
    hashes = [leaf_hash(leaf) for leaf in leaves()]
    true = Ranged(
        STOCK,
        value.record,
        value.size,
        first,
        tuple(leaves()[first:stop]),
        tuple(subtree_roots(hashes[:first], 0)),
        tuple(subtree_roots(hashes[stop:], stop)),
    )
    return replace(true, **changes)


def answered(claim: Ranging, shown: Any) -> Attempt:
    """The honest answer to a claim with another thing shown."""
    bundle = honest(stock(), claim)
    return attempt(replace(bundle, entities=(shown,)), stock(), about=claim)


def part(bundle: Bundle) -> Ranged:
    (one,) = bundle.entities
    assert isinstance(one, Ranged)
    return one


PERIOD = Period(STOCK, time_of(10), time_of(20))


# -- a period -------------------------------------------------------------------------------------


@forgery("completeness", "period-open-before")
def the_first_event_of_a_period_is_left_out_with_its_neighbour() -> Attempt:
    return answered(PERIOD, ranged(11, 21))


@forgery("completeness", "period-open-after")
def the_last_event_of_a_period_is_left_out_with_its_neighbour() -> Attempt:
    return answered(PERIOD, ranged(9, 19))


@forgery("completeness", "period-open-before")
def the_neighbour_before_a_period_is_left_out() -> Attempt:
    return answered(PERIOD, ranged(10, 21))


@forgery("completeness", "period-open-after")
def the_neighbour_after_a_period_is_left_out() -> Attempt:
    return answered(PERIOD, ranged(9, 20))


@forgery("completeness", "leaf-superfluous")
def a_period_begins_two_events_too_early() -> Attempt:
    return answered(PERIOD, ranged(8, 21))


@forgery("completeness", "leaf-superfluous")
def a_period_ends_two_events_too_late() -> Attempt:
    return answered(PERIOD, ranged(9, 22))


@forgery("completeness", "period-open-before")
def an_empty_period_is_shown_by_what_comes_after_it() -> Attempt:
    return answered(PERIOD, ranged(25, 26))


@forgery("completeness", "period-open-after")
def an_empty_period_is_shown_by_what_came_before_it() -> Attempt:
    return answered(PERIOD, ranged(3, 4))


@forgery("integrity", "not-in-state")
def an_event_is_taken_out_of_the_middle_of_a_period() -> Attempt:
    true = ranged(9, 21)
    kept = (*true.leaves[:4], *true.leaves[5:])
    hashes = [leaf_hash(leaf) for leaf in leaves()]
    after = tuple(subtree_roots(hashes[21:], 20))
    return answered(PERIOD, replace(true, leaves=kept, size=true.size - 1, after=after))


@forgery("integrity", "malformed")
def a_cover_has_a_hash_too_few() -> Attempt:
    true = ranged(9, 21)
    return answered(PERIOD, replace(true, before=true.before[1:]))


@forgery("integrity", "malformed")
def a_cover_has_a_hash_too_many() -> Attempt:
    true = ranged(9, 21)
    return answered(PERIOD, replace(true, after=(*true.after, bytes(32))))


@forgery("integrity", "not-in-state")
def a_hash_of_a_cover_is_changed() -> Attempt:
    true = ranged(9, 21)
    return answered(PERIOD, replace(true, before=(bytes(32), *true.before[1:])))


@forgery("integrity", "not-in-state")
def the_covers_of_both_sides_are_exchanged() -> Attempt:
    true = ranged(16, 21)  # one hash before, four after: as many are kept as each side needs
    swapped = (*true.before, *true.after)[::-1]
    one = len(true.before)
    return answered(PERIOD, replace(true, before=swapped[:one], after=swapped[one:]))


@forgery("integrity", "malformed")
def a_range_ends_beyond_its_log() -> Attempt:
    true = ranged(30, len(leaves()))
    return answered(PERIOD, replace(true, size=true.size - 1))


@forgery("integrity", "malformed")
def a_range_shows_no_leaf() -> Attempt:
    return answered(PERIOD, ranged(9, 9))


@forgery("completeness", "record-of-another-time")
def a_period_brings_a_record_along() -> Attempt:
    true = ranged(9, 21)
    return answered(PERIOD, replace(true, then=true.record))


@forgery("completeness", "entity-superfluous")
def a_period_is_answered_by_the_whole_log() -> Attempt:
    value = parse_state_value(stock().lives[STOCK].value())
    return answered(PERIOD, Logged(STOCK, value.record, tuple(leaves())))


@forgery("completeness", "entity-superfluous")
def a_period_is_answered_by_an_outline() -> Attempt:
    value = parse_state_value(stock().lives[STOCK].value())
    return answered(PERIOD, Outlined(STOCK, value.record, value.size, value.frontier))


def _of_nothing(claim: Ranging) -> Attempt:
    """A question about part of a log, answered by the true proof that there is no such entity."""
    return attempt(replace(honest(stock(), Absence(claim.path)), claim=claim), stock(), about=claim)


@forgery("completeness", "entity-absent")
def a_period_of_what_does_not_exist() -> Attempt:
    return _of_nothing(Period(supply("lot", "none"), PERIOD.since, PERIOD.until))


@forgery("completeness", "entity-absent")
def an_event_of_what_does_not_exist() -> Attempt:
    return _of_nothing(EventAt(supply("lot", "none"), 0))


@forgery("completeness", "another-question")
def another_period_is_answered() -> Attempt:
    other = honest(stock(), replace_claim(PERIOD, until=time_of(21)))
    return attempt(other, stock(), about=PERIOD)


def replace_claim(claim: Period, until: int) -> Period:
    return Period(claim.path, claim.since, until)


@forgery("integrity", "malformed")
def a_period_ends_before_it_begins() -> Attempt:
    bundle = honest(stock(), PERIOD)
    return attempt(replace(bundle, claim=Period(STOCK, time_of(20), time_of(10))), stock())


# -- a past record --------------------------------------------------------------------------------

PAST = AsOf(STOCK, 12)  # the lot's log begins at height 2, one event a block


@forgery("completeness", "record-of-another-time")
def an_older_record_is_shown() -> Attempt:
    true = part(honest(stock(), PAST))
    older = part(honest(stock(), AsOf(STOCK, 11)))
    return answered(PAST, replace(true, then=older.then))


@forgery("completeness", "as-of-open")
def a_past_record_hides_the_event_after_it() -> Attempt:
    true = part(honest(stock(), AsOf(STOCK, 11)))
    alone = ranged(true.first, true.first + 1, then=true.then)
    return answered(PAST, alone)


@forgery("completeness", "leaf-superfluous")
def a_past_record_is_followed_by_an_event_that_is_not_later() -> Attempt:
    return answered(PAST, part(honest(stock(), AsOf(STOCK, 11))))


@forgery("completeness", "as-of-open")
def what_existed_is_said_not_to_have_existed_yet() -> Attempt:
    return answered(PAST, ranged(20, 21))


@forgery("completeness", "leaf-superfluous")
def a_past_record_comes_with_three_events() -> Attempt:
    true = part(honest(stock(), PAST))
    return answered(PAST, ranged(true.first, true.first + 3, then=true.then))


@forgery("completeness", "record-of-another-time")
def a_past_record_is_left_out() -> Attempt:
    return answered(PAST, replace(part(honest(stock(), PAST)), then=None))


@forgery("completeness", "record-of-another-time")
def a_record_is_shown_of_what_did_not_exist_yet() -> Attempt:
    claim = AsOf(STOCK, 1)
    true = part(honest(stock(), claim))
    return answered(claim, replace(true, then=true.record))


@forgery("completeness", "leaf-superfluous")
def what_did_not_exist_yet_comes_with_two_events() -> Attempt:
    return answered(AsOf(STOCK, 1), ranged(0, 2))


@forgery("completeness", "height-ahead")
def a_past_height_lies_in_the_future() -> Attempt:
    claim = AsOf(STOCK, stock().height + 1)
    bundle = replace(honest(stock(), PAST), claim=claim)
    return attempt(bundle, stock())


# -- one event ------------------------------------------------------------------------------------


@forgery("completeness", "event-of-another-index")
def another_event_is_shown() -> Attempt:
    return answered(EventAt(STOCK, 12), ranged(13, 14))


@forgery("completeness", "leaf-superfluous")
def two_events_are_shown_for_one() -> Attempt:
    return answered(EventAt(STOCK, 12), ranged(12, 14))


@forgery("integrity", "not-in-state")
def an_event_is_given_another_number() -> Attempt:
    true = ranged(12, 13)
    renumbered = replace(
        true,
        first=13,
        before=tuple(subtree_roots([bytes(32)] * 13, 0)),
        after=tuple(subtree_roots([bytes(32)] * (true.size - 14), 14)),
    )
    return answered(EventAt(STOCK, 13), renumbered)


@forgery("completeness", "entity-missing")
def an_event_of_another_entity_is_shown() -> Attempt:
    claim = EventAt(LOT_B, 0)
    bundle = replace(honest(donation(), EventAt(LOT_A, 0)), claim=claim)
    return attempt(bundle, donation())


@forgery("integrity", "record-without-event")
def the_newest_event_does_not_leave_the_record_shown() -> Attempt:
    """A write that bypassed the log, shown by the last event alone."""
    world = World()
    world.grow([Call([event("counted", on=(STOCK,), count=1)], {STOCK: {"held": 1}})])
    world.grow([], bypass={STOCK: {"held": 2}})
    world.certify()
    return attempt(honest(world, EventAt(STOCK, 0)), world)


# -- lists and checkpoints ------------------------------------------------------------------------


@forgery("completeness", "entity-without-log")
def a_total_without_its_events() -> Attempt:
    value = parse_state_value(donation().lives[LOT_A].value())
    outline = Outlined(LOT_A, value.record, value.size, value.frontier)
    bundle = honest(donation(), ListOf(LOT_A, "proposed"))
    return attempt(replace(bundle, entities=(outline,)), donation())


@forgery("completeness", "another-question")
def the_total_of_another_kind_of_event() -> Attempt:
    bundle = honest(donation(), ListOf(LOT_A, "shipped"))
    return attempt(bundle, donation(), about=ListOf(LOT_A, "proposed"))


@forgery("completeness", "another-question")
def a_history_is_passed_off_as_a_list() -> Attempt:
    bundle = honest(donation(), History(LOT_A))
    return attempt(bundle, donation(), about=ListOf(LOT_A, "proposed"))


@forgery("integrity", "not-consistent")
def a_chain_is_said_to_extend_another() -> Attempt:
    true = honest(donation(), Extension(3, donation().chain.root(3)))
    assert true.consistency is not None
    false = replace(true.consistency, root=bytes(32))
    return attempt(replace(true, claim=Extension(3, bytes(32)), consistency=false), donation())


@forgery("integrity", "malformed")
def a_consistency_is_of_another_size_than_claimed() -> Attempt:
    true = honest(donation(), Extension(3, donation().chain.root(3)))
    other = honest(donation(), Extension(2, donation().chain.root(2)))
    return attempt(replace(true, consistency=other.consistency), donation())


@forgery("integrity", "malformed")
def a_consistency_is_of_another_root_than_claimed() -> Attempt:
    true = honest(donation(), Extension(3, donation().chain.root(3)))
    return attempt(replace(true, claim=Extension(3, bytes(32))), donation())


@forgery("integrity", "malformed")
def a_consistency_is_claimed_and_not_proved() -> Attempt:
    true = honest(donation(), Extension(3, donation().chain.root(3)))
    return attempt(replace(true, consistency=None), donation())
