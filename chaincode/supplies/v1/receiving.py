"""Receipt of donations and inspection of lots."""

from __future__ import annotations

from msgspec.structs import replace

from chaincode.arguments import require_date
from chaincode.context import Caller, Context
from chaincode.contract import transaction
from chaincode.limits import INSPECTIONS_PER_LOT_MAX, QUANTITY_MAX
from chaincode.refusal import refuse
from chaincode.supplies.v1.arguments import Inspect, Receive, ReceivedLot
from chaincode.supplies.v1.indices import known_recipient, note, reopen
from chaincode.supplies.v1.items import base_units
from chaincode.supplies.v1.lots import put_lot
from chaincode.supplies.v1.records import DAY, DONATION, DONOR, ITEM, LOT, RECIPIENT, Donation, Lot

__all__ = ["Receiving", "inspected"]


class Receiving:
    """Functions on donations and lots as they come in."""

    @transaction(Receive, role="custodian")
    def receive(self, context: Context, arguments: Receive) -> None:
        """Receive a donation of one or more lots; one event per lot."""
        caller = context.caller
        if arguments.attestation == "republished" and "republisher" not in caller.roles:
            # such lots need no inspection: nobody frees his own goods of it
            refuse("wrong-role", account=caller.account, role="republisher")
        context.require_own(arguments.donation, caller)
        context.absent(DONATION, arguments.donation)
        require_date(arguments.stated_date, "stated_date")
        if arguments.earmark is not None:
            known_recipient(context, arguments.earmark)
        donation = Donation(
            attestation=arguments.attestation,
            custodian=caller.organisation,
            donor=arguments.donor,
            earmark=arguments.earmark,
            lots=tuple(lot.lot for lot in arguments.lots),
            received_on=context.today,
            source=arguments.source,
            stated_date=arguments.stated_date,
            status="received",
            void=0,
        )
        context.put(DONATION, arguments.donation, donation)
        for place, received in enumerate(arguments.lots):
            _receive_lot(context, caller, arguments, place, received)

    @transaction(Inspect, role="inspector")
    def inspect(self, context: Context, arguments: Inspect) -> None:
        """Record the verdict of an inspection; the newest verdict holds. One that changes nothing
        is refused, and so are more than a lot's log should hold, but never a warning.
        """
        lot = context.get(LOT, arguments.lot)
        path = LOT.path(arguments.lot)
        if lot.status != "received":
            refuse("wrong-state", entity=path.text, state=lot.status)
        if arguments.verdict == lot.verdict:
            refuse("nothing-changed", entity=path.text)
        if lot.inspections >= INSPECTIONS_PER_LOT_MAX and arguments.verdict != "non_conformant":
            refuse("too-many-inspections", limit=INSPECTIONS_PER_LOT_MAX, lot=arguments.lot)
        put_lot(context, arguments.lot, inspected(lot, arguments.verdict))
        body = {
            "by": context.caller.account,
            "note": arguments.note,
            "verdict": arguments.verdict,
        }
        context.event("inspected", body, on=(path,))


def inspected(lot: Lot, verdict: str) -> Lot:
    """Return the lot with one more verdict."""
    return replace(lot, inspections=lot.inspections + 1, verdict=verdict)


def _receive_lot(
    context: Context, caller: Caller, arguments: Receive, place: int, received: ReceivedLot
) -> None:
    context.require_own(received.lot, caller)
    context.absent(LOT, received.lot)
    if received.expiry is not None:
        require_date(received.expiry, f"lots[{place}].expiry")
    item = context.get(ITEM, received.item)
    quantity = received.count * base_units(received.item, item, received.unit, received.label)
    if quantity > QUANTITY_MAX:
        refuse("quantity-too-large", limit=QUANTITY_MAX)
    lot = Lot(
        attestation=arguments.attestation,
        base_unit=item.base_unit,
        custodian=caller.organisation,
        declared_loss=0,
        delivered=0,
        destroyed=0,
        donation=arguments.donation,
        donor=arguments.donor,
        earmark=arguments.earmark,
        expiry=received.expiry,
        in_stock=quantity,
        in_transit=0,
        inspections=0,
        item=received.item,
        received=quantity,
        received_on=context.today,
        reserved=0,
        stated_at=context.next_position(),
        status="received",
        transformed_in=0,
        transformed_out=0,
        used=0,
        verdict="not_required" if arguments.attestation == "republished" else "pending",
    )
    put_lot(context, received.lot, lot)
    on = [
        note(context, DAY, context.today, "received", item.base_unit, quantity),
        note(context, DONOR, arguments.donor, "received", item.base_unit, quantity),
        reopen(context, "receipt", context.today),
    ]
    if arguments.earmark is not None:
        on.append(
            note(context, RECIPIENT, arguments.earmark, "earmarked", item.base_unit, quantity)
        )
    body = {
        "attestation": arguments.attestation,
        "base_unit": item.base_unit,
        "by": caller.account,
        "count": received.count,
        "earmark": arguments.earmark,
        "expiry": received.expiry,
        "item": received.item,
        "label": received.label,
        "quantity": quantity,
        "source": arguments.source,
        "stated_date": arguments.stated_date,
        "unit": received.unit,
    }
    context.event(
        "received",
        body,
        inputs=((DONATION.path(arguments.donation), quantity),),
        outputs=((LOT.path(received.lot), quantity),),
        on=on,
    )
