"""Verification, step 8, of answers that show part of a log: a period, a past record, one event.

What is shown is integral already: the leaves and the covers of the others make the log that the
state root holds. Here is checked that they are the answer: all of it, and nothing else. Neighbours
bound it: the leaf before a period is earlier, the leaf after it later. Failures are raised as
Failed. Source: DESIGN 2.2 and 2.4; docs/FORMATS.md 7.2 and 8.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ledger.block import Header
from ledger.bundle import Absent, Ranged, Shown
from ledger.claims import AsOf, EventAt, Period, Ranging
from ledger.hashing import sha256
from ledger.instants import utc_time
from ledger.leaf import Leaf
from ledger.paths import Path
from ledger.verdict import Failed

__all__ = ["check_range"]

Clean = tuple[str, dict[str, Any]]  # the code of a clean line and what fills its sentence


def check_range(
    claim: Ranging, shown: Mapping[Path, Shown], logs: Mapping[Path, Sequence[Leaf]], header: Header
) -> Clean:
    """Return the clean line's code and parameters. Raises: Failed."""
    path, height = claim.path, header.height
    name, one = path.text, shown.get(path)
    if one is None:
        raise Failed("entity-missing", entity=name)
    if isinstance(claim, AsOf) and claim.height > height:
        raise Failed("height-ahead", height=height, past=claim.height)
    if isinstance(one, Absent) and not isinstance(claim, AsOf):
        raise Failed("entity-absent", entity=name)
    others = sorted(other.text for other in shown if other != path)
    if others or not isinstance(one, Absent | Ranged):
        raise Failed("entity-superfluous", entity=others[0] if others else name)
    if isinstance(claim, AsOf):
        told = {"entity": name, "height": height, "past": claim.height}
        existed = isinstance(one, Ranged) and _existed(one, claim.height, logs[path])
        return "complete-as-of" if existed else "complete-as-of-absent", told
    if not isinstance(one, Ranged) or one.then is not None:
        raise Failed("record-of-another-time", entity=name)
    told = {"entity": name, "height": height, "size": one.size}
    if isinstance(claim, Period):
        told |= _period(one, claim, logs[path])
        if claim.until <= header.time:
            return "complete-period", told
        # A block may still come whose time is in it.
        return "complete-period-so-far", {**told, "time": utc_time(header.time // 1000)}
    return "complete-event", {**told, **_event(one, claim)}


def _superfluous(shown: Ranged, place: int) -> Failed:
    return Failed("leaf-superfluous", entity=shown.path.text, index=shown.first + place)


def _period(shown: Ranged, claim: Period, leaves: Sequence[Leaf]) -> dict[str, Any]:
    name, last = shown.path.text, len(leaves) - 1
    for place, leaf in enumerate(leaves):
        if (place > 0 and leaf.time < claim.since) or (place < last and leaf.time >= claim.until):
            raise _superfluous(shown, place)
    if shown.first > 0 and leaves[0].time >= claim.since:
        raise Failed("period-open-before", entity=name)
    if shown.stop < shown.size and leaves[last].time < claim.until:
        raise Failed("period-open-after", entity=name)
    return {
        "events": sum(claim.since <= leaf.time < claim.until for leaf in leaves),
        "from": utc_time(claim.since // 1000),
        "until": utc_time(claim.until // 1000),
    }


def _existed(shown: Ranged, past: int, leaves: Sequence[Leaf]) -> bool:
    """Check the leaves about a past height; return whether the entity existed then."""
    name = shown.path.text
    if leaves[0].height > past:
        if len(leaves) > 1:
            raise _superfluous(shown, 1)
        if shown.first > 0:
            raise Failed("as-of-open", entity=name, past=past)
        if shown.then is not None:
            raise Failed("record-of-another-time", entity=name)
        return False
    if len(leaves) > 1 and leaves[1].height <= past:
        raise _superfluous(shown, 0)
    if len(leaves) > 2:
        raise _superfluous(shown, 2)
    if len(leaves) == 1 and shown.stop < shown.size:
        raise Failed("as-of-open", entity=name, past=past)
    if shown.then is None or sha256(shown.then) != leaves[0].record:
        raise Failed("record-of-another-time", entity=name)
    return True


def _event(shown: Ranged, claim: EventAt) -> dict[str, Any]:
    if len(shown.leaves) > 1:
        raise _superfluous(shown, 1)
    if shown.first != claim.index:
        raise Failed("event-of-another-index", entity=shown.path.text, index=shown.first)
    return {"index": claim.index}
