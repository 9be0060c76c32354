"""The state tree against a model that could not be simpler: a dictionary, hashed by recursion.

Keys are drawn from a pool made to be unkind: chains that share up to 63 nibbles, and a crowd below
two nibbles that makes pages split and fold again.
"""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import Malformed
from ledger.hashing import sha256
from ledger.limits import RECENT_ROOTS
from ledger.state_proof import PROOF, verify_state_proof
from ledger.state_tree import FOLD_LEAVES, SLOT_LEAVES, StateTree

Map = dict[bytes, bytes]
Writes = dict[bytes, bytes | None]


def model_hash(state: Map, depth: int = 0) -> bytes:
    if not state:
        return bytes(32)
    if len(state) == 1:
        ((key, value_hash),) = state.items()
        return sha256(b"\x10" + key + value_hash)
    return sha256(b"\x11" + b"".join(model_group(state, group, depth) for group in range(4)))


def model_group(state: Map, group: int, depth: int) -> bytes:
    parts = [below(state, nibble, depth) for nibble in range(4 * group, 4 * group + 4)]
    if not any(parts):
        return bytes(32)
    return sha256(b"\x12" + b"".join(model_hash(part, depth + 1) for part in parts))


def below(state: Map, nibble: int, depth: int) -> Map:
    return {key: value for key, value in state.items() if int(key.hex()[depth], 16) == nibble}


def model_items(state: Map, keys: list[bytes], depth: int = 0) -> list[bytes]:
    if not state:
        return []
    if len(state) == 1:
        ((key, value_hash),) = state.items()
        return [b"" if key in keys else key + value_hash]
    bitmap, aside, further = 0, b"", []
    queried = {int(key.hex()[depth], 16) for key in keys}
    for nibble in range(16):
        group, part = nibble // 4, below(state, nibble, depth)
        if queried.isdisjoint(range(4 * group, 4 * group + 4)):
            digest = model_group(state, group, depth)
            if nibble % 4 == 0 and digest != bytes(32):
                bitmap |= 1 << nibble
                aside += digest
            continue
        led = [key for key in keys if int(key.hex()[depth], 16) == nibble]
        bitmap |= bool(part) << nibble
        if led:
            further += model_items(part, led, depth + 1)
        elif part:
            aside += model_hash(part, depth + 1)
    return [bitmap.to_bytes(2, "big") + aside, *further]


def model_proof(state: Map, keys: list[bytes]) -> bytes:
    return PROOF.encode(tuple(model_items(state, keys)))


def pool() -> list[bytes]:
    chains = [
        bytes.fromhex("0" * depth + nibble + sha256(nibble.encode()).hex()[depth + 1 :])
        for depth in (0, 1, 2, 3, 7, 31, 62, 63)
        for nibble in "18f"
    ]
    crowd = [bytes.fromhex("ab" + sha256(b"%d" % number).hex()[2:]) for number in range(60)]
    return [*chains, bytes(32), *crowd]


KEYS = pool()
value_hashes = st.integers(0, 5).map(lambda number: sha256(b"value %d" % number))
few = st.dictionaries(
    st.sampled_from(KEYS), st.one_of(st.none(), value_hashes, value_hashes), max_size=70
)
# Whole stretches of the pool written or removed at once: pages are made, and folded, in one batch.
stretches = st.builds(
    lambda start, end, value_hash: dict.fromkeys(KEYS[start:end], value_hash),
    st.integers(0, len(KEYS)),
    st.integers(0, len(KEYS)),
    st.one_of(st.none(), value_hashes),
)
writes: st.SearchStrategy[Writes] = st.one_of(few, stretches)
queries = st.lists(st.sampled_from(KEYS), min_size=1, max_size=12, unique=True)


def after(state: Map, batch: Writes) -> Map:
    merged = {**state, **batch}
    return {key: value_hash for key, value_hash in merged.items() if value_hash is not None}


def check_layout(tree: StateTree) -> None:
    """What the module's docstring promises of the pages."""
    for code, page in tree._pages.items():
        counts = page[645:661]
        assert len(page) == 661 + 64 * sum(counts)
        assert max(counts) <= SLOT_LEAVES
        with_page_below = 0
        for nibble in range(16):
            has_page = code << 4 | nibble in tree._pages
            at = 130 + 129 * (nibble // 4) + 32 * (nibble % 4)
            full = page[at : at + 32] != bytes(32)
            assert has_page == (full and not counts[nibble])
            with_page_below += has_page
        assert code == 1 or with_page_below or sum(counts) > FOLD_LEAVES


@given(st.lists(writes, max_size=8), queries)
def test_every_recent_height_has_the_root_and_the_very_proof_of_a_tree_frozen_there(
    batches: list[Writes], keys: list[bytes]
) -> None:
    tree = StateTree()
    states: list[Map] = [{}]
    for batch in batches:
        states.append(after(states[-1], batch))
        assert tree.update(len(states) - 1, batch) == model_hash(states[-1])
        check_layout(tree)
    for height, state in enumerate(states):
        expected = {key: state.get(key) for key in keys}
        proof = tree.prove(keys, height)
        assert tree.root(height) == model_hash(state)
        assert proof == model_proof(state, sorted(keys))
        assert {key: tree.get(key, height) for key in keys} == expected
        verify_state_proof(tree.root(height), proof, expected)
    assert len(tree) == len(states[-1])


@pytest.mark.parametrize("seed", range(4))
def test_a_state_that_grows_and_shrinks_for_many_heights_stays_the_models(seed: int) -> None:
    chance = random.Random(seed)
    tree = StateTree()
    states: list[Map] = [{}]
    pages = []
    for height in range(1, RECENT_ROOTS):
        removing = 0.1 if height % 20 < 10 else 0.8
        batch: Writes = {
            key: None if chance.random() < removing else sha256(b"%d" % height)
            for key in chance.sample(KEYS, chance.randrange(25))
        }
        states.append(after(states[-1], batch))
        assert tree.update(height, batch) == model_hash(states[-1])
        check_layout(tree)
        pages.append(len(tree._pages))
    assert any(earlier > later for earlier, later in pairwise(pages))
    for height, state in enumerate(states):
        keys = chance.sample(KEYS, 6)
        assert tree.prove(keys, height) == model_proof(state, sorted(keys))


@given(writes, writes, queries)
def test_a_tree_built_from_a_stored_state_is_the_tree_that_grew_into_it(
    first: Writes, second: Writes, keys: list[bytes]
) -> None:
    grown = StateTree()
    grown.update(1, first)
    state = after({}, first)
    built = StateTree.build(1, reversed(state.items()))
    check_layout(built)
    assert built.root() == grown.root()
    assert built.update(2, second) == grown.update(2, second)
    check_layout(built)
    assert built.prove(keys, 1) == grown.prove(keys, 1)
    assert built.prove(keys) == grown.prove(keys)


@given(writes, queries, st.data())
def test_no_other_answer_verifies_with_the_proof_of_the_true_one(
    batch: Writes, keys: list[bytes], data: st.DataObject
) -> None:
    tree = StateTree()
    root = tree.update(1, batch)
    truth = {key: tree.get(key) for key in keys}
    proof = tree.prove(keys)
    key = data.draw(st.sampled_from(keys))
    lie = data.draw(st.one_of(st.none(), value_hashes).filter(lambda told: told != truth[key]))
    with pytest.raises(Malformed):
        verify_state_proof(root, proof, {**truth, key: lie})


@given(writes, queries, queries)
def test_the_proof_of_other_keys_proves_nothing_unless_it_is_the_same_proof(
    batch: Writes, keys: list[bytes], others: list[bytes]
) -> None:
    tree = StateTree()
    root = tree.update(1, batch)
    expected = {key: tree.get(key) for key in keys}
    if tree.prove(others) == tree.prove(keys):
        verify_state_proof(root, tree.prove(others), expected)
    else:
        with pytest.raises(Malformed):
            verify_state_proof(root, tree.prove(others), expected)


@given(writes, queries, st.binary(max_size=600))
def test_bytes_of_chance_are_refused_or_are_the_proof(
    batch: Writes, keys: list[bytes], chance: bytes
) -> None:
    tree = StateTree()
    root = tree.update(1, batch)
    if chance != tree.prove(keys):
        with pytest.raises(Malformed):
            verify_state_proof(root, chance, {key: tree.get(key) for key in keys})


@given(st.lists(writes, min_size=RECENT_ROOTS, max_size=RECENT_ROOTS + 4), queries)
def test_the_oldest_height_of_a_full_window_is_still_proved_as_it_was(
    batches: list[Writes], keys: list[bytes]
) -> None:
    tree = StateTree()
    states: list[Map] = [{}]
    for batch in batches:
        states.append(after(states[-1], batch))
        tree.update(len(states) - 1, batch)
    assert tree.oldest == len(batches) - RECENT_ROOTS + 1
    for height in (tree.oldest, tree.oldest + 1, tree.newest - 1):
        assert tree.prove(keys, height) == model_proof(states[height], sorted(keys))
