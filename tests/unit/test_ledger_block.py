"""Headers, events and results: their bytes, and which entities an event names."""

from __future__ import annotations

import pytest
from msgspec.structs import asdict, replace

from ledger.block import ACCEPTED, EVENT, HEADER, RESULT, Event, Header, Result, header_hash
from ledger.codec import Value, decode, encode
from ledger.errors import Malformed
from ledger.limits import ENTITIES_PER_EVENT_MAX, EVENTS_PER_TRANSACTION_MAX
from ledger.merkle_log import leaf_hash
from ledger.paths import Path

LOT, SHIPMENT, DAY = (
    Path("supplies", "lot", "L"),
    Path("supplies", "shipment", "S"),
    Path("s", "day", "d"),
)
EVENT_1 = Event("shipped", ((LOT, 5),), ((SHIPMENT, 5),), (DAY, LOT), {"by": "x"})
HEADER_1 = Header(
    epoch=0,
    height=1,
    members=bytes(32),
    parent=b"\1" * 32,
    results=b"\2" * 32,
    state=b"\3" * 32,
    suite="ed25519-sha256",
    time=1_579_795_260_000,
    transactions=b"\4" * 32,
    version=1,
)


def test_a_header_is_a_map_of_its_ten_fields() -> None:
    data = HEADER.encode(HEADER_1)
    assert data == encode(asdict(HEADER_1))
    assert HEADER.decode(data) == HEADER_1
    assert header_hash(data) == leaf_hash(data)


@pytest.mark.parametrize(
    "fields",
    [
        {"height": 0},
        {"height": 2**53},
        {"epoch": -1},
        {"time": -1},
        {"state": bytes(31)},
        {"parent": ""},
        {"suite": 1},
        {"more": 1},
    ],
    ids=str,
)
def test_a_header_that_breaks_a_rule_is_malformed(fields: dict[str, Value]) -> None:
    good: dict[str, Value] = {**asdict(HEADER_1), **fields}
    try:
        data = encode(good)
    except Malformed:
        return
    with pytest.raises(Malformed, match="header"):
        HEADER.decode(data)


def test_an_event_names_each_entity_once_in_order_of_first_naming() -> None:
    assert EVENT_1.named() == (LOT, SHIPMENT, DAY)
    assert Event("x", (), (), (), {}).named() == ()


def test_an_event_is_an_array_of_five() -> None:
    plain: Value = [
        "shipped",
        [[["supplies", "lot", "L"], 5]],
        [[["supplies", "shipment", "S"], 5]],
        [["s", "day", "d"], ["supplies", "lot", "L"]],
        {"by": "x"},
    ]
    assert EVENT.encode(EVENT_1) == encode(plain)
    assert EVENT.decode(encode(plain)) == EVENT_1


def test_quantities_are_natural_and_entities_bounded() -> None:
    def flow(quantity: Value, times: int = 1) -> bytes:
        return encode(["x", [[["s", "lot", "L"], quantity]] * times, [], [], {}])

    assert EVENT.decode(flow(0, ENTITIES_PER_EVENT_MAX)).inputs[0] == (Path("s", "lot", "L"), 0)
    for bad in (flow(-1), flow(True), flow("5"), flow(1, ENTITIES_PER_EVENT_MAX + 1)):
        with pytest.raises(Malformed, match="event"):
            EVENT.decode(bad)


def test_a_result_is_a_map_with_its_events() -> None:
    result = Result(ACCEPTED, 1, (EVENT_1,), {}, bytes(32))
    assert RESULT.decode(RESULT.encode(result)) == result
    refused = Result("not-held", 1, (), {"held": 3}, bytes(32))
    assert decode(RESULT.encode(refused)) == {
        "code": "not-held",
        "contract_version": 1,
        "events": [],
        "parameters": {"held": 3},
        "transaction": bytes(32),
    }
    many = replace(result, events=(EVENT_1,) * (EVENTS_PER_TRANSACTION_MAX + 1))
    with pytest.raises(Malformed, match="result"):
        RESULT.decode(RESULT.encode(many))
