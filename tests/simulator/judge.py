"""A second reading of the protocol's proofs, for the checkers: plain, slow, and of its own hand.

What it is not: `consensus.new_view`. A checker that asked the code under test whether the code
under test is right would agree with every bug in it, so quorums, vote bytes and the choice of a new
view are written here anew, from the paper (OSDI'99 sections 4.2 to 4.4).
"""

from __future__ import annotations

import struct

from consensus import messages as wire
from consensus.epoch import Seat

NULL = wire.Batch(0, b"").digest()


def quorum(n: int) -> int:
    """Any q such that any two quorums share f+1 members."""
    return (n + (n - 1) // 3) // 2 + 1


def is_signed(
    seat: Seat, place: int, kind: str, view: int, sequence: int, digest: bytes, signature: bytes
) -> bool:
    """Whether the member at a place signed this vote."""
    if place >= seat.members.n:
        return False
    message = (
        b"suyuan/" + kind.encode() + b"/v1\0" + seat.chain
        + struct.pack(">QQQ", seat.epoch, view, sequence) + digest
    )  # fmt: skip
    return seat.verify(seat.members.members[place].vote_key, message, signature)


def is_committed(seat: Seat, one: wire.Committed) -> bool:
    """Whether q distinct members committed this batch in one view."""
    digest = one.batch.digest()
    places = {seal.member for seal in one.commits}
    return len(places) == len(one.commits) == quorum(seat.members.n) and all(
        is_signed(seat, seal.member, "commit", one.view, one.sequence, digest, seal.signature)
        for seal in one.commits
    )


def is_prepared(seat: Seat, one: wire.PreparedCertificate) -> bool:
    """Whether the primary proposed this and q−1 distinct backups prepared it."""
    primary = one.view % seat.members.n
    places = {seal.member for seal in one.prepares}
    place = (one.view, one.sequence, one.digest)
    return (
        len(places) == len(one.prepares) == quorum(seat.members.n) - 1
        and primary not in places
        and is_signed(seat, primary, "pre-prepare", *place, one.signature)
        and all(
            is_signed(seat, seal.member, "prepare", *place, seal.signature) for seal in one.prepares
        )
    )


def is_view_change(seat: Seat, one: wire.ViewChange) -> bool:
    """Whether it is signed, and all it claims to be prepared is."""
    low = one.stable.height
    return (
        is_signed(seat, one.member, "view-change", one.view, low, one.digest(), one.signature)
        and (
            low == seat.base
            or len({line.member for line in one.stable.lines}) >= quorum(seat.members.n)
        )
        and all(
            certificate.view < one.view
            and certificate.sequence > low
            and is_prepared(seat, certificate)
            for certificate in one.prepared
        )
    )


def is_new_view(seat: Seat, one: wire.NewView) -> bool:
    """Whether its primary signed it, q members left for it, and it proposes what it must."""
    primary = one.view % seat.members.n
    changes = one.view_changes
    low = max(change.stable.height for change in changes)
    if len({change.member for change in changes}) != quorum(seat.members.n):
        return False
    if not is_signed(seat, primary, "new-view", one.view, low, one.digest(), one.signature):
        return False
    if not all(change.view == one.view and is_view_change(seat, change) for change in changes):
        return False
    # More than one digest of the newest view: only with more than f liars.
    must: list[tuple[int, set[bytes]]] = []
    claims = [certificate for change in changes for certificate in change.prepared]
    top = max([low, *[claim.sequence for claim in claims]])
    for sequence in range(low + 1, top + 1):
        here = [claim for claim in claims if claim.sequence == sequence]
        newest = max((claim.view for claim in here), default=None)
        must.append((sequence, {claim.digest for claim in here if claim.view == newest} or {NULL}))
    if [sequence for sequence, _ in must] != [proposal.sequence for proposal in one.proposals]:
        return False
    return all(
        proposal.digest in digests
        for (_, digests), proposal in zip(must, one.proposals, strict=True)
    ) and all(
        is_signed(
            seat,
            primary,
            "pre-prepare",
            one.view,
            proposal.sequence,
            proposal.digest,
            proposal.signature,
        )
        for proposal in one.proposals
    )
