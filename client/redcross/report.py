"""What became of every row: outcomes, counts that add up, findings with the rows behind them.

Invariant: accepted + refused = rows, for each table (`Report.check`, called before a report
leaves).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from client.calls import ACCEPTED
from ledger.errors import InvariantViolated

__all__ = ["Finding", "Notice", "Report", "RowOutcome"]


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """The end of one row: `code` is "accepted" or the reason; `entity` the donation or shipment."""

    table: str
    line: int
    number: str
    sheet: str
    sheet_row: str
    code: str
    column: str  # the column at fault, "" where it is not one
    entity: str
    note: str
    rule: str  # the word rules that placed the row


@dataclass(frozen=True, slots=True)
class Finding:
    """A distribution that nothing received explains: what an auditor looks for."""

    code: str  # nothing-received, wrong-unit, more-than-held
    number: str
    date: str
    recipient: str
    item: str
    unit: str
    asked: int
    held: int
    received_rows: tuple[str, ...]  # the receipts of the same product, at most ROWS_BEHIND_MAX
    received_rows_count: int
    received_later: int  # units received after this date that would have served
    note: str


@dataclass(frozen=True, slots=True)
class Notice:
    """An accepted row that looks like another one: both stand, a person decides."""

    code: str
    number: str
    other: str
    note: str


@dataclass(frozen=True, slots=True)
class Report:
    """All of an import."""

    outcomes: tuple[RowOutcome, ...]
    findings: tuple[Finding, ...]
    notices: tuple[Notice, ...]
    items: dict[str, Any]  # {"defined", "accepted", "refused": {code: n}}
    pairs: dict[str, int]  # distributed item+unit pairs: all, short before mapping, short after

    def check(self, rows: dict[str, int]) -> None:
        """Every row has exactly one outcome. Raises InvariantViolated."""
        seen: set[tuple[str, int]] = set()
        counted = dict.fromkeys(rows, 0)
        for outcome in self.outcomes:
            if (outcome.table, outcome.line) in seen:
                raise InvariantViolated(f"{outcome.table} line {outcome.line} has two outcomes")
            seen.add((outcome.table, outcome.line))
            counted[outcome.table] += 1
        if counted != rows:
            raise InvariantViolated(f"outcomes {counted} do not add up to rows {rows}")

    def summary(self) -> dict[str, Any]:
        """The one object of `--json`: rows, accepted and refused by reason per table; number of
        findings.
        """
        return {
            "receipts": self._counts("receipts"),
            "distributions": self._counts("distributions"),
            "findings": len(self.findings),
        }

    def as_json(self) -> dict[str, Any]:
        """The summary with every refused row, finding and notice behind it (JSON values only)."""
        return {
            "summary": self.summary(),
            "items": self.items,
            "pairs": self.pairs,
            "refused": [asdict(outcome) for outcome in self.refused()],
            "findings": [asdict(finding) for finding in self.findings],
            "notices": [asdict(notice) for notice in self.notices],
        }

    def refused(self) -> list[RowOutcome]:
        """The refused rows, in table and file order."""
        return [outcome for outcome in self.outcomes if outcome.code != ACCEPTED]

    def refused_csv(self) -> str:
        """The refused rows as CSV."""
        return _csv(asdict(outcome) for outcome in self.refused())

    def findings_csv(self) -> str:
        """The findings as CSV; the rows behind one are separated by spaces."""
        rows = [asdict(finding) for finding in self.findings]
        for row in rows:
            row["received_rows"] = " ".join(row["received_rows"])
        return _csv(rows)

    def _counts(self, table: str) -> dict[str, Any]:
        codes = [outcome.code for outcome in self.outcomes if outcome.table == table]
        refused: dict[str, int] = {}
        for code in sorted(codes):
            if code != ACCEPTED:
                refused[code] = refused.get(code, 0) + 1
        return {"rows": len(codes), "accepted": codes.count(ACCEPTED), "refused": refused}


def _csv(rows: Iterable[dict[str, Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    heading: list[str] | None = None
    for row in rows:
        if heading is None:
            heading = list(row)
            writer.writerow(heading)
        writer.writerow([_plain(value) for value in row.values()])
    return out.getvalue()


def _plain(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula (the texts come from outside)."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return value
