"""A lot's counters and the only ways to move between them: each movement takes from one what it
gives another. And what a lot must be to go somewhere.

Conservation is so by construction; `put_lot` checks it all the same, because a mistake here is
the mistake that must never be certified.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from chaincode.context import Caller, Context
from chaincode.identity.v1.records import ACCOUNT
from chaincode.refusal import refuse
from chaincode.supplies.v1.records import LOT, Allocation, AllocationLine, Lot
from ledger.errors import InvariantViolated

__all__ = [
    "distinct",
    "put_lot",
    "require_fit",
    "require_held",
    "require_other_person",
    "require_same_item",
    "take",
]


def put_lot(context: Context, identity: str, lot: Lot) -> None:
    """Write a lot.

    Raises: InvariantViolated when its counters do not balance.
    """
    came = lot.received + lot.transformed_in
    is_somewhere = (
        lot.in_stock
        + lot.reserved
        + lot.in_transit
        + lot.delivered
        + lot.used
        + lot.destroyed
        + lot.declared_loss
        + lot.transformed_out
    )
    if came != is_somewhere or min(lot.in_stock, lot.reserved, lot.in_transit, lot.delivered) < 0:
        raise InvariantViolated(
            f"lot {identity} does not balance: {came} came, {is_somewhere} is there"
        )
    context.put(LOT, identity, lot)


def take(lot: Lot, source: str, target: str, quantity: int) -> Lot:
    """Return the lot with `quantity` base units moved from one counter to another.

    The caller has checked that they are held there.
    """
    return replace(
        lot,
        **{source: getattr(lot, source) - quantity, target: getattr(lot, target) + quantity},
    )


def require_held(identity: str, asked: int, held: int) -> None:
    """Refuse to take more than is held.

    Raises: Refused "more-than-held".
    """
    if asked > held:
        refuse("more-than-held", asked=asked, held=held, lot=identity)


def require_fit(context: Context, identity: str, lot: Lot, inspected: bool) -> None:
    """Refuse goods that may go nowhere: expired, non-conformant and, if asked, not inspected yet.

    Raises: Refused "lot-expired", "non-conformant" or "not-inspected".
    """
    if lot.expiry is not None and lot.expiry < context.today:
        refuse("lot-expired", expiry=lot.expiry, lot=identity)
    if lot.verdict == "non_conformant":
        refuse("non-conformant", lot=identity)
    if inspected and lot.verdict == "pending":
        refuse("not-inspected", lot=identity)


def require_same_item(line: AllocationLine, lot: Lot) -> None:
    """Refuse goods that turned out to be another item than was allocated.

    Raises: Refused "wrong-item".
    """
    if lot.item != line.item:
        refuse("wrong-item", item=lot.item, lot=line.lot)


def require_other_person(context: Context, approver: Caller, allocation: Allocation) -> None:
    """Refuse an approver who is the proposer, or holds one of the proposer's keys.

    Raises: Refused "self-approval".
    """
    proposer = context.get(ACCOUNT, allocation.proposer)
    if approver.same_person(allocation.proposer, (known.key for known in proposer.keys)):
        refuse("self-approval", account=approver.account)


def distinct(entries: Iterable[str], field: str) -> None:
    """Refuse a list that names something twice.

    Raises: Refused "duplicate-entry".
    """
    seen: dict[str, None] = {}
    for entry in entries:
        if entry in seen:
            refuse("duplicate-entry", entry=entry, field=field)
        seen[entry] = None
