"""Short calls for stories in supplies and datasharing, over `tests.chaincode_world.World`."""

from __future__ import annotations

from typing import Any

from chaincode.conservation import compare
from ledger.block import Result
from ledger.hashing import sha256
from ledger.leaf import parse_state_value
from ledger.merkle_log import frontier_of, leaf_hash
from ledger.paths import Path, key
from tests.chaincode_world import DAY, START, World

MASK, KN95, GOWN = "redcross.n95", "redcross.kn95", "redcross.gown"
LOT = "redcross.L-1"
HANDLE = sha256(b"a person")


def items(world: World) -> None:
    """Define masks (box of 50, carton of 1,000), KN95 masks and gowns by the set."""
    packs = [["box", "50", 50], ["box", "100", 100], ["carton", "", 1_000]]
    for item, unit in ((MASK, "piece"), (KN95, "piece"), (GOWN, "set")):
        given = packs if item == MASK else []
        world.ok(
            "redcross.registry",
            "supplies.define_item",
            item=item,
            name=item,
            base_unit=unit,
            packs=given,
        )


def lot(identity: str = LOT, count: int = 1_000, **changes: Any) -> dict[str, Any]:
    """Return a lot as `receive` takes it: pieces of masks."""
    return {
        "count": count, "expiry": None, "item": MASK, "label": "", "lot": identity,
        "unit": "piece", **changes,
    }  # fmt: skip


def receiving(lots: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """Return the arguments of `receive`."""
    return {
        "attestation": "first_hand", "donation": "redcross.D-1", "donor": "senjinbiya",
        "earmark": None, "lots": lots, "source": "paper 14", "stated_date": None, **changes,
    }  # fmt: skip


def receive(
    world: World, *lots: dict[str, Any], who: str = "redcross.store", **changes: Any
) -> Result:
    """Receive lots (one of 1,000 masks if none is given)."""
    return world.call(who, "supplies.receive", **receiving(list(lots) or [lot()], **changes))


def inspect(world: World, identity: str = LOT, verdict: str = "conformant") -> Result:
    return world.call(
        "inspection.li", "supplies.inspect", lot=identity, verdict=verdict, note="seen"
    )


def propose(
    world: World,
    allocation: str = "command.A-1",
    recipient: str = "renai",
    lots: list[list[Any]] | None = None,
    need: str | None = None,
    who: str = "command.plan",
) -> Result:
    return world.call(
        who,
        "supplies.propose",
        allocation=allocation,
        recipient=recipient,
        need=need,
        lots=lots or [[LOT, 600]],
        reason="by need",
    )


def approve(world: World, allocation: str = "command.A-1", who: str = "command.deputy") -> Result:
    return world.call(who, "supplies.approve", allocation=allocation)


def ship(
    world: World,
    shipment: str = "redcross.S-1",
    allocation: str = "command.A-1",
    lots: list[list[Any]] | None = None,
    who: str = "redcross.store",
) -> Result:
    return world.call(
        who,
        "supplies.ship",
        shipment=shipment,
        allocation=allocation,
        carrier="truck 7",
        lots=lots or [[LOT, 600]],
    )


def hand_over(
    world: World,
    counted: list[list[Any]] | None = None,
    shipment: str = "redcross.S-1",
    who: str = "renai.door",
) -> Result:
    return world.call(
        who,
        "supplies.hand_over",
        shipment=shipment,
        counted=counted or [[LOT, 600]],
        condition="dry",
    )


def use(
    world: World, quantity: int, shipment: str = "redcross.S-1", who: str = "renai.door"
) -> Result:
    return world.call(
        who, "supplies.use", lot=LOT, shipment=shipment, quantity=quantity, purpose="ward 3"
    )


def accepted(*results: Result) -> None:
    """Every result must be an acceptance."""
    for result in results:
        assert result.code == "accepted", (result.code, result.parameters)


def stocked() -> World:
    """A world where LOT holds 1,000 conformant masks."""
    world = World()
    items(world)
    accepted(receive(world), inspect(world))
    return world


def shipped(quantity: int = 600) -> World:
    """A world where part of LOT is on its way to renai."""
    world = stocked()
    lots = [[LOT, quantity]]
    accepted(propose(world, lots=lots), approve(world), ship(world, lots=lots))
    return world


def shared(until: int = START + 10 * DAY) -> World:
    """A world where the police may read name and address for tracing until a time."""
    world = World()
    accepted(publish(world), request(world), grant(world, until=until))
    return world


def publish(world: World, share_type: str = "conditional", **changes: Any) -> Result:
    arguments = {
        "dataset": "health.cases", "name": "Cases", "share_type": share_type,
        "fields": [["name", "personal"], ["address", "personal"], ["result", "sensitive"]],
        "purposes": ["tracing", "statistics"], **changes,
    }  # fmt: skip
    return world.call("health.data", "datasharing.publish", **arguments)


def request(world: World, who: str = "police.desk", **changes: Any) -> Result:
    arguments = {
        "request": "police.R-1", "dataset": "health.cases", "purpose": "tracing",
        "legal_basis": "article 12", "fields": ["name", "address"], "from": START,
        "until": START + 10 * DAY, **changes,
    }  # fmt: skip
    return world.call(who, "datasharing.request", **arguments)


def grant(world: World, who: str = "health.data", **changes: Any) -> Result:
    arguments = {
        "grant": "health.G-1", "request": "police.R-1", "fields": ["name", "address"],
        "from": START, "until": START + 10 * DAY, **changes,
    }  # fmt: skip
    return world.call(who, "datasharing.grant", **arguments)


def access(world: World, *who: str, **changes: Any) -> Result:
    arguments = {
        "grant": "health.G-1", "handles": [HANDLE], "fields": ["name"], "purpose": "tracing",
        **changes,
    }  # fmt: skip
    return world.call(who or ("health.data", "police.desk"), "datasharing.access", **arguments)


def deny(world: World, who: str = "health.data", **changes: Any) -> Result:
    arguments = {
        "grant": "health.G-1", "handles": [HANDLE], "fields": ["result"], "purpose": "curiosity",
        "reason": "outside the grant", **changes,
    }  # fmt: skip
    return world.call(who, "datasharing.deny", **arguments)


def check_logs(world: World) -> None:
    """Every entity's log recomputes to the size and frontier the state holds, and to its record."""
    for each, value in world.values.items():
        path = world.paths[each]
        if (path.contract, path.kind) == ("runtime", "dup"):
            continue
        held = parse_state_value(value)
        leaves = world.logs[path]
        assert held.size == len(leaves), path
        assert held.frontier == frontier_of([leaf_hash(leaf) for leaf in leaves]), path
        last = world.log(path.text)[-1]
        assert last.path == path
        assert last.record == sha256(held.record), path
    for path in world.logs:
        assert key(path) in world.values, path


def check_conservation(world: World) -> None:
    """The recount of every lot from events alone equals its record."""
    lots = [path for path in world.logs if path.kind == "lot"]
    leaves = [leaf for path in lots for leaf in world.log(path.text)]
    assert compare(leaves, {path.id: world.record(path.text) for path in lots}) == []


def check_allocations(world: World) -> None:
    """What left for a recipient is what an allocation says has left, and no more than it holds."""
    left: dict[tuple[str, str], int] = {}
    for path in world.logs:
        if path.kind == "shipment":
            shipment = world.record(path.text)
            for line in shipment.lines:
                place = shipment.allocation, line.lot
                left[place] = left.get(place, 0) + line.shipped
    for path in world.logs:
        if path.kind == "allocation":
            for line in world.record(path.text).lines:
                assert line.shipped == left.pop((path.id, line.lot), 0), path
                assert line.shipped <= line.quantity, path
    assert not left


def check_lists(world: World) -> None:
    """An index counts the events on it; an open list never closes more than was opened."""
    for path in world.logs:
        if path.kind in ("day", "donor", "recipient"):
            assert world.record(path.text).count == len(world.logs[path]), path
        if path.kind == "open":
            record = world.record(path.text)
            assert 0 <= record.closed <= record.opened


def check_all(world: World) -> None:
    check_logs(world)
    check_conservation(world)
    check_allocations(world)
    check_lists(world)


def path(text: str) -> Path:
    return Path.parse(text)
