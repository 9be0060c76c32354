"""Ranges of the state map: everything it holds between two keys, proved to be complete.

What it is: the format of a proof that the map with a given root holds exactly these records
(key ‖ value hash, 64 bytes each) from the key `first` to the key `last`, both included; the pure
function that checks one; and the one that makes it from a tree. A whole state is fetched as
consecutive ranges, each checked on arrival against the certified root (R-CP-4). What it is not:
what travels beside it (`ledger/snapshot.py`).

The proof. An array of byte strings, in pre-order over the *cut* subtrees: those that hold keys
below `first` or above `last` as well as keys between them. At most two per level are cut, so a
proof has at most 127 items and 61 kB, whatever the range holds. The length of an item tells its
kind:

    0                       exactly one record stands alone here, and it is in the range
    64                      a record stands alone here that is not in the range: key ‖ value hash
    2 + 32 s, s = 0..15     a branch: bitmap of its non-empty subtrees, then the hashes of the s of
                            them that lie wholly outside the range; cut ones follow, by nibble

A subtree wholly within the range has no item: the records are all of it. The range of all keys has
the empty proof.

Invariants:
- Who can show records and a proof that lead to the root has shown every record of the range, unless
  SHA-256 has a collision.
- For a map and a range there is exactly one proof.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from ledger.errors import Malformed
from ledger.state_leaves import RECORD, cut, records_hash
from ledger.state_proof import DEPTH, EMPTY, branch_hash, map_leaf_hash

__all__ = ["KEY_MAX", "KEY_MIN", "RANGE_ITEMS_MAX", "prove_range", "verify_range"]

KEY_MIN: Final = bytes(32)
KEY_MAX: Final = b"\xff" * 32
RANGE_ITEMS_MAX: Final = 2 * DEPTH - 1  # the root is cut once, every other level twice at most

Slot = Callable[[int], bytes]
"""What a slot of a page holds: its records, or the 32-byte hash of the page below it."""
Hashes = Callable[[int, int], Sequence[bytes]]
"""The hashes of the 16 slots of a page, given its code and depth."""

_FIELD: Final = "state range"
_KEY_BITS: Final = 256
_BRANCH_MAX: Final = 2 + 32 * 15  # one subtree at least is cut or within


class _Span:
    """The range as numbers: key codes carry a leading 1, like the codes of pages."""

    __slots__ = ("first", "last")

    def __init__(self, first: bytes, last: bytes) -> None:
        self.first = int.from_bytes(b"\x01" + first, "big")
        self.last = int.from_bytes(b"\x01" + last, "big")

    def holds(self, key: bytes) -> bool:
        return self.first <= int.from_bytes(b"\x01" + key, "big") <= self.last

    def lies(self, code: int, depth: int) -> str:
        """Where the subtree of this code lies: "within", "outside" or "cut"."""
        shift = _KEY_BITS - 4 * depth
        low, high = code << shift, ((code + 1) << shift) - 1
        if self.first <= low and high <= self.last:
            return "within"
        return "outside" if high < self.first or low > self.last else "cut"


def verify_range(
    root: bytes, first: bytes, last: bytes, records: Sequence[bytes], items: Sequence[bytes]
) -> None:
    """Check that the map with this root holds exactly `records` from key `first` to key `last`.

    Raises: Malformed, at a cost bounded by the records and RANGE_ITEMS_MAX.
    """
    if len(first) != 32 or len(last) != 32 or first > last:
        raise Malformed(_FIELD, "must go from a key of 32 bytes to one that is not before it")
    if len(items) > RANGE_ITEMS_MAX:
        raise Malformed(_FIELD, f"has more than {RANGE_ITEMS_MAX} items of proof")
    previous = b""
    for record in records:
        if len(record) != RECORD or record[:32] <= previous:
            raise Malformed(_FIELD, "records must be of 64 bytes, ascending, without repetition")
        previous = record[:32]
    if records and (records[0][:32] < first or previous > last):
        raise Malformed(_FIELD, "a record lies outside of the range")
    fold = _Fold(_Span(first, last), b"".join(records), items)
    if fold.root() != root:
        raise Malformed(_FIELD, "does not lead to the state root")


class _Fold:
    """Folds records and the items of a proof into the root they imply."""

    __slots__ = ("_at", "_items", "_records", "_span")

    def __init__(self, span: _Span, records: bytes, items: Sequence[bytes]) -> None:
        self._span = span
        self._records = records
        self._items = iter(items)
        self._at = 0  # bytes of records folded: subtrees come in the order of their keys

    def root(self) -> bytes:
        digest, _ = self._subtree(1, 0)
        if self._at != len(self._records) or next(self._items, None) is not None:
            raise Malformed(_FIELD, "shows more than the range holds")
        return digest

    def _subtree(self, code: int, depth: int) -> tuple[bytes, bool]:
        """Hash of a non-empty subtree that is not wholly outside; whether it is a branch."""
        run = self._run(code, depth)
        if self._span.lies(code, depth) == "within":
            self._at += len(run)
            return records_hash(run, depth), len(run) > RECORD
        item = next(self._items, None)
        if item is None:
            raise Malformed(_FIELD, "the proof ends too early")
        if not item:
            if len(run) != RECORD:
                raise Malformed(_FIELD, "a lone record is not the only one shown")
            self._at += RECORD
            return map_leaf_hash(run[:32], run[32:]), False
        if len(item) == RECORD:
            return self._foreign(item, code, depth, run), False
        if len(item) & 31 != 2 or len(item) > _BRANCH_MAX or depth == DEPTH:
            raise Malformed(_FIELD, f"an item of {len(item)} bytes is no kind of item here")
        return self._branch(item, code, depth), True

    def _run(self, code: int, depth: int) -> bytes:
        """The records from here on that belong to the subtree."""
        shift = _KEY_BITS - 4 * depth
        bound = code + 1 << shift
        records, low, high = self._records, self._at // RECORD, len(self._records) // RECORD
        while low < high:
            middle = (low + high) // 2
            key = records[middle * RECORD : middle * RECORD + 32]
            if int.from_bytes(b"\x01" + key, "big") < bound:
                low = middle + 1
            else:
                high = middle
        run = records[self._at : low * RECORD]
        if run and int.from_bytes(b"\x01" + run[:32], "big") >> shift != code:
            # Folded with a run it does not belong to, a record could vanish from the hash.
            raise Malformed(_FIELD, "shows a record where its proof shows none")
        return run

    def _foreign(self, item: bytes, code: int, depth: int, run: bytes) -> bytes:
        key = item[:32]
        if run:
            raise Malformed(_FIELD, "a lone record outside of the range leaves no room for others")
        if self._span.holds(key):
            raise Malformed(_FIELD, "a record of the range is shown as one outside of it")
        if int.from_bytes(b"\x01" + key, "big") >> (_KEY_BITS - 4 * depth) != code:
            raise Malformed(_FIELD, "a foreign record does not belong to its subtree")
        return map_leaf_hash(key, item[32:])

    def _branch(self, item: bytes, code: int, depth: int) -> bytes:
        bitmap, at = int.from_bytes(item[:2], "big"), 2
        hashes = [EMPTY] * 16
        for nibble in range(16):
            child = code << 4 | nibble
            if not bitmap >> nibble & 1:
                continue  # records shown here are refused by the next subtree, or at the end
            if self._span.lies(child, depth + 1) == "outside":
                hashes[nibble] = item[at : at + 32]
                at += 32
                if len(hashes[nibble]) != 32 or hashes[nibble] == EMPTY:
                    raise Malformed(_FIELD, "a branch lacks the hash of a subtree outside")
                continue
            hashes[nibble], is_branch = self._subtree(child, depth + 1)
            if hashes[nibble] == EMPTY:
                raise Malformed(_FIELD, "a branch calls an empty subtree non-empty")
            if not is_branch and bitmap.bit_count() == 1:
                raise Malformed(_FIELD, "a branch holds a single record")
        if at != len(item) or not bitmap:
            raise Malformed(_FIELD, "a branch holds more or fewer hashes than its bitmap says")
        return branch_hash(hashes)


def prove_range(first: bytes, last: bytes, slot: Slot, hashes: Hashes) -> tuple[bytes, ...]:
    """The one proof of the range from key `first` to key `last` in a tree of pages and slots.

    The tree is that of `ledger/state_tree.py`; it holds one key or more.
    """
    items: list[bytes] = []
    prover = _Prover(_Span(first, last), slot, hashes, items)
    if prover.span.lies(1, 0) == "cut":
        prover.root()
    return tuple(items)


class _Prover:
    __slots__ = ("_hashes", "_items", "_slot", "span")

    def __init__(self, span: _Span, slot: Slot, hashes: Hashes, items: list[bytes]) -> None:
        self.span = span
        self._slot = slot
        self._hashes = hashes
        self._items = items

    def root(self) -> None:
        slots = [self._slot(16 | nibble) for nibble in range(16)]
        whole = b"".join(slots)
        if len(whole) > RECORD or any(len(each) == 32 for each in slots):
            self._page(1, 0)
        elif whole:
            self._records(whole, 1, 0)

    def _page(self, code: int, depth: int) -> None:
        hashes = self._hashes(code, depth)
        self._item(code, depth, hashes)
        for nibble in range(16):
            child = code << 4 | nibble
            if hashes[nibble] != EMPTY and self.span.lies(child, depth + 1) == "cut":
                slot = self._slot(child)
                if len(slot) == 32:
                    self._page(child, depth + 1)
                else:
                    self._records(slot, child, depth + 1)

    def _records(self, joined: bytes, code: int, depth: int) -> None:
        """The items of a cut subtree of records, one at least."""
        if len(joined) == RECORD:
            self._items.append(b"" if self.span.holds(joined[:32]) else joined)
            return
        runs = [b""] * 16
        for record in cut(joined):
            byte = record[depth >> 1]
            runs[byte & 15 if depth & 1 else byte >> 4] += record
        self._item(code, depth, [records_hash(run, depth + 1) for run in runs])
        for nibble, run in enumerate(runs):
            child = code << 4 | nibble
            if run and self.span.lies(child, depth + 1) == "cut":
                self._records(run, child, depth + 1)

    def _item(self, code: int, depth: int, hashes: Sequence[bytes]) -> None:
        bitmap = sum(1 << nibble for nibble in range(16) if hashes[nibble] != EMPTY)
        outside = [
            hashes[nibble]
            for nibble in range(16)
            if hashes[nibble] != EMPTY
            and self.span.lies(code << 4 | nibble, depth + 1) == "outside"
        ]
        self._items.append(bitmap.to_bytes(2, "big") + b"".join(outside))
