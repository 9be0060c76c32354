"""Four founded members in one process and one loop: real machines, real stores, no sockets.

Frames go from driver to driver in the next turn of the loop. A member can be cut off, stopped as
power loss stops it (what is on disk stays), and started again from its folder.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chaincode.contract import Contract
from chaincode.registry import CONTRACTS
from ledger.membership import Member as Entry
from ledger.membership import MemberSet
from ledger.transaction import Transaction
from node.archive import Archive
from node.compose import build
from node.config import SNAPSHOT_ABOVE, Address, MemberConfig, load_member
from node.founding import found, join, next_keys
from node.member import Member
from node.store import Store, open_store
from tests.node_member import make_cast
from tests.node_world import MEMBERS, call, define, receive, seen


@dataclass
class Streets:
    """One member's ways to the others."""

    town: Town
    own: str

    def send(self, peer: str, frame: bytes) -> bool:
        reached = self.town.members.get(peer)
        if reached is None or {self.own, peer} & self.town.cut:
            return False
        asyncio.get_running_loop().call_soon(reached.driver.on_frame, self.own, frame)
        return True


@dataclass
class Town:
    """The members that run, by id; `cut` are those that nobody reaches."""

    folder: Path
    engine: str | None = None
    contracts: tuple[type[Contract], ...] = CONTRACTS
    ids: tuple[str, ...] = MEMBERS
    snapshot_above: int = SNAPSHOT_ABOVE  # at members started from now on
    members: dict[str, Member] = field(default_factory=dict)
    cut: set[str] = field(default_factory=set)
    doomed: set[str] = field(default_factory=set)  # may halt
    opened: dict[str, Archive] = field(default_factory=dict)  # the store of each, last opened
    _count: int = 0

    def __post_init__(self) -> None:
        now = time.time_ns() // 1_000_000
        made = found(self.folder, make_cast(self.ids), now, "127.0.0.1", 1_000)
        self.places = {one: place for one, (place, _) in made.members.items()}

    def config(self, one: str) -> MemberConfig:
        return load_member(self.places[one])

    def start(self, *ids: str) -> None:
        """Start members from their folders."""
        for one in ids or self.ids:
            config = self.config(one)
            store = self.wired(one, open_store(config.data, self.engine))
            archive = self.opened[one] = Archive(store, config.genesis.chain_id)
            member, _ = build(config, archive, self.contracts)
            streets = self.streets(one)
            for asking in (member.catch_up, member.catch_up.joining, member.catch_up.serving):
                asking._peers = streets
            member.catch_up._snapshot_above = self.snapshot_above
            member.driver.connect(streets, member.catch_up)
            self.members[one] = member
            member.driver.start()

    def wired(self, one: str, store: Store) -> Store:
        """Return the store as this member sees it."""
        return store

    def streets(self, one: str) -> Streets:
        """Return the ways of this member to the others."""
        return Streets(self, one)

    def stop(self, *ids: str) -> None:
        """Stop members wherever they are: what is not on disk is gone."""
        for one in ids or tuple(self.members):
            member = self.members.pop(one)
            member.stop()
            member.archive.close()

    def transaction(self) -> Transaction:
        """A call that nobody made before."""
        self._count += 1
        genesis = next(iter(self.members.values())).config.genesis
        until = time.time_ns() // 1_000_000 + 300_000
        return define(f"i{self._count}", valid_until=until, genesis=genesis)

    def donation(self, number: int) -> Transaction:
        """The receipt of a donation of one donor, whose log grows with each."""
        genesis = next(iter(self.members.values())).config.genesis
        until = time.time_ns() // 1_000_000 + 300_000
        return receive(number, valid_until=until, genesis=genesis, item="i1")

    def change(self, members: MemberSet) -> Transaction:
        """A call that puts another member set in force."""
        self._count += 1
        genesis = next(iter(self.members.values())).config.genesis
        return call(
            "union.clerk",
            "change",
            {"members": members.encode()},
            nonce=self._count,
            valid_until=time.time_ns() // 1_000_000 + 300_000,
            genesis=genesis,
            contract="governance",
        )

    def newcomer(self, one: str) -> Entry:
        """Make the folder of a member to come; its entry for the set."""
        self.places[one] = self.folder / "members" / one
        peers = {peer: self.config(peer).listen for peer in self.ids if peer != one}
        address = Address("127.0.0.1", 2_000 + len(self.places))
        genesis = self.folder / "genesis.json"
        return join(self.places[one], one, genesis, address, address, peers)

    def renewed(self, *ids: str) -> list[Entry]:
        """New cosigner keys of members, as each would propose them."""
        return [next_keys(self.places[one]) for one in ids]

    async def blocks(self, count: int, at: str = "m2") -> None:
        """Bring so many more blocks about, one transaction each, by way of one member."""
        for _ in range(count):
            driver = self.members[at].driver
            height = driver.executor.height
            driver.submit([self.transaction()])
            await self.until(lambda h=height, d=driver: d.executor.height > h)  # type: ignore[misc]

    async def agree(self, *ids: str) -> int:
        """Wait until members are at one certified height; that height."""
        chosen: Sequence[str] = ids or tuple(self.members)

        def together() -> bool:
            found = set()
            for one in chosen:
                driver = self.members[one].driver
                size = 0 if driver.certificate is None else driver.certificate.checkpoint.size
                found |= {driver.executor.height, size}
            return len(found) == 1

        await self.until(together)
        return self.members[chosen[0]].executor.height

    async def until(self, look: Callable[[], object]) -> None:
        """Let time go on until `look` is true and no running member has halted."""

        def well() -> object:
            for one, member in self.members.items():
                assert one in self.doomed or not member.driver.halted, (one, member.driver.halted)
            return look()

        await seen(well)


async def entered(town: Town, number: int, *ids: str) -> None:
    """Wait until members are in an epoch and its first block is certified."""

    def begun() -> bool:
        for one in ids or tuple(town.members):
            driver, current = town.members[one].driver, town.members[one].executor.epochs.current
            newest = driver.certificate
            if current.number != number or newest is None:
                return False
            if newest.checkpoint.size <= current.base:
                return False
        return True

    await town.until(begun)
