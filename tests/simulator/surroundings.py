"""What a simulated member sees of the world it is in: the simulator's, or a stage's."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from consensus import CertifierSettings, Epoch, Evidence, Send, Settings, Suspicion
from ledger.checkpoint import Certificate
from ledger.transaction import Transaction
from tests.simulator.chain import Block
from tests.simulator.checkers import Checkers
from tests.simulator.keys import Keyring

if TYPE_CHECKING:
    from tests.simulator.member import SimMember


class Surroundings(Protocol):
    """What a member sees of the world."""

    keyring: Keyring
    epoch: Epoch  # of the genesis set
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

    def decide(
        self, current: Epoch, height: int, transactions: tuple[Transaction, ...]
    ) -> Epoch | None:
        """The epoch that a block decides, if it does."""

    def epochs_begun(self) -> int:
        """The newest epoch for which anybody may have made keys."""

    def remembered(self, member: SimMember) -> tuple[bytes, ...]:
        """Digests on the member's chain that its driver names to it when it starts."""

    def on_evidence(self, member: SimMember, finding: Evidence) -> None:
        """A member reports evidence."""

    def on_suspicion(self, member: SimMember, finding: Suspicion) -> None:
        """A member reports what is wrong and proves nothing to others."""
