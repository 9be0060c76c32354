"""Allocation: a proposal reserves, another person approves or rejects.

Lots are reserved by the proposal, so that two proposals never count on the same goods; a
rejection releases them.
"""

from __future__ import annotations

from msgspec.structs import replace

from chaincode.context import Context
from chaincode.contract import transaction
from chaincode.refusal import refuse
from chaincode.supplies.v1.arguments import Approve, Propose, Reject
from chaincode.supplies.v1.indices import close, known_recipient, note, plus, reopen, stock_moved
from chaincode.supplies.v1.lots import (
    distinct,
    put_lot,
    require_fit,
    require_held,
    require_other_person,
    require_same_item,
    take,
)
from chaincode.supplies.v1.records import (
    ALLOCATION,
    LOT,
    NEED,
    RECIPIENT,
    Allocation,
    AllocationLine,
    Lot,
    Need,
)
from ledger.paths import Path

__all__ = ["Allocating"]


class Allocating:
    """Functions on allocations."""

    @transaction(Propose, role="allocator")
    def propose(self, context: Context, arguments: Propose) -> None:
        """Propose to give quantities of lots to a recipient, and reserve them."""
        caller = context.caller
        context.require_own(arguments.allocation, caller)
        context.absent(ALLOCATION, arguments.allocation)
        known_recipient(context, arguments.recipient)
        distinct((lot for lot, _ in arguments.lots), "lots")
        need = _need(context, arguments)
        lines, total, base_unit, on = _reserve(context, arguments, need)
        allocation = Allocation(
            approver=None,
            base_unit=base_unit,
            lines=lines,
            need=arguments.need,
            proposed_on=context.today,
            proposer=caller.account,
            reason=arguments.reason,
            recipient=arguments.recipient,
            status="proposed",
        )
        context.put(ALLOCATION, arguments.allocation, allocation)
        if arguments.need is not None and need is not None:
            context.put(NEED, arguments.need, replace(need, allocated=plus(need.allocated, total)))
            on.append(NEED.path(arguments.need))
        on.append(note(context, RECIPIENT, arguments.recipient, "allocated", base_unit, total))
        on.append(reopen(context, "allocation", context.today))
        body = {
            "base_unit": base_unit,
            "by": caller.account,
            "need": arguments.need,
            "reason": arguments.reason,
            "recipient": arguments.recipient,
        }
        context.event(
            "proposed",
            body,
            inputs=tuple((LOT.path(lot), quantity) for lot, quantity in arguments.lots),
            outputs=((ALLOCATION.path(arguments.allocation), total),),
            on=on,
        )

    @transaction(Approve, role="approver")
    def approve(self, context: Context, arguments: Approve) -> None:
        """Approve a proposal: another person than the proposer, and every lot fit to go and still
        of the item that was proposed.
        """
        allocation = context.get(ALLOCATION, arguments.allocation)
        path = ALLOCATION.path(arguments.allocation)
        if allocation.status != "proposed":
            refuse("wrong-state", entity=path.text, state=allocation.status)
        require_other_person(context, context.caller, allocation)
        on = [path]
        for line in allocation.lines:
            lot = context.get(LOT, line.lot)
            require_same_item(line, lot)
            require_fit(context, line.lot, lot, inspected=True)
            on.append(LOT.path(line.lot))
        caller = context.caller
        context.put(
            ALLOCATION,
            arguments.allocation,
            replace(allocation, approver=caller.account, status="approved"),
        )
        context.event("approved", {"by": caller.account}, on=on)

    @transaction(Reject, role="approver")
    def reject(self, context: Context, arguments: Reject) -> None:
        """Reject a proposal, or withdraw what an approval has not shipped; reserved goods return
        to stock.
        """
        allocation = context.get(ALLOCATION, arguments.allocation)
        path = ALLOCATION.path(arguments.allocation)
        if allocation.status not in ("proposed", "approved"):
            refuse("wrong-state", entity=path.text, state=allocation.status)
        require_other_person(context, context.caller, allocation)
        on: list[Path] = [path]
        released: list[tuple[str, int]] = []
        for line in allocation.lines:
            quantity = line.quantity - line.shipped
            if not quantity:
                continue
            lot = context.get(LOT, line.lot)
            after = take(lot, "reserved", "in_stock", quantity)
            put_lot(context, line.lot, after)
            on.append(LOT.path(line.lot))
            on.extend(stock_moved(context, lot, after))
            released.append((line.lot, quantity))
        total = sum(quantity for _, quantity in released)
        shipped = any(line.shipped for line in allocation.lines)
        context.put(
            ALLOCATION,
            arguments.allocation,
            replace(allocation, status="shipped" if shipped else "rejected"),
        )
        if allocation.need is not None:
            need = context.get(NEED, allocation.need)
            context.put(NEED, allocation.need, replace(need, allocated=need.allocated - total))
            on.append(NEED.path(allocation.need))
        on.append(
            note(
                context, RECIPIENT, allocation.recipient, "allocated", allocation.base_unit, -total
            )
        )
        on.append(close(context, "allocation", allocation.proposed_on))
        body = {"by": context.caller.account, "lots": released, "reason": arguments.reason}
        context.event("rejected", body, on=on)


def _need(context: Context, arguments: Propose) -> Need | None:
    if arguments.need is None:
        return None
    need = context.get(NEED, arguments.need)
    path = NEED.path(arguments.need)
    if need.recipient != arguments.recipient:
        refuse("wrong-recipient", entity=path.text, recipient=arguments.recipient)
    if need.status != "active":
        refuse("wrong-state", entity=path.text, state=need.status)
    return need


def _reserve(
    context: Context, arguments: Propose, need: Need | None
) -> tuple[tuple[AllocationLine, ...], int, str, list[Path]]:
    total, base_unit = 0, ""
    lines: list[AllocationLine] = []
    on: list[Path] = []
    for identity, quantity in arguments.lots:
        lot = context.get(LOT, identity)
        _require_allocable(context, identity, lot, arguments.recipient, need)
        require_held(identity, quantity, lot.in_stock)
        if base_unit and lot.base_unit != base_unit:
            refuse("mixed-units", other=lot.base_unit, unit=base_unit)
        base_unit = lot.base_unit
        total = plus(total, quantity)
        after = take(lot, "in_stock", "reserved", quantity)
        put_lot(context, identity, after)
        on.extend(stock_moved(context, lot, after))
        lines.append(AllocationLine(identity, quantity, 0, lot.item))
    return tuple(lines), total, base_unit, on


def _require_allocable(
    context: Context, identity: str, lot: Lot, recipient: str, need: Need | None
) -> None:
    require_fit(context, identity, lot, inspected=False)
    earmark = lot.earmark
    if earmark is not None and recipient != earmark and not recipient.startswith(earmark + "."):
        refuse("earmarked", earmark=earmark, lot=identity)
    if need is not None and lot.item != need.item:
        refuse("wrong-item", item=lot.item, lot=identity)
