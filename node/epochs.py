"""Who the members were at every height, and the handovers that say why.

Every change of members leaves a *handover*, kept for ever: the boundary block's header, its
inclusion in the chain log that ends with it, the checkpoint of that size with exactly q lines of
the old set, and the new set. From genesis on they are a chain by which anyone gets from the genesis
file to the keys that must have cosigned today (DESIGN section 2; docs/FORMATS.md 7.4).

Height h is ordered, executed and certified by the set of `of(h)`: its own epoch's, the boundary
block included. Whatever verifies or writes a certificate in `node/` asks here for the set of the
certificate's size, and never takes genesis's for granted (R-MB-2).

Invariants: handovers are in order, each above the one before, and are never changed; they are
durable before a machine of the epoch they begin exists. At most a thousand, a few kB each: all are
in memory.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from consensus.epoch import Epoch
from ledger.block import HEADER
from ledger.checkpoint import Certificate, verify_certificate
from ledger.errors import InvariantViolated, Malformed
from ledger.genesis import Genesis
from ledger.membership import MemberSet
from ledger.merkle_log import leaf_hash, verify_inclusion
from node.archive import Archive
from node.epoch_store import StoredHandover

__all__ = ["Epochs", "Handover", "verify_handover"]


@dataclass(frozen=True, slots=True)
class Handover:
    """How the set of one epoch gave over to the next: `epoch` is the one that begins.

    `header` and `members` are canonical bytes, `note` is the certificate of size `height` by the
    set before, `inclusion` the path of the header's leaf in the chain log of that size.
    """

    epoch: int
    height: int
    header: bytes
    inclusion: tuple[bytes, ...]
    note: str
    members: bytes

    def stored(self) -> StoredHandover:
        """Return it as it is kept and sent."""
        return StoredHandover(self.header, self.inclusion, self.members, self.note)


def verify_handover(stored: StoredHandover, last: Epoch, origin: str) -> Epoch:
    """Return the epoch that a handover begins, after checking that the set of `last` gave over.

    The certificate of the boundary has that set's cosignatures, its header is the last leaf of the
    log it certifies, and the header names the set that follows. Raises: Malformed.
    """
    header, members = HEADER.decode(stored.header), MemberSet.decode(stored.members)
    certificate = Certificate.from_note(stored.note, last.members)
    checkpoint = certificate.checkpoint
    height = checkpoint.size
    if (header.epoch, header.height) != (last.number, height) or height <= last.base:
        raise Malformed("handover.header", f"is not that of the boundary of epoch {last.number}")
    leaf = leaf_hash(stored.header)
    if not verify_inclusion(leaf, height - 1, height, stored.inclusion, checkpoint.root):
        raise Malformed("handover.inclusion", "does not lead to the certified root")
    if header.members != members.digest():
        raise Malformed("handover.members", "are not the set that the header names")
    verify_certificate(certificate, last.members, origin)
    return Epoch(last.number + 1, members, height)


class Epochs:
    """All epochs of the chain so far, as far as this member has been handed over."""

    def __init__(self, genesis: Genesis, archive: Archive) -> None:
        """Read what the archive holds.

        Raises: InvariantViolated when its handovers do not follow each other.
        """
        self._archive = archive
        self._epochs = [Epoch(0, genesis.members, 0)]
        self._handovers: list[Handover] = []
        self._boundaries: list[int] = []  # heights, for the search
        self.read_on()

    def read_on(self) -> None:
        """Take what the archive holds above the present epoch: a snapshot brings many at once.

        Raises: InvariantViolated when its handovers do not follow each other.
        """
        for number, stored in self._archive.epochs.handovers(self.current.number + 1):
            height = HEADER.decode(stored.header).height
            handover = Handover(
                number, height, stored.header, stored.inclusion, stored.note, stored.members
            )
            self._append(handover)

    @property
    def current(self) -> Epoch:
        """The epoch that orders what comes next."""
        return self._epochs[-1]

    @property
    def sets(self) -> list[MemberSet]:
        """Every member set so far, that of genesis first."""
        return [epoch.members for epoch in self._epochs]

    def of(self, height: int) -> Epoch:
        """Return the epoch that ordered a height, and whose set certifies the log of that size.

        A height above the newest boundary is the current epoch's.
        """
        return self._epochs[bisect_left(self._boundaries, height)]

    def members(self, size: int) -> MemberSet:
        """Return the set that certifies the chain log of a size."""
        return self.of(size).members

    def numbered(self, number: int) -> Epoch | None:
        """Return the epoch of a number, or None when it has not begun here."""
        return self._epochs[number] if 0 <= number < len(self._epochs) else None

    def handovers(self, size: int) -> tuple[Handover, ...]:
        """Return the walk from genesis to the set that certifies the log of a size, oldest first.

        It is all a bundle's `epochs` are made of, but the consistency paths.
        """
        return tuple(self._handovers[: bisect_left(self._boundaries, size)])

    def handover(self, number: int) -> Handover | None:
        """Return the handover that begins epoch `number`, or None."""
        return self._handovers[number - 1] if 1 <= number <= len(self._handovers) else None

    def certificate(self, number: int) -> Certificate:
        """Return the certificate that ended epoch `number` − 1."""
        handover = self._handovers[number - 1]
        return Certificate.from_note(handover.note, self._epochs[number - 1].members)

    def enter(self, handover: Handover) -> Epoch:
        """Keep a handover, synced, and return the epoch it begins. The caller has verified it."""
        self._check(handover)
        self._archive.epochs.write_handover(handover.epoch, handover.stored())
        self._append(handover)
        return self.current

    def _append(self, handover: Handover) -> None:
        self._check(handover)
        self._handovers.append(handover)
        self._boundaries.append(handover.height)
        members = MemberSet.decode(handover.members)
        self._epochs.append(Epoch(handover.epoch, members, handover.height))

    def _check(self, handover: Handover) -> None:
        last = self.current
        header = HEADER.decode(handover.header)
        if handover.epoch != last.number + 1 or header.epoch != last.number:
            raise InvariantViolated(f"handover to epoch {handover.epoch} after {last.number}")
        if header.height != handover.height or handover.height <= last.base:
            raise InvariantViolated(f"handover at height {handover.height} after {last.base}")
        if header.members != MemberSet.decode(handover.members).digest():
            raise InvariantViolated(f"handover to epoch {handover.epoch} names another set")
