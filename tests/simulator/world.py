"""The simulated consortium: one heap of events, chance from the seed, bytes through the real codec.

Two phases. Chaos: whatever the plan says, checked at every event. Then healing: the faults stop,
honest members come back, and within a bound every request must be executed and certified at every
honest member (C12).
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from consensus import CertifierSettings, Epoch, Evidence, Send, Settings, verify_evidence
from consensus.epoch import Seat
from consensus.messages import ViewChange, decode
from ledger.checkpoint import Certificate, verify_certificate
from ledger.errors import Malformed
from ledger.transaction import SUITE, VERSION, Body, Transaction, signed
from tests.simulator.adversary import Adversary, censored
from tests.simulator.checkers import Checkers, Violation
from tests.simulator.dice import Dice
from tests.simulator.judge import is_view_change
from tests.simulator.keys import Keyring
from tests.simulator.member import Block, SimMember
from tests.simulator.plan import Plan

TICK_MS = 40  # coarser than a node's: all patience is in ticks, and a schedule costs less
EPOCH_MS = 1_800_000_000_000  # the wall clock when a run begins
HEAL_MS = 120_000  # within so much simulated time after healing, everything must be done
LOAD_MS = 300  # between two requests after healing, in plans with load
SLOW_MS = 600  # by which a slow primary keeps its proposals back
RETRY_MS = 1_500  # a client that has heard nothing asks another member
EVENTS_MAX = 2_000_000  # a run that takes more does not end


@dataclass(frozen=True)
class Outcome:
    """What a run came to."""

    trace: str
    events: int
    height: int
    views: int  # the highest view of an honest member
    crashes: int
    healed_ms: int  # from the end of chaos to convergence
    marks: dict[str, int]  # what was met, and how often


class World:
    """One run of one plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.now = 0
        self.keyring = Keyring()
        members = self.keyring.members(plan.n)
        self.epoch = Epoch(0, members)
        self.chain_id = blake2b(b"chain", digest_size=32).digest()
        self.origin = f"sim/{self.chain_id.hex()}"
        self.genesis_time = EPOCH_MS - 1_000
        self.settings = Settings(
            window=plan.window,
            pipeline=min(plan.pipeline, plan.window),
            batch_count=2,
            batch_fill=1,
            batch_wait_ticks=1,
            timeout_ticks=20,
            timeout_cap_ticks=320,
            resend_ticks=6,
            status_ticks=10,
            fetch_ticks=2,
            lag_ticks=8,
            drift_ms=1_500,
        )
        self.certifier_settings = CertifierSettings(
            interval_s=2,
            every=plan.every,
            heights_kept=64,
            resend_ticks=8,
            lost_heights=2 * plan.window,
        )
        seat = Seat.take("m0", self.epoch, self.chain_id, self.origin, self.keyring.verify)
        self._seat = seat
        self.checkers = Checkers(seat)
        self._network = Dice(plan.seed, "network")
        self._disk = Dice(plan.seed, "disk")
        self._adversary = Adversary(seat, Dice(plan.seed, "adversary"))
        strategies = dict(plan.byzantine)
        self.members = [
            SimMember(self, place, strategies.get(place, ""), plan.store_most)
            for place in range(plan.n)
        ]
        self._by_id = {member.id: member for member in self.members}
        self.honest = [member for member in self.members if member.honest]
        self._heap: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._counter = 0
        self._trace = blake2b(digest_size=16)
        self.story: deque[str] = deque(maxlen=60)
        self._waiting: dict[
            bytes, Transaction
        ] = {}  # submitted by clients, executed nowhere honest
        self._owed: tuple[bytes, ...] = ()  # waiting when chaos ended, under load afterwards
        self._executed: dict[bytes, int] = {}  # id -> height, on the canonical chain
        self._healed = False

    # -- time -----------------------------------------------------------------------------------

    def at(self, when: int, action: Callable[..., None], *arguments: Any) -> None:
        """Do something at a time (ms)."""
        self._counter += 1
        heapq.heappush(self._heap, (when, self._counter, action, arguments))

    def later(self, member: SimMember, least: int, most: int, action: Callable[[], None]) -> None:
        when = self.now + self._disk.between(least, most)
        self.at(when, _unless_crashed, member, member.incarnation, action)

    def wall_ms(self, member: SimMember) -> int:
        return EPOCH_MS + self.now + self.plan.offsets[member.place]

    def run(self) -> Outcome:
        """Run both phases. Raises: Violation."""
        self._schedule()
        heap, pop = self._heap, heapq.heappop
        slow = self.plan.delay_most > 300  # several views are left for each round that ends well
        last = self.plan.chaos + (3 * HEAL_MS if slow else HEAL_MS)
        look_at = self.plan.chaos
        healed_at = -1
        while heap:
            when, _, action, arguments = pop(heap)
            if when > look_at:  # between two events: nothing is half done
                look_at += 100
                if self._healed and self._is_converged():
                    healed_at = when
                    break
                if when > last or self._counter > EVENTS_MAX:
                    break
            self.now = when
            action(*arguments)
        if healed_at < 0:
            raise Violation(f"C12: not converged by {last} ms; {len(self._waiting)} requests wait")
        return Outcome(
            self._trace.hexdigest(),
            self._counter,
            max(one.height for one in self.honest),
            max(one.replica.view for one in self.honest),
            sum(one.crashes for one in self.members),
            healed_at - self.plan.chaos,
            self.checkers.marks,
        )

    def _schedule(self) -> None:
        for member in self.members:
            member.start()
            self.at(member.place * TICK_MS // self.plan.n, self._tick, member)
        for crash in self.plan.crashes:
            member = self.members[crash.member]
            self.at(crash.at, self._crash, member, crash.wiped)
            self.at(crash.at + crash.down, self._restart, member)
        for number, request in enumerate(self.plan.requests):
            transactions = tuple(self._transaction(number, one) for one in range(request.count))
            self.at(request.at, self._submit, request.member, transactions)
        self.at(self.plan.chaos, self._heal)

    def _tick(self, member: SimMember) -> None:
        if member.up:
            member.tick()
        self.at(self.now + TICK_MS, self._tick, member)

    def _crash(self, member: SimMember, wiped: bool = False) -> None:
        if member.up:
            self.note(member, "loses power")
            self.checkers.mark("crash")
            if member.honest:
                member.check_bounds()
            member.crash(lambda count: self._disk.below(count + 1))
            if wiped:
                self.note(member, "loses its disk")
                member.wipe()

    def _restart(self, member: SimMember) -> None:
        if not member.up:
            self.note(member, "starts again")
            member.start()
            if member.honest:
                self.checkers.mark(f"restart/{member.replica.mode.value}")

    def _heal(self) -> None:
        self._healed = True
        if self.plan.load:
            self._owed = tuple(self._waiting)
            self._load(0)
        for member in self.members:
            self._restart(member)

    # -- clients --------------------------------------------------------------------------------

    def _transaction(self, number: int, one: int) -> Transaction:
        client = self.keyring.signer(f"client{number % 5}")
        body = Body(
            arguments={},
            chain=self.chain_id,
            contract="test",
            function="do",
            nonce=number.to_bytes(8, "big") + one.to_bytes(8, "big"),
            signers=((f"org.client{number % 5}", client.public),),
            suite=SUITE,
            valid_until=EPOCH_MS + 590_000,
            version=VERSION,
        )
        return signed(body, [client])

    def _submit(self, place: int, transactions: tuple[Transaction, ...]) -> None:
        """Give transactions to a member, and to the next one when nothing is heard of them."""
        member = self.members[place]
        if member.strategy == "censor":
            place, member = (place + 1) % self.plan.n, self.members[(place + 1) % self.plan.n]
        rest = tuple(one for one in transactions if one.id not in self._executed)
        if not rest:
            return
        for one in rest:
            self._waiting[one.id] = one
        if member.up:
            member.submit(rest)
        self.at(self.now + RETRY_MS, self._submit, (place + 1) % self.plan.n, rest)

    def _load(self, number: int) -> None:
        """Others go on while something from before is owed: a censor cannot wait for silence."""
        self._owed = tuple(one for one in self._owed if one in self._waiting)
        if self._owed:
            self._submit(number % self.plan.n, (self._transaction(10_000 + number, 0),))
            self.at(self.now + LOAD_MS, self._load, number + 1)

    def next_epoch(self, height: int) -> Epoch | None:
        return None

    def on_executed(self, member: SimMember, block: Block) -> None:
        self._trace.update(block.header)
        if member.honest:
            for one in block.transactions:
                if one.id not in self._waiting and one.id not in self._executed:
                    raise Violation(f"C3: {member.id} executed what no client submitted")
                self._waiting.pop(one.id, None)
                self._executed.setdefault(one.id, block.height)

    # -- the wire -------------------------------------------------------------------------------

    def transmit(self, member: SimMember, machine: str, send: Send) -> None:
        if member.honest:
            pairs = [(to, send.data) for to in send.to]
        elif machine == "replica":
            signer = self.keyring.signer(f"{member.id}/vote")
            pairs = list(
                self._adversary.twist(member.strategy, member.place, signer, send.to, send.data)
            )
        elif member.strategy == "untimely":
            signer = self.keyring.signer(f"{member.id}/cosigner")
            pairs = [(to, self._adversary.untimely(signer, send.data)) for to in send.to]
        else:
            pairs = [] if member.strategy == "silent" else [(to, send.data) for to in send.to]
        for to, data in pairs:
            self._carry(member, self._by_id[to], machine, data)

    def _carry(self, sender: SimMember, target: SimMember, machine: str, data: bytes) -> None:
        plan, network = self.plan, self._network
        copies = 1
        if not self._healed:
            if network.chance(plan.drop) or (plan.partitions and self._is_cut(sender, target)):
                return
            if plan.losses and self._is_lost(target, data):
                return
            if network.chance(plan.duplicate):
                copies = 2
        for _ in range(copies):
            when = self.now + network.between(0, plan.delay_most)
            if sender.strategy == "slow" and data.startswith(b"pre-prepare", 2):
                when += SLOW_MS  # just below the patience of the others
            self.at(when, self._arrive, sender, target, machine, data)

    def _is_cut(self, sender: SimMember, target: SimMember) -> bool:
        for one in self.plan.partitions:
            if one.start <= self.now < one.end:
                if one.groups[sender.place] != one.groups[target.place]:
                    return True
        return False

    def _is_lost(self, target: SimMember, data: bytes) -> bool:
        for one in self.plan.losses:
            if one.start <= self.now < one.end and one.targets >> target.place & 1:
                # The tag is the first element of the array: a fixstr after the array's header.
                if data.startswith(one.kind.encode(), 2) and data[1] & 0x1F == len(one.kind):
                    return self._network.chance(one.permille)
        return False

    def _arrive(self, sender: SimMember, target: SimMember, machine: str, data: bytes) -> None:
        if not target.up:
            return
        self._trace.update(b"%d/%d/" % (self.now, target.place) + data)
        if target.honest and data.startswith(b"view-change", 2):
            self._on_view_change(target, data)
        if machine == "replica" and not target.honest:
            self._adversary.hear(sender.place, data)
            if target.strategy == "censor":
                heard = censored(data)
                if heard is None:
                    return
                data = heard
        target.deliver(machine, sender.id, data)

    def _on_view_change(self, target: SimMember, data: bytes) -> None:
        try:
            message = decode(data)
        except Malformed:
            return
        if isinstance(message, ViewChange) and is_view_change(self._seat, message):
            self.checkers.on_view_change_heard(target.id, message.member, message.view)

    def blocks_for(self, member: SimMember, height: int) -> tuple[list[Block], Certificate | None]:
        """From some other reachable member; the certificate is checked against the blocks' root."""
        others = [
            one
            for one in self.members
            if one is not member
            and one.up
            and one.honest
            and not (not self._healed and self._is_cut(one, member))
        ]
        if not others:
            return [], None
        source = self._network.pick(others)
        certificate = source.disk.certificate
        if certificate is None or certificate.checkpoint.size <= height:
            return [], None
        verify_certificate(certificate, self.epoch.members, self.origin, self.keyring.verify)
        size = certificate.checkpoint.size
        if size > source.height:
            return [], None
        if source.disk.chain[size - 1].root != certificate.checkpoint.root:
            raise Violation(f"C1: {source.id} holds another root of {size} than certified")
        return source.disk.chain[height:size], certificate

    # -- the end --------------------------------------------------------------------------------

    def on_evidence(self, member: SimMember, accused: int, finding: Evidence) -> None:
        """C13: evidence verifies, and never against an honest member."""
        if not verify_evidence(
            finding, self.chain_id, self.origin, self.epoch.members, self.keyring.verify
        ):
            raise Violation(f"C13: {member.id} reports evidence that does not verify")
        if self.members[accused].honest:
            raise Violation(f"C5: {member.id} has evidence against the honest m{accused}")
        self.checkers.mark(f"evidence/{finding.first.kind}")

    def _is_converged(self) -> bool:
        if self._waiting:
            return False
        first = self.honest[0]
        for one in self.honest:
            one.check_bounds()
        return all(
            one.up
            and one.height == first.height
            and one.replica.stable == first.height
            and not one.replica.pending  # or it would wait for what is done, and blame the primary
            for one in self.honest
        )

    def note(self, member: SimMember, text: str) -> None:
        self.story.append(f"{self.now:>7} {member.id} {text}")

    def status(self) -> str:
        """One line for each member."""
        lines = [
            "member strategy   up    mode      view height exec stable pending records crashes"
        ]
        for one in self.members:
            replica = one.replica
            lines.append(
                f"{one.id:<6} {one.strategy or '-':<10} {one.up!s:<5} {replica.mode.value:<9} "
                f"{replica.view:>4} {one.height:>6} {replica.executed:>4} {replica.stable:>6} "
                f"{replica.pending:>7} {len(one.disk.records['replica']):>7} {one.crashes:>7}"
            )
        return "\n".join(lines)


def _unless_crashed(member: SimMember, incarnation: int, action: Callable[[], None]) -> None:
    if member.incarnation == incarnation:
        action()
