"""C13, completeness: of two votes that contradict each other, both heard by one honest member while
it still listened to such votes, evidence is reported at once; also where the second stands in a
certificate that somebody shows, or is a proposal beside the one that was accepted.

What is excused: votes passed over unread because their slot was settled, votes of a view that is
left or beside one of a later view, and words of a member that is not listened to for its offences
(R-RS-4), or against which all reports are spent (R-RS-1).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from consensus import Evidence, Mode
from consensus.epoch import COMMIT, PRE_PREPARE, PREPARE, Seat
from consensus.messages import (
    Commit,
    Committed,
    Message,
    NewView,
    Prepare,
    ViewChange,
    decode,
)
from consensus.settings import REPORTS_MAX
from ledger.errors import Malformed
from tests.simulator import judge
from tests.simulator.checkers import Violation

if TYPE_CHECKING:
    from tests.simulator.member import SimMember

Listener = tuple[str, int]  # a member in an epoch, and which of its lives
Heard = tuple[Listener, str, str, int]  # by whom, of whom, kind, sequence
Reported = tuple[Listener, str, str, int, int]  # by whom, of whom, kind, view, sequence
Word = tuple[str, int, int, int, bytes]  # kind, place of the member, view, sequence, digest


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

    def must_report_shown(
        self, target: SimMember, sender: SimMember, data: bytes
    ) -> list[Reported]:
        """Say what an honest member must have reported once it has taken a VIEW-CHANGE, NEW-VIEW or
        commit certificate: of the words in it, those that contradict what it heard before.
        """
        seat, replica = target.seat, target.replica
        if not data.startswith((b"view-change", b"new-view", b"committed"), 2) or seat is None:
            return []
        if not (target.honest and target.seated) or sender.id not in seat.members:
            return []
        if replica.mode not in (Mode.ACTIVE, Mode.CHANGING):
            return []
        if replica._offences.silenced(sender.id, replica._tick):
            return []
        try:
            message = decode(data)
        except Malformed:
            return []
        due = [one for word in _shown(seat, message) for one in self._contradicted(target, word)]
        return due if due and _is_proof(seat, message) else []

    def _contradicted(self, target: SimMember, word: Word) -> Iterator[Reported]:
        kind, place, view, sequence, digest = word
        seat, life = target.seat, (target.who, target.incarnation)
        assert seat is not None, "who hears has a seat"
        if place == seat.index or place >= seat.members.n:
            return
        liar = seat.members.members[place].id
        said: tuple[int, bytes] | None = self._heard.get((life, liar, kind, sequence))
        slot = target.replica._ordering.log.get(sequence)
        if kind == PRE_PREPARE and slot is not None and slot.proposed is not None:
            said = (slot.proposed.view, slot.proposed.digest)
        if slot is None or said is None or said[0] != view or said[1] == digest:
            return
        if target.replica._findings._counts.get(liar, 0) < REPORTS_MAX:
            yield life, liar, kind, view, sequence

    def demand_shown(self, target: SimMember, data: bytes, due: list[Reported]) -> None:
        """C13: what was shown was reported, if the member took the message for what it is."""
        if not due or not target.up or due[0][0] != (target.who, target.incarnation):
            return
        message = decode(data)
        if isinstance(message, ViewChange):
            is_taken = target.replica._views.holds(message)
        elif isinstance(message, NewView):
            is_taken = target.replica._views.entered == message
        else:
            assert isinstance(message, Committed), "nothing else shows words"
            slot = target.replica._ordering.log.get(message.sequence)
            is_taken = slot is not None and slot.decided == message
        for one in due if is_taken else ():
            target.world.checkers.mark("contradiction-shown")
            if one not in self._reported:
                raise Violation(f"C13: {target.id} was shown two words and did not report: {one}")

    def demand(self, target: SimMember, due: Reported | None) -> None:
        """C13: it was reported, now or before."""
        if due is not None:
            target.world.checkers.mark("contradiction-heard")
            if due not in self._reported:
                raise Violation(f"C13: {target.id} heard two votes and did not report: {due}")


def _shown(seat: Seat, message: Message) -> Iterator[Word]:
    """The words inside a message, true or not."""
    if isinstance(message, Committed) and message.epoch == seat.epoch:
        place = (message.view, message.sequence, message.batch.digest())
        yield from ((COMMIT, seal.member, *place) for seal in message.commits)
    elif isinstance(message, ViewChange | NewView) and message.epoch == seat.epoch:
        changes = message.view_changes if isinstance(message, NewView) else (message,)
        for one in (certificate for change in changes for certificate in change.prepared):
            place = (one.view, one.sequence, one.digest)
            yield (PRE_PREPARE, seat.primary(one.view), *place)
            yield from ((PREPARE, seal.member, *place) for seal in one.prepares)


def _is_proof(seat: Seat, message: Message) -> bool:
    if isinstance(message, ViewChange):
        return judge.is_view_change(seat, message)
    if isinstance(message, NewView):
        return judge.is_new_view(seat, message)
    return isinstance(message, Committed) and judge.is_committed(seat, message)


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
