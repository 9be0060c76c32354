"""The pure function of view changes, exhausted over a small scope, and each rule of a NEW-VIEW
broken once.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import msgspec
import pytest

from consensus import messages as wire
from consensus.epoch import (
    COMMIT,
    NEW_VIEW,
    PRE_PREPARE,
    PREPARE,
    VIEW_CHANGE,
    Epoch,
    Seat,
    vote_bytes,
)
from consensus.new_view import check_committed, check_new_view, check_view_change, choose
from consensus.settings import WINDOW_MAX
from ledger.checkpoint import Certificate, Checkpoint, cosign
from ledger.errors import Malformed
from tests.simulator.keys import Keyring

A, B = bytes([1]) * 32, bytes([2]) * 32
NO_SIGNATURE = bytes(64)

# What one member may have prepared at one sequence, as (view, digest); None: nothing.
History = tuple[int, bytes] | None


def certificate(sequence: int, history: History) -> wire.PreparedCertificate:
    assert history is not None
    return wire.PreparedCertificate(history[0], sequence, history[1], NO_SIGNATURE, ())


def view_change(member: int, histories: tuple[History, ...], low: int = 0) -> wire.ViewChange:
    prepared = tuple(
        certificate(sequence, one)
        for sequence, one in enumerate(histories, 1)
        if one is not None and sequence > low
    )
    return wire.ViewChange(0, 2, member, wire.Stable(low, bytes(32), ()), prepared, NO_SIGNATURE)


def reachable(sequence_histories: tuple[History, ...]) -> bool:
    """A view has one prepared digest at most, and view 1 keeps what may have been committed in
    view 0.
    """
    for view in (0, 1):
        digests = {one[1] for one in sequence_histories if one is not None and one[0] == view}
        if len(digests) > 1:
            return False
    zero = [one for one in sequence_histories if one is not None and one[0] == 0]
    one_ = [one for one in sequence_histories if one is not None and one[0] == 1]
    # If three (q) members had prepared a digest in view 0, view 1 had to propose it again.
    return not (len(zero) + len(one_) >= 3 and len(zero) >= 2 and one_ and zero[0][1] != one_[0][1])


def committed(sequence_histories: tuple[History, ...]) -> Iterator[bytes]:
    """Digests that q = 3 of four members prepared in one view: they may be committed."""
    for view, digest in itertools.product((0, 1), (A, B)):
        if sum(one == (view, digest) for one in sequence_histories) >= 3:
            yield digest


def test_whatever_may_be_committed_is_proposed_again_over_the_whole_small_scope() -> None:
    """N = 4, two sequences, views 0 and 1, two digests: R-VC-2, R-VC-3, T1."""
    options: list[History] = [None, (0, A), (0, B), (1, A), (1, B)]
    columns = [column for column in itertools.product(options, repeat=4) if reachable(column)]
    cases = 0
    for first, second in itertools.product(columns, repeat=2):
        cases += 1
        everybody = [view_change(member, (first[member], second[member])) for member in range(4)]
        choice = choose(everybody[:3])
        chosen = dict(choice.proposals)
        assert list(chosen) == list(range(1, len(chosen) + 1)), "no gap, nothing out of order"
        for sequence, column in ((1, first), (2, second)):
            for digest in committed(column):
                assert chosen.get(sequence) == digest, (first, second)
    assert cases > 20_000


def test_a_gap_becomes_a_null_request() -> None:
    """R-VC-3."""
    choice = choose([view_change(0, (None, (0, A))), view_change(1, (None, None))])
    assert choice.proposals == ((1, wire.NULL_DIGEST), (2, A))


def test_the_highest_view_wins_whatever_the_order_of_the_messages() -> None:
    changes = [view_change(0, ((0, A),)), view_change(1, ((1, B),)), view_change(2, (None,))]
    for order in itertools.permutations(changes):
        assert choose(order).proposals == ((1, B),)


def test_the_highest_checkpoint_counts_over_all_messages() -> None:
    """R-VC-7, R-VC-8: sets of checkpoints that differ do not block."""
    changes = [
        view_change(0, ((0, A), None, (0, B)), low=2),
        view_change(1, ((0, A),)),
        view_change(2, ()),
    ]
    choice = choose(changes)
    assert choice.stable.height == 2
    assert choice.proposals == ((3, B),)


class Signed:
    """Real (simulated) signatures for a set of four."""

    def __init__(self) -> None:
        self.keyring = Keyring()
        members = self.keyring.members(4)
        self.chain = bytes(32)
        self.seat = Seat.take("m3", Epoch(0, members), self.chain, "sim/1", self.keyring.verify)

    def sign(self, member: int, kind: str, view: int, sequence: int, digest: bytes) -> bytes:
        message = vote_bytes(kind, self.chain, 0, view, sequence, digest)
        return self.keyring.signer(f"m{member}/vote").sign(message)

    def prepared(
        self, view: int, sequence: int, digest: bytes, by: tuple[int, ...]
    ) -> wire.PreparedCertificate:
        primary = view % 4
        return wire.PreparedCertificate(
            view,
            sequence,
            digest,
            self.sign(primary, PRE_PREPARE, view, sequence, digest),
            tuple(wire.Seal(m, self.sign(m, PREPARE, view, sequence, digest)) for m in by),
        )

    def stable(self, height: int) -> wire.Stable:
        checkpoint = Checkpoint("sim/1", height, bytes([height]) * 32)
        lines = tuple(
            cosign(checkpoint, 7, f"m{m}", self.keyring.signer(f"m{m}/cosigner")) for m in range(3)
        )
        return wire.Stable.of(Certificate(checkpoint, lines), self.seat.members)

    def view_change(
        self, member: int, view: int, *prepared: wire.PreparedCertificate, low: int = 0
    ) -> wire.ViewChange:
        stable = self.stable(low) if low else wire.GENESIS_STABLE
        blank = wire.ViewChange(0, view, member, stable, prepared, NO_SIGNATURE)
        return self.signed(blank)

    def signed(self, blank: wire.ViewChange) -> wire.ViewChange:
        signature = self.sign(
            blank.member, VIEW_CHANGE, blank.view, blank.stable.height, blank.digest()
        )
        return msgspec.structs.replace(blank, signature=signature)

    def new_view(
        self,
        view: int,
        changes: tuple[wire.ViewChange, ...],
        proposals: tuple[tuple[int, bytes], ...],
        by: int | None = None,
    ) -> wire.NewView:
        primary = view % 4 if by is None else by
        entries = tuple(
            wire.Proposal(sequence, digest, self.sign(primary, PRE_PREPARE, view, sequence, digest))
            for sequence, digest in proposals
        )
        blank = wire.NewView(0, view, changes, entries, NO_SIGNATURE)
        low = max((one.stable.height for one in changes), default=0)
        signature = self.sign(primary, NEW_VIEW, view, low, blank.digest())
        return msgspec.structs.replace(blank, signature=signature)


@pytest.fixture
def world() -> Signed:
    return Signed()


def three(world: Signed, view: int = 1) -> tuple[wire.ViewChange, ...]:
    held = world.prepared(0, 1, A, (1, 2))
    return (
        world.view_change(0, view, held),
        world.view_change(1, view),
        world.view_change(2, view),
    )


def test_a_right_new_view_is_accepted(world: Signed) -> None:
    choice = check_new_view(world.new_view(1, three(world), ((1, A),)), world.seat)
    assert choice.proposals == ((1, A),)


@pytest.mark.parametrize(
    ("name", "proposals"),
    [
        ("nothing", ()),
        ("the null request instead", ((1, wire.NULL_DIGEST),)),
        ("another batch", ((1, B),)),
        ("one too many", ((1, A), (2, B))),
        ("another sequence", ((2, A),)),
    ],
)
def test_a_new_view_that_proposes_otherwise_is_refused(
    world: Signed, name: str, proposals: tuple[tuple[int, bytes], ...]
) -> None:
    """R-VC-4."""
    with pytest.raises(Malformed):
        check_new_view(world.new_view(1, three(world), proposals), world.seat)


def test_a_new_view_of_another_than_its_primary_is_refused(world: Signed) -> None:
    """R-VC-5."""
    with pytest.raises(Malformed):
        check_new_view(world.new_view(1, three(world), ((1, A),), by=2), world.seat)
    nothing_held = tuple(world.view_change(place, 1) for place in range(3))
    check_new_view(world.new_view(1, nothing_held, ()), world.seat)
    with pytest.raises(Malformed, match="signature"):
        check_new_view(world.new_view(1, nothing_held, (), by=2), world.seat)


def test_a_new_view_whose_proposals_nobody_signed_is_refused(world: Signed) -> None:
    """R-VC-4: they take the place of PRE-PREPAREs, and stand in later certificates."""
    good = world.new_view(1, three(world), ((1, A),))
    spoilt = (wire.Proposal(1, A, NO_SIGNATURE),)
    blank = msgspec.structs.replace(good, proposals=spoilt)
    bad = msgspec.structs.replace(blank, signature=world.sign(1, NEW_VIEW, 1, 0, blank.digest()))
    with pytest.raises(Malformed, match="proposal"):
        check_new_view(bad, world.seat)


def test_a_new_view_on_view_changes_of_another_view_is_refused(world: Signed) -> None:
    """R-VC-2: who wanted view 2 has not said what it holds for view 1."""
    changes = (*three(world)[:2], world.view_change(2, 2))
    with pytest.raises(Malformed, match="another view"):
        check_new_view(world.new_view(1, changes, ((1, A),)), world.seat)


def test_a_new_view_on_fewer_or_doubled_or_foreign_view_changes_is_refused(world: Signed) -> None:
    """R-VC-2."""
    changes = three(world)
    doubled = (changes[0], changes[0], changes[1])
    other_view = (*changes[:2], world.view_change(2, 2))
    forged = (*changes[:2], msgspec.structs.replace(changes[2], signature=NO_SIGNATURE))
    for bad in (changes[:2], other_view, forged):
        with pytest.raises(Malformed):
            check_new_view(world.new_view(1, bad, ((1, A),)), world.seat)
    with pytest.raises(Malformed):  # distinct members: the decoder's rule
        wire.decode(wire.encode(world.new_view(1, doubled, ((1, A),))))


def test_a_prepared_certificate_needs_backups_distinct_and_enough(world: Signed) -> None:
    """R-Q-2, R-Q-3, R-VC-1: the primary's own PREPARE never counts."""
    for by in ((1,), (0, 1), (1, 2, 3)):
        bad = world.view_change(0, 1, world.prepared(0, 1, A, by))
        with pytest.raises(Malformed):
            check_view_change(bad, world.seat)


def test_a_prepare_replayed_as_another_view_kind_or_chain_does_not_count(world: Signed) -> None:
    """R-Q-4, R-Q-3."""
    right = world.prepared(0, 1, A, (1, 2))
    commit = world.sign(1, COMMIT, 0, 1, A)
    elsewhere = world.keyring.signer("m1/vote").sign(
        vote_bytes(PREPARE, bytes([9]) * 32, 0, 0, 1, A)
    )
    next_epoch = world.keyring.signer("m1/vote").sign(vote_bytes(PREPARE, world.chain, 1, 0, 1, A))
    next_view = world.sign(1, PREPARE, 1, 1, A)
    for signature in (commit, elsewhere, next_epoch, next_view):
        seals = (wire.Seal(1, signature), right.prepares[1])
        bad = msgspec.structs.replace(right, prepares=seals)
        with pytest.raises(Malformed):
            check_view_change(world.view_change(0, 1, bad), world.seat)


def test_a_stable_checkpoint_is_believed_only_with_q_cosignatures(world: Signed) -> None:
    """R-MB-2."""
    good = world.view_change(0, 1, low=5)
    check_view_change(good, world.seat)
    for stable in (
        wire.Stable(5, bytes([5]) * 32, good.stable.lines[:2]),
        wire.Stable(6, bytes([5]) * 32, good.stable.lines),
        wire.Stable(5, bytes([6]) * 32, good.stable.lines),
        wire.Stable(0, bytes([6]) * 32, ()),
    ):
        bad = world.signed(msgspec.structs.replace(good, stable=stable))
        with pytest.raises(Malformed):
            check_view_change(bad, world.seat)


def test_certificates_outside_view_or_window_are_refused(world: Signed) -> None:
    """R-VC-1, R-RS-3: they are of earlier views and lie within a window of the checkpoint."""
    low, top = 5, 5 + WINDOW_MAX
    for sequence in (low + 1, top):
        good = world.prepared(0, sequence, A, (1, 2))
        check_view_change(world.view_change(0, 1, good, low=low), world.seat)
    bad = [world.prepared(0, sequence, A, (1, 2)) for sequence in (low, top + 1, 2**40)]
    for one in (*bad, world.prepared(1, low + 1, A, (2, 3))):
        with pytest.raises(Malformed):
            check_view_change(world.view_change(0, 1, one, low=low), world.seat)


def test_a_commit_certificate_needs_exactly_q_commits_of_one_view(world: Signed) -> None:
    """R-Q-2."""
    batch = wire.Batch(5, A)
    digest = batch.digest()

    def made(by: tuple[int, ...], view: int = 0) -> wire.Committed:
        return wire.Committed(
            0, 0, 1, batch, tuple(wire.Seal(m, world.sign(m, COMMIT, view, 1, digest)) for m in by)
        )

    assert check_committed(made((0, 1, 2)), world.seat) == digest
    for bad in (made((0, 1)), made((0, 1, 2, 3)), made((0, 1, 2), view=1)):
        with pytest.raises(Malformed):
            check_committed(bad, world.seat)


def test_a_certificate_that_names_a_member_twice_is_no_message_at_all(world: Signed) -> None:
    """R-Q-2: one COMMIT said q times counts once, and q−1 PREPAREs of one backup, too."""
    batch = wire.Batch(5, A)
    own = wire.Seal(1, world.sign(1, COMMIT, 0, 1, batch.digest()))
    other = wire.Seal(2, world.sign(2, COMMIT, 0, 1, batch.digest()))
    for seals in ((own, own, own), (own, own, other), (other, own)):
        with pytest.raises(Malformed, match="distinct and ascending"):
            wire.decode(wire.encode(wire.Committed(0, 0, 1, batch, seals)))
    certificate = wire.PreparedCertificate(0, 1, batch.digest(), own.signature, (own, own))
    change = wire.ViewChange(0, 1, 3, wire.GENESIS_STABLE, (certificate,), bytes(64))
    with pytest.raises(Malformed, match="distinct and ascending"):
        wire.decode(wire.encode(change))
