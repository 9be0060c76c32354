"""Own words that no record holds: then this member's store is an older copy of itself (R-DW-4).

A disk image or a backup that was put back still has records, so it does not look lost; but what was
said since is out there, and saying otherwise would be a lie. Whoever shows this member a word of
its own that is newer than its records proves it: no other can sign for it, and what it signs is
durable before anybody sees it. Each function says of one kind of proven message whether it holds
such a word. What it is not: a check of the proofs (new_view.py), when they are looked at
(shown_words.py), nor what follows (recollection.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from consensus.ballots import Ballots
from consensus.epoch import COMMIT, PREPARE, VIEW_CHANGE, Seat
from consensus.messages import Committed, Seal, Stable, ViewChange

__all__ = ["in_committed", "in_stable", "in_view_changes"]


def in_committed(certificate: Committed, seat: Seat, ballots: Ballots) -> bool:
    """Say whether it holds a COMMIT of this member that no record holds."""
    place = (certificate.view, certificate.sequence, certificate.batch.digest())
    return _holds(certificate.commits, seat) and ballots.lacks(COMMIT, *place)


def in_stable(stable: Stable, seat: Seat, executed: int) -> bool:
    """Say whether this member has cosigned a height that it has not executed.

    It cosigns only what is durable in its chain: then a part of the chain is missing, too.
    """
    return stable.height > executed and any(line.member == seat.index for line in stable.lines)


def in_view_changes(
    changes: Sequence[ViewChange], seat: Seat, ballots: Ballots, executed: int
) -> bool:
    """Say whether they hold a promise, a PREPARE or a cosignature that no record holds.

    PRE-PREPAREs are left out: those of an own NEW-VIEW are let go of with the next view's.
    """
    for one in changes:
        if one.member == seat.index and ballots.lacks(VIEW_CHANGE, one.view, 0, one.digest()):
            return True
        if in_stable(one.stable, seat, executed):
            return True
        for certificate in one.prepared:
            place = (certificate.view, certificate.sequence, certificate.digest)
            if _holds(certificate.prepares, seat) and ballots.lacks(PREPARE, *place):
                return True
    return False


def _holds(seals: Sequence[Seal], seat: Seat) -> bool:
    return any(seal.member == seat.index for seal in seals)
