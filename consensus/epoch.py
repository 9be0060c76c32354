"""An epoch and a member's seat in it: all that signing and verifying a vote depends on.

One `Replica` and one `Certifier` serve exactly one epoch: membership is data given at
construction, never asked from the network, so every certificate is verified with the set of its
own heights (R-MB-2).

Source: DESIGN section 4 (vote bytes), consensus.md R-Q-4.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.keys import Verify
from ledger.membership import MemberSet
from ledger.votes import COMMIT, NEW_VIEW, PRE_PREPARE, PREPARE, VIEW_CHANGE, vote_bytes

__all__ = [
    "COMMIT",
    "NEW_VIEW",
    "PREPARE",
    "PRE_PREPARE",
    "VIEW_CHANGE",
    "Epoch",
    "Seat",
    "vote_bytes",
]


@dataclass(frozen=True, slots=True)
class Epoch:
    """A member set, its number, and `base`: the last height before it (0 for the genesis set)."""

    number: int
    members: MemberSet
    base: int = 0


@dataclass(frozen=True, slots=True)
class Seat:
    """One member's place in one epoch of one chain. Immutable; shared by all sub-machines."""

    me: str
    index: int
    epoch: int
    base: int
    members: MemberSet
    chain: bytes
    origin: str
    verify: Verify

    @classmethod
    def take(cls, me: str, epoch: Epoch, chain: bytes, origin: str, verify: Verify) -> Seat:
        """Return the seat of a member. Raises: Malformed when it is not in the epoch's set."""
        members = epoch.members
        return cls(me, members.index(me), epoch.number, epoch.base, members, chain, origin, verify)

    def primary(self, view: int) -> int:
        """Return the place of a view's primary (R-MB-4: canonical order, in turn)."""
        return view % self.members.n

    def opens(self, sequence: int) -> bool:
        """Say whether this is the first height of an epoch that follows another: its block is
        empty and comes at once, or nobody could certify anything anew (docs/PROTOCOL.md, Epochs).
        """
        return self.epoch > 0 and sequence == self.base + 1

    def others(self) -> tuple[str, ...]:
        """Return the ids of all members but this one, in order."""
        return tuple(member.id for member in self.members.members if member.id != self.me)

    def vote_holds(
        self, member: int, kind: str, view: int, sequence: int, digest: bytes, signature: bytes
    ) -> bool:
        """Say whether the member at that place signed exactly this vote of this epoch and chain."""
        if not 0 <= member < self.members.n:
            return False
        message = vote_bytes(kind, self.chain, self.epoch, view, sequence, digest)
        return self.verify(self.members.members[member].vote_key, message, signature)
