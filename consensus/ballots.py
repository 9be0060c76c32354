"""The only module that signs. It remembers what it signed and refuses to contradict itself.

Invariants, across restarts because every signature is in a record before it is used (R-DW-1,
R-DW-2):
- one digest per (kind, view, sequence); asked again for the same, the same signature is returned;
- at a sequence the view never falls; at or below the stable checkpoint nothing is signed, except
  what a NEW-VIEW must propose there, in a view above all votes that were forgotten;
- one VIEW-CHANGE and one NEW-VIEW per view, views never falling (R-VC-14);
- a cosignature never names a smaller size, nor another root of a size, nor an earlier time (DESIGN
  2.7), over all epochs; and no size that an earlier epoch's set certifies (R-MB-2).
What it is not: a judge of whether a vote is right. Source: models.md 0.3, 1.12 (Diem safety rules).
"""

from __future__ import annotations

from consensus.epoch import NEW_VIEW, PRE_PREPARE, VIEW_CHANGE, Seat, vote_bytes
from ledger.checkpoint import Checkpoint, Cosignature, cosign
from ledger.errors import InvariantViolated
from ledger.keys import Signer

__all__ = ["Ballots", "CosignatureBallots"]

_PER_VIEW = (VIEW_CHANGE, NEW_VIEW)


class Ballots:
    """Signs the votes of one member in one epoch."""

    __slots__ = ("_cast", "_low", "_low_view", "_seat", "_signer")

    def __init__(self, seat: Seat, signer: Signer) -> None:
        """Raises: InvariantViolated when the signer is not the member's vote key."""
        if signer.public != seat.members.members[seat.index].vote_key:
            raise InvariantViolated("the signer's key is not the member's vote key")
        self._seat = seat
        self._signer = signer
        self._low = seat.base
        self._low_view = -1  # no forgotten vote is of a later view
        # (kind, sequence) -> (view, sequence, digest, signature); per-view kinds under sequence 0
        self._cast: dict[tuple[str, int], tuple[int, int, bytes, bytes]] = {}

    def sign(self, kind: str, view: int, sequence: int, digest: bytes) -> bytes:
        """Return the signature of a vote; the caller stores its record before anything leaves.

        Raises: InvariantViolated for a vote that contradicts an earlier one.
        """
        earlier = self._check(kind, view, sequence, digest)
        if earlier is not None:
            return earlier
        seat = self._seat
        message = vote_bytes(kind, seat.chain, seat.epoch, view, sequence, digest)
        signature = self._signer.sign(message)
        self._cast[_key(kind, sequence)] = (view, sequence, digest, signature)
        return signature

    def remember(
        self, kind: str, view: int, sequence: int, digest: bytes, signature: bytes
    ) -> None:
        """Take over a vote from a durable record at start.

        Raises: InvariantViolated when the records contradict each other.
        """
        if self._check(kind, view, sequence, digest) is None:
            self._cast[_key(kind, sequence)] = (view, sequence, digest, signature)

    def lacks(self, kind: str, view: int, sequence: int, digest: bytes) -> bool:
        """Say whether a vote with this member's signature is one that no record holds (R-DW-4).

        What was forgotten on purpose, below the stable checkpoint or of an older view, is not
        judged.
        """
        if kind not in _PER_VIEW and sequence <= self._low:
            return False
        known = self._cast.get(_key(kind, sequence))
        if known is None or known[0] < view:
            return True
        return known[0] == view and known[2] != digest

    def forget_below(self, low: int, view: int) -> None:
        """Forget votes at or below the stable checkpoint, none of them of a later view than
        `view`.
        """
        self._low_view = max(self._low_view, view)
        if low <= self._low:
            return
        self._low = low
        self._cast = {
            key: cast for key, cast in self._cast.items() if key[0] in _PER_VIEW or key[1] > low
        }

    def _check(self, kind: str, view: int, sequence: int, digest: bytes) -> bytes | None:
        known = self._cast.get(_key(kind, sequence))
        renewed = kind == PRE_PREPARE and (known is not None or view > self._low_view)
        if kind not in _PER_VIEW and sequence <= self._low and not renewed:
            raise InvariantViolated(f"a {kind} at {sequence}, not above the stable {self._low}")
        if known is None or known[0] < view:
            return None
        if known[:3] == (view, sequence, digest):
            return known[3]
        raise InvariantViolated(
            f"a {kind} in view {view} at {sequence} contradicts the one in view {known[0]}"
        )


def _key(kind: str, sequence: int) -> tuple[str, int]:
    return (kind, 0 if kind in _PER_VIEW else sequence)


class CosignatureBallots:
    """Signs the cosignatures of one member in one epoch, with its cosigner key."""

    __slots__ = ("_base", "_member", "_signer", "last")

    def __init__(self, seat: Seat, signer: Signer) -> None:
        """Raises: InvariantViolated when the signer is not the member's cosigner key."""
        if signer.public != seat.members.members[seat.index].cosigner_key:
            raise InvariantViolated("the signer's key is not the member's cosigner key")
        self._member = seat.me
        self._base = seat.base
        self._signer = signer
        self.last: tuple[int, bytes, int] | None = None  # size, root, timestamp

    def sign(self, checkpoint: Checkpoint, timestamp: int) -> Cosignature:
        """Return a cosignature at a time in seconds; the caller stores it before it leaves.

        Raises: InvariantViolated for a smaller size, another root of the same size, or an earlier
        time.
        """
        if checkpoint.size <= self._base:
            raise InvariantViolated(f"size {checkpoint.size} belongs to an earlier epoch")
        self.remember(checkpoint.size, checkpoint.root, timestamp)
        return cosign(checkpoint, timestamp, self._member, self._signer)

    def remember(self, size: int, root: bytes, timestamp: int) -> None:
        """Take over a cosignature from a durable record, also of an earlier epoch.

        Raises: as `sign`.
        """
        if self.last is not None:
            last_size, last_root, last_time = self.last
            if (
                size < last_size
                or timestamp < last_time
                or (size == last_size and root != last_root)
            ):
                raise InvariantViolated(
                    f"a cosignature of size {size} at {timestamp} contradicts that of {last_size}"
                )
        self.last = (size, root, timestamp)
