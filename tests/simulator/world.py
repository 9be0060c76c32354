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

from consensus import CertifierSettings, Epoch, Evidence, Send, Settings, Suspicion
from consensus.epoch import Seat
from consensus.evidence import verify_evidence
from consensus.messages import ViewChange, decode
from ledger.checkpoint import Certificate
from ledger.errors import Malformed
from ledger.transaction import Transaction
from tests.simulator import inspection
from tests.simulator.accountability import Accountability
from tests.simulator.adversary import Adversary, censored
from tests.simulator.chain import Block, Disk, certified_after
from tests.simulator.checkers import Checkers, Violation
from tests.simulator.clients import Clients
from tests.simulator.dice import Dice
from tests.simulator.ending import SLOW_NETWORK_MS, is_converged, stays
from tests.simulator.faults import Crash
from tests.simulator.judge import is_view_change
from tests.simulator.keys import Keyring
from tests.simulator.member import SimMember
from tests.simulator.membership import Membership
from tests.simulator.plan import EPOCH_MS, TICK_MS, Plan
from tests.simulator.retired import retired_words

HEAL_MS = 120_000  # within so much simulated time after healing, everything must be done
SLOW_MS = 600  # by which a slow primary keeps its proposals back
IDLE_EVERY = 3  # of so many seeds one goes on after convergence
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
        )
        self.checkers = Checkers(self.epoch)
        self._accountability = Accountability()
        self.clients = Clients(self, EPOCH_MS + 590_000)
        self.membership = Membership(self.epoch, plan.changes, self.keyring, self.checkers)
        self._network = Dice(plan.seed, "network")
        self._disk = Dice(plan.seed, "disk")
        self._lies = Dice(plan.seed, "adversary")
        self._adversaries: dict[int, Adversary] = {}
        self._seats: dict[int, Seat] = {}
        strategies = dict(plan.byzantine)
        self.members = [
            SimMember(self, place, strategies.get(place, ""), plan.store_most)
            for place in range(plan.people)
        ]
        self._by_id = {member.id: member for member in self.members}
        self.honest = [member for member in self.members if member.honest]
        self._heap: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._counter = 0
        self._trace = blake2b(digest_size=16)
        self.story: deque[str] = deque(maxlen=60)
        self._healed = False
        self._outside = {one.member: one.kind for one in plan.outside}
        self.core = [one for one in self.honest if one.place not in self._outside]
        self._offsets = list(plan.offsets)
        self._late = [0] * plan.people  # ms by which what a member says is late
        for slow in plan.slow:
            self.checkers.mark("slow-member")
            self._late[slow.member] = slow.late
            member = self.members[slow.member]
            member.execute_most, member.store_most = slow.execute, slow.store
        self._paused = [0] * plan.people  # until when
        self._images: dict[Crash, Disk] = {}

    # -- time -----------------------------------------------------------------------------------

    def at(self, when: int, action: Callable[..., None], *arguments: Any) -> None:
        """Do something at a time (ms)."""
        self._counter += 1
        heapq.heappush(self._heap, (when, self._counter, action, arguments))

    def later(self, member: SimMember, least: int, most: int, action: Callable[[], None]) -> None:
        when = self.now + self._disk.between(least, most)
        self.at(when, self._act, member, member.incarnation, action)

    def _act(self, member: SimMember, incarnation: int, action: Callable[[], None]) -> None:
        if self._paused[member.place] > self.now:
            self.at(self._paused[member.place], self._act, member, incarnation, action)
        elif member.incarnation == incarnation:
            action()

    def wall_ms(self, member: SimMember) -> int:
        return EPOCH_MS + self.now + self._offsets[member.place % self.plan.n]

    def run(self) -> Outcome:
        """Run both phases. Raises: Violation."""
        self._schedule()
        heap, pop = self._heap, heapq.heappop
        slow = (
            self.plan.delay_most > SLOW_NETWORK_MS
        )  # several views are left for each round that ends well
        last = self.plan.chaos + (3 * HEAL_MS if slow else HEAL_MS)
        look_at = self.plan.chaos
        healed_at = -1
        while heap:
            when, _, action, arguments = pop(heap)
            if when > look_at:  # between two events: nothing is half done
                look_at += 100
                if self._healed and is_converged(self):
                    healed_at = when
                    break
                if when > last or self._counter > EVENTS_MAX:
                    break
            self.now = when
            action(*arguments)
        if healed_at < 0:
            waiting = len(self.clients.waiting)
            raise Violation(f"C12: not converged by {last} ms; {waiting} requests wait")
        if self.plan.seed % IDLE_EVERY == 0:
            stays(self)
        return Outcome(
            self._trace.hexdigest(),
            self._counter,
            max(one.height for one in self.honest),
            max(one.replica.view for one in self.honest if one.answers),
            sum(one.crashes for one in self.members),
            healed_at - self.plan.chaos,
            self.checkers.marks,
        )

    def go_on(self, end: int, look: Callable[[], None]) -> None:
        """Let time go on, and look after each event."""
        while self._heap[0][0] <= end:
            self.now, _, action, arguments = heapq.heappop(self._heap)
            action(*arguments)
            look()

    def _schedule(self) -> None:
        for member in self.members:
            member.start()
            self.at(member.place * TICK_MS // self.plan.n, self._tick, member)
        for crash in self.plan.crashes:
            member = self.members[crash.member]
            if crash.old:
                self.at(crash.at - crash.old, self._copy, crash)
            self.at(crash.at, self._crash, crash)
            self.at(crash.at + crash.down, self._restart, member)
        for pause in self.plan.pauses:
            self.at(pause.at, self._pause, pause.member, pause.at + pause.length)
        for jump in self.plan.jumps:
            self.at(jump.at, self._offsets.__setitem__, jump.member, jump.offset)
        for number, change in enumerate(self.plan.changes):
            self.at(change.at, self.clients.change, number)
        for number, request in enumerate(self.plan.requests):
            ones = range(request.count)
            transactions = tuple(self.clients.transaction(number, one) for one in ones)
            self.at(request.at, self.clients.submit, request.member, transactions)
        self.at(self.plan.chaos, self._heal)

    def _tick(self, member: SimMember) -> None:
        if member.up and self._paused[member.place] <= self.now:
            member.tick()
            if member.strategy == "linger":
                self._linger(member)
        self.at(self.now + TICK_MS, self._tick, member)

    def _copy(self, crash: Crash) -> None:
        self._images[crash] = self.members[crash.member].disk.copy()

    def _pause(self, place: int, until: int) -> None:
        self.checkers.mark("pause")
        self._paused[place] = max(self._paused[place], until)

    def _crash(self, crash: Crash) -> None:
        member = self.members[crash.member]
        if member.up:
            self.note(member, "loses power")
            self.checkers.mark("crash")
            if member.honest:
                inspection.check_bounds(member)
            member.crash(lambda count: self._disk.below(count + 1))
            if crash.wiped:
                self.note(member, "loses its disk")
                member.wipe()
            elif crash.old:
                self.note(member, f"is put back to its disk of {crash.at - crash.old}")
                self.checkers.mark("put-back")
                member.put_back_disk(self._images[crash])

    def _restart(self, member: SimMember) -> None:
        if not member.up:
            self.note(member, "starts again")
            member.start()
            if member.honest and member.answers:
                self.checkers.mark(f"restart/{member.replica.mode.value}")

    def _heal(self) -> None:
        self._healed = True
        self._paused = [0] * len(self.members)
        if self.plan.load:
            self.clients.go_on()
        for member in self.members:
            kind = self._outside.get(member.place, "")
            if kind:
                self.checkers.mark(f"outside/{kind}")
            if kind == "dead":
                member.crash(lambda count: self._disk.below(count + 1))
            else:
                self._restart(member)

    # -- membership -----------------------------------------------------------------------------

    def decide(
        self, current: Epoch, height: int, transactions: tuple[Transaction, ...]
    ) -> Epoch | None:
        return self.membership.decide(current, height, transactions)

    def epochs_begun(self) -> int:
        return self.membership.keys_made

    def seat(self, epoch: int) -> Seat:
        """Somebody's seat in an epoch: for its members, base and chain."""
        if epoch not in self._seats:
            one = self.membership.epochs[epoch]
            first = one.members.members[0].id
            self._seats[epoch] = Seat.take(
                first, one, self.chain_id, self.origin, self.keyring.verify
            )
        return self._seats[epoch]

    def adversary(self, epoch: int) -> Adversary:
        """Whoever pulls the strings in an epoch."""
        if epoch not in self._adversaries:
            self._adversaries[epoch] = Adversary(self.seat(epoch), self._lies)
        return self._adversaries[epoch]

    def _linger(self, member: SimMember) -> None:
        """Who left, or stayed with new keys, goes on to sign with the old ones (R-MB-6)."""
        newest = self.membership.epochs[-1]
        own = member.epoch if member.answers else None
        if not newest.number or own is None or not member.disk.chain:
            return
        if not self._lies.chance(200):
            return
        epoch = min(own.number, newest.number - 1)
        old, vote = (
            self.keyring.cosigner(member.id, epoch),
            self.keyring.signer(f"{member.id}/vote"),
        )
        place = min(member.place, newest.members.n - 1)
        if member.id in newest.members:
            place = newest.members.index(member.id)
        now = self.wall_ms(member) // 1000
        seat, block = self.seat(newest.number), member.disk.chain[-1]
        for machine, data in retired_words(epoch, place, old, vote, seat, block, now):
            for target in self.honest:
                self._carry(member, target, machine, data)

    def remembered(self, member: SimMember) -> tuple[bytes, ...]:
        return tuple(one.digest for block in member.disk.chain for one in block.transactions)

    def on_executed(self, member: SimMember, block: Block) -> None:
        self._trace.update(block.header)
        if member.honest:
            clock = EPOCH_MS + self.now + max(self.plan.offsets)
            inspection.check_time(member, block, clock + self.settings.drift_ms)
            self.clients.on_executed(member.id, block)
            self.membership.on_block(block)

    # -- the wire -------------------------------------------------------------------------------

    def transmit(self, member: SimMember, machine: str, send: Send) -> None:
        if member.honest:
            pairs = [(to, send.data) for to in send.to]
        elif machine == "replica":
            signer = self.keyring.signer(f"{member.id}/vote")
            adversary = self.adversary(member.epoch.number)
            place = member.epoch.members.index(member.id)
            pairs = list(adversary.twist(member.strategy, place, signer, send.to, send.data))
        else:
            signer = self.keyring.cosigner(member.id, member.epoch.number)
            twist = self.adversary(member.epoch.number).words.twist
            pairs = [
                (to, one) for to in send.to for one in twist(member.strategy, signer, send.data)
            ]
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
        elif target.place in self._outside or self._outside.get(sender.place) == "cut":
            return
        for _ in range(copies):
            when = self.now + network.between(0, plan.delay_most)
            when += self._late[sender.place]
            if sender.strategy == "slow" and data.startswith(b"pre-prepare", 2):
                when += SLOW_MS  # just below the patience of the others
            self.at(when, self._arrive, sender, target, machine, data)

    def _is_cut(self, sender: SimMember, target: SimMember) -> bool:
        for one in self.plan.partitions:
            if one.start <= self.now < one.end:
                n = self.plan.n  # who joins sits beside one of the first
                source, sink = one.groups[sender.place % n], one.groups[target.place % n]
                if source > sink or (source < sink and not one.one_way):
                    return True
                if one.ring and (sender.place - target.place) % n not in (1, n - 1):
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
        if self._paused[target.place] > self.now:
            self.at(self._paused[target.place], self._arrive, sender, target, machine, data)
            return
        self._trace.update(b"%d/%d/" % (self.now, target.place) + data)
        if target.honest and data.startswith(b"view-change", 2):
            self._on_view_change(target, data)
        if machine == "replica" and not target.honest:
            self.adversary(target.epoch.number).hear(sender.id, data)
            if target.strategy == "censor":
                heard = censored(data)
                if heard is None:
                    return
                data = heard
        due = self._accountability.must_report(target, sender, data)
        shown = self._accountability.must_report_shown(target, sender, data)
        target.deliver(machine, sender.id, data)
        self._accountability.demand(target, due)
        self._accountability.demand_shown(target, data, shown)

    def _on_view_change(self, target: SimMember, data: bytes) -> None:
        try:
            message = decode(data)
        except Malformed:
            return
        if not isinstance(message, ViewChange) or message.epoch >= len(self.membership.epochs):
            return
        if is_view_change(self.seat(message.epoch), message):
            who = f"{target.id}/{message.epoch}"
            self.checkers.on_view_change_heard(who, message.member, message.view)

    def blocks_for(self, member: SimMember, height: int) -> tuple[list[Block], Certificate | None]:
        """From some other reachable member; the certificate is checked against the blocks' root."""
        others = [
            one
            for one in self.members
            if one is not member
            and one.up
            and one.honest
            and not (not self._healed and self._is_cut(one, member))
            and not (self._healed and {one.place, member.place} & self._outside.keys())
        ]
        if not others:
            return [], None
        source = self._network.pick(others)
        blocks, certificate = certified_after(source.disk, height, source.proven)
        if certificate is None:
            return [], None
        size = certificate.checkpoint.size
        if source.disk.chain[size - 1].root != certificate.checkpoint.root:
            raise Violation(f"C1: {source.id} holds another root of {size} than certified")
        return blocks, certificate

    # -- the end --------------------------------------------------------------------------------

    def on_evidence(self, member: SimMember, finding: Evidence) -> None:
        """C13: evidence verifies, and never against who contradicted nothing it said."""
        epoch = self.membership.epochs[finding.first.epoch]
        if not verify_evidence(finding, self.chain_id, self.origin, epoch, self.keyring.verify):
            raise Violation(f"C13: {member.id} reports evidence that does not verify")
        accused = self._by_id[finding.member]
        if accused.honest and accused.id not in self.checkers.contradicted:
            raise Violation(f"C5: {member.id} has evidence against the honest {finding.member}")
        self.checkers.mark(f"evidence/{finding.first.kind}")
        self._accountability.on_evidence(member, finding)

    def on_suspicion(self, member: SimMember, finding: Suspicion) -> None:
        inspection.check_suspicion(member, self._by_id[finding.member], finding.code)

    def note(self, member: SimMember, text: str) -> None:
        self.story.append(f"{self.now:>7} {member.id} {text}")
