"""RFC 6962 trees against the published vectors and against the definition itself."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import InvariantViolated
from ledger.merkle_log import (
    EMPTY_ROOT,
    MerkleLog,
    consistency_roots,
    frontier_append,
    frontier_of,
    frontier_root,
    inclusion_root,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)


def digests(texts: list[str] | None) -> list[bytes]:
    return [base64.b64decode(text) for text in texts or []]


def vectors(shared: Path, kind: str) -> list[tuple[str, dict[str, Any]]]:
    files = sorted((shared / "vectors" / "rfc6962" / kind).rglob("*.json"))
    return [(file.as_posix(), json.loads(file.read_text())) for file in files]


def test_the_public_inclusion_vectors_agree_good_and_bad(shared: Path) -> None:
    found = vectors(shared, "inclusion")
    assert len(found) > 40
    verdicts = set()
    for name, case in found:
        holds = verify_inclusion(
            base64.b64decode(case["leafHash"] or ""),
            case["leafIdx"],
            case["treeSize"],
            digests(case["proof"]),
            base64.b64decode(case["root"] or ""),
        )
        assert holds is not case["wantErr"], name
        verdicts.add(holds)
    assert verdicts == {True, False}


def test_the_public_consistency_vectors_agree_good_and_bad(shared: Path) -> None:
    found = vectors(shared, "consistency")
    assert len(found) > 40
    verdicts = set()
    for name, case in found:
        holds = verify_consistency(
            case["size1"],
            case["size2"],
            base64.b64decode(case["root1"] or ""),
            base64.b64decode(case["root2"] or ""),
            digests(case["proof"]),
        )
        assert holds is not case["wantErr"], name
        verdicts.add(holds)
    assert verdicts == {True, False}


def test_the_golden_hashes_of_the_formats() -> None:
    assert base64.b64encode(EMPTY_ROOT) == b"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    assert base64.b64encode(leaf_hash(b"one")) == b"0Nc2CrefWKseHj/mStd+LqC8B+NrX0btIiPt2SmN+ek="
    assert node_hash(b"l", b"r") == hashlib.sha256(b"\x01lr").digest()


def leaves(size: int) -> list[bytes]:
    return [leaf_hash(str(index).encode()) for index in range(size)]


def definition(hashes: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    left, right = definition(hashes[:split]), definition(hashes[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


@pytest.mark.parametrize("size", range(40))
def test_log_frontier_and_level_by_level_root_are_the_definition(size: int) -> None:
    hashes = leaves(size)
    root = definition(hashes)
    assert root_of(hashes) == root
    assert MerkleLog(hashes).root() == root
    frontier = frontier_of(hashes)
    assert frontier_root(frontier) == root
    assert len(frontier) == size.bit_count()
    log = MerkleLog(leaves(40))
    assert log.root(size) == root


def test_a_frontier_grows_leaf_by_leaf() -> None:
    hashes = leaves(70)
    frontier: tuple[bytes, ...] = ()
    for size, leaf in enumerate(hashes):
        frontier = frontier_append(frontier, size, leaf)
        assert frontier_root(frontier) == definition(hashes[: size + 1])


def test_every_leaf_is_included_under_every_size_and_no_other_leaf_is() -> None:
    log = MerkleLog(leaves(20))
    for size in range(1, 21):
        root = log.root(size)
        for index in range(size):
            path = log.inclusion(index, size)
            assert verify_inclusion(log.leaf(index), index, size, path, root)
            other = log.leaf((index + 1) % 20)
            assert not verify_inclusion(other, index, size, path, root)
            assert not verify_inclusion(log.leaf(index), index, size, [*path, bytes(32)], root)
            assert not path or not verify_inclusion(log.leaf(index), index, size, path[:-1], root)


def test_an_index_outside_the_log_is_included_nowhere() -> None:
    log = MerkleLog(leaves(5))
    path = log.inclusion(4)
    for index, size in ((-1, 5), (5, 5), (0, 0), (4, 4)):
        assert not verify_inclusion(log.leaf(4), index, size, path, log.root())


def test_every_size_is_consistent_with_every_larger_one() -> None:
    log = MerkleLog(leaves(20))
    for size2 in range(1, 21):
        for size1 in range(1, size2 + 1):
            path = log.consistency(size1, size2)
            root1, root2 = log.root(size1), log.root(size2)
            assert verify_consistency(size1, size2, root1, root2, path)
            assert not verify_consistency(size1, size2, bytes(32), root2, path)
            assert not verify_consistency(size1, size2, root1, bytes(32), path)
            assert not verify_consistency(size1, size2, root1, root2, [*path, bytes(32)])


def test_no_other_size_passes_with_the_same_consistency_path() -> None:
    """Size and path bind each other: a bundle's "size" is no free byte."""
    log = MerkleLog(leaves(20))
    for size1 in range(1, 21):
        path, root1 = log.consistency(size1, 20), log.root(size1)
        for other in range(21):
            passes = verify_consistency(other, 20, root1, log.root(20), path)
            assert passes is (other == size1)


def test_consistency_needs_a_beginning_and_an_order() -> None:
    log = MerkleLog(leaves(4))
    assert not verify_consistency(0, 4, EMPTY_ROOT, log.root(), [])
    assert not verify_consistency(4, 3, log.root(4), log.root(3), [])
    assert verify_consistency(4, 4, log.root(), log.root(), [])
    assert not verify_consistency(4, 4, log.root(), log.root(), [bytes(32)])
    assert not verify_consistency(3, 4, log.root(3), log.root(4), [])


def test_a_path_that_none_can_be_leads_to_no_root() -> None:
    """Not to a wrong one: whoever compares roots has no rule to forget."""
    log = MerkleLog(leaves(5))
    leaf, path = log.leaf(2), log.inclusion(2)
    assert inclusion_root(leaf, 2, 5, path) == log.root()
    for index, size, tried in (
        (2, 5, [*path, bytes(32)]),
        (2, 5, path[:-1]),
        (5, 5, path),
        (-1, 5, path),
        (0, 0, []),
    ):
        assert inclusion_root(leaf, index, size, tried) is None
    root, proof = log.root(3), log.consistency(3, 5)
    assert consistency_roots(3, 5, root, proof) == (root, log.root())
    for size1, size2, tried in (
        (3, 5, [*proof, bytes(32)]),
        (3, 5, proof[:-1]),
        (3, 5, []),
        (0, 5, proof),
        (5, 5, proof),
        (5, 3, proof),
        (-3, 5, proof),
    ):
        assert consistency_roots(size1, size2, root, tried) is None


def test_a_log_does_not_prove_what_it_does_not_hold() -> None:
    log = MerkleLog(leaves(3))
    assert log.append(leaf_hash(b"x")) == 3
    assert log.size == 4
    for wrong in (
        lambda: log.inclusion(4),
        lambda: log.inclusion(-1),
        lambda: log.inclusion(3, 3),
        lambda: log.inclusion(0, 5),
        lambda: log.consistency(0, 4),
        lambda: log.consistency(3, 2),
        lambda: log.root(5),
    ):
        with pytest.raises(InvariantViolated):
            wrong()
