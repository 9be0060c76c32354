"""The records of supplies: what the ledger holds of each entity after the last event on it.

Quantities are integers in the item's base unit; dates are YYYY-MM-DD at UTC+8.
"""

from __future__ import annotations

from typing import Final

import msgspec

from chaincode.kinds import Kind
from ledger.codec import Natural

Place = tuple[Natural, Natural, Natural]  # an event: height, transaction index, event index


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An item of the master: its base unit and its packs [unit, label, base units in one]."""

    base_unit: str
    name: str
    packs: tuple[tuple[str, str, Natural], ...]


class Need(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a recipient needs; `quantity` 0 = not stated (never completed by counting)."""

    allocated: Natural
    delivered: Natural
    item: str
    quantity: Natural
    recipient: str
    reported_on: str
    status: str  # active, completed
    urgency: str


class Donation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One receipt from one donor; `void` counts its lots that turned out not to have been
    received.
    """

    attestation: str
    custodian: str
    donor: str
    earmark: str | None
    lots: tuple[str, ...]
    received_on: str
    source: str
    stated_date: str | None
    status: str  # received, did_not_occur
    void: Natural


class Lot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Goods of one item received together. `stated_at` is the event that states item and quantity
    now.
    """

    attestation: str
    base_unit: str
    custodian: str
    declared_loss: Natural
    delivered: Natural
    destroyed: Natural
    donation: str
    donor: str
    earmark: str | None
    expiry: str | None
    in_stock: Natural
    in_transit: Natural
    inspections: Natural  # how many verdicts were given
    item: str
    received: Natural
    received_on: str
    reserved: Natural
    stated_at: Place
    status: str  # received, void
    transformed_in: Natural
    transformed_out: Natural
    used: Natural
    verdict: str  # pending, conformant, non_conformant, not_required


class AllocationLine(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What an allocation holds of one lot, how much of it has been shipped, and the item that the
    lot was said to be when it was proposed.
    """

    lot: str
    quantity: Natural
    shipped: Natural
    item: str


class Allocation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A decision to give quantities of lots to a recipient."""

    approver: str | None
    base_unit: str
    lines: tuple[AllocationLine, ...]
    need: str | None
    proposed_on: str
    proposer: str
    reason: str
    recipient: str
    status: str  # proposed, approved, rejected, shipped


class ShipmentLine(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One lot of a shipment: in transit = shipped − counted − lost; at the recipient = counted −
    used.
    """

    lot: str
    shipped: Natural
    counted: Natural
    lost: Natural
    used: Natural

    @property
    def in_transit(self) -> int:
        """Base units neither counted by the recipient nor declared lost."""
        return self.shipped - self.counted - self.lost


class Shipment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Goods under way to a recipient. `counted_at` is the event that states the counts now."""

    allocation: str
    base_unit: str
    carrier: str
    condition: str
    counted_at: Place | None
    custodian: str
    handed_over_on: str | None
    lines: tuple[ShipmentLine, ...]
    recipient: str
    shipped_on: str
    shipper: str
    status: str  # in_transit, received, incomplete, lost


class Index(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A list: how many events are on it, sums by measure (received, shipped, ...) and base unit.

    `other` counts entries whose unit has no sum here, because the measure has its full number of
    units; whoever holds the log can add them up.
    """

    count: Natural
    other: Natural
    sums: dict[str, dict[str, Natural]]


class OpenList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was opened on a day and how much of it has been closed; open = opened − closed."""

    closed: Natural
    opened: Natural


_NAME: Final = "supplies"

ITEM: Final = Kind(_NAME, "item", Item)
NEED: Final = Kind(_NAME, "need", Need)
DONATION: Final = Kind(_NAME, "donation", Donation)
LOT: Final = Kind(_NAME, "lot", Lot)
ALLOCATION: Final = Kind(_NAME, "allocation", Allocation)
SHIPMENT: Final = Kind(_NAME, "shipment", Shipment)
DAY: Final = Kind(_NAME, "day", Index)
DONOR: Final = Kind(_NAME, "donor", Index)
RECIPIENT: Final = Kind(_NAME, "recipient", Index)
OPEN: Final = Kind(_NAME, "open", OpenList)
