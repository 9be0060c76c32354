"""What two bundles convict together: blame for each key that signed a contradiction. Pure.

Only what can contradict is compared, by height and by size, and only keys whose lines stand under
both notes are tried: two honest bundles cost no signature check, however many handovers they have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from client.witness.blame import Blame, encode_blame, verify_blame
from client.witness.two_leaves import Included, convict_by_leaves, encode_two_leaves
from ledger.block import HEADER
from ledger.bundle import Bundle
from ledger.checkpoint import Checkpoint
from ledger.errors import Malformed
from ledger.notes import VerifierKey, parse_note
from ledger.verify_epochs import read_checkpoint

__all__ = ["convictions"]

Line = tuple[str, bytes]  # the name and the key id of a signature line


@dataclass(frozen=True, slots=True)
class _Shown:
    """A block that a bundle shows, under the note that it is included in."""

    included: Included
    height: int
    checkpoint: Checkpoint
    lines: frozenset[Line]


def convictions(first: Bundle, second: Bundle, keys: Iterable[VerifierKey]) -> dict[str, bytes]:
    """Return a file for each of the keys (vkeys) that contradicts itself in two bundles.

    What a bundle says of its handovers counts as well: retired keys signed those. The handovers
    must have been walked, so that no two of one bundle are of one size.
    Raises: Malformed for a bundle whose parts cannot be read.
    """
    known: dict[Line, list[VerifierKey]] = {}
    for key in keys:
        known.setdefault((key.name, key.id), []).append(key)
    ones, others = _shown(first), _shown(second)
    found: dict[str, bytes] = {}
    by_height = {each.height: each for each in others}
    for one in ones:
        other = by_height.get(one.height)
        if other is not None and other.included.leaf != one.included.leaf:
            both = _signers(known, one, other)
            for lie in convict_by_leaves(one.included, other.included, both):
                found.setdefault(lie.key.text(), encode_two_leaves(lie))
    for here, there, root, proof in _two_roots(first, second, ones, others):
        for key in _signers(known, here, there):
            blame = Blame(key, here.included.note, there.included.note, root, proof)
            with suppress(Malformed):  # a line that does not hold, a proof that shows nothing
                verify_blame(blame)
                found.setdefault(key.text(), encode_blame(blame))
    return found


def _two_roots(
    first: Bundle, second: Bundle, ones: list[_Shown], others: list[_Shown]
) -> Iterator[tuple[_Shown, _Shown, bytes | None, tuple[bytes, ...]]]:
    """Notes of two roots of one size, the smaller first; and for two sizes the root that a bundle
    shows the larger log to have at the smaller size, with its proof.
    """
    by_size = {each.checkpoint.size: each for each in others}
    for one in ones:
        other = by_size.get(one.checkpoint.size)
        if other is not None and other.checkpoint.root != one.checkpoint.root:
            yield one, other, None, ()
    for pinned, newest, earlier in ((second, others[0], ones), (first, ones[0], others)):
        shown = pinned.consistency
        for one in earlier if shown is not None else ():
            if shown is not None and one.checkpoint.size == shown.size:
                if one.checkpoint.root != shown.root:
                    yield one, newest, shown.root, shown.path


def _shown(bundle: Bundle) -> list[_Shown]:
    """Every block that a bundle shows; the one it is about comes first."""
    parts = [Included(bundle.header, bundle.inclusion, bundle.checkpoint)]
    parts += [Included(one.header, one.inclusion, one.checkpoint) for one in bundle.epochs]
    return [
        _Shown(
            one,
            HEADER.decode(one.leaf).height,
            read_checkpoint(one.note),
            frozenset((line.name, line.key) for line in parse_note(one.note, "checkpoint").lines),
        )
        for one in parts
    ]


def _signers(known: dict[Line, list[VerifierKey]], one: _Shown, other: _Shown) -> list[VerifierKey]:
    """The keys known whose lines stand under both notes."""
    return [key for line in sorted(one.lines & other.lines) for key in known.get(line, ())]
