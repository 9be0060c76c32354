"""From the set a joiner knows to the set that certifies what it fetches, epoch by epoch.

A state is believed because q members of its epoch signed, and who they are is believed because the
set before said so. So before an offer is looked at, every handover between is asked for and
verified: the boundary's certificate by the old set, its header as the last leaf of that log, the
new set by the header (`node/epochs.py`). Nothing here is in force or on disk before the state is:
the handovers are written in the same batch as the change over.

Source: R-MB-2, R-CP-4; DESIGN section 2. Invariant: each handover is the one after the last.
"""

from __future__ import annotations

from collections.abc import Sequence

from consensus.epoch import Epoch
from ledger.errors import Malformed
from ledger.membership import MemberSet
from node.epoch_store import StoredHandover
from node.epochs import Epochs, verify_handover

__all__ = ["Walk"]


class Walk:
    """The epochs that have begun here, and those that others have proved since."""

    def __init__(self, epochs: Epochs, origin: str) -> None:
        """Begin at the present epoch of this member."""
        self._known = epochs
        self._origin = origin
        self._found: list[tuple[StoredHandover, Epoch]] = []

    @property
    def last(self) -> Epoch:
        """The newest epoch that is proved."""
        return self._found[-1][1] if self._found else self._known.current

    def members(self, size: int) -> MemberSet:
        """Return the set that certifies the chain log of a size, as far as the walk leads."""
        found = (epoch.members for _, epoch in reversed(self._found) if epoch.base < size)
        return next(found, None) or self._known.members(size)

    def take(self, after: int, handovers: Sequence[StoredHandover]) -> None:
        """Take the handovers that follow epoch `after`. Raises: Malformed; those before it stay."""
        if not handovers:
            raise Malformed("walk", f"does not lead on from epoch {after}")
        for number, stored in enumerate(handovers, after + 1):
            if number > self.last.number:  # the others are known from another member
                epoch = verify_handover(stored, self.last, self._origin)
                self._found.append((stored, epoch))

    def handovers(self, height: int) -> dict[int, StoredHandover]:
        """Return what was found below a height, by the epoch that it begins."""
        return {epoch.number: stored for stored, epoch in self._found if epoch.base < height}
