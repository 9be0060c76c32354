"""C13, completeness: of two votes that contradict each other, both heard by one honest member while
it still listened to such votes, evidence is reported at once.

What is excused: votes passed over unread because their slot was settled, votes of a view that is
left or beside one of a later view, and words of a member that is not listened to for its offences
(R-RS-4), or against which all reports are spent (R-RS-1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from consensus import Evidence, Mode
from consensus.epoch import COMMIT, PREPARE
from consensus.messages import Commit, Prepare, decode
from consensus.settings import REPORTS_MAX
from ledger.errors import Malformed
from tests.simulator import judge
from tests.simulator.checkers import Violation

if TYPE_CHECKING:
    from tests.simulator.member import SimMember

Listener = tuple[str, int]  # a member in an epoch, and which of its lives
Heard = tuple[Listener, str, str, int]  # by whom, of whom, kind, sequence
Reported = tuple[Listener, str, str, int, int]  # by whom, of whom, kind, view, sequence


class Accountability:
    """What each honest member heard of each liar, as an observer beside it remembers it."""

    def __init__(self) -> None:
        self._heard: dict[Heard, tuple[int, bytes]] = {}  # -> view and digest, of the newest view
        self._reported: set[Reported] = set()

    def on_evidence(self, member: SimMember, finding: Evidence) -> None:
        """An honest member reports two statements."""
        one, life = finding.first, (member.who, member.incarnation)
        self._reported.add((life, finding.member, one.kind, one.view, one.sequence))

    def must_report(self, target: SimMember, sender: SimMember, data: bytes) -> Reported | None:
        """Say what an honest member must have reported once it has taken this word of a liar."""
        vote = _counting_vote(target, sender, data)
        if vote is None:
            return None
        kind = PREPARE if isinstance(vote, Prepare) else COMMIT
        life = (target.who, target.incarnation)
        place = (life, sender.id, kind, vote.sequence)
        view, digest = self._heard.get(place, (-1, b""))
        if vote.view > view:
            self._heard[place] = (vote.view, vote.digest)
        if vote.view != view or vote.digest == digest:
            return None
        return life, sender.id, kind, view, vote.sequence

    def demand(self, target: SimMember, due: Reported | None) -> None:
        """C13: it was reported, now or before."""
        if due is not None:
            target.world.checkers.mark("contradiction-heard")
            if due not in self._reported:
                raise Violation(f"C13: {target.id} heard two votes and did not report: {due}")


def _counting_vote(target: SimMember, sender: SimMember, data: bytes) -> Prepare | Commit | None:
    """The vote that a member hears, unless it is excused from looking at it."""
    if sender.honest or not (target.honest and target.seated):
        return None
    if not data.startswith((b"prepare", b"commit"), 2):
        return None
    replica, seat = target.replica, target.seat
    try:
        vote = decode(data)
    except Malformed:
        return None
    if not isinstance(vote, Prepare | Commit) or seat is None or vote.epoch != seat.epoch:
        return None
    if sender.id not in seat.members or replica.mode not in (Mode.ACTIVE, Mode.CHANGING):
        return None
    log, findings = replica._ordering.log, replica._findings
    if vote.view < replica.view or not log.low < vote.sequence <= log.low + 2 * log.window:
        return None
    if replica._offences.silenced(sender.id, replica._tick):
        return None
    if findings._counts.get(sender.id, 0) >= REPORTS_MAX or _is_settled(target, vote):
        return None
    kind = PREPARE if isinstance(vote, Prepare) else COMMIT
    place = (vote.view, vote.sequence)
    index = seat.members.index(sender.id)
    signed = judge.is_signed(seat, index, kind, *place, vote.digest, vote.signature)
    return vote if signed else None


def _is_settled(target: SimMember, vote: Prepare | Commit) -> bool:
    """Whether its slot needs no more votes such as this one."""
    slot = target.replica._ordering.log.get(vote.sequence)
    if slot is None or slot.proposed is None:
        return False
    if (slot.proposed.view, slot.proposed.digest) != (vote.view, vote.digest):
        return False
    if isinstance(vote, Prepare):
        return slot.commit_view == vote.view
    return slot.decided is not None
