"""From words to items: what a spec says and what it does not, and no rule without a reason."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.redcross import derive_master, rules
from client.redcross.master import Placed, place
from client.redcross.packs import read_pack
from client.redcross.stock import Draw, Lot, Shortage, Stock
from client.redcross.tables import Row
from client.redcross.timeline import UNKNOWN_DAY, day_of
from client.redcross.wording import fold, fold_spec, read_item

BARE = Row(
    "receipts", 2, "R1", "s", "1", "2020-01-30", "", "d", "organisation", "explicit",
    "口罩", "", "箱", 1, "", "",
)  # fmt: skip


def placed(item: str, spec: str, unit: str) -> Placed:
    return place(replace(BARE, item=item, spec=spec, unit=unit))


@pytest.mark.parametrize(
    ("spec", "unit", "factor", "word"),
    [
        ("80副/件", "件", 80, "副"),
        ("80副/件", "箱", 80, "副"),
        ("200个/箱", "件", 200, "个"),
        ("12瓶/箱", "箱", 12, "瓶"),
        ("500G,12瓶/箱", "箱", 12, "瓶"),
        ("2.5L/瓶，6瓶/箱", "箱", 6, "瓶"),
        ("500ml*30瓶", "件", 30, "瓶"),
        ("100支/盒 10盒/箱", "箱", 1000, "支"),
        ("100支/盒 10盒/箱", "盒", 100, "支"),
        ("10盒/箱，10支/盒", "箱", 100, "支"),
        ("1只/袋 50只/盒 40/箱", "箱", 2000, "只"),
        ("1只/袋 50只/盒 2盒/组 8组/箱", "箱", 800, "只"),
        ("1只/袋 50袋/盒 12盒/箱", "箱", 600, "只"),
        ("30只*80盒/箱", "箱", 80, "盒"),
        ("1302v，180只/件", "件", 180, "只"),
        ("120盒", "箱", 120, "盒"),
        ("100件/箱", "箱", 100, "单件"),
    ],
)
def test_a_factor_that_the_spec_states_is_read(
    spec: str, unit: str, factor: int, word: str
) -> None:
    pack = read_pack(fold_spec(spec), unit)
    assert (pack.factor, pack.word, pack.stated) == (factor, word, True)


@pytest.mark.parametrize(
    ("spec", "unit"),
    [
        ("", "箱"),
        ("/", "件"),
        ("12*25只/箱", "箱"),
        ("10ml*10支", "件"),
        ("8粒", "件"),
        ("52*25.5*35", "箱"),
        ("1*60*10*1791", "件"),
        ("100张/包*8包", "包"),
        ("0.25g*12片*400盒", "件"),
        ("2盒/盒", "箱"),
        ("0只/箱", "箱"),
        ("9999999只/箱", "箱"),
        ("5盒/袋 5袋/盒", "盒"),
        ("4包/提", "箱"),
    ],
)
def test_a_spec_that_is_not_certain_gives_no_factor_and_the_unit_stays_its_own(
    spec: str, unit: str
) -> None:
    pack = read_pack(fold_spec(spec), unit)
    assert (pack.factor, pack.word, pack.stated) == (1, unit, False)


def test_a_pack_printed_in_the_items_text_is_its_spec() -> None:
    found = placed("护目镜48副/箱", "", "箱")
    assert (found.product, found.base, found.factor) == ("护目镜", "副", 48)
    assert placed("84消毒液 1.25L", "", "箱").variant == "1.25l"


def test_a_pair_of_gloves_is_two_and_a_pair_of_goggles_is_one() -> None:
    assert (placed("手套", "400副/箱", "箱").base, placed("手套", "400副/箱", "箱").factor) == (
        "只",
        800,
    )
    assert (placed("护目镜", "", "副").base, placed("护目镜", "", "个").factor) == ("副", 1)


def test_a_mixed_parcel_belongs_to_no_category() -> None:
    assert placed("口罩手套", "", "支").base == "支"


def test_a_number_per_carton_without_a_counting_word_counts_pieces_of_the_category() -> None:
    found = placed("口罩", "10000/箱", "箱")
    assert (found.base, found.factor) == ("只", 10000)


@pytest.mark.parametrize(
    "text",
    [
        "N95口罩",
        "KN95口罩",
        "医用口罩",
        "医用外科口罩",
        "外科口罩",
        "一次性医用口罩",
        "医用防护口罩",
        "3M口罩",
        "一次性使用医用口罩",
        "KF94口罩",
        "防护口罩",
        "口罩(民用)",
    ],
)
def test_kinds_of_masks_stay_as_many_as_their_names(text: str) -> None:
    others = {"N95口罩", "KN95口罩", "医用口罩", "医用外科口罩", "外科口罩", "口罩"} - {text}
    assert placed(text, "", "只").product not in {placed(each, "", "只").product for each in others}


def test_spaces_width_and_case_do_not_make_another_thing() -> None:
    assert fold("病人监护仪 Ｂ125") == fold("病人监护仪b125")
    assert read_item("84消费液").product == read_item("８４消毒液").product


def test_every_rule_has_a_reason_and_stands_in_folded_words() -> None:
    for alias in rules.ALIASES:
        assert alias.reason
        assert fold(alias.text) == alias.text
        assert read_item(alias.text).product == alias.product
    assert all(reason for _, _, reason in rules.SLIPS)
    assert all(category.reason for category in rules.PIECES)
    assert all(reason for _, _, _, reason in rules.PRODUCT_PIECES)
    assert all(reason for _, reason in rules.CARTON_SYNONYMS)
    assert all(reading.reason for reading in rules.SPEC_READINGS)
    assert all(fold_spec(reading.spec) == reading.spec for reading in rules.SPEC_READINGS)
    assert all(rule[3] for rule in rules.VARIANTS)


def test_the_master_is_the_same_whatever_the_order_and_other_packs_make_another_item() -> None:
    rows = [replace(BARE, spec=spec) for spec in ("1000只/箱", "2000只/箱", "", "M")]
    one, two = derive_master(rows, "org"), derive_master(rows[::-1], "org")
    ids = {item.identity for item in one.items.values()}
    assert ids == {item.identity for item in two.items.values()}
    fewer = {item.identity for item in derive_master(rows[1:], "org").items.values()}
    assert ids - fewer
    assert [len(item.packs) for item in one.items.values()] == [2, 0, 0]


@pytest.mark.parametrize(
    ("raw", "first", "day"),
    [
        ("截至28日", "2020-01-24", "2020-01-28"),
        ("截至3日", "2020-01-24", "2020-02-03"),
        ("截至2月3日", "2020-01-24", "2020-02-03"),
        ("截至3日", "2020-12-24", "2021-01-03"),
        ("截至32日", "2020-01-24", UNKNOWN_DAY),
        ("", "2020-01-24", UNKNOWN_DAY),
        ("不详", "2020-01-24", UNKNOWN_DAY),
    ],
)
def test_a_bound_in_words_is_a_day_and_anything_else_comes_last(
    raw: str, first: str, day: str
) -> None:
    assert day_of(replace(BARE, date="", date_raw=raw), first) == day


SPECS = ["", "10只/箱", "20只/箱", "M", "M,20只/箱"]
ROWS = st.lists(
    st.tuples(st.sampled_from(SPECS), st.sampled_from(["箱", "只", "件"]), st.integers(1, 50)),
    max_size=12,
)


@given(received=ROWS, asked=ROWS)
def test_draws_are_exact_and_never_exceed_what_a_lot_received(
    received: list[tuple[str, str, int]], asked: list[tuple[str, str, int]]
) -> None:
    stock = Stock()
    lots: list[Lot] = []
    for index, (spec, unit, count) in enumerate(received):
        where = placed("口罩", spec, unit)
        lots.append(Lot(f"l{index}", f"R{index}", "", where, count * where.factor))
        stock.add(lots[-1])
    total = [lot.held for lot in lots]
    given_out = [0] * len(lots)
    for spec, unit, count in asked:
        demand = placed("口罩", spec, unit)
        plan = stock.plan(demand, count)
        if isinstance(plan, Shortage):
            assert plan.held < plan.asked
            continue
        assert isinstance(plan, Draw)
        stock.take(plan)
        for lot, quantity in plan.lots:
            given_out[lots.index(lot)] += quantity
            assert quantity > 0
        if all(lot.placed.base == demand.base for lot, _ in plan.lots):
            assert sum(quantity for _, quantity in plan.lots) == count * demand.factor
    assert [lot.held + gone for lot, gone in zip(lots, given_out, strict=True)] == total
    assert all(lot.held >= 0 for lot in lots)
