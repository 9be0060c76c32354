"""Words that others show this member inside what they prove: in certificates and VIEW-CHANGEs.

Of its own words, one that it does not remember makes its ballots lost (old_copy.py, R-DW-4). Of
another member's words, one that contradicts what that member said here is evidence (C13, R-Q-5): a
primary that proposes two batches tells each member one of them, and only the certificates carried
into the next view put them side by side. What it is not: a check of the proofs (new_view.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from consensus import old_copy
from consensus.ballots import Ballots
from consensus.epoch import PRE_PREPARE, PREPARE, Seat
from consensus.evidence import Evidence, Findings, Statement, Suspicion
from consensus.messages import Committed, PreparedCertificate, Stable, ViewChange
from consensus.ordering import Ordering
from consensus.recollection import Recollection
from consensus.slots import Slot, SlotLog, Vote
from consensus.view_change import ViewChanges

__all__ = ["ShownWords", "contradictions"]


class ShownWords:
    """What follows for one member from the words in proofs that it has found to hold."""

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
        """Look at a commit certificate. (Its COMMITs were laid beside those heard when it was
        taken: `Ordering.on_committed`.)
        """
        self._judge(old_copy.in_committed(certificate, self._seat, self._ballots))

    def in_stable(self, stable: Stable) -> None:
        """Look at a checkpoint."""
        self._judge(old_copy.in_stable(stable, self._seat, self._ordering.ordered))

    def in_view_changes(self, changes: Sequence[ViewChange]) -> None:
        """Look at VIEW-CHANGEs, and at what handling them has shown."""
        for evidence in contradictions(changes, self._seat, self._ordering.log):
            self._findings.add(evidence)
        known = self._ordering.ordered
        self._judge(old_copy.in_view_changes(changes, self._seat, self._ballots, known))

    def _judge(self, forgotten: bool) -> None:
        forgotten, self._views.forgotten = forgotten or self._views.forgotten, False
        if forgotten and not self._recollection.lost:
            self._findings.add(Suspicion(self._seat.me, "old-copy"))
            self._recollection.lose()


def contradictions(changes: Sequence[ViewChange], seat: Seat, log: SlotLog) -> Iterator[Evidence]:
    """Lay each word in the certificates beside that of the same member for the same view and
    sequence, where this one heard another. At most one look for each word, and no signature check.
    """
    for change in changes:
        for certificate in change.prepared:
            slot = log.get(certificate.sequence)
            if slot is None:
                continue
            for kind, place, signature in _words(certificate, seat):
                said = _heard(slot, kind, place, certificate.view)
                if said is not None and said.digest != certificate.digest:
                    shown = Vote(certificate.view, certificate.digest, signature)
                    yield Evidence(
                        seat.members.members[place].id,
                        _statement(kind, seat, slot, said),
                        _statement(kind, seat, slot, shown),
                    )


def _words(certificate: PreparedCertificate, seat: Seat) -> Iterator[tuple[str, int, bytes]]:
    """Kind, place and signature of each word; the own ones are the ballots' business."""
    primary = seat.primary(certificate.view)
    words = [(PRE_PREPARE, primary, certificate.signature)]
    words += [(PREPARE, one.member, one.signature) for one in certificate.prepares]
    return (one for one in words if one[1] != seat.index)


def _heard(slot: Slot, kind: str, place: int, view: int) -> Vote | None:
    """What the member at a place said in a view, if it is at hand."""
    if kind == PREPARE:
        vote = slot.prepares.get(place)
        return vote if vote is not None and vote.view == view else None
    for one in (slot.proposed, slot.prepared):
        if one is not None and one.view == view:
            return Vote(view, one.digest, one.signature)
    return None


def _statement(kind: str, seat: Seat, slot: Slot, one: Vote) -> Statement:
    return Statement(kind, seat.epoch, one.view, slot.sequence, one.digest, one.signature)
