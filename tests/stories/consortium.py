"""The simulator's stage, told: members whose every effect becomes words, delivered round by round.

Deterministic and without chance: what is under way arrives in the order in which it was sent, a
write takes one round, time passes only when the story says so. The simulator's checkers watch over
every story, so what is told is also known to be allowed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from consensus import (
    CertificateReady,
    Check,
    EpochEnded,
    Evidence,
    Halt,
    NeedState,
    Ordered,
    Refused,
    Report,
    Send,
    Settings,
    Store,
)
from consensus import messages as wire
from consensus.effects import CertifierEffect, Effect
from consensus.messages import COSIGNED
from consensus.records import COSIGNED_RECORD, RECORD
from ledger.merkle_log import leaf_hash
from ledger.transaction import Transaction
from tests.simulator.member import CERTIFIER, REPLICA, Block, SimMember
from tests.simulator.stage import SETTINGS, Stage
from tests.stories.telling import Teller
from tests.stories.words import kind_of

__all__ = ["Consortium", "ToldMember"]


class ToldMember(SimMember):
    """A member that tells what it does."""

    world: Consortium
    diverges_at = 0  # the height whose block this member, broken, executes in another way

    def _do(self, machine: str, effect: Effect | CertifierEffect) -> None:
        teller = self.world.teller
        words = teller.words
        if isinstance(effect, Store):
            form = RECORD if machine == REPLICA else COSIGNED_RECORD
            record = words.record(form.decode(effect.record))
            kind = "records" if machine == REPLICA else "cosignatures"
            teller.tell(kind, self.id, "writes", record, "write")
        elif isinstance(effect, Check):
            what = words.transactions([leaf_hash(raw) for raw in effect.raws])
            teller.tell("checks", self.id, "checks", f"the signatures of {what}", "check")
        elif isinstance(effect, NeedState):
            what = f"for blocks {self.height + 1} to {effect.height}"
            teller.tell("state", self.id, "asks", what, "ask")
        elif isinstance(effect, CertificateReady):
            what = words.certificate(effect.certificate)
            teller.tell("certificates", self.id, "certifies", what, "certify")
        elif isinstance(effect, Refused):
            what = f"{words.transactions(list(effect.digests))}: {effect.code}"
            teller.tell("refusals", self.id, "refuses", what, "refuse")
        elif isinstance(effect, Report):
            verb = "prove" if isinstance(effect.finding, Evidence) else "suspect"
            what = words.finding(effect.finding)
            teller.tell("findings", self.id, verb + "s", what, verb)
        elif isinstance(effect, EpochEnded):
            what = f"its epoch at height {effect.height}"
            teller.tell("epochs", self.id, "ends", what, "end")
        elif isinstance(effect, Halt):
            teller.tell("halts", self.id, "halts", effect.reason, "halt")
        super()._do(machine, effect)
        if isinstance(effect, Halt) and machine == CERTIFIER:
            self.replica.halt(effect.reason)  # as a driver does: the engine stops, too

    def _execute(self, effect: Ordered) -> None:
        if effect.height == self.diverges_at:
            effect = replace(effect, time=effect.time + 1)
        super()._execute(effect)

    def append(self, block: Block) -> None:
        super().append(block)
        words = self.world.teller.words
        if not self.strategy:
            words.meet_root(block.height, block.root)
        what = words.transactions([one.digest for one in block.transactions])
        if self.strategy and self.diverges_at == block.height:
            what += ", and errs"
        self.world.teller.tell(
            "blocks", self.id, "executes", f"block {block.height}: {what or 'null'}", "execute"
        )


class Consortium(Stage):
    """A consortium whose doings are told."""

    member_type = ToldMember

    def __init__(self, n: int = 4, settings: Settings = SETTINGS) -> None:
        self.teller = Teller([f"m{place}" for place in range(n)])
        self._told: dict[tuple[str, tuple[str, ...], bytes], None] = {}
        # type of a message -> whether one ever waited for a record to be durable
        self.waited: dict[type[object], bool] = {}
        self.losing: list[Callable[[str, str, object], bool]] = []  # sender, target, message
        super().__init__(n, settings)

    def transaction(self, number: int) -> Transaction:
        made = super().transaction(number)
        self.teller.words.meet(made.digest, number)
        return made

    def told(self, name: str) -> ToldMember:
        """A member by its name."""
        member = self[name]
        assert isinstance(member, ToldMember)
        return member

    # -- rounds ---------------------------------------------------------------------------------

    def deliver(self) -> None:
        """Let everything under way arrive; what follows from it is under way then."""
        for _ in range(len(self._queue)):
            self._queue.popleft()()
        self.teller.end_round(self.now)

    def settle(self) -> None:
        self.teller.end_round(self.now)
        while self._queue:
            self.deliver()

    # -- what is lost ---------------------------------------------------------------------------

    def transmit(self, member: SimMember, machine: str, send: Send) -> None:
        form = wire.decode if machine == REPLICA else COSIGNED.decode
        message: object = form(send.data)
        self.waited[type(message)] = self.waited.get(type(message), False) or send.after > 0
        heard = tuple(one for one in send.to if not self.is_lost(member.id, one, message))
        # The same bytes again are a repetition: told only where a story is about repetitions.
        said = (member.id, send.to, send.data)
        again = said in self._told
        self._told[said] = None
        self.tell_message(member.id, send.to, message, kind="repeats" if again else "")
        super().transmit(member, machine, replace(send, to=heard))

    def is_lost(self, sender: str, target: str, message: object) -> bool:
        """Whether the network of this story loses a message."""
        return any(rule(sender, target, message) for rule in self.losing)

    def tell_message(
        self, sender: str, to: tuple[str, ...], message: object, remark: str = "", kind: str = ""
    ) -> None:
        """Tell of a message: to whom it goes, and who will not hear it."""
        lost = [one for one in to if self.is_lost(sender, one, message)]
        what = self.teller.words.message(message) + remark
        if len(lost) == len(to):
            what += "  (lost)"
        elif lost:
            what += f"  (lost: {self.teller.name(lost)})"
        if isinstance(message, wire.Status) or not kind:
            kind = kind_of(message)
        self.teller.tell(kind, sender, f"→ {self.teller.name(to, sender)}", what)
