"""One member's replica: step(input) -> effects. Dispatch only; each rule lives in the part it
names.

Total: any bytes may come in; what is wrong with them becomes a finding, never an exception. The
one exception is InvariantViolated: our own bug, or a damaged store. Deterministic: the same inputs
give the same effects. Source: PBFT (OSDI'99) section 4; models.md 4.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from consensus import inputs
from consensus.ballots import Ballots
from consensus.catch_up import CatchUp, portions
from consensus.effects import Check, Effect, EpochEnded, Halt, Refused, Report
from consensus.epoch import COMMIT, PREPARE, Epoch, Seat
from consensus.evidence import Findings, Suspicion
from consensus.inputs import Start
from consensus.legality import LEGAL, Mode
from consensus.messages import (
    Batches,
    Commit,
    Committed,
    Fetch,
    NewView,
    Prepare,
    PrePrepare,
    Stable,
    StableProof,
    Status,
    Transactions,
    ViewChange,
    decode,
    encode,
)
from consensus.new_view import Choice, check_stable
from consensus.ordering import Ordering
from consensus.outbox import Outbox
from consensus.patience import Patience
from consensus.pool import Pool
from consensus.records import RECORD, Base
from consensus.recovery import fold, resume
from consensus.settings import FORWARD_MAX, Settings
from consensus.view_change import ViewChanges
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
        self._outbox: Outbox[Effect, Commit] = Outbox(recovered.last_number)
        self._pool = Pool(settings)
        self._patience = Patience(settings)
        ballots = self._ballots = Ballots(seat, signer)
        self._ordering = Ordering(
            seat,
            settings,
            ballots,
            self._outbox,
            self._pool,
            self._patience,
            self._findings,
            start.height,
            start.time,
        )
        self._views = ViewChanges(seat, ballots, self._outbox, self._findings)
        resume(recovered, seat, ballots, self._ordering, self._views, self._pool)
        self._catch_up = CatchUp(seat, settings, self._outbox, self._ordering, self._views)
        self._stable = recovered.stable
        self._based = recovered.stable.height  # the stable height of the newest Base record
        self._tick = 0
        self._forwarded = 0
        self._token = 0
        self._checks: dict[int, list[bytes]] = {}
        self._heard: dict[str, int] = {}  # tick of the last bytes from each member
        self._next_epoch = start.next_epoch
        self._ordering.last = start.height if start.next_epoch is not None else None
        self._ended = self._halted = False
        if start.certificate is not None and start.certificate.checkpoint.size > epoch.base:
            self._adopt(Stable.of(start.certificate, seat.members))
        self._ordering.advance_all()
        self._end_if_certified()

    # -- what others may see --------------------------------------------------------------------

    @property
    def mode(self) -> Mode:
        """What this member is doing."""
        if self._halted:
            return Mode.HALTED
        if self._ended:
            return Mode.ENDED
        return Mode.ACTIVE if self._ordering.active else Mode.CHANGING

    @property
    def view(self) -> int:
        """The view this member is in, or has promised."""
        return self._views.view

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
        if ordering.suspicion and ordering.active:
            self._findings.add(Suspicion(self.primary, ordering.suspicion))
            self._leave(self._views.view + 1)
        if not self._ended:
            ordering.propose()
            ordering.order()
        for finding in self._findings.take():
            self._outbox.emit(Report(finding))

    def _deliver(self, event: inputs.Deliver) -> None:
        """Decode, look up what is legal now, hand over. A fault of the sender is noted, nothing
        else (R-RS-4).
        """
        members = self._seat.members
        if members.get(event.sender) is None or event.sender == self._seat.me:
            return
        self._heard[event.sender] = self._tick
        try:
            message = decode(event.data)
            if getattr(message, "epoch", self._seat.epoch) != self._seat.epoch:
                return  # of another epoch: whoever needs it has a machine for it
            handler = LEGAL.get((self.mode, type(message)))
            if handler is not None:
                getattr(self, f"_{handler}")(event.sender, message)
        except Malformed as error:
            self._findings.add(Suspicion(event.sender, f"malformed-{error.field}"))
        except PeerFault as fault:
            self._findings.add(Suspicion(fault.member, fault.reason))

    # -- messages -------------------------------------------------------------------------------

    def _on_pre_prepare(self, sender: str, message: PrePrepare) -> None:
        self._ordering.on_pre_prepare(self._seat.members.index(sender), message)

    def _on_prepare(self, sender: str, message: Prepare) -> None:
        self._ordering.on_vote(PREPARE, self._seat.members.index(sender), message)

    def _on_commit(self, sender: str, message: Commit) -> None:
        self._ordering.on_vote(COMMIT, self._seat.members.index(sender), message)

    def _on_committed(self, sender: str, message: Committed) -> None:
        self._ordering.on_committed(sender, message)

    def _on_view_change(self, sender: str, message: ViewChange) -> None:
        self._views.on_view_change(message)
        self._consider_views()

    def _on_new_view(self, sender: str, message: NewView) -> None:
        place = self._seat.members.index(sender)
        choice = self._views.on_new_view(place, message, self._ordering.active)
        if choice is not None:
            self._enter(message, choice)

    def _on_stable_proof(self, sender: str, message: StableProof) -> None:
        if message.stable.height > self._stable.height:
            check_stable(message.stable, self._seat)
            self._adopt(message.stable)

    def _on_status(self, sender: str, message: Status) -> None:
        self._catch_up.on_status(sender, message, self._tick, self._stable)

    def _on_fetch(self, sender: str, message: Fetch) -> None:
        self._catch_up.on_fetch(sender, message)

    def _on_batches(self, sender: str, message: Batches) -> None:
        for batch in message.batches:
            for slot in self._ordering.bodies.take_batch(batch):
                self._ordering.claim(slot.content())
                self._ordering.advance(slot)

    def _on_transactions(self, sender: str, message: Transactions) -> None:
        new = self._pool.take_in(message.raws, sender, self._tick, self._ordering.bodies.wanted)
        if new:
            self._token += 1
            self._checks[self._token] = [digest for digest, _ in new]
            self._outbox.emit(Check(self._token, tuple([raw for _, raw in new])))

    # -- the driver's words ---------------------------------------------------------------------

    def _submit(self, event: inputs.Submit) -> None:
        if self._ended:
            digests = tuple([one.digest for one in event.transactions])
            self._outbox.emit(Refused(digests, "epoch-ended"))
            return
        new, refused = self._pool.submit(event.transactions, self._seat.me, self._tick)
        if refused:
            self._outbox.emit(Refused(tuple(refused), "pool-full"))
        self._spread([one.raw for one in new])
        for one in new:
            self._supply(one.digest)

    def _spread(self, raws: list[bytes]) -> None:
        for portion in portions(raws):
            self._outbox.send(self._seat.others(), encode(Transactions(portion)))

    def _checked(self, event: inputs.Checked) -> None:
        digests = self._checks.pop(event.token, None)
        if digests is None or len(digests) != len(event.transactions):
            raise InvariantViolated(f"check {event.token} was not asked, or not answered in full")
        for digest, transaction in zip(digests, event.transactions, strict=True):
            if transaction is not None:
                self._pool.check_done(digest, transaction)
                self._supply(digest)
                continue
            self._pool.check_failed(digest)
            for slot in self._ordering.bodies.fail(digest):
                self._ordering.advance(slot)

    def _supply(self, digest: bytes) -> None:
        if digest in self._ordering.bodies.wanted:
            body = self._pool.get(digest)
            if body is not None:
                for slot in self._ordering.bodies.supply(digest, body):
                    self._ordering.advance(slot)

    def _stored(self, event: inputs.Stored) -> None:
        for commit in self._outbox.stored(event.number):
            self._ordering.on_own_commit(commit)

    def _executed(self, event: inputs.Executed) -> None:
        if event.height != self._ordering.ordered or event.height != self._ordering.executed + 1:
            raise InvariantViolated(f"height {event.height} was not the one ordered")
        self._next_epoch = event.next_epoch
        self._ordering.on_executed(event.height, event.next_epoch is not None)
        self._end_if_certified()

    def _certified(self, event: inputs.Certified) -> None:
        if event.height != event.certificate.checkpoint.size:
            raise InvariantViolated("the certificate is of another height")
        self._adopt(Stable.of(event.certificate, self._seat.members))

    def _installed(self, event: inputs.Installed) -> None:
        if event.certificate is not None:
            self._adopt(Stable.of(event.certificate, self._seat.members))
        ends_epoch = event.next_epoch is not None
        self._next_epoch = event.next_epoch
        self._ordering.on_installed(event.height, event.time, event.digests, ends_epoch)
        self._end_if_certified()

    # -- time -----------------------------------------------------------------------------------

    def _tick_passed(self, event: inputs.Tick) -> None:
        if event.tick <= self._tick:
            return
        self._tick = self._ordering.tick = event.tick
        self._ordering.wall_ms = event.wall_ms
        settings = self._settings
        self._catch_up.on_tick(event.tick, self._stable)
        if self._ended:
            return
        if event.tick % settings.status_ticks == 0:
            gone = self._pool.expire(max(event.wall_ms, self._ordering.last_time))
            if gone:
                self._outbox.emit(Refused(tuple(gone), "expired"))
        if self._ordering.active:
            self._ordering.resend(settings.resend_ticks)
            self._watch_primary(event.tick)
        else:
            self._views.resend(event.tick, settings.resend_ticks)
            self._consider_views()
            if self._patience.new_view_overdue(event.tick):
                self._leave(self._views.view + 1)

    def _watch_primary(self, tick: int) -> None:
        """Suspect a primary that lets the oldest request, or an open proposal, wait for too long
        (R-TL-5).
        """
        ordering, patience = self._ordering, self._patience
        # Cut off from a quorum, nothing could come of leaving; and a member that left alone could
        # not return to its view when the network heals (R-TL-4).
        recent = tick - 3 * self._settings.status_ticks
        alone = sum([at >= recent for at in self._heard.values()]) < self._seat.members.q - 1
        behind = alone or self._stable.height > ordering.executed or ordering.held
        if behind or ordering.last is not None:
            patience.entered()  # not the primary's fault: nobody waits for it now
            return
        if ordering.ordered > ordering.executed:
            return  # nor is it while the own node executes
        oldest = self._pool.oldest()
        request = None if oldest is None else oldest[0]
        verdict = patience.judge(request, ordering.waiting_sequence(), tick)
        if patience.is_half_over(tick) and tick - self._forwarded >= patience.timeout // 2:
            # First make sure that everybody has it, then complain (R-TL-6).
            self._forwarded = tick
            self._spread(self._pool.oldest_raws(FORWARD_MAX))
        if verdict and not ordering.is_primary():
            ordering.suspicion = verdict

    # -- views ----------------------------------------------------------------------------------

    def _leave(self, view: int) -> None:
        self._ordering.leave(view)
        self._patience.left()
        prepared = self._ordering.prepared_certificates()
        self._views.leave(view, self._stable, prepared, self._tick)
        self._consider_views()

    def _consider_views(self) -> None:
        """Join, start the clock, or start the view, whatever the VIEW-CHANGEs seen allow."""
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
        self._ordering.enter(new_view, choice.stable.height)

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
        self._end_if_certified()

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
        # Not durable yet: the driver may discard only what it would still have after a power cut.
        self._outbox.discard_after(number, min([number, *needed]))

    def _end_if_certified(self) -> None:
        last = self._ordering.last
        if last is not None and self._next_epoch is not None and self._stable.height >= last:
            if not self._ended:
                self._ended = True
                if len(self._pool):
                    self._outbox.emit(Refused(tuple(self._pool.entries), "epoch-ended"))
                self._outbox.emit(EpochEnded(last, self._next_epoch))

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
