"""Own words that no record holds: then this member's store is an older copy of itself (R-DW-4).

A disk image or a backup that was put back still has records, so it does not look lost; but what was
said since is out there, and saying otherwise would be a lie. Whoever shows this member a word of
its own that is newer than its records proves it: no other can sign for it, and what it signs is
durable before anybody sees it. Each function says of one kind of proven message whether it holds
such a word. What it is not: a check of the proofs (new_view.py), nor what follows
(recollection.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from consensus.ballots import Ballots
from consensus.epoch import COMMIT, PREPARE, VIEW_CHANGE, Seat
from consensus.evidence import Findings, Suspicion
from consensus.messages import Committed, Seal, Stable, ViewChange
from consensus.ordering import Ordering
from consensus.recollection import Recollection
from consensus.view_change import ViewChanges

__all__ = ["OwnWords", "in_committed", "in_stable", "in_view_changes"]


class OwnWords:
    """What others show one member of its own words; one that it lacks makes its ballots lost."""

    __slots__ = ("_ballots", "_findings", "_ordering", "_recollection", "_seat", "_views")

    def __init__(
        self,
        seat: Seat,
        ballots: Ballots,
        ordering: Ordering,
        views: ViewChanges,
        recollection: Recollection,
        findings: Findings,
    ) -> None:
        self._seat = seat
        self._ballots = ballots
        self._ordering = ordering
        self._views = views
        self._recollection = recollection
        self._findings = findings

    def in_committed(self, certificate: Committed) -> None:
        """Look at a commit certificate found to be one."""
        self._judge(in_committed(certificate, self._seat, self._ballots))

    def in_stable(self, stable: Stable) -> None:
        """Look at a proven checkpoint."""
        self._judge(in_stable(stable, self._seat, self._ordering.ordered))

    def in_view_changes(self, changes: Sequence[ViewChange]) -> None:
        """Look at VIEW-CHANGEs found valid, and at what handling them has shown."""
        known = self._ordering.ordered
        self._judge(in_view_changes(changes, self._seat, self._ballots, known))

    def _judge(self, forgotten: bool) -> None:
        forgotten, self._views.forgotten = forgotten or self._views.forgotten, False
        if forgotten and not self._recollection.lost:
            self._findings.add(Suspicion(self._seat.me, "old-copy"))
            self._recollection.lose()


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
