"""What a member's vote signs, and when two signed statements of one member convict it.

Members exchange votes in `consensus`; whoever reads a blame file, years later and far away, needs
nothing of the protocol but this: the bytes that were signed, and the rule that no honest member
signs two digests at one place (R-Q-5). A cosignature is a statement too: its sequence is a size,
its view a timestamp in seconds, its digest a root.

Source: DESIGN section 4 (vote bytes), consensus.md R-Q-4, R-Q-5; docs/FORMATS.md section 11.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from ledger.checkpoint import Checkpoint, cosignature_message
from ledger.hashing import tag
from ledger.keys import Verify

__all__ = [
    "COMMIT",
    "COSIGNATURE",
    "NEW_VIEW",
    "PREPARE",
    "PRE_PREPARE",
    "STATEMENTS",
    "VIEW_CHANGE",
    "Statement",
    "conflict",
    "statement_bytes",
    "vote_bytes",
]

PRE_PREPARE: Final = "pre-prepare"
PREPARE: Final = "prepare"
COMMIT: Final = "commit"
VIEW_CHANGE: Final = "view-change"
NEW_VIEW: Final = "new-view"
COSIGNATURE: Final = "cosignature"
STATEMENTS: Final = (COMMIT, COSIGNATURE, NEW_VIEW, PRE_PREPARE, PREPARE, VIEW_CHANGE)

_TAGS: Final = {kind: tag(kind) for kind in (PRE_PREPARE, PREPARE, COMMIT, VIEW_CHANGE, NEW_VIEW)}
_PLACE: Final = struct.Struct(">QQQ")


@dataclass(frozen=True, slots=True)
class Statement:
    """A signed vote, or a cosignature (sequence = size, view = timestamp, digest = root)."""

    kind: str
    epoch: int
    view: int
    sequence: int
    digest: bytes
    signature: bytes


def vote_bytes(
    kind: str, chain: bytes, epoch: int, view: int, sequence: int, digest: bytes
) -> bytes:
    """Return the bytes a vote signs: tag, genesis hash, u64 epoch, view, sequence, digest (R-Q-4).

    `kind` is one of the five votes; `chain` and `digest` are 32 bytes.
    """
    return _TAGS[kind] + chain + _PLACE.pack(epoch, view, sequence) + digest


def statement_bytes(statement: Statement, chain: bytes, origin: str) -> bytes:
    """Return the bytes that a statement's signature covers."""
    one = statement
    if one.kind == COSIGNATURE:
        return cosignature_message(Checkpoint(origin, one.sequence, one.digest), one.view)
    return vote_bytes(one.kind, chain, one.epoch, one.view, one.sequence, one.digest)


def conflict(
    first: Statement, second: Statement, key: bytes, chain: bytes, origin: str, verify: Verify
) -> str:
    """Return why two statements do not convict the holder of `key`; empty when they do."""
    if first.kind != second.kind or first.epoch != second.epoch:
        return "the statements are of different kinds or epochs"
    if not _same_place(first, second):
        return "the statements are about different places"
    if first.digest == second.digest:
        return "the statements say the same"
    for one in (first, second):
        if not verify(key, statement_bytes(one, chain, origin), one.signature):
            return "a signature does not hold"
    return ""


def _same_place(first: Statement, second: Statement) -> bool:
    """Two digests at one place are a lie; of a cosignature the place is the size, whenever it was
    signed.
    """
    if first.kind == COSIGNATURE:
        return first.sequence == second.sequence
    if first.kind in (VIEW_CHANGE, NEW_VIEW):  # one for each view, whatever checkpoint it names
        return first.view == second.view
    return (first.view, first.sequence) == (second.view, second.sequence)
