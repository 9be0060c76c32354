"""Reading the tables: a file of the wrong form is refused by line and column, a row never is."""

from __future__ import annotations

import pytest

from chaincode.fields import UNSEEN
from client.redcross import TableFault, read_distributions, read_receipts
from client.redcross.limits import FIELD_LENGTH_MAX, FILE_SIZE_MAX, ROWS_MAX
from client.redcross.tables import DISTRIBUTION_COLUMNS, RECEIPT_COLUMNS, read_quantity

HEADING = ",".join(DISTRIBUTION_COLUMNS)
ROW = "D00001,file,4,2020-01-30,同济医院,explicit,口罩,,箱,15"


def fault(text: str | bytes) -> TableFault:
    data = text.encode() if isinstance(text, str) else text
    with pytest.raises(TableFault) as caught:
        read_distributions(data, "given.csv")
    return caught.value


def test_a_sound_row_is_read_whole() -> None:
    (row,) = read_distributions(f"{HEADING}\n{ROW}\n".encode(), "given.csv")
    assert (row.number, row.party, row.item, row.unit) == ("D00001", "同济医院", "口罩", "箱")
    assert (row.quantity, row.fault, row.line) == (15, "", 2)
    assert row.source == "distributions/file/4/D00001"


def test_what_cannot_be_seen_is_a_space_and_only_what_the_contracts_refuse() -> None:
    for code in {bound + by for pair in UNSEEN for bound in pair for by in (-1, 0, 1)}:
        if code < 0 or chr(code) in '",\r\n' or 0xD800 <= code <= 0xDFFF:
            continue
        (row,) = read_distributions(
            f"{HEADING}\n{ROW.replace('口罩', f'口{chr(code)}罩')}\n".encode(), "f"
        )
        refused = any(first <= code <= last for first, last in UNSEEN)
        assert row.item == (f"口{' ' if refused else chr(code)}罩"), hex(code)


def test_a_byte_order_mark_and_quoted_line_breaks_are_understood() -> None:
    text = f"\ufeff{HEADING}\n{ROW.replace('口罩', chr(34) + '口' + chr(10) + '罩' + chr(34))}\n"
    (row,) = read_distributions(text.encode(), "given.csv")
    assert row.item == "口 罩"


def test_another_heading_is_refused_naming_the_column_expected() -> None:
    found = fault(HEADING.replace("recipient,", "receiver,") + "\n")
    assert (found.file, found.line, found.column) == ("given.csv", 1, "recipient")
    assert "receiver" in found.rule


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("", 1, "dist_no"),
        (HEADING + ",more\n", 1, "more"),
        (HEADING.removesuffix(",qty") + "\n", 1, "qty"),
        (f"{HEADING}\n{ROW}\n" + ROW.replace("口罩", "长" * (FIELD_LENGTH_MAX + 1)), 3, "item"),
        (f'{HEADING}\n{ROW},"open', 2, "-"),
    ],
)
def test_a_broken_file_is_refused_by_line_and_column(text: str, line: int, column: str) -> None:
    found = fault(text)
    assert (found.line, found.column) == (line, column)


def test_bytes_that_are_no_text_are_refused_at_their_line() -> None:
    assert fault(f"{HEADING}\n".encode() + b"\xff\xfe,\n").line == 2


def test_a_file_beyond_its_limits_is_refused_before_it_is_read() -> None:
    assert "larger" in fault(b"," * (FILE_SIZE_MAX + 1)).rule
    rows = f"{HEADING}\n" + "x\n" * (ROWS_MAX + 1)
    assert fault(rows).line == ROWS_MAX + 2


def test_a_row_with_too_few_or_too_many_fields_is_kept_and_marked() -> None:
    rows = read_distributions(f"{HEADING}\nD1,file\n{ROW},extra\n".encode(), "given.csv")
    assert [row.fault for row in rows] == ["wrong-number-of-fields"] * 2


def test_a_donor_may_be_unknown_but_a_recipient_may_not() -> None:
    receipt = "R1,Sheet1,4,2020-01-24,,,missing,missing,口罩,,箱,1,1箱"
    (row,) = read_receipts(f"{','.join(RECEIPT_COLUMNS)}\n{receipt}\n".encode(), "r.csv")
    assert (row.fault, row.party) == ("", "")
    nobody = ROW.replace("同济医院", "")
    (row,) = read_distributions(f"{HEADING}\n{nobody}\n".encode(), "d.csv")
    assert (row.fault, row.fault_column) == ("missing-recipient", "recipient")


@pytest.mark.parametrize("date", ["2020-02-30", "2020-13-01", "2020-1-1", "20200101", "1月30日"])
def test_a_date_that_is_no_day_is_a_fault_of_the_row(date: str) -> None:
    text = f"{HEADING}\n{ROW.replace('2020-01-30', date)}\n"
    (row,) = read_distributions(text.encode(), "given.csv")
    assert row.fault == "unreadable-date"


def test_the_29th_of_february_of_a_leap_year_is_a_day() -> None:
    text = f"{HEADING}\n{ROW.replace('2020-01-30', '2020-02-29')}\n"
    assert read_distributions(text.encode(), "given.csv")[0].fault == ""


@pytest.mark.parametrize(
    ("text", "raw", "fault_code"),
    [
        ("198", "198箱", ""),
        ("198", "198 箱", ""),
        ("198", "", ""),
        ("", "", "missing-quantity"),
        ("0", "", "zero-quantity"),
        ("-1", "", "negative-quantity"),
        ("1.5", "", "fractional-quantity"),
        ("若干", "", "unreadable-quantity"),
        ("1２", "", "unreadable-quantity"),
        ("1e3", "", "unreadable-quantity"),
        ("9" * 17, "", "quantity-too-large"),
        ("9007199254740992", "", "quantity-too-large"),
        ("5", "6箱", "contradictory-quantity"),
        ("5", "约5箱", "contradictory-quantity"),
        ("5", "5盒", "contradictory-unit"),
    ],
)
def test_a_quantity_is_a_whole_number_that_its_cell_does_not_contradict(
    text: str, raw: str, fault_code: str
) -> None:
    assert read_quantity(text, raw, "箱").fault == fault_code
