"""A founded member, composed as in production but with its engine scripted, behind its ASGI app."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from consensus.inputs import CertifierTick, Tick
from ledger.checkpoint import Certificate, Checkpoint, cosign
from ledger.genesis import Account, Organisation
from ledger.keys import Ed25519Signer
from ledger.transaction import Transaction
from node.api.app import create_app
from node.archive import Archive
from node.compose import build
from node.config import load_member
from node.founding import Cast, Founded, found
from node.member import Member
from node.store import open_store
from tests.node_world import ACCOUNTS, MEMBERS, START, signer


def make_cast(members: tuple[str, ...] = MEMBERS, name: str = "node.test") -> Cast:
    return Cast(
        name=name,
        members=members,
        organisations=(Organisation("red-cross", "红十字会"), Organisation("union", "协和")),
        accounts=tuple(
            Account(one, one.split(".")[0], (signer(one).public,), roles)
            for one, roles in ACCOUNTS.items()
        ),
        parameters={},
    )


def founded(folder: Path) -> Founded:
    """Four members' folders; their ports are named and never opened."""
    return found(folder, make_cast(), START, "127.0.0.1", 1_000)


class Silent:
    """An engine that takes everything and orders nothing."""

    lost = False

    def __init__(self) -> None:
        self.told: list[Any] = []

    def step(self, given: Any) -> list[Any]:
        if not isinstance(given, Tick | CertifierTick):
            self.told.append(given)
        return []


@dataclass
class Served:
    """The member, its HTTP door, and its engine."""

    member: Member
    http: httpx.AsyncClient
    engine: Silent
    folder: Path
    # ms; until when transactions are valid, counted from when the member came up
    soon: int = field(default_factory=lambda: time.time_ns() // 1_000_000 + 300_000)

    def block(self, *transactions: Transaction) -> int:
        """Execute the next block, as if it had been ordered."""
        executor = self.member.executor
        height = executor.height + 1
        now = max(executor.time + 1, time.time_ns() // 1_000_000)
        done = executor.execute(height, 0, now, transactions)
        self.member.driver.adopt(done)
        return height

    def _cosigner(self, one: str) -> Ed25519Signer:
        ring = load_member(self.folder / "members" / one).cosigners
        key = ring.signer(ring.publics()[0])
        assert key is not None
        return key

    def certify(self) -> None:
        """Cosign the newest height with the founded keys of three members."""
        genesis, log = self.member.config.genesis, self.member.executor.log
        checkpoint = Checkpoint(genesis.origin, log.size, log.root())
        keys = {one: self._cosigner(one) for one in MEMBERS[:3]}
        at = self.member.executor.time // 1000 + 1
        lines = tuple(cosign(checkpoint, at, one, key) for one, key in keys.items())
        self.member.driver._certified(log.size, Certificate(checkpoint, lines))


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Served]:
    place, _ = founded(folder).members["m1"]
    config = load_member(place)
    archive = Archive(open_store(config.data), config.genesis.chain_id)
    member, _ = build(config, archive)
    engine = Silent()
    member.driver._replica = member.driver._certifier = engine  # type: ignore[assignment]
    transport = httpx.ASGITransport(app=create_app(member), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://member") as http:
        yield Served(member, http, engine, folder)
    member.stop()
    archive.close()
