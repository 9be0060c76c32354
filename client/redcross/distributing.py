"""Moves the planned draws of a run of distributions: propose, approve, ship, each stage in few
submissions.

A row moves whole or not at all. Where the ledger refuses a part of it (a role that is missing, a
lot that is not as this core believes), what was reserved for the row is released by a rejection,
what the ledger did not take is here again for the rows after it, and the row carries the ledger's
code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from client.calls import ACCEPTED, Call, ResultLike
from client.redcross.identities import donation_id, party_id, source_of
from client.redcross.limits import BATCH_CALLS, LOTS_PER_DRAW_MAX
from client.redcross.stock import Draw, Lot, Stock
from client.redcross.tables import Row

__all__ = ["EXISTS", "Mover", "Parties", "Planned"]

EXISTS: Final = "already-exists"
CARRIER: Final = "not stated"  # the tables name none
Submit = Callable[[Sequence[Call]], Sequence[ResultLike]]


@dataclass(frozen=True, slots=True)
class Parties:
    """Account ids that sign: a custodian organisation's, and those of who allocates and who
    approves. The custodian's account needs the role republisher as well.
    """

    registrar: str
    custodian: str
    allocator: str
    approver: str


@dataclass(slots=True)
class Movement:
    """One allocation of a row: the share of its draw in one base unit, and how far it came."""

    allocation: str
    shipment: str
    draw: Draw
    proposed: bool = False
    shipped: bool = False


@dataclass(slots=True)
class Planned:
    """A row whose draw is taken from the stock; `code` is the row's so far, "" before the first
    call.
    """

    row: Row
    movements: tuple[Movement, ...]
    code: str = field(default="")


class Mover:
    """Turns draws into calls and their results into codes of rows."""

    def __init__(self, parties: Parties, submit: Submit) -> None:
        self._parties: Final = parties
        self._submit: Final = submit
        self._issuer: Final = parties.allocator.split(".", 1)[0]
        self._custodian: Final = parties.custodian.split(".", 1)[0]

    def planned(self, row: Row, draw: Draw) -> Planned:
        """Split a draw by base unit and by the lots one allocation takes."""
        groups: dict[str, list[tuple[Lot, int]]] = {}
        for lot, quantity in draw.lots:
            groups.setdefault(lot.placed.base, []).append((lot, quantity))
        parts = [
            tuple(lots[start : start + LOTS_PER_DRAW_MAX])
            for lots in groups.values()
            for start in range(0, len(lots), LOTS_PER_DRAW_MAX)
        ]
        allocation, shipment = donation_id(self._issuer, row), donation_id(self._custodian, row)
        return Planned(
            row,
            tuple(
                Movement(f"{allocation}.a{index}", f"{shipment}.s{index}", Draw(part))
                for index, part in enumerate(parts, 1)
            ),
        )

    def move(self, planned: Sequence[Planned]) -> bool:
        """Propose, approve and ship all rows; returns whether any goods came back to the stock."""
        for make in (self._propose, self._approve, self._ship):
            self._stage(planned, make)
        failed = [entry for entry in planned if entry.code not in (ACCEPTED, EXISTS)]
        return self._release(failed)

    def _stage(self, planned: Sequence[Planned], make: Callable[[Row, Movement], Call]) -> None:
        """One call per movement; "already-exists" goes on, so that a cut run is completed."""
        going = [entry for entry in planned if entry.code in ("", ACCEPTED, EXISTS)]
        calls = [(e, move, make(e.row, move)) for e in going for move in e.movements]
        for start in range(0, len(calls), BATCH_CALLS):
            part = calls[start : start + BATCH_CALLS]
            results = self._submit([call for _, _, call in part])
            for (entry, move, call), result in zip(part, results, strict=True):
                done = result.code in (ACCEPTED, EXISTS)
                if call.function == "propose":
                    move.proposed = done
                elif call.function == "ship":
                    move.shipped = done
                entry.code = _merged(entry.code, result.code, call.function)

    def _release(self, failed: Sequence[Planned]) -> bool:
        """Free what is reserved for rows that failed; goods that left stay gone."""
        returned = False
        reserved: list[Movement] = []
        for move in (move for entry in failed for move in entry.movements if not move.shipped):
            if move.proposed:
                reserved.append(move)
            else:
                Stock.give_back(move.draw)
                returned = True
        for start in range(0, len(reserved), BATCH_CALLS):
            part = reserved[start : start + BATCH_CALLS]
            results = self._submit([self._reject(move) for move in part])
            for move, result in zip(part, results, strict=True):
                if result.code == ACCEPTED:
                    Stock.give_back(move.draw)
                    returned = True
        return returned

    def _propose(self, row: Row, move: Movement) -> Call:
        arguments = {
            "allocation": move.allocation,
            "recipient": party_id(self._issuer, "recipient", row.party),
            "need": None,
            "lots": _lines(move),
            "reason": source_of(row),
        }
        return Call("supplies", "propose", arguments, (self._parties.allocator,))

    def _approve(self, _: Row, move: Movement) -> Call:
        arguments = {"allocation": move.allocation}
        return Call("supplies", "approve", arguments, (self._parties.approver,))

    def _ship(self, _: Row, move: Movement) -> Call:
        arguments = {
            "shipment": move.shipment,
            "allocation": move.allocation,
            "carrier": CARRIER,
            "lots": _lines(move),
        }
        return Call("supplies", "ship", arguments, (self._parties.custodian,))

    def _reject(self, move: Movement) -> Call:
        arguments = {"allocation": move.allocation, "reason": "another part of the row was refused"}
        return Call("supplies", "reject", arguments, (self._parties.approver,))


def _lines(move: Movement) -> list[list[str | int]]:
    return [[lot.identity, quantity] for lot, quantity in move.draw.lots]


def _merged(before: str, code: str, function: str) -> str:
    """The code of a row after one more call of it; the first refusal that is not a repetition
    stands.

    On a repeated run propose says "already-exists" and approve "wrong-state"; a shipment that is
    accepted then completes what a cut run left behind.
    """
    if before == EXISTS and function == "approve":
        return EXISTS
    if code == ACCEPTED:
        return ACCEPTED if before in ("", ACCEPTED) or function == "ship" else before
    return code if before in ("", ACCEPTED, EXISTS) else before
