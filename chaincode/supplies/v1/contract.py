"""The contract class of supplies, version 1: all its functions and kinds of entities."""

from __future__ import annotations

from chaincode.contract import Contract
from chaincode.supplies.v1.allocating import Allocating
from chaincode.supplies.v1.corrections import Corrections
from chaincode.supplies.v1.items import Items
from chaincode.supplies.v1.receiving import Receiving
from chaincode.supplies.v1.records import (
    ALLOCATION,
    DAY,
    DONATION,
    DONOR,
    ITEM,
    LOT,
    NEED,
    OPEN,
    RECIPIENT,
    SHIPMENT,
)
from chaincode.supplies.v1.shipping import Shipping

__all__ = ["Supplies"]


class Supplies(Contract, Items, Receiving, Allocating, Shipping, Corrections):
    """From receipt to confirmed use, per lot and base unit."""

    name = "supplies"
    version = 1
    kinds = (ITEM, NEED, DONATION, LOT, ALLOCATION, SHIPMENT, DAY, DONOR, RECIPIENT, OPEN)
