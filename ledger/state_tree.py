"""The Merkle map of the state as a member keeps it: one update per block, proofs at recent heights.

What it is: key (32 bytes) -> SHA-256 of the state value, with the root and the proofs of
`ledger/state_proof.py`, for the newest height and the RECENT_ROOTS - 1 before it (a root is
certified a little after the next blocks are executed, and receipts are proved against certified
roots). What it is not: a store (the values lie in the node's store, from which the tree is built at
start-up), and not safe to read in one thread while another updates it.

How it lies in memory (measured: docs/decisions/, 0002 and 0007). A branch of the map is a *page*
(`ledger/state_page.py`), named by a *code*: the nibbles that lead to it, after a leading 1, as one
integer; so the root is 1, the parent of c is c >> 4, and a slot's code is that of the page that may
stand below it. A slot holds its few keys as records in the page and gets a page of its own only
above SLOT_LEAVES; what hash a subtree has does not depend on that. What an update costs is mostly
SHA-256 and then the reaching for cold memory, so what is used together lies together; and a
dictionary of integers to byte strings holds nothing the garbage collector walks through, so no
pause grows with the state.

The past. Before a batch changes a slot, it notes what the slot was: its records, or the 32-byte
hash of the page below. A slot at an older height is what the first later batch noted of it, or else
what it is now; so every path can be followed, and hashed, as it stood.

Invariants:
- The root is a function of the keys and values only, never of the order or layout they came by.
- A page other than the root has more than FOLD_LEAVES keys below it: its hash is that of a branch.
- A slot with count 0 and a hash other than EMPTY has a page below, and only such a slot has.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Final

from ledger.errors import InvariantViolated
from ledger.limits import RECENT_ROOTS
from ledger.state_leaves import RECORD, branch_item, cut, merged, prove_records, records_hash
from ledger.state_page import (
    BLANK,
    COUNTS_AT,
    RECORDS_AT,
    SLOT_AT,
    is_foldable,
    page_hash,
    records_in,
    set_hash,
    start_of,
)
from ledger.state_pin import Noted, Pin
from ledger.state_proof import (
    DEPTH,
    EMPTY,
    PROOF,
    PROOF_KEYS_MAX,
    runs_by_nibble,
    verify_state_proof,
)

__all__ = ["FOLD_LEAVES", "SLOT_LEAVES", "StateTree", "verify_state_proof"]

SLOT_LEAVES: Final = 8  # records of a slot before it gets a page: rehashing eight costs about 5 µs
FOLD_LEAVES: Final = 4  # a page with so few folds into its parent's slot: half, so that none flaps

_ROOT: Final = 1
_KEY_BITS: Final = 256
# Key codes carry the leading 1 that page codes carry; _LEAD makes them so in one conversion.
_LEAD: Final = b"\x01"

Undo = dict[int, bytes]  # slot code -> its records before the batch, or the hash of the page below


class StateTree:
    """The map at its newest height, with what it takes to prove the recent ones.

    Heights count by one. A new tree is the empty map at height 0; `StateTree.build` starts from a
    stored state. All errors are InvariantViolated: the callers are our own code.
    """

    __slots__ = ("_newest", "_pages", "_past", "_pins", "_roots", "_size")

    def __init__(self) -> None:
        self._pages: dict[int, bytearray] = {_ROOT: bytearray(BLANK)}
        self._size = 0
        self._newest = 0
        self._roots: deque[bytes] = deque([EMPTY], maxlen=RECENT_ROOTS)  # the last is the newest
        # _past[i] leads from height newest - i back to the one before: the newest comes first.
        self._past: deque[Undo] = deque(maxlen=RECENT_ROOTS - 1)
        self._pins: list[Pin] = []

    @classmethod
    def build(cls, height: int, entries: Iterable[tuple[bytes, bytes]]) -> StateTree:
        """Build the tree of a whole state at `height` from (key, value hash) in any order.

        Fastest when they come sorted by key. Only `height` can be proved until blocks follow.
        Raises: InvariantViolated for a repeated key or a key or hash that is not 32 bytes.
        """
        records = [key + value_hash for key, value_hash in entries]
        records.sort()
        previous = b""
        for record in records:
            key = record[:32]
            if len(record) != RECORD or key == previous:
                raise InvariantViolated("the stored state repeats a key or is damaged")
            previous = key
        tree = cls()
        tree._newest = height
        tree._size = len(records)
        tree._plant(_ROOT, 0, records)
        tree._roots = deque([tree._root_hash()], maxlen=RECENT_ROOTS)
        return tree

    def __len__(self) -> int:
        """Number of keys at the newest height."""
        return self._size

    @property
    def newest(self) -> int:
        """The height of the last update."""
        return self._newest

    @property
    def oldest(self) -> int:
        """The lowest height that still has a root and proofs."""
        return self._newest - len(self._roots) + 1

    def root(self, height: int | None = None) -> bytes:
        """State root (32 bytes) at a height from `oldest` to `newest`; None asks for the newest."""
        return self._roots[-1 - self._age(height)]

    def forget(self, height: int) -> None:
        """Drop what only proofs below `height` need, ahead of the window of RECENT_ROOTS."""
        while self.oldest < min(height, self._newest):
            self._roots.popleft()
            self._past.pop()

    def get(self, key: bytes, height: int | None = None) -> bytes | None:
        """SHA-256 of the value at `key` (32 bytes), or None when it is absent at that height."""
        noted = partial(self._noted, age=self._age(height))
        code = _key_code(key)
        for depth in range(1, DEPTH + 1):
            slot = self._slot(code >> (_KEY_BITS - 4 * depth), noted)
            if len(slot) != 32:
                return next((r[32:] for r in cut(slot) if r.startswith(key)), None)
        raise InvariantViolated("the state tree is deeper than its keys")

    def update(self, height: int, writes: Mapping[bytes, bytes | None]) -> bytes:
        """Apply the writes of one block and return the new root (32 bytes).

        `writes` maps keys (32 bytes) to SHA-256 of the new value, or to None, which removes it.
        Raises: InvariantViolated, with nothing changed, when `height` is not the next one or a
        length is wrong.
        """
        if height != self._newest + 1:
            raise InvariantViolated(f"state tree at height {self._newest} was given block {height}")
        lengths = {len(value_hash) for value_hash in writes.values() if value_hash is not None}
        if not lengths <= {32} or not set(map(len, writes)) <= {32}:
            raise InvariantViolated("a key or value hash of the state has a wrong length")
        undo: Undo = {}
        dirty: list[dict[int, bytearray]] = [{} for _ in range(DEPTH)]  # changed pages by depth
        shrunk: set[int] = set()  # pages that lost keys
        self._write_slots(writes, undo, dirty, shrunk)
        self._hash_upwards(undo, dirty, shrunk)
        self._newest = height
        self._past.appendleft(undo)
        for pin in self._pins:
            pin.keep(undo)
        root = self._root_hash()
        self._roots.append(root)
        return root

    def prove(self, keys: Collection[bytes], height: int | None = None) -> bytes:
        """The one proof of these keys, present or absent, against `root(height)`.

        The bytes are those that a tree kept at that height gives (format: `ledger/state_proof.py`).
        """
        queried = sorted(set(keys))
        if not 1 <= len(queried) <= PROOF_KEYS_MAX or any(len(key) != 32 for key in queried):
            raise InvariantViolated("a state proof is about 1 to PROOF_KEYS_MAX keys of 32 bytes")
        noted = partial(self._noted, age=self._age(height))
        items: list[bytes] = []
        slots = [self._slot(_ROOT << 4 | nibble, noted) for nibble in range(16)]
        whole = b"".join(slots)
        if len(whole) > RECORD or any(len(slot) == 32 for slot in slots):
            self._prove_page(_ROOT, 0, queried, noted, items)
        elif whole:  # a map of one key has no branch
            prove_records(whole, 0, queried, items)
        return PROOF.encode(tuple(items))

    def pin(self, height: int) -> Pin:
        """Hold a recent height fast, however many blocks follow, until `unpin`."""
        pin = Pin(height, self.root(height), self._slot, self._slot_hashes)
        for back in range(self._age(height) - 1, -1, -1):
            pin.keep(self._past[back])
        self._pins.append(pin)
        return pin

    def unpin(self, pin: Pin) -> None:
        """Let go of a pinned height: nothing may be proved by it any more."""
        self._pins.remove(pin)

    # Writing

    def _write_slots(
        self,
        writes: Mapping[bytes, bytes | None],
        undo: Undo,
        dirty: list[dict[int, bytearray]],
        shrunk: set[int],
    ) -> None:
        """Change the records of every slot that the batch touches, and hash these slots."""
        keys = sorted(writes)
        codes = [int.from_bytes(_LEAD + key, "big") for key in keys]
        depth = at = 0
        count = len(keys)
        while at < count:
            slot, depth, page = self._find_slot(codes[at], depth)
            shift = _KEY_BITS - 4 - 4 * depth
            end = at + 1
            while end < count and codes[end] >> shift == slot:
                end += 1
            nibble = slot & 15
            start = start_of(page, nibble)
            stop = start + RECORD * page[COUNTS_AT + nibble]
            before = bytes(page[start:stop])
            after = merged(before, keys[at:end], writes)
            at = end
            if after == before:
                continue
            undo[slot] = before
            dirty[depth][slot >> 4] = page
            if len(after) <= SLOT_LEAVES * RECORD:
                page[start:stop] = after
                page[COUNTS_AT + nibble] = len(after) // RECORD
                digest = records_hash(after, depth + 1)
            else:
                page[start:stop] = b""
                page[COUNTS_AT + nibble] = 0
                digest = self._plant(slot, depth + 1, cut(after))
            set_hash(page, nibble, digest)
            if len(after) != len(before):
                self._size += (len(after) - len(before)) // RECORD
                if len(after) < len(before):
                    shrunk.add(slot >> 4)

    def _find_slot(self, code: int, depth: int) -> tuple[int, int, bytearray]:
        """The slot where the key with this code belongs, the depth of its page, and the page.

        The search starts from `depth`: neighbours in key order mostly end at the same one.
        """
        pages = self._pages
        page = pages.get(code >> (_KEY_BITS - 4 * depth))
        while page is None:
            depth -= 1
            page = pages.get(code >> (_KEY_BITS - 4 * depth))
        while True:
            slot = code >> (_KEY_BITS - 4 - 4 * depth)
            nibble = slot & 15
            at = SLOT_AT[nibble]
            # The page itself says whether another stands below: asking the dictionary costs more.
            if page[COUNTS_AT + nibble] or page[at : at + 32] == EMPTY:
                return slot, depth, page
            page = pages[slot]
            depth += 1

    def _hash_upwards(
        self, undo: Undo, dirty: list[dict[int, bytearray]], shrunk: set[int]
    ) -> None:
        """Carry the changed hashes from the deepest changed pages to the root page."""
        pages = self._pages
        for depth in range(DEPTH - 1, 0, -1):
            above = dirty[depth - 1]
            for code, page in dirty[depth].items():
                parent = above.get(code >> 4)
                if parent is None:
                    parent = above[code >> 4] = pages[code >> 4]
                at = SLOT_AT[code & 15]
                undo[code] = bytes(parent[at : at + 32])
                if code in shrunk and is_foldable(page, FOLD_LEAVES):
                    self._fold(code, depth, undo)
                    shrunk.add(code >> 4)
                else:
                    set_hash(parent, code & 15, page_hash(page))

    def _fold(self, code: int, depth: int, undo: Undo) -> None:
        """Move the few records of a page into the slot above; the page's slots enter the undo."""
        for slot in range(code << 4, (code + 1) << 4):
            if slot not in undo:
                undo[slot] = self._slot(slot, _unchanged)
        records = bytes(self._pages.pop(code)[RECORDS_AT:])
        page = self._pages[code >> 4]
        nibble = code & 15
        start = start_of(page, nibble)
        page[start:start] = records
        page[COUNTS_AT + nibble] = len(records) // RECORD
        set_hash(page, nibble, records_hash(records, depth))

    def _plant(self, code: int, depth: int, records: list[bytes]) -> bytes:
        """Make the page `code` and all below it from sorted records; its hash as a branch."""
        page = bytearray(BLANK)
        low = 0
        for nibble in range(16):
            slot = code << 4 | nibble
            # The first key of the next slot; the last slot takes all that is left.
            bound = (slot + 1 << (_KEY_BITS - 4 - 4 * depth)).to_bytes(33, "big")[1:]
            high = bisect_left(records, bound, low) if nibble < 15 else len(records)
            if high == low:
                continue
            if high - low > SLOT_LEAVES:
                digest = self._plant(slot, depth + 1, records[low:high])
            else:
                run = b"".join(records[low:high])
                page[COUNTS_AT + nibble] = high - low
                page += run
                digest = records_hash(run, depth + 1)
            set_hash(page, nibble, digest)
            low = high
        self._pages[code] = page
        return page_hash(page)

    def _root_hash(self) -> bytes:
        if self._size > 1:
            return page_hash(self._pages[_ROOT])
        return records_hash(bytes(self._pages[_ROOT][RECORDS_AT:]), 0)

    # Reading, now and in the recent past

    def _age(self, height: int | None) -> int:
        """How many batches lie between `height` and the newest one."""
        if height is None:
            return 0
        if not self.oldest <= height <= self._newest:
            raise InvariantViolated(
                f"the state tree holds heights {self.oldest} to {self._newest}, not {height}"
            )
        return self._newest - height

    def _noted(self, slot: int, age: int) -> bytes | None:
        """What the first batch after the height `age` batches ago noted of a slot, if one did."""
        for back in range(age - 1, -1, -1):
            noted = self._past[back].get(slot)
            if noted is not None:
                return noted
        return None

    def _slot(self, slot: int, noted: Noted) -> bytes:
        """The records of a slot as it was, or the 32-byte hash of the page below it."""
        before = noted(slot)
        if before is not None:
            return before
        page = self._pages[slot >> 4]
        nibble = slot & 15
        if page[COUNTS_AT + nibble]:
            return records_in(page, nibble)
        digest = bytes(page[SLOT_AT[nibble] : SLOT_AT[nibble] + 32])
        return b"" if digest == EMPTY else digest

    def _slot_hashes(self, code: int, depth: int, noted: Noted) -> list[bytes]:
        """The hashes of a page's slots as they were."""
        page = bytes(self._pages.get(code, BLANK))  # of a page since folded, all slots are noted
        hashes = [page[at : at + 32] for at in SLOT_AT]
        for nibble in range(16):
            before = noted(code << 4 | nibble)
            if before is not None:
                hashes[nibble] = before if len(before) == 32 else records_hash(before, depth + 1)
        return hashes

    def _prove_page(
        self, code: int, depth: int, keys: Sequence[bytes], noted: Noted, items: list[bytes]
    ) -> None:
        runs = dict(runs_by_nibble(keys, depth))
        hashes = self._slot_hashes(code, depth, noted)
        items.append(branch_item(hashes, runs))
        for nibble, run in runs.items():
            if hashes[nibble] != EMPTY:
                slot = self._slot(code << 4 | nibble, noted)
                if len(slot) == 32:
                    self._prove_page(code << 4 | nibble, depth + 1, run, noted, items)
                else:
                    prove_records(slot, depth + 1, run, items)


def _unchanged(slot: int) -> None:
    """Of the newest height nothing is noted."""


def _key_code(key: bytes) -> int:
    if len(key) != 32:
        raise InvariantViolated("a key of the state has 32 bytes")
    return int.from_bytes(_LEAD + key, "big")
