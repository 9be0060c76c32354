"""Leaving a view, joining others that leave, and starting the next one.

A member leaves by a VIEW-CHANGE that is durable before it is sent, and from then on votes in no
older view (PBFT 4.4, R-VC-9). It keeps the highest valid VIEW-CHANGE of each member (R-RS-1); f+1
for later views make it join the smallest of them (R-TL-3); q for its own view start the clock for
the NEW-VIEW (R-TL-2), which the view's primary builds and every backup recomputes (new_view.py).
VIEW-CHANGEs are sent again, and a member that stays behind is answered with the NEW-VIEW, which
holds all it lacks (R-VC-12).
"""

from __future__ import annotations

from typing import Final

import msgspec

from consensus.ballots import Ballots
from consensus.effects import Effect
from consensus.epoch import NEW_VIEW, PRE_PREPARE, VIEW_CHANGE, Seat
from consensus.evidence import Evidence, Findings, Statement
from consensus.messages import (
    Commit,
    NewView,
    PreparedCertificate,
    Proposal,
    Stable,
    ViewChange,
    encode,
)
from consensus.new_view import Choice, check_new_view, check_view_change, choose
from consensus.outbox import Outbox
from consensus.records import RECORD, Entered, Promised

__all__ = ["ViewChanges"]

# A VIEW-CHANGE or NEW-VIEW may hold hundreds of signatures: of one sender only so many are checked
# in so many ticks (R-RS-4). An honest one that is passed over is sent again.
JUDGED_PERIOD: Final = 25
JUDGED_MAX: Final = 4


class ViewChanges:
    """The view this member has promised, and the VIEW-CHANGEs it has seen."""

    __slots__ = (
        "_ballots",
        "_collected",
        "_findings",
        "_judged",
        "_outbox",
        "_promised_record",
        "_seat",
        "_sent_tick",
        "entered",
        "entered_record",
        "forgotten",
        "promised",
        "view",
    )

    def __init__(
        self, seat: Seat, ballots: Ballots, outbox: Outbox[Effect, Commit], findings: Findings
    ) -> None:
        self._seat = seat
        self._ballots = ballots
        self._outbox = outbox
        self._findings = findings
        self._collected: dict[int, ViewChange] = {}
        self._judged: dict[str, tuple[int, int]] = {}  # sender -> period, checked in it
        self._promised_record = 0
        self._sent_tick = 0
        self.entered_record = 0  # the number of the newest record of a NEW-VIEW
        self.forgotten = False  # a word of this member was seen that it does not remember
        self.view = 0  # the view this member is in, or has promised
        self.promised: ViewChange | None = None  # the own newest VIEW-CHANGE
        self.entered: NewView | None = None  # the NEW-VIEW of the newest view entered

    # -- leaving --------------------------------------------------------------------------------

    def leave(
        self, view: int, stable: Stable, prepared: tuple[PreparedCertificate, ...], tick: int
    ) -> None:
        """Promise a view: sign, store, then send the VIEW-CHANGE."""
        seat = self._seat
        blank = ViewChange(seat.epoch, view, seat.index, stable, prepared, bytes(64))
        signature = self._ballots.sign(VIEW_CHANGE, view, stable.height, blank.digest())
        message = msgspec.structs.replace(blank, signature=signature)
        self.view = view
        self.promised = message
        self._collected[seat.index] = message
        self._promised_record = self._outbox.store(RECORD.encode(Promised(message)))
        self._sent_tick = tick
        self._outbox.send_after(self._promised_record, seat.others(), encode(message))

    def resume(self, view: int, promised: ViewChange | None, entered: NewView | None) -> None:
        """Take over what durable records say (R-VC-14)."""
        self.view = view
        self.promised = promised
        self.entered = entered
        if promised is not None and promised.view == view:
            self._collected[self._seat.index] = promised

    def resend(self, tick: int, every: int) -> None:
        """Send the own VIEW-CHANGE again if that is due."""
        if self.promised is not None and tick - self._sent_tick >= every:
            self._sent_tick = tick
            others, data = self._seat.others(), encode(self.promised)
            self._outbox.send_again(self._promised_record, others, data)

    # -- what others leave for ------------------------------------------------------------------

    def _may_judge(self, sender: str, tick: int) -> bool:
        period, count = self._judged.get(sender, (-1, 0))
        if period != tick // JUDGED_PERIOD:
            count = 0
        self._judged[sender] = (tick // JUDGED_PERIOD, count + 1)
        return count < JUDGED_MAX

    def on_view_change(self, sender: str, message: ViewChange, tick: int) -> None:
        """Keep a valid VIEW-CHANGE of a later view, or of the own promised one.

        Raises: Malformed, of this message only (R-VC-6).
        """
        known = self._collected.get(message.member)
        if message.view < self.view or self.has_started(message.view):
            return
        if known is not None and known.view > message.view:
            return
        repeated = known is not None and known.view == message.view
        if known is not None and repeated and known.digest() == message.digest():
            return  # the same word, however it is signed
        if not self._may_judge(sender, tick):
            return
        check_view_change(message, self._seat)
        if message.member == self._seat.index:
            self.forgotten = True  # nobody else can sign it, and it is not the one promised
            return
        if known is not None and repeated:
            self._conflict(known, message)
            return
        self._collected[message.member] = message

    def holds(self, message: ViewChange) -> bool:
        """Say whether this very VIEW-CHANGE was found valid and is kept."""
        return self._collected.get(message.member) == message

    def has_started(self, view: int) -> bool:
        """Say whether this view, or a later one, was entered by its NEW-VIEW."""
        return self.entered is not None and self.entered.view >= view

    def _conflict(self, first: ViewChange, second: ViewChange) -> None:
        statements = [
            Statement(
                VIEW_CHANGE, one.epoch, one.view, one.stable.height, one.digest(), one.signature
            )
            for one in (first, second)
        ]
        member = self._seat.members.members[first.member].id
        self._findings.add(Evidence(member, *statements))

    def to_join(self) -> int | None:
        """Return the smallest later view, once f+1 others have left for later ones (R-TL-3)."""
        later = [
            one.view
            for member, one in self._collected.items()
            if member != self._seat.index and one.view > self.view
        ]
        return min(later) if len(later) >= self._seat.members.weak else None

    def is_left(self) -> bool:
        """Say whether somebody has left this view for a later one."""
        return any(one.view > self.view for one in self._collected.values())

    def quorum_left(self) -> bool:
        """Say whether q members have left for the promised view or beyond (R-TL-2)."""
        count = sum([one.view >= self.view for one in self._collected.values()])
        return count >= self._seat.members.q

    # -- starting a view ------------------------------------------------------------------------

    def build(self) -> tuple[NewView, Choice] | None:
        """As primary of the promised view, with q VIEW-CHANGEs for it: sign, store, send the NEW-
        VIEW.
        """
        seat = self._seat
        if self.promised is None or seat.primary(self.view) != seat.index:
            return None
        if self.has_started(self.view):
            return None
        for_view = [
            self._collected[member]
            for member in sorted(self._collected)
            if self._collected[member].view == self.view
        ]
        if self.promised not in for_view or len(for_view) < seat.members.q:
            return None
        chosen = tuple(for_view[: seat.members.q])
        choice = choose(chosen)
        proposals = tuple(
            Proposal(sequence, digest, self._ballots.sign(PRE_PREPARE, self.view, sequence, digest))
            for sequence, digest in choice.proposals
        )
        blank = NewView(seat.epoch, self.view, chosen, proposals, bytes(64))
        signature = self._ballots.sign(NEW_VIEW, self.view, choice.stable.height, blank.digest())
        message = msgspec.structs.replace(blank, signature=signature)
        number = self._enter(message)
        self._outbox.send_after(number, seat.others(), encode(message))
        return message, choice

    def on_new_view(
        self, sender: str, message: NewView, active: bool, tick: int, forgetful: bool = False
    ) -> Choice | None:
        """Check a NEW-VIEW for the promised view or a later one; return what it proposes, or None
        if it is old.

        Whoever relays it, the view's primary must have signed it (R-VC-5). `forgetful`: it may have
        been this member, before it lost its ballots.
        Raises: Malformed.
        """
        if message.view < self.view:
            return None
        if message.view == self.view and active:
            self._compare(message)
            return None
        if self._seat.primary(message.view) == self._seat.index and not forgetful:
            # Only this member may start that view, and it remembers what it signs.
            if self._may_judge(sender, tick):
                check_new_view(message, self._seat, self.holds)
                self.forgotten = True
            return None
        if not self._may_judge(sender, tick):
            return None
        choice = check_new_view(message, self._seat, self.holds)
        self._enter(message)
        return choice

    def _compare(self, message: NewView) -> None:
        """A second NEW-VIEW of this view, signed by its primary, is a lie (C13)."""
        entered, seat = self.entered, self._seat
        if entered is None or entered.view != message.view or entered == message:
            return
        first, second = _statement(entered), _statement(message)
        primary = seat.primary(message.view)
        if first.digest == second.digest or message.epoch != seat.epoch:
            return
        if seat.vote_holds(
            primary, NEW_VIEW, second.view, second.sequence, second.digest, second.signature
        ):
            if primary == seat.index:
                self.forgotten = True
                return
            self._findings.add(Evidence(seat.members.members[primary].id, first, second))

    def _enter(self, message: NewView) -> int:
        self.view = message.view
        self.entered = message
        self._collected = {
            member: one for member, one in self._collected.items() if one.view > self.view
        }
        self.entered_record = self._outbox.store(RECORD.encode(Entered(message)))
        return self.entered_record

    def remind(self, member: str) -> None:
        """Send a member the newest VIEW-CHANGE of its own: it asks what it has said (R-DW-4)."""
        known = self._collected.get(self._seat.members.index(member))
        if known is not None:
            self._outbox.send((member,), encode(known))

    def show(self, member: str) -> None:
        """Send the NEW-VIEW of this view to a member that missed it (R-VC-12)."""
        if self.entered is not None:
            self._outbox.send_again(self.entered_record, (member,), encode(self.entered))


def _statement(one: NewView) -> Statement:
    low = max([view_change.stable.height for view_change in one.view_changes], default=0)
    return Statement(NEW_VIEW, one.epoch, one.view, low, one.digest(), one.signature)
