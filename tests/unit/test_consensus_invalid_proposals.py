"""R-RS-5: proposals that are no good cost what a message costs, and set nothing going."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from consensus import messages as wire
from consensus.epoch import PRE_PREPARE, vote_bytes
from consensus.offences import OFFENCES_MAX, OFFENCES_PERIOD
from ledger.merkle_log import leaf_hash
from tests.simulator.stage import EPOCH_MS, Stage

FLOOD = 300


def proposal(
    stage: Stage, author: str, sequence: int, batch: wire.Batch, view: int = 0
) -> wire.PrePrepare:
    """A proposal that its author really signed."""
    message = vote_bytes(PRE_PREPARE, stage.chain_id, 0, view, sequence, batch.digest())
    return wire.PrePrepare(0, view, sequence, batch, stage.signer(author).sign(message))


def batch_of(number: int) -> wire.Batch:
    return wire.Batch(EPOCH_MS, leaf_hash(number.to_bytes(4, "big")))


def of_no_primary(stage: Stage, number: int) -> tuple[str, wire.PrePrepare]:
    return "m2", proposal(stage, "m2", 1, batch_of(number))


def of_false_signature(stage: Stage, number: int) -> tuple[str, wire.PrePrepare]:
    return "m0", wire.PrePrepare(0, 0, 1, batch_of(number), bytes(64))


def of_another_time(stage: Stage, number: int) -> tuple[str, wire.PrePrepare]:
    return "m0", proposal(stage, "m0", 1, wire.Batch(7 + number, leaf_hash(b"")))


def of_nothing(stage: Stage, number: int) -> tuple[str, wire.PrePrepare]:
    return "m0", proposal(stage, "m0", 1, wire.Batch(EPOCH_MS + number, b""))


def of_no_slot(stage: Stage, number: int) -> tuple[str, wire.PrePrepare]:
    return "m0", proposal(stage, "m0", 10_000 + number, batch_of(number))


@pytest.mark.parametrize(
    ("kind", "checks"),
    [
        (of_no_primary, 0),
        (of_false_signature, OFFENCES_MAX),
        (of_another_time, 0),
        (of_nothing, 0),
        (of_no_slot, 0),
    ],
)
def test_a_flood_of_bad_proposals_is_answered_by_nothing(
    kind: Callable[[Stage, int], tuple[str, wire.PrePrepare]],
    checks: int,
) -> None:
    """R-RS-5: Few signature checks (R-RS-4), no vote, no fetch, nothing held, no view left."""
    stage = Stage()
    replica = stage["m1"].replica
    verified = 0
    genuine = replica._seat.verify

    def counted(key: bytes, message: bytes, signature: bytes) -> bool:
        nonlocal verified
        verified += 1
        return genuine(key, message, signature)

    object.__setattr__(replica._seat, "verify", counted)
    stage.sent.clear()
    for number in range(FLOOD):
        stage.inject(*_to_m1(kind(stage, number)))
    assert verified == checks
    assert stage.sent == []
    assert len(replica._ordering.bodies.wanted) == 0
    assert all(slot.proposed is None and not slot.contents for slot in replica._ordering.log)
    assert replica.view == 0
    stage.ticks(OFFENCES_PERIOD)
    stage.submit("m1", 1)
    assert stage.heights() == [1, 1, 1, 1], "and the honest primary's is still accepted"


def _to_m1(sent: tuple[str, wire.PrePrepare]) -> tuple[str, str, wire.PrePrepare]:
    return sent[0], "m1", sent[1]


def test_a_primary_that_proposes_one_place_again_and_again_is_left_once() -> None:
    """All are properly signed: the second ends its view, the rest are not even looked at."""
    stage = Stage()
    stage.sent.clear()
    for number in range(FLOOD):
        stage.inject("m0", "m1", proposal(stage, "m0", 1, batch_of(number)))
    left = [
        one for sender, to, one in stage.sent if isinstance(one, wire.ViewChange) and to == "m2"
    ]
    assert [one.view for one in left] == [1]
    assert len(stage.evidence) == 1
    slot = stage["m1"].replica._ordering.log.get(1)
    assert slot is not None
    assert len(slot.contents) == 1


def test_a_primary_is_left_when_a_body_that_its_batch_names_turns_out_invalid() -> None:
    """R-VC-15: every request is checked before it is voted for, also one that comes afterwards."""
    stage = Stage()
    good = stage.transaction(1).raw
    bad = good[:-1] + bytes([good[-1] ^ 1])
    for name in ("m1", "m2", "m3"):
        stage.inject("m0", name, proposal(stage, "m0", 1, wire.Batch(EPOCH_MS, leaf_hash(bad))))
    for name in ("m1", "m2", "m3"):
        stage.inject("m0", name, wire.Transactions((bad,)))
    assert not any(isinstance(one, wire.Prepare) for _, _, one in stage.sent)
    assert {stage[name].replica.view for name in ("m1", "m2", "m3")} == {1}


def test_an_invalid_request_is_never_proposed_again_whoever_leads() -> None:
    """Resealing without end: each primary would take up what made the one before it fail."""
    stage = Stage()
    good = stage.transaction(1).raw
    bad = good[:-1] + bytes([good[-1] ^ 1])
    for name in ("m1", "m2", "m3"):
        stage.inject("m0", name, wire.Transactions((bad,)))
        stage.inject("m0", name, proposal(stage, "m0", 1, wire.Batch(EPOCH_MS, leaf_hash(bad))))
    stage.submit("m3", 2)
    stage.until(lambda: stage.heights() == [1, 1, 1, 1])
    stage.sent.clear()
    for _ in range(20):
        stage.inject("m0", "m1", wire.Transactions((bad,)))
        stage.ticks(stage.settings.status_ticks)
    assert not any(isinstance(one, wire.PrePrepare | wire.ViewChange) for _, _, one in stage.sent)
    assert stage["m1"].replica.pending == 0
    assert {stage[name].replica.view for name in ("m1", "m2", "m3")} == {1}
