"""From one epoch to the next: how this one ends, and how members left behind in earlier ones learn
it.

An epoch's last height, the boundary, is the block that decided the next set. The epoch has ended
for this member when that block is executed here and certified by the epoch's own set (R-MB-3);
what waits is carried over, or refused by a member that leaves. A member that is still in an earlier
epoch says so in its Status, and is answered with the proof of that epoch's last height: it needs
no other set than its own to believe it (R-MB-2), fetches the blocks, and ends the epoch itself.

What it is not: who may follow whom (ledger.membership.check_succession, asked by the executor).
Source: DESIGN 4, decisions on epochs in docs/PROTOCOL.md; R-MB-1 to R-MB-6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from consensus.effects import Effect, EpochEnded, Halt, Refused
from consensus.epoch import Epoch, Seat
from consensus.inputs import Carried, Handover
from consensus.messages import Commit, Stable, StableProof, Status, decode, encode
from consensus.outbox import Outbox
from consensus.pool import Pool
from consensus.settings import Settings
from ledger.errors import InvariantViolated, Malformed
from ledger.membership import MemberSet

__all__ = ["PAST_MAX", "Ending", "Stragglers"]

PAST_MAX: Final = 64  # past epochs whose stragglers are answered; older ones ask by fetching blocks
STATUS_SIZE_MAX: Final = 64  # bytes: nothing larger of a stranger is decoded


class Ending:
    """Whether this epoch's last height is known, and whether it has ended."""

    __slots__ = ("_next", "_outbox", "_pool", "_seat", "ended")

    def __init__(self, seat: Seat, outbox: Outbox[Effect, Commit], pool: Pool) -> None:
        self._seat = seat
        self._outbox = outbox
        self._pool = pool
        self._next: Epoch | None = None
        self.ended = False

    def decided(self, height: int, following: Epoch | None) -> bool:
        """Hear what the block of a height decided; return whether it is the epoch's last.

        Raises: InvariantViolated when the driver names an epoch that does not follow here.
        """
        if following is None:
            if self._next is not None:
                raise InvariantViolated(f"height {height} lies above the epoch's last")
            return False
        if (following.number, following.base) != (self._seat.epoch + 1, height):
            raise InvariantViolated(
                f"epoch {following.number} after {following.base} does not follow on "
                f"epoch {self._seat.epoch} at {height}"
            )
        self._next = following
        return True

    def conclude(self, stable: Stable) -> None:
        """Once the last height is executed and certified, say so: the last effect of a step."""
        following = self._next
        if self.ended or following is None or stable.height < following.base:
            return
        self.ended = True
        if stable.height > following.base:
            # Only more than f liars can certify, as this epoch, what it never orders (R-DT-4).
            self._outbox.emit(Halt(f"epoch {self._seat.epoch} certified above its last height"))
            return
        seat = self._seat
        pending, ordered = self._pool.leave()
        carried = Carried(pending, ordered)
        if seat.me not in following.members:
            if pending:
                names = tuple([one.digest for _, one in pending])
                self._outbox.emit(Refused(names, "epoch-ended"))
            carried = Carried()
        certificate = stable.certificate(seat.origin, seat.members)
        self._outbox.emit(EpochEnded(following.base, following, certificate, carried))


@dataclass(frozen=True, slots=True)
class _Proof:
    """That an epoch has ended at a height, for whoever was in it."""

    members: MemberSet
    height: int
    data: bytes


class Stragglers:
    """Answers to members that are still in an epoch that has ended."""

    __slots__ = ("_answered", "_outbox", "_period", "_proofs", "_strangers")

    def __init__(
        self,
        past: tuple[Handover, ...],
        outbox: Outbox[Effect, Commit],
        settings: Settings,
    ) -> None:
        self._outbox = outbox
        self._period = settings.status_ticks // 2
        self._proofs: dict[int, _Proof] = {}
        self._strangers: dict[str, None] = {}  # everybody who was a member once
        for one in past[-PAST_MAX:]:
            members = one.epoch.members
            stable = Stable.of(one.certificate, members)
            data = encode(StableProof(one.epoch.number, stable))
            self._proofs[one.epoch.number] = _Proof(members, stable.height, data)
            self._strangers.update(dict.fromkeys([member.id for member in members.members]))
        self._answered: dict[str, int] = {}  # tick of the last answer to a member

    def on_status(self, sender: str, message: Status, tick: int) -> None:
        """Answer a Status of an earlier epoch, of a member of that epoch that is behind its end."""
        proof = self._proofs.get(message.epoch)
        if proof is None or sender not in proof.members or message.stable >= proof.height:
            return
        if tick - self._answered.get(sender, -self._period) < self._period:
            return
        self._answered[sender] = tick
        self._outbox.send((sender,), proof.data)

    def on_stranger(self, sender: str, data: bytes, tick: int) -> None:
        """Hear a member of an earlier epoch that is not in this one: a Status, nothing else counts
        (R-MB-6).
        """
        if sender not in self._strangers or len(data) > STATUS_SIZE_MAX:
            return
        try:
            message = decode(data)
        except Malformed:
            return
        if isinstance(message, Status):
            self.on_status(sender, message, tick)
