"""Two stories to ask about: a donation that is split, shipped and used, and a person whose data is
looked at.
"""

from __future__ import annotations

from typing import Any

from ledger.block import Event
from ledger.claims import handle_path
from ledger.paths import Path
from tests.forger.world import Call, World


def supply(kind: str, name: str) -> Path:
    return Path("supplies", kind, f"red-cross.{name}")


def sharing(kind: str, name: str) -> Path:
    return Path("datasharing", kind, name)


DONATION = supply("donation", "D-1")
LOT_A, LOT_B = supply("lot", "L-1"), supply("lot", "L-2")
ALLOCATION = supply("allocation", "A-1")
SHIPMENT = supply("shipment", "S-1")
DAY = Path("supplies", "day", "2020-01-24")
OTHER_DONATION, OTHER_LOT = supply("donation", "D-2"), supply("lot", "L-9")

DATASET = sharing("dataset", "health.tests")
GRANT_1, GRANT_2 = sharing("grant", "health.g-1"), sharing("grant", "health.g-2")
PAIRS = ((GRANT_1.id, "11" * 32), (GRANT_2.id, "22" * 32))
HANDLE_1, HANDLE_2 = (handle_path(grant, bytes.fromhex(handle)) for grant, handle in PAIRS)
STRANGER_PAIR = (GRANT_2.id, "99" * 32)
STRANGER = handle_path(GRANT_2.id, bytes.fromhex("99" * 32))


def event(
    kind: str,
    inputs: tuple[tuple[Path, int], ...] = (),
    outputs: tuple[tuple[Path, int], ...] = (),
    on: tuple[Path, ...] = (),
    **body: Any,
) -> Event:
    return Event(kind, inputs, outputs, on, body)


def receipt(donation: Path, lots: tuple[tuple[Path, int], ...], donor: str) -> Call:
    """One donation is received as lots: one event for each lot, as the contract does it."""
    events = [
        event(
            "received",
            inputs=((donation, quantity),),
            outputs=((lot, quantity),),
            on=(DAY,),
            donor=donor,
        )
        for lot, quantity in lots
    ]
    records: dict[Path, Any] = {lot: {"held": quantity} for lot, quantity in lots}
    return Call(events, {donation: {"donor": donor}, DAY: {"count": len(lots)}, **records})


def donation_blocks() -> list[list[Call]]:
    """Six blocks: D-1 arrives as two lots, both are allocated, shipped, handed over and partly
    used.
    """
    received = receipt(DONATION, ((LOT_A, 500), (LOT_B, 300)), "a-firm")
    other_received = receipt(OTHER_DONATION, ((OTHER_LOT, 50),), "a-person")
    inspected = Call(
        [event("inspected", on=(LOT_A,), verdict="conformant")], {LOT_A: {"held": 500}}
    )
    proposed = Call(
        [event("proposed", ((LOT_A, 400), (LOT_B, 300)), ((ALLOCATION, 700),))],
        {ALLOCATION: {"status": "proposed"}, LOT_A: {"held": 100}, LOT_B: {"held": 0}},
    )
    shipped = Call(
        [event("shipped", ((ALLOCATION, 700),), ((SHIPMENT, 700),), (LOT_A, LOT_B))],
        {SHIPMENT: {"transit": 700}, ALLOCATION: {"status": "shipped"}},
    )
    handed_over = Call(
        [event("handed_over", ((SHIPMENT, 700),), on=(LOT_A, LOT_B), counted=True)],
        {SHIPMENT: {"delivered": 700}},
    )
    used = Call(
        [event("used", ((SHIPMENT, 20),), on=(LOT_A,), purpose="ward 3")],
        {SHIPMENT: {"delivered": 680, "used": 20}},
    )
    return [
        [received],
        [other_received, inspected],
        [proposed],
        [],
        [shipped, handed_over],
        [used],
    ]


def donation_world(name: str = "hubei", members: int = 4) -> World:
    """The chain in which the donation's six blocks happened, certified."""
    world = World(name, members)
    for calls in donation_blocks():
        world.grow(calls)
    world.certify()
    return world


STOCK = supply("lot", "red-cross.L-long")
COUNTS = 37


def stock_world() -> World:
    """A lot that is counted once a block, after a block in which it did not exist."""
    world = World()
    world.grow([])
    for count in range(COUNTS):
        world.grow([Call([event("counted", on=(STOCK,), count=count)], {STOCK: {"held": count}})])
    world.grow([])
    world.certify()
    return world


def shared(events: list[Event], records: dict[Path, Any]) -> Call:
    return Call(events, records, contract="datasharing")


def accesses_world() -> World:
    """Two grants of one data set; under the first the person was looked at twice and denied
    once.
    """
    world = World()
    world.grow([shared([event("published", on=(DATASET,))], {DATASET: {"grants": 0}})])
    for count, grant in enumerate((GRANT_1, GRANT_2), 1):
        world.grow(
            [
                shared(
                    [event("granted", outputs=((grant, 1),), on=(DATASET,), purpose="contact")],
                    {grant: {"accesses": 0}, DATASET: {"grants": count}},
                )
            ]
        )
    for count in (1, 2):
        world.grow(
            [
                shared(
                    [event("accessed", on=(GRANT_1, HANDLE_1), purpose="contact")],
                    {GRANT_1: {"accesses": count}, HANDLE_1: {"accesses": count}},
                )
            ]
        )
    world.grow(
        [
            shared(
                [event("denied", on=(GRANT_1, HANDLE_1), reason="no")], {HANDLE_1: {"denials": 1}}
            ),
            shared(
                [event("accessed", on=(GRANT_2, STRANGER), purpose="contact")],
                {GRANT_2: {"accesses": 1}, STRANGER: {"accesses": 1}},
            ),
        ]
    )
    world.grow(
        [
            shared(
                [event("revoked", on=(GRANT_1, DATASET), grant=GRANT_1.id)],
                {GRANT_1: {"status": "revoked"}},
            )
        ]
    )
    world.certify()
    return world
