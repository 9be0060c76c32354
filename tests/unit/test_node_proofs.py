"""Answers with proof: as of the newest certificate, verifiable offline, also after a restart."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

import node.blocks as blocks_module
from ledger.claims import Absence, Claim, Entity, History, Trace
from ledger.errors import ClientFault, InvariantViolated
from ledger.limits import RECENT_ROOTS
from ledger.paths import Path as EntityPath
from ledger.verify import verify_bundle
from node.beside import Beside
from node.compose import _kept_certificate
from node.proofs import Moment
from tests.node_world import Node, define, seen

ITEM = EntityPath("supplies", "item", "red-cross.a")
LATER = EntityPath("supplies", "item", "red-cross.b")


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    made = Node(tmp_path / "d")
    yield made
    made.close()


def clean(node: Node, bundle: bytes, about: Claim) -> int | None:
    """The height of a bundle that verifies; fails when it does not."""
    report = verify_bundle(bundle, node.genesis, about=about)
    assert report.clean, report.lines
    assert report.met
    return report.height


async def test_answers_stay_at_the_certified_height_while_blocks_go_on(node: Node) -> None:
    node.block(define("a"))
    node.certify()
    for n in range(RECENT_ROOTS - 1):
        node.block(*([define("b")] if n == 0 else []))
    assert clean(node, node.proofs.history(ITEM), History(ITEM)) == 1
    assert clean(node, node.proofs.entity(LATER), Absence(LATER)) == 1
    assert node.proofs.state_value(LATER) is None
    node.certify(2)
    assert clean(node, node.proofs.entity(LATER), Entity(LATER)) == 2


async def test_a_certificate_older_than_the_recent_roots_answers_nothing(node: Node) -> None:
    node.block(define("a"))
    node.certify()
    for _ in range(RECENT_ROOTS):
        node.block()
    with pytest.raises(ClientFault, match="not-certified"):
        node.proofs.entity(ITEM)
    node.certify()
    assert clean(node, node.proofs.entity(ITEM), Entity(ITEM)) == RECENT_ROOTS + 1


async def test_after_a_restart_the_kept_certificate_answers_at_once(
    node: Node, tmp_path: Path
) -> None:
    node.block(define("a"))
    kept = node.certify()
    node.close()
    again = Node(tmp_path / "d")
    found = _kept_certificate(again.archive, again.executor)
    assert found == kept
    again.driver.certificates.newest = found
    assert clean(again, again.proofs.history(ITEM), History(ITEM)) == 1
    again.close()


async def test_a_certificate_that_is_ahead_of_the_blocks_after_a_loss_is_not_used(
    node: Node, tmp_path: Path
) -> None:
    other = Node(tmp_path / "other")
    other.block(define("a"))
    ahead = other.certify()
    node.archive.write_certificate(1, ahead.to_note(node.genesis.members))
    assert _kept_certificate(node.archive, node.executor) is None
    other.close()


async def test_a_receipt_names_its_place_and_a_pin_of_the_future_is_refused(node: Node) -> None:
    node.block(define("a"), define("b"))
    node.block()
    node.certify()
    first, second = node.proofs.receipts(1, [1, 0])
    assert first != second
    for bundle in (first, second):
        assert verify_bundle(bundle, node.genesis).clean
    with pytest.raises(ClientFault, match="pin-too-new"):
        node.proofs.entity(ITEM, 3)
    assert clean(node, node.proofs.entity(ITEM, 1), Entity(ITEM)) == 2


async def test_blocks_are_near_at_hand_and_bounded(node: Node) -> None:
    for n in range(70):
        node.driver.adopt(node.block(define(n)))
    assert len(node.blocks._near) == 64
    assert node.blocks.result(1, 0).code == "accepted"  # from the archive
    assert len(node.blocks._near) == 64
    assert node.blocks.stored(71) is None


async def test_blocks_near_at_hand_are_bounded_in_bytes(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = node.block(define("a"))
    size = sum(map(len, (one.transactions[0].raw, *one.results)))
    monkeypatch.setattr(blocks_module, "NEAR_SIZE_MAX", 5 * size)
    node.driver.adopt(one)
    for n in range(9):
        node.driver.adopt(node.block(define(f"b{n}")))
        node.driver.adopt(node.block())
    kept = [node.blocks.near(height) for height in range(1, 20)]
    assert sum(block is not None and bool(block.transactions) for block in kept) == 4
    assert node.blocks._size <= 5 * size
    assert node.blocks.near(19) is not None


async def test_an_answer_whose_height_leaves_the_window_is_begun_again(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.block(define("a"))
    node.certify()
    real, asked = Moment.leaves, list[int]()

    def slow(moment: Moment, path: EntityPath, start: int, stop: int) -> Sequence[bytes]:
        asked.append(moment.height)
        if len(asked) == 1:  # meanwhile the chain goes on, far
            for _ in range(RECENT_ROOTS + 1):
                node.block()
            node.certify()
        return real(moment, path, start, stop)

    monkeypatch.setattr(Moment, "leaves", slow)
    newest = RECENT_ROOTS + 2
    assert clean(node, node.proofs.trace(ITEM), Trace(ITEM)) == newest
    assert asked == [1, newest]


async def test_proofs_made_beside_the_loop_hold_while_blocks_are_executed(node: Node) -> None:
    """The tree is never read while it changes: every answer verifies at the height it names."""
    node.block(*[define(n) for n in range(50)])
    node.certify()
    path = EntityPath("supplies", "item", "red-cross.7")
    beside = Beside("test")
    bundles: list[bytes] = []
    while len(bundles) < 20:
        asked = asyncio.create_task(beside.run(lambda: node.proofs.trace(path)))
        while not asked.done():
            node.block(*[define(f"{node.executor.height}-{n}") for n in range(5)])
            node.certify()
            await asyncio.sleep(0)
        bundles.append(asked.result())
    beside.stop()
    heights = [clean(node, bundle, Trace(path)) for bundle in bundles]
    assert heights == sorted(heights, key=lambda height: height or 0)
    with pytest.raises(InvariantViolated):
        node.executor.value_at(bytes(32), node.executor.tree.oldest - 1)


async def test_a_line_before_the_thread_that_is_too_long_is_refused() -> None:
    beside, go = Beside("test", 2), threading.Event()
    asked = [asyncio.create_task(beside.run(lambda: go.wait(30))) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(ClientFault, match="too-many-waiting"):
        await beside.run(lambda: None)
    asked[1].cancel()
    await asyncio.wait([asked[1]])
    go.set()
    assert await asked[0]
    await seen(lambda: beside._waiting == 0)
    assert await beside.run(lambda: 7) == 7
    beside.stop()
