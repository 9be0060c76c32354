"""Whatever arguments a call has, of whatever types: it is accepted or refused, nothing breaks."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chaincode.registry import CONTRACTS
from ledger.block import RESULT
from tests.chaincode_story import HANDLE, accepted, access, shared
from tests.chaincode_world import DAY, START, World
from tests.properties.test_chaincode_conservation import MAKERS, start

POLICE, BOTH = "police.desk", ("health.data", "police.desk")
PERIOD = {"from": START, "until": START + DAY}
SHARING: list[tuple[Any, str, dict[str, Any]]] = [
    ("health.data", "datasharing.publish", {
        "dataset": "health.new", "fields": [["name", "personal"]], "name": "New",
        "purposes": ["tracing"], "share_type": "conditional",
    }),
    (POLICE, "datasharing.request", {
        "dataset": "health.cases", "fields": ["name"], "legal_basis": "article 12",
        "purpose": "tracing", "request": "police.R-9", **PERIOD,
    }),
    ("health.data", "datasharing.grant", {
        "fields": ["name"], "grant": "health.G-9", "request": "police.R-2", **PERIOD,
    }),
    ("health.data", "datasharing.refuse", {"reason": "r", "request": "police.R-2"}),
    (BOTH, "datasharing.access", {
        "fields": ["name"], "grant": "health.G-1", "handles": [HANDLE], "purpose": "tracing",
    }),
    ("health.data", "datasharing.deny", {
        "fields": ["name"], "grant": "health.G-1", "handles": [HANDLE], "purpose": "x",
        "reason": "r",
    }),
    ("health.data", "datasharing.revoke", {"grant": "health.G-1", "reason": "r"}),
]  # fmt: skip
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(max_size=8)
    | st.binary(max_size=40)
    | st.sampled_from(["redcross.lot-0", "redcross.n95", "renai", "2020-02-30", "name", HANDLE]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)
REPLACED = st.dictionaries(st.integers(0, 9), VALUES, max_size=2)
ADDED = st.dictionaries(st.text(max_size=5), VALUES, max_size=1)
DRAW = st.tuples(st.integers(0, 31), st.integers(0, 31), st.integers(-1, 90), st.integers(0, 15))


def asked() -> World:
    """A world with a grant that was used, and a request that waits."""
    world = shared()
    accepted(access(world))
    _, call, arguments = SHARING[1]
    world.ok(POLICE, call, **{**arguments, "request": "police.R-2"})
    return world


GOODS, DATA = start(), asked()


def execute(
    world: World, who: Any, call: str, arguments: dict[str, Any], replaced: dict[int, Any]
) -> str:
    """Execute one call on a world without keeping what it does; returns the result's code."""
    names = sorted(arguments)
    for place, value in replaced.items():
        arguments = {**arguments, names[place % len(names)]: value}
    transaction = world.transaction(who, call, **arguments)
    height, time = world.height + 1, world.time + 1_000
    outcome = world.runtime.execute(world, height, time, [transaction])
    (result,) = outcome.results
    if not outcome.leaves:
        assert all(path.contract == "runtime" for path in outcome.paths.values())
    return RESULT.decode(result).code


def with_more(arguments: dict[str, Any], added: dict[str, Any]) -> dict[str, Any]:
    return {**arguments, **{f"x{name}": value for name, value in added.items()}}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(MAKERS), DRAW, REPLACED, ADDED)
def test_no_argument_whatever_breaks_supplies(
    maker: Any, draw: Any, replaced: dict[int, Any], added: dict[str, Any]
) -> None:
    who, call, arguments = maker(GOODS, draw)
    code = execute(GOODS, who, call, with_more(arguments, added), replaced)
    assert (code == "unknown-argument") or not added


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(SHARING), REPLACED, ADDED)
def test_no_argument_whatever_breaks_datasharing(
    call: tuple[Any, str, dict[str, Any]], replaced: dict[int, Any], added: dict[str, Any]
) -> None:
    who, function, arguments = call
    code = execute(DATA, who, function, with_more(arguments, added), replaced)
    assert (code == "unknown-argument") or not added
    assert code == "accepted" or replaced or added


def test_every_function_of_the_contracts_is_tried() -> None:
    tried = [call for _, call, _ in SHARING]
    tried += [maker(GOODS, (1, 1, 1, 9))[1] for maker in MAKERS]
    functions = [
        f"{contract.name}.{function}" for contract in CONTRACTS for function in contract.functions
    ]
    missing = [function for function in functions if function not in tried]
    assert missing == ["supplies.define_item"]  # its arguments: tests/unit
