"""The few keys of a small subtree of the state tree, kept as sorted records: change, hash, prove.

What it is: functions over a byte string of records of 64 bytes (key ‖ value hash), sorted by key,
of keys that share the nibbles leading to their subtree. What it is not: the pages above them
(`ledger/state_tree.py`), nor the hash rules and the proof format (`ledger/state_proof.py`).

Invariant: what is hashed or proved from records is what a tree of branches over them would give.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from typing import Final

from ledger.state_proof import EMPTY, LEAF_TAG, branch_hash, group_hash, runs_by_nibble

__all__ = ["RECORD", "branch_item", "cut", "merged", "prove_records", "records_hash"]

RECORD: Final = 64  # bytes of a record: key ‖ value hash


def cut(joined: bytes) -> list[bytes]:
    """The single records of a byte string of records."""
    return [joined[at : at + RECORD] for at in range(0, len(joined), RECORD)]


def merged(before: bytes, keys: Sequence[bytes], writes: Mapping[bytes, bytes | None]) -> bytes:
    """The records of a slot after the writes of `keys`, sorted."""
    if len(keys) == 1:
        key = keys[0]
        value_hash = writes[key]
        at = before.find(key) if before else 0  # the common cases: the only key, or one held
        if value_hash is not None and at >= 0 and not at % RECORD:
            return before[:at] + key + value_hash + before[at + RECORD :]
    held = {record[:32]: record for record in cut(before)}
    for key in keys:
        value_hash = writes[key]
        if value_hash is not None:
            held[key] = key + value_hash
        else:
            held.pop(key, None)
    return b"".join(sorted(held.values()))


def records_hash(joined: bytes, depth: int) -> bytes:
    """Hash of the subtree below `depth` nibbles that holds exactly these sorted records."""
    if len(joined) == RECORD:
        return sha256(LEAF_TAG + joined).digest()
    if not joined:
        return EMPTY
    hashes = [EMPTY] * 16
    at, last = 0, -1
    for byte in joined[depth >> 1 :: RECORD]:
        nibble = byte & 15 if depth & 1 else byte >> 4
        if nibble == last:
            return _branch_of_runs(joined, depth)
        hashes[nibble] = sha256(LEAF_TAG + joined[at : at + RECORD]).digest()
        at += RECORD
        last = nibble
    return branch_hash(hashes)


def _branch_of_runs(joined: bytes, depth: int) -> bytes:
    """The same for records of which some share their next nibble."""
    hashes = [EMPTY] * 16
    for nibble, run in runs_by_nibble(cut(joined), depth):
        hashes[nibble] = records_hash(b"".join(run), depth + 1)
    return branch_hash(hashes)


def branch_item(hashes: Sequence[bytes], runs: Collection[int]) -> bytes:
    """The item of a branch with these 16 hashes of subtrees; `runs` lead to queried keys."""
    bitmap = 0
    parts = [b""]
    opened = {nibble >> 2 for nibble in runs}
    for group in range(4):
        if group not in opened:
            digest = group_hash(b"".join(hashes[4 * group : 4 * group + 4]))
            if digest != EMPTY:
                bitmap |= 1 << 4 * group
                parts.append(digest)
            continue
        for nibble in range(4 * group, 4 * group + 4):
            if hashes[nibble] != EMPTY:
                bitmap |= 1 << nibble
                if nibble not in runs:
                    parts.append(hashes[nibble])
    parts[0] = bitmap.to_bytes(2, "big")
    return b"".join(parts)


def prove_records(joined: bytes, depth: int, keys: Sequence[bytes], items: list[bytes]) -> None:
    """Append the items of a subtree of records (one at least) that `keys` lead to."""
    if len(joined) == RECORD:
        items.append(b"" if joined[:32] in keys else joined)
        return
    runs = dict(runs_by_nibble(keys, depth))
    held = {nibble: b"".join(run) for nibble, run in runs_by_nibble(cut(joined), depth)}
    hashes = [records_hash(held.get(nibble, b""), depth + 1) for nibble in range(16)]
    items.append(branch_item(hashes, runs))
    for nibble, run in runs.items():
        if nibble in held:
            prove_records(held[nibble], depth + 1, run, items)
