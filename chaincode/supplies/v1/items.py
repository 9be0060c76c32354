"""The item master and reported needs."""

from __future__ import annotations

from chaincode.context import Context
from chaincode.contract import transaction
from chaincode.refusal import Refused, refuse
from chaincode.supplies.v1.arguments import DefineItem, ReportNeed
from chaincode.supplies.v1.indices import known_recipient, note, reopen, require_recipient
from chaincode.supplies.v1.records import ITEM, NEED, RECIPIENT, Item, Need

__all__ = ["Items", "base_units"]


def base_units(identity: str, item: Item, unit: str, label: str) -> int:
    """Return the base units in one pack; the only conversion there is.

    Raises: Refused "wrong-unit" when the item has no such pack.
    """
    if unit == item.base_unit and not label:
        return 1
    for pack_unit, pack_label, factor in item.packs:
        if pack_unit == unit and pack_label == label:
            return factor
    raise Refused("wrong-unit", {"item": identity, "label": label, "unit": unit})


class Items:
    """Functions on items and needs."""

    @transaction(DefineItem, role="registrar")
    def define_item(self, context: Context, arguments: DefineItem) -> None:
        """Add an item to the master."""
        caller = context.caller
        context.require_own(arguments.item, caller)
        context.absent(ITEM, arguments.item)
        seen = {(arguments.base_unit, ""): None}
        for unit, label, _ in arguments.packs:
            if (unit, label) in seen:
                refuse("duplicate-entry", entry=f"{unit} {label}".strip(), field="packs")
            seen[unit, label] = None
        context.put(
            ITEM, arguments.item, Item(arguments.base_unit, arguments.name, arguments.packs)
        )
        body = {
            "base_unit": arguments.base_unit,
            "by": caller.account,
            "name": arguments.name,
            "packs": arguments.packs,
        }
        context.event("item_defined", body, on=(ITEM.path(arguments.item),))

    @transaction(ReportNeed, role="recipient")
    def report_need(self, context: Context, arguments: ReportNeed) -> None:
        """Report what a recipient needs; without a quantity it is known as not stated."""
        caller = context.caller
        context.require_own(arguments.need, caller)
        known_recipient(context, arguments.recipient)
        require_recipient(caller, arguments.recipient)
        item = context.get(ITEM, arguments.item)
        context.absent(NEED, arguments.need)
        need = Need(
            allocated=0,
            delivered=0,
            item=arguments.item,
            quantity=arguments.quantity,
            recipient=arguments.recipient,
            reported_on=context.today,
            status="active",
            urgency=arguments.urgency,
        )
        context.put(NEED, arguments.need, need)
        recipient = note(
            context, RECIPIENT, arguments.recipient, "needed", item.base_unit, arguments.quantity
        )
        body = {
            "base_unit": item.base_unit,
            "by": caller.account,
            "item": arguments.item,
            "quantity": arguments.quantity,
            "urgency": arguments.urgency,
        }
        opened = reopen(context, "need", context.today)
        context.event("need_reported", body, on=(NEED.path(arguments.need), recipient, opened))
