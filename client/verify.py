"""Verification for programs, and what the SDK does with every proof before it hands it on.

The verifier itself is `ledger.verify`, pure and without any IO; here it is given the clock, and
what a member sent is compared with what was asked of it. A member whose proof is not clean is
treated as one that did not answer: another may. Nothing is taken from a bundle before its integrity
is clean.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from client.faults import Unusable
from client.protocol import CERTIFIED, Outcome
from ledger.block import RESULT, Event, Result
from ledger.bundle import Logged, Outlined
from ledger.claims import Absence, Accesses, Claim, Entity, Extension, Receipt
from ledger.codec import decode
from ledger.errors import Malformed
from ledger.genesis import Genesis
from ledger.paths import Path
from ledger.sentences import render
from ledger.tlog_policy import Policy
from ledger.transaction import Transaction
from ledger.verdict import Report
from ledger.verify import verify_bundle
from ledger.verify_epochs import read_checkpoint

__all__ = [
    "Report",
    "accesses_claim",
    "check_answer",
    "pin_size",
    "proved",
    "records_of",
    "verify_bundle",
    "verify_now",
]


def verify_now(
    data: bytes,
    genesis: Genesis,
    about: Path | Claim | None = None,
    max_age_s: int | None = None,
    pin: str | None = None,
    policy: Policy | None = None,
) -> Report:
    """Verify a bundle by this machine's clock; see `ledger.verify.verify_bundle`. Never raises for
    any bytes.
    """
    return verify_bundle(data, genesis, about, int(time.time()), max_age_s, pin, policy)


def records_of(report: Report) -> dict[Path, Mapping[str, Any]]:
    """Return the decoded records of the entities that a bundle shows; nothing unless integrity is
    clean.
    """
    if report.bundle is None or report.integrity.state != "clean":
        return {}
    found: dict[Path, Mapping[str, Any]] = {}
    for shown in report.bundle.entities:
        if isinstance(shown, Logged | Outlined):
            record = decode(shown.record, "record")
            if isinstance(record, dict):
                found[shown.path] = record
    return found


def accesses_claim(dataset: Path, pairs: Sequence[tuple[str, str]]) -> Accesses:
    """Return the claim about a data subject's accesses: pairs of (grant id, handle hex), in any
    order.
    """
    return Accesses(dataset, tuple(sorted((grant, handle) for grant, handle in pairs)))


def pin_size(pin: str | None) -> int | None:
    """Return the size of a pinned checkpoint, given as a signed note or as its text alone, to ask a
    member for consistency with it. Raises: Malformed.
    """
    if pin is None:
        return None
    try:
        return read_checkpoint(pin, may_be_bare=True).size
    except Malformed as error:
        raise Malformed(f"pin: {error.field}", error.rule) from None


def check_answer(
    url: str, data: bytes, genesis: Genesis, claim: Claim, max_age_s: int | None, pin: str | None
) -> Report:
    """Check that a member proved exactly what it was asked, or that there is no such entity, or
    where an absence was asked for that there is one. A receipt may be one that is not final: the
    caller looks for that.

    Raises: Unusable, with the sentence of the line that is not clean.
    """
    report = verify_now(data, genesis, None, max_age_s, pin)
    # What failed is named before what could then not be checked.
    for line in sorted(report.lines, key=lambda one: one.state != "failed"):
        if line.state != "clean" and line.code != "not-final":
            raise Unusable(url, line.text("en"))
    given = report.claim
    asked_path = None if isinstance(claim, Accesses | Receipt | Extension) else claim.path
    absent = asked_path is not None and given == Absence(asked_path)
    present = isinstance(claim, Absence) and given == Entity(claim.path)
    if given != claim and not absent and not present:
        raise Unusable(url, "it proved the answer to another question")
    return report


def proved(
    url: str,
    outcome: Outcome,
    transaction: Transaction,
    genesis: Genesis,
    max_age_s: int | None,
    language: str,
    pin: str | None = None,
) -> Outcome:
    """Return the outcome that a receipt proves, in place of the one told beside it.

    Nothing of what is told is kept. Raises: Unusable when the two disagree about code or height, or
    there is no receipt.
    """
    if outcome.receipt is None:
        raise Unusable(url, "a receipt was asked for and none came")
    claim = Receipt(transaction.id)
    report = check_answer(url, outcome.receipt, genesis, claim, max_age_s, pin)
    result = result_of(report)
    if result.code != outcome.code or report.height != outcome.height:
        raise Unusable(url, "the outcome told is not the one its receipt proves")
    return Outcome(
        id=transaction.id.hex(),
        status=CERTIFIED,
        code=result.code,
        parameters=result.parameters,
        events=tuple(map(_event, result.events)),
        height=report.height,
        sentence=render(result.code, result.parameters, language),
        receipt=outcome.receipt,
    )


def _event(event: Event) -> dict[str, Any]:
    return {
        "body": event.body,
        "inputs": [[list(path), quantity] for path, quantity in event.inputs],
        "kind": event.kind,
        "on": [list(path) for path in event.on],
        "outputs": [[list(path), quantity] for path, quantity in event.outputs],
    }


def result_of(report: Report) -> Result:
    """Return the result that a verified receipt proves. Raises: Malformed when it is no receipt."""
    if report.bundle is None or report.bundle.receipt is None:
        raise Malformed("receipt", "is not a receipt")
    return RESULT.decode(report.bundle.receipt.result)
