"""Bundles of what the real contracts did are clean: the walk, the leaves and the records agree with
them.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ledger.assembly import assemble
from ledger.bundle import encode_bundle
from ledger.claims import Absence, Accesses, Claim, Entity, History, Receipt, Trace
from ledger.paths import Path
from ledger.transaction import Transaction
from ledger.verdict import Report
from ledger.verify import verify_bundle
from tests.forger.forging import with_logs
from tests.forger.real import (
    DATASET,
    DONATION,
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


def test_who_looked_at_my_data(accesses: RealWorld) -> None:
    assert accesses.results == [*["accepted"] * 6, "grant-revoked"]
    handle = Path("datasharing", "handle", HANDLE.hex())
    report = report_of(accesses, Accesses(DATASET, (("health.G-1", HANDLE.hex()),)))
    assert report.clean, report.value()
    assert [leaf.kind for leaf in report.logs[handle]] == ["accessed", "denied"]


def test_nobody_looked_at_mine(accesses: RealWorld) -> None:
    report = report_of(accesses, Accesses(DATASET, (("health.G-1", "77" * 32),)))
    assert report.clean, report.value()
    assert report_of(accesses, Absence(Path("datasharing", "handle", "77" * 32))).clean


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
