"""The messages between members: frozen arrays with a type tag, canonical bytes, sizes bounded
before use.

A vote names neither its sender nor a key: the channel (or, inside certificates, a place in the
member set) says whose key must verify. So nothing in an envelope can differ from what is signed
(R-Q-7).

Invariants: `decode` returns only messages whose lists are within limits, sorted and without
duplicates; signatures are not yet checked. Source: PBFT (OSDI'99) sections 4.2 to 4.4; R-RS-3.
"""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from consensus.settings import (
    BATCHES_MAX,
    FETCH_MAX,
    FORWARD_MAX,
    MESSAGE_SIZE_MAX,
    PREPARED_MAX,
    SPREAD_COUNT_MAX,
)
from ledger.checkpoint import Certificate, Checkpoint, Cosignature
from ledger.codec import Digest, Format, Natural
from ledger.errors import Malformed
from ledger.hashing import tagged
from ledger.limits import BLOCK_TRANSACTIONS_MAX, MEMBERS_MAX, TRANSACTION_SIZE_MAX
from ledger.membership import MemberSet

__all__ = [
    "Batch",
    "Batches",
    "Commit",
    "Committed",
    "Cosigned",
    "Fetch",
    "Message",
    "NewView",
    "Overdue",
    "PrePrepare",
    "Prepare",
    "PreparedCertificate",
    "Proposal",
    "Recall",
    "Recalled",
    "Seal",
    "Settled",
    "Stable",
    "StableProof",
    "Status",
    "Transactions",
    "ViewChange",
    "decode",
    "encode",
]

DIGEST_SIZE: Final = 32
Signature = Annotated[bytes, Meta(min_length=64, max_length=64)]
Place = Annotated[int, Meta(ge=0, lt=MEMBERS_MAX)]
DigestList = Annotated[bytes, Meta(max_length=DIGEST_SIZE * BLOCK_TRANSACTIONS_MAX)]
_Raw = Annotated[bytes, Meta(min_length=1, max_length=TRANSACTION_SIZE_MAX)]
_U64: Final = struct.Struct(">Q")


class Batch(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """A proposed time (ms) and the digests of transactions, 32 bytes each, in order."""

    time: Natural
    digests: DigestList

    def digest(self) -> bytes:
        """Return what the votes name. It binds the time: a re-proposed batch keeps its own
        (R-DT-3).
        """
        return tagged("batch", _U64.pack(self.time) + self.digests)

    def names(self) -> list[bytes]:
        """Return the digests one by one."""
        blob = self.digests
        return [blob[at : at + DIGEST_SIZE] for at in range(0, len(blob), DIGEST_SIZE)]


NULL_BATCH: Final = Batch(
    0, b""
)  # the null request: its block is empty, its time the previous plus 1 ms
NULL_DIGEST: Final = NULL_BATCH.digest()


class Seal(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """A signature of the member at `member` in the set."""

    member: Place
    signature: Signature


Seals = Annotated[tuple[Seal, ...], Meta(max_length=MEMBERS_MAX)]


class PrePrepare(
    msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True, tag="pre-prepare"
):
    """The primary's proposal; its signature is over the batch's digest."""

    epoch: Natural
    view: Natural
    sequence: Natural
    batch: Batch
    signature: Signature


class Prepare(
    msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True, tag="prepare"
):
    """A backup's word that it accepted the proposal, holds all its bodies and found them valid."""

    epoch: Natural
    view: Natural
    sequence: Natural
    digest: Digest
    signature: Signature


class Commit(
    msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True, tag="commit"
):
    """A member's word that it holds a prepared certificate."""

    epoch: Natural
    view: Natural
    sequence: Natural
    digest: Digest
    signature: Signature


class PreparedCertificate(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """The pre-prepare's signature and q−1 PREPAREs of distinct backups (R-Q-3). Transferable
    (R-VC-15).
    """

    view: Natural
    sequence: Natural
    digest: Digest
    signature: Signature
    prepares: Seals


class Line(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """One cosignature of a checkpoint: place of the member, seconds, signature."""

    member: Place
    timestamp: Natural
    signature: Signature


class Stable(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """A stable checkpoint and its proof; height 0 is genesis and has no lines."""

    height: Natural
    root: Digest
    lines: Annotated[tuple[Line, ...], Meta(max_length=MEMBERS_MAX)]

    def certificate(self, origin: str, members: MemberSet) -> Certificate:
        """Return the certificate. Raises: Malformed for a place outside the set."""
        for line in self.lines:
            if line.member >= members.n:
                raise Malformed("stable", "names a place outside the member set")
        return Certificate(
            Checkpoint(origin, self.height, self.root),
            tuple(
                Cosignature(members.members[line.member].id, line.timestamp, line.signature)
                for line in self.lines
            ),
        )

    @classmethod
    def of(cls, certificate: Certificate, members: MemberSet) -> Stable:
        """Return the wire form. Raises: Malformed for a cosigner outside the set."""
        return cls(
            certificate.checkpoint.size,
            certificate.checkpoint.root,
            tuple(
                Line(members.index(one.member), one.timestamp, one.signature)
                for one in certificate.cosignatures
            ),
        )


GENESIS_STABLE: Final = Stable(0, bytes(32), ())


class ViewChange(
    msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True, tag="view-change"
):
    """A member leaves for `view`: its stable checkpoint with proof, and P (PBFT 4.4, R-VC-1)."""

    epoch: Natural
    view: Natural
    member: Place
    stable: Stable
    prepared: Annotated[tuple[PreparedCertificate, ...], Meta(max_length=PREPARED_MAX)]
    signature: Signature

    def digest(self) -> bytes:
        """Return what its signature covers: everything in it but the signature."""
        return tagged(
            "view-change-body",
            _VIEW_CHANGE.encode((self.epoch, self.view, self.member, self.stable, self.prepared)),
        )


class Proposal(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """An entry of O: the new primary's pre-prepare for a sequence, by digest."""

    sequence: Natural
    digest: Digest
    signature: Signature


class NewView(
    msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True, tag="new-view"
):
    """The new primary's proof that it may start the view, and what it must propose (PBFT 4.4)."""

    epoch: Natural
    view: Natural
    view_changes: Annotated[tuple[ViewChange, ...], Meta(max_length=MEMBERS_MAX)]
    proposals: Annotated[tuple[Proposal, ...], Meta(max_length=PREPARED_MAX)]
    signature: Signature

    def digest(self) -> bytes:
        """Return what its signature covers."""
        return tagged(
            "new-view-body",
            _NEW_VIEW.encode((self.epoch, self.view, self.view_changes, self.proposals)),
        )


class Committed(
    msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True, tag="committed"
):
    """A commit certificate: q COMMITs of one view. Final whatever the view is now (R-VC-9)."""

    epoch: Natural
    view: Natural
    sequence: Natural
    batch: Batch
    commits: Seals


class StableProof(
    msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True, tag="stable"
):
    """A stable checkpoint with its proof, for a member that is behind it."""

    epoch: Natural
    stable: Stable


class Status(
    msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True, tag="status"
):
    """Where a member stands. Unsigned: it only asks for help, and help costs a bounded amount
    (R-TL-8).
    """

    epoch: Natural
    view: Natural
    active: bool
    executed: Natural
    stable: Natural


class Transactions(
    msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True, tag="transactions"
):
    """Bodies, spread ahead of ordering or in answer to a Fetch."""

    raws: Annotated[tuple[_Raw, ...], Meta(max_length=SPREAD_COUNT_MAX)]


class Overdue(
    msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True, tag="overdue"
):
    """Bodies that have waited long, said again to all before their sender complains (R-TL-6)."""

    epoch: Natural
    raws: Annotated[tuple[_Raw, ...], Meta(max_length=FORWARD_MAX)]


class Settled(
    msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True, tag="settled"
):
    """An answer to Overdue: of these the sender knows that they are ordered."""

    epoch: Natural
    digests: Annotated[bytes, Meta(max_length=DIGEST_SIZE * FORWARD_MAX)]


class Recall(
    msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True, tag="recall"
):
    """Asked by a member that has lost its ballots; `nonce` tells its lives apart (R-DW-4)."""

    epoch: Natural
    nonce: Natural


class Recalled(
    msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True, tag="recalled"
):
    """An answer to Recall: the view the sender is in or has promised, its stable checkpoint."""

    epoch: Natural
    nonce: Natural
    view: Natural
    stable: Stable


class Fetch(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True, tag="fetch"):
    """Ask for batches and transactions by digest."""

    batches: Annotated[bytes, Meta(max_length=DIGEST_SIZE * BATCHES_MAX)]
    transactions: Annotated[bytes, Meta(max_length=DIGEST_SIZE * FETCH_MAX)]


class Batches(
    msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True, tag="batches"
):
    """Batches in answer to a Fetch; each proves itself by its digest."""

    batches: Annotated[tuple[Batch, ...], Meta(max_length=BATCHES_MAX)]


class Cosigned(
    msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True, tag="cosigned"
):
    """PBFT's CHECKPOINT: a C2SP timestamped cosignature of the chain log at a size (DESIGN 2.7).

    The epoch is not signed: it says whose machine and which key this is for.
    """

    epoch: Natural
    size: Natural
    root: Digest
    timestamp: Natural
    signature: Signature


Message = (
    PrePrepare
    | Prepare
    | Commit
    | Committed
    | ViewChange
    | NewView
    | StableProof
    | Status
    | Transactions
    | Overdue
    | Settled
    | Recall
    | Recalled
    | Fetch
    | Batches
)

_VIEW_CHANGE: Final = Format(
    tuple[int, int, int, Stable, tuple[PreparedCertificate, ...]], "view-change"
)
_NEW_VIEW: Final = Format(tuple[int, int, tuple[ViewChange, ...], tuple[Proposal, ...]], "new-view")
_MESSAGE: Final[Format[Message]] = Format(Message, "message")  # type: ignore[arg-type]
COSIGNED: Final = Format(Cosigned, "cosigned")


def encode(message: Message) -> bytes:
    """Return the canonical bytes of a message."""
    return _MESSAGE.encode(message)


def decode(data: bytes) -> Message:
    """Return the message that `data` spells. Raises: Malformed, naming the rule it breaks."""
    if len(data) > MESSAGE_SIZE_MAX:
        raise Malformed("message", f"is larger than {MESSAGE_SIZE_MAX} bytes")
    message = _MESSAGE.decode(data)
    if isinstance(message, PrePrepare):
        _check_batch(message.batch)
    elif isinstance(message, Committed):
        _check_batch(message.batch)
        _check_seals(message.commits)
    elif isinstance(message, Batches):
        for batch in message.batches:
            _check_batch(batch)
    elif isinstance(message, Fetch):
        if len(message.batches) % DIGEST_SIZE or len(message.transactions) % DIGEST_SIZE:
            raise Malformed("fetch", "must be digests of 32 bytes")
    elif isinstance(message, Settled):
        if len(message.digests) % DIGEST_SIZE:
            raise Malformed("settled", "must be digests of 32 bytes")
    elif isinstance(message, ViewChange):
        _check_view_change(message)
    elif isinstance(message, NewView):
        for view_change in message.view_changes:
            _check_view_change(view_change)
        _check_ascending([one.member for one in message.view_changes], "new-view.view_changes")
        _check_ascending([one.sequence for one in message.proposals], "new-view.proposals")
    return message


def _check_batch(batch: Batch) -> None:
    if len(batch.digests) % DIGEST_SIZE:
        raise Malformed("batch", "must list digests of 32 bytes")
    if batch.digests and len(dict.fromkeys(batch.names())) * DIGEST_SIZE != len(batch.digests):
        raise Malformed("batch", "lists a digest twice")


def _check_seals(seals: tuple[Seal, ...]) -> None:
    _check_ascending([seal.member for seal in seals], "certificate")


def _check_view_change(message: ViewChange) -> None:
    _check_ascending([one.sequence for one in message.prepared], "view-change.prepared")
    for certificate in message.prepared:
        _check_seals(certificate.prepares)


def _check_ascending(values: list[int], field: str) -> None:
    for earlier, later in pairwise(values):
        if later <= earlier:
            raise Malformed(field, "must be distinct and ascending")
