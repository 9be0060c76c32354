"""The driver: carries inputs to the two consensus machines, their effects to disk, peers,
execution.

One turn takes the inputs that have arrived (so many, and for so long), collects the durable records
of all steps, writes them in ONE synced batch, and only then tells the machines they are stored,
which releases the votes (R-DW-1: signed, then durable, then sent). A block is written, synced,
before it is cosigned.

At the end of an epoch it keeps the handover, drops the machines and everything that was on its way
to them, and makes those of the next (docs/PROTOCOL.md, "Epochs in the driver"). Without a seat it
follows the chain by fetching.

The driver owns no rule of the protocol: it may be slow, never wrong. Anything unexpected in a turn
halts the member: it signs nothing any more, and says why (R-DT-4).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from consensus.effects import (
    CertificateReady,
    CertifierEffect,
    Check,
    Discard,
    Effect,
    EpochEnded,
    Halt,
    NeedState,
    Ordered,
    Recollected,
    Refused,
    Report,
    Send,
    Store,
)
from consensus.evidence import Finding
from consensus.inputs import (
    Carried,
    Certified,
    CertifierTick,
    Checked,
    Executed,
    Installed,
    Rooted,
    Stored,
    Submit,
    Tick,
)
from ledger.checkpoint import Certificate
from ledger.errors import InvariantViolated
from ledger.genesis import Genesis
from ledger.transaction import Transaction
from node.archive import CERTIFIER_RECORD, ENGINE_RECORD, Archive
from node.certificates import Certificates
from node.channels import CATCH_UP, CERTIFIER, ENGINE, SNAPSHOT, Fetching, Peers, frame
from node.checking import Checking
from node.clock import TICK_SECONDS, Clock
from node.execution import Executed as ExecutedBlock
from node.execution import Executor
from node.inbox import Given, Inbox
from node.recording import Recording
from node.seats import Machines, Seats
from node.stages import Stages
from node.waiting import Waiting

__all__ = ["Driver"]

log = logging.getLogger(__name__)

# inputs of one turn, so that a flood cannot keep votes from being written
TURN_INPUTS_MAX: Final = 256
# after that a turn ends, whatever waits: ticks, clients and other peers are heard in between
TURN_SECONDS: Final = 0.02
FOLLOW_TICKS: Final = 50  # a member without a seat asks others for blocks so often

_RECORDS: Final = {ENGINE: ENGINE_RECORD, CERTIFIER: CERTIFIER_RECORD}


class Driver:
    """One member's event loop around the pure machines."""

    def __init__(
        self,
        genesis: Genesis,
        archive: Archive,
        executor: Executor,
        machines: Machines,
        clock: Clock,
        waiting: Waiting,
        stages: Stages,
        seats: Seats,
    ) -> None:
        self._archive = archive
        self.executor = executor
        self._replica = machines.replica
        self._certifier = machines.certifier
        self._seats = seats
        self._seated_in = executor.epochs.current.number  # the epoch the machines were made for
        self._incarnation = 0  # of the machines: what earlier ones asked for goes to nobody
        self._ended: EpochEnded | None = None  # to be carried out when the step is over
        self._clock = clock
        self.waiting = waiting
        self._stages = stages
        self._peers: Peers | None = None
        self._catch_up: Fetching | None = None
        self.inbox = Inbox()
        self._recording = Recording(archive)
        self._scheduled = False
        self._tick = 0
        self._checking = Checking(genesis.chain_id, stages)
        self.certificates = Certificates(archive, executor, waiting)
        self.halted: str | None = None
        self.on_executed: list[Callable[[ExecutedBlock], None]] = []
        self.on_epoch: list[Callable[[], None]] = []  # an epoch has begun, here or by catch-up
        self.on_change_over: list[Callable[[], None]] = []
        self.on_report: list[Callable[[Finding], None]] = []
        self.reports: deque[str] = deque(maxlen=256)

    def connect(self, peers: Peers, catch_up: Fetching) -> None:
        """Give the driver its ways to other members."""
        self._peers = peers
        self._catch_up = catch_up

    def start(self) -> None:
        """Begin to tick; what the machines still owe from before a restart comes with the first."""
        self._tell_root()
        self._next_tick(asyncio.get_running_loop())

    @property
    def certificate(self) -> Certificate | None:
        """The newest certificate of an executed height: what answers are proved against."""
        return self.certificates.newest

    @property
    def is_seated(self) -> bool:
        """Whether this member takes part in the present epoch."""
        return self._certifier is not None

    @property
    def is_silent(self) -> bool:
        """Whether this member lost its ballots, and votes for nothing until that is harmless
        (R-DW-4).
        """
        return self.is_seated and self._replica is not None and self._replica.lost

    # Inputs.

    def submit(self, transactions: Sequence[Transaction]) -> None:
        """Hand checked transactions of our own clients to the engine."""
        if self.is_seated:
            self._tell(ENGINE, Submit(tuple(transactions)))
        else:
            self.waiting.refused([transaction.digest for transaction in transactions], "no-seat")

    def on_frame(self, peer: str, data: bytes) -> None:
        """Take a frame from an authenticated peer."""
        if not data or self.halted is not None:
            self.inbox.dropped += 1
            return
        channel = data[0]
        if channel in (ENGINE, CERTIFIER):
            if self.inbox.deliver(channel, peer, data[1:]):
                self._schedule()
        elif channel == CATCH_UP and self._catch_up is not None:
            with self.guarded():
                self._catch_up.deliver(peer, data[1:])
        elif channel == SNAPSHOT and self._catch_up is not None:
            with self.guarded():
                self._catch_up.deliver_snapshot(peer, data[1:])

    def installed(
        self,
        height: int,
        time_ms: int,
        certificate: Certificate | None,
        digests: tuple[bytes, ...] = (),
    ) -> None:
        """Catch-up has ended: blocks up to `height` are executed, `digests` their transactions."""
        # A liar's word of a time before the block may be in it: true, but no answer rests on it.
        if certificate is not None and min(certificate.timestamps()) >= time_ms // 1000:
            self.certificates.adopt(certificate)
        if self.is_seated:
            decided = self.executor.next_epoch
            self._tell(ENGINE, Installed(height, time_ms, certificate, digests, decided))
            self._tell_root()
        elif self._seated_in != self.executor.epochs.current.number:
            with self.guarded():
                self._take_seat(Carried(ordered=digests))

    def hand_over(self, certificate: Certificate) -> None:
        """Go on into the epoch that the newest block decided, which catch-up has reached; its
        machines are made when catch-up ends. Only without a seat: machines end their epoch.
        """
        if self.is_seated:
            raise InvariantViolated("an epoch whose machines run is ended by them")
        self.executor.handed_over(certificate)
        self.certificates.adopt(certificate)

    def adopt(self, block: ExecutedBlock) -> None:
        """Note a block that was executed, here or by catch-up."""
        self.waiting.executed(block.height, block.transactions)
        for hook in self.on_executed:
            hook(block)
        self.certificates.adopt_reached()

    def change_over(self, certificate: Certificate) -> None:
        """Go on from the state of a snapshot, which the archive has put in force.

        Whoever waits is told to ask again: what was ordered in heights that are missing here is
        not known. Machines of an epoch that has ended since are dropped; those of the present one
        are made when catch-up ends.
        """
        self.executor.change_over()
        if self._seated_in != self.executor.epochs.current.number:
            self._leave_seat()
        self.waiting.abandon()
        for hook in self.on_change_over:
            hook()
        self.certificates.adopt(certificate)
        self.certificates.adopt_reached()

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Halt this member when the enclosed work fails in a way that nobody foresaw."""
        try:
            yield
        except Exception as error:
            log.critical("halted: %s", error, exc_info=True)
            self.halt(f"{type(error).__name__}: {error}")

    def _tell(self, channel: int, given: Given) -> None:
        self.inbox.append(channel, given)
        self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled and self.halted is None:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _next_tick(self, loop: asyncio.AbstractEventLoop) -> None:
        if self.halted is not None:
            return
        self._tell_time(self._tell)
        unseated = self._catch_up if not self.is_seated else None
        if unseated is not None and self._tick % FOLLOW_TICKS == 0:
            with self.guarded():
                unseated.start(self.executor.height + 1)
        loop.call_later(TICK_SECONDS, self._next_tick, loop)

    def _tell_time(self, tell: Callable[[int, Given], None]) -> None:
        self._tick += 1
        wall_ms = self._clock.wall_ms()
        tell(ENGINE, Tick(self._tick, wall_ms))
        if self.is_seated:
            tell(CERTIFIER, CertifierTick(self._tick, wall_ms // 1000))

    # One turn.

    def _turn(self) -> None:
        self._scheduled = False
        if self.halted is not None:
            return
        with self.guarded():
            end = self._clock.monotonic() + TURN_SECONDS
            for _ in range(TURN_INPUTS_MAX):
                if not self.inbox:
                    break
                self._step(*self.inbox.popleft())
                if self._clock.monotonic() >= end:
                    break
            self._flush()
        if self.inbox:
            self._schedule()

    def _step(self, channel: int, given: Any) -> None:
        machine: Any = self._replica if channel == ENGINE else self._certifier
        if machine is None:
            return
        with self._stages.measure("consensus"):
            effects: Sequence[Effect | CertifierEffect] = machine.step(given)
        self._carry_out(channel, effects)
        if self._ended is not None:
            self._end_epoch(self._ended)

    def _flush(self) -> None:
        """Write all records of this turn in one synced batch, then tell the machines, until all is
        quiet.
        """
        while self._recording:
            with self._stages.measure("store"):
                stored = self._recording.write()
            incarnation = self._incarnation
            for channel, kind in _RECORDS.items():
                if kind in stored and incarnation == self._incarnation:
                    self._step(channel, Stored(stored[kind]))

    def _carry_out(self, channel: int, effects: Sequence[Effect | CertifierEffect]) -> None:
        """Carry out effects in order; what they cause is done before the next one."""
        for effect in effects:
            match effect:
                case Send(to, data):
                    self._send(channel, to, data)
                case Store(number, record) if self.is_seated:
                    self._recording.store(_RECORDS[channel], number, record)
                case Ordered():
                    self._execute(effect)
                case Check(token, raws):
                    self._check(token, raws)
                case CertificateReady(height, certificate):
                    self._certified(height, certificate)
                case NeedState(height):
                    if self._catch_up is not None:
                        self._catch_up.start(height)
                case Refused(digests, code):
                    self.waiting.refused(digests, code)
                case Discard(below) if self.is_seated:
                    self._recording.discard(_RECORDS[channel], below)
                case Report(finding):
                    self.reports.append(str(finding))
                    log.warning("report: %s", finding)
                    for hook in self.on_report:
                        hook(finding)
                case Recollected():
                    self._tell_first(CERTIFIER, effect)
                case Store() | Discard():
                    pass  # of a Replica that has ended: it votes on nothing, and nothing is kept
                case EpochEnded(_, epoch):
                    if epoch.number > self.executor.epochs.current.number:
                        self._ended = effect
                case Halt(reason):
                    raise InvariantViolated(reason)
                case _:
                    raise InvariantViolated(f"effect {type(effect).__name__} has no driver")

    # Effects.

    def _send(self, channel: int, to: Sequence[str], data: bytes) -> None:
        if self._peers is None:
            return
        framed = frame(channel, data)
        for peer in to:
            self._peers.send(peer, framed)

    def _execute(self, ordered: Ordered) -> None:
        block = self.executor.execute(
            ordered.height, ordered.epoch, ordered.time, ordered.transactions
        )
        self.adopt(block)
        decided = block.next_epoch
        rooted = Rooted(block.height, block.chain_root, block.time, decided is not None)
        self._tell_first(CERTIFIER, rooted)
        self._tell_first(ENGINE, Executed(block.height, block.header_hash, decided))

    def _tell_root(self) -> None:
        """Tell a new Certifier, or one that jumped, where the own chain ends."""
        executor = self.executor
        if executor.height and self.is_seated:
            last = executor.next_epoch is not None
            self._tell(CERTIFIER, Rooted(executor.height, executor.log.root(), executor.time, last))

    def _tell_first(self, channel: int, given: Given) -> None:
        """Put what this node just did before what others sent meanwhile: it frees the pipeline."""
        self.inbox.appendleft(channel, given)
        self._schedule()

    def _certified(self, height: int, certificate: Certificate) -> None:
        self._tell(ENGINE, Certified(height, certificate))
        self.certificates.adopt(certificate)

    def provable(self) -> Certificate | None:
        """Return the certificate of the greatest executed height that this member can prove."""
        replica = self._replica if self.is_seated else None
        return self.certificates.provable(None if replica is None else replica.proven)

    def _check(self, token: int, raws: Sequence[bytes]) -> None:
        incarnation = self._incarnation

        def answer(checked: Callable[[], tuple[Transaction | None, ...]]) -> None:
            if incarnation == self._incarnation:
                with self.guarded():
                    self._tell(ENGINE, Checked(token, checked()))

        self._checking.check(raws, answer)

    # Epochs.

    def _end_epoch(self, ended: EpochEnded) -> None:
        """Keep the handover, and go on with the machines of the next epoch."""
        self._ended = None
        self._recording.end_epoch()
        self.executor.handed_over(ended.certificate)
        self.certificates.adopt(ended.certificate)
        self._take_seat(ended.carried)

    def _leave_seat(self) -> None:
        self._recording.end_epoch()
        self._replica = self._certifier = None
        self._incarnation += 1

    def _take_seat(self, carried: Carried) -> None:
        """Put the machines of the present epoch in the place of those before."""
        machines = self._seats.take(self.executor, self.certificate, carried)
        self._replica, self._certifier = machines.replica, machines.certifier
        self._seated_in = self.executor.epochs.current.number
        self._incarnation += 1
        self._recording.renew()
        self._tick = 0  # as after a start: they count patience from there
        self.inbox.renew()
        if not self.is_seated:
            self.waiting.refused([one.digest for _, one in carried.pending], "no-seat")
        for hook in self.on_epoch:
            hook()
        self._tell_root()
        # Before what others have sent already: without a clock all of it would seem untimely.
        self._tell_time(self._tell_first)
        log.info("epoch %d from height %d", self._seated_in, self.executor.epochs.current.base + 1)

    def halt(self, reason: str) -> None:
        """Stop for good: nothing is signed, executed or answered to peers from here on."""
        if self.halted is None:
            self.halted = reason
            self.inbox.clear()
            self.waiting.abandon()

    def stop(self) -> None:
        """Stop ticking and checking; nothing is signed from here on."""
        self.halt("stopped")
        self._checking.stop()
