"""Members that fetch and give snapshots, with what they say to each other passing through the test.

Three servers have one chain; a joiner has nothing, or less. Nobody has a clock of its own, and
what the machines would hear is noted instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ledger.snapshot as chunks
import node.snapshot.buckets as buckets_module
import node.snapshot.joining as joining_module
import node.snapshot.source as source_module
import node.snapshot.sources as sources_module
from consensus.inputs import Installed
from ledger.transaction import Transaction
from node.archive import Archive
from node.channels import SNAPSHOT, frame
from node.snapshot.messages import MESSAGE, Message
from tests.node_world import GENESIS, START, Node, define, seen

SERVERS = ("m2", "m3", "m4")
Tamper = Callable[[str, str, Message], Message | None]
"""(sender, receiver, message) to what arrives; None: nothing does."""


def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make pieces so small that a chain of some blocks has many of every kind."""
    monkeypatch.setattr(chunks, "CHUNK_ENTRIES_MAX", 4)
    for module in (source_module, buckets_module):
        monkeypatch.setattr(module, "IDS_MAX", 3)
    for module in (source_module, joining_module):
        monkeypatch.setattr(module, "HEADERS_MAX", 4)
    # everybody in turn, however long each took: what a test sees does not depend on the machine
    monkeypatch.setattr(sources_module, "PATIENCE", 0.0)


class Wire:
    """One member's ways to the others."""

    def __init__(self, town: Town, own: str) -> None:
        self._town = town
        self._own = own

    def send(self, peer: str, data: bytes) -> bool:
        return self._town.carry(self._own, peer, data)


class Town:
    """m1 joins; m2, m3 and m4 serve."""

    def __init__(self, folder: Path, snapshot_above: int = 1) -> None:
        self.folder = folder
        self.snapshot_above = snapshot_above
        self.nodes: dict[str, Node] = {}
        self.told: list[Any] = []
        self.asked: list[tuple[str, Message]] = []
        self.away: set[str] = set()
        self.tamper: Tamper = lambda sender, receiver, message: message
        for name in ("m1", *SERVERS):
            self.open(name)

    @property
    def joiner(self) -> Node:
        return self.nodes["m1"]

    @property
    def server(self) -> Node:
        return self.nodes["m2"]

    def open(self, name: str) -> Node:
        """Open a member on its folder, anew if it was open."""
        if name in self.nodes:
            self.nodes.pop(name).close()
        node = self.nodes[name] = Node(self.folder / name, name, GENESIS, Wire(self, name))
        node.catch_up._snapshot_above = self.snapshot_above
        told = self.told if name == "m1" else []
        node.driver._tell = lambda _, given: told.append(given)  # type: ignore[assignment, method-assign]
        return node

    def carry(self, sender: str, receiver: str, data: bytes) -> bool:
        if {sender, receiver} & self.away:
            return False
        if data[0] == SNAPSHOT:
            message = MESSAGE.decode(data[1:])
            if sender == "m1":
                self.asked.append((receiver, message))
            tampered = self.tamper(sender, receiver, message)
            if tampered is None:
                return True
            data = frame(SNAPSHOT, MESSAGE.encode(tampered))
        asyncio.get_running_loop().call_soon(self._arrive, sender, receiver, data)
        return True

    def send_later(self, sender: str, receiver: str, message: Message) -> None:
        """Deliver a message that was held back, after what is on its way."""
        data = frame(SNAPSHOT, MESSAGE.encode(message))
        loop = asyncio.get_running_loop()
        loop.call_soon(loop.call_soon, self._arrive, sender, receiver, data)

    def _arrive(self, sender: str, receiver: str, data: bytes) -> None:
        if receiver in self.nodes:
            self.nodes[receiver].driver.on_frame(sender, data)

    def grow(self, count: int, items: int = 2, servers: tuple[str, ...] = SERVERS) -> None:
        """Blocks of `items` new items each, and the certificate of the last, at the servers."""
        for _ in range(count):
            self.block(
                *(define(f"{self.server.executor.height + 1}-{i}") for i in range(items)),
                servers=servers,
            )
        for name in servers:
            self.nodes[name].certify()

    def block(
        self,
        *transactions: Transaction,
        time: int | None = None,
        servers: tuple[str, ...] = SERVERS,
    ) -> None:
        for name in servers:
            self.nodes[name].block(*transactions, time=time)

    def mature(self) -> None:
        """A chain with every kind of thing a snapshot carries: entities, ids, a bucket dropped."""
        self.grow(6)
        later = START + 90_000
        self.block(define("late", valid_until=later + 5_000), time=later)  # drops the first bucket
        self.grow(3, items=0)
        for n in range(4):
            until = later + 60_000 + n * 10_000
            self.block(*(define(f"more-{n}-{i}", valid_until=until) for i in range(1 + 3 * n)))
        self.consumed = define("more-3-0", valid_until=later + 90_000)
        for name in SERVERS:
            self.nodes[name].certify()

    async def join(self, height: int | None = None) -> None:
        """Let the joiner fetch until the engine hears where it stands."""
        self.told.clear()
        self.joiner.catch_up.start(height or self.server.executor.height)
        await seen(lambda: self.joiner.driver.halted or self.installed)

    @property
    def installed(self) -> Installed | None:
        return next((given for given in self.told if isinstance(given, Installed)), None)

    def close(self) -> None:
        for node in self.nodes.values():
            node.close()


def contents(node: Node) -> dict[bytes, bytes]:
    """The state in force of a node, as `contents_of` gives it."""
    return contents_of(node.archive)


def contents_of(archive: Archive) -> dict[bytes, bytes]:
    """The state in force, as bytes in order: values, paths and consumed ids."""
    number, store = archive.state.number, archive._store
    found: dict[bytes, bytes] = {}
    for kind in (b"s", b"p"):
        pairs = store.range(kind + bytes([number]), kind + bytes([number + 1]))
        found |= {kind + key[2:]: value for key, value in pairs}
    ids: dict[bytes, list[bytes]] = {}
    for key, joined in store.range(b"d" + bytes([number]), b"d" + bytes([number + 1])):
        ids.setdefault(b"d" + key[2:10], []).append(joined)
    return found | {bucket: b"".join(parts) for bucket, parts in ids.items()}


def states_of(node: Node) -> set[int]:
    """The numbers of the states of which anything is in the store."""
    pairs = (pair for kind in (b"s", b"p", b"d") for pair in node.store.range(kind, kind + b"\xff"))
    return {key[1] for key, _ in pairs}
