"""Findings against members: two conflicting signed statements of one member, or a suspicion with a
code.

Evidence is portable: both statements with their signatures verify under the member's vote (or
cosigner) key with nothing else at hand (R-Q-5, C13). A suspicion is one member's word, for its own
operator. What it is not: a punishment. Nobody is excluded from counting for a finding (R-RS-4).
"""

from __future__ import annotations

from dataclasses import dataclass

from consensus.epoch import NEW_VIEW, VIEW_CHANGE, Epoch, vote_bytes
from consensus.settings import REPORTS_MAX
from ledger.checkpoint import Checkpoint, cosignature_message
from ledger.keys import Verify

__all__ = ["Evidence", "Finding", "Findings", "Statement", "Suspicion", "verify_evidence"]

COSIGNATURE = "cosignature"  # kind of a Statement whose sequence is a size and view a timestamp


@dataclass(frozen=True, slots=True)
class Statement:
    """A signed vote, or a cosignature (sequence = size, view = timestamp, digest = root)."""

    kind: str
    epoch: int
    view: int
    sequence: int
    digest: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Evidence:
    """Two statements of one member that an honest one never makes together."""

    member: str
    first: Statement
    second: Statement


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What this member saw another do: a code such as malformed, bad-signature, invalid-
    transaction, silent.
    """

    member: str
    code: str


Finding = Evidence | Suspicion


def verify_evidence(
    evidence: Evidence, chain: bytes, origin: str, epoch: Epoch, verify: Verify
) -> bool:
    """Say whether the two statements conflict, and the member signed both in this epoch.

    Keys are those of the epoch that the statements name, whatever the set is now (R-MB-2).
    """
    member = epoch.members.get(evidence.member)
    first, second = evidence.first, evidence.second
    if member is None or first.kind != second.kind:
        return False
    if not first.epoch == second.epoch == epoch.number:
        return False
    if first.digest == second.digest or not _same_place(first, second):
        return False
    for one in (first, second):
        if one.kind == COSIGNATURE:
            checkpoint = Checkpoint(origin, one.sequence, one.digest)
            held = verify(
                member.cosigner_key, cosignature_message(checkpoint, one.view), one.signature
            )
        else:
            message = vote_bytes(one.kind, chain, one.epoch, one.view, one.sequence, one.digest)
            held = verify(member.vote_key, message, one.signature)
        if not held:
            return False
    return True


def _same_place(first: Statement, second: Statement) -> bool:
    """Two digests at one place are a lie; of a cosignature the place is the size, whenever it was
    signed.
    """
    if first.kind == COSIGNATURE:
        return first.sequence == second.sequence
    if first.kind in {VIEW_CHANGE, NEW_VIEW}:  # one for each view, whatever checkpoint it names
        return first.view == second.view
    return (first.view, first.sequence) == (second.view, second.sequence)


class Findings:
    """Each finding once, and at most REPORTS_MAX against one member: a flood of bad messages is one
    line, and one liar's many faults do not hide another's (R-RS-1).
    """

    __slots__ = ("_counts", "_known", "_new")

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, int, int], None] = {}
        self._counts: dict[str, int] = {}
        self._new: list[Finding] = []

    def add(self, finding: Finding) -> None:
        """Take a finding unless its like is known or the limit is reached."""
        if isinstance(finding, Evidence):
            one = finding.first
            key = (finding.member, one.kind, one.view, one.sequence)
        else:
            key = (finding.member, finding.code, 0, 0)
        count = self._counts.get(finding.member, 0)
        if key in self._known or count >= REPORTS_MAX:
            return
        self._counts[finding.member] = count + 1
        self._known[key] = None
        self._new.append(finding)

    def take(self) -> list[Finding]:
        """Return the findings added since the last call."""
        if not self._new:
            return []
        new, self._new = self._new, []
        return new
