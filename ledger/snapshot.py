"""A snapshot of the whole state in chunks, each proved complete against the certified state root.

What it is: the format of a chunk, the rule that says where a chunk ends, and the pure function that
checks one on arrival (R-CP-4). A chunk is a range of the state map (`ledger/state_range.py`) with
what the map does not hold itself: each key's path, whose hash the key is, and each state value. So
whoever holds all chunks holds everything that execution reads, and knows that nothing is missing.
What it is not: how chunks travel and are put in place (node/).

Where a chunk ends is a rule and not the server's choice: it is filled until the next entry would
exceed CHUNK_SIZE or CHUNK_ENTRIES_MAX. So the chunks of a height are the same bytes at every member
(R-CP-7), a server that shows crumbs is found out at the first, and a state of S bytes and E entries
takes at most S / (CHUNK_SIZE − ENTRY_SIZE_MAX) + E / CHUNK_ENTRIES_MAX + 1 chunks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta

from ledger.codec import Digest, Format
from ledger.errors import InvariantViolated, Malformed
from ledger.hashing import sha256, tagged
from ledger.leaf import parse_state_value
from ledger.paths import Path
from ledger.state_range import KEY_MAX, KEY_MIN, RANGE_ITEMS_MAX, verify_range

__all__ = [
    "CHUNK",
    "CHUNK_ENTRIES_MAX",
    "CHUNK_SIZE",
    "ENTRY_SIZE_MAX",
    "FIRST_KEY",
    "LAST_KEY",
    "Chunk",
    "Entry",
    "Held",
    "fill_chunk",
    "following",
    "path_bytes",
    "verify_chunk",
]

# bytes of paths and values in one chunk: read, hashed or checked in some 10 ms, so that votes are
# heard in between
CHUNK_SIZE: Final = 256 * 1024
CHUNK_ENTRIES_MAX: Final = 1_000  # the same for small entries, which cost by their number
# bytes of one path and value: a record of 32 KiB, a frontier of 53 hashes, and room
ENTRY_SIZE_MAX: Final = 40 * 1024

FIRST_KEY: Final = KEY_MIN
LAST_KEY: Final = KEY_MAX

_FIELD: Final = "chunk"
_ITEM: Final = Annotated[bytes, Meta(max_length=2 + 32 * 15)]


class Entry(NamedTuple):
    """One entry of the state: whose it is, and its state value's bytes."""

    path: Path
    value: Annotated[bytes, Meta(max_length=ENTRY_SIZE_MAX)]


class Chunk(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Everything the state holds from key `first` to key `last`, in order of keys, and its proof.

    `last` is the key of the last entry, or LAST_KEY where nothing follows.
    """

    first: Digest
    last: Digest
    entries: Annotated[tuple[Entry, ...], Meta(max_length=CHUNK_ENTRIES_MAX)]
    proof: Annotated[tuple[_ITEM, ...], Meta(max_length=RANGE_ITEMS_MAX)]  # type: ignore[valid-type]


class Held(NamedTuple):
    """An entry that was checked: its key in the state map, its path, its state value."""

    key: bytes
    path: Path
    value: bytes


CHUNK: Final = Format(Chunk, _FIELD)
_PATH: Final = Format(Path, "path")


def path_bytes(path: Path) -> bytes:
    """Return the canonical array of a path: what its key is the tagged hash of."""
    return _PATH.encode(path)


def following(key: bytes) -> bytes:
    """Return the key after one that is not LAST_KEY."""
    return (int.from_bytes(key, "big") + 1).to_bytes(32, "big")


def fill_chunk(
    first: bytes,
    entries: Iterable[Held],
    prove: Callable[[bytes, bytes], Sequence[bytes]],
) -> Chunk:
    """Return the one chunk that begins at key `first`.

    `entries` are those of the state from there on, in order; no more are taken than fit, and one.
    `prove` gives the proof of a range. Raises: InvariantViolated for an entry above ENTRY_SIZE_MAX.
    """
    taken: list[Entry] = []
    size, last = 0, LAST_KEY
    for key, path, value in entries:
        weight = len(path_bytes(path)) + len(value)
        if weight > ENTRY_SIZE_MAX:
            raise InvariantViolated(f"state entry {path.text} of {weight} bytes")
        if size + weight > CHUNK_SIZE or len(taken) == CHUNK_ENTRIES_MAX:
            break
        taken.append(Entry(path, value))
        size += weight
        last = key
    else:
        last = LAST_KEY
    return Chunk(first, last, tuple(taken), tuple(prove(first, last)))


def verify_chunk(chunk: Chunk, first: bytes, root: bytes) -> list[Held]:
    """Return the entries of the chunk that begins at `first` in the state with this root.

    Each path hashes to its key, each value is a well-formed state value, and nothing is missing
    between the first key and the last. Raises: Malformed, naming what is wrong.
    """
    if chunk.first != first:
        raise Malformed(f"{_FIELD}.first", "is not the key that was asked for")
    held: list[Held] = []
    records: list[bytes] = []
    size = weight = 0
    for entry in chunk.entries:
        encoded = path_bytes(entry.path)
        weight = len(encoded) + len(entry.value)
        size += weight
        if weight > ENTRY_SIZE_MAX or size > CHUNK_SIZE:
            raise Malformed(f"{_FIELD}.entries", f"are more than {CHUNK_SIZE} bytes")
        key = tagged("path", encoded)
        held.append(Held(key, entry.path, entry.value))
        records.append(key + sha256(entry.value))
    if chunk.last != LAST_KEY:
        if not held or held[-1].key != chunk.last:
            raise Malformed(f"{_FIELD}.last", "is neither the last entry's key nor the last of all")
        if size <= CHUNK_SIZE - ENTRY_SIZE_MAX and len(held) < CHUNK_ENTRIES_MAX:
            raise Malformed(f"{_FIELD}.entries", "end although more would fit")
    verify_range(root, first, chunk.last, records, chunk.proof)
    for entry in chunk.entries:
        parse_state_value(entry.value)
    return held
