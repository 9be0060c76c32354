"""Whatever is done to an honest bundle, it is not clean any more; whatever the bytes, nothing is
raised.
"""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.assembly import assemble
from ledger.bundle import directed, fold
from ledger.bundle_file import encode_bundle
from ledger.canonical_json import to_json
from ledger.claims import (
    Accesses,
    AsOf,
    Claim,
    Entity,
    EventAt,
    Extension,
    History,
    ListOf,
    Period,
    Receipt,
    Trace,
)
from ledger.merkle_log import MerkleLog, leaf_hash, verify_inclusion
from ledger.transaction import Transaction
from ledger.verify import verify_bundle
from tests.forger import stories
from tests.forger.epochs import epochs
from tests.forger.stories import DATASET, DONATION, LOT_A, PAIRS, SHIPMENT, STOCK
from tests.forger.world import World

DONATIONS = stories.donation_world()
ACCESSES = stories.accesses_world()
STOCKS, START = stories.stock_world(), DONATIONS.genesis.time
RECEIPT = Receipt(Transaction.decode(DONATIONS.blocks[1].transactions[1]).id)
HONEST: list[tuple[World, Claim, bytes]] = [
    (world, claim, encode_bundle(assemble(world, claim, 3)))
    for world, claim in (
        (DONATIONS, Trace(DONATION)),
        (DONATIONS, History(SHIPMENT)),
        (DONATIONS, Entity(LOT_A)),
        (DONATIONS, RECEIPT),
        (ACCESSES, Accesses(DATASET, PAIRS)),
        (DONATIONS, ListOf(LOT_A, "proposed")),
        (DONATIONS, Extension(3, DONATIONS.chain.root(3))),
        (STOCKS, Period(STOCK, START + 10_000, START + 900_000)),
        (STOCKS, AsOf(STOCK, 12)),
        (STOCKS, AsOf(STOCK, 1)),
        (STOCKS, EventAt(STOCK, 12)),
        (epochs(), Trace(DONATION)),
    )
]

Place = tuple[Any, Any]  # container and key or index


def places(value: Any) -> list[Place]:
    """Every place in a JSON value where something stands."""
    found: list[Place] = []
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for name, item in items:
        found.append((value, name))
        if isinstance(item, dict | list):
            found += places(item)
    return found


def delete(container: Any, name: Any, _other: Place) -> None:
    del container[name]


def duplicate(container: Any, name: Any, _other: Place) -> None:
    if isinstance(container, list):
        container.insert(name, copy.deepcopy(container[name]))
    else:
        container[f"{name}2"] = container[name]


def swap(container: Any, name: Any, other: Place) -> None:
    there, place = other
    container[name], there[place] = copy.deepcopy(there[place]), copy.deepcopy(container[name])


def put(container: Any, name: Any, other: Place) -> None:
    there, place = other
    container[name] = copy.deepcopy(there[place])


def step(container: Any, name: Any, _other: Place) -> None:
    item = container[name]
    if isinstance(item, int):
        container[name] = item + 1
    elif isinstance(item, str):
        container[name] = item[:-1] + ("A" if item[-1:] != "A" else "B")
    else:
        container[name] = None


@given(st.data())
@settings(max_examples=400)
def test_a_bundle_whose_structure_was_changed_is_never_clean(data: st.DataObject) -> None:
    world, claim, honest = data.draw(st.sampled_from(HONEST))
    value = json.loads(honest)
    for _ in range(data.draw(st.integers(1, 3))):
        spots = places(value)
        if not spots:
            break
        change = data.draw(st.sampled_from([delete, duplicate, swap, put, step]))
        spot, other = data.draw(st.sampled_from(spots)), data.draw(st.sampled_from(spots))
        try:
            change(*spot, other)
        except (KeyError, IndexError):
            continue
    forged = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    if forged + b"\n" != honest:
        pin = world.checkpoint(3).text()
        assert not verify_bundle(forged + b"\n", world.genesis, claim, pin=pin).clean


@given(st.data())
@settings(max_examples=300)
def test_a_bundle_patched_from_another_is_never_clean(data: st.DataObject) -> None:
    """Fields of one honest bundle stand in another: proofs mixed between claims, heights and
    chains.
    """
    world, claim, honest = data.draw(st.sampled_from(HONEST))
    _, _, other = data.draw(st.sampled_from(HONEST))
    value, donor = json.loads(honest), json.loads(other)
    for name in data.draw(st.sets(st.sampled_from(sorted(donor)), min_size=1)):
        value[name] = donor[name]
    forged = to_json(value) + b"\n"
    if forged != honest:
        report = verify_bundle(forged, world.genesis, claim, pin=world.checkpoint(3).text())
        # Whole answers of the same chain are honest answers, to another question.
        assert not report.clean


@given(st.binary(max_size=400))
def test_no_bytes_raise(data: bytes) -> None:
    assert not verify_bundle(data, DONATIONS.genesis).exit_ok
    assert not verify_bundle(data + b"\n", DONATIONS.genesis).exit_ok


@given(st.data())
@settings(max_examples=200)
def test_no_patched_bytes_raise_or_pass(data: st.DataObject) -> None:
    world, _, honest = data.draw(st.sampled_from(HONEST))
    start = data.draw(st.integers(0, len(honest)))
    end = data.draw(st.integers(start, min(len(honest), start + 40)))
    patch = data.draw(st.binary(max_size=40))
    forged = honest[:start] + patch + honest[end:]
    if forged != honest:
        assert not verify_bundle(forged, world.genesis).clean


@given(st.integers(1, 70), st.data())
def test_directed_steps_lead_where_rfc_9162_paths_lead(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    log = MerkleLog([leaf_hash(bytes([one])) for one in range(size)])
    leaf, path = log.leaf(index), log.inclusion(index)
    assert verify_inclusion(leaf, index, size, path, log.root())
    assert fold(leaf, directed(path, index, size)) == log.root()


def test_the_writer_spells_as_an_independent_rfc_8785_implementation_does() -> None:
    for _, _, honest in HONEST:
        assert to_json(json.loads(honest)) + b"\n" == honest
