"""Leaves of entity logs, and the value that the state holds for an entity."""

from __future__ import annotations

import pytest

from ledger.codec import Value, encode
from ledger.errors import Malformed
from ledger.leaf import LEAF, Leaf, parse_state_value, state_value
from ledger.merkle_log import frontier_of, leaf_hash
from ledger.paths import Path

LEAF_1 = Leaf(
    version=1,
    height=7,
    time=1_579_795_260_000,
    transaction_index=3,
    event_index=1,
    transaction=b"\1" * 32,
    contract="supplies",
    contract_version=1,
    path=Path("supplies", "lot", "red-cross.L-1"),
    kind="used",
    inputs=((Path("supplies", "shipment", "S"), 5),),
    outputs=(),
    body={"purpose": "ward 3"},
    record=b"\2" * 32,
)
PLAIN: list[Value] = [
    1,
    7,
    1_579_795_260_000,
    3,
    1,
    b"\1" * 32,
    "supplies",
    1,
    ["supplies", "lot", "red-cross.L-1"],
    "used",
    [[["supplies", "shipment", "S"], 5]],
    [],
    {"purpose": "ward 3"},
    b"\2" * 32,
]


def test_a_leaf_is_an_array_of_fourteen() -> None:
    assert LEAF.encode(LEAF_1) == encode(PLAIN)
    assert LEAF.decode(encode(PLAIN)) == LEAF_1
    assert LEAF_1.position == (7, 3, 1)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (1, -1),
        (2, "now"),
        (5, bytes(31)),
        (8, ["supplies", "lot"]),
        (8, "a/b/c"),
        (12, []),
        (13, "x"),
    ],
)
def test_a_leaf_that_breaks_a_rule_is_malformed(place: int, value: Value) -> None:
    with pytest.raises(Malformed, match="leaf"):
        LEAF.decode(encode([*PLAIN[:place], value, *PLAIN[place + 1 :]]))


def test_a_leaf_of_more_or_fewer_elements_is_malformed() -> None:
    for wrong in (PLAIN[:-1], [*PLAIN, None]):
        with pytest.raises(Malformed, match="leaf"):
            LEAF.decode(encode(wrong))


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 8, 100])
def test_a_state_value_is_record_size_and_frontier(size: int) -> None:
    frontier = frontier_of([leaf_hash(bytes([n])) for n in range(size)])
    data = state_value(b"record", size, frontier)
    assert data == encode([b"record", size, list(frontier)])
    value = parse_state_value(data)
    assert (value.record, value.size, value.frontier) == (b"record", size, frontier)


def test_a_frontier_of_the_wrong_length_is_malformed() -> None:
    for size, peaks in ((0, 1), (1, 0), (2, 2), (3, 1), (4, 3)):
        with pytest.raises(Malformed, match="one hash per set bit"):
            parse_state_value(encode([b"", size, [bytes(32)] * peaks]))
    with pytest.raises(Malformed):
        parse_state_value(encode([b"", 1, [bytes(31)]]))
