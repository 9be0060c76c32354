"""Answers that show part of a log (a period, a past record, one event), and lists with totals."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from msgspec.structs import replace

from ledger.assembly import assemble
from ledger.block import HEADER
from ledger.bundle import Ranged
from ledger.bundle_file import decode_bundle, encode_bundle
from ledger.claims import AsOf, Claim, EventAt, ListOf, Period
from ledger.codec import decode
from ledger.errors import ClientFault
from ledger.leaf import LEAF
from ledger.verdict import Report
from ledger.verify import verify_bundle
from tests.forger.stories import (
    ALLOCATION,
    COUNTS,
    DONATION,
    LOT_A,
    LOT_B,
    STOCK,
    donation_world,
    event,
    stock_world,
    supply,
)
from tests.forger.world import Call, World

world = cache(stock_world)


def time_of(index: int) -> int:
    return LEAF.decode(world().lives[STOCK].leaves[index]).time


def judged(claim: Claim, grown: World | None = None) -> Report:
    grown = grown or world()
    data = encode_bundle(assemble(grown, claim))
    assert encode_bundle(decode_bundle(data)) == data
    report = verify_bundle(data, grown.genesis, claim)
    assert report.clean, report.value()
    return report


def shown(report: Report) -> Ranged:
    assert report.bundle is not None
    (one,) = report.bundle.entities
    assert isinstance(one, Ranged)
    return one


@pytest.mark.parametrize("first", [0, 1, 7, 8, 16, 31, 36])
@pytest.mark.parametrize("count", [1, 5, 30])
def test_a_period_holds_exactly_its_events(first: int, count: int) -> None:
    stop = min(first + count, COUNTS)
    until = time_of(stop) if stop < COUNTS else time_of(COUNTS - 1) + 1
    report = judged(Period(STOCK, time_of(first), until))
    assert report.completeness.parameters["events"] == stop - first
    one = shown(report)
    assert (one.first, one.stop) == (max(0, first - 1), min(stop + 1, COUNTS))


def test_an_empty_period_between_two_events_shows_both_neighbours() -> None:
    report = judged(Period(STOCK, time_of(7) + 1, time_of(8)))
    assert report.completeness.parameters["events"] == 0
    assert (shown(report).first, shown(report).stop) == (7, 9)


def test_a_period_before_or_after_everything_is_bounded_by_the_nearest_event() -> None:
    before = judged(Period(STOCK, 0, 1))
    assert before.completeness.parameters["events"] == 0
    assert (shown(before).first, shown(before).stop) == (0, 1)
    after = judged(Period(STOCK, time_of(COUNTS - 1) + 1, 2**53 - 1))
    assert after.completeness.parameters["events"] == 0
    assert (shown(after).first, shown(after).stop) == (COUNTS - 1, COUNTS)


def test_a_period_that_ends_a_moment_after_the_last_event_shown_may_hide_another() -> None:
    """To the millisecond: the neighbour after a period is not in it."""
    honest = assemble(world(), Period(STOCK, time_of(3), time_of(8)))
    wider = Period(STOCK, time_of(3), time_of(8) + 1)
    report = verify_bundle(encode_bundle(replace(honest, claim=wider)), world().genesis)
    assert report.completeness.code == "period-open-after"


def test_a_list_counts_events_of_the_entitys_own_contract() -> None:
    """Another contract may name the entity and call its event the same."""
    grown = donation_world()
    inspected = event("inspected", on=(LOT_A,), verdict="conformant")
    grown.grow([Call([inspected], {LOT_A: {"held": 1}}, contract="datasharing")])
    grown.certify()
    report = judged(ListOf(LOT_A, "inspected"), grown)
    assert report.completeness.parameters["count"] == 1


def test_a_period_that_is_not_over_is_told_so_far() -> None:
    """A block may still come whose time is in it: nobody can say yet that there is no other."""
    last = HEADER.decode(world().header(world().height)).time
    assert judged(Period(STOCK, 0, last)).completeness.code == "complete-period"
    report = judged(Period(STOCK, 0, last + 1))
    assert report.completeness.code == "complete-period-so-far"
    assert report.completeness.parameters["events"] == COUNTS
    assert "was not over" in report.completeness.text("en")
    future = judged(Period(STOCK, last + 10**9, last + 10**10))
    assert (future.completeness.code, future.completeness.parameters["events"]) == (
        "complete-period-so-far",
        0,
    )


@pytest.mark.parametrize("height", [2, 3, 17, COUNTS + 1, COUNTS + 2])
def test_the_record_of_a_past_height_is_shown_as_it_stood(height: int) -> None:
    report = judged(AsOf(STOCK, height))
    assert report.completeness.code == "complete-as-of"
    then: Any = decode(shown(report).then or b"", "record")
    assert then == {"held": min(height, COUNTS + 1) - 2}


@pytest.mark.parametrize("height", [0, 1])
def test_what_did_not_exist_yet_is_told_so(height: int) -> None:
    assert judged(AsOf(STOCK, height)).completeness.code == "complete-as-of-absent"


def test_what_never_existed_did_not_exist_then() -> None:
    claim = AsOf(supply("lot", "none"), 5)
    assert judged(claim).completeness.code == "complete-as-of-absent"


@pytest.mark.parametrize("index", [0, 1, 31, 32, COUNTS - 1])
def test_one_event_is_proved_by_itself(index: int) -> None:
    report = judged(EventAt(STOCK, index))
    assert report.completeness.parameters["index"] == index
    (leaf,) = report.logs[STOCK]
    assert leaf.body == {"count": index}


def test_an_answer_from_a_long_log_is_small() -> None:
    whole = len(b"".join(world().lives[STOCK].leaves))
    assert len(encode_bundle(assemble(world(), EventAt(STOCK, 20)))) < whole


def test_a_list_is_recounted_from_its_events() -> None:
    grown = donation_world()
    told = judged(ListOf(LOT_A, "proposed"), grown).completeness.parameters
    assert (told["count"], told["taken"], told["made"]) == (1, 400, 0)
    told = judged(ListOf(DONATION, "received"), grown).completeness.parameters
    assert (told["count"], told["taken"], told["made"]) == (2, 800, 0)
    assert judged(ListOf(LOT_B, "received"), grown).completeness.parameters["made"] == 300
    assert judged(ListOf(ALLOCATION, "used"), grown).completeness.parameters["count"] == 0


@pytest.mark.parametrize(
    ("claim", "code"),
    [
        (EventAt(STOCK, COUNTS), "no-such-event"),
        (AsOf(STOCK, 1_000), "height-ahead"),
        (Period(supply("lot", "none"), 0, 1), "unknown-entity"),
    ],
)
def test_what_cannot_be_answered_is_refused_by_its_maker(claim: Claim, code: str) -> None:
    with pytest.raises(ClientFault) as refused:
        assemble(world(), claim)
    assert refused.value.code == code
