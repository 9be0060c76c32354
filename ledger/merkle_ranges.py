"""Part of an RFC 6962 log: some consecutive leaves, and perfect subtrees for all the others.

What it is: which subtrees stand for the leaves not shown, and the frontier that follows from all of
it. What it is not: a proof by itself; the frontier is compared with one that is proved (the state
value of an entity).

A perfect subtree covers 2^k leaves from a multiple of 2^k on. The frontier of a log (one peak per
set bit of its size) is what joining equal neighbours from left to right leaves.
Source: RFC 6962 2.1; docs/FORMATS.md 7.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ledger.merkle_log import Frontier, node_hash, root_of

__all__ = ["cover", "frontier_over", "frontier_with", "subtree_roots", "subtrees_made"]


def cover(start: int, stop: int) -> list[int]:
    """Return the sizes, left to right, of the fewest perfect subtrees over leaves start..stop−1.

    At most two a bit of `stop`, whatever the range.
    """
    sizes: list[int] = []
    place = start
    while place < stop:
        size = 1
        while place % (2 * size) == 0 and place + 2 * size <= stop:
            size *= 2
        sizes.append(size)
        place += size
    return sizes


def subtree_roots(leaf_hashes: Sequence[bytes], start: int) -> list[bytes]:
    """Return the roots of the subtrees of `cover` over these leaves, the first of which has number
    `start` in its log.
    """
    roots: list[bytes] = []
    place = 0
    for size in cover(start, start + len(leaf_hashes)):
        roots.append(root_of(leaf_hashes[place : place + size]))
        place += size
    return roots


def subtrees_made(
    size: int, frontier: Frontier, leaf_hashes: Iterable[bytes]
) -> Iterator[tuple[int, int, bytes]]:
    """Yield (level, number, root) of each perfect subtree of two leaves or more that becomes whole
    as leaf hashes are appended to a log of `size` leaves and this frontier: it covers the leaves
    from number · 2^level on.
    """
    peaks = list(frontier)
    for place, leaf in enumerate(leaf_hashes, size):
        node, level = leaf, 0
        while place >> level & 1:
            node = node_hash(peaks.pop(), node)
            level += 1
            yield level, place >> level, node
        peaks.append(node)


def frontier_over(subtrees: Iterable[tuple[int, bytes]]) -> tuple[bytes, ...]:
    """Return the frontier of a log from (size, root) of perfect subtrees, left to right."""
    peaks: list[tuple[int, bytes]] = []
    for size, root in subtrees:
        joined_size, joined = size, root
        while peaks and peaks[-1][0] == joined_size:
            _, left = peaks.pop()
            joined_size, joined = 2 * joined_size, node_hash(left, joined)
        peaks.append((joined_size, joined))
    return tuple(root for _, root in peaks)


def frontier_with(
    first: int,
    leaf_hashes: Sequence[bytes],
    size: int,
    before: Sequence[bytes],
    after: Sequence[bytes],
) -> tuple[bytes, ...]:
    """Return the frontier of a log of `size` leaves of which those from `first` on are shown.

    `before` and `after` are the roots over the leaves not shown, as many as `cover` has.
    """
    stop = first + len(leaf_hashes)
    return frontier_over(
        [
            *zip(cover(0, first), before, strict=True),
            *((1, leaf) for leaf in leaf_hashes),
            *zip(cover(stop, size), after, strict=True),
        ]
    )
