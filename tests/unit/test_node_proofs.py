"""Answers with proof: as of the newest certificate, verifiable offline, also after a restart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ledger.errors import ClientFault
from ledger.limits import RECENT_ROOTS
from ledger.paths import Path as EntityPath
from ledger.verify import verify_bundle
from node.compose import _kept_certificate
from tests.node_world import Node, define

ITEM = EntityPath("supplies", "item", "red-cross.a")
LATER = EntityPath("supplies", "item", "red-cross.b")


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    made = Node(tmp_path / "d")
    yield made
    made.close()


def clean(node: Node, bundle: bytes, about: EntityPath) -> int | None:
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
    assert clean(node, node.proofs.history(ITEM), ITEM) == 1
    assert clean(node, node.proofs.entity(LATER), LATER) == 1  # its absence
    assert node.proofs.state_value(LATER) is None
    node.certify(2)
    assert clean(node, node.proofs.entity(LATER), LATER) == 2


async def test_a_certificate_older_than_the_recent_roots_answers_nothing(node: Node) -> None:
    node.block(define("a"))
    node.certify()
    for _ in range(RECENT_ROOTS):
        node.block()
    with pytest.raises(ClientFault, match="not-certified"):
        node.proofs.entity(ITEM)
    node.certify()
    assert clean(node, node.proofs.entity(ITEM), ITEM) == RECENT_ROOTS + 1


async def test_after_a_restart_the_kept_certificate_answers_at_once(
    node: Node, tmp_path: Path
) -> None:
    node.block(define("a"))
    kept = node.certify()
    node.close()
    again = Node(tmp_path / "d")
    config = type("Config", (), {"genesis": again.genesis})
    found = _kept_certificate(config, again.archive, again.executor)  # type: ignore[arg-type]
    assert found == kept
    again.driver.certificate = found
    assert clean(again, again.proofs.history(ITEM), ITEM) == 1
    again.close()


async def test_a_certificate_that_is_ahead_of_the_blocks_after_a_loss_is_not_used(
    node: Node, tmp_path: Path
) -> None:
    other = Node(tmp_path / "other")
    other.block(define("a"))
    ahead = other.certify()
    node.archive.write_certificate(1, ahead.to_note(node.genesis.members))
    config = type("Config", (), {"genesis": node.genesis})
    assert _kept_certificate(config, node.archive, node.executor) is None  # type: ignore[arg-type]
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
    assert clean(node, node.proofs.entity(ITEM, 1), ITEM) == 2


async def test_blocks_are_near_at_hand_and_bounded(node: Node) -> None:
    for n in range(70):
        node.driver.adopt(node.block(define(n)))
    assert len(node.blocks._near) == 64
    assert node.blocks.result(1, 0).code == "accepted"  # from the archive
    assert len(node.blocks._near) == 64
    assert node.blocks.stored(71) is None
