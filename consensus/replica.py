"""One member's replica: step(input) -> effects. Dispatch only; rules live in the parts it names.

Total: any bytes may come in; what is wrong with them becomes a finding, never an exception. The
one exception is InvariantViolated: our own bug, or a damaged store. Deterministic: the same inputs
give the same effects. Source: PBFT (OSDI'99) section 4; models.md 4.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from consensus import inputs
from consensus.ballots import Ballots
from consensus.catch_up import CatchUp
from consensus.effects import Effect, Halt, Refused, Report
from consensus.epoch import COMMIT, PREPARE, Epoch, Seat
from consensus.evidence import Findings, Suspicion
from consensus.handover import Ending, Stragglers
from consensus.inputs import Start
from consensus.intake import Intake
from consensus.legality import LEGAL, Mode
from consensus.messages import (
    Batches,
    Commit,
    Committed,
    Fetch,
    NewView,
    Overdue,
    Prepare,
    PrePrepare,
    Recall,
    Recalled,
    Settled,
    Stable,
    StableProof,
    Status,
    Transactions,
    ViewChange,
    decode,
)
from consensus.new_view import Choice, check_stable
from consensus.offences import Offences
from consensus.ordering import Ordering
from consensus.outbox import Outbox
from consensus.patience import Patience
from consensus.pool import Pool
from consensus.recollection import Recollection
from consensus.records import RECORD, Base
from consensus.recovery import fold, resume
from consensus.settings import Settings
from consensus.shown_words import ShownWords
from consensus.view_change import ViewChanges
from consensus.watching import Watching
from ledger.checkpoint import Certificate
from ledger.errors import InvariantViolated, Malformed, PeerFault
from ledger.keys import Signer, Verify, verify

__all__ = ["Replica", "Start"]


class Replica:
    """PBFT for one member in one epoch."""

    def __init__(
        self,
        me: str,
        epoch: Epoch,
        chain: bytes,
        origin: str,
        signer: Signer,
        settings: Settings,
        start: Start,
        records: Iterable[tuple[int, bytes]] = (),
        verify: Verify = verify,
    ) -> None:
        """Take the member's id, its vote key, and the records stored before, oldest first.

        `chain` is the genesis hash, `origin` the checkpoints' origin. Raises: InvariantViolated
        when the records are damaged, or contradict each other or the node's chain.
        """
        seat = self._seat = Seat.take(me, epoch, chain, origin, verify)
        recovered = fold(records, seat)
        self._settings = settings
        self._findings = Findings()
        self._offences = Offences()
        self._outbox: Outbox[Effect, Commit] = Outbox(recovered.last_number)
        self._pool = Pool(settings, seat.members.n)
        self._patience = Patience(settings)
        ballots = self._ballots = Ballots(seat, signer)
        pool, patience, findings = self._pool, self._patience, self._findings
        self._ordering = Ordering(
            seat, settings, ballots, self._outbox, pool, patience, findings, start
        )
        self._intake = Intake(seat, self._outbox, self._pool, self._ordering)
        self._views = ViewChanges(seat, ballots, self._outbox, self._findings)
        resume(recovered, seat, ballots, self._ordering, self._views, self._pool)
        self._watching = Watching(
            seat, settings, self._outbox, self._ordering, self._patience, self._pool
        )
        self._catch_up = CatchUp(seat, settings, self._outbox, self._ordering, self._views)
        self._stable = recovered.stable
        self._recollection = Recollection(
            seat, settings, self._outbox, self._ordering, recovered, start.lost
        )
        self._shown = ShownWords(
            seat, ballots, self._ordering, self._views, self._recollection, self._findings
        )
        self._based = recovered.stable.height  # the stable height of the newest Base record
        self._tick = 0
        self._halted = False
        self._stragglers = Stragglers(start.past, self._outbox, settings)
        self._ending = Ending(seat, self._outbox, self._pool)
        if self._ending.decided(start.height, start.next_epoch):
            self._ordering.last = start.height
        self._intake.take_over(start.carried)
        if start.certificate is not None and start.certificate.checkpoint.size > epoch.base:
            self._adopt(Stable.of(start.certificate, seat.members))
        self._ordering.advance_all()

    # -- what others may see --------------------------------------------------------------------

    @property
    def mode(self) -> Mode:
        """What this member is doing."""
        if self._halted:
            return Mode.HALTED
        if self._ending.ended:
            return Mode.ENDED
        return Mode.ACTIVE if self._ordering.active else Mode.CHANGING

    @property
    def view(self) -> int:
        """The view this member is in, or has promised."""
        return self._views.view

    @property
    def lost(self) -> bool:
        """Whether this member has lost its ballots and says nothing yet (R-DW-4)."""
        return self._recollection.lost

    @property
    def primary(self) -> str:
        """The id of that view's primary."""
        return self._seat.members.primary(self._views.view).id

    @property
    def executed(self) -> int:
        """The last height the driver executed."""
        return self._ordering.executed

    @property
    def stable(self) -> int:
        """The height of the newest proven checkpoint."""
        return self._stable.height

    @property
    def proven(self) -> Certificate | None:
        """The certificate of that checkpoint, whoever gave it; None where the epoch began. Who
        must catch up may need it (R-CP-4): below it nobody votes any more.
        """
        stable, seat = self._stable, self._seat
        return stable.certificate(seat.origin, seat.members) if stable.height > seat.base else None

    @property
    def pending(self) -> int:
        """How many transactions wait."""
        return len(self._pool)

    # -- the one entrance -----------------------------------------------------------------------

    def step(self, event: inputs.Input) -> list[Effect]:
        """Take one input; return what is to be done, in order.

        Raises: InvariantViolated, on our own bug only: the node must stop then.
        """
        if not self._halted:
            _HANDLERS[type(event)](self, event)
            self._settle()
        return self._outbox.take()

    def _settle(self) -> None:
        """After every input: act on a suspicion, propose what may be proposed, report what was
        found.
        """
        ordering = self._ordering
        if ordering.silent:
            ordering.suspicion = ""
        if ordering.suspicion and ordering.active:
            self._findings.add(Suspicion(self.primary, ordering.suspicion))
            self._leave(self._views.view + 1)
        if not self._ending.ended:
            ordering.propose()
            ordering.order()
        for finding in self._findings.take():
            self._outbox.emit(Report(finding))
        self._ending.conclude(self._stable)

    def _deliver(self, event: inputs.Deliver) -> None:
        """Decode, look up what is legal now, hand over; a sender's fault is noted (R-RS-4)."""
        if event.sender == self._seat.me:
            return
        if event.sender not in self._seat.members:
            self._stragglers.on_stranger(event.sender, event.data, self._tick)
            return
        if self._offences.silenced(event.sender, self._tick):
            return
        try:
            message = decode(event.data)
            epoch = getattr(message, "epoch", None)
            if epoch is not None and epoch != self._seat.epoch:
                if isinstance(message, Status):
                    self._stragglers.on_status(event.sender, message, self._tick)
                return
            if epoch is not None:  # who is still in the epoch before is of no help in this one
                self._watching.heard(event.sender, self._tick)
            handler = LEGAL.get((self.mode, type(message)))
            if handler is not None:
                getattr(self, f"_{handler}")(event.sender, message)
        except (Malformed, PeerFault) as fault:
            self._findings.add(self._offences.add(event.sender, fault))

    # -- messages -------------------------------------------------------------------------------

    def _on_pre_prepare(self, sender: str, message: PrePrepare) -> None:
        self._ordering.on_pre_prepare(self._seat.members.index(sender), message)

    def _on_prepare(self, sender: str, message: Prepare) -> None:
        self._ordering.on_vote(PREPARE, self._seat.members.index(sender), message)

    def _on_commit(self, sender: str, message: Commit) -> None:
        self._ordering.on_vote(COMMIT, self._seat.members.index(sender), message)

    def _on_committed(self, sender: str, message: Committed) -> None:
        if self._ordering.on_committed(sender, message):
            self._shown.in_committed(message)

    def _on_view_change(self, sender: str, message: ViewChange) -> None:
        self._views.on_view_change(sender, message, self._tick)
        self._shown.in_view_changes((message,) if self._views.holds(message) else ())
        self._consider_views()

    def _on_new_view(self, sender: str, message: NewView) -> None:
        choice = self._views.on_new_view(
            sender, message, self._ordering.active, self._tick, self._recollection.lost
        )
        self._shown.in_view_changes(message.view_changes if choice is not None else ())
        if choice is not None:
            self._enter(message, choice)

    def _on_stable_proof(self, sender: str, message: StableProof) -> None:
        if message.stable.height > self._stable.height:
            check_stable(message.stable, self._seat)
            self._shown.in_stable(message.stable)
            self._adopt(message.stable)

    def _on_status(self, sender: str, message: Status) -> None:
        self._catch_up.on_status(sender, message, self._tick, self._stable)

    def _on_recall(self, sender: str, message: Recall) -> None:
        self._views.remind(sender)
        self._recollection.answer(sender, message, self._views.view, self._stable)

    def _on_recalled(self, sender: str, message: Recalled) -> None:
        if self._recollection.on_recalled(sender, message):
            self._shown.in_stable(message.stable)
            # At and below what is proven no vote can count: none is given, whatever is remembered.
            self._adopt(message.stable)
        if self._recollection.may_speak():
            self._ordering.advance_all()
            self._consider_views()
        self._recollect()

    def _on_fetch(self, sender: str, message: Fetch) -> None:
        self._catch_up.on_fetch(sender, message)

    def _on_batches(self, sender: str, message: Batches) -> None:
        for batch in message.batches:
            for slot in self._ordering.bodies.take_batch(batch):
                self._ordering.claim(slot.content())
                self._ordering.advance(slot)

    def _on_overdue(self, sender: str, message: Overdue) -> None:
        self._watching.on_overdue(sender, message)
        self._on_transactions(sender, message)

    def _on_settled(self, sender: str, message: Settled) -> None:
        self._watching.on_settled(sender, message)

    def _on_transactions(self, sender: str, message: Transactions | Overdue) -> None:
        self._intake.take_in(sender, message.raws, self._tick)

    # -- the driver's words ---------------------------------------------------------------------

    def _submit(self, event: inputs.Submit) -> None:
        if self._ending.ended:
            digests = tuple([one.digest for one in event.transactions])
            self._outbox.emit(Refused(digests, "epoch-ended"))
            return
        self._intake.submit(event.transactions, self._tick)

    def _checked(self, event: inputs.Checked) -> None:
        self._intake.checked(event)

    def _stored(self, event: inputs.Stored) -> None:
        for commit in self._outbox.stored(event.number):
            self._ordering.on_own_commit(commit)

    def _executed(self, event: inputs.Executed) -> None:
        if event.height != self._ordering.ordered or event.height != self._ordering.executed + 1:
            raise InvariantViolated(f"height {event.height} was not the one ordered")
        self._ordering.on_executed(
            event.height, self._ending.decided(event.height, event.next_epoch)
        )

    def _certified(self, event: inputs.Certified) -> None:
        if event.height != event.certificate.checkpoint.size:
            raise InvariantViolated("the certificate is of another height")
        self._adopt(Stable.of(event.certificate, self._seat.members))

    def _installed(self, event: inputs.Installed) -> None:
        known = event.certificate
        if known is not None and known.checkpoint.size > self._seat.base:  # of this set (R-MB-2)
            self._adopt(Stable.of(known, self._seat.members))
        ends_epoch = self._ending.decided(event.height, event.next_epoch)
        self._ordering.on_installed(event.height, event.time, event.digests, ends_epoch)

    # -- time -----------------------------------------------------------------------------------

    def _tick_passed(self, event: inputs.Tick) -> None:
        if event.tick <= self._tick:
            return
        self._tick = self._ordering.tick = event.tick
        self._ordering.wall_ms = event.wall_ms
        settings = self._settings
        if self._ending.ended:
            return  # only who asks is answered
        self._catch_up.on_tick(event.tick, self._stable)
        self._recollection.on_tick(event.tick, event.wall_ms)
        if event.tick % settings.status_ticks == 0:
            gone = self._pool.expire(max(event.wall_ms, self._ordering.last_time))
            if gone:
                self._outbox.emit(Refused(tuple(gone), "expired"))
        if self._ordering.active:
            self._ordering.resend(settings.resend_ticks)
            verdict = self._watching.look(event.tick, self._stable.height, self._views.is_left())
            if verdict:
                self._ordering.suspicion = verdict
        else:
            self._views.resend(event.tick, settings.resend_ticks)
            self._watching.remind(event.tick)
            self._consider_views()
            if self._patience.new_view_overdue(event.tick) and not self._ordering.silent:
                self._leave(self._views.view + 1)

    # -- views ----------------------------------------------------------------------------------

    def _leave(self, view: int) -> None:
        self._ordering.leave(view)
        self._patience.left()
        prepared = self._ordering.prepared_certificates()
        self._views.leave(view, self._stable, prepared, self._tick)
        self._consider_views()

    def _consider_views(self) -> None:
        """Join, start the clock, or start the view, whatever the VIEW-CHANGEs seen allow."""
        if self._ordering.silent:
            return
        # Each round promises a later view that f+1 others already want: at most one round per
        # member (R-TL-10).
        for _ in range(self._seat.members.n):
            view = self._views.to_join()
            if view is None:
                break
            self._ordering.leave(view)
            self._patience.left()
            prepared = self._ordering.prepared_certificates()
            self._views.leave(view, self._stable, prepared, self._tick)
        if self._ordering.active:
            return
        if self._views.quorum_left():
            self._patience.quorum_left(self._tick)
            started = self._views.build()
            if started is not None:
                self._enter(*started)

    def _enter(self, new_view: NewView, choice: Choice) -> None:
        self._adopt(choice.stable)
        self._patience.entered()
        self._patience.tenure.entered(self._tick)
        self._ordering.enter(new_view, choice.stable.height, self._views.entered_record)

    def _recollect(self) -> None:
        """Speak again, once nothing said before the ballots were lost can matter (R-DW-4)."""
        view = self._views.view
        first = self._recollection.found(self._stable.height, view)
        if first is not None and not (self._ordering.active and view >= first):
            self._leave(max(first, view) + 1)  # either may have been promised before

    # -- the stable checkpoint ------------------------------------------------------------------

    def _adopt(self, stable: Stable) -> None:
        """Make a proven checkpoint the low mark; write a Base record from time to time (R-CP-2)."""
        if stable.height <= self._stable.height:
            return
        self._stable = stable
        ordering = self._ordering
        self._ballots.forget_below(
            stable.height, ordering.view if ordering.active else ordering.view - 1
        )
        ordering.on_stable(stable.height)
        if stable.height - self._based >= max(1, self._settings.window // 4):
            self._write_base()
        self._recollect()

    def _write_base(self) -> None:
        self._based = self._stable.height
        views = self._views
        # Not the ordering's word: a NEW-VIEW may be on record already whose slots are not yet laid
        # out.
        active = views.view == 0 or views.has_started(views.view)
        record = Base(
            self._seat.epoch, views.view, active, self._stable, views.promised, views.entered
        )
        number = self._outbox.store(RECORD.encode(record))
        needed = [slot.oldest_record for slot in self._ordering.log if slot.oldest_record]
        if self._recollection.lost:
            needed.append(self._recollection.record)
        # Not durable yet: the driver may discard only what it would still have after a power cut.
        self._outbox.discard_after(number, min([number, *needed]))

    def halt(self, reason: str) -> list[Effect]:
        """Stop for good: the own Certifier found this node contradicting a quorum (R-DT-4)."""
        self._halted = True
        self._outbox.emit(Halt(reason))
        return self._outbox.take()


# One handler for each input; a key that is absent is a bug of the driver and raises KeyError in
# its face.
_HANDLERS: dict[type[Any], Callable[[Replica, Any], None]] = {
    inputs.Submit: Replica._submit,
    inputs.Deliver: Replica._deliver,
    inputs.Tick: Replica._tick_passed,
    inputs.Stored: Replica._stored,
    inputs.Checked: Replica._checked,
    inputs.Executed: Replica._executed,
    inputs.Certified: Replica._certified,
    inputs.Installed: Replica._installed,
}
