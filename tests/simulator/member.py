"""One simulated member: both machines, a driver that keeps their contract, and a disk that can
lose its tail.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Protocol

from consensus import (
    CertificateReady,
    Certified,
    Certifier,
    CertifierSettings,
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
    Installed,
    NeedState,
    Ordered,
    Recollected,
    Replica,
    Report,
    Rooted,
    Send,
    Settings,
    Start,
    Store,
    Stored,
    Submit,
    Suspicion,
    Tick,
)
from consensus.effects import CertifierEffect, Effect
from consensus.inputs import CertifierInput, Input
from ledger.checkpoint import Certificate, verify_certificate
from ledger.errors import Malformed
from ledger.transaction import Transaction
from tests.simulator.checkers import Checkers, Violation
from tests.simulator.judge import quorum
from tests.simulator.keys import Keyring

REPLICA, CERTIFIER = "replica", "certifier"


@dataclass(frozen=True)
class Block:
    """A durable block. `root` stands for the chain log's root: it binds all headers up to here."""

    height: int
    time: int
    transactions: tuple[Transaction, ...]
    header: bytes
    root: bytes


def next_block(
    previous: Block | None, height: int, time: int, transactions: tuple[Transaction, ...]
) -> Block:
    """Execute: deterministic in what was ordered and nothing else."""
    before = previous.root if previous else bytes(32)
    body = b"".join(one.digest for one in transactions)
    header = blake2b(before + f"{height}/{time}/".encode() + body, digest_size=32).digest()
    root = blake2b(before + header, digest_size=32).digest()
    return Block(height, time, transactions, header, root)


@dataclass
class Disk:
    """What survives a power cut, and what is on its way there."""

    records: dict[str, list[tuple[int, bytes]]] = field(
        default_factory=lambda: {REPLICA: [], CERTIFIER: []}
    )
    pending: dict[str, list[tuple[int, bytes]]] = field(
        default_factory=lambda: {REPLICA: [], CERTIFIER: []}
    )
    chain: list[Block] = field(default_factory=list)
    certificate: Certificate | None = None


class Surroundings(Protocol):
    """What a member sees of the world."""

    keyring: Keyring
    epoch: Epoch
    chain_id: bytes
    origin: str
    settings: Settings
    certifier_settings: CertifierSettings
    checkers: Checkers
    genesis_time: int

    def later(self, member: SimMember, least: int, most: int, action: Callable[[], None]) -> None:
        """Do something later, unless the member crashes before."""

    def transmit(self, member: SimMember, machine: str, send: Send) -> None:
        """Carry a message."""

    def wall_ms(self, member: SimMember) -> int:
        """The member's clock."""

    def blocks_for(self, member: SimMember, height: int) -> tuple[list[Block], Certificate | None]:
        """Blocks after a height, from some other member, and the certificate of the last."""

    def note(self, member: SimMember, text: str) -> None:
        """A line of the story."""

    def on_executed(self, member: SimMember, block: Block) -> None:
        """A member executed a block."""

    def next_epoch(self, height: int) -> Epoch | None:
        """The epoch that the block of a height decides, if it does."""

    def on_evidence(self, member: SimMember, accused: int, finding: Evidence) -> None:
        """A member reports evidence."""


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
        self.window_checked = True
        self.lost = False
        self.put_back = False
        self.crash_at_write = 0  # for crash-point tests: lose power instead of this write
        self._store_most = store_most
        self._ticks = 0
        self.replica: Replica = None  # type: ignore[assignment]
        self.certifier: Certifier = None  # type: ignore[assignment]

    @property
    def honest(self) -> bool:
        return not self.strategy

    @property
    def height(self) -> int:
        return len(self.disk.chain)

    # -- power ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Power on: machines from what the disk holds."""
        world, disk = self.world, self.disk
        self.up = True
        self.incarnation += 1
        self._ticks = 0
        last = disk.chain[-1] if disk.chain else None
        start = Start(
            self.height,
            last.time if last else world.genesis_time,
            disk.certificate,
            world.next_epoch(self.height),
            self.lost,
        )
        keyring = world.keyring
        self.replica = Replica(
            self.id,
            world.epoch,
            world.chain_id,
            world.origin,
            keyring.signer(f"{self.id}/vote"),
            world.settings,
            start,
            disk.records[REPLICA],
            keyring.verify,
        )
        self.certifier = Certifier(
            self.id,
            world.epoch,
            world.origin,
            keyring.signer(f"{self.id}/cosigner"),
            world.certifier_settings,
            disk.records[CERTIFIER],
            keyring.verify,
            self.lost,
        )
        self.tick()
        if last:
            self.tell_certifier(Rooted(last.height, last.root, last.time))

    def crash(self, survives: Callable[[int], int]) -> None:
        """Power off: of the writes under way, `survives(count)` first ones reached the disk."""
        if not self.up:
            return
        self.up = False
        self.incarnation += 1
        self.crashes += 1
        for machine, pending in self.disk.pending.items():
            self._persist(machine, pending[: survives(len(pending))])
            self.disk.pending[machine] = []

    def wipe(self) -> None:
        """Lose the disk; whoever starts the member again knows that it did."""
        self.disk = Disk()
        self.lost = True
        self.world.checkers.on_wipe(self.id)

    def put_back_disk(self, old: Disk) -> None:
        """An older copy of the disk is put back; nobody says so."""
        self.disk = old
        self.put_back = True
        self.world.checkers.on_wipe(self.id)

    # -- inputs ---------------------------------------------------------------------------------

    def tick(self) -> None:
        self._ticks += 1
        wall = self.world.wall_ms(self)
        self.tell(Tick(self._ticks, wall))
        if self.up:
            self.tell_certifier(CertifierTick(self._ticks, wall // 1000))

    def submit(self, transactions: tuple[Transaction, ...]) -> None:
        self.tell(Submit(transactions))

    def deliver(self, machine: str, sender: str, data: bytes) -> None:
        if machine == REPLICA:
            self.tell(Deliver(sender, data))
        else:
            self.tell_certifier(Deliver(sender, data))

    def tell(self, event: Input) -> None:
        for effect in self.replica.step(event):
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
            self._check_send(machine, effect)
            world.transmit(self, machine, effect)
        elif isinstance(effect, Ordered):
            self._check_ordered(effect)
            world.later(self, 0, 3, lambda: self._execute(effect))
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
                self._check_certificate(effect.certificate)
            self.disk.certificate = effect.certificate
            self.tell(Certified(effect.height, effect.certificate))
        elif isinstance(effect, Discard):
            records = self.disk.records[machine]
            self.disk.records[machine] = [one for one in records if one[0] >= effect.below]
        elif isinstance(effect, Report):
            world.note(self, f"reports {effect.finding}")
            if self.honest and isinstance(effect.finding, Evidence):
                self._check_evidence(effect.finding)
            elif self.honest and isinstance(effect.finding, Suspicion):
                if effect.finding.code == "old-copy" and not self.put_back:
                    raise Violation(f"{self.id} takes its intact records for an old copy")
                world.checkers.mark(f"suspicion/{effect.finding.code.partition('-')[0]}")
        elif isinstance(effect, Recollected):
            self.tell_certifier(effect)
        elif isinstance(effect, EpochEnded):
            world.note(self, f"epoch ends at {effect.height}")
        elif isinstance(effect, Halt) and self.honest:
            raise Violation(f"{self.id} halted: {effect.reason}")

    def _write(self, machine: str, effect: Store) -> None:
        self.writes += 1
        if self.writes == self.crash_at_write:
            self.crash(lambda _: 0)
            return
        self.disk.pending[machine].append((effect.number, effect.record))
        self.world.later(self, 0, self._store_most, lambda: self._sync(machine, effect.number))

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
            if machine == REPLICA:
                self.world.checkers.on_record(self.id, self.place, record)
            else:
                self.world.checkers.on_cosigned_record(self.id, record)

    def _check_send(self, machine: str, effect: Send) -> None:
        if not self.honest:
            return
        durable = self.disk.records[machine][-1][0] if self.disk.records[machine] else 0
        if effect.after > durable:
            raise Violation(f"C6: {self.id} sent what depends on record {effect.after}")
        if machine == REPLICA:
            self.world.checkers.on_send(self.id, self.place, effect.data)
            replica = self.replica
            if self.window_checked:
                self.world.checkers.on_window(
                    self.id, effect.data, replica.stable, self.world.settings.window
                )
        else:
            self.world.checkers.on_cosigned(self.id, effect.data)

    def _check_ordered(self, effect: Ordered) -> None:
        if self.honest:
            slot = self.replica._ordering.log.get(effect.height)
            self.world.checkers.on_ordered(self.id, slot.decided if slot else None, effect.height)

    def _check_certificate(self, certificate: Certificate) -> None:
        """C7: exactly q lines, each of a member that said so; none spoils the time (DESIGN 2.8)."""
        world = self.world
        lines = certificate.cosignatures
        if len({one.member for one in lines}) != quorum(world.epoch.members.n):
            raise Violation(f"C7: {self.id} certified with {len(lines)} lines")
        try:
            verify_certificate(certificate, world.epoch.members, world.origin, world.keyring.verify)
        except Malformed as error:
            raise Violation(f"C7: {self.id} certified with a bad line: {error}") from error
        size = certificate.checkpoint.size
        if size <= self.height:
            if min(certificate.timestamps()) * 1000 < self.disk.chain[size - 1].time:
                raise Violation(f"C7: {self.id} certified {size} at a time before its block")

    def check_bounds(self) -> None:
        """C9: what an honest member holds is bounded (R-RS-1)."""
        replica, window, n = self.replica, self.world.settings.window, self.world.epoch.members.n
        held = {
            "slots": (len(replica._ordering.log), 4 * window),
            "contents": (max((len(one.contents) for one in replica._ordering.log), default=0), 3),
            "view changes": (len(replica._views._collected), n),
            "roots": (len(self.certifier._roots), 64),
            "words": (max((len(one) for one in self.certifier._seen.values()), default=0), 64),
        }
        for what, (count, most) in held.items():
            if count > most:
                raise Violation(f"C9: {self.id} holds {count} {what}, more than {most}")

    def _check_evidence(self, finding: Evidence) -> None:
        accused = self.world.epoch.members.index(finding.member)
        self.world.on_evidence(self, accused, finding)

    def _execute(self, effect: Ordered) -> None:
        world = self.world
        previous = self.disk.chain[-1] if self.disk.chain else None
        self.append(next_block(previous, effect.height, effect.time, effect.transactions))
        block = self.disk.chain[-1]
        self.tell(Executed(block.height, block.header, world.next_epoch(block.height)))
        if self.up:
            self.tell_certifier(Rooted(block.height, block.root, block.time))

    def append(self, block: Block) -> None:
        """Make a block durable: one atomic write."""
        if self.lost and not self.replica.lost:
            self.world.checkers.mark("lost/found")
            self.lost = False
        if self.honest:
            self.world.checkers.on_block(self.id, block.height, self.height, block.header)
        self.disk.chain.append(block)
        self.world.on_executed(self, block)

    def _answer(self, effect: Check) -> None:
        answers: list[Transaction | None] = []
        for raw in effect.raws:
            try:
                transaction = Transaction.decode(raw)
            except Malformed:
                answers.append(None)
                continue
            held = transaction.check_signatures(self.world.keyring.verify)
            answers.append(transaction if held else None)
        self.tell(Checked(effect.token, tuple(answers)))

    def _install(self) -> None:
        blocks, certificate = self.world.blocks_for(self, self.height)
        digests: list[bytes] = []
        for block in blocks:
            self.append(block)
            digests += [one.digest for one in block.transactions]
        last = self.disk.chain[-1] if self.disk.chain else None
        if certificate is not None:
            self.disk.certificate = certificate
        time = last.time if last else self.world.genesis_time
        next_epoch = self.world.next_epoch(self.height)
        self.tell(Installed(self.height, time, certificate, tuple(digests), next_epoch))
        if last and self.up:
            self.tell_certifier(Rooted(last.height, last.root, last.time))
