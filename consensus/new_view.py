"""The safety of view changes, in pure functions: what a new view must propose, and who may start
it.

`choose` is computed by the new primary and recomputed by every backup from the same q VIEW-CHANGEs
(PBFT 4.4):
- min-s is the highest stable checkpoint proven among them, over all of them (R-VC-7);
- every sequence above it, up to the highest with a prepared certificate, is proposed anew: the
  digest of the certificate with the highest view, else the null request (R-VC-2, R-VC-3). Gaps
  never truncate what follows.

Why it is safe: a value committed at a sequence has prepared certificates at q members; any q VIEW-
CHANGEs contain one of an honest member among them, and no other value has a certificate of a
higher view. What it is not: collecting or timing (view_change.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from consensus.epoch import COMMIT, NEW_VIEW, PRE_PREPARE, PREPARE, VIEW_CHANGE, Seat
from consensus.messages import (
    GENESIS_STABLE,
    NULL_DIGEST,
    Committed,
    NewView,
    PreparedCertificate,
    Stable,
    ViewChange,
)
from consensus.settings import WINDOW_MAX
from ledger.checkpoint import verify_certificate
from ledger.errors import Malformed

__all__ = [
    "Choice",
    "check_committed",
    "check_new_view",
    "check_prepared",
    "check_stable",
    "check_view_change",
    "choose",
]


@dataclass(frozen=True, slots=True)
class Choice:
    """The checkpoint a new view starts from, and what it must propose: (sequence, digest), without
    gaps.
    """

    stable: Stable
    proposals: tuple[tuple[int, bytes], ...]


def choose(view_changes: Sequence[ViewChange]) -> Choice:
    """Return what follows from VIEW-CHANGEs that are each valid; their order does not matter."""
    stable = max((one.stable for one in view_changes), key=_stable_order)
    best: dict[int, PreparedCertificate] = {}
    for view_change in view_changes:
        for certificate in view_change.prepared:
            if certificate.sequence <= stable.height:
                continue  # certified, hence executed by q members: nothing to propose again
            known = best.get(certificate.sequence)
            if known is None or _strength(known) < _strength(certificate):
                best[certificate.sequence] = certificate
    top = max(best, default=stable.height)
    return Choice(
        stable,
        tuple(
            (sequence, best[sequence].digest if sequence in best else NULL_DIGEST)
            for sequence in range(stable.height + 1, top + 1)
        ),
    )


def _stable_order(stable: Stable) -> tuple[int, bytes, int]:
    # Among proofs of one height the freshest: any is right, but all must take the same.
    least = min((line.timestamp for line in stable.lines), default=0)
    return stable.height, stable.root, least


def _strength(certificate: PreparedCertificate) -> tuple[int, bytes]:
    # Two digests of one view would need more than f liars; the order is then at least the same for
    # all.
    return certificate.view, certificate.digest


def check_stable(stable: Stable, seat: Seat) -> None:
    """Check the proof of a stable checkpoint with the set of its height (R-MB-2).

    Raises: Malformed.
    """
    if stable.height == seat.base:
        # The epoch's own starting point needs no proof here: nobody in it starts lower.
        if (stable.root, stable.lines) != (GENESIS_STABLE.root, GENESIS_STABLE.lines):
            raise Malformed("stable", "the epoch's base carries no proof")
        return
    if stable.height < seat.base:
        raise Malformed("stable", "lies before the epoch")
    verify_certificate(
        stable.certificate(seat.origin, seat.members), seat.members, seat.origin, seat.verify
    )


def check_prepared(certificate: PreparedCertificate, seat: Seat) -> None:
    """Check that it is the primary's pre-prepare and q−1 PREPAREs of distinct backups (R-Q-3).

    Raises: Malformed.
    """
    primary = seat.primary(certificate.view)
    if len(certificate.prepares) != seat.members.q - 1:
        raise Malformed("prepared", f"must hold exactly {seat.members.q - 1} PREPAREs")
    if any(seal.member == primary for seal in certificate.prepares):
        raise Malformed("prepared", "counts a PREPARE of the primary")
    place = (certificate.view, certificate.sequence, certificate.digest)
    if not seat.vote_holds(primary, PRE_PREPARE, *place, certificate.signature):
        raise Malformed("prepared", "the pre-prepare's signature does not hold")
    for seal in certificate.prepares:
        if not seat.vote_holds(seal.member, PREPARE, *place, seal.signature):
            raise Malformed("prepared", "a PREPARE's signature does not hold")


def check_committed(certificate: Committed, seat: Seat) -> bytes:
    """Check q COMMITs of distinct members of one view; return the batch's digest.

    Raises: Malformed.
    """
    if certificate.epoch != seat.epoch:
        raise Malformed("committed", "is of another epoch")
    if len(certificate.commits) != seat.members.q:
        raise Malformed("committed", f"must hold exactly {seat.members.q} COMMITs")
    digest = certificate.batch.digest()
    for seal in certificate.commits:
        if not seat.vote_holds(
            seal.member, COMMIT, certificate.view, certificate.sequence, digest, seal.signature
        ):
            raise Malformed("committed", "a COMMIT's signature does not hold")
    return digest


def check_view_change(message: ViewChange, seat: Seat) -> None:
    """Check a VIEW-CHANGE whole: signature first, then its proofs (R-VC-1, R-LC-2).

    Raises: Malformed; that of one member says nothing about another's (R-VC-6).
    """
    _check_form(message, seat)
    _check_proofs(message, seat)


def _check_form(message: ViewChange, seat: Seat) -> None:
    """What costs one signature check: who speaks, and that no sequence lies outside a window."""
    if message.epoch != seat.epoch:
        raise Malformed("view-change", "is of another epoch")
    if message.member >= seat.members.n or message.view == 0:
        raise Malformed("view-change", "names no member or no later view")
    low = message.stable.height
    for certificate in message.prepared:
        if certificate.view >= message.view or not low < certificate.sequence <= low + WINDOW_MAX:
            raise Malformed("view-change", "a certificate lies outside its view or window")
    if not seat.vote_holds(
        message.member, VIEW_CHANGE, message.view, low, message.digest(), message.signature
    ):
        raise Malformed("view-change", "its signature does not hold")


def _check_proofs(message: ViewChange, seat: Seat) -> None:
    check_stable(message.stable, seat)
    for certificate in message.prepared:
        check_prepared(certificate, seat)


def check_new_view(
    message: NewView, seat: Seat, known: Callable[[ViewChange], bool] = lambda _: False
) -> Choice:
    """Check a NEW-VIEW whole and return what it proposes; recomputes O and compares it (R-VC-2,
    R-VC-4).

    `known` says of a VIEW-CHANGE that it was checked before: saves its signatures, nothing else.
    Raises: Malformed.
    """
    if message.epoch != seat.epoch or message.view == 0:
        raise Malformed("new-view", "is of another epoch, or of view 0")
    if len(message.view_changes) != seat.members.q:
        raise Malformed("new-view", f"must hold exactly {seat.members.q} VIEW-CHANGEs")
    if any(one.view != message.view for one in message.view_changes):
        raise Malformed("new-view", "holds a VIEW-CHANGE of another view")
    primary = seat.primary(message.view)
    low = max([one.stable.height for one in message.view_changes])
    if not seat.vote_holds(
        primary, NEW_VIEW, message.view, low, message.digest(), message.signature
    ):
        raise Malformed("new-view", "its signature does not hold")  # R-VC-5
    # Who speaks, and within which window, before anything is computed from what they say: a
    # sequence from nowhere would make the choice as long as its author likes (R-RS-3).
    unknown = [one for one in message.view_changes if not known(one)]
    for view_change in unknown:
        _check_form(view_change, seat)
    choice = choose(message.view_changes)
    if tuple((one.sequence, one.digest) for one in message.proposals) != choice.proposals:
        raise Malformed("new-view", "does not propose what its VIEW-CHANGEs demand")
    for view_change in unknown:
        _check_proofs(view_change, seat)
    for one in message.proposals:
        if not seat.vote_holds(
            primary, PRE_PREPARE, message.view, one.sequence, one.digest, one.signature
        ):
            raise Malformed("new-view", "a proposal's signature does not hold")
    return choice
