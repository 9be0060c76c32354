"""RFC 6962 Merkle logs: hashing, frontiers, inclusion and consistency.

Three users: the chain log over headers, the roots over a block's transactions and results, and the
log of every entity (of which the state holds only size and frontier, DESIGN 2.1). A frontier is the
list of the roots of the perfect subtrees of a log, largest first: one per set bit of the size.
Whoever recomputes it over the events shown knows that none is missing, reordered or altered.

Source: RFC 6962 section 2.1, RFC 9162 sections 2.1.3 and 2.1.4 (verification); formats.md 6.1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final

from ledger.errors import InvariantViolated

__all__ = [
    "EMPTY_ROOT",
    "Frontier",
    "MerkleLog",
    "Subtree",
    "consistency_path",
    "consistency_roots",
    "frontier_append",
    "frontier_of",
    "frontier_root",
    "inclusion_path",
    "inclusion_root",
    "leaf_hash",
    "node_hash",
    "range_root",
    "root_of",
    "verify_consistency",
    "verify_inclusion",
]

Frontier = tuple[bytes, ...]

# (level, index) -> root of the perfect subtree of the leaves index·2^level .. (index+1)·2^level − 1
Subtree = Callable[[int, int], bytes]

EMPTY_ROOT: Final = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Return H(0x00 ‖ data)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return H(0x01 ‖ left ‖ right)."""
    return sha256(b"\x01" + left + right).digest()


def frontier_append(frontier: Frontier, size: int, leaf: bytes) -> Frontier:
    """Return the frontier of a log of `size` leaves after one more leaf hash is appended."""
    peaks = list(frontier)
    node = leaf
    while size & 1:
        node = sha256(b"\x01" + peaks.pop() + node).digest()
        size >>= 1
    peaks.append(node)
    return tuple(peaks)


def frontier_of(leaves: Sequence[bytes]) -> Frontier:
    """Return the frontier over leaf hashes."""
    frontier: Frontier = ()
    for size, leaf in enumerate(leaves):
        frontier = frontier_append(frontier, size, leaf)
    return frontier


def frontier_root(frontier: Frontier) -> bytes:
    """Return the Merkle tree hash of the log whose frontier this is."""
    if not frontier:
        return EMPTY_ROOT
    node = frontier[-1]
    for peak in reversed(frontier[:-1]):
        node = node_hash(peak, node)
    return node


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the Merkle tree hash over leaf hashes (level by level: about 0.5 µs a leaf)."""
    if not leaves:
        return EMPTY_ROOT
    level = list(leaves)
    while len(level) > 1:
        odd = level[-1] if len(level) & 1 else None
        pairs = zip(level[::2], level[1::2], strict=odd is None)
        level = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
        if odd is not None:
            level.append(odd)
    return level[0]


def verify_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> bool:
    """Say whether the leaf hash stands at `index` in the log of `size` leaves with `root` (RFC 9162
    2.1.3.2).
    """
    return inclusion_root(leaf, index, size, path) == root


def inclusion_root(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Return the root to which a path leads from the leaf hash at `index` of `size` leaves; None
    for a path that none of this index and size can be.
    """
    if not 0 <= index < size:
        return None
    node, place, last = leaf, index, size - 1
    for sibling in path:
        if last == 0:
            return None
        if place & 1 or place == last:
            node = node_hash(sibling, node)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            node = node_hash(node, sibling)
        place >>= 1
        last >>= 1
    return node if last == 0 else None


def verify_consistency(
    size1: int, size2: int, root1: bytes, root2: bytes, path: Sequence[bytes]
) -> bool:
    """Say whether the log of size1 and root1 is a prefix of that of size2 and root2 (RFC 9162
    2.1.4.2).
    """
    if not 0 < size1 <= size2:
        return False
    if size1 == size2:
        return not path and root1 == root2
    return consistency_roots(size1, size2, root1, path) == (root1, root2)


def consistency_roots(
    size1: int, size2: int, root1: bytes, path: Sequence[bytes]
) -> tuple[bytes, bytes] | None:
    """Return the two roots that a consistency path leads to, or None when its length is wrong.

    `root1` is used only where size1 is a power of two: there the path leaves it out.
    """
    if not 0 < size1 < size2:
        return None
    nodes = list(path)
    if size1 & (size1 - 1) == 0:
        nodes.insert(0, root1)
    if not nodes:
        return None
    place, last = size1 - 1, size2 - 1
    while place & 1:
        place >>= 1
        last >>= 1
    old = new = nodes[0]
    for node in nodes[1:]:
        if last == 0:
            return None
        if place & 1 or place == last:
            old, new = node_hash(node, old), node_hash(node, new)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            new = node_hash(new, node)
        place >>= 1
        last >>= 1
    return (old, new) if last == 0 else None


def range_root(subtree: Subtree, start: int, end: int) -> bytes:
    """Return the hash over leaves start..end−1, where start is a multiple of the range's width."""
    if start == end:
        return EMPTY_ROOT
    peaks: list[bytes] = []
    while start < end:
        level = (end - start).bit_length() - 1
        peaks.append(subtree(level, start >> level))
        start += 1 << level
    return frontier_root(tuple(peaks))


def inclusion_path(subtree: Subtree, index: int, size: int) -> list[bytes]:
    """Return the sibling path of leaf `index` in a log of `size` leaves, leaf's sibling first.

    Raises: InvariantViolated when the log has no such leaf.
    """
    if not 0 <= index < size:
        raise InvariantViolated(f"leaf {index} is not in a log of {size}")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        split = start + _split(end - start)
        if index < split:
            path.append(range_root(subtree, split, end))
            end = split
        else:
            path.append(range_root(subtree, start, split))
            start = split
    path.reverse()
    return path


def consistency_path(subtree: Subtree, size1: int, size2: int) -> list[bytes]:
    """Return the proof that the first size1 leaves are a prefix of the first size2 (RFC 6962
    2.1.2).

    Raises: InvariantViolated unless 0 < size1 <= size2.
    """
    if not 0 < size1 <= size2:
        raise InvariantViolated(f"no consistency from {size1} to {size2}")
    path: list[bytes] = []
    start, end, whole = 0, size2, True
    while size1 != end:
        split = start + _split(end - start)
        if size1 <= split:
            path.append(range_root(subtree, split, end))
            end = split
        else:
            path.append(range_root(subtree, start, split))
            start, whole = split, False
    if not whole:
        path.append(range_root(subtree, start, end))
    path.reverse()
    return path


class MerkleLog:
    """An RFC 6962 log held in memory as the hashes of all its perfect subtrees (64 bytes a leaf in
    all).

    Invariant: level k holds the roots of the perfect subtrees of 2^k leaves, in order.
    """

    __slots__ = ("_levels",)

    def __init__(self, leaves: Sequence[bytes] = ()) -> None:
        self._levels: list[list[bytes]] = [[]]
        for leaf in leaves:
            self.append(leaf)

    @property
    def size(self) -> int:
        """Number of leaves."""
        return len(self._levels[0])

    def append(self, leaf: bytes) -> int:
        """Append a leaf hash; return its index."""
        index = self.size
        node, level = leaf, 0
        self._levels[0].append(leaf)
        while (index >> level) & 1:
            node = node_hash(self._levels[level][-2], node)
            level += 1
            if level == len(self._levels):
                self._levels.append([])
            self._levels[level].append(node)
        return index

    def leaf(self, index: int) -> bytes:
        """Return the leaf hash at `index`."""
        return self._levels[0][index]

    def subtree(self, level: int, index: int) -> bytes:
        """Return the root of the perfect subtree number `index` of 2^level leaves."""
        return self._levels[level][index]

    def subtrees(self, level: int, start: int, stop: int) -> list[bytes]:
        """Return the roots of the perfect subtrees start..stop−1 of 2^level leaves each.

        Raises: InvariantViolated when the log is too small for them.
        """
        found = self._levels[level][start:stop] if level < len(self._levels) else []
        if len(found) != stop - start:
            raise InvariantViolated(f"the log has no subtrees {start} to {stop} at level {level}")
        return found

    def root(self, size: int | None = None) -> bytes:
        """Return the root of the first `size` leaves (all, if not given)."""
        return range_root(self.subtree, 0, self._bounded(size))

    def inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """Return the sibling path of leaf `index` in the log of `size` leaves, leaf's sibling
        first.
        """
        return inclusion_path(self.subtree, index, self._bounded(size))

    def consistency(self, size1: int, size2: int | None = None) -> list[bytes]:
        """Return the proof that the first size1 leaves are a prefix of the first size2 (RFC 6962
        2.1.2).
        """
        return consistency_path(self.subtree, size1, self._bounded(size2))

    def _bounded(self, size: int | None) -> int:
        bound = self.size if size is None else size
        if not 0 <= bound <= self.size:
            raise InvariantViolated(f"the log has {self.size} leaves, not {bound}")
        return bound


def _split(width: int) -> int:
    """Return the largest power of two below `width`."""
    return 1 << ((width - 1).bit_length() - 1)
