"""Four real members in one loop, frames by hand: what leaves a member is durable before it leaves.

The network is the loop itself; each member's disk and words are noted in one list, in order.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from consensus.messages import COSIGNED, Commit, Prepare, PrePrepare, decode
from consensus.records import COSIGNED_RECORD
from ledger.block import HEADER
from node.channels import CERTIFIER, ENGINE
from node.store import Batch
from tests.node_world import MEMBERS, Node, SpyStore, define, seen

NOW = time.time_ns() // 1_000_000


class Mesh:
    """The members, and for each what it wrote and said, in order."""

    def __init__(self, folder: Path) -> None:
        self.nodes = {one: Node(folder / one, one) for one in MEMBERS}
        self.history: dict[str, list[tuple[str, Any]]] = {one: [] for one in MEMBERS}
        for one, node in self.nodes.items():
            self._listen(one, node.store)
            node.driver.connect(_Wire(self, one), node.catch_up)

    def _listen(self, one: str, store: SpyStore) -> None:
        inner = store.inner

        class Noting:
            def write(_, batch: Batch, *, sync: bool) -> None:  # noqa: N805  (self is the test outside)
                inner.write(batch, sync=sync)
                self.history[one].append(("wrote", dict(batch)) if sync else ("unsynced", batch))

            def __getattr__(_, name: str) -> Any:  # noqa: N805  (as above)
                return getattr(inner, name)

        store.inner = Noting()

    async def certified(self, height: int) -> None:
        await seen(lambda: all(self._has(node, height) for node in self.nodes.values()))

    def _has(self, node: Node, height: int) -> bool:
        certificate = node.driver.certificate
        return certificate is not None and certificate.checkpoint.size >= height


class _Wire:
    def __init__(self, mesh: Mesh, own: str) -> None:
        self._mesh, self._own = mesh, own

    def send(self, peer: str, frame: bytes) -> bool:
        self._mesh.history[self._own].append(("said", frame))
        loop = asyncio.get_running_loop()
        loop.call_soon(self._mesh.nodes[peer].driver.on_frame, self._own, frame)
        return True


@pytest.fixture
async def mesh(tmp_path: Path) -> AsyncIterator[Mesh]:
    made = Mesh(tmp_path)
    for node in made.nodes.values():
        node.driver.start()
    for n in range(6):
        sender = made.nodes[MEMBERS[n % 4]]
        transactions = [define(f"{n}-{i}", valid_until=NOW + 300_000) for i in range(5)]
        sender.driver.submit(transactions)
        await made.certified(sender.executor.height + 1)
    yield made
    for node in made.nodes.values():
        node.close()


async def test_words_follow_their_record_and_cosignatures_their_block(mesh: Mesh) -> None:
    heights = {node.executor.height for node in mesh.nodes.values()}
    assert len(heights) == 1
    votes = cosignatures = 0
    for history in mesh.history.values():
        durable = b""  # values of engine records so far
        blocks: set[int] = set()
        cosigned: set[tuple[int, int]] = set()
        for what, data in history:
            if what == "wrote":
                for key, value in data.items():
                    if key[:1] == b"e" and value is not None:
                        durable += value
                    if key[:1] == b"h":
                        blocks.add(HEADER.decode(value).height)
                    if key[:1] == b"f" and value is not None:
                        record = COSIGNED_RECORD.decode(value[8:])
                        assert record.size in blocks, "a block is durable before its cosignature"
                        cosigned.add((record.size, record.timestamp))
            elif what == "said" and data[0] == ENGINE:
                message = decode(data[1:])
                if isinstance(message, PrePrepare | Prepare | Commit):
                    votes += 1
                    assert message.signature in durable, "a vote is durable before it is sent"
            elif what == "said" and data[0] == CERTIFIER:
                cosignatures += 1
                word = COSIGNED.decode(data[1:])
                assert (word.size, word.timestamp) in cosigned
    assert votes > 40
    assert cosignatures > 10


async def test_all_members_hold_the_same_chain_and_the_disks_say_so(mesh: Mesh) -> None:
    chains = [list(node.archive.headers(node.executor.height)) for node in mesh.nodes.values()]
    assert chains[1:] == [chains[0]] * 3
    blocks = [node.archive.block(1) for node in mesh.nodes.values()]
    assert [len(block.transactions) for block in blocks if block is not None] == [5] * 4


async def test_a_member_that_starts_again_says_nothing_it_did_not_say_before(
    mesh: Mesh, tmp_path: Path
) -> None:
    old = mesh.nodes["m2"]
    height, parent = old.executor.height, old.executor.parent
    words = {data for what, data in mesh.history["m2"] if what == "said" and data[0] == CERTIFIER}
    own = {(w.size, w.root) for w in (COSIGNED.decode(data[1:]) for data in words)}
    old.close()
    again = mesh.nodes["m2"] = Node(tmp_path / "m2", "m2")
    assert (again.executor.height, again.executor.parent) == (height, parent)
    again.driver.connect(_Wire(mesh, "m2"), again.catch_up)
    again.driver.start()
    sender = mesh.nodes["m1"]
    sender.driver.submit([define("after", valid_until=NOW + 300_000)])
    await mesh.certified(height + 1)
    for what, data in mesh.history["m2"]:
        if what == "said" and data[0] == CERTIFIER:
            word = COSIGNED.decode(data[1:])
            roots = {root for size, root in own if size == word.size}
            assert roots <= {word.root}
    assert again.driver.halted is None
