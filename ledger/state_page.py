"""A page of the state tree: a branch of the map with its sixteen slots, as one byte string.

    0x11 and the hashes of 4 groups     129 bytes, ready to be hashed
    4 times 0x12 and 4 slots' hashes    129 bytes each, ready to be hashed
    16 counts                           how many records each slot holds
    records (key ‖ value hash)          sorted, 64 bytes each

What it is: where things lie in a page, and the changes that keep it in agreement with itself. What
it is not: the tree of pages (`ledger/state_tree.py`), nor the hash rules (`ledger/state_proof.py`).

Invariant: a group's hash follows from the hashes of its slots.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from ledger.state_leaves import RECORD
from ledger.state_proof import BRANCH_TAG, EMPTY, GROUP_TAG

__all__ = [
    "BLANK",
    "COUNTS_AT",
    "RECORDS_AT",
    "SLOT_AT",
    "is_foldable",
    "page_hash",
    "records_in",
    "set_hash",
    "start_of",
]

_PART: Final = 129  # bytes of a tag and four hashes: a page begins with five of them
_BLANK_GROUP: Final = GROUP_TAG + bytes(128)

SLOT_AT: Final = [_PART * (1 + slot // 4) + 1 + 32 * (slot % 4) for slot in range(16)]
COUNTS_AT: Final = 5 * _PART
RECORDS_AT: Final = COUNTS_AT + 16
BLANK: Final = BRANCH_TAG + bytes(128) + 4 * _BLANK_GROUP + bytes(16)

# Where a slot's hash lies, its group, and the hash of this group.
_PLACES: Final = [
    (at, _PART * (1 + slot // 4), 1 + 32 * (slot // 4)) for slot, at in enumerate(SLOT_AT)
]


def page_hash(page: bytearray) -> bytes:
    """The hash of the page as a branch of the map."""
    return sha256(page[:_PART]).digest()


def set_hash(page: bytearray, nibble: int, digest: bytes) -> None:
    """Give a slot its hash, and its group the one that follows from it."""
    at, group, top = _PLACES[nibble]
    page[at : at + 32] = digest
    four = page[group : group + _PART]
    if digest != EMPTY or four != _BLANK_GROUP:
        page[top : top + 32] = sha256(four).digest()
    else:
        page[top : top + 32] = EMPTY


def start_of(page: bytearray, nibble: int) -> int:
    """Where the records of a slot begin, or would begin."""
    return RECORDS_AT + RECORD * sum(page[COUNTS_AT : COUNTS_AT + nibble])


def records_in(page: bytearray, nibble: int) -> bytes:
    """The records of a slot."""
    start = start_of(page, nibble)
    return bytes(page[start : start + RECORD * page[COUNTS_AT + nibble]])


def is_foldable(page: bytearray, most: int) -> bool:
    """Whether a page holds at most so many keys, and no page below: its parent's slot could."""
    if len(page) > RECORDS_AT + most * RECORD:
        return False
    return all(
        page[COUNTS_AT + nibble] or page[at : at + 32] == EMPTY for nibble, at in enumerate(SLOT_AT)
    )
