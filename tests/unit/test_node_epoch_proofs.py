"""What a member answers after its chain has changed hands is proved from genesis on."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaincode.registry import CONTRACTS
from ledger.claims import History, Receipt
from ledger.genesis import Genesis
from ledger.membership import MemberSet
from ledger.paths import Path as EntityPath
from ledger.transaction import Transaction
from ledger.verify import verify_bundle
from tests.node_town import Town, entered
from tests.node_world import MEMBERS
from tests.toys.governance import Dictator


@pytest.fixture
async def town(tmp_path: Path) -> Town:
    """Two changes of members have happened, one transaction before, between and after each."""
    town = Town(tmp_path / "c", contracts=(*CONTRACTS, Dictator))
    town.start()
    await town.blocks(1)
    for number in (1, 2):
        change = town.change(MemberSet(tuple(town.renewed(*MEMBERS))))
        town.members["m2"].driver.submit([change])
        await entered(town, number)
        await town.blocks(1)
    await town.agree()
    return town


async def test_answers_and_receipts_of_all_epochs_lead_back_to_genesis(town: Town) -> None:
    genesis: Genesis = town.members["m1"].config.genesis
    earlier = town.members["m1"].executor.epochs.certificate(1)
    for one, member in town.members.items():
        for item in ("i1", "i3", "i5"):
            question = History(EntityPath("supplies", "item", f"red-cross.{item}"))
            bundle = member.proofs.history(question.path)
            report = verify_bundle(bundle, genesis, about=question)
            assert report.met, (one, item, report.lines)
            assert report.clean
    for member in town.members.values():
        for height in (1, earlier.checkpoint.size, member.executor.height):
            block = member.blocks.stored(height)
            assert block is not None
            first = Transaction.decode(block.transactions[0])
            (bundle,) = member.proofs.receipts(height, [0])
            report = verify_bundle(bundle, genesis, about=Receipt(first.id))
            assert report.met, report.lines
            assert report.clean
    town.stop()


async def test_a_moment_of_an_earlier_certificate_walks_no_further_than_its_members(
    town: Town,
) -> None:
    member = town.members["m3"]
    first, second = member.executor.epochs.handovers(member.executor.height)
    proofs = member.proofs
    assert proofs._moment().epoch_ends(first.height) == []
    ends = proofs._moment().epoch_ends(second.height)
    assert ends == [(first.height, first.note, first.members)]
    assert len(proofs._moment().epoch_ends(second.height + 1)) == 2
    town.stop()
