"""The stories of answers that show less than a whole log: a record, now or at a past height, one
event, a period, a list, the outcome of a transaction.

Each title says what part it is: a part must never read as if nothing were missing beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from client.story.facts import Branch, Line, Names, moment
from client.story.history import event_line, short
from client.story.phrases import Phrases
from client.verify import result_of
from ledger.bundle import Bundle, Outlined, Ranged
from ledger.claims import AsOf, Entity, EventAt, ListOf, Period, Receipt
from ledger.codec import decode
from ledger.leaf import Leaf
from ledger.sentences import render
from ledger.verdict import Report

__all__ = ["Part", "kinds_instead", "outcome_words", "tell_outcome", "tell_part"]

Part = Entity | AsOf | EventAt | Period | ListOf


def tell_part(claim: Part, report: Report, names: Names, language: str) -> Branch | None:
    """Tell what a bundle of one of these claims shows; None where it shows that nothing was."""
    say = Phrases(language)
    whom = {"kind": claim.path.kind, "id": claim.path.id}
    leaves = [leaf for leaf in report.logs.get(claim.path, ()) if _is_answer(claim, leaf)]
    told = tuple(event_line(leaf, names, say, leaf.time) for leaf in leaves)
    match claim:
        case Entity() | AsOf():
            return _tell_record(claim, report, say)
        case EventAt():
            return Branch(say("event-at", index=claim.index, **whom), told)
        case Period():
            span = {"since": moment(claim.since), "until": moment(claim.until)}
            count = Line(say("events-then", count=len(leaves)), tone="dim")
            return Branch(say("period", **span, **whom), (count, *told))
        case ListOf():
            count = Line(say("events-listed", count=len(leaves)), tone="dim")
            return Branch(say("list", event=claim.event, **whom), (count, *told))


def tell_outcome(claim: Receipt, report: Report, names: Names, language: str) -> Branch:
    """Tell what became of a transaction: accepted, with its events, or refused, and why."""
    say, result = Phrases(language), result_of(report)
    word, sentence = outcome_words(report, language)
    outcome = Line(word, note=sentence, tone="good" if result.code == "accepted" else "bad")
    events = (event_line(event, names, say, report.block_time) for event in result.events)
    return Branch(say("transaction", id=claim.transaction.hex()), (outcome, *events))


def outcome_words(report: Report, language: str) -> tuple[str, str]:
    """Return whether the transaction of a verified receipt was accepted, and of a refused one the
    sentence that says why, else "".
    """
    say, result = Phrases(language), result_of(report)
    if result.code == "accepted":
        return say("accepted", count=len(result.events)), ""
    return say("refused", code=result.code), render(result.code, result.parameters, language)


def kinds_instead(report: Report) -> list[str] | None:
    """Return the kinds of events that a log holds, where a list of none of them was asked for;
    None for any other answer.
    """
    claim = report.claim
    if not isinstance(claim, ListOf) or report.integrity.state != "clean":
        return None
    leaves = [leaf for leaf in report.logs.get(claim.path, ()) if _is_own(claim, leaf)]
    if any(leaf.kind == claim.event for leaf in leaves):
        return None
    return sorted({leaf.kind for leaf in leaves})


def _is_answer(claim: Part, leaf: Leaf) -> bool:
    """Neighbours that only bound a period, and events of other kinds, are no part of the answer."""
    if isinstance(claim, Period):
        return claim.since <= leaf.time < claim.until
    return not isinstance(claim, ListOf) or (_is_own(claim, leaf) and leaf.kind == claim.event)


def _is_own(claim: ListOf, leaf: Leaf) -> bool:
    return leaf.contract == claim.path.contract


def _tell_record(claim: Entity | AsOf, report: Report, say: Phrases) -> Branch | None:
    data = _record(report.bundle, claim)
    if data is None:
        return None
    is_past = isinstance(claim, AsOf)
    height = claim.height if isinstance(claim, AsOf) else report.height
    word = "record-then" if is_past else "record"
    title = say(word, height=height, kind=claim.path.kind, id=claim.path.id)
    return Branch(title, tuple(_fields(decode(data, "record"))))


def _record(bundle: Bundle | None, claim: Entity | AsOf) -> bytes | None:
    for one in () if bundle is None else bundle.entities:
        if isinstance(one, Outlined):
            return one.record
        if isinstance(one, Ranged) and isinstance(claim, AsOf):
            return one.then
    return None


def _fields(record: Any) -> Iterable[Line]:
    # A contract may write what it likes: what is no map is one line.
    if not isinstance(record, dict):
        return (Line(short(record)),)
    return (Line(f"{name}: {short(value)}") for name, value in sorted(record.items()))
