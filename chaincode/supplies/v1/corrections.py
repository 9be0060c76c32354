"""Corrections: nothing is edited. A correction is an event that names the event it corrects and
says why.

The body carries `corrects` [height, transaction index, event index], the old and the new value;
the original stays in every log it stood in (EPCIS errorDeclaration; domain.md 0.4). A second
correction corrects the first.

A correction opens no way around inspection and approval: other goods, or more of them, need the
signature of an inspector or approver, who is another person than the custodian.
"""

from __future__ import annotations

from msgspec.structs import replace

from chaincode.context import Caller, Context
from chaincode.contract import transaction
from chaincode.refusal import refuse
from chaincode.supplies.v1.arguments import CorrectHandOver, CorrectReceipt
from chaincode.supplies.v1.indices import note, plus, stock_moved
from chaincode.supplies.v1.lots import (
    distinct,
    put_lot,
    require_fit,
    require_held,
    require_other_person,
    take,
)
from chaincode.supplies.v1.receiving import inspected
from chaincode.supplies.v1.records import (
    ALLOCATION,
    DAY,
    DONATION,
    DONOR,
    ITEM,
    LOT,
    NEED,
    RECIPIENT,
    SHIPMENT,
    Lot,
    Shipment,
)
from chaincode.supplies.v1.shipping import line_of, need_delivered, replace_line, transit_moved
from ledger.paths import Path

__all__ = ["Corrections"]


class Corrections:
    """Functions that correct what was stated before."""

    @transaction(CorrectReceipt, role="custodian", signers=(1, 2))
    def correct_receipt(self, context: Context, arguments: CorrectReceipt) -> None:
        """State the right item and quantity of a received lot, or that it was never received."""
        lot = context.get(LOT, arguments.lot)
        path = LOT.path(arguments.lot)
        donation = context.get(DONATION, arguments.donation)
        if lot.donation != arguments.donation:
            refuse("not-in-donation", donation=arguments.donation, lot=arguments.lot)
        if lot.status != "received":
            refuse("wrong-state", entity=path.text, state=lot.status)
        if arguments.reason == "did_not_occur":
            after = _void(arguments, lot)
            void = donation.void + 1
            status = "did_not_occur" if void == len(donation.lots) else donation.status
            context.put(DONATION, arguments.donation, replace(donation, status=status, void=void))
        else:
            after = _restated(context, arguments, lot)
        custodian, second = _signers(context, arguments, lot, after)
        if second is not None:
            verdict = arguments.verdict
            after = inspected(after, verdict) if verdict else replace(after, verdict="pending")
        after = replace(after, stated_at=context.next_position())
        put_lot(context, arguments.lot, after)
        change = after.received - lot.received
        on = [
            DONATION.path(arguments.donation),
            path,
            *stock_moved(context, lot, after),
            note(context, DAY, lot.received_on, "received", lot.base_unit, change),
            note(context, DONOR, lot.donor, "received", lot.base_unit, change),
        ]
        if lot.earmark is not None:
            on.append(note(context, RECIPIENT, lot.earmark, "earmarked", lot.base_unit, change))
        body = {
            "base_unit": lot.base_unit,
            "by": custodian.account,
            "corrects": lot.stated_at,
            "explanation": arguments.explanation,
            "lot": arguments.lot,
            "new": {"item": after.item, "quantity": after.received},
            "old": {"item": lot.item, "quantity": lot.received},
            "reason": arguments.reason,
            "verdict": after.verdict,
        }
        if second is not None:
            body["confirmed_by"] = second.account
        context.event("receipt_corrected", body, on=on)

    @transaction(CorrectHandOver, signers=(2, 3))
    def correct_hand_over(self, context: Context, arguments: CorrectHandOver) -> None:
        """State the right counts of a handover; custodian and recipient both sign, and an approver
        when goods are drawn from stock that no approval covered.
        """
        shipment = context.get(SHIPMENT, arguments.shipment)
        path = SHIPMENT.path(arguments.shipment)
        if shipment.counted_at is None or shipment.handed_over_on is None:
            refuse("wrong-state", entity=path.text, state=shipment.status)
        distinct((lot for lot, _ in arguments.counted), "counted")
        changes, on, after = _recount(context, arguments, shipment)
        counted = sum(new - old for _, old, new, _, _ in changes)
        from_stock = sum(stock for _, _, _, _, stock in changes)
        signers = _hand_over_signers(context, shipment, from_stock > 0)
        complete = all(line.in_transit == 0 for line in after.lines)
        after = replace(
            after,
            counted_at=context.next_position(),
            status="received" if complete else "incomplete",
        )
        context.put(SHIPMENT, arguments.shipment, after)
        unit = shipment.base_unit
        on += (path, ALLOCATION.path(shipment.allocation))
        on.extend(need_delivered(context, shipment.allocation, counted))
        on.extend(transit_moved(context, shipment, after))
        on.append(note(context, RECIPIENT, shipment.recipient, "delivered", unit, counted))
        on.append(note(context, DAY, shipment.handed_over_on, "delivered", unit, counted))
        if from_stock:
            _allocate(context, shipment, changes, from_stock)
            fresh = shipment.shipped_on != shipment.handed_over_on
            on.append(note(context, DAY, shipment.shipped_on, "shipped", unit, from_stock, fresh))
        body = {
            **signers,
            "base_unit": unit,
            "corrects": shipment.counted_at,
            "explanation": arguments.explanation,
            "from_stock": [(lot, stock) for lot, _, _, _, stock in changes],
            "from_transit": [(lot, transit) for lot, _, _, transit, _ in changes],
            "new": [(lot, new) for lot, _, new, _, _ in changes],
            "old": [(lot, old) for lot, old, _, _, _ in changes],
            "reason": arguments.reason,
        }
        context.event(
            "hand_over_corrected",
            body,
            inputs=tuple((LOT.path(lot), stock) for lot, _, _, _, stock in changes if stock),
            outputs=((path, from_stock),) if from_stock else (),
            on=on,
        )


_Change = tuple[str, int, int, int, int]  # lot, old count, new count, from transit, from stock


def _signers(
    context: Context, arguments: CorrectReceipt, lot: Lot, after: Lot
) -> tuple[Caller, Caller | None]:
    """Return the custodian, and the second signer of another item or of more than was stated.

    A custodian alone may only take back: what somebody inspected or approved must not become
    other goods, or more of them, by one hand.
    """
    custodian = ("custodian", lot.custodian)
    if after.item == lot.item and after.received <= lot.received:
        if arguments.verdict is not None:
            refuse("bad-argument", field="verdict", rule="shape")
        (caller,) = context.parties(custodian)
        return caller, None
    role = "approver" if arguments.verdict is None else "inspector"
    caller, second = context.parties(custodian, (role, None))
    return caller, second


def _hand_over_signers(context: Context, shipment: Shipment, from_stock: bool) -> dict[str, str]:
    """Return who signs the correction of a count, as its body names them."""
    custodian = ("custodian", shipment.custodian)
    recipient = ("recipient", shipment.recipient.split(".", 1)[0])
    if not from_stock:
        one, other = context.parties(custodian, recipient)
        return {"by": one.account, "confirmed_by": other.account}
    one, other, third = context.parties(custodian, recipient, ("approver", None))
    require_other_person(context, third, context.get(ALLOCATION, shipment.allocation))
    return {"approved_by": third.account, "by": one.account, "confirmed_by": other.account}


def _allocate(
    context: Context, shipment: Shipment, changes: list[_Change], from_stock: int
) -> None:
    """Let the allocation, its need and its recipient's list hold what was drawn from stock.

    The event names all three already.
    """
    allocation = context.get(ALLOCATION, shipment.allocation)
    drawn = {lot: stock for lot, _, _, _, stock in changes}
    lines = tuple(
        replace(
            line,
            quantity=plus(line.quantity, drawn.get(line.lot, 0)),
            shipped=plus(line.shipped, drawn.get(line.lot, 0)),
        )
        for line in allocation.lines
    )
    context.put(ALLOCATION, shipment.allocation, replace(allocation, lines=lines))
    if allocation.need is not None:
        need = context.get(NEED, allocation.need)
        allocated = plus(need.allocated, from_stock)
        context.put(NEED, allocation.need, replace(need, allocated=allocated))
    unit = shipment.base_unit
    note(context, RECIPIENT, shipment.recipient, "allocated", unit, from_stock, fresh=False)


def _void(arguments: CorrectReceipt, lot: Lot) -> Lot:
    if arguments.item is not None or arguments.quantity is not None:
        field = "item" if arguments.item is not None else "quantity"
        refuse("bad-argument", field=field, rule="shape")
    if lot.in_stock != lot.received:
        refuse("already-moved", lot=arguments.lot)
    return replace(lot, in_stock=0, received=0, status="void")


def _restated(context: Context, arguments: CorrectReceipt, lot: Lot) -> Lot:
    item = lot.item if arguments.item is None else arguments.item
    quantity = lot.received if arguments.quantity is None else arguments.quantity
    if item == lot.item and quantity == lot.received:
        refuse("nothing-corrected")
    base_unit = context.get(ITEM, item).base_unit
    if base_unit != lot.base_unit:
        refuse("mixed-units", other=base_unit, unit=lot.base_unit)
    change = quantity - lot.received
    require_held(arguments.lot, -change, lot.in_stock)
    return replace(lot, in_stock=plus(lot.in_stock, change), item=item, received=quantity)


def _recount(
    context: Context, arguments: CorrectHandOver, shipment: Shipment
) -> tuple[list[_Change], list[Path], Shipment]:
    changes: list[_Change] = []
    on: list[Path] = []
    after = shipment
    for place, (identity, counted) in enumerate(arguments.counted):
        if arguments.reason == "did_not_occur" and counted:
            refuse("bad-argument", field=f"counted[{place}][1]", rule="range")
        line = line_of(after, arguments.shipment, identity)
        change = counted - line.counted
        if not change:
            continue
        if change < 0:
            require_held(identity, -change, line.counted - line.used)
        transit = min(change, line.in_transit)
        stock = change - transit
        lot = context.get(LOT, identity)
        if stock > 0:
            require_held(identity, stock, lot.in_stock)
            require_fit(context, identity, lot, inspected=True)
        moved = take(take(lot, "in_transit", "delivered", transit), "in_stock", "delivered", stock)
        put_lot(context, identity, moved)
        on.append(LOT.path(identity))
        on.extend(stock_moved(context, lot, moved))
        line = replace(line, counted=counted, shipped=plus(line.shipped, stock))
        after = replace_line(after, line)
        changes.append((identity, line.counted - change, counted, transit, stock))
    if not changes:
        refuse("nothing-corrected")
    return changes, on, after
