"""Verification, step 9, its first half: from the members of genesis to those who certified.

The epoch walk: each handover is certified by the set before it, names the set after it in a header
that stands in the chain log, and is a prefix of the next handover's log and at last of the
bundle's. Cheap checks first, signatures last. Failures are raised as Failed.
Source: DESIGN 2.9; R-LC-1, R-MB-2, R-MB-3; docs/FORMATS.md 7.4 and 8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ledger.block import HEADER, Header
from ledger.bundle import Handover
from ledger.checkpoint import Certificate, Checkpoint, parse_checkpoint, verify_certificate
from ledger.errors import Malformed
from ledger.genesis import Genesis
from ledger.keys import Verify
from ledger.limits import NOTE_SIZE_MAX
from ledger.membership import MemberSet
from ledger.merkle_log import leaf_hash, verify_consistency, verify_inclusion
from ledger.transaction import SUITE
from ledger.verdict import Failed

__all__ = ["Walk", "certify", "check_place", "read_checkpoint", "read_header", "walk"]

HEADER_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Walk:
    """The member sets of all epochs walked, oldest first, and the height that ends each but the
    last.
    """

    sets: tuple[MemberSet, ...]
    boundaries: tuple[int, ...]

    @property
    def epoch(self) -> int:
        """The epoch whose members certified the bundle's checkpoint."""
        return len(self.boundaries)

    @property
    def members(self) -> MemberSet:
        """The members of that epoch."""
        return self.sets[-1]


@dataclass(frozen=True, slots=True)
class _Step:
    """A handover with its parts read."""

    handover: Handover
    header: Header
    checkpoint: Checkpoint
    members: MemberSet


def read_header(data: bytes) -> Header:
    """Decode a header with its version and suite. Raises: Malformed."""
    header = HEADER.decode(data)
    if header.version != HEADER_VERSION:
        raise Malformed("header.version", f"must be {HEADER_VERSION}")
    if header.suite != SUITE:
        raise Malformed("header.suite", f"must be {SUITE}")
    return header


def read_checkpoint(note: str, may_be_bare: bool = False) -> Checkpoint:
    """Read the text of a signed note without looking at signatures. `may_be_bare`: there need be no
    empty line and no signatures, as in a pin. Raises: Malformed.
    """
    if len(note) > NOTE_SIZE_MAX:
        raise Malformed("checkpoint", f"is larger than {NOTE_SIZE_MAX} characters")
    text, separator, _ = note.rpartition("\n\n")
    if not separator and not may_be_bare:
        raise Malformed("checkpoint", "must be a text, an empty line and signature lines")
    return parse_checkpoint(text + "\n" if separator else note)


def walk(handovers: Sequence[Handover], genesis: Genesis, last: Checkpoint, verify: Verify) -> Walk:
    """Check every handover; return the sets it leads to. `last` is the bundle's checkpoint.

    Raises: Failed.
    """
    steps = [_read(handover) for handover in handovers]
    sets, boundaries = [genesis.members], [0]
    for epoch, step in enumerate(steps):
        following = steps[epoch + 1].checkpoint if epoch + 1 < len(steps) else last
        _check(step, epoch, boundaries[-1], following, genesis)
        certify(step.handover.checkpoint, sets[-1], genesis, verify)
        boundaries.append(step.checkpoint.size)
        sets.append(step.members)
    return Walk(tuple(sets), tuple(boundaries[1:]))


def _read(handover: Handover) -> _Step:
    try:
        return _Step(
            handover,
            read_header(handover.header),
            read_checkpoint(handover.checkpoint),
            MemberSet.decode(handover.members),
        )
    except Malformed as error:
        raise Failed("handover-malformed", field=error.field, rule=error.rule) from None


def _check(step: _Step, epoch: int, before: int, following: Checkpoint, genesis: Genesis) -> None:
    header, size, root = step.header, step.checkpoint.size, step.checkpoint.root
    if step.checkpoint.origin != genesis.origin:
        raise Failed("another-chain", origin=step.checkpoint.origin)
    if header.height != size:
        raise Failed("handover-height", epoch=epoch, height=header.height, size=size)
    if size <= before:
        raise Failed("handover-order", epoch=epoch)
    if header.epoch != epoch:
        raise Failed("another-epoch", epoch=header.epoch)
    if header.members != step.members.digest():
        raise Failed("another-member-set")
    leaf = leaf_hash(step.handover.header)
    if not verify_inclusion(leaf, size - 1, size, step.handover.inclusion, root):
        raise Failed("handover-not-in-chain", epoch=epoch)
    if following.size <= size:
        raise Failed("handover-order", epoch=epoch)
    path = step.handover.consistency
    if not verify_consistency(size, following.size, root, following.root, path):
        raise Failed("handover-not-consistent", epoch=epoch)


def check_place(walked: Walk, header: Header, size: int) -> None:
    """Check that the bundle's header has the epoch and the members of its height.

    Raises: Failed.
    """
    epoch = sum(boundary < header.height for boundary in walked.boundaries)
    if header.epoch != epoch:
        raise Failed("another-epoch", epoch=header.epoch)
    ends_epoch = epoch < walked.epoch and walked.boundaries[epoch] == header.height
    expected = walked.sets[epoch + 1 if ends_epoch else epoch]
    # The newest block may end its epoch: of what comes after it this walk need not know.
    if header.members != expected.digest() and header.height != size:
        raise Failed("another-member-set")


def certify(note: str, members: MemberSet, genesis: Genesis, verify: Verify) -> Certificate:
    """Return the certificate in a note: exactly q members of the set cosigned it. Raises:
    Failed.
    """
    try:
        certificate = Certificate.from_note(note, members)
        verify_certificate(certificate, members, genesis.origin, verify)
    except Malformed as error:
        raise Failed("not-certified", field=error.field, rule=error.rule) from None
    return certificate
