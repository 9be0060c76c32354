"""The Merkle map of the state as hashes and proofs: what a verifier needs, and nothing more.

What it is: the hash rules of the sixteen-ary map over 32-byte keys, the format of a proof of many
keys, and the pure function that checks one. What it is not: the tree itself, which a member keeps
and updates (`ledger/state_tree.py`), nor the meaning of a state value: the map binds a key to
SHA-256(value) only.

The map (DESIGN section 2.5). A key is 64 nibbles, high nibble of each byte first.

    no key                  32 zero bytes
    one key                 H(0x10 ‖ key ‖ SHA-256(value)), at whatever depth it stands alone
    two keys or more        H(0x11 ‖ 4 hashes of groups), group g being the 4 subtrees whose next
                            nibble is 4g to 4g + 3:
        none of them holds a key    32 zero bytes
        otherwise                   H(0x12 ‖ their 4 hashes)

Groups make a proof small: beside the way to one key stand 3 + 3 hashes a branch, and not 15
(docs/decisions/0007-groups-of-four.md).

The proof. A canonical MessagePack array of byte strings, in pre-order over the subtrees that hold,
or would hold, a queried key; the queried keys themselves are not in it, for the verifier brings
them. The length of an item tells its kind:

    0                       a queried key stands alone here
    64                      another key stands alone here: key ‖ SHA-256(value); it shares the
                            nibbles that lead here, so every queried key that leads here is absent
    2 + 32 s, s = 0..12     a branch: bitmap of 16 bits (big-endian, nibble 0 is the lowest), then
                            s hashes by nibble. In a group that queried keys lead to, each
                            non-empty subtree has its bit, and its hash unless such a key leads to
                            it: then its items follow, by nibble. Of any other group only the
                            lowest bit is set, if it is not empty, and the hash is the group's

The empty map is proved by the empty array.

Invariants:
- For a map and a set of keys there is exactly one proof: every byte is recomputed or compared,
  nothing can be added, left out, reordered or spelled otherwise.
- The work is bounded by the keys asked for (at most 64 branches each), whatever the proof holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Final

from ledger.codec import Format
from ledger.errors import Malformed
from ledger.limits import BUNDLE_ENTITIES_MAX

__all__ = [
    "BRANCH_TAG",
    "DEPTH",
    "EMPTY",
    "GROUP_TAG",
    "LEAF_TAG",
    "PROOF",
    "PROOF_KEYS_MAX",
    "branch_hash",
    "group_hash",
    "map_leaf_hash",
    "nibble_at",
    "runs_by_nibble",
    "verify_state_proof",
]

LEAF_TAG: Final = b"\x10"
BRANCH_TAG: Final = b"\x11"
GROUP_TAG: Final = b"\x12"
EMPTY: Final = bytes(32)  # hash of a subtree, or of a group of subtrees, without keys
DEPTH: Final = 64  # nibbles in a key
PROOF_KEYS_MAX: Final = BUNDLE_ENTITIES_MAX  # a bundle holds one state proof over all its entities

_FIELD: Final = "state proof"
_BRANCH_MAX: Final = 2 + 32 * 12  # three of each group, when queried keys lead to all groups
_EMPTY_GROUP: Final = 4 * EMPTY
_ITEM_MAX: Final = 3 + _BRANCH_MAX  # with its MessagePack header

PROOF: Final = Format(tuple[bytes, ...], _FIELD)


def map_leaf_hash(key: bytes, value_hash: bytes) -> bytes:
    """Hash of a subtree that holds exactly this key (32 bytes) with this value hash (32 bytes)."""
    return sha256(LEAF_TAG + key + value_hash).digest()


def group_hash(subtrees: bytes) -> bytes:
    """Hash of a group of four subtrees, given their hashes joined (128 bytes)."""
    return EMPTY if subtrees == _EMPTY_GROUP else sha256(GROUP_TAG + subtrees).digest()


def branch_hash(subtrees: Sequence[bytes]) -> bytes:
    """Hash of a branch, given the hashes of its 16 subtrees by nibble."""
    joined = b"".join(subtrees)
    groups = [group_hash(joined[at : at + 128]) for at in range(0, 512, 128)]
    return sha256(BRANCH_TAG + b"".join(groups)).digest()


def nibble_at(key: bytes, depth: int) -> int:
    """The nibble of `key` that chooses the subtree below `depth` nibbles, 0 to 15."""
    byte = key[depth >> 1]
    return byte & 15 if depth & 1 else byte >> 4


def runs_by_nibble(sorted_keys: Sequence[bytes], depth: int) -> list[tuple[int, Sequence[bytes]]]:
    """Cut sorted keys that share their first `depth` nibbles into runs by their next nibble.

    Works for records that begin with their key as well. Runs come in the order of their nibbles.
    """
    runs = []
    start, count = 0, len(sorted_keys)
    while start < count:
        nibble = nibble_at(sorted_keys[start], depth)
        end = start + 1
        while end < count and nibble_at(sorted_keys[end], depth) == nibble:
            end += 1
        runs.append((nibble, sorted_keys[start:end]))
        start = end
    return runs


def verify_state_proof(root: bytes, proof: bytes, expected: Mapping[bytes, bytes | None]) -> None:
    """Check that the map with this root holds exactly what `expected` says of its keys.

    `expected` maps each queried key (32 bytes) to SHA-256 of its state value, or to None when it
    must be absent; one key at least. `root` is the state root of a header (32 bytes).

    Raises: Malformed when the proof is not the one proof of these keys and values under this root.
    """
    if not 1 <= len(expected) <= PROOF_KEYS_MAX:
        raise Malformed(_FIELD, f"is about {len(expected)} keys, not 1 to {PROOF_KEYS_MAX}")
    for key, value_hash in expected.items():
        if len(key) != 32 or (value_hash is not None and len(value_hash) != 32):
            raise Malformed(_FIELD, "a key and a value hash have 32 bytes")
    if len(proof) > 5 + len(expected) * DEPTH * _ITEM_MAX:
        raise Malformed(_FIELD, "is longer than any proof of so many keys")
    items = PROOF.decode(proof)
    if not items:
        _check_absent(expected.values())
        computed = EMPTY
    else:
        fold = _Fold(items, expected)
        computed, _ = fold.subtree(sorted(expected), 0)
        fold.finish()
    if computed != root:
        raise Malformed(_FIELD, "does not lead to the state root")


def _check_absent(value_hashes: Iterable[bytes | None]) -> None:
    if any(value_hash is not None for value_hash in value_hashes):
        raise Malformed(_FIELD, "shows a key absent that should be present")


class _Fold:
    """Reads the items of one proof in pre-order and folds them into the root they imply."""

    __slots__ = ("_expected", "_items")

    def __init__(self, items: Sequence[bytes], expected: Mapping[bytes, bytes | None]) -> None:
        self._items = iter(items)
        self._expected = expected

    def subtree(self, keys: Sequence[bytes], depth: int) -> tuple[bytes, bool]:
        """Hash of the subtree that `keys` (sorted, not none) lead to; whether it is a branch."""
        item = next(self._items, None)
        if item is None:
            raise Malformed(_FIELD, "ends too early")
        if not item:
            return self._queried_leaf(keys), False
        if len(item) == 64:
            return self._foreign_leaf(item, keys, depth), False
        if len(item) & 31 != 2 or len(item) > _BRANCH_MAX:
            raise Malformed(_FIELD, f"holds an item of {len(item)} bytes, which is no kind of item")
        if depth == DEPTH:
            raise Malformed(_FIELD, "goes deeper than a key is long")
        return self._branch(item, keys, depth), True

    def finish(self) -> None:
        """Refuse items after the last one that was needed."""
        if next(self._items, None) is not None:
            raise Malformed(_FIELD, "holds items that prove nothing")

    def _queried_leaf(self, keys: Sequence[bytes]) -> bytes:
        expected = ((key, self._expected[key]) for key in keys)
        present = [(key, value_hash) for key, value_hash in expected if value_hash is not None]
        if len(present) != 1:
            raise Malformed(_FIELD, f"shows one present key where {len(present)} are expected")
        return map_leaf_hash(*present[0])

    def _foreign_leaf(self, item: bytes, keys: Sequence[bytes], depth: int) -> bytes:
        key = item[:32]
        if key in self._expected:
            raise Malformed(_FIELD, "shows a queried key as a foreign one")
        # Everything in `keys` shares the first `depth` nibbles, so one comparison stands for all.
        if any(nibble_at(key, level) != nibble_at(keys[0], level) for level in range(depth)):
            raise Malformed(_FIELD, "shows a foreign key in a subtree that it does not belong to")
        _check_absent([self._expected[queried] for queried in keys])
        return map_leaf_hash(key, item[32:])

    def _branch(self, item: bytes, keys: Sequence[bytes], depth: int) -> bytes:
        bitmap = int.from_bytes(item[:2], "big")
        hashes = [EMPTY] * 16  # that of a closed group stands in its first place
        aside = bitmap  # whatever no queried key leads to
        runs = runs_by_nibble(keys, depth)
        closed = {0, 1, 2, 3}
        for nibble, _ in runs:
            aside &= ~(1 << nibble)
            closed.discard(nibble >> 2)
        if any(bitmap >> 4 * group & 0b1110 for group in closed):
            raise Malformed(_FIELD, "a branch opens a group that no queried key leads to")
        if len(item) != 2 + 32 * aside.bit_count():
            raise Malformed(_FIELD, "a branch holds more or fewer hashes than its bitmap says")
        at = 2
        for nibble in range(16):
            if aside >> nibble & 1:
                sibling = hashes[nibble] = item[at : at + 32]
                at += 32
                if sibling == EMPTY:
                    raise Malformed(_FIELD, "a branch calls an empty subtree non-empty")
        for nibble, run in runs:
            if bitmap >> nibble & 1:
                hashes[nibble], is_branch = self.subtree(run, depth + 1)
                if not is_branch and bitmap.bit_count() == 1:
                    raise Malformed(_FIELD, "a branch holds a single key")
            else:
                _check_absent([self._expected[key] for key in run])
        if not bitmap:
            raise Malformed(_FIELD, "a branch is empty")
        groups = [
            hashes[4 * group]
            if group in closed
            else group_hash(b"".join(hashes[4 * group : 4 * group + 4]))
            for group in range(4)
        ]
        return sha256(BRANCH_TAG + b"".join(groups)).digest()
