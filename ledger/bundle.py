"""A bundle: one question, its answer, and everything needed to check it offline.

What it is: the parts of a bundle as values. What it is not: their spelling (`bundle_file`), or any
judgement of them (`verify`).

There is no informative field: every byte is signed or recomputed.
Exact layout: docs/FORMATS.md. Source: DESIGN 2.10 and section 4; docs/decisions/0005.
"""

from __future__ import annotations

import msgspec

from ledger.claims import Claim
from ledger.merkle_log import node_hash
from ledger.paths import Path

__all__ = [
    "Absent",
    "Bundle",
    "Consistency",
    "Handover",
    "Logged",
    "Outlined",
    "Ranged",
    "ReceiptProof",
    "Shown",
    "Step",
    "directed",
    "fold",
]


class Absent(msgspec.Struct, frozen=True):
    """An entity that does not exist."""

    path: Path


class Logged(msgspec.Struct, frozen=True):
    """An entity with its whole log: record bytes and canonical leaves, oldest first."""

    path: Path
    record: bytes
    leaves: tuple[bytes, ...]


class Outlined(msgspec.Struct, frozen=True):
    """An entity with its record and the size and frontier of its log, but not the log."""

    path: Path
    record: bytes
    size: int
    frontier: tuple[bytes, ...]


class Ranged(msgspec.Struct, frozen=True):
    """Part of an entity's log: the leaves from number `first` on, of a log of `size` leaves.

    The leaves before and after are stood for by the roots of perfect subtrees
    (`merkle_ranges.cover`). `then` is the record as it stood after the first leaf shown, where the
    claim asks for it.
    """

    path: Path
    record: bytes
    size: int
    first: int
    leaves: tuple[bytes, ...]
    before: tuple[bytes, ...]
    after: tuple[bytes, ...]
    then: bytes | None = None

    @property
    def stop(self) -> int:
        """The number of the leaf after the last one shown."""
        return self.first + len(self.leaves)


Shown = Absent | Logged | Outlined | Ranged
Step = tuple[bool, bytes]  # (the sibling stands on the left, its hash)


class ReceiptProof(msgspec.Struct, frozen=True):
    """A transaction and its result, each with its steps up to the header's root.

    The steps carry their own side: an RFC 6962 root does not bind index and size, so they would be
    bytes that nothing checks.
    """

    transaction: bytes
    result: bytes
    transaction_path: tuple[Step, ...]
    result_path: tuple[Step, ...]


class Consistency(msgspec.Struct, frozen=True):
    """A proof that the checkpoint extends the chain log of an earlier size and root."""

    size: int
    root: bytes
    path: tuple[bytes, ...]


class Handover(msgspec.Struct, frozen=True):
    """The change from the member set of one epoch to that of the next.

    `header` is the boundary block's, the last leaf of the chain log that `checkpoint` certifies by
    the old set; `members` are the canonical bytes of the new one; `consistency` leads to the next
    handover's checkpoint, or to the bundle's.
    """

    checkpoint: str
    consistency: tuple[bytes, ...]
    header: bytes
    inclusion: tuple[bytes, ...]
    members: bytes


class Bundle(msgspec.Struct, frozen=True):
    """A bundle, decoded but not verified.

    `checkpoint` is the signed note. `header` is the canonical header whose state root (or
    transactions and results roots) the answer hangs on; `inclusion` its path in the chain log.
    `entities` are in ascending order of their path's text and `state` is the one proof of all of
    them; both are empty for a receipt, and for a claim about the chain as a whole. `epochs` leads
    from the members of genesis to those who certified; `witnesses` are signed notes of outsiders.
    """

    claim: Claim
    checkpoint: str
    header: bytes
    inclusion: tuple[bytes, ...]
    entities: tuple[Shown, ...] = ()
    state: bytes = b""
    receipt: ReceiptProof | None = None
    consistency: Consistency | None = None
    epochs: tuple[Handover, ...] = ()
    witnesses: tuple[str, ...] = ()

    @property
    def events(self) -> int:
        """Number of leaves shown, over all entities."""
        return sum(
            len(shown.leaves) for shown in self.entities if isinstance(shown, Logged | Ranged)
        )


def directed(path: list[bytes], index: int, size: int) -> tuple[Step, ...]:
    """Give each hash of an RFC 6962 inclusion path its side: leaf `index` in a log of `size`
    leaves.
    """
    steps: list[Step] = []
    place, last = index, size - 1
    for sibling in path:
        while place == last and not place & 1 and place:  # no sibling on this level
            place >>= 1
            last >>= 1
        steps.append((bool(place & 1), sibling))
        place >>= 1
        last >>= 1
    return tuple(steps)


def fold(leaf: bytes, steps: tuple[Step, ...]) -> bytes:
    """Return the root to which a leaf hash and its steps lead."""
    node = leaf
    for is_left, sibling in steps:
        node = node_hash(sibling, node) if is_left else node_hash(node, sibling)
    return node
