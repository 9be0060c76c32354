"""PBFT 4.3, garbage collection: checkpoints, what is let go, and the two water marks."""

from __future__ import annotations

import pytest

from consensus import messages as wire
from consensus.settings import Settings
from ledger.errors import InvariantViolated
from tests.paper.alone import Alone
from tests.simulator.stage import SETTINGS


@pytest.fixture
def alone() -> Alone:
    return Alone()


def test_4_3_a_checkpoint_is_stable_with_a_proof_of_2f_plus_1_and_not_with_less(
    alone: Alone,
) -> None:
    """R-CP-2: 'A replica collects checkpoint messages ... until it has 2f+1 of them'"""
    alone.hear(0, wire.StableProof(0, alone.stable(3, by=(0, 2))))
    assert alone.replica.stable == 0
    alone.hear(0, wire.StableProof(0, alone.stable(3)))
    assert alone.replica.stable == 3


def test_4_3_what_lies_at_or_below_a_stable_checkpoint_is_discarded(alone: Alone) -> None:
    """'it discards all pre-prepare, prepare and commit messages with sequence number less than or
    equal to n from its log; it also discards all earlier checkpoints'
    """
    for sequence in (1, 2, 3):
        alone.order(sequence, alone.batch(sequence))
    log = alone.replica._ordering.log
    kept = [slot.sequence for slot in log]
    assert kept == [1, 2, 3], "nothing is let go before"
    alone.hear(0, wire.StableProof(0, alone.stable(2)))
    assert [slot.sequence for slot in log] == [3]
    alone.hear(0, wire.StableProof(0, alone.stable(1)))
    assert alone.replica.stable == 2, "an earlier checkpoint changes nothing"


def test_4_3_the_low_mark_is_the_last_stable_checkpoint_and_the_high_mark_k_above(
    alone: Alone,
) -> None:
    """'The low-water mark h is equal to the sequence number of the last stable checkpoint. The
    high-water mark H = h + k'
    """
    # R-CP-1
    top = SETTINGS.window
    batches = {sequence: alone.batch(sequence) for sequence in (top, top + 1, top + 2, top + 3)}
    for sequence in (top, top + 1):
        alone.hear(0, alone.pre_prepare(sequence, batches[sequence]))
    assert [one.sequence for one in voted(alone)] == [top]
    alone.hear(0, wire.StableProof(0, alone.stable(2)))
    for sequence in (top + 2, top + 3):
        alone.hear(0, alone.pre_prepare(sequence, batches[sequence]))
    assert [one.sequence for one in voted(alone)] == [top, top + 1, top + 2]


def voted(alone: Alone) -> list[wire.Prepare]:
    return [one for one in alone.said(wire.Prepare) if isinstance(one, wire.Prepare)]


def test_4_3_k_is_big_enough_not_to_wait_for_a_checkpoint() -> None:
    """'k ... big enough so that replicas do not stall': here each height is a checkpoint."""
    with pytest.raises(InvariantViolated, match="window"):
        Settings(window=1)


def test_4_4_a_member_below_a_proven_checkpoint_gets_the_state_from_another(alone: Alone) -> None:
    """'it may be missing some message or a stable checkpoint ... it can obtain missing
    information from another replica'
    """
    height = 2 * SETTINGS.window
    alone.hear(0, wire.StableProof(0, alone.stable(height)))
    alone.stage.ticks(1)
    assert ("m1", f"needs state up to {height}") in alone.stage.story
