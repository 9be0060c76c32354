"""Takes both tables into a ledger through a Submitter: every row ends as accepted or as refused
with its reason.

Receipt = one donation with one lot (attestation "republished"). Distribution = propose, approve,
ship by different accounts; nobody's signature for its arrival is in the tables, so shipments stay
unconfirmed: a hand-over is never invented. What can be known here (missing item, nothing received)
is refused here; the rest is the ledger's word.

Invariant: ids are deterministic, so a second run over the same ledger ends in "already-exists" and
adds nothing; a run that was cut short is completed by the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from client.calls import ACCEPTED, Call, ResultLike, Submitter
from client.redcross.balance import later_received, pair_figures, repeats
from client.redcross.distributing import EXISTS, Mover, Parties, Planned
from client.redcross.identities import donation_id, donors, source_of
from client.redcross.limits import (
    BATCH_CALLS,
    COUNT_MAX,
    QUANTITY_MAX,
    ROWS_BEHIND_MAX,
)
from client.redcross.master import Master, Placed, derive_master, place
from client.redcross.report import Finding, Report, RowOutcome
from client.redcross.stock import Lot, Shortage, Stock
from client.redcross.tables import Row
from client.redcross.timeline import in_order
from ledger.errors import InvariantViolated

__all__ = ["Importer", "Parties"]

Progress = Callable[[str, int, int], None]


class Importer:
    """One import. `progress(stage, done, total)` is called after each submission."""

    def __init__(
        self, parties: Parties, submitter: Submitter, progress: Progress | None = None
    ) -> None:
        self._parties: Final = parties
        self._submitter: Final = submitter
        self._progress: Final = progress
        self._organisation: Final = parties.custodian.split(".", 1)[0]
        self._stock: Final = Stock()
        self._mover: Final = Mover(parties, self._submit)
        self._outcomes: Final[list[RowOutcome]] = []
        self._findings: Final[list[tuple[Row, Placed, Shortage]]] = []
        self._placed: Final[dict[tuple[str, int], Placed]] = {}
        self._donors: dict[int, str] = {}
        self._done = 0

    def run(self, receipts: Sequence[Row], distributions: Sequence[Row]) -> Report:
        """Import both tables in order of date and report on every row."""
        receipts, distributions = (
            _without_repeated_numbers(receipts),
            _without_repeated_numbers(distributions),
        )
        for row in (*receipts, *distributions):
            if not row.fault:
                self._placed[row.table, row.line] = place(row)
        self._donors = donors(self._organisation, receipts)
        master = derive_master(receipts, self._parties.registrar.split(".", 1)[0])
        items = self._define(master)
        total = len(receipts) + len(distributions)
        for table, chunk in _chunks(in_order(receipts, distributions)):
            work = self._receive if table == "receipts" else self._distribute
            work(chunk, master)
            self._done += len(chunk)
            if self._progress is not None:
                self._progress("rows", self._done, total)
        return self._report(receipts, distributions, items)

    def _define(self, master: Master) -> dict[str, Any]:
        calls = [
            Call("supplies", "define_item", arguments, (self._parties.registrar,))
            for arguments in master.arguments()
        ]
        refused: dict[str, int] = {}
        accepted = 0
        for start in range(0, len(calls), BATCH_CALLS):
            for result in self._submit(calls[start : start + BATCH_CALLS]):
                if result.code == ACCEPTED:
                    accepted += 1
                else:
                    refused[result.code] = refused.get(result.code, 0) + 1
            if self._progress is not None:
                self._progress("items", min(start + BATCH_CALLS, len(calls)), len(calls))
        return {"defined": len(calls), "accepted": accepted, "refused": refused}

    def _submit(self, calls: Sequence[Call]) -> Sequence[ResultLike]:
        if not calls:
            return ()
        results = self._submitter.submit(calls)
        if len(results) != len(calls):
            raise InvariantViolated(f"{len(calls)} calls were answered by {len(results)} results")
        return results

    # Receipts

    def _receive(self, chunk: Sequence[tuple[str, Row]], master: Master) -> None:
        calls: list[Call] = []
        sent: list[tuple[Row, Lot]] = []
        for day, row in chunk:
            fault, column = row.fault, row.fault_column
            if not fault and not self._within_limits(row):
                fault, column = "quantity-too-large", "qty"
            if fault:
                self._outcome(row, fault, column=column)
                continue
            placed = self._placed[row.table, row.line]
            lot = Lot(
                donation_id(self._organisation, row) + ".1",
                row.number,
                day,
                placed,
                self._units(row),
            )
            calls.append(self._receipt_call(row, lot, master))
            sent.append((row, lot))
        for (row, lot), result in zip(sent, self._submit(calls), strict=True):
            if result.code in (ACCEPTED, EXISTS):
                self._stock.add(lot)
            self._outcome(row, result.code, entity=lot.identity[:-2], note=_note(result))

    def _receipt_call(self, row: Row, lot: Lot, master: Master) -> Call:
        placed = lot.placed
        arguments = {
            "donation": lot.identity[:-2],
            "donor": self._donors[row.line],
            "earmark": None,
            "attestation": "republished",
            "stated_date": row.date or None,
            "source": source_of(row),
            "lots": [
                {
                    "lot": lot.identity,
                    "item": master.items[placed.key].identity,
                    "unit": placed.unit,
                    "label": placed.label,
                    "count": row.quantity,
                    "expiry": None,
                }
            ],
        }
        return Call("supplies", "receive", arguments, (self._parties.custodian,))

    def _units(self, row: Row) -> int:
        return row.quantity * self._placed[row.table, row.line].factor

    def _within_limits(self, row: Row) -> bool:
        return row.quantity <= COUNT_MAX and self._units(row) <= QUANTITY_MAX

    # Distributions

    def _distribute(self, chunk: Sequence[tuple[str, Row]], _: Master) -> None:
        waiting = [row for _, row in chunk]
        while waiting:
            planned, short = self._plan(waiting)
            returned = self._mover.move(planned)
            for entry in planned:
                self._outcome(entry.row, entry.code, entity=entry.movements[0].shipment)
            # Goods of a row that the ledger refused are there again for the rows that found none.
            waiting = [row for row, _ in short] if returned else []
            if not returned:
                self._record(short)

    def _plan(self, rows: Sequence[Row]) -> tuple[list[Planned], list[tuple[Row, Shortage]]]:
        planned: list[Planned] = []
        short: list[tuple[Row, Shortage]] = []
        for row in rows:
            if row.fault:
                self._outcome(row, row.fault, column=row.fault_column)
                continue
            plan = self._stock.plan(self._placed[row.table, row.line], row.quantity)
            if isinstance(plan, Shortage):
                short.append((row, plan))
            else:
                self._stock.take(plan)
                planned.append(self._mover.planned(row, plan))
        return planned, short

    def _record(self, short: Sequence[tuple[Row, Shortage]]) -> None:
        for row, shortage in short:
            self._findings.append((row, self._placed[row.table, row.line], shortage))
            self._outcome(row, shortage.code, column="qty", note=_shortage_note(shortage))

    # The report

    def _outcome(
        self, row: Row, code: str, *, column: str = "", entity: str = "", note: str = ""
    ) -> None:
        placed = self._placed.get((row.table, row.line))
        rule = placed.rule if placed is not None else ""
        self._outcomes.append(
            RowOutcome(
                row.table,
                row.line,
                row.number,
                row.sheet,
                row.sheet_row,
                code,
                column,
                entity,
                note,
                rule,
            )
        )

    def _report(
        self, receipts: Sequence[Row], distributions: Sequence[Row], items: dict[str, Any]
    ) -> Report:
        tables = ("receipts", "distributions")
        outcomes = sorted(self._outcomes, key=lambda o: (tables.index(o.table), o.line))
        accepted = {
            o.line for o in outcomes if o.table == "receipts" and o.code in (ACCEPTED, EXISTS)
        }
        stood = [row for row in receipts if row.line in accepted]
        findings = tuple(
            _finding(row, shortage, later_received(row, placed, stood))
            for row, placed, shortage in self._findings
        )
        report = Report(
            tuple(outcomes), findings, repeats(stood), items, pair_figures(receipts, distributions)
        )
        report.check({"receipts": len(receipts), "distributions": len(distributions)})
        return report


def _finding(row: Row, shortage: Shortage, later: int) -> Finding:
    return Finding(
        code=shortage.code,
        number=row.number,
        date=row.date,
        recipient=row.party,
        item=row.item,
        unit=shortage.unit,
        asked=shortage.asked,
        held=shortage.held,
        received_rows=shortage.behind[:ROWS_BEHIND_MAX],
        received_rows_count=len(shortage.behind),
        received_later=later,
        note=shortage.note,
    )


def _without_repeated_numbers(rows: Sequence[Row]) -> list[Row]:
    """The rows; one whose number stands above it already is marked as refused (which of them is
    meant?).
    """
    seen: set[str] = set()
    found: list[Row] = []
    for row in rows:
        if not row.fault and row.number in seen:
            column = "receipt_no" if row.table == "receipts" else "dist_no"
            row = replace(row, fault="repeated-row-number", fault_column=column)
        seen.add(row.number)
        found.append(row)
    return found


def _chunks(ordered: list[tuple[str, Row]]) -> Iterator[tuple[str, list[tuple[str, Row]]]]:
    """Runs of rows of one table, at most BATCH_CALLS long: receipts are known before what draws on
    them.
    """
    chunk: list[tuple[str, Row]] = []
    for entry in ordered:
        if chunk and (chunk[0][1].table != entry[1].table or len(chunk) == BATCH_CALLS):
            yield chunk[0][1].table, chunk
            chunk = []
        chunk.append(entry)
    if chunk:
        yield chunk[0][1].table, chunk


def _note(result: ResultLike) -> str:
    return "" if result.code == ACCEPTED else str(dict(result.parameters))[:300]


def _shortage_note(shortage: Shortage) -> str:
    return f"asked {shortage.asked} {shortage.unit}, held {shortage.held}. {shortage.note}".strip()
