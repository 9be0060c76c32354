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
from functools import partial
from hashlib import blake2b

from consensus import CertifierSettings, Epoch, Evidence, Send, Settings, verify_evidence
from consensus.epoch import Seat
from ledger.checkpoint import Certificate, verify_certificate
from ledger.transaction import SUITE, VERSION, Body, Transaction, signed
from tests.simulator.adversary import Adversary, is_transactions
from tests.simulator.checkers import Checkers, Violation
from tests.simulator.dice import Dice
from tests.simulator.keys import Keyring
from tests.simulator.member import Block, SimMember
from tests.simulator.plan import Plan

TICK_MS = 10
EPOCH_MS = 1_800_000_000_000  # the wall clock when a run begins
HEAL_MS = 90_000  # within so much simulated time after healing, everything must be done
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
            timeout_ticks=80,
            timeout_cap_ticks=1_280,
            resend_ticks=25,
            status_ticks=20,
            fetch_ticks=6,
            lag_ticks=30,
            drift_ms=5_000,
        )
        self.certifier_settings = CertifierSettings(
            interval_s=2, every=plan.every, heights_kept=64, resend_ticks=30
        )
        seat = Seat.take("m0", self.epoch, self.chain_id, self.origin, self.keyring.verify)
        self.checkers = Checkers(seat)
        self._network = Dice(plan.seed, "network")
        self._disk = Dice(plan.seed, "disk")
        self._adversary = Adversary(seat, Dice(plan.seed, "adversary"))
        strategies = dict(plan.byzantine)
        self.members = [
            SimMember(self, place, strategies.get(place, ""), plan.store_most)
            for place in range(plan.n)
        ]
        self.honest = [member for member in self.members if member.honest]
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._counter = 0
        self._trace = blake2b(digest_size=16)
        self.story: deque[str] = deque(maxlen=60)
        self._waiting: dict[
            bytes, Transaction
        ] = {}  # submitted by clients, executed nowhere honest
        self._executed: dict[bytes, int] = {}  # id -> height, on the canonical chain
        self._events = 0
        self._healed = False

    # -- time -----------------------------------------------------------------------------------

    def at(self, when: int, action: Callable[[], None]) -> None:
        """Do something at a time (ms)."""
        self._counter += 1
        heapq.heappush(self._heap, (when, self._counter, action))

    def later(self, member: SimMember, least: int, most: int, action: Callable[[], None]) -> None:
        incarnation = member.incarnation

        def unless_crashed() -> None:
            if member.incarnation == incarnation:
                action()

        self.at(self.now + self._disk.between(least, most), unless_crashed)

    def wall_ms(self, member: SimMember) -> int:
        return EPOCH_MS + self.now + self.plan.offsets[member.place]

    def run(self) -> Outcome:
        """Run both phases. Raises: Violation."""
        self._schedule()
        healed_at = -1
        while self._heap:
            when, number, action = heapq.heappop(self._heap)
            self.now = when
            self._events += 1
            if self._events > EVENTS_MAX:
                raise Violation("the run does not end")
            self._trace.update(b"%d/%d;" % (when, number))
            action()
            if self._healed and when % 100 == 0 and self._is_converged():
                healed_at = when
                break
            if when > self.plan.chaos + HEAL_MS:
                break
        if healed_at < 0:
            raise Violation(
                f"C12: not converged within {HEAL_MS} ms; {len(self._waiting)} requests wait"
            )
        return Outcome(
            self._trace.hexdigest(),
            self._events,
            max(one.height for one in self.honest),
            max(one.replica.view for one in self.honest),
            sum(one.crashes for one in self.members),
            healed_at - self.plan.chaos,
        )

    def _schedule(self) -> None:
        for member in self.members:
            member.start()
            self.at(member.place, partial(self._tick, member))
        for crash in self.plan.crashes:
            member = self.members[crash.member]
            self.at(crash.at, partial(self._crash, member))
            self.at(crash.at + crash.down, partial(self._restart, member))
        for number, request in enumerate(self.plan.requests):
            transactions = tuple(self._transaction(number, one) for one in range(request.count))
            self.at(request.at, partial(self._submit, request.member, transactions))
        self.at(self.plan.chaos, self._heal)

    def _tick(self, member: SimMember) -> None:
        if member.up:
            member.tick()
        self.at(self.now + TICK_MS, lambda: self._tick(member))

    def _crash(self, member: SimMember) -> None:
        if member.up:
            self.note(member, "loses power")
            member.crash(lambda count: self._disk.below(count + 1))

    def _restart(self, member: SimMember) -> None:
        if not member.up:
            self.note(member, "starts again")
            member.start()

    def _heal(self) -> None:
        self._healed = True
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
        rest = tuple(one for one in transactions if one.id not in self._executed)
        if not rest:
            return
        for one in rest:
            self._waiting[one.id] = one
        if member.up:
            member.submit(rest)
        self.at(self.now + RETRY_MS, lambda: self._submit((place + 1) % self.plan.n, rest))

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
        else:
            pairs = [] if member.strategy == "silent" else [(to, send.data) for to in send.to]
        for to, data in pairs:
            self._carry(member, self.members[self.epoch.members.index(to)], machine, data)

    def _carry(self, sender: SimMember, target: SimMember, machine: str, data: bytes) -> None:
        copies = 1
        delay = self.plan.delay_most
        if not self._healed:
            if self._network.chance(self.plan.drop) or self._is_cut(sender, target):
                return
            if self._is_lost(target, data):
                return
            if self._network.chance(self.plan.duplicate):
                copies = 2
        for _ in range(copies):
            self.at(
                self.now + self._network.between(0, delay),
                lambda: self._arrive(sender, target, machine, data),
            )

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
                if one.kind.encode() == data[2 : 2 + (data[1] & 0x1F)]:
                    return self._network.chance(one.permille)
        return False

    def _arrive(self, sender: SimMember, target: SimMember, machine: str, data: bytes) -> None:
        if not target.up:
            return
        self._trace.update(data)
        if target.strategy == "censor" and sender.place % 2 and is_transactions(data):
            return
        if machine == "replica" and not target.honest:
            self._adversary.hear(data)
        target.deliver(machine, sender.id, data)

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

    def _is_converged(self) -> bool:
        if self._waiting:
            return False
        first = self.honest[0]
        return all(
            one.up and one.height == first.height and one.replica.stable == first.height
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
