"""A small stage for scenarios one can read aloud: the simulator's members and checkers, without
chance.

Messages arrive at once and in order, writes succeed at once, unless the scenario says otherwise.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from hashlib import blake2b

from consensus import CertifierSettings, Epoch, Evidence, Finding, Send, Settings, Suspicion
from consensus import messages as wire
from consensus.epoch import Seat, vote_bytes
from consensus.evidence import verify_evidence
from ledger.checkpoint import Certificate, Checkpoint, cosign
from ledger.membership import MemberSet
from ledger.transaction import SUITE, VERSION, Body, Transaction, signed
from tests.simulator.chain import REPLICA, Block, certified_after
from tests.simulator.checkers import Checkers
from tests.simulator.dice import Dice
from tests.simulator.keys import FakeSigner, Keyring
from tests.simulator.member import SimMember

EPOCH_MS = 1_800_000_000_000
SETTINGS = Settings(
    window=8,
    pipeline=4,
    batch_count=1,
    batch_fill=1,
    timeout_ticks=40,
    timeout_cap_ticks=320,
    censor_factor=3,
    resend_ticks=10,
    status_ticks=10,
    fetch_ticks=2,
    lag_ticks=10,
)

Rule = Callable[[str, str, wire.Message], bool]  # sender, target, message -> is it lost?


class Stage:
    """A consortium under the control of a scenario."""

    member_type: type[SimMember] = SimMember

    def __init__(self, n: int = 4, settings: Settings = SETTINGS) -> None:
        self.keyring = Keyring()
        self.epoch = Epoch(0, self.keyring.members(n))
        self.chain_id = blake2b(b"chain", digest_size=32).digest()
        self.origin = f"sim/{self.chain_id.hex()}"
        self.settings = settings
        self.certifier_settings = CertifierSettings(interval_s=2, resend_ticks=10)
        self.genesis_time = EPOCH_MS - 1_000
        self.seat = Seat.take("m0", self.epoch, self.chain_id, self.origin, self.keyring.verify)
        self.checkers = Checkers(self.epoch)
        self.now = 0
        self.boundary = -1  # the height whose block decides the next epoch, with the same members
        self.changes: dict[int, MemberSet] = {}  # number of a transaction -> the set it decides
        self.story: list[tuple[str, str]] = []
        self.evidence: list[Finding] = []
        self.sent: list[tuple[str, str, wire.Message]] = []  # sender, target, message of a replica
        self._rules: list[Rule] = []
        self._queue: deque[Callable[[], None]] = deque()
        self._dice = Dice(1, "stage")
        self.members = [self.member_type(self, place, "", 0) for place in range(n)]
        for member in self.members:
            member.start()
        self.settle()

    def __getitem__(self, name: str) -> SimMember:
        return self.members[int(name[1:])]

    # -- what a scenario does -------------------------------------------------------------------

    def transaction(self, number: int) -> Transaction:
        """A client's transaction; the same number gives the same one."""
        client = self.keyring.signer("client")
        body = Body(
            arguments={},
            chain=self.chain_id,
            contract="test",
            function="do",
            nonce=number.to_bytes(16, "big"),
            signers=(("org.client", client.public),),
            suite=SUITE,
            valid_until=EPOCH_MS + 590_000,
            version=VERSION,
        )
        return signed(body, [client])

    def submit(self, name: str, *numbers: int) -> None:
        """A client gives transactions to a member, and everything that follows happens."""
        self[name].submit(tuple(self.transaction(number) for number in numbers))
        self.settle()

    def settle(self) -> None:
        """Let everything under way arrive."""
        while self._queue:
            self._queue.popleft()()

    def ticks(self, count: int) -> None:
        """Let time pass, 10 ms at a time."""
        for _ in range(count):
            self.now += 10
            for member in self.members:
                if member.up:
                    member.tick()
            self.settle()

    def until(self, holds: Callable[[], bool], ticks: int = 2_000) -> None:
        """Let time pass until something holds; fail if it never does."""
        for _ in range(ticks):
            if holds():
                return
            self.ticks(1)
        raise AssertionError("it never came to that")

    def lose(self, rule: Rule) -> None:
        """From now on lose the messages of replicas that the rule names."""
        self._rules.append(rule)

    def cut(self, *names: str) -> None:
        """Cut members off from everybody."""
        self.lose(lambda sender, target, _: sender in names or target in names)

    def heal(self) -> None:
        """Lose nothing any more."""
        self._rules = []

    def crash(self, name: str) -> None:
        """A member loses power."""
        self[name].crash(lambda _: 0)

    def restart(self, name: str) -> None:
        """A member starts from its disk."""
        self[name].start()
        self.settle()

    def inject(self, sender: str, target: str, message: wire.Message) -> None:
        """A message that no machine made arrives from a member."""
        self[target].deliver(REPLICA, sender, wire.encode(message))
        self.settle()

    def signer(self, name: str) -> FakeSigner:
        """The vote key of a member that lies."""
        return self.keyring.signer(f"{name}/vote")

    def vote(
        self, name: str, epoch: int, kind: str, view: int, sequence: int, digest: bytes
    ) -> bytes:
        """The signature of a member that lies."""
        place = (epoch, view, sequence)
        return self.signer(name).sign(vote_bytes(kind, self.chain_id, *place, digest))

    def line(self, name: str, key: int, size: int, root: bytes, timestamp: int) -> bytes:
        """The cosignature of a member that lies, with its key of some epoch."""
        checkpoint = Checkpoint(self.origin, size, root)
        return cosign(checkpoint, timestamp, name, self.keyring.cosigner(name, key)).signature

    def word(self, name: str, key: int, epoch: int, size: int, root: bytes) -> bytes:
        """Such a cosignature on the wire, said to be of some epoch."""
        now = self.wall_ms(self[name]) // 1000
        signature = self.line(name, key, size, root, now)
        return wire.COSIGNED.encode(wire.Cosigned(epoch, size, root, now, signature))

    def heights(self) -> list[int]:
        """The length of each member's chain."""
        return [member.height for member in self.members]

    def executed_numbers(self, name: str) -> list[int]:
        """The numbers of the transactions on a member's chain, in order."""
        return [
            int.from_bytes(one.body.nonce, "big")
            for block in self[name].disk.chain
            for one in block.transactions
        ]

    # -- Surroundings ---------------------------------------------------------------------------

    def later(self, member: SimMember, least: int, most: int, action: Callable[[], None]) -> None:
        incarnation = member.incarnation
        self._queue.append(lambda: action() if member.incarnation == incarnation else None)

    def transmit(self, member: SimMember, machine: str, send: Send) -> None:
        for to in send.to:
            target = self[to]
            if machine == REPLICA:
                message = wire.decode(send.data)
                self.sent.append((member.id, to, message))
                if any(rule(member.id, to, message) for rule in self._rules):
                    continue
            elif any(rule(member.id, to, wire.Fetch(b"", b"")) for rule in self._rules):
                continue  # a cut line cuts cosignatures, too
            self._queue.append(
                lambda target=target: (  # type: ignore[misc]
                    target.deliver(machine, member.id, send.data) if target.up else None
                )
            )

    def wall_ms(self, member: SimMember) -> int:
        return EPOCH_MS + self.now

    def blocks_for(self, member: SimMember, height: int) -> tuple[list[Block], Certificate | None]:
        for other in self.members:
            if other is not member and other.up:
                blocks, certificate = certified_after(other.disk, height, other.proven)
                if certificate is not None:
                    return blocks, certificate
        return [], None

    def note(self, member: SimMember, text: str) -> None:
        self.story.append((member.id, text))

    def decide(
        self, current: Epoch, height: int, transactions: tuple[Transaction, ...]
    ) -> Epoch | None:
        number = current.number + 1
        if height == self.boundary:
            return Epoch(number, self.same(current.members, number), height)
        for one in transactions:
            decided = self.changes.get(int.from_bytes(one.body.nonce, "big"))
            if decided is not None:
                return Epoch(number, decided, height)
        return None

    def same(self, members: MemberSet, epoch: int) -> MemberSet:
        """The same members in another epoch: their cosigner keys are new."""
        return MemberSet(tuple(self.keyring.member(member.id, epoch) for member in members.members))

    def set_of(self, epoch: int, *names: str) -> MemberSet:
        """The set of an epoch with these members, in this order."""
        return MemberSet(tuple(self.keyring.member(name, epoch) for name in names))

    def join(self, name: str) -> SimMember:
        """Somebody who is in no set yet comes up, and follows."""
        assert name == f"m{len(self.members)}", "who joins is the next by number"
        self.members.append(self.member_type(self, len(self.members), "", 0))
        self.members[-1].start()
        self.settle()
        return self.members[-1]

    def epochs_begun(self) -> int:
        return max(one.disk.epoch(self.epoch).number for one in self.members)

    def on_executed(self, member: SimMember, block: Block) -> None:
        """Nothing to do: scenarios look at the chains."""

    def remembered(self, member: SimMember) -> tuple[bytes, ...]:
        return ()  # as one whose chain has grown by more than a driver names

    def on_evidence(self, member: SimMember, finding: Evidence) -> None:
        held = verify_evidence(
            finding, self.chain_id, self.origin, member.epoch, self.keyring.verify
        )
        assert held, "evidence must verify for a third party"
        self.evidence.append(finding)

    def on_suspicion(self, member: SimMember, finding: Suspicion) -> None:
        """Nothing to do: a scenario may have lied in anybody's name."""

    def in_epoch(self, number: int, *names: str) -> bool:
        """Say whether members sit in an epoch."""
        return all(self[one].seated and self[one].epoch.number == number for one in names)
