"""Which height to fetch: what members offer, each offer verified, and the choice among them.

Every offer stands under a certificate, so none can be false; but one of a few liars might be old,
of a height that nobody else holds any more, and its giver slow. With f members that lie, the
f+1-highest offer is no higher than the best of an honest member, and as high as all but f of them:
others can give it too (R-CP-4). An offer of a later epoch is looked at when its giver has proved
that epoch, handover by handover (`walk`).
"""

from __future__ import annotations

from collections.abc import Iterable

from ledger.block import HEADER
from ledger.checkpoint import Certificate, verify_certificate
from ledger.errors import Malformed
from ledger.membership import MemberSet
from ledger.merkle_log import leaf_hash, verify_inclusion
from node.snapshot.messages import Answer, AskWalk, Gone, Offer, Walked
from node.snapshot.walk import Walk

__all__ = ["Choosing", "verify_offer"]


class Choosing:
    """The offers of one round, one of each member that was asked."""

    def __init__(self, asked: Iterable[str], above: int, walk: Walk, origin: str) -> None:
        """Offers must be above the height `above`; `walk` leads to who certified them."""
        self._above = above
        self._walk = walk
        self._origin = origin
        self._offers: dict[str, Offer] = {}
        self._unproved: dict[str, tuple[Offer, int]] = {}  # and the epoch after which was asked
        self.awaited = set(asked)

    def take(self, sender: str, answer: Answer) -> AskWalk | None:
        """Take an answer of a member that is awaited; returns what it must tell first, if its offer
        is of an epoch that is not proved yet. Raises: Malformed.
        """
        if sender not in self.awaited:
            return None
        unproved = self._unproved.get(sender)
        if isinstance(answer, Gone) and answer.height == 0 and unproved is None:
            self.awaited.discard(sender)
            return None
        if isinstance(answer, Offer) and unproved is None:
            offer = answer
        elif isinstance(answer, Walked) and unproved is not None and answer.after == unproved[1]:
            offer = unproved[0]
        else:
            return None  # to an earlier question
        self.awaited.discard(sender)
        self._unproved.pop(sender, None)
        if isinstance(answer, Walked):
            self._walk.take(answer.after, answer.handovers)
        return self._judge(sender, offer)

    def _judge(self, sender: str, offer: Offer) -> AskWalk | None:
        last = self._walk.last.number
        if HEADER.decode(offer.header).epoch > last:
            self._unproved[sender] = offer, last
            self.awaited.add(sender)
            return AskWalk(last)
        verify_offer(offer, self._above, self._walk.members(offer.height), self._origin)
        self._offers[sender] = offer
        return None

    def best(self, f: int) -> Offer | None:
        """Return the offer of the f+1-highest height, or the lowest of fewer; None: there is
        none.
        """
        by_height = sorted(self._offers.values(), key=lambda offer: offer.height, reverse=True)
        return by_height[min(f, len(by_height) - 1)] if by_height else None


def verify_offer(offer: Offer, above: int, members: MemberSet, origin: str) -> None:
    """Check that q of the members certified the height, and that the header is its last leaf.

    `members` is the set that certifies that height. Raises: Malformed.
    """
    if offer.height <= above:
        raise Malformed("offer.height", "is not above our own")
    certificate = Certificate.from_note(offer.note, members)
    checkpoint, header = certificate.checkpoint, HEADER.decode(offer.header)
    if checkpoint.size != offer.height or header.height != offer.height:
        raise Malformed("offer.height", "is not that of its certificate and header")
    leaf = leaf_hash(offer.header)
    index, root = offer.height - 1, checkpoint.root
    if not verify_inclusion(leaf, index, offer.height, offer.inclusion, root):
        raise Malformed("offer.inclusion", "does not lead to the certified root")
    if header.members != members.digest():
        raise Malformed("offer.header", "ends an epoch: what follows is not proved by it")
    verify_certificate(certificate, members, origin)
