"""The driver: carries inputs to the two consensus machines, their effects to disk, peers,
execution.

One turn takes the inputs that have arrived (so many, and for so long), collects the durable records
of all steps, writes them in ONE synced batch, and only then tells the machines they are stored,
which releases the votes (R-DW-1: signed, then durable, then sent). A block is written, synced,
before it is cosigned.

The driver owns no rule of the protocol: it may be slow, never wrong. Anything unexpected in a turn
halts the member: it signs nothing any more, and says why (R-DT-4).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final, Protocol

from consensus.certification import Certifier
from consensus.effects import (
    CertificateReady,
    CertifierEffect,
    Check,
    Discard,
    Effect,
    Halt,
    NeedState,
    Ordered,
    Recollected,
    Refused,
    Report,
    Send,
    Store,
)
from consensus.inputs import (
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
from consensus.replica import Replica
from ledger.checkpoint import Certificate
from ledger.errors import InvariantViolated, Malformed
from ledger.genesis import Genesis
from ledger.keys import verify
from ledger.transaction import Transaction
from node.archive import CERTIFIER_RECORD, ENGINE_RECORD, Archive
from node.channels import CATCH_UP, CERTIFIER, ENGINE, frame
from node.clock import TICK_SECONDS, Clock
from node.execution import Executed as ExecutedBlock
from node.execution import Executor
from node.inbox import Given, Inbox
from node.stages import Stages
from node.waiting import Waiting

__all__ = ["Driver", "Peers"]

log = logging.getLogger(__name__)

# up to so many signatures are checked at once; more go to a thread (40 µs each)
INLINE_CHECKS_MAX: Final = 8
# inputs of one turn, so that a flood cannot keep votes from being written
TURN_INPUTS_MAX: Final = 256
# after that a turn ends, whatever waits: ticks, clients and other peers are heard in between
TURN_SECONDS: Final = 0.02
AHEAD_CERTIFICATES_MAX: Final = 128  # certificates of heights not executed here yet; two windows


class Peers(Protocol):
    """How the driver reaches other members (network.links.Links)."""

    def send(self, peer: str, frame: bytes) -> bool:
        """Queue a frame; False when the peer's queue is full or the peer unknown."""
        ...


class CatchUp(Protocol):
    """Who fetches certified blocks (node.catch_up.CatchUp)."""

    def start(self, height: int) -> None:
        """Begin fetching up to at least `height`; ends with `Driver.installed`."""
        ...

    def deliver(self, sender: str, data: bytes) -> None:
        """Take a catch-up message of a peer."""
        ...


class Driver:
    """One member's event loop around the pure machines."""

    def __init__(
        self,
        genesis: Genesis,
        archive: Archive,
        executor: Executor,
        replica: Replica,
        certifier: Certifier,
        clock: Clock,
        waiting: Waiting,
        stages: Stages,
    ) -> None:
        self._genesis = genesis
        self._archive = archive
        self.executor = executor
        self._replica = replica
        self._certifier = certifier
        self._clock = clock
        self.waiting = waiting
        self._stages = stages
        self._peers: Peers | None = None
        self._catch_up: CatchUp | None = None
        self.inbox = Inbox()
        self._records: list[tuple[bytes, int, bytes | None]] = []
        self._stored: dict[bytes, int] = {}
        self._scheduled = False
        self._tick = 0
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="signatures")
        self._discarded = {
            kind: min((n for n, _ in archive.records(kind)), default=0)
            for kind in (ENGINE_RECORD, CERTIFIER_RECORD)
        }
        # The newest certificate of an executed height: what answers are proved against.
        self.certificate: Certificate | None = None
        self._ahead: dict[int, Certificate] = {}
        self.halted: str | None = None
        self.on_certified: list[Callable[[Certificate], None]] = []
        self.on_executed: list[Callable[[ExecutedBlock], None]] = []
        self.reports: deque[str] = deque(maxlen=256)

    def connect(self, peers: Peers, catch_up: CatchUp) -> None:
        """Give the driver its ways to other members."""
        self._peers = peers
        self._catch_up = catch_up

    def start(self) -> None:
        """Begin to tick; what the machines still owe from before a restart comes with the first."""
        executor = self.executor
        if executor.height:
            self._tell(CERTIFIER, Rooted(executor.height, executor.log.root(), executor.time))
        self._next_tick(asyncio.get_running_loop())

    # Inputs.

    def submit(self, transactions: Sequence[Transaction]) -> None:
        """Hand checked transactions of our own clients to the engine."""
        self._tell(ENGINE, Submit(tuple(transactions)))

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

    def installed(
        self,
        height: int,
        time_ms: int,
        certificate: Certificate | None,
        digests: tuple[bytes, ...] = (),
    ) -> None:
        """Catch-up has ended: blocks up to `height` are executed, `digests` their transactions."""
        if certificate is not None:
            self._adopt_certificate(certificate)
        self._tell(ENGINE, Installed(height, time_ms, certificate, digests))
        if self.executor.height > 0:
            self._tell(CERTIFIER, Rooted(height, self.executor.log.root(), time_ms))

    def adopt(self, block: ExecutedBlock) -> None:
        """Note a block that was executed, here or by catch-up."""
        self.waiting.executed(block.height, block.transactions)
        for hook in self.on_executed:
            hook(block)
        reached = [size for size in self._ahead if size <= block.height]
        if reached:
            newest = self._ahead[max(reached)]
            for size in reached:
                del self._ahead[size]
            self._adopt_certificate(newest)

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
        self._tick += 1
        wall_ms = self._clock.wall_ms()
        self._tell(ENGINE, Tick(self._tick, wall_ms))
        self._tell(CERTIFIER, CertifierTick(self._tick, wall_ms // 1000))
        loop.call_later(TICK_SECONDS, self._next_tick, loop)

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
        machine = self._replica if channel == ENGINE else self._certifier
        with self._stages.measure("consensus"):
            effects: Sequence[Effect | CertifierEffect] = machine.step(given)
        self._carry_out(channel, effects)

    def _flush(self) -> None:
        """Write all records of this turn in one synced batch, then tell the machines, until all is
        quiet.
        """
        while self._records:
            records, self._records = self._records, []
            stored, self._stored = self._stored, {}
            with self._stages.measure("store"):
                self._archive.write_records(records)
            if ENGINE_RECORD in stored:
                self._step(ENGINE, Stored(stored[ENGINE_RECORD]))
            if CERTIFIER_RECORD in stored:
                self._step(CERTIFIER, Stored(stored[CERTIFIER_RECORD]))

    def _carry_out(self, channel: int, effects: Sequence[Effect | CertifierEffect]) -> None:
        """Carry out effects in order; what they cause is done before the next one."""
        for effect in effects:
            match effect:
                case Send(to, data):
                    self._send(channel, to, data)
                case Store(number, record):
                    kind = ENGINE_RECORD if channel == ENGINE else CERTIFIER_RECORD
                    self._records.append((kind, number, record))
                    self._stored[kind] = number
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
                case Discard(below):
                    self._discard(ENGINE_RECORD if channel == ENGINE else CERTIFIER_RECORD, below)
                case Report(finding):
                    self.reports.append(str(finding))
                    log.warning("report: %s", finding)
                case Recollected():
                    self._tell_first(CERTIFIER, effect)
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
        self._tell_first(CERTIFIER, Rooted(block.height, block.chain_root, block.time))
        self._tell_first(ENGINE, Executed(block.height, block.header_hash, None))

    def _tell_first(self, channel: int, given: Given) -> None:
        """Put what this node just did before what others sent meanwhile: it frees the pipeline."""
        self.inbox.appendleft(channel, given)
        self._schedule()

    def _certified(self, height: int, certificate: Certificate) -> None:
        self._tell(ENGINE, Certified(height, certificate))
        self._adopt_certificate(certificate)

    def _adopt_certificate(self, certificate: Certificate) -> None:
        """Make a certificate the newest, or keep it until its height is executed here.

        The others may certify a height before this member executes it: nothing can be answered as
        of that height yet.
        """
        size, newest = certificate.checkpoint.size, self.certificate
        if size > self.executor.height:
            self._ahead[size] = certificate
            if len(self._ahead) > AHEAD_CERTIFICATES_MAX:
                del self._ahead[min(self._ahead)]
            return
        if newest is not None and _freshness(certificate) <= _freshness(newest):
            return
        self.certificate = certificate
        self._archive.write_certificate(size, certificate.to_note(self._genesis.members))
        self.waiting.certified(size)
        for hook in self.on_certified:
            hook(certificate)

    def _discard(self, kind: bytes, below: int) -> None:
        first = self._discarded[kind]
        if below > first:
            self._records.extend((kind, number, None) for number in range(first, below))
            self._discarded[kind] = below

    def _check(self, token: int, raws: Sequence[bytes]) -> None:
        if len(raws) <= INLINE_CHECKS_MAX:
            self._tell(ENGINE, Checked(token, self._checked(raws)))
            return
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._thread, self._checked, raws)
        future.add_done_callback(lambda done: self._answer_check(token, done))

    def _answer_check(
        self, token: int, done: asyncio.Future[tuple[Transaction | None, ...]]
    ) -> None:
        if not done.cancelled():
            with self.guarded():
                self._tell(ENGINE, Checked(token, done.result()))

    def _checked(self, raws: Sequence[bytes]) -> tuple[Transaction | None, ...]:
        with self._stages.measure("check"):
            return tuple(self._check_one(raw) for raw in raws)

    def _check_one(self, raw: bytes) -> Transaction | None:
        try:
            transaction = Transaction.decode(raw)
        except Malformed:
            return None
        if transaction.body.chain != self._genesis.chain_id:
            return None
        return transaction if transaction.check_signatures(verify) else None

    def halt(self, reason: str) -> None:
        """Stop for good: nothing is signed, executed or answered to peers from here on."""
        if self.halted is None:
            self.halted = reason
            self.inbox.clear()
            self.waiting.abandon()

    def stop(self) -> None:
        """Stop ticking and checking; nothing is signed from here on."""
        self.halt("stopped")
        self._thread.shutdown(wait=False, cancel_futures=True)


def _freshness(certificate: Certificate) -> tuple[int, int]:
    return certificate.checkpoint.size, min(certificate.timestamps())
