"""Ranges of a log: covers and frontiers equal those of a naive tree."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ledger.merkle_log import frontier_of, leaf_hash, root_of
from ledger.merkle_ranges import cover, frontier_with, subtree_roots, subtrees_made

LEAVES = [leaf_hash(str(number).encode()) for number in range(200)]


@st.composite
def ranges(draw: st.DrawFn, most: int = len(LEAVES)) -> tuple[int, int, int]:
    size = draw(st.integers(1, most))
    first = draw(st.integers(0, size - 1))
    return first, draw(st.integers(first + 1, size)), size


@given(ranges())
def test_part_of_a_log_and_the_cover_of_the_rest_give_its_frontier(
    asked: tuple[int, int, int],
) -> None:
    first, stop, size = asked
    frontier = frontier_with(
        first,
        LEAVES[first:stop],
        size,
        subtree_roots(LEAVES[:first], 0),
        subtree_roots(LEAVES[stop:size], stop),
    )
    assert frontier == tuple(frontier_of(LEAVES[:size]))


@given(ranges())
def test_what_stands_before_a_range_is_the_frontier_of_it(asked: tuple[int, int, int]) -> None:
    first, _, _ = asked
    assert tuple(subtree_roots(LEAVES[:first], 0)) == tuple(frontier_of(LEAVES[:first]))


@given(ranges())
def test_subtrees_that_become_whole_are_those_of_the_whole_log(asked: tuple[int, int, int]) -> None:
    before, size, _ = asked
    made = list(subtrees_made(before, tuple(frontier_of(LEAVES[:before])), LEAVES[before:size]))
    whole = [
        (level, number, root_of(LEAVES[number << level : number + 1 << level]))
        for level in range(1, 9)
        for number in range(before >> level, size >> level)
    ]
    assert sorted(made) == sorted(whole)


@given(ranges(2**53 - 1))
def test_a_cover_is_aligned_gapless_and_short(asked: tuple[int, int, int]) -> None:
    first, stop, _ = asked
    place = first
    sizes = cover(first, stop)
    for size in sizes:
        assert size & (size - 1) == 0
        assert place % size == 0
        place += size
    assert place == stop
    assert len(sizes) <= 2 * stop.bit_length()


@given(ranges())
def test_each_root_of_a_cover_is_the_root_of_its_leaves(asked: tuple[int, int, int]) -> None:
    first, stop, _ = asked
    place = first
    for size, root in zip(
        cover(first, stop), subtree_roots(LEAVES[first:stop], first), strict=True
    ):
        assert root == root_of(LEAVES[place : place + size])
        place += size
