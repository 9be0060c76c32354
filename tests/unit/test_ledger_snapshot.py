"""A state in chunks: where each ends is a rule, and every lie about one is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import msgspec
import pytest

from chaincode.limits import BUCKETS_MAX, RECORD_SIZE_MAX
from ledger.errors import InvariantViolated, Malformed
from ledger.hashing import sha256
from ledger.leaf import state_value
from ledger.paths import Path, key
from ledger.snapshot import (
    CHUNK,
    CHUNK_ENTRIES_MAX,
    CHUNK_SIZE,
    ENTRY_SIZE_MAX,
    FIRST_KEY,
    LAST_KEY,
    Chunk,
    Entry,
    Held,
    fill_chunk,
    following,
    path_bytes,
    verify_chunk,
)
from ledger.state_tree import StateTree


@dataclass
class State:
    """Entries in order of keys, and the tree over them."""

    entries: list[Held]
    tree: StateTree

    @classmethod
    def of(cls, count: int, size: int = 40, start: int = 0) -> State:
        paths = [Path("supplies", "lot", f"red-cross.{n}") for n in range(start, start + count)]
        held = sorted(
            Held(key(p), p, state_value(sha256(p.id.encode()) + bytes(size), 0, ())) for p in paths
        )
        return cls(held, StateTree.build(5, ((one.key, sha256(one.value)) for one in held)))

    def chunk(self, first: bytes = FIRST_KEY) -> Chunk:
        after = (one for one in self.entries if one.key >= first)
        return fill_chunk(first, after, self.tree.pin(5).prove_range)

    def chunks(self) -> Iterator[Chunk]:
        first = FIRST_KEY
        while True:
            chunk = self.chunk(first)
            yield chunk
            if chunk.last == LAST_KEY:
                return
            first = following(chunk.last)


def test_all_chunks_together_are_the_state_and_each_is_checked_alone() -> None:
    state = State.of(2_300)
    found: list[Held] = []
    first = FIRST_KEY
    for chunk in state.chunks():
        again = CHUNK.decode(CHUNK.encode(chunk))
        found += verify_chunk(again, first, state.tree.root())
        first = following(chunk.last) if chunk.last != LAST_KEY else first
    assert found == state.entries
    assert [len(chunk.entries) for chunk in state.chunks()] == [CHUNK_ENTRIES_MAX] * 2 + [300]


def test_large_entries_end_a_chunk_by_their_bytes() -> None:
    state = State.of(40, size=RECORD_SIZE_MAX - 32)
    sizes = [
        sum(len(path_bytes(e.path)) + len(e.value) for e in chunk.entries)
        for chunk in state.chunks()
    ]
    assert len(sizes) > 4
    assert all(CHUNK_SIZE - ENTRY_SIZE_MAX < size <= CHUNK_SIZE for size in sizes[:-1])


def test_the_largest_entry_the_runtime_writes_fits() -> None:
    longest = Path("a" * 32, "b" * 32, "c" * 96)
    frontier = tuple(sha256(bytes([n])) for n in range(52))
    value = state_value(bytes(RECORD_SIZE_MAX), 2**52 - 1, frontier)
    assert len(path_bytes(longest)) + len(value) <= ENTRY_SIZE_MAX
    assert BUCKETS_MAX * 9 < RECORD_SIZE_MAX  # the list of live buckets
    too_large = Held(key(longest), longest, bytes(ENTRY_SIZE_MAX))
    with pytest.raises(InvariantViolated):
        fill_chunk(FIRST_KEY, [too_large], lambda first, last: ())


def test_two_members_cut_a_height_into_the_same_bytes() -> None:
    """R-CP-7: one grew with the chain, the other was built from what it had on disk."""
    state = State.of(1_500)
    grown = StateTree.build(0, ())
    for height, (low, high) in enumerate(pairwise(range(0, 1_501, 300)), 1):
        part = state.entries[low:high]
        grown.update(height, {one.key: sha256(one.value) for one in part})
    other = State(state.entries, grown)
    assert [CHUNK.encode(c) for c in state.chunks()] == [CHUNK.encode(c) for c in other.chunks()]


Lie = Callable[[Chunk, State], Chunk]


def with_entries(chunk: Chunk, *entries: Entry, **changes: object) -> Chunk:
    return msgspec.structs.replace(chunk, entries=entries, **changes)


def altered(chunk: Chunk, _: State) -> Chunk:
    path, value = chunk.entries[7]
    entries = list(chunk.entries)
    entries[7] = Entry(path, value[:-1] + bytes([value[-1] ^ 1]))
    return with_entries(chunk, *entries)


def of_crumbs(chunk: Chunk, state: State) -> Chunk:
    """All of it true; so little that the rest would take for ever."""
    last = key(chunk.entries[9].path)
    proof = state.tree.pin(5).prove_range(chunk.first, last)
    return with_entries(chunk, *chunk.entries[:10], last=last, proof=proof)


def said_to_be_all(chunk: Chunk, state: State) -> Chunk:
    return msgspec.structs.replace(chunk, last=LAST_KEY, proof=())


def of_another_height(chunk: Chunk, state: State) -> Chunk:
    return State.of(1_500, start=1).chunk(chunk.first)


def with_another_path(chunk: Chunk, _: State) -> Chunk:
    path, value = chunk.entries[3]
    entries = list(chunk.entries)
    entries[3] = Entry(Path(path.contract, path.kind, path.id + "x"), value)
    return with_entries(chunk, *entries)


LIES: dict[str, Lie] = {
    "a value altered": altered,
    "a path that is not the key's": with_another_path,
    "a key left out": lambda c, _: with_entries(c, *c.entries[:5], *c.entries[6:]),
    "the first key left out": lambda c, _: with_entries(c, *c.entries[1:]),
    "the last key left out": lambda c, _: with_entries(
        c, *c.entries[:-1], last=key(c.entries[-2].path)
    ),
    "a key too many": lambda c, _: with_entries(
        c,
        *c.entries[:9],
        Entry(Path("supplies", "lot", "lie"), c.entries[0].value),
        *c.entries[9:-1],
    ),
    "a key twice": lambda c, _: with_entries(c, *c.entries[:5], *c.entries[4:-1]),
    "out of order": lambda c, _: with_entries(c, *c.entries[1:2], *c.entries[:1], *c.entries[2:]),
    "of another height": of_another_height,
    "crumbs": of_crumbs,
    "nothing": lambda c, _: with_entries(c),
    "nothing at all, to the end": lambda c, _: with_entries(c, last=LAST_KEY, proof=()),
    "said to be all": said_to_be_all,
    "beginning elsewhere": lambda c, s: s.chunk(following(c.last)),
    "without proof": lambda c, _: msgspec.structs.replace(c, proof=()),
    "more than its size": lambda c, _: with_entries(
        c, *(Entry(path, bytes(1_000)) for path, _ in c.entries)
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lying_chunk_is_refused(lie: str) -> None:
    state = State.of(1_500)
    with pytest.raises(Malformed):
        verify_chunk(LIES[lie](state.chunk(), state), FIRST_KEY, state.tree.root())


@pytest.mark.parametrize(
    "change",
    [
        {"entries": (Entry(Path("s", "l", "x"), bytes(ENTRY_SIZE_MAX + 1)),)},
        {"entries": (Entry(Path("s", "l", "x"), b""),) * (CHUNK_ENTRIES_MAX + 1)},
        {"entries": (Entry(Path("S", "l", "x"), b""),)},
        {"proof": (b"",) * 128},
        {"proof": (bytes(483),)},
        {"first": bytes(31)},
    ],
)
def test_what_exceeds_a_limit_is_not_even_decoded(change: dict[str, object]) -> None:
    chunk = Chunk(FIRST_KEY, LAST_KEY, (), ())
    with pytest.raises(Malformed):
        CHUNK.decode(CHUNK.encode(msgspec.structs.replace(chunk, **change)))


def test_a_value_that_is_no_state_value_is_refused_even_under_the_root() -> None:
    path = Path("supplies", "lot", "odd")
    tree = StateTree.build(5, [(key(path), sha256(b"\xc1"))])
    chunk = Chunk(FIRST_KEY, LAST_KEY, (Entry(path, b"\xc1"),), ())
    with pytest.raises(Malformed, match="state value"):
        verify_chunk(chunk, FIRST_KEY, tree.root())
