"""Offline audit: who committed a batch and then, leaving the view, did not say so (R-DW-7).

Such amnesia is invisible in any one vote. A member that signed a COMMIT held a prepared certificate
for it, and every VIEW-CHANGE that it signs later must hold that certificate, one of a higher view,
or a stable checkpoint at or above the sequence (PBFT 4.4). A commit certificate and a NEW-VIEW of a
later view that proposes another batch share 2q−n >= f+1 members; those of them whose VIEW-CHANGE
leaves the batch out are named, with both of their signed words. What it is not: the detection of
two words at one place (evidence.py), nor anything the machine does while it runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from consensus.epoch import Seat
from consensus.messages import Committed, NewView, Seal, ViewChange
from consensus.new_view import check_committed, check_view_change

__all__ = ["Amnesia", "audit"]


@dataclass(frozen=True, slots=True)
class Amnesia:
    """A member's COMMIT (its seal in `committed`), and the VIEW-CHANGE that leaves it out."""

    member: str
    committed: Committed
    commit: Seal
    view_change: ViewChange


def audit(
    committed: Sequence[Committed], new_views: Sequence[NewView], seat: Seat
) -> tuple[Amnesia, ...]:
    """Return what convicts, over all pairs, in the order given; of one epoch, whoever kept them.

    Every signature counted is checked here; a third party runs the same over the same messages.
    Raises: Malformed when a message is no valid proof.
    """
    changes: dict[tuple[int, int, bytes], ViewChange] = {}
    for new_view in new_views:
        for one in new_view.view_changes:
            check_view_change(one, seat)
            changes.setdefault((one.view, one.member, one.digest()), one)
    found = []
    for certificate in committed:
        digest = check_committed(certificate, seat)
        for seal in certificate.commits:
            for one in changes.values():
                if one.member == seal.member and _leaves_out(one, certificate, digest):
                    member = seat.members.members[seal.member].id
                    found.append(Amnesia(member, certificate, seal, one))
    return tuple(found)


def _leaves_out(change: ViewChange, committed: Committed, digest: bytes) -> bool:
    """Say whether an honest author of this COMMIT could not have signed this VIEW-CHANGE."""
    if change.view <= committed.view or change.stable.height >= committed.sequence:
        return False  # signed before the COMMIT, or when it was certified history
    return not any(
        one.sequence == committed.sequence
        and (one.view > committed.view or (one.view, one.digest) == (committed.view, digest))
        for one in change.prepared
    )
