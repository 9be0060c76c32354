"""The only signer refuses to contradict itself, before and after a restart."""

from __future__ import annotations

import pytest

from consensus.ballots import Ballots, CosignatureBallots
from consensus.epoch import COMMIT, NEW_VIEW, PRE_PREPARE, PREPARE, VIEW_CHANGE, Epoch, Seat
from ledger.checkpoint import Checkpoint
from ledger.errors import InvariantViolated
from tests.simulator.keys import Keyring

A, B = bytes([1]) * 32, bytes([2]) * 32


@pytest.fixture
def seat() -> Seat:
    keyring = Keyring()
    return Seat.take("m0", Epoch(0, keyring.members(4)), bytes(32), "sim/1", keyring.verify)


@pytest.fixture
def ballots(seat: Seat) -> Ballots:
    return Ballots(seat, Keyring().signer("m0/vote"))


def test_asked_again_for_the_same_vote_it_gives_the_same_signature(ballots: Ballots) -> None:
    assert ballots.sign(PREPARE, 1, 5, A) == ballots.sign(PREPARE, 1, 5, A)


@pytest.mark.parametrize("kind", [PRE_PREPARE, PREPARE, COMMIT])
def test_a_second_digest_of_one_view_and_sequence_is_refused(ballots: Ballots, kind: str) -> None:
    """R-DW-2."""
    ballots.sign(kind, 1, 5, A)
    with pytest.raises(InvariantViolated):
        ballots.sign(kind, 1, 5, B)
    with pytest.raises(InvariantViolated):  # nor an older view, whatever the digest
        ballots.sign(kind, 0, 5, A)
    assert ballots.sign(kind, 2, 5, B)


@pytest.mark.parametrize("kind", [VIEW_CHANGE, NEW_VIEW])
def test_there_is_one_view_change_and_one_new_view_per_view(ballots: Ballots, kind: str) -> None:
    ballots.sign(kind, 3, 5, A)
    with pytest.raises(InvariantViolated):
        ballots.sign(kind, 3, 6, B)
    with pytest.raises(InvariantViolated):
        ballots.sign(kind, 2, 5, A)


def test_below_the_stable_checkpoint_nothing_is_signed_but_what_a_new_view_must(
    ballots: Ballots,
) -> None:
    ballots.sign(PREPARE, 1, 5, A)
    ballots.forget_below(5, 1)
    for kind in (PREPARE, COMMIT, PRE_PREPARE):
        with pytest.raises(InvariantViolated):
            ballots.sign(kind, 1, 5, B)
    assert ballots.sign(PRE_PREPARE, 2, 5, A)
    with pytest.raises(InvariantViolated):
        ballots.sign(PRE_PREPARE, 2, 5, B)


def test_records_that_contradict_each_other_stop_the_start(ballots: Ballots) -> None:
    signature = ballots.sign(PREPARE, 1, 5, A)
    ballots.remember(PREPARE, 1, 5, A, signature)
    with pytest.raises(InvariantViolated):
        ballots.remember(PREPARE, 1, 5, B, bytes(64))


def test_a_foreign_key_is_refused_at_construction(seat: Seat) -> None:
    with pytest.raises(InvariantViolated):
        Ballots(seat, Keyring().signer("m1/vote"))
    with pytest.raises(InvariantViolated):
        CosignatureBallots(seat, Keyring().signer("m0/vote"))


@pytest.mark.parametrize(
    ("situation", "size", "root", "timestamp"),
    [
        ("a smaller size", 4, A, 100),
        ("another root of the size", 5, B, 100),
        ("an earlier time", 6, A, 99),
    ],
)
def test_a_cosignature_never_goes_back(
    seat: Seat, situation: str, size: int, root: bytes, timestamp: int
) -> None:
    """R-DW-2."""
    ballots = CosignatureBallots(seat, Keyring().signer("m0/cosigner"))
    ballots.sign(Checkpoint("sim/1", 5, A), 100)
    with pytest.raises(InvariantViolated):
        ballots.sign(Checkpoint("sim/1", size, root), timestamp)
    assert ballots.sign(Checkpoint("sim/1", 5, A), 101).timestamp == 101
    assert ballots.sign(Checkpoint("sim/1", 9, B), 101).timestamp == 101
