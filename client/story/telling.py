"""Chooses the story for a verified bundle by the question it answers."""

from __future__ import annotations

from client.story.accesses import tell_accesses
from client.story.donation import tell_donation
from client.story.facts import Branch, Names
from client.story.history import tell_history
from client.story.partial import Part, tell_outcome, tell_part
from client.verify import records_of
from ledger.claims import Accesses, Receipt, Trace, first_entity
from ledger.verdict import Report

__all__ = ["tell"]


def tell(report: Report, names: Names, language: str) -> Branch | None:
    """Tell what a bundle shows; None when it shows nothing but that (an absence, a consistency).

    The caller decides from the verdict whether to show it.
    """
    claim, logs = report.claim, report.logs
    if report.integrity.state != "clean":
        return None
    if isinstance(claim, Receipt):
        return tell_outcome(claim, report, names, language)
    if isinstance(claim, Part):
        return tell_part(claim, report, names, language)
    path = None if claim is None else first_entity(claim)
    if claim is None or path is None or not logs:
        return None
    records = records_of(report)
    if isinstance(claim, Accesses):
        return tell_accesses(claim.dataset, claim.pairs, logs, records, names, language)
    if (
        isinstance(claim, Trace)
        and path.contract == "supplies"
        and path.kind in ("donation", "lot")
    ):
        return tell_donation(path, logs, records, names, language)
    return tell_history(path, logs, names, language)
