"""Verification, step 8: the walk from the question finds all of the answer shown, and nothing else.

Integrity is clean when these are asked. Answers that show part of a log are judged in
`verify_ranges`. Failures are raised as Failed. Source: DESIGN 2.3 and 2.4; docs/FORMATS.md 7.1, 8.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ledger.block import Header
from ledger.bundle import Absent, Bundle, Logged, Outlined, Shown
from ledger.claims import (
    Absence,
    Accesses,
    AsOf,
    Claim,
    Entity,
    EventAt,
    Extension,
    ListOf,
    Period,
    entities_of,
    grants_of,
    grants_paired,
)
from ledger.leaf import Leaf
from ledger.paths import Path
from ledger.verdict import Failed
from ledger.verify_entities import Logs
from ledger.verify_ranges import check_range

__all__ = ["check_answer"]

Clean = tuple[str, dict[str, Any]]


def check_answer(bundle: Bundle, claim: Claim, logs: Logs, header: Header) -> Clean:
    """Return the clean line's code and parameters of any claim but a receipt.

    Raises: Failed; Malformed when the walk leads to more entities than a bundle may hold.
    """
    shown = {one.path: one for one in bundle.entities}
    height = header.height
    if isinstance(claim, Extension):
        return "complete-consistency", {"height": height, "size": claim.size}
    if isinstance(claim, Period | AsOf | EventAt):
        return check_range(claim, shown, logs, header)
    _check_walk(claim, shown, logs)
    if isinstance(claim, Absence):
        return "complete-absent", {"entity": claim.path.text, "height": height}
    if isinstance(claim, ListOf):
        return "complete-list", _total(claim, logs[claim.path], height)
    one = bundle.entities[0]
    if isinstance(one, Outlined):
        return "complete-record", {"entity": one.path.text, "events": one.size, "height": height}
    counts = {"entities": len(bundle.entities), "events": bundle.events}
    return "complete", {**counts, "height": height}


def _total(claim: ListOf, leaves: tuple[Leaf, ...], height: int) -> dict[str, Any]:
    """Recount a list: how many events of the kind, and how much of the entity went in and came
    out.
    """
    path = claim.path
    chosen = [
        leaf for leaf in leaves if leaf.kind == claim.event and leaf.contract == path.contract
    ]
    return {
        "count": len(chosen),
        "entity": path.text,
        "event": claim.event,
        "height": height,
        "made": sum(n for leaf in chosen for product, n in leaf.outputs if product == path),
        "taken": sum(n for leaf in chosen for source, n in leaf.inputs if source == path),
    }


def _check_walk(claim: Claim, shown: Mapping[Path, Shown], logs: Logs) -> None:
    """Walk from the question; every entity reached must be shown as the claim needs it, and no
    other.
    """
    outlined = grants_paired(claim)

    def log_of(path: Path) -> tuple[Leaf, ...] | None:
        one = shown.get(path)
        if one is None:
            raise Failed("entity-missing", entity=path.text)
        if path in outlined and not isinstance(one, Absent):
            if not isinstance(one, Outlined):  # others' accesses are no part of the answer
                raise Failed("entity-superfluous", entity=path.text)
            return None
        if isinstance(one, Logged):
            return logs[path]
        if not isinstance(one, Absent):
            raise Failed("entity-without-log", entity=path.text)
        # Only a handle, of which nothing was ever read, may be missing from the ledger.
        if not (isinstance(claim, Accesses) and path.kind == "handle"):
            raise Failed("entity-absent", entity=path.text)
        return None

    if isinstance(claim, Accesses):
        _check_pairs(claim, log_of(claim.dataset) or ())
    answer = entities_of(claim, log_of)
    if isinstance(claim, Entity | Absence):
        _check_outline(claim, shown.get(claim.path))
    superfluous = shown.keys() - set(answer)
    if superfluous:
        raise Failed("entity-superfluous", entity=min(path.text for path in superfluous))


def _check_outline(claim: Entity | Absence, shown: object) -> None:
    name = claim.path.text
    if shown is None:
        raise Failed("entity-missing", entity=name)
    if isinstance(claim, Entity) and isinstance(shown, Absent):
        raise Failed("entity-absent", entity=name)
    if isinstance(claim, Absence) and not isinstance(shown, Absent):
        raise Failed("entity-present", entity=name)
    if not isinstance(shown, Absent | Outlined):  # more than asked would be another claim
        raise Failed("entity-superfluous", entity=name)


def _check_pairs(claim: Accesses, dataset_leaves: tuple[Leaf, ...]) -> None:
    """Exactly one pair for each grant of the data set."""
    granted = {grant.id for grant in grants_of(dataset_leaves)}
    paired = {grant for grant, _ in claim.pairs}
    for grant in sorted(granted - paired):
        raise Failed("grant-without-handle", entity=claim.dataset.text, grant=grant)
    for grant in sorted(paired - granted):
        raise Failed("grant-of-another-dataset", entity=claim.dataset.text, grant=grant)
