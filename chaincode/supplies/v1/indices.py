"""Lists as entities: days, donors, recipients, and what is open. Created on first use.

An index's record counts the events on it and sums quantities per measure and base unit; an open
list holds {opened, closed}, both only rising. Whoever holds the complete log of one can recount
it (DESIGN 2.4).
"""

from __future__ import annotations

from chaincode.context import Caller, Context
from chaincode.identity.v1.records import ORGANISATION
from chaincode.kinds import Kind
from chaincode.limits import UNITS_PER_INDEX_MAX
from chaincode.refusal import refuse
from chaincode.supplies.v1.records import OPEN, Index, Lot, OpenList
from ledger.errors import InvariantViolated
from ledger.limits import INTEGER_MAX
from ledger.paths import Path

__all__ = ["close", "known_recipient", "note", "plus", "reopen", "require_recipient", "stock_moved"]


def plus(held: int, amount: int) -> int:
    """Return the sum of two quantities.

    Raises: Refused "overflow" above 2^53−1; InvariantViolated below zero (callers check what is
    held).
    """
    total = held + amount
    if total > INTEGER_MAX:
        refuse("overflow", limit=INTEGER_MAX)
    if total < 0:
        raise InvariantViolated(f"a quantity of {total}")
    return total


def note(
    context: Context,
    kind: Kind[Index],
    identity: str,
    measure: str,
    unit: str,
    amount: int,
    fresh: bool = True,
) -> Path:
    """Count one event on an index and add to one of its sums; returns the path the event must name.

    `fresh` is False when the same event has been counted on the index already. A unit beyond
    those a list sums is counted as `other`, never refused: nobody's units keep out another's.

    Raises: Refused "overflow".
    """
    index = context.find(kind, identity) or Index(0, 0, {})
    units = index.sums.get(measure, {})
    path = kind.path(identity)
    if unit not in units and len(units) >= UNITS_PER_INDEX_MAX:
        context.put(kind, identity, Index(index.count + fresh, index.other + 1, index.sums))
        return path
    sums = {**index.sums, measure: {**units, unit: plus(units.get(unit, 0), amount)}}
    context.put(kind, identity, Index(index.count + fresh, index.other, sums))
    return path


def reopen(context: Context, what: str, date: str) -> Path:
    """Count one more opened on the list of a day; returns its path."""
    identity = f"{what}.{date}"
    held = context.find(OPEN, identity)
    record = OpenList(0, 1) if held is None else OpenList(held.closed, plus(held.opened, 1))
    context.put(OPEN, identity, record)
    return OPEN.path(identity)


def close(context: Context, what: str, date: str) -> Path:
    """Count one more closed on the list of the day it was opened on; returns its path."""
    identity = f"{what}.{date}"
    held = context.get(OPEN, identity)
    if held.closed >= held.opened:
        raise InvariantViolated(f"open/{identity} closes more than was opened")
    context.put(OPEN, identity, OpenList(held.closed + 1, held.opened))
    return OPEN.path(identity)


def stock_moved(context: Context, before: Lot, after: Lot) -> tuple[Path, ...]:
    """Keep open/receipt.<day>: a lot is open while something of it is in stock."""
    if before.in_stock and not after.in_stock:
        return (close(context, "receipt", before.received_on),)
    if after.in_stock and not before.in_stock:
        return (reopen(context, "receipt", before.received_on),)
    return ()


def known_recipient(context: Context, recipient: str) -> None:
    """Refuse a recipient whose organisation (all before the first dot) is not on the ledger.

    Raises: Refused "unknown-recipient".
    """
    if context.find(ORGANISATION, recipient.split(".", 1)[0]) is None:
        refuse("unknown-recipient", recipient=recipient)


def require_recipient(caller: Caller, recipient: str) -> None:
    """Refuse a caller who is not of the recipient's organisation.

    Raises: Refused "wrong-organisation".
    """
    organisation = recipient.split(".", 1)[0]
    if caller.organisation != organisation:
        refuse("wrong-organisation", account=caller.account, organisation=organisation)
