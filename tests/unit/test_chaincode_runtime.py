"""The runtime: which transactions reach a contract, what a contract may do, and the bytes it
leaves.
"""

from __future__ import annotations

from typing import Any

import pytest

from chaincode.registry import CONTRACTS, INSTALLED, Installed
from chaincode.runtime import Runtime
from ledger.block import ACCEPTED, RESULT, Event, Result
from ledger.codec import Format, decode
from ledger.errors import InvariantViolated
from ledger.hashing import sha256
from ledger.leaf import LEAF, Leaf, parse_state_value, state_value
from ledger.paths import Path, key
from tests.chaincode_story import check_all, shipped
from tests.chaincode_world import SECOND, START, World, genesis, key_of
from tests.toys.contract import Toys

WHO = "redcross.store"
TOY = Path("toys", "toy", "bear")


def toys(**changes: Any) -> World:
    return World(genesis(**changes), (*CONTRACTS, Toys))


def made() -> World:
    world = toys()
    world.ok(WHO, "toys.make", toy="bear")
    return world


# which transactions reach a contract


@pytest.mark.parametrize(
    ("who", "call", "code", "parameters"),
    [
        (WHO, "toy.make", "unknown-contract", {"contract": "toy"}),
        (WHO, "toys.burn", "unknown-function", {"contract": "toys", "function": "burn"}),
        (WHO, "toys.mro", "unknown-function", {"contract": "toys", "function": "mro"}),
        ("redcross.nobody", "toys.make", "unknown-account", {"account": "redcross.nobody"}),
        (WHO, "toys.turn", "signer-count", {"expected": 2, "given": 1}),
        ((WHO, "renai.door"), "toys.make", "signer-count", {"expected": 1, "given": 2}),
    ],
)
def test_a_call_that_cannot_be_placed_is_refused(
    who: str, call: str, code: str, parameters: dict[str, Any]
) -> None:
    result = made().call(who, call, toy="bear")
    assert (result.code, result.parameters) == (code, parameters)


def test_a_transaction_of_another_chain_is_refused_and_consumed() -> None:
    world = made()
    result = world.call(WHO, "toys.make", chain=bytes(32), toy="wolf")
    assert (result.code, result.contract_version) == ("chain", 0)
    assert len(world.last.consumed) == 1


def test_a_key_that_is_not_the_accounts_is_refused() -> None:
    result = made().call(WHO, "toys.make", keys=["renai.door"], toy="wolf")
    assert (result.code, result.parameters) == ("wrong-key", {"account": WHO})


def test_a_key_that_is_not_active_any_more_is_refused() -> None:
    world = toys()
    path = Path("identity", "account", WHO)
    value = parse_state_value(world.values[key(path)])
    inactive = value.record.replace(b"active\xc3", b"active\xc2")
    assert inactive != value.record
    world.values[key(path)] = state_value(inactive, value.size, value.frontier)
    assert world.call(WHO, "toys.make", toy="bear").code == "wrong-key"


def test_two_accounts_with_one_key_do_not_sign_for_two() -> None:
    world = toys(keys={"redcross.clerk": (key_of(WHO),)})
    world.ok(WHO, "toys.make", toy="bear")
    both = ("redcross.store", "redcross.clerk")
    result = world.call(both, "toys.turn", keys=[WHO, WHO], toy="bear")
    assert (result.code, result.parameters) == ("repeated-signer", {"account": "redcross.clerk"})


def test_two_accounts_of_one_person_do_not_sign_for_two_even_with_different_keys() -> None:
    shared = key_of("one person")
    keys = {who: (key_of(who), shared) for who in ("redcross.store", "redcross.clerk")}
    world = toys(keys=keys)
    world.ok(WHO, "toys.make", toy="bear")
    both = ("redcross.store", "redcross.clerk")
    assert world.call(both, "toys.turn", toy="bear").code == "repeated-signer"


def test_every_signer_must_be_known() -> None:
    world = made()
    assert world.call((WHO, "redcross.nobody"), "toys.turn", toy="bear").code == "unknown-account"
    keys = [WHO, "someone"]
    assert world.call((WHO, "renai.door"), "toys.turn", keys=keys, toy="bear").code == "wrong-key"
    world.ok((WHO, "renai.door"), "toys.turn", toy="bear")


# what a contract may do


@pytest.mark.parametrize(
    "way",
    [
        "unnamed-write", "unknown-entity", "foreign-write", "bad-path", "too-many-events",
        "too-many-entities", "record-too-large", "overflow", "negative",
    ],
)  # fmt: skip
def test_a_contract_that_breaks_a_rule_is_refused_and_leaves_nothing(way: str) -> None:
    world = made()
    before = world.values[key(TOY)]
    result = world.call(WHO, "toys.misbehave", toy="bear", way=way)
    assert result.code == {"negative": "overflow"}.get(way, way)
    assert world.values[key(TOY)] == before
    assert world.last.leaves == []
    assert all(path.contract == "runtime" for path in world.last.paths.values())
    check_all(world)


def test_a_refusal_after_writes_and_events_leaves_nothing_to_the_next_transaction() -> None:
    world = made()
    late = world.transaction(WHO, "toys.misbehave", toy="bear", way="late-refusal")
    turn = world.transaction((WHO, "renai.door"), "toys.turn", toy="bear")
    assert [result.code for result in world.block([late, turn])] == ["wrong-state", ACCEPTED]
    assert world.record(TOY.text).turns == 2
    check_all(world)


def test_a_bug_in_a_contract_stops_the_member_and_says_where() -> None:
    world = made()
    with pytest.raises(
        InvariantViolated, match=r"toys\.misbehave broke at height 2, transaction 0"
    ):
        world.call(WHO, "toys.misbehave", toy="bear", way="raise")


def test_later_transactions_see_what_earlier_ones_of_the_block_left() -> None:
    world = toys()
    calls = [
        world.transaction(WHO, "toys.make", toy="bear"),
        world.transaction(WHO, "toys.make", toy="bear"),
        world.transaction((WHO, "renai.door"), "toys.turn", toy="bear"),
    ]
    codes = [result.code for result in world.block(calls)]
    assert codes == [ACCEPTED, "already-exists", ACCEPTED]
    assert world.kinds(TOY.text) == ["made", "turned", "turned"]
    check_all(world)


# the bytes


def test_a_leaf_hashes_the_record_after_the_whole_transaction_once_per_event_and_entity() -> None:
    world = made()
    world.ok((WHO, "renai.door"), "toys.turn", toy="bear")
    first, second = world.log(TOY.text)[1:]
    record = parse_state_value(world.values[key(TOY)]).record
    assert first.record == second.record == sha256(record)
    assert (first.position, second.position) == ((2, 0, 0), (2, 0, 1))
    assert (first.contract, first.contract_version, first.time) == ("toys", 3, world.time)


def test_assembled_leaves_results_and_keys_are_what_the_formats_encode() -> None:
    world = shipped()
    outcome = world.last
    result = RESULT.decode(outcome.results[0])
    assert RESULT.encode(result) == outcome.results[0]
    assert decode(outcome.results[0]) is not None
    assert (result.code, result.contract_version) == (ACCEPTED, 1)
    event = result.events[0]
    assert [path for path, _, _ in outcome.leaves] == list(event.named())
    for path, index, leaf in outcome.leaves:
        decoded = LEAF.decode(leaf)
        assert LEAF.encode(decoded) == leaf
        assert decoded == Leaf(
            1, world.height, world.time, 0, 0, result.transaction, "supplies", 1, path,
            event.kind, event.inputs, event.outputs, event.body, decoded.record,
        )  # fmt: skip
        assert index == len(world.logs[path]) - 1
    for each, path in outcome.paths.items():
        assert each == key(path)
    for value in outcome.writes.values():
        assert value is not None
        parse_state_value(value)


def test_a_result_without_events_is_canonical_too() -> None:
    world = toys()
    arguments: dict[str, Any] = {
        "choice": "left", "digest": bytes(32), "maybe": None, "pairs": [], "parts": [],
        "text": "yes",
    }  # fmt: skip
    assert world.ok(WHO, "toys.typed", **arguments).events == ()
    assert RESULT.encode(RESULT.decode(world.last.results[0])) == world.last.results[0]
    refused = world.call(WHO, "toys.typed", **{**arguments, "text": "no"})
    assert refused == Result(
        "wrong-state", 3, (), {"entity": "it", "state": "no"}, refused.transaction
    )
    assert RESULT.encode(refused) == world.last.results[0]


def test_a_result_with_sixteen_events_is_canonical_too() -> None:
    world = World()
    world.ok(
        "redcross.registry",
        "supplies.define_item",
        item="redcross.mask",
        name="mask",
        base_unit="piece",
        packs=[],
    )
    lots = [
        {"count": 5, "expiry": None, "item": "redcross.mask", "label": "", "lot": f"redcross.{n}",
         "unit": "piece"}
        for n in range(17)
    ]  # fmt: skip
    world.ok(
        WHO, "supplies.receive", attestation="first_hand", donation="redcross.D", donor="d",
        earmark=None, lots=lots, source="", stated_date=None,
    )  # fmt: skip
    result = RESULT.decode(world.last.results[0])
    assert len(result.events) == 17
    assert Format(tuple[Event, ...], "events").encode(result.events) in world.last.results[0]
    check_all(world)


def test_an_empty_block_changes_nothing() -> None:
    world = made()
    world.pass_time(world.time + SECOND)
    assert (world.last.results, world.last.writes, world.last.leaves) == ((), {}, [])


# genesis and sources


def test_genesis_makes_organisations_accounts_and_contracts_with_their_logs() -> None:
    world = World()
    outcome = world.runtime.genesis_outcome()
    assert outcome.results == ()
    assert outcome.consumed == []
    assert world.record("identity/organisation/redcross").accounts == 5
    assert world.kinds("identity/organisation/redcross") == [
        "organisation_registered", *["account_registered"] * 5,
    ]  # fmt: skip
    account = world.record("identity/account/redcross.store")
    assert (account.organisation, account.roles) == ("redcross", ("custodian",))
    leaf = world.log("identity/account/redcross.store")[0]
    assert (leaf.height, leaf.time, leaf.transaction) == (0, START, world.genesis.chain_id)
    assert world.record("runtime/contract/supplies").version == 1
    check_all(world)


def test_two_runtimes_of_one_genesis_make_the_same_state() -> None:
    first, second = Runtime(genesis()), Runtime(genesis())
    assert first.genesis_outcome() == second.genesis_outcome()


def test_a_runtime_that_lacks_the_sources_the_chain_names_refuses_to_execute() -> None:
    world = made()
    path = INSTALLED.path("toys")
    value = parse_state_value(world.values[key(path)])
    other = INSTALLED.format.encode(Installed(bytes(32), 3))
    world.values[key(path)] = state_value(other, value.size, value.frontier)
    with pytest.raises(InvariantViolated, match="other sources of toys"):
        world.call(WHO, "toys.make", toy="wolf")


def test_a_contract_the_chain_does_not_name_is_unknown_even_when_it_is_installed_here() -> None:
    plain = World()
    plain.runtime = Runtime(plain.genesis, (*CONTRACTS, Toys))
    assert plain.call(WHO, "toys.make", toy="bear").code == "unknown-contract"


def test_a_damaged_state_stops_the_member() -> None:
    world = made()
    value = parse_state_value(world.values[key(TOY)])
    world.values[key(TOY)] = state_value(b"\x80", value.size, value.frontier)
    with pytest.raises(InvariantViolated, match="damaged"):
        world.call((WHO, "renai.door"), "toys.turn", toy="bear")


def test_a_block_before_the_first_height_is_our_own_mistake() -> None:
    world = World()
    with pytest.raises(InvariantViolated):
        world.runtime.execute(world, 0, START, [])
