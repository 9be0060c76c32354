"""Ranges of the state map against a model: complete, canonical, and of a height held fast."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import Malformed
from ledger.hashing import sha256
from ledger.limits import RECENT_ROOTS
from ledger.state_pin import Pin
from ledger.state_range import KEY_MAX, KEY_MIN, verify_range
from ledger.state_tree import StateTree

# Crowds below one nibble and below five, chains that part at the last nibble, and the two ends.
POOL = sorted(
    {sha256(f"{n}".encode()) for n in range(60)}
    | {b"\xab\xcd" + sha256(f"x{n}".encode())[2:] for n in range(40)}
    | {bytes(31) + bytes([n]) for n in range(20)}
    | {b"\xff" * 31 + bytes([n]) for n in (0, 1, 16, 254)}
)
KEYS = st.sets(st.sampled_from(POOL), min_size=1)
EDGE = (
    st.sampled_from([KEY_MIN, KEY_MAX])
    | st.sampled_from(POOL)
    | st.binary(min_size=32, max_size=32)
)
Map = dict[bytes, bytes]


def state_of(keys: set[bytes]) -> Map:
    return {key: sha256(key) for key in keys}


def records(state: Map, first: bytes, last: bytes) -> list[bytes]:
    return [key + state[key] for key in sorted(state) if first <= key <= last]


@given(KEYS, EDGE, EDGE)
def test_what_a_range_holds_is_proved_whatever_its_ends(
    keys: set[bytes], a: bytes, b: bytes
) -> None:
    state, (first, last) = state_of(keys), sorted((a, b))
    tree = StateTree.build(3, state.items())
    proof = tree.pin(3).prove_range(first, last)
    verify_range(tree.root(), first, last, records(state, first, last), proof)


@given(KEYS, EDGE, EDGE, st.randoms(use_true_random=False))
def test_no_record_can_be_left_out_added_or_altered(
    keys: set[bytes], a: bytes, b: bytes, chance: random.Random
) -> None:
    state, (first, last) = state_of(keys), sorted((a, b))
    tree = StateTree.build(3, state.items())
    proof = tree.pin(3).prove_range(first, last)
    shown = records(state, first, last)
    lies: list[list[bytes]] = []
    if shown:
        at = chance.randrange(len(shown))
        lies.append(shown[:at] + shown[at + 1 :])
        lies.append([*shown[:at], shown[at][:32] + sha256(b"lie"), *shown[at + 1 :]])
        lies.append([*shown[:at], shown[at], *shown[at:]])
    absent = [key for key in POOL if key not in state and first <= key <= last]
    if absent:
        lies.append(sorted([*shown, chance.choice(absent) + sha256(b"lie")]))
    outside = [key + state[key] for key in sorted(state) if not first <= key <= last]
    if outside:
        lies.append(sorted([*shown, chance.choice(outside)]))
    for lie in lies:
        with pytest.raises(Malformed):
            verify_range(tree.root(), first, last, lie, proof)


@given(KEYS, EDGE, EDGE, st.data())
def test_a_proof_has_one_spelling(
    keys: set[bytes], a: bytes, b: bytes, data: st.DataObject
) -> None:
    state, (first, last) = state_of(keys), sorted((a, b))
    tree = StateTree.build(3, state.items())
    proof = list(tree.pin(3).prove_range(first, last))
    shown = records(state, first, last)
    changes: list[list[bytes]] = [[*proof, b""], [*proof, bytes(64)], [bytes(2), *proof]]
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        item = proof[at]
        changes += [proof[:at] + proof[at + 1 :], [*proof[:at], item + bytes(32), *proof[at + 1 :]]]
        if item:
            place = data.draw(st.integers(0, len(item) - 1))
            flipped = item[:place] + bytes([item[place] ^ 1]) + item[place + 1 :]
            changes.append([*proof[:at], flipped, *proof[at + 1 :]])
            changes.append([*proof[:at], item[:-1], *proof[at + 1 :]])
        else:
            changes.append([*proof[:at], bytes(64), *proof[at + 1 :]])
    for change in changes:
        with pytest.raises(Malformed):
            verify_range(tree.root(), first, last, shown, change)


@given(st.lists(st.binary(max_size=600), max_size=12), EDGE, EDGE)
def test_garbage_as_a_proof_is_refused_in_words(items: list[bytes], a: bytes, b: bytes) -> None:
    first, last = sorted((a, b))
    with pytest.raises(Malformed):
        verify_range(sha256(b"some root"), first, last, [], items)


@pytest.mark.parametrize("seed", range(6))
def test_a_pinned_height_is_proved_as_it_stood_however_many_blocks_follow(seed: int) -> None:
    """Pages split and fold above the pin, also far beyond the window of recent roots."""
    chance = random.Random(seed)
    state = state_of(set(chance.sample(POOL, 70)))
    tree = StateTree.build(0, state.items())
    past: dict[int, Map] = {}
    pins: list[tuple[Map, bytes, Pin]] = []
    for height in range(1, RECENT_ROOTS + 40):
        writes: dict[bytes, bytes | None] = {
            key: chance.choice([None, sha256(f"{height}".encode())])
            for key in chance.sample(POOL, chance.randrange(1, 25))
        }
        tree.update(height, writes)
        state = {key: value for key, value in (state | writes).items() if value is not None}
        past[height] = state
        # pinned at once, and when some blocks have followed already
        pins += [
            (past[at], tree.root(at), tree.pin(at))
            for now, at in ((3, 3), (9, 4), (60, 60), (70, 58))
            if now == height
        ]
    for held, root, pin in pins:
        assert pin.root == root
        for _ in range(20):
            first, last = sorted(chance.choices([*POOL, KEY_MIN, KEY_MAX], k=2))
            verify_range(
                root, first, last, records(held, first, last), pin.prove_range(first, last)
            )


def test_a_pin_let_go_notes_nothing_more() -> None:
    tree = StateTree.build(0, state_of(set(POOL)).items())
    pin = tree.pin(0)
    tree.unpin(pin)
    tree.update(1, {POOL[0]: None})
    assert len(pin) == 0


def test_a_record_where_the_map_is_empty_is_not_hidden_by_the_next_one_of_its_nibble() -> None:
    """R-CP-4. An invented record before a subtree: cut into runs with it, a later run of the same
    nibble would take its place in the hash.
    """
    held = [b"\x40" + bytes(31), b"\x40" + KEY_MAX[1:], b"\x45" + bytes(31), b"\x46" + bytes(31)]
    state = state_of({b"\x10" + bytes(31), *held})
    tree = StateTree.build(3, state.items())
    root, first, last = tree.root(), b"\x20" + bytes(31), KEY_MAX
    proof = tree.pin(3).prove_range(first, last)
    shown = records(state, first, last)
    verify_range(root, first, last, shown, proof)
    for nibble in range(16):
        invented = bytes([0x30 | nibble]) + bytes(31) + sha256(b"lie")
        with pytest.raises(Malformed):
            verify_range(root, first, last, [invented, *shown], proof)
