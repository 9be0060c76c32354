"""The normal case: pre-prepare, prepare, commit; several in flight; blocks ordered one by one.

A backup accepts the first valid pre-prepare of a (view, sequence) (R-Q-5) and votes when it holds
all bodies, checked (R-Q-6). A prepared certificate is the pre-prepare and q−1 PREPAREs of backups
(R-Q-3); q COMMITs of one view decide. Ordered(h+1) waits for Executed(h): the last height of an
epoch is then the same everywhere, whatever was in flight (R-MB-1, R-CP-8).

Block time = max(proposed, previous + 1 ms). The clock judges a fresh proposal only; a re-proposed
batch keeps its time, because its digest binds it (R-DT-3). What it is not: choosing what a new
view proposes (new_view.py), or when to give up on a primary (patience.py). Source: PBFT 4.2.
"""

from __future__ import annotations

from consensus.ballots import Ballots
from consensus.bodies import Bodies
from consensus.effects import Effect, Halt, Ordered
from consensus.epoch import COMMIT, PRE_PREPARE, PREPARE, Seat
from consensus.evidence import Evidence, Findings, Statement
from consensus.inputs import Start
from consensus.messages import (
    NULL_DIGEST,
    Batch,
    Commit,
    Committed,
    NewView,
    Prepare,
    PreparedCertificate,
    PrePrepare,
    encode,
)
from consensus.new_view import check_committed
from consensus.outbox import Outbox
from consensus.patience import Patience
from consensus.pool import Pool
from consensus.records import RECORD, Accepted, Prepared
from consensus.settings import Settings
from consensus.slots import Content, Proposed, Slot, SlotLog, Vote
from ledger.errors import PeerFault

__all__ = ["Ordering"]


class Ordering:
    """The three phases of one member, between its low and high watermark."""

    def __init__(
        self,
        seat: Seat,
        settings: Settings,
        ballots: Ballots,
        outbox: Outbox[Effect, Commit],
        pool: Pool,
        patience: Patience,
        findings: Findings,
        start: Start,
    ) -> None:
        self._seat = seat
        self._settings = settings
        self._ballots = ballots
        self._outbox = outbox
        self._pool = pool
        self._patience = patience
        self._findings = findings
        self.log = SlotLog(seat.base, settings.window)
        self.bodies = Bodies(self.log, pool)
        self.view = 0
        self.active = True
        self.ordered = start.height  # the last height given to the driver
        self.executed = start.height  # the last height it answered
        self.last_time = start.time  # of the last ordered block, ms
        self.last: int | None = None  # the epoch's last height, once known
        self.next_sequence = start.height + 1
        self._entered_record = 0  # where the proposals of this view's NEW-VIEW are written
        self.silent = False  # the ballots are lost: listen and execute, sign nothing (R-DW-4)
        self.held = False  # blocks are being fetched: order nothing
        self.suspicion = ""  # why the primary of this view is not waited for any longer
        self.tick = 0
        self.wall_ms = 0

    # -- entering and leaving a view ------------------------------------------------------------

    def leave(self, view: int) -> None:
        """Stop voting; `view` is the one promised. Its votes may come before its NEW-VIEW and are
        kept.
        """
        self.view = view
        self.active = False
        self.suspicion = ""

    def enter(self, new_view: NewView, top: int, record: int) -> None:
        """Start a view with what its NEW-VIEW proposes; `top` is the last height that needs no
        proposal, `record` the number under which the NEW-VIEW becomes durable.
        """
        self.view = new_view.view
        self._entered_record = record
        self.active = True
        self.suspicion = ""
        self._pool.unclaim_all()
        for slot in self.log:
            slot.proposed = None
        for one in new_view.proposals:
            top = max(top, one.sequence)
            if not self.log.holds(one.sequence):
                continue
            slot = self.log.open(one.sequence, self.tick)
            slot.proposed = Proposed(new_view.view, one.digest, one.signature)
            slot.touched = self.tick
            if one.digest == NULL_DIGEST:
                self.bodies.add_null(slot)
        for slot in self.log:
            slot.prune()
            self.claim(slot.content())
        self.bodies.tidy()
        self.next_sequence = max(top, self.log.low, self.ordered) + 1
        self.advance_all()

    def advance_all(self) -> None:
        """Look at every slot again: marks, view or bodies have changed."""
        for slot in self.log:
            self.advance(slot)
        self.order()

    # -- proposing ------------------------------------------------------------------------------

    def is_primary(self) -> bool:
        """Say whether this member leads the current view."""
        leads = self._seat.primary(self.view) == self._seat.index
        return self.active and leads and not self.silent

    def propose(self) -> None:
        """Propose what is ready: at once with nothing in flight, else in full batches or after a
        wait.
        """
        while self.is_primary() and self._may_propose():
            count = 0 if self._seat.opens(self.next_sequence) else self._settings.batch_count
            chosen = self._pool.batch(count, self._settings.batch_size)
            batch = Batch(self.wall_ms, b"".join([one.digest for one in chosen]))
            digest = batch.digest()
            sequence = self.next_sequence
            signature = self._ballots.sign(PRE_PREPARE, self.view, sequence, digest)
            self.next_sequence += 1
            slot = self.log.open(sequence, self.tick)
            slot.proposed = Proposed(self.view, digest, signature)
            slot.touched = self.tick
            self.claim(self.bodies.add(slot, batch, digest))
            message = PrePrepare(self._seat.epoch, self.view, sequence, batch, signature)
            record = Accepted(message, tuple([one.raw for one in chosen]), b"")
            slot.stored(self._outbox.store(RECORD.encode(record)))
            self._outbox.send_after(slot.newest_record, self._seat.others(), encode(message))
            self.advance(slot)

    def _may_propose(self) -> bool:
        settings, pool = self._settings, self._pool
        opening = self._seat.opens(self.next_sequence)
        if self.held or self.last is not None or not self.wall_ms or not (opening or pool.ready):
            return False
        in_flight = self.next_sequence - 1 - self.executed
        if self.next_sequence > self.log.high or in_flight >= settings.pipeline:
            return False
        if opening or in_flight <= 0:
            return True
        if len(pool.ready) >= settings.batch_fill or pool.ready_size >= settings.batch_size:
            return True
        oldest = next(iter(pool.ready.values()))
        return self.tick - oldest.since >= settings.batch_wait_ticks

    def claim(self, content: Content | None) -> None:
        """What a proposal names is not proposed again."""
        for name in content.names if content is not None else ():
            self._pool.claim(name)

    # -- votes of others ------------------------------------------------------------------------

    def on_pre_prepare(self, sender: int, message: PrePrepare) -> None:
        """Accept the first valid proposal of this view for a sequence. Raises: PeerFault."""
        member = self._seat.members.members[sender].id
        if message.view != self.view or not self.log.holds(message.sequence):
            return
        if sender != self._seat.primary(self.view):
            raise PeerFault(member, "not-primary")
        digest = message.batch.digest()
        slot = self.log.open(message.sequence, self.tick)
        if slot.proposed is not None:
            self._on_repeated(member, slot, slot.proposed, message, digest)
            return
        self._judge_fresh(member, message)
        if not self._seat.vote_holds(
            sender, PRE_PREPARE, message.view, message.sequence, digest, message.signature
        ):
            raise PeerFault(member, "bad-signature")
        slot.proposed = Proposed(message.view, digest, message.signature)
        slot.touched = self.tick
        self.claim(self.bodies.add(slot, message.batch, digest))
        self.advance(slot)
        self.order()

    def _on_repeated(
        self, member: str, slot: Slot, known: Proposed, message: PrePrepare, digest: bytes
    ) -> None:
        if digest == known.digest:
            if digest not in slot.contents:  # proposed by a NEW-VIEW, which names digests only
                self.claim(self.bodies.add(slot, message.batch, digest))
                self.advance(slot)
                self.order()
            return
        place = (message.view, message.sequence)
        sender = self._seat.members.index(member)
        if not self._seat.vote_holds(sender, PRE_PREPARE, *place, digest, message.signature):
            raise PeerFault(member, "bad-signature")
        self._conflict(
            member,
            PRE_PREPARE,
            slot.sequence,
            Vote(known.view, known.digest, known.signature),
            Vote(message.view, digest, message.signature),
        )
        self.suspicion = "equivocation"  # R-Q-5

    def _judge_fresh(self, member: str, message: PrePrepare) -> None:
        """R-DT-3: only here does the clock judge a time."""
        opening = self._seat.opens(message.sequence)
        if message.batch.digests and opening:
            self.suspicion = "not-opening"
            raise PeerFault(member, "not-opening")
        if not (message.batch.digests or opening):
            raise PeerFault(member, "empty-proposal")
        if abs(message.batch.time - self.wall_ms) > self._settings.drift_ms:
            raise PeerFault(member, "untimely-proposal")

    def on_vote(self, kind: str, sender: int, message: Prepare | Commit) -> None:
        """Keep a PREPARE or COMMIT of this view or a later one. Raises: PeerFault."""
        if message.view < self.view or not self.log.holds(message.sequence):
            return
        slot = self.log.get(message.sequence)
        if slot is not None and self._is_settled(kind, slot, message):
            return  # enough of them: save the signature check
        if not self._seat.vote_holds(
            sender, kind, message.view, message.sequence, message.digest, message.signature
        ):
            raise PeerFault(self._seat.members.members[sender].id, "bad-signature")
        slot = self.log.open(message.sequence, self.tick)
        if self._count(kind, sender, slot, Vote(message.view, message.digest, message.signature)):
            self.advance(slot)
            self.order()

    def _is_settled(self, kind: str, slot: Slot, message: Prepare | Commit) -> bool:
        proposed = slot.proposed
        if proposed is None or (proposed.view, proposed.digest) != (message.view, message.digest):
            return False
        if kind == PREPARE:
            return slot.commit_view == message.view
        return slot.decided is not None

    def on_own_commit(self, message: Commit) -> None:
        """The own COMMIT is durable: from now on it counts."""
        slot = self.log.get(message.sequence)
        if slot is not None:
            vote = Vote(message.view, message.digest, message.signature)
            slot.add(COMMIT, self._seat.index, vote)
            self.advance(slot)
            self.order()

    def on_committed(self, sender: str, message: Committed) -> bool:
        """Take a commit certificate: final (R-VC-9); say if it was of use. Raises: Malformed."""
        # Counted from what is ordered, not from the low mark: a member far behind a checkpoint
        # must not be made to hold everything in between (R-RS-1).
        if not self.ordered < message.sequence <= self.ordered + 2 * self.log.window:
            return False
        slot = self.log.get(message.sequence)
        if slot is not None and slot.decided is not None:
            return False
        digest = check_committed(message, self._seat)
        slot = self.log.open(message.sequence, self.tick)
        slot.decided = message
        for seal in message.commits:
            if seal.member != self._seat.index:
                self._count(COMMIT, seal.member, slot, Vote(message.view, digest, seal.signature))
        self.bodies.add(slot, message.batch, digest)
        self.order()
        return True

    def _count(self, kind: str, place: int, slot: Slot, vote: Vote) -> bool:
        """Keep a verified vote; report the one it contradicts, if it does, and say so."""
        known = slot.add(kind, place, vote)
        if known is not None:
            self._conflict(self._seat.members.members[place].id, kind, slot.sequence, known, vote)
        return known is None

    def _conflict(self, member: str, kind: str, sequence: int, first: Vote, second: Vote) -> None:
        statements = [
            Statement(kind, self._seat.epoch, one.view, sequence, one.digest, one.signature)
            for one in (first, second)
        ]
        self._findings.add(Evidence(member, *statements))

    # -- own votes ------------------------------------------------------------------------------

    def advance(self, slot: Slot) -> None:
        """Cast the votes that a slot is ready for."""
        proposed = slot.proposed
        if not self.active or proposed is None:
            return
        content = slot.contents.get(proposed.digest)
        if content is None:
            return
        if content.invalid:
            self.suspicion = "invalid-transaction"
            return
        may_vote = self.log.low < slot.sequence <= self.log.high and not self.silent
        if may_vote and not content.lacking:
            self._prepare(slot, proposed, content)
            self._commit(slot, proposed)
        self._decide(slot, proposed, content)

    def _prepare(self, slot: Slot, proposed: Proposed, content: Content) -> None:
        seat = self._seat
        own = slot.prepares.get(seat.index)
        if seat.primary(proposed.view) == seat.index or (own and own.view == proposed.view):
            return
        place = (proposed.view, slot.sequence, proposed.digest)
        signature = self._ballots.sign(PREPARE, *place)
        record = Accepted(
            PrePrepare(seat.epoch, proposed.view, slot.sequence, content.batch, proposed.signature),
            tuple([content.bodies[name].raw for name in content.names]),
            signature,
        )
        slot.stored(self._outbox.store(RECORD.encode(record)))
        slot.add(PREPARE, seat.index, Vote(proposed.view, proposed.digest, signature))
        message = encode(Prepare(seat.epoch, *place, signature))
        self._outbox.send_after(slot.newest_record, seat.others(), message)

    def _commit(self, slot: Slot, proposed: Proposed) -> None:
        seat = self._seat
        if slot.commit_view == proposed.view:
            return
        need = seat.members.q - 1
        primary = seat.primary(proposed.view)
        prepares = slot.seals(PREPARE, proposed.view, proposed.digest, need, primary)
        if len(prepares) < need:
            return
        place = (proposed.view, slot.sequence, proposed.digest)
        slot.prepared = PreparedCertificate(*place, proposed.signature, prepares)
        signature = self._ballots.sign(COMMIT, *place)
        slot.commit_view = proposed.view
        slot.stored(self._outbox.store(RECORD.encode(Prepared(slot.prepared, signature))))
        commit = Commit(seat.epoch, *place, signature)
        self._outbox.count_after(slot.newest_record, commit)
        self._outbox.send_after(slot.newest_record, seat.others(), encode(commit))

    def prepared_certificates(self) -> tuple[PreparedCertificate, ...]:
        """Return P: above the low mark, the certificate of the highest view for each sequence
        (R-VC-1).
        """
        above = [slot.prepared for slot in self.log if slot.sequence > self.log.low]
        return tuple([one for one in above if one is not None])

    def resend(self, every: int) -> None:
        """Send the own votes of slots that stay undecided again, identically."""
        seat = self._seat
        for slot in self.log:
            proposed = slot.proposed
            if not self.active or proposed is None or slot.decided is not None:
                continue
            # Recovered marks may lie below those of the vote: then it waits for them (R-CP-1).
            voting = self.log.low < slot.sequence <= self.log.high
            if not voting or self.tick - slot.touched < every:
                continue
            slot.touched = self.tick
            # A primary's proposals of its NEW-VIEW have no record of their own (R-DW-1).
            needed = max(slot.newest_record, self._entered_record)
            for message in slot.own_words(seat):
                self._outbox.send_again(needed, seat.others(), encode(message))

    def _decide(self, slot: Slot, proposed: Proposed, content: Content) -> None:
        if slot.decided is not None:
            return
        commits = slot.seals(COMMIT, proposed.view, proposed.digest, self._seat.members.q)
        if commits:
            slot.decided = Committed(
                self._seat.epoch, proposed.view, slot.sequence, content.batch, commits
            )

    # -- ordering and executing -----------------------------------------------------------------

    def order(self) -> None:
        """Give the next decided block to the driver, if it has executed the one before."""
        if self.ordered > self.executed or self.held or self.last is not None:
            return
        slot = self.log.get(self.ordered + 1)
        if slot is None or slot.decided is None:
            return
        content = slot.contents[slot.decided.batch.digest()]
        if content.invalid:
            self._outbox.emit(Halt(f"a quorum committed an invalid batch at {slot.sequence}"))
            self.held = True
            return
        if content.lacking:
            return
        transactions = content.transactions()
        for transaction in transactions:
            self._pool.order(transaction)
        self.ordered += 1
        self.next_sequence = max(self.next_sequence, self.ordered + 1)
        self.last_time = max(content.batch.time, self.last_time + 1)
        if transactions:
            self._patience.progress(self.tick)
        self._outbox.emit(Ordered(self.ordered, self._seat.epoch, self.last_time, transactions))

    def on_executed(self, height: int, ends_epoch: bool) -> None:
        """The driver executed the block it was given."""
        self.executed = height
        if ends_epoch:
            self.last = height
        self._drop_settled()
        self.order()

    def on_installed(
        self, height: int, time: int, digests: tuple[bytes, ...], ends_epoch: bool
    ) -> None:
        """The driver fetched and executed blocks up to a height (R-CP-5: never backward)."""
        self.held = False
        if ends_epoch:
            self.last = height
        if height > self.ordered:
            self.ordered = self.executed = height
            self.last_time = time
            self.next_sequence = max(self.next_sequence, height + 1)
            self._pool.forget(digests)
            self._drop_settled()
        self.advance_all()

    def on_stable(self, height: int) -> None:
        """The low mark rises; slots that may now be voted in are looked at again (R-TL-9)."""
        if height <= self.log.low:
            return
        self.log.raise_low(height)
        self.next_sequence = max(self.next_sequence, height + 1)
        self._drop_settled()
        self.advance_all()

    def _drop_settled(self) -> None:
        gone = self.log.drop_to(min(self.log.low, self.executed))
        # Far behind what is certified, a member fetches blocks: what lies between is not needed.
        gone += self.log.drop_between(self.executed + self.log.window, self.log.low)
        for slot in gone:
            for content in slot.contents.values():
                self._pool.let_go(content.names)
        if gone:
            self.bodies.tidy()
