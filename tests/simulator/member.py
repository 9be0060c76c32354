"""One simulated member: both machines, a driver that keeps their contract, and a disk that can
lose its tail.
"""

from __future__ import annotations

from collections.abc import Callable

from consensus import (
    Carried,
    CertificateReady,
    Certified,
    Certifier,
    CertifierTick,
    Check,
    Checked,
    Deliver,
    Discard,
    Epoch,
    EpochEnded,
    Evidence,
    Executed,
    Halt,
    Handover,
    Installed,
    NeedState,
    Ordered,
    Recollected,
    Replica,
    Report,
    Send,
    Start,
    Store,
    Stored,
    Submit,
    Suspicion,
    Tick,
)
from consensus.effects import CertifierEffect, Effect
from consensus.epoch import Seat
from consensus.inputs import CertifierInput, Input
from ledger.checkpoint import Certificate, verify_certificate
from ledger.transaction import Transaction
from tests.simulator import inspection
from tests.simulator.chain import (
    CERTIFIER,
    REPLICA,
    Block,
    Disk,
    checked,
    next_block,
    no_records,
    rooted,
    ruling,
)
from tests.simulator.checkers import Violation
from tests.simulator.surroundings import Surroundings

__all__ = ["CERTIFIER", "REPLICA", "Block", "Disk", "SimMember", "Surroundings"]

FOLLOW_TICKS = 10  # who has no machines asks for certified blocks so often


class SimMember:
    """A member; `strategy` is empty for an honest one."""

    def __init__(self, world: Surroundings, place: int, strategy: str, store_most: int) -> None:
        self.world = world
        self.place = place
        self.id = f"m{place}"
        self.strategy = strategy
        self.disk = Disk()
        self.up = False
        self.incarnation = 0
        self.crashes = 0
        self.writes = 0
        self.lost_through = -1  # whatever was said in an epoch up to this one is forgotten
        self.epoch = world.epoch  # of the machines that run
        self.seat: Seat | None = None
        self.ending = False  # the epoch has ended, the handover is not durable yet
        self.put_back = False
        self.destroyed = -1  # cosigner keys of epochs up to this one, whatever the disk says
        self.crash_at_write = 0  # for crash-point tests: lose power instead of this write
        self.store_most = store_most  # ms that a sync takes at most ...
        self.execute_most = 3  # ... and the execution of a block
        self._ticks = 0
        self.seated = False  # in the current set: both machines run
        self.answers = False  # there is a replica, also the ended one of who left
        self.replica: Replica = None  # type: ignore[assignment]
        self.certifier: Certifier = None  # type: ignore[assignment]

    @property
    def proven(self) -> Certificate | None:
        """The checkpoint that its replica holds a proof of."""
        return self.replica.proven if self.answers else None

    @property
    def honest(self) -> bool:
        return not self.strategy

    @property
    def lost(self) -> bool:
        """Whether a driver finds its words in this epoch forgotten; then a record says so."""
        return self.epoch.number <= self.lost_through and not self.disk.records[REPLICA]

    @property
    def who(self) -> str:
        """This member in this epoch, for the checkers."""
        return f"{self.id}/{self.epoch.number}"

    @property
    def height(self) -> int:
        return len(self.disk.chain)

    # -- power ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Power on: machines from what the disk holds."""
        self.up = True
        self.incarnation += 1
        self._ticks = 0
        self.ending = False
        self._take_seat(Carried(ordered=self.world.remembered(self)))
        self._begin()

    def _begin(self) -> None:
        self.tick()
        if self.disk.chain and self.up and self.seated:
            self.tell_certifier(rooted(self.disk.chain[-1]))

    def _take_seat(self, carried: Carried) -> None:
        """Construct the machines of the newest epoch, if this member is in its set."""
        disk = self.disk
        current = disk.epoch(self.world.epoch)
        past = tuple(disk.handovers)
        if self.id in current.members and current.number > self.destroyed:
            last = disk.chain[-1] if disk.chain else None
            following = last.following if last and last.epoch == current.number else None
            known, held = disk.certificate, disk.records
            self._construct(current, disk.chain, known, following, past, carried, held)
            return
        self.seated = self.answers = False
        own = [place for place, one in enumerate(past) if self.id in one.epoch.members]
        if own:  # it left: what has ended answers those who are still behind
            left = past[own[-1]]
            chain = disk.chain[: left.certificate.checkpoint.size]
            following = chain[-1].following
            # Records of a later epoch are there, too, where an old copy was put back and the keys
            # of that epoch are destroyed.
            before, held = past[: own[-1]], no_records()
            self._construct(left.epoch, chain, left.certificate, following, before, carried, held)
            self.seated = False

    def _construct(
        self,
        epoch: Epoch,
        chain: list[Block],
        certificate: Certificate | None,
        following: Epoch | None,
        past: tuple[Handover, ...],
        carried: Carried,
        held: dict[str, list[tuple[int, bytes]]],
    ) -> None:
        world, keyring = self.world, self.world.keyring
        self.seated = self.answers = True
        self.epoch = epoch
        self.seat = Seat.take(self.id, epoch, world.chain_id, world.origin, keyring.verify)
        time = chain[-1].time if chain else world.genesis_time
        if certificate is not None and certificate.checkpoint.size <= epoch.base:
            certificate = None
        start = Start(len(chain), time, certificate, following, self.lost, past, carried)
        self.replica = Replica(
            self.id,
            epoch,
            world.chain_id,
            world.origin,
            keyring.signer(f"{self.id}/vote"),
            world.settings,
            start,
            held[REPLICA],
            keyring.verify,
        )
        self.certifier = Certifier(
            self.id,
            epoch,
            world.origin,
            keyring.cosigner(self.id, epoch.number),
            world.certifier_settings,
            held[CERTIFIER],
            keyring.verify,
        )

    def crash(self, survives: Callable[[int], int]) -> None:
        """Power off: of the writes under way, `survives(count)` first ones reached the disk."""
        if not self.up:
            return
        self.up = False
        self.incarnation += 1
        self.crashes += 1
        if self.ending:
            self.world.checkers.mark("epoch/crash-before-handover")
        for machine, pending in self.disk.pending.items():
            self._persist(machine, pending[: survives(len(pending))])
            self.disk.pending[machine] = []

    def wipe(self) -> None:
        """Lose the disk; whoever starts the member again knows that it did."""
        self.disk = Disk()
        self.lost_through = self.world.epochs_begun()
        self.world.checkers.on_wipe(self.id, self.lost_through)

    def put_back_disk(self, old: Disk) -> None:
        """An older copy of the disk is put back; nobody says so."""
        if old.is_silent_on(self.disk.epoch(self.world.epoch), self.world.epoch):
            self.lost_through = self.world.epochs_begun()
        self.disk = old
        self.put_back = True
        self.world.checkers.on_put_back(self.id, self.world.epochs_begun())

    # -- inputs ---------------------------------------------------------------------------------

    def tick(self) -> None:
        self._ticks += 1
        wall = self.world.wall_ms(self)
        if self.answers:
            self.tell(Tick(self._ticks, wall))
        if not self.seated:
            if self._ticks % FOLLOW_TICKS == 0:
                self.world.later(self, 5, 60, self._follow)
        elif self.up:
            self.tell_certifier(CertifierTick(self._ticks, wall // 1000))

    def submit(self, transactions: tuple[Transaction, ...]) -> None:
        if self.answers:
            self.tell(Submit(transactions))

    def deliver(self, machine: str, sender: str, data: bytes) -> None:
        if machine == REPLICA and self.answers:
            self.tell(Deliver(sender, data))
        elif machine == CERTIFIER and self.seated:
            self.tell_certifier(Deliver(sender, data))

    def tell(self, event: Input) -> None:
        before, effects = self.replica.stable, self.replica.step(event)
        if self.replica.stable != before:
            inspection.check_stable(self)
        for effect in effects:
            if self.up:
                self._do(REPLICA, effect)

    def tell_certifier(self, event: CertifierInput) -> None:
        for effect in self.certifier.step(event):
            if self.up:
                self._do(CERTIFIER, effect)

    # -- effects --------------------------------------------------------------------------------

    def _do(self, machine: str, effect: Effect | CertifierEffect) -> None:
        world = self.world
        if isinstance(effect, Store):
            self._write(machine, effect)
        elif isinstance(effect, Send):
            inspection.check_send(self, machine, effect)
            world.transmit(self, machine, effect)
        elif isinstance(effect, Ordered):
            inspection.check_ordered(self, effect)
            world.later(self, 0, self.execute_most, lambda: self._execute(effect))
        elif isinstance(effect, Check):
            world.later(self, 0, 3, lambda: self._answer(effect))
        elif isinstance(effect, NeedState):
            world.note(self, f"needs state up to {effect.height}")
            world.checkers.mark("state-transfer")
            world.later(self, 5, 60, self._install)
        elif isinstance(effect, CertificateReady):
            if self.disk.certificate and self.disk.certificate.checkpoint.size == effect.height:
                world.checkers.mark("certified-afresh")
            if self.honest:
                inspection.check_certificate(self, effect.certificate)
            self.disk.certificate = effect.certificate
            self.tell(Certified(effect.height, effect.certificate))
        elif isinstance(effect, Discard):
            records = self.disk.records[machine]
            self.disk.records[machine] = [one for one in records if one[0] >= effect.below]
        elif isinstance(effect, Report):
            world.note(self, f"reports {effect.finding}")
            if self.honest and isinstance(effect.finding, Evidence):
                world.on_evidence(self, effect.finding)
            elif self.honest and isinstance(effect.finding, Suspicion):
                if effect.finding.code == "old-copy" and not self.put_back:
                    raise Violation(f"{self.id} takes its intact records for an old copy")
                world.on_suspicion(self, effect.finding)
                world.checkers.mark(f"suspicion/{effect.finding.code.partition('-')[0]}")
        elif isinstance(effect, Recollected):
            self.tell_certifier(effect)
        elif isinstance(effect, EpochEnded):
            world.note(self, f"epoch ends at {effect.height}")
            self._on_epoch_ended(effect)
        elif isinstance(effect, Halt) and self.honest:
            raise Violation(f"{self.id} halted: {effect.reason}")

    def _write(self, machine: str, effect: Store) -> None:
        self.writes += 1
        if self.writes == self.crash_at_write:
            self.crash(lambda _: 0)
            return
        self.disk.pending[machine].append((effect.number, effect.record))
        self.world.later(self, 0, self.store_most, lambda: self._sync(machine, effect.number))

    def _sync(self, machine: str, number: int) -> None:
        """A synced write of everything up to a record."""
        pending = self.disk.pending[machine]
        done = [one for one in pending if one[0] <= number]
        if not done:
            return
        self.disk.pending[machine] = pending[len(done) :]
        self._persist(machine, done)
        if machine == REPLICA:
            self.tell(Stored(number))
        else:
            self.tell_certifier(Stored(number))

    def _persist(self, machine: str, records: list[tuple[int, bytes]]) -> None:
        self.disk.records[machine].extend(records)
        if not self.honest:
            return
        for _, record in records:
            if machine == CERTIFIER:
                self.world.checkers.on_cosigned_record(self.id, record)
            elif self.seat is not None:
                self.world.checkers.on_record(self.who, self.seat, record)

    def _execute(self, effect: Ordered) -> None:
        previous = self.disk.chain[-1] if self.disk.chain else None
        block = next_block(
            previous, self.world.epoch, effect.time, effect.transactions, self.world.decide
        )
        if (block.height, block.epoch) != (effect.height, effect.epoch):
            raise Violation(f"C2: {self.id} ordered {effect.height} of epoch {effect.epoch}")
        self.append(block)
        self.tell(Executed(block.height, block.header, block.following))
        if self.up:
            self.tell_certifier(rooted(block))

    def append(self, block: Block) -> None:
        """Make a block durable: one atomic write."""
        if self.honest:
            self.world.checkers.on_block(self.id, block, self.height)
        self.disk.chain.append(block)
        self.world.on_executed(self, block)

    def _answer(self, effect: Check) -> None:
        self.tell(Checked(effect.token, checked(effect.raws, self.world.keyring.verify)))

    # -- fetching blocks ------------------------------------------------------------------------

    def _fetch(self) -> tuple[Certificate | None, tuple[bytes, ...]]:
        """Fetch certified blocks, up to the last of an epoch and no further."""
        world = self.world
        # Of a boundary that is here the certificate is wanted.
        height = self.height - 1 if self.disk.is_at_end() and not self.seated else self.height
        blocks, certificate = world.blocks_for(self, height)
        blocks = blocks[self.height - height :]
        digests: list[bytes] = []
        for block in blocks:
            self.append(block)
            digests += [one.digest for one in block.transactions]
        if certificate is not None:
            size = certificate.checkpoint.size
            epoch = ruling(self.disk.chain, size, world.epoch)
            verify_certificate(certificate, epoch.members, world.origin, world.keyring.verify)
            self.disk.certificate = certificate
        return certificate, tuple(digests)

    def _install(self) -> None:
        last = self.disk.chain[-1] if self.disk.chain else None
        certificate: Certificate | None = None
        digests: tuple[bytes, ...] = ()
        if last is None or last.epoch != self.epoch.number or last.following is None:
            certificate, digests = self._fetch()
            last = self.disk.chain[-1] if self.disk.chain else None
        following = last.following if last and last.epoch == self.epoch.number else None
        time = last.time if last else self.world.genesis_time
        self.tell(Installed(self.height, time, certificate, digests, following))
        if last and self.up and self.seated:
            self.tell_certifier(rooted(last))

    def _follow(self) -> None:
        """Who is in no set follows by fetching; the last height of an epoch may bring it in."""
        if self.seated:
            return
        certificate = self.disk.certificate
        # Power may have been lost between the blocks, their certificate and the handover.
        if (
            not self.disk.is_at_end()
            or certificate is None
            or certificate.checkpoint.size < self.height
        ):
            certificate, _ = self._fetch()
        if self.disk.is_at_end() and certificate is not None:
            self._hand_over(certificate, Carried())

    # -- from one epoch to the next -------------------------------------------------------------

    def _on_epoch_ended(self, effect: EpochEnded) -> None:
        world = self.world
        checkpoint = effect.certificate.checkpoint
        if self.disk.chain[checkpoint.size - 1].root != checkpoint.root:
            # This member decided something else than q of its set: it must not go on (R-DT-4).
            self._do(
                REPLICA, Halt(f"the boundary {checkpoint.size} is certified with another root")
            )
            self.replica.halt("diverged")
            return
        if self.honest:
            inspection.check_certificate(self, effect.certificate, fresh=False)
            if (
                not effect.certificate.checkpoint.size
                == effect.height
                == self.disk.end_of(self.epoch.number)
            ):
                raise Violation(f"C7: {self.id} ended its epoch at {effect.height}")
        self.ending = len(self.disk.handovers) <= self.epoch.number
        world.later(
            self, 0, self.store_most, lambda: self._hand_over(effect.certificate, effect.carried)
        )

    def _hand_over(self, certificate: Certificate, carried: Carried) -> None:
        """One atomic write, then the machines of the next epoch."""
        world, disk = self.world, self.disk
        old = ruling(disk.chain, certificate.checkpoint.size, world.epoch)
        if len(disk.handovers) > old.number:
            return  # said again after a restart
        self.writes += 1
        if self.writes == self.crash_at_write:
            self.crash(lambda _: 0)
            return
        disk.hand_over(Handover(old, certificate))
        self.destroyed = max(self.destroyed, old.number)
        self.ending = False
        self.incarnation += 1  # what was under way for the old machines goes to nobody
        world.checkers.on_handover(self.id, old.number)
        self._take_seat(carried)
        into = disk.epoch(world.epoch)
        world.note(self, f"epoch {into.number} begins after {into.base}")
        if self.id in into.members and self.id not in old.members:
            world.checkers.mark("epoch/joined")
        if self.id in old.members and self.id not in into.members:
            world.checkers.mark("epoch/left")
        self._begin()
