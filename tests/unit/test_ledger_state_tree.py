"""The state tree on small maps worked out by hand, the vectors, and proofs made to deceive.

`tests/vectors/state_tree.json` holds the vectors that verifiers in other languages run too. Run
this file as a program to write it anew; version control then shows what has changed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import InvariantViolated, Malformed
from ledger.hashing import sha256
from ledger.limits import RECENT_ROOTS
from ledger.state_proof import PROOF, PROOF_KEYS_MAX, map_leaf_hash
from ledger.state_tree import StateTree, verify_state_proof

VECTORS = Path(__file__).resolve().parent.parent / "vectors" / "state_tree.json"
EMPTY = bytes(32)
RED, BLUE, GREEN = (sha256(word) for word in (b"red", b"blue", b"green"))


def key(start: str) -> bytes:
    """A key that begins with these nibbles and ends in zeros."""
    return bytes.fromhex(start.ljust(64, "0"))


def branch(**children: bytes) -> bytes:
    """Hash of a branch by hand: `n3=...` is the subtree of nibble 3."""
    slots = [children.get(f"n{nibble:x}", EMPTY) for nibble in range(16)]
    fours = [b"".join(slots[at : at + 4]) for at in (0, 4, 8, 12)]
    groups = [EMPTY if four == bytes(128) else sha256(b"\x12" + four) for four in fours]
    return sha256(b"\x11" + b"".join(groups))


def tree_of(state: dict[bytes, bytes]) -> StateTree:
    return StateTree.build(7, state.items())


# Six keys: two that part at the first nibble, three that part at the third, one that stands apart.
SMALL = {
    key("1"): RED,
    key("3"): BLUE,
    key("abc1"): RED,
    key("abd2"): GREEN,
    key("abd3"): BLUE,
    key("f"): GREEN,
}
ASKED = [key("1"), key("2"), key("abd2"), key("abe"), key("f1")]


def items_of(proof: bytes) -> list[bytes]:
    return list(PROOF.decode(proof))


def expected_of(state: dict[bytes, bytes], keys: list[bytes]) -> dict[bytes, bytes | None]:
    return {asked: state.get(asked) for asked in keys}


def refuses(root: bytes, proof: bytes, expected: dict[bytes, bytes | None]) -> str:
    with pytest.raises(Malformed) as refusal:
        verify_state_proof(root, proof, expected)
    assert refusal.value.field == "state proof"
    return refusal.value.rule


# The map


def test_the_empty_map_has_the_zero_root_and_an_empty_proof() -> None:
    tree = StateTree()
    assert tree.root() == EMPTY
    assert tree.prove([key("1")]) == b"\x90"
    verify_state_proof(EMPTY, b"\x90", {key("1"): None, key("2"): None})
    assert "absent" in refuses(EMPTY, b"\x90", {key("1"): RED})


def test_a_map_of_one_key_is_that_leaf_without_a_branch() -> None:
    tree = tree_of({key("1"): RED})
    assert tree.root() == map_leaf_hash(key("1"), RED) == sha256(b"\x10" + key("1") + RED)
    assert items_of(tree.prove([key("1")])) == [b""]
    assert items_of(tree.prove([key("2")])) == [key("1") + RED]
    assert items_of(tree.prove([key("1"), key("2")])) == [b""]


def test_the_root_of_a_small_map_is_the_one_worked_out_by_hand() -> None:
    starts = ("1", "3", "abc1", "abd2", "abd3", "f")
    leaf = {start: map_leaf_hash(key(start), SMALL[key(start)]) for start in starts}
    abd = branch(n2=leaf["abd2"], n3=leaf["abd3"])
    by_hand = branch(
        n1=leaf["1"], n3=leaf["3"], na=branch(nb=branch(nc=leaf["abc1"], nd=abd)), nf=leaf["f"]
    )
    tree = tree_of(SMALL)
    assert tree.root() == by_hand
    assert by_hand.hex() == "0538069ad86a81b2b10e4f179951c5d73e5e4e2de859cb1e17f0efc2231532bf"
    first = sha256(b"\x12" + EMPTY + leaf["1"] + EMPTY + leaf["3"])
    last = sha256(b"\x12" + EMPTY + EMPTY + EMPTY + leaf["f"])
    assert items_of(tree.prove([key("abd2")])) == [
        bytes.fromhex("1401") + first + last,
        bytes.fromhex("0800"),
        bytes.fromhex("3000") + leaf["abc1"],
        bytes.fromhex("000c") + leaf["abd3"],
        b"",
    ]


def test_keys_that_differ_in_the_last_nibble_only_lie_under_sixty_four_branches() -> None:
    low, high = bytes(32), bytes(31) + b"\x01"
    expected = branch(n0=map_leaf_hash(low, RED), n1=map_leaf_hash(high, BLUE))
    for _ in range(63):
        expected = branch(n0=expected)
    tree = tree_of({low: RED, high: BLUE})
    assert tree.root() == expected
    proof = tree.prove([low, bytes(31) + b"\x02"])
    assert len(items_of(proof)) == 65
    verify_state_proof(expected, proof, {low: RED, bytes(31) + b"\x02": None})


def test_removing_keys_leads_back_through_the_same_roots() -> None:
    tree = StateTree()
    roots = [tree.root()]
    for height, (added, value_hash) in enumerate(SMALL.items(), start=1):
        roots.append(tree.update(height, {added: value_hash}))
    for removed in reversed(SMALL):
        assert tree.root() == roots.pop()
        tree.update(tree.newest + 1, {removed: None})
    assert tree.root() == EMPTY
    assert len(tree) == 0


def test_writing_what_is_already_there_and_removing_what_is_not_changes_no_root() -> None:
    tree = tree_of(SMALL)
    root = tree.root()
    assert tree.update(8, {key("1"): RED, key("7"): None}) == root
    assert tree.update(9, {}) == root


def test_a_value_hash_that_equals_a_key_is_not_taken_for_that_key() -> None:
    tree = tree_of({key("10"): key("11"), key("12"): RED})
    root = tree.update(8, {key("11"): BLUE})
    assert root == tree_of({key("10"): key("11"), key("11"): BLUE, key("12"): RED}).root()


# Heights


def test_a_proof_at_an_older_height_is_the_one_given_then() -> None:
    tree = tree_of(SMALL)
    then = tree.prove(ASKED)
    tree.update(8, {key("1"): None, key("abd2"): RED, key("2"): BLUE})
    tree.update(9, dict.fromkeys(SMALL))
    assert tree.prove(ASKED, 7) == then
    verify_state_proof(tree.root(7), then, expected_of(SMALL, ASKED))
    assert tree.get(key("1"), 7) == RED
    assert tree.get(key("1"), 8) is None


def test_the_window_holds_so_many_heights_and_no_more() -> None:
    tree = StateTree()
    roots = [
        tree.update(height, {sha256(b"%d" % (height % 9)): sha256(b"%d" % height)})
        for height in range(1, 3 * RECENT_ROOTS)
    ]
    assert (tree.oldest, tree.newest) == (2 * RECENT_ROOTS, 3 * RECENT_ROOTS - 1)
    assert [tree.root(height) for height in range(tree.oldest, tree.newest + 1)] == (
        roots[-RECENT_ROOTS:]
    )
    assert len(tree._past) == RECENT_ROOTS - 1


@pytest.mark.parametrize("height", [-1, 0, 6, 8])
def test_a_height_outside_the_window_is_our_own_mistake(height: int) -> None:
    tree = tree_of(SMALL)
    for ask in (tree.root, lambda at: tree.prove(ASKED, at), lambda at: tree.get(ASKED[0], at)):
        with pytest.raises(InvariantViolated):
            ask(height)


def test_forgetting_drops_older_heights_and_never_the_newest() -> None:
    tree = StateTree()
    for height in range(1, 6):
        tree.update(height, {key("1"): sha256(b"%d" % height)})
    tree.forget(4)
    assert (tree.oldest, tree.newest) == (4, 5)
    assert tree.get(key("1"), 4) == sha256(b"4")
    tree.forget(100)
    assert (tree.oldest, tree.newest) == (5, 5)


@pytest.mark.parametrize(
    ("height", "writes"),
    [
        (7, {key("1"): BLUE}),
        (9, {key("1"): BLUE}),
        (8, {key("1")[1:]: BLUE}),
        (8, {key("1"): BLUE, key("2"): BLUE + b"\x00"}),
    ],
)
def test_a_wrong_height_or_length_is_refused_and_changes_nothing(
    height: int, writes: dict[bytes, bytes | None]
) -> None:
    tree = tree_of(SMALL)
    with pytest.raises(InvariantViolated):
        tree.update(height, writes)
    assert (tree.newest, tree.root()) == (7, tree_of(SMALL).root())


@pytest.mark.parametrize(
    "entries", [[(key("1"), RED), (key("1"), RED)], [(key("1"), b"")], [(b"short", RED)]]
)
def test_a_damaged_stored_state_builds_no_tree(entries: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(InvariantViolated):
        StateTree.build(1, entries)


@pytest.mark.parametrize("keys", [[], [b"short"]])
def test_a_proof_of_no_key_or_of_half_a_key_is_not_given(keys: list[bytes]) -> None:
    with pytest.raises(InvariantViolated):
        tree_of(SMALL).prove(keys)


def test_pages_of_removed_keys_are_given_back() -> None:
    crowd = {sha256(b"%d" % number): RED for number in range(2_000)}
    tree = tree_of(crowd)
    assert len(tree._pages) > 16
    tree.update(8, dict.fromkeys(crowd))
    assert len(tree._pages) == 1
    assert tree.root() == EMPTY


# Proofs made to deceive


def test_every_flipped_bit_of_a_proof_is_refused() -> None:
    tree = tree_of(SMALL)
    proof, expected = tree.prove(ASKED), expected_of(SMALL, ASKED)
    verify_state_proof(tree.root(), proof, expected)
    for position in range(len(proof)):
        for bit in range(8):
            flipped = bytearray(proof)
            flipped[position] ^= 1 << bit
            refuses(tree.root(), bytes(flipped), expected)


def test_every_truncation_and_every_byte_more_is_refused() -> None:
    tree = tree_of(SMALL)
    proof, expected = tree.prove(ASKED), expected_of(SMALL, ASKED)
    for length in range(len(proof)):
        refuses(tree.root(), proof[:length], expected)
    refuses(tree.root(), proof + b"\x00", expected)
    refuses(tree.root(), b"\x00" + proof, expected)


def test_items_left_out_doubled_or_exchanged_are_refused() -> None:
    tree = tree_of(SMALL)
    expected = expected_of(SMALL, ASKED)
    items = items_of(tree.prove(ASKED))
    for at in range(len(items)):
        refuses(tree.root(), PROOF.encode((*items[:at], *items[at + 1 :])), expected)
        refuses(tree.root(), PROOF.encode((*items[:at], items[at], *items[at:])), expected)
        for other in range(at):
            exchanged = list(items)
            exchanged[at], exchanged[other] = items[other], items[at]
            if exchanged != items:
                refuses(tree.root(), PROOF.encode(tuple(exchanged)), expected)


def test_values_exchanged_between_two_keys_are_refused() -> None:
    tree = tree_of(SMALL)
    keys = [key("1"), key("3")]
    refuses(tree.root(), tree.prove(keys), {key("1"): BLUE, key("3"): RED})


def test_present_is_not_shown_absent_nor_absent_present() -> None:
    tree = tree_of(SMALL)
    for asked in [*SMALL, *ASKED]:
        proof = tree.prove([asked])
        verify_state_proof(tree.root(), proof, {asked: SMALL.get(asked)})
        refuses(tree.root(), proof, {asked: None if asked in SMALL else RED})


def test_the_proof_of_another_height_is_refused() -> None:
    tree = tree_of(SMALL)
    tree.update(8, {key("3"): GREEN})
    assert tree.get(key("1"), 7) == tree.get(key("1"), 8)
    assert "root" in refuses(tree.root(8), tree.prove([key("1")], 7), {key("1"): RED})
    assert "root" in refuses(tree.root(7), tree.prove([key("1")], 8), {key("1"): RED})


def rules() -> list[tuple[str, list[bytes], dict[bytes, bytes | None]]]:
    """One made-up proof per rule that the fold of hashes alone would not name."""
    leaf = map_leaf_hash(key("3"), BLUE)
    foreign = key("3") + BLUE
    return [
        ("ends too early", [b"\x00\x0a" + leaf], {key("1"): RED}),
        ("prove nothing", [b"\x00\x0a" + leaf, b"", b""], {key("1"): RED}),
        ("no kind of item", [b"\x00"], {key("1"): RED}),
        ("no kind of item", [leaf], {key("1"): RED}),
        ("no kind of item", [b"\xff\xff" + leaf * 13], {key("1"): RED}),
        ("no kind of item", [b"\xff\xff" + leaf * 16], {key("1"): RED}),
        ("opens a group", [b"\x00\x22" + leaf, b""], {key("1"): RED}),
        ("opens a group", [b"\x80\x02" + leaf, b""], {key("1"): RED}),
        ("opens a group", [b"\x00\x32" + leaf + leaf, b""], {key("1"): RED}),
        ("does not belong", [b"\x00\x06" + leaf, foreign], {key("1"): None}),
        ("queried key as a foreign", [foreign], {key("3"): BLUE}),
        ("should be present", [foreign], {key("4"): RED}),
        ("should be present", [b"\x00\x0c" + leaf + leaf], {key("1"): RED}),
        ("one present key where 2", [b""], {key("1"): RED, key("3"): BLUE}),
        ("one present key where 0", [b""], {key("1"): None}),
        ("more or fewer hashes", [b"\x00\x0a" + leaf + leaf, b""], {key("1"): RED}),
        ("more or fewer hashes", [b"\x00\x0a", b""], {key("1"): RED}),
        ("empty subtree non-empty", [b"\x00\x0a" + EMPTY, b""], {key("1"): RED}),
        ("single key", [b"\x00\x02", b""], {key("1"): RED}),
        ("single key", [b"\x00\x08", foreign], {key("31"): None}),
        ("a branch is empty", [b"\x00\x00"], {key("1"): None}),
        ("deeper than a key", [b"\x00\x01"] * 65, {bytes(32): RED}),
        ("absent that should be", [], {key("1"): RED}),
    ]


@pytest.mark.parametrize(("rule", "items", "expected"), rules())
def test_a_made_up_proof_is_refused_by_the_rule_it_breaks(
    rule: str, items: list[bytes], expected: dict[bytes, bytes | None]
) -> None:
    assert rule in refuses(EMPTY, PROOF.encode(tuple(items)), expected)


@pytest.mark.parametrize(
    "proof",
    [b"", b"\xc0", b"\x80", b"\xc4\x00", b"\x91\xa0", b"\x91\x00", b"\xdc\x00\x01\xc4\x00"],
)
def test_other_messagepack_than_the_canonical_array_is_refused(proof: bytes) -> None:
    refuses(map_leaf_hash(key("1"), RED), proof, {key("1"): RED})


def test_questions_about_nothing_too_much_or_half_keys_are_refused() -> None:
    many = [number.to_bytes(32, "big") for number in range(PROOF_KEYS_MAX + 1)]
    questions: list[tuple[str, dict[bytes, bytes | None]]] = [
        ("is about 0 keys", {}),
        ("is about 10001 keys", dict.fromkeys(many)),
        ("have 32 bytes", {b"short": RED}),
        ("have 32 bytes", {b"short": None}),
        ("have 32 bytes", {key("1"): b"short"}),
        ("have 32 bytes", {key("1"): None, key("2"): b""}),
    ]
    for rule, expected in questions:
        assert rule in refuses(EMPTY, b"\x90", expected)


def test_a_proof_too_long_for_its_keys_is_refused_before_it_is_read() -> None:
    assert "longer" in refuses(EMPTY, b"\xc1" * 40_000, {key("1"): RED})


# Vectors


def vectors() -> dict[str, Any]:
    """What verifiers in every language must accept and refuse, made from the tree."""
    crowd = {sha256(b"key %d" % number): sha256(b"value %d" % number) for number in range(40)}
    chain = {bytes(32): RED, bytes(31) + b"\x01": BLUE}
    asked: list[tuple[str, dict[bytes, bytes], list[bytes]]] = [
        ("empty map", {}, [key("1")]),
        ("one key, asked for", {key("1"): RED}, [key("1")]),
        ("one key, another asked for", {key("1"): RED}, [key("2")]),
        ("one key, it and another asked for", {key("1"): RED}, [key("1"), key("2")]),
        ("small map, present and absent keys", SMALL, ASKED),
        ("small map, all keys", SMALL, list(SMALL)),
        ("keys that differ in the last nibble", chain, [bytes(32), bytes(31) + b"\x02"]),
        ("forty keys", crowd, [sha256(b"key 3"), sha256(b"key 17"), sha256(b"absent")]),
    ]
    good = [
        vector(name, tree_of(state).root(), tree_of(state).prove(keys), expected_of(state, keys))
        | {"state": hexed(state)}
        for name, state, keys in asked
    ]
    root, proof = tree_of(SMALL).root(), tree_of(SMALL).prove(ASKED)
    truth = expected_of(SMALL, ASKED)
    bad = [
        vector("another root", tree_of(chain).root(), proof, truth),
        vector("a present key said absent", root, proof, {**truth, key("1"): None}),
        vector("an absent key said present", root, proof, {**truth, key("2"): RED}),
        vector("a key more than proved", root, proof, {**truth, key("3"): BLUE}),
        vector("a trailing byte", root, proof + b"\x00", truth),
        *(vector(rule, EMPTY, PROOF.encode(tuple(items)), told) for rule, items, told in rules()),
    ]
    return {"format": "ledger/state_proof.py", "good": good, "bad": bad}


def hexed(mapping: dict[bytes, bytes] | dict[bytes, bytes | None]) -> dict[str, str | None]:
    return {
        asked.hex(): None if told is None else told.hex() for asked, told in sorted(mapping.items())
    }


def vector(
    name: str, root: bytes, proof: bytes, expected: dict[bytes, bytes | None]
) -> dict[str, Any]:
    return {"name": name, "root": root.hex(), "proof": proof.hex(), "expected": hexed(expected)}


def rendered() -> str:
    return json.dumps(vectors(), indent=1) + "\n"


def test_the_vectors_on_disk_are_what_the_tree_gives() -> None:
    assert VECTORS.read_text(encoding="utf-8") == rendered()


@pytest.mark.parametrize("kind", ["good", "bad"])
def test_the_verifier_agrees_with_the_vectors_on_disk(kind: str) -> None:
    for case in json.loads(VECTORS.read_text(encoding="utf-8"))[kind]:
        expected = {
            bytes.fromhex(asked): None if told is None else bytes.fromhex(told)
            for asked, told in case["expected"].items()
        }
        root, proof = bytes.fromhex(case["root"]), bytes.fromhex(case["proof"])
        if kind == "good":
            verify_state_proof(root, proof, expected)
        else:
            refuses(root, proof, expected)


if __name__ == "__main__":
    VECTORS.write_text(rendered(), encoding="utf-8")
