"""Shipment, handover, loss and use: only the custodian ships, and delivered means the receiver
counted.
"""

from __future__ import annotations

from msgspec.structs import replace

from chaincode.context import Context
from chaincode.contract import transaction
from chaincode.identity.v1.records import ACCOUNT
from chaincode.refusal import Refused, refuse
from chaincode.supplies.v1.arguments import DeclareLoss, HandOver, Ship, Use
from chaincode.supplies.v1.indices import close, note, plus, reopen, require_recipient
from chaincode.supplies.v1.lots import (
    distinct,
    put_lot,
    require_fit,
    require_held,
    require_same_item,
    take,
)
from chaincode.supplies.v1.records import (
    ALLOCATION,
    DAY,
    LOT,
    NEED,
    RECIPIENT,
    SHIPMENT,
    Allocation,
    Shipment,
    ShipmentLine,
)
from ledger.paths import Path

__all__ = ["Shipping", "line_of", "need_delivered", "replace_line", "transit_moved"]


class Shipping:
    """Functions on shipments."""

    @transaction(Ship, role="custodian")
    def ship(self, context: Context, arguments: Ship) -> None:
        """Send quantities of an approved allocation on their way."""
        caller = context.caller
        context.require_own(arguments.shipment, caller)
        context.absent(SHIPMENT, arguments.shipment)
        allocation = context.get(ALLOCATION, arguments.allocation)
        path = ALLOCATION.path(arguments.allocation)
        if allocation.status != "approved":
            refuse("wrong-state", entity=path.text, state=allocation.status)
        distinct((lot for lot, _ in arguments.lots), "lots")
        total, allocation, on = _load(context, arguments, allocation)
        context.put(ALLOCATION, arguments.allocation, allocation)
        shipment = Shipment(
            allocation=arguments.allocation,
            base_unit=allocation.base_unit,
            carrier=arguments.carrier,
            condition="",
            counted_at=None,
            custodian=caller.organisation,
            handed_over_on=None,
            lines=tuple(ShipmentLine(lot, quantity, 0, 0, 0) for lot, quantity in arguments.lots),
            recipient=allocation.recipient,
            shipped_on=context.today,
            shipper=caller.account,
            status="in_transit",
        )
        context.put(SHIPMENT, arguments.shipment, shipment)
        if allocation.status == "shipped":
            on.append(close(context, "allocation", allocation.proposed_on))
        on.append(note(context, DAY, context.today, "shipped", allocation.base_unit, total))
        on.append(reopen(context, "shipment", context.today))
        body = {
            "base_unit": allocation.base_unit,
            "by": caller.account,
            "carrier": arguments.carrier,
            "lots": arguments.lots,
            "recipient": allocation.recipient,
        }
        context.event(
            "shipped",
            body,
            inputs=((path, total),),
            outputs=((SHIPMENT.path(arguments.shipment), total),),
            on=on,
        )

    @transaction(HandOver, role="recipient")
    def hand_over(self, context: Context, arguments: HandOver) -> None:
        """Confirm, as the receiver, what arrived, lot by lot."""
        caller = context.caller
        shipment = context.get(SHIPMENT, arguments.shipment)
        path = SHIPMENT.path(arguments.shipment)
        require_recipient(caller, shipment.recipient)
        if shipment.status != "in_transit":
            refuse("wrong-state", entity=path.text, state=shipment.status)
        shipper = context.get(ACCOUNT, shipment.shipper)
        if caller.same_person(shipment.shipper, (known.key for known in shipper.keys)):
            refuse("self-confirmation", account=caller.account)
        distinct((lot for lot, _ in arguments.counted), "counted")
        total, after = _count(context, arguments, shipment)
        complete = all(line.in_transit == 0 for line in after.lines)
        after = replace(
            after,
            condition=arguments.condition,
            counted_at=context.next_position(),
            handed_over_on=context.today,
            status="received" if complete else "incomplete",
        )
        context.put(SHIPMENT, arguments.shipment, after)
        on = [LOT.path(line.lot) for line in shipment.lines]
        on.append(ALLOCATION.path(shipment.allocation))
        on.extend(need_delivered(context, shipment.allocation, total))
        on.extend(transit_moved(context, shipment, after))
        unit = shipment.base_unit
        on.append(note(context, RECIPIENT, shipment.recipient, "delivered", unit, total))
        on.append(note(context, DAY, context.today, "delivered", unit, total))
        body = {
            "base_unit": unit,
            "by": caller.account,
            "condition": arguments.condition,
            "counted": arguments.counted,
        }
        context.event("handed_over", body, inputs=((path, total),), on=on)

    @transaction(DeclareLoss, role="custodian")
    def declare_loss(self, context: Context, arguments: DeclareLoss) -> None:
        """Declare part of what is in transit lost."""
        caller = context.caller
        shipment = context.get(SHIPMENT, arguments.shipment)
        if caller.organisation != shipment.custodian:
            refuse("wrong-organisation", account=caller.account, organisation=shipment.custodian)
        line = line_of(shipment, arguments.shipment, arguments.lot)
        require_held(arguments.lot, arguments.quantity, line.in_transit)
        after = replace_line(shipment, replace(line, lost=line.lost + arguments.quantity))
        if shipment.status == "in_transit" and not any(each.in_transit for each in after.lines):
            after = replace(after, status="lost")
        context.put(SHIPMENT, arguments.shipment, after)
        lot = context.get(LOT, arguments.lot)
        put_lot(
            context, arguments.lot, take(lot, "in_transit", "declared_loss", arguments.quantity)
        )
        body = {
            "base_unit": shipment.base_unit,
            "by": caller.account,
            "lot": arguments.lot,
            "quantity": arguments.quantity,
            "reason": arguments.reason,
        }
        context.event(
            "loss_declared",
            body,
            inputs=((SHIPMENT.path(arguments.shipment), arguments.quantity),),
            on=(LOT.path(arguments.lot), *transit_moved(context, shipment, after)),
        )

    @transaction(Use, role="recipient")
    def use(self, context: Context, arguments: Use) -> None:
        """Use, as the recipient, part of what was delivered."""
        caller = context.caller
        shipment = context.get(SHIPMENT, arguments.shipment)
        require_recipient(caller, shipment.recipient)
        line = line_of(shipment, arguments.shipment, arguments.lot)
        require_held(arguments.lot, arguments.quantity, line.counted - line.used)
        after = replace_line(shipment, replace(line, used=line.used + arguments.quantity))
        context.put(SHIPMENT, arguments.shipment, after)
        lot = context.get(LOT, arguments.lot)
        put_lot(context, arguments.lot, take(lot, "delivered", "used", arguments.quantity))
        unit = shipment.base_unit
        recipient = note(context, RECIPIENT, shipment.recipient, "used", unit, arguments.quantity)
        body = {
            "base_unit": unit,
            "by": caller.account,
            "lot": arguments.lot,
            "purpose": arguments.purpose,
            "quantity": arguments.quantity,
        }
        context.event(
            "used",
            body,
            inputs=((SHIPMENT.path(arguments.shipment), arguments.quantity),),
            on=(LOT.path(arguments.lot), recipient),
        )


def line_of(shipment: Shipment, identity: str, lot: str) -> ShipmentLine:
    """Return the line of a lot.

    Raises: Refused "not-in-shipment".
    """
    for line in shipment.lines:
        if line.lot == lot:
            return line
    raise Refused("not-in-shipment", {"lot": lot, "shipment": identity})


def replace_line(shipment: Shipment, line: ShipmentLine) -> Shipment:
    """Return the shipment with the line of one lot replaced."""
    lines = tuple(line if each.lot == line.lot else each for each in shipment.lines)
    return replace(shipment, lines=lines)


def transit_moved(context: Context, before: Shipment, after: Shipment) -> tuple[Path, ...]:
    """Keep open/shipment.<day>: a shipment is open while something of it is in transit."""
    was = any(line.in_transit for line in before.lines)
    still = any(line.in_transit for line in after.lines)
    if was and not still:
        return (close(context, "shipment", before.shipped_on),)
    if still and not was:
        return (reopen(context, "shipment", before.shipped_on),)
    return ()


def need_delivered(context: Context, allocation: str, amount: int) -> list[Path]:
    """Count a delivery (or, below zero, a corrected one) for the allocation's need, if any."""
    identity = context.get(ALLOCATION, allocation).need
    if identity is None:
        return []
    need = context.get(NEED, identity)
    delivered = plus(need.delivered, amount)
    completed = need.quantity > 0 and delivered >= need.quantity
    on = [NEED.path(identity)]
    if completed and need.status == "active":
        on.append(close(context, "need", need.reported_on))
    elif not completed and need.status == "completed":
        on.append(reopen(context, "need", need.reported_on))
    status = "completed" if completed else "active"
    context.put(NEED, identity, replace(need, delivered=delivered, status=status))
    return on


def _load(
    context: Context, arguments: Ship, allocation: Allocation
) -> tuple[int, Allocation, list[Path]]:
    """Move what is shipped from reserved to in transit, and count it in the allocation."""
    lines = {line.lot: line for line in allocation.lines}
    total = 0
    on: list[Path] = []
    organisation = context.caller.organisation
    for identity, quantity in arguments.lots:
        line = lines.get(identity)
        if line is None:
            refuse("not-in-allocation", allocation=arguments.allocation, lot=identity)
        require_held(identity, quantity, line.quantity - line.shipped)
        lot = context.get(LOT, identity)
        if lot.custodian != organisation:
            refuse("wrong-organisation", account=context.caller.account, organisation=lot.custodian)
        require_same_item(line, lot)
        require_fit(context, identity, lot, inspected=True)
        lines[identity] = replace(line, shipped=line.shipped + quantity)
        put_lot(context, identity, take(lot, "reserved", "in_transit", quantity))
        on.append(LOT.path(identity))
        total = plus(total, quantity)
    after = tuple(lines.values())
    shipped = all(line.shipped == line.quantity for line in after)
    status = "shipped" if shipped else allocation.status
    return total, replace(allocation, lines=after, status=status), on


def _count(context: Context, arguments: HandOver, shipment: Shipment) -> tuple[int, Shipment]:
    """Move what was counted from in transit to delivered."""
    total = 0
    after = shipment
    for identity, counted in arguments.counted:
        line = line_of(after, arguments.shipment, identity)
        if counted > line.in_transit:
            refuse("more-than-shipped", asked=counted, held=line.in_transit, lot=identity)
        after = replace_line(after, replace(line, counted=counted))
        lot = context.get(LOT, identity)
        put_lot(context, identity, take(lot, "in_transit", "delivered", counted))
        total = plus(total, counted)
    return total, after
