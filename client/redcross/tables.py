"""Reads the two published tables, strictly and without IO: text in, rows out.

A file whose form is wrong (size, encoding, headings, quoting) is refused as a whole with a
`TableFault` naming file, line and column, because nothing in it can be trusted to stand in its
column. A *row* that is wrong is kept with its reason: it will end as refused, and so be counted.
Nothing here interprets words: see `wording`, `packs` and `master`.

Source: DESIGN section 5 (supplies); the tables' own columns.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import Final

from client.redcross.limits import FIELD_LENGTH_MAX, FILE_SIZE_MAX, ROWS_MAX
from ledger.errors import SuyuanError
from ledger.limits import INTEGER_MAX

__all__ = [
    "DISTRIBUTION_COLUMNS",
    "RECEIPT_COLUMNS",
    "Row",
    "TableFault",
    "Quantity",
    "read_distributions",
    "read_quantity",
    "read_receipts",
]

RECEIPT_COLUMNS: Final = (
    "receipt_no",
    "source_sheet",
    "source_row",
    "date",
    "date_raw",
    "donor",
    "donor_kind",
    "donor_cell",
    "item",
    "spec",
    "unit",
    "qty",
    "qty_raw",
)
DISTRIBUTION_COLUMNS: Final = (
    "dist_no",
    "source_file",
    "source_row",
    "date",
    "recipient",
    "recipient_cell",
    "item",
    "spec",
    "unit",
    "qty",
)

_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})\Z")
_WHOLE = re.compile(r"[0-9]+\Z")
_FRACTION = re.compile(r"[0-9]*\.[0-9]+\Z")
_NEGATIVE = re.compile(r"-\s*[0-9.]+\Z")
# as chaincode.fields.UNSEEN: controls, zero-width and directional code points, fillers, tags
_UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    r"\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0"
    r"\ufff0-\ufffb\ufffe\uffff\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
)
_RAW = re.compile(r"([0-9]+)\s*([^0-9]*)\Z")
_DAYS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class TableFault(SuyuanError):
    """A table whose form is wrong; names the file, the line (1 is the heading) and the column."""

    def __init__(self, file: str, line: int, column: str, rule: str) -> None:
        super().__init__(f"{file}, line {line}, column {column}: {rule}")
        self.file = file
        self.line = line
        self.column = column
        self.rule = rule


@dataclass(frozen=True, slots=True)
class Row:
    """One row as printed. `fault` is a refusal code found while reading ("" where the row is
    sound).
    """

    table: str  # "receipts" or "distributions"
    line: int  # in the file, 1 is the heading
    number: str  # receipt_no or dist_no
    sheet: str
    sheet_row: str
    date: str  # ISO, "" where not stated
    date_raw: str
    party: str  # donor or recipient, "" where the cell is empty
    party_kind: str
    party_cell: str  # explicit, merged or missing
    item: str
    spec: str
    unit: str
    quantity: int  # 0 where it could not be read
    fault: str
    fault_column: str

    @property
    def source(self) -> str:
        """Where the row stands in the published table."""
        return f"{self.table}/{self.sheet}/{self.sheet_row}/{self.number}"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity read from its cell: `value` ≥ 1, or 0 with the refusal code in `fault`."""

    value: int
    fault: str


def read_quantity(text: str, raw: str, unit: str) -> Quantity:
    """The whole number ≥ 1 in `text`; `raw` (the cell as printed, may be empty) must not contradict
    it.
    """
    text = text.strip()
    if not text:
        return Quantity(0, "missing-quantity")
    if _NEGATIVE.match(text):
        return Quantity(0, "negative-quantity")
    if _FRACTION.match(text):
        return Quantity(0, "fractional-quantity")
    if not _WHOLE.match(text) or not text.isascii():
        return Quantity(0, "unreadable-quantity")
    if len(text) > 16 or int(text) > INTEGER_MAX:
        return Quantity(0, "quantity-too-large")
    value = int(text)
    if value == 0:
        return Quantity(0, "zero-quantity")
    if raw.strip():
        printed = _RAW.match(raw.strip())
        if printed is None or len(printed[1]) > 16 or int(printed[1]) != value:
            return Quantity(0, "contradictory-quantity")
        if printed[2].strip() not in ("", unit.strip()):
            return Quantity(0, "contradictory-unit")
    return Quantity(value, "")


def read_receipts(data: bytes, file: str) -> list[Row]:
    """The rows of a table of receipts, in file order. Raises TableFault."""
    return [_receipt(line, cells) for line, cells in _lines(data, file, RECEIPT_COLUMNS)]


def read_distributions(data: bytes, file: str) -> list[Row]:
    """The rows of a table of distributions, in file order. Raises TableFault."""
    return [_distribution(line, cells) for line, cells in _lines(data, file, DISTRIBUTION_COLUMNS)]


def _lines(data: bytes, file: str, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    if len(data) > FILE_SIZE_MAX:
        raise TableFault(file, 1, "-", f"larger than {FILE_SIZE_MAX} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TableFault(file, line, "-", f"byte {error.start} is not UTF-8") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    found: list[tuple[int, dict[str, str]]] = []
    heading: list[str] | None = None
    try:
        for cells in reader:
            line = reader.line_num
            if heading is None:
                heading = cells
                _check_heading(heading, columns, file)
            elif len(found) == ROWS_MAX:
                raise TableFault(file, line, "-", f"more than {ROWS_MAX} rows")
            else:
                found.append((line, _cells(cells, columns, file, line)))
    except csv.Error as error:
        raise TableFault(file, reader.line_num, "-", f"not CSV: {error}") from error
    if heading is None:
        raise TableFault(file, 1, columns[0], "the file is empty")
    return found


def _check_heading(heading: list[str], columns: tuple[str, ...], file: str) -> None:
    for index, name in enumerate(columns):
        if index >= len(heading) or heading[index].strip() != name:
            shown = heading[index][:40] if index < len(heading) else "nothing"
            raise TableFault(file, 1, name, f"this heading expected, {shown!r} found")
    if len(heading) > len(columns):
        raise TableFault(file, 1, heading[len(columns)][:40], "no such column is expected")


def _cells(cells: list[str], columns: tuple[str, ...], file: str, line: int) -> dict[str, str]:
    for index, cell in enumerate(cells):
        if len(cell) > FIELD_LENGTH_MAX:
            name = columns[index] if index < len(columns) else str(index + 1)
            raise TableFault(file, line, name, f"longer than {FIELD_LENGTH_MAX} characters")
    # what cannot be seen in print separates words at most; supplies takes no such text
    seen = [_UNSEEN.sub(" ", cell).strip() for cell in cells]
    row = {name: seen[i] if i < len(seen) else "" for i, name in enumerate(columns)}
    if len(cells) != len(columns):
        row["fault"] = "wrong-number-of-fields"
    return row


def _receipt(line: int, cells: dict[str, str]) -> Row:
    quantity = read_quantity(cells["qty"], cells["qty_raw"], cells["unit"])
    fault = _fault(cells, quantity, party_required=False)
    return Row(
        "receipts",
        line,
        cells["receipt_no"],
        cells["source_sheet"],
        cells["source_row"],
        cells["date"],
        cells["date_raw"],
        cells["donor"],
        cells["donor_kind"],
        cells["donor_cell"],
        cells["item"],
        cells["spec"],
        cells["unit"],
        quantity.value,
        *fault,
    )


def _distribution(line: int, cells: dict[str, str]) -> Row:
    quantity = read_quantity(cells["qty"], "", cells["unit"])
    fault = _fault(cells, quantity, party_required=True)
    return Row(
        "distributions",
        line,
        cells["dist_no"],
        cells["source_file"],
        cells["source_row"],
        cells["date"],
        "",
        cells["recipient"],
        "",
        cells["recipient_cell"],
        cells["item"],
        cells["spec"],
        cells["unit"],
        quantity.value,
        *fault,
    )


def _fault(cells: dict[str, str], quantity: Quantity, *, party_required: bool) -> tuple[str, str]:
    """The first reason why a row cannot stand, with its column; donors may be unknown, recipients
    not.
    """
    if "fault" in cells:
        return cells["fault"], "-"
    number = "dist_no" if party_required else "receipt_no"
    if not cells[number]:
        return "missing-row-number", number
    if not cells["item"]:
        return "missing-item", "item"
    if party_required and not cells["recipient"]:
        return "missing-recipient", "recipient"
    if not cells["unit"]:
        return "missing-unit", "unit"
    if quantity.fault:
        return quantity.fault, "qty"
    if cells["date"] and not _is_date(cells["date"]):
        return "unreadable-date", "date"
    return "", ""


def _is_date(text: str) -> bool:
    match = _DATE.match(text)
    if match is None or not text.isascii():
        return False
    year, month, day = int(match[1]), int(match[2]), int(match[3])
    if not (1 <= month <= 12 and 1 <= day <= _DAYS[month - 1]):
        return False
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return month != 2 or day <= 28 or leap
