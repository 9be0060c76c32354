"""What the contracts of a measured ledger did: deliveries that a hospital uses piece by piece, and
a data set under whose grants persons are looked up. Not a measurement itself (proofs.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any, Final

from benchmarks.lone_member import (
    ALLOCATOR,
    APPROVER,
    CUSTODIAN,
    HOSPITAL,
    ITEM,
    OFFICE,
    PROVIDER,
    REGISTRAR,
    START,
)
from client.calls import Call
from ledger.claims import Accesses
from ledger.paths import Path

__all__ = ["accesses_of", "items", "shared_and_read", "shipped_and_used"]

GRANTS: Final = 3
OTHERS: Final = 500  # accesses under each grant that are to other persons
YEAR_MS: Final = 365 * 86_400_000


def items() -> Iterator[Call]:
    """The item master: one item."""
    item = {"base_unit": "piece", "item": ITEM, "name": "Mask", "packs": [["box", "box", 1_000]]}
    yield Call("supplies", "define_item", item, (REGISTRAR,))


def shipped_and_used(name: str, events: int) -> Iterator[Call]:
    """A donation that is received, allocated, shipped, handed over and used: the shipment's history
    has so many events.
    """
    lot, allocation, shipment = f"depot.L-{name}", f"depot.A-{name}", f"depot.S-{name}"
    moved = [[lot, events * 1_000]]
    received = {
        "count": events, "expiry": None, "item": ITEM, "label": "box", "lot": lot, "unit": "box",
    }  # fmt: skip
    yield _supplies(CUSTODIAN, "receive", {
        "attestation": "republished", "donation": f"depot.D-{name}", "donor": "donor",
        "earmark": None, "lots": [received], "source": "delivery note",
        "stated_date": "2020-01-24",
    })  # fmt: skip
    yield _supplies(ALLOCATOR, "propose", {
        "allocation": allocation, "lots": moved, "need": None, "reason": "by reported need",
        "recipient": HOSPITAL,
    })  # fmt: skip
    yield _supplies(APPROVER, "approve", {"allocation": allocation})
    yield _supplies(CUSTODIAN, "ship", {
        "allocation": allocation, "carrier": "city post, van 7", "lots": moved,
        "shipment": shipment,
    })  # fmt: skip
    counted = {"condition": "intact", "counted": moved, "shipment": shipment}
    yield _supplies(HOSPITAL, "hand_over", counted)
    for _ in range(events - 2):
        use = {"lot": lot, "purpose": "ward 3", "quantity": 100, "shipment": shipment}
        yield _supplies(HOSPITAL, "use", use)


def shared_and_read(events: int) -> Iterator[Call]:
    """A data set with three grants: one person is looked up so many times under the first, never
    under the others, and other people under each of them.
    """
    yield _sharing((PROVIDER,), "publish", {
        "dataset": _dataset(events), "fields": [["address", "general"]], "name": "Register",
        "purposes": ["relief"], "share_type": "conditional",
    })  # fmt: skip
    for number in range(GRANTS):
        grant, request = _grant(events, number), f"hospital.R-{events}-{number}"
        period = {"from": START, "until": START + YEAR_MS}
        yield _sharing((OFFICE,), "request", {
            "dataset": _dataset(events), "fields": ["address"], "legal_basis": "article 12",
            "purpose": "relief", "request": request, **period,
        })  # fmt: skip
        yield _sharing((PROVIDER,), "grant", {
            "fields": ["address"], "grant": grant, "request": request, **period,
        })  # fmt: skip
        for other in range(OTHERS):
            yield _access(grant, _handle(grant, f"other {other}"))
    for _ in range(events):
        yield _access(_grant(events, 0), _handle(_grant(events, 0), "asked"))


def accesses_of(events: int) -> Accesses:
    """The question of the person who was looked up so many times."""
    grants = [_grant(events, number) for number in range(GRANTS)]
    pairs = tuple((grant, _handle(grant, "asked").hex()) for grant in grants)
    return Accesses(Path("datasharing", "dataset", _dataset(events)), pairs)


def _dataset(events: int) -> str:
    return f"depot.register-{events}"


def _grant(events: int, number: int) -> str:
    return f"depot.G-{events}-{number}"


def _handle(grant: str, person: str) -> bytes:
    return sha256(f"suyuan benchmark/{grant}/{person}".encode()).digest()


def _access(grant: str, handle: bytes) -> Call:
    asked = {"fields": ["address"], "grant": grant, "handles": [handle], "purpose": "relief"}
    return _sharing((PROVIDER, OFFICE), "access", asked)


def _supplies(account: str, function: str, arguments: dict[str, Any]) -> Call:
    return Call("supplies", function, arguments, (account,))


def _sharing(accounts: tuple[str, ...], function: str, arguments: dict[str, Any]) -> Call:
    return Call("datasharing", function, arguments, accounts)
