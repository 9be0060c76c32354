"""How `ask` and `verify` print one answer: what it shows, its verdict, and what a person who asked
that way may have meant.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from client.cli.options import plain
from client.cli.screen import Screen
from client.rendering import print_branch, print_report, printable
from client.story.facts import Names
from client.story.history import event_rows
from client.story.partial import kinds_instead
from client.story.telling import tell
from client.verify import records_of, result_of
from ledger.claims import Absence, Receipt
from ledger.genesis import Genesis
from ledger.verdict import Report

__all__ = ["ShowOption", "answer_value", "print_answer", "print_hints"]

ShowOption = Annotated[bool, typer.Option("--show", help="也显示内容。Show the answer too.")]


def print_answer(screen: Screen, report: Report, genesis: Genesis, show: bool) -> None:
    """Print the verdict, and with `show` what the bundle says. What became of a transaction is
    always said: four clean lines hold for a refused one too.
    """
    if report.exit_ok and (show or isinstance(report.claim, Receipt)):
        branch = tell(report, Names.of(genesis), screen.language)
        if branch is not None:
            print_branch(screen.out, branch, screen.language)
    print_report(screen.out, report, screen.language)


def answer_value(report: Report, language: str, show: bool) -> dict[str, Any]:
    """Return question and verdict for a program; with `show` events and records, and of a
    transaction always the outcome.
    """
    told: dict[str, Any] = {"question": report.question(language), **report.value()}
    if not report.exit_ok or report.integrity.state != "clean":
        return told
    if isinstance(report.claim, Receipt):
        result = result_of(report)
        told["outcome"] = {"code": result.code, "parameters": plain(result.parameters)}
    if show:
        told["events"] = plain(event_rows(report.logs))
        records = {path.text: plain(record) for path, record in records_of(report).items()}
        told["records"] = records
    return told


def print_hints(screen: Screen, report: Report, about: str) -> None:
    """Tell who got an empty answer what else there is to ask about."""
    claim = report.claim
    if isinstance(claim, Absence) and "/" not in about:
        screen.note(screen.say("taken-as", kind=claim.path.kind, id=printable(about)))
    kinds = kinds_instead(report)
    if kinds is not None:
        screen.note(screen.say("kinds-instead", kinds=", ".join(map(printable, kinds)) or "—"))
