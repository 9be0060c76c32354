"""A small stage for scenarios one can read aloud: the simulator's members and checkers, without
chance.

Messages arrive at once and in order, writes succeed at once, unless the scenario says otherwise.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from hashlib import blake2b

from consensus import CertifierSettings, Epoch, Evidence, Finding, Send, Settings, verify_evidence
from consensus import messages as wire
from consensus.epoch import Seat
from ledger.checkpoint import Certificate
from ledger.transaction import SUITE, VERSION, Body, Transaction, signed
from tests.simulator.checkers import Checkers
from tests.simulator.dice import Dice
from tests.simulator.keys import FakeSigner, Keyring
from tests.simulator.member import REPLICA, Block, SimMember

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
        self.checkers = Checkers(self.seat)
        self.now = 0
        self.boundary = -1  # the height whose block decides the next epoch
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
        return self.members[self.epoch.members.index(name)]

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
            certificate = other.disk.certificate
            if other is not member and other.up and certificate is not None:
                size = certificate.checkpoint.size
                if height < size <= other.height:
                    return other.disk.chain[height:size], certificate
        return [], None

    def note(self, member: SimMember, text: str) -> None:
        self.story.append((member.id, text))

    def next_epoch(self, height: int) -> Epoch | None:
        if height != self.boundary:
            return None
        return Epoch(1, self.epoch.members, height)

    def on_executed(self, member: SimMember, block: Block) -> None:
        """Nothing to do: scenarios look at the chains."""

    def on_evidence(self, member: SimMember, accused: int, finding: Evidence) -> None:
        held = verify_evidence(
            finding, self.chain_id, self.origin, self.epoch.members, self.keyring.verify
        )
        assert held, "evidence must verify for a third party"
        self.evidence.append(finding)
