"""The importer against the real contracts and tables: every row accounted for, nothing doubled."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from client.calls import Call
from client.redcross import Importer, Parties, Report, read_distributions, read_receipts
from client.redcross.identities import donation_id
from client.redcross.tables import DISTRIBUTION_COLUMNS, RECEIPT_COLUMNS, Row
from client.scenario import ACCOUNTS, IMPORT_PARTIES
from ledger.block import Result
from tests.chaincode_world import World, genesis

FINDINGS = {"nothing-received", "wrong-unit", "more-than-held"}


@dataclass
class Chain:
    """A submitter over the real runtime: every submission is one block."""

    world: World = field(default_factory=lambda: World(genesis({a.id: a.roles for a in ACCOUNTS})))
    calls: list[Call] = field(default_factory=list)
    fail_after: int | None = None

    def submit(self, transactions: Sequence[Call]) -> Sequence[Result]:
        if self.fail_after is not None:
            if self.fail_after == 0:
                raise ConnectionError("the line is cut")
            self.fail_after -= 1
        self.calls += transactions
        return self.world.block(
            [
                self.world.transaction(
                    list(c.accounts), f"{c.contract}.{c.function}", **c.arguments
                )
                for c in transactions
            ]
        )


def receipts(*rows: dict[str, str]) -> list[Row]:
    return read_receipts(table(RECEIPT_COLUMNS, "receipt_no", "R", rows), "receipts.csv")


def distributions(*rows: dict[str, str]) -> list[Row]:
    return read_distributions(
        table(DISTRIBUTION_COLUMNS, "dist_no", "D", rows), "distributions.csv"
    )


def table(
    columns: Sequence[str], number: str, letter: str, rows: Sequence[dict[str, str]]
) -> bytes:
    defaults = {
        "source_sheet": "Sheet1",
        "source_file": "file",
        "date": "2020-01-30",
        "donor": "某公司",
        "donor_kind": "organisation",
        "donor_cell": "explicit",
        "recipient": "同济医院",
        "recipient_cell": "explicit",
        "unit": "箱",
        "qty": "1",
    }
    lines = [",".join(columns)]
    for index, row in enumerate(rows, 1):
        values = {**defaults, number: f"{letter}{index:05}", "source_row": str(index), **row}
        lines.append(",".join(values.get(column, "") for column in columns))
    return ("\n".join(lines) + "\n").encode()


def run(given: list[Row], out: list[Row], chain: Chain | None = None) -> Report:
    return Importer(IMPORT_PARTIES, chain or Chain()).run(given, out)


def codes(report: Report, name: str = "distributions") -> list[str]:
    return [outcome.code for outcome in report.outcomes if outcome.table == name]


@pytest.fixture(scope="module")
def real(shared: Any) -> tuple[Chain, Report, list[Row], list[Row]]:
    folder = shared / "data" / "wuhan_redcross_2020"
    given = read_receipts((folder / "receipts.csv").read_bytes(), "receipts.csv")
    out = read_distributions((folder / "distributions.csv").read_bytes(), "distributions.csv")
    chain = Chain()
    return chain, run(given, out, chain), given, out


def test_every_row_of_the_published_tables_is_accepted_or_refused_with_a_reason(
    real: tuple[Chain, Report, list[Row], list[Row]],
) -> None:
    _, report, _, _ = real
    summary = report.summary()
    assert summary["receipts"] == {"rows": 2925, "accepted": 2922, "refused": {"missing-item": 3}}
    given = summary["distributions"]
    assert given["rows"] == 731
    assert given["accepted"] + sum(given["refused"].values()) == 731
    assert given["refused"]["missing-recipient"] == 23
    assert set(given["refused"]) == {"missing-recipient", *FINDINGS}
    assert summary["findings"] == sum(given["refused"][code] for code in FINDINGS)
    assert report.items["refused"] == {}
    json.dumps(report.as_json())


def test_mapping_explains_a_third_of_the_pairs_that_seemed_short(
    real: tuple[Chain, Report, list[Row], list[Row]],
) -> None:
    pairs = real[1].pairs
    assert (pairs["pairs"], pairs["short_before_mapping"]) == (199, 145)
    assert pairs["short_after_mapping"] < 100


def test_no_lot_ever_gives_more_than_was_received_and_no_hand_over_is_invented(
    real: tuple[Chain, Report, list[Row], list[Row]],
) -> None:
    chain = real[0]
    drawn: dict[str, int] = {}
    for call in chain.calls:
        if call.function == "ship":
            for lot, quantity in call.arguments["lots"]:
                drawn[lot] = drawn.get(lot, 0) + quantity
    assert drawn
    for lot, quantity in drawn.items():
        record = chain.world.record(f"supplies/lot/{lot}")
        assert record.in_transit == quantity <= record.received
        assert record.delivered == 0
    assert {c.function for c in chain.calls} == {
        "define_item", "receive", "propose", "approve", "ship",
    }  # fmt: skip


def test_a_finding_names_the_receipts_behind_it_and_what_came_later(
    real: tuple[Chain, Report, list[Row], list[Row]],
) -> None:
    findings = {finding.number: finding for finding in real[1].findings}
    numbers = {row.number for row in real[2]}
    assert all(f.code in FINDINGS and f.asked > f.held for f in findings.values())
    assert all(set(f.received_rows) <= numbers for f in findings.values())
    assert any(f.received_later for f in findings.values())
    later = next(f for f in findings.values() if f.item == "复方金银花颗粒")
    assert (later.code, later.received_rows_count) == ("nothing-received", 0)
    assert later.received_later == later.asked


def test_the_undated_block_that_lists_rows_again_is_pointed_out_and_both_rows_stand(
    real: tuple[Chain, Report, list[Row], list[Row]],
) -> None:
    notices = {notice.number: notice.other for notice in real[1].notices}
    assert notices["R00227"] == "R00026"  # the same hundred humidifiers
    assert notices["R00326"] == "R00191"  # 240 goggles, and five cartons of 48


def test_a_second_import_into_the_same_ledger_adds_nothing(
    real: tuple[Chain, Report, list[Row], list[Row]],
) -> None:
    chain, first, given, out = real
    before = dict(chain.world.values)
    again = run(given, out, chain).summary()
    accepted = first.summary()["distributions"]["accepted"]
    assert again["receipts"]["refused"] == {"already-exists": 2922, "missing-item": 3}
    assert again["distributions"]["accepted"] == 0
    assert again["distributions"]["refused"]["already-exists"] == accepted
    grown = {key for key, value in chain.world.values.items() if before.get(key) != value}
    texts = {chain.world.paths[key].text for key in grown}
    assert all(text.startswith("runtime/dup/") for text in texts)


def test_an_import_that_was_cut_is_completed_by_the_next() -> None:
    given = receipts({"item": "口罩", "qty": "9"}, {"item": "口罩", "date": "2020-02-02"})
    out = distributions({"item": "口罩", "qty": "4", "date": "2020-02-01"})
    whole = Chain()
    run(given, out, whole)
    for cut in range(1, 6):
        chain = Chain(fail_after=cut)
        with pytest.raises(ConnectionError):
            run(given, out, chain)
        chain.fail_after = None
        report = run(given, out, chain)
        assert codes(report) in (["accepted"], ["already-exists"])
        path = f"supplies/shipment/{donation_id('red-cross', out[0])}.s1"
        assert chain.world.record(path).status == "in_transit"
        assert {p.text for p in chain.world.logs} == {p.text for p in whole.world.logs}


def test_goods_packed_and_goods_in_pieces_meet_in_base_units() -> None:
    given = receipts({"item": "护目镜", "spec": "200个/箱", "qty": "2"})
    out = distributions({"item": "护目镜", "unit": "副", "qty": "150", "date": "2020-01-31"})
    chain = Chain()
    assert codes(run(given, out, chain)) == ["accepted"]
    lot = chain.world.record(f"supplies/lot/{donation_id('red-cross', given[0])}.1")
    assert (lot.base_unit, lot.received, lot.in_transit) == ("副", 400, 150)


def test_cartons_whose_content_nobody_stated_do_not_turn_into_pieces() -> None:
    given = receipts({"item": "口罩", "qty": "5"})
    out = distributions({"item": "口罩", "unit": "只", "qty": "10"})
    report = run(given, out)
    assert codes(report) == ["wrong-unit"]
    assert report.findings[0].received_rows == ("R00001",)


def test_an_unstated_carton_leaves_whole_with_the_content_its_receipt_states() -> None:
    given = receipts(
        {"item": "口罩", "spec": "1000只/箱", "qty": "1"},
        {"item": "口罩", "spec": "2000只/箱", "qty": "2", "date": "2020-01-31"},
    )
    out = distributions({"item": "口罩", "qty": "2", "date": "2020-02-01"})
    chain = Chain()
    assert codes(run(given, out, chain)) == ["accepted"]
    shipped = next(c for c in chain.calls if c.function == "ship")
    assert [quantity for _, quantity in shipped.arguments["lots"]] == [1000, 2000]


def test_n95_kn95_and_surgical_masks_never_stand_in_for_each_other() -> None:
    given = receipts({"item": "KN95口罩"}, {"item": "医用口罩"}, {"item": "N95口罩"})
    out = distributions({"item": "外科口罩"}, {"item": "N95口罩", "qty": "2"}, {"item": "KN95口罩"})
    assert codes(run(given, out)) == ["nothing-received", "more-than-held", "accepted"]


def test_nothing_can_be_given_before_it_came_and_the_oldest_goes_first() -> None:
    given = receipts(
        {"item": "84消毒液", "date": "2020-02-03", "qty": "7"},
        {"item": "84消毒液", "date": "2020-01-30", "qty": "7"},
    )
    out = distributions(
        {"item": "84消毒液", "date": "2020-01-29"},
        {"item": "84消毒液", "date": "2020-02-04", "qty": "8"},
    )
    chain = Chain()
    report = run(given, out, chain)
    assert codes(report) == ["nothing-received", "accepted"]
    assert report.findings[0].received_later == 1
    shipped = next(c for c in chain.calls if c.function == "ship").arguments["lots"]
    assert shipped == [
        [f"{donation_id('red-cross', given[1])}.1", 7],
        [f"{donation_id('red-cross', given[0])}.1", 1],
    ]


def test_a_row_that_only_says_up_to_the_28th_counts_then_and_its_date_stays_not_stated() -> None:
    given = receipts(
        {"item": "护目镜", "unit": "副", "date": "", "date_raw": "截至28日"},
        {"item": "手套", "date": "2020-01-24"},
    )
    out = distributions(
        {"item": "护目镜", "unit": "副", "date": "2020-01-27"},
        {"item": "护目镜", "unit": "副", "date": "2020-01-28"},
    )
    chain = Chain()
    assert codes(run(given, out, chain)) == ["nothing-received", "accepted"]
    donation = chain.world.record(f"supplies/donation/{donation_id('red-cross', given[0])}")
    assert donation.stated_date is None
    assert "截至28日" in donation.source


def test_what_is_missing_or_unreadable_is_refused_by_name_and_the_rest_goes_on() -> None:
    given = receipts(
        {"item": ""},
        {"item": "口罩", "qty": ""},
        {"item": "口罩", "qty": "0"},
        {"item": "口罩", "qty": "1.5"},
        {"item": "口罩", "qty": "-3"},
        {"item": "口罩", "qty": "若干"},
        {"item": "口罩", "qty": "99999999999999999"},
        {"item": "口罩", "qty": "5", "qty_raw": "6箱"},
        {"item": "口罩", "qty": "5", "qty_raw": "5盒"},
        {"item": "口罩", "unit": ""},
        {"item": "口罩", "date": "2020-02-30"},
        {"item": "口罩", "receipt_no": "R00001"},
        {"item": "口罩", "donor": "", "donor_cell": "missing", "donor_kind": "missing"},
        {"item": "口罩", "qty": "2000000000"},
    )
    out = distributions({"item": "口罩", "recipient": ""}, {"item": "口罩"})
    report = run(given, out)
    assert codes(report, "receipts") == [
        "missing-item", "missing-quantity", "zero-quantity", "fractional-quantity",
        "negative-quantity", "unreadable-quantity", "quantity-too-large", "contradictory-quantity",
        "contradictory-unit", "missing-unit", "unreadable-date", "repeated-row-number",
        "accepted", "quantity-too-large",
    ]  # fmt: skip
    assert codes(report) == ["missing-recipient", "accepted"]
    assert [outcome.column for outcome in report.refused()][:2] == ["item", "qty"]
    assert report.refused_csv().count("\n") == 1 + len(report.refused())


def test_a_donor_who_is_a_person_is_neither_named_nor_merged_with_his_namesake() -> None:
    person = {"item": "口罩", "donor": "王**", "donor_kind": "individual"}
    given = receipts(person, {**person, "donor_cell": "merged"}, person)
    chain = Chain()
    run(given, [], chain)
    calls = [c.arguments for c in chain.calls if c.function == "receive"]
    assert calls[0]["donor"] == calls[1]["donor"] != calls[2]["donor"]
    assert all("王" not in c["source"] for c in calls)


def test_two_spellings_of_one_hospital_stay_two_recipients() -> None:
    given = receipts({"item": "口罩", "qty": "9"})
    out = distributions(
        {"item": "口罩", "recipient": "武汉市中心医院"},
        {"item": "口罩", "recipient": "中心医院"},
        {"item": "口罩", "recipient": "中心医院 "},
    )
    chain = Chain()
    run(given, out, chain)
    ids = [c.arguments["recipient"] for c in chain.calls if c.function == "propose"]
    assert ids[0] != ids[1] == ids[2]


def test_when_the_ledger_refuses_a_proposal_its_goods_are_there_for_the_next_row() -> None:
    parties = Parties("red-cross.registrar", "red-cross.importer", "audit-office.auditor", "x.y")
    given = receipts({"item": "口罩", "qty": "3"})
    out = distributions(
        {"item": "口罩", "qty": "3"}, {"item": "口罩", "qty": "3", "date": "2020-02-01"}
    )
    report = Importer(parties, Chain()).run(given, out)
    assert codes(report) == ["wrong-role", "wrong-role"]
    assert report.findings == ()


def test_what_was_reserved_for_a_row_that_could_not_be_shipped_is_released() -> None:
    given = receipts({"item": "口罩", "qty": "3"})
    out = distributions(
        {"item": "口罩", "qty": "3"}, {"item": "口罩", "qty": "3", "date": "2020-02-01"}
    )
    first = f"{donation_id('red-cross', out[0])}.s1"

    class Mislaid(Chain):
        def submit(self, transactions: Sequence[Call]) -> Sequence[Result]:
            wrong = ("audit-office.auditor",)
            return super().submit(
                [
                    c._replace(accounts=wrong) if c.arguments.get("shipment") == first else c
                    for c in transactions
                ]
            )

    chain = Mislaid()
    assert codes(run(given, out, chain)) == ["wrong-role", "accepted"]
    lot = chain.world.record(f"supplies/lot/{donation_id('red-cross', given[0])}.1")
    assert (lot.reserved, lot.in_transit) == (0, 3)


def test_a_cell_that_a_spreadsheet_would_execute_leaves_the_report_quoted() -> None:
    report = run([], distributions({"item": "=1+1"}))
    assert "'=1+1" in report.findings_csv()
