"""Findings against members: two conflicting signed statements of one member, or a suspicion with a
code.

Evidence is portable: both statements with their signatures verify under the member's vote (or
cosigner) key with nothing else at hand (R-Q-5, C13). A suspicion is one member's word, for its own
operator. What it is not: a punishment. Nobody is excluded from counting for a finding (R-RS-4).
"""

from __future__ import annotations

from dataclasses import dataclass

from consensus.epoch import Epoch
from consensus.settings import REPORTS_MAX
from ledger.keys import Verify
from ledger.votes import COSIGNATURE, Statement, conflict

__all__ = ["Evidence", "Finding", "Findings", "Statement", "Suspicion", "verify_evidence"]


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
    key = member.cosigner_key if first.kind == COSIGNATURE else member.vote_key
    return not conflict(first, second, key, chain, origin, verify)


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
