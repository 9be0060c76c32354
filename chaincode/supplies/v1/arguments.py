"""What each function of supplies takes. Quantities are in the item's base unit; dates are
YYYY-MM-DD at UTC+8.

Ids of entities that a call creates begin with the caller's organisation and a dot. Lists of [lot,
quantity] name each lot at most once. Every argument must be given; what may be unknown is null.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from chaincode.fields import (
    Count,
    Date,
    Factor,
    Identifier,
    Label,
    Name,
    Quantity,
    QuantityOrNone,
    Text,
    TextOrEmpty,
    Unit,
)
from chaincode.limits import (
    LOTS_PER_ALLOCATION_MAX,
    LOTS_PER_RECEIPT_MAX,
    LOTS_PER_SHIPMENT_MAX,
    PACKS_PER_ITEM_MAX,
)

Attestation = Literal["first_hand", "custodian", "republished"]
Verdict = Literal["conformant", "non_conformant"]
Urgency = Literal["routine", "urgent", "asap", "stat"]  # FHIR request priority
ErrorReason = Literal["did_not_occur", "incorrect_data"]  # EPCIS errorDeclaration

Packs = Annotated[tuple[tuple[Unit, Label, Factor], ...], Meta(max_length=PACKS_PER_ITEM_MAX)]
LotQuantities = Annotated[
    tuple[tuple[Identifier, Quantity], ...],
    Meta(min_length=1, max_length=LOTS_PER_ALLOCATION_MAX),
]
Counted = Annotated[
    tuple[tuple[Identifier, QuantityOrNone], ...],
    Meta(min_length=1, max_length=LOTS_PER_SHIPMENT_MAX),
]


class DefineItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Role registrar. `packs` are [unit, label, factor]: a pack is told by unit and label together.

    One base unit is the pack (base_unit, "") of factor 1 and must not be listed.
    """

    base_unit: Unit
    item: Identifier
    name: Name
    packs: Packs


class ReportNeed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Role recipient, of the recipient's organisation. `quantity` 0 = not stated."""

    item: Identifier
    need: Identifier
    quantity: QuantityOrNone
    recipient: Identifier
    urgency: Urgency


class ReceivedLot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A lot: `count` packs of the item's pack (unit, label). Base units = count times the pack's
    factor.
    """

    count: Count
    expiry: Date | None
    item: Identifier
    label: Label
    lot: Identifier
    unit: Unit


class Receive(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Role custodian. `donor` is any id; `earmark` a recipient id; `source` says where the record
    comes from.

    A lot that is republished needs no inspection, and the role republisher as well; any other must
    be conformant before an approval.
    """

    attestation: Attestation
    donation: Identifier
    donor: Identifier
    earmark: Identifier | None
    lots: Annotated[tuple[ReceivedLot, ...], Meta(min_length=1, max_length=LOTS_PER_RECEIPT_MAX)]
    source: TextOrEmpty
    stated_date: Date | None


class Inspect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Role inspector. A later verdict replaces an earlier one; both stay in the log. The same again
    is refused; after INSPECTIONS_PER_LOT_MAX verdicts only non_conformant is taken.
    """

    lot: Identifier
    note: TextOrEmpty
    verdict: Verdict


class Propose(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Role allocator. Reserves the quantities. All lots have one base unit; with a need, the
    need's item.
    """

    allocation: Identifier
    lots: LotQuantities
    need: Identifier | None
    reason: Text
    recipient: Identifier


class Approve(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Role approver; neither the proposer's account nor anyone who holds one of its keys."""

    allocation: Identifier


class Reject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Role approver. Releases what is reserved and not yet shipped, before or after an approval."""

    allocation: Identifier
    reason: Text


class Ship(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Role custodian, of the organisation that holds the lots. May ship part of an approved
    allocation.
    """

    allocation: Identifier
    carrier: Name
    lots: LotQuantities
    shipment: Identifier


class HandOver(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Role recipient, of the recipient's organisation; not the account or key that shipped. Once
    per shipment.

    A lot of the shipment that is not listed was counted as 0; what is missing stays in transit.
    """

    condition: TextOrEmpty
    counted: Counted
    shipment: Identifier


class DeclareLoss(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Role custodian, of the organisation that shipped: part of what is in transit is lost."""

    lot: Identifier
    quantity: Quantity
    reason: Text
    shipment: Identifier


class Use(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Role recipient, of the recipient's organisation: part of what was delivered is used."""

    lot: Identifier
    purpose: TextOrEmpty
    quantity: Quantity
    shipment: Identifier


class CorrectReceipt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Signed by a custodian of the organisation that received. States the right item and/or
    quantity of a lot.

    `incorrect_data` needs an item of the same base unit, a quantity, or both; `did_not_occur`
    takes neither and is refused once anything of the lot has moved. Another item, or more than
    was stated, is signed by a second person: an inspector, who gives his `verdict` on the lot as it
    is now stated; or, with `verdict` null, an approver: then the lot waits for inspection. In all
    other cases `verdict` is null.
    """

    donation: Identifier
    explanation: Text
    item: Identifier | None
    lot: Identifier
    quantity: Quantity | None
    reason: ErrorReason
    verdict: Verdict | None


class CorrectHandOver(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Signed by a custodian of the shipper's organisation and a recipient of the recipient's, in
    any order.

    `counted` states the right counts of the lots it lists; lots not listed keep theirs. What is
    counted beyond what was in transit is taken from the lot's stock (more was shipped than was
    written down): then an approver signs too, as for any allocation another person than its
    proposer; the lot must be fit to go (its earmark was checked when it was allocated), and the
    allocation's line grows by it.
    """

    counted: Counted
    explanation: Text
    reason: ErrorReason
    shipment: Identifier
