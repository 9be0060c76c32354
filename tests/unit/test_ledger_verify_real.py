"""Bundles of what the real contracts did are clean: the walk, the leaves and the records agree with
them.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ledger.assembly import assemble, assemble_receipts
from ledger.bundle_file import encode_bundle
from ledger.claims import (
    Absence,
    Accesses,
    Claim,
    Entity,
    History,
    Receipt,
    Trace,
    handle_path,
)
from ledger.limits import VALIDITY_MS_MAX
from ledger.paths import Path
from ledger.transaction import Transaction
from ledger.verdict import Report
from ledger.verify import verify_bundle
from tests.forger.forging import with_logs
from tests.forger.real import (
    DATASET,
    DONATION,
    DONATION_STEPS,
    HANDLE,
    RealWorld,
    account_path,
    known,
    real_accesses_world,
    real_donation_world,
)


@pytest.fixture(scope="module")
def world() -> RealWorld:
    return real_donation_world()


@pytest.fixture(scope="module")
def accesses() -> RealWorld:
    return real_accesses_world()


def report_of(world: RealWorld, claim: Claim) -> Report:
    return verify_bundle(encode_bundle(assemble(world, claim)), world.genesis, claim)


def test_a_donation_is_traced_from_receipt_to_use_with_its_correction(world: RealWorld) -> None:
    assert world.results == [
        *["accepted"] * 4,
        "wrong-role",
        *["accepted"] * 5,
    ]
    report = report_of(world, Trace(DONATION))
    assert report.clean, report.value()
    assert {path.kind for path in report.logs} == {"donation", "lot", "allocation", "shipment"}
    shipment = Path("supplies", "shipment", "redcross.S-1")
    kinds = [leaf.kind for leaf in report.logs[shipment]]
    assert kinds == ["shipped", "handed_over", "hand_over_corrected", "used"]
    handed, corrected = report.logs[shipment][1:3]
    assert tuple(corrected.body["corrects"]) == handed.position


def test_every_entity_has_a_clean_history_and_record(world: RealWorld) -> None:
    assert len(world.lives) > 20
    for path in world.lives:
        assert report_of(world, History(path)).clean, path
        assert report_of(world, Entity(path)).clean, path


def test_entities_of_genesis_carry_the_chain_id(world: RealWorld) -> None:
    path = account_path("redcross.store")
    assert known(world, path)
    (leaf,) = report_of(world, History(path)).logs[path]
    assert (leaf.height, leaf.transaction) == (0, world.genesis.chain_id)


def test_every_transaction_has_a_clean_receipt_refused_or_not(world: RealWorld) -> None:
    for block in world.blocks:
        for raw in block.transactions:
            assert report_of(world, Receipt(Transaction.decode(raw).id)).clean


def test_of_three_receipts_of_one_transaction_only_the_one_that_consumed_its_id_is_clean() -> None:
    """A primary may name an executed transaction again: the later blocks then refuse it."""
    world = RealWorld()
    world.run(DONATION_STEPS[0])
    world.run(DONATION_STEPS[1])
    received = Transaction.decode(world.blocks[1].transactions[0])
    assert world.execute([received], 1_000) == ["replayed"]
    assert world.execute([received], 120_000) == ["expired"]
    world.certify()
    claim, lines = Receipt(received.id), []
    for height in (2, 3, 4):
        (bundle,) = assemble_receipts(world, height, [0])
        report = verify_bundle(encode_bundle(bundle), world.genesis, claim)
        lines.append((report.completeness.state, report.completeness.code))
        assert report.integrity.state == report.authority.state == report.time.state == "clean"
    assert lines == [("clean", "complete-receipt"), *[("qualified", "not-final")] * 2]


def test_a_transaction_too_far_ahead_has_no_final_receipt() -> None:
    world = RealWorld()
    world.run(DONATION_STEPS[0])
    early = Transaction.decode(world.blocks[0].transactions[0])
    assert world.execute([early], -VALIDITY_MS_MAX) == ["valid-until-too-far"]
    world.certify()
    (bundle,) = assemble_receipts(world, 2, [0])
    report = verify_bundle(encode_bundle(bundle), world.genesis, Receipt(early.id))
    assert report.completeness.code == "not-final"
    assert "another receipt" in report.completeness.sentence("en")
    assert "另有" in report.completeness.sentence("zh")
    assert "scope-of-receipt" not in [note.code for note in report.notes]


def test_who_looked_at_my_data(accesses: RealWorld) -> None:
    assert accesses.results == [*["accepted"] * 6, "grant-revoked"]
    handle = handle_path("health.G-1", HANDLE)
    report = report_of(accesses, Accesses(DATASET, (("health.G-1", HANDLE.hex()),)))
    assert report.clean, report.value()
    assert [leaf.kind for leaf in report.logs[handle]] == ["accessed", "denied"]


def test_nobody_looked_at_mine(accesses: RealWorld) -> None:
    report = report_of(accesses, Accesses(DATASET, (("health.G-1", "77" * 32),)))
    assert report.clean, report.value()
    assert report_of(accesses, Absence(handle_path("health.G-1", b"\x77" * 32))).clean


def test_a_data_set_leads_to_its_grants(accesses: RealWorld) -> None:
    report = report_of(accesses, Trace(DATASET))
    assert report.clean
    assert [path.kind for path in sorted(report.logs)] == ["dataset", "grant"]


def test_no_event_of_the_real_story_can_be_left_out_or_moved(world: RealWorld) -> None:
    honest = assemble(world, Trace(DONATION))
    for path, life in world.lives.items():
        if all(path != shown.path for shown in honest.entities):
            continue
        for place in range(len(life.leaves)):
            dropped = with_logs(honest, path, _without(place))
            moved = with_logs(honest, path, _rotated(place))
            for forged in (dropped, moved):
                if forged != honest:
                    report = verify_bundle(encode_bundle(forged), world.genesis)
                    assert report.integrity.state == "failed", (path, place)


def _without(place: int) -> Callable[[list[bytes]], list[bytes]]:
    return lambda leaves: leaves[:place] + leaves[place + 1 :]


def _rotated(place: int) -> Callable[[list[bytes]], list[bytes]]:
    return lambda leaves: leaves[place:] + leaves[:place]
