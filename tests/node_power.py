"""Power cuts of real stores: a member loses power at its so-manyth write, and the disk keeps what
was synced, with as much of the rest as chance leaves (consensus.md T10).

`python -m tests.node_power [--victim m3]` goes through every write of the scenario, one after the
other; the ordinary run takes some of them (tests/unit/test_node_crash_points.py).
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from chaincode.registry import CONTRACTS
from consensus import messages as wire
from ledger.membership import MemberSet
from node.channels import ENGINE
from node.fsck import check
from node.store import Batch, Store, StoreFull
from tests.node_town import Streets, Town, entered
from tests.node_world import MEMBERS
from tests.toys.governance import Dictator

__all__ = ["Power", "PowerTown", "scenario"]

UNLIMITED: Final = 1 << 60
VICTIMS: Final = ("m1", "m3")  # the primary of the first view, and one that leads none


class Power:
    """A store that takes so many more writes and then none."""

    def __init__(self, inner: Store, writes: int) -> None:
        self.inner = inner
        self.left = writes
        self.done = 0
        self.synced: tuple[Path, int] | None = None  # the journal and its length, as last synced

    def write(self, batch: Batch, *, sync: bool) -> None:
        """Raises: StoreFull when the power is gone."""
        if self.left <= 0:
            raise StoreFull(self.inner.folder, "the power is gone")
        self.left -= 1
        self.done += 1
        self.inner.write(batch, sync=sync)
        if sync:
            journal = self._journal()
            self.synced = journal, journal.stat().st_size

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    def _journal(self) -> Path:
        """LevelDB's newest log, the only file that writes of a moment go to."""
        return max((self.inner.folder / self.inner.engine).glob("*.log"))

    def tear(self, dice: random.Random) -> int:
        """Cut the journal of a closed store somewhere behind what was synced; the bytes lost."""
        journal = self._journal()
        length = journal.stat().st_size
        kept = self.synced[1] if self.synced is not None and self.synced[0] == journal else length
        cut = dice.randint(kept, length)
        with journal.open("r+b") as file:
            file.truncate(cut)
        return length - cut


class _Watched(Streets):
    """The ways of a member whose every signed word is compared with those before."""

    def send(self, peer: str, frame: bytes) -> bool:
        assert isinstance(self.town, PowerTown)
        if self.own == self.town.victim and frame[0] == ENGINE:
            self.town.said(wire.decode(frame[1:]))
        return super().send(peer, frame)


@dataclass
class PowerTown(Town):
    """A town one of whose members loses power at a write, and starts again at once."""

    victim: str = "m3"
    writes: int = 0
    limit: int = UNLIMITED
    cuts: int = 0
    dice: random.Random = field(default_factory=lambda: random.Random(1))
    power: Power | None = None
    words: dict[tuple[str, int, int, int], bytes] = field(default_factory=dict)

    def wired(self, one: str, store: Store) -> Store:
        if one != self.victim:
            return store
        self.power = Power(store, self.limit)
        return self.power  # type: ignore[return-value]

    def streets(self, one: str) -> Streets:
        return _Watched(self, one)

    def said(self, message: wire.Message) -> None:
        """R-DW-1: nobody says two things at one place, whatever its disk forgot."""
        if isinstance(message, wire.PrePrepare):
            digest = message.batch.digest()
        elif isinstance(message, wire.Prepare | wire.Commit):
            digest = message.digest
        else:
            return  # what is passed on of others, and what is said once
        place = (type(message).__name__, message.epoch, message.view, message.sequence)
        assert self.words.setdefault(place, digest) == digest, (self.victim, place)

    async def until(self, look: Callable[[], object]) -> None:
        """As in any town; a member that lost power starts again at once."""

        def well() -> object:
            if self.members[self.victim].driver.halted:
                self.revive()
            return look()

        await super().until(well)

    def revive(self) -> None:
        """Tear the journal, look at the folder, start again; the first time into a second cut.

        Raises: AssertionError when fsck finds anything in what the cut left.
        """
        self.stop(self.victim)
        for limit in (self.writes % 5, UNLIMITED)[min(self.cuts, 1) :]:
            assert self.power is not None
            self.cuts += 1
            self.power.tear(self.dice)
            outcome = check(self.config(self.victim), contracts=self.contracts)
            assert outcome.findings == ()
            self.limit = limit
            try:
                self.start(self.victim)
            except StoreFull:
                self.opened[self.victim].close()
            else:
                return


async def scenario(folder: Path, victim: str, writes: int) -> bool:
    """Blocks, a change of view, a change of all cosigner keys, blocks; the victim loses power at
    its write number `writes` + 1. Say whether it came to that.

    Raises: AssertionError when chains differ, or somebody contradicts itself.
    """
    town = PowerTown(
        folder / "c",
        contracts=(*CONTRACTS, Dictator),
        victim=victim,
        writes=writes,
        dice=random.Random(writes),
    )
    town.doomed = {victim}
    town.start()
    assert town.power is not None
    town.power.left = writes
    try:
        await town.blocks(2)
        town.cut = {"m1"}
        await town.blocks(2)
        town.cut = set()
        after = MemberSet(tuple(town.renewed(*MEMBERS)))
        town.members["m2"].driver.submit([town.change(after)])
        await entered(town, 1)
        await town.blocks(2)
        height = await town.agree()
        assert len({one.archive.header(height) for one in town.members.values()}) == 1
        assert [one.blames.members for one in town.members.values()] == [[]] * len(MEMBERS)
    finally:
        town.stop()
    return town.cuts > 0


def main(arguments: list[str] | None = None) -> int:
    """Go through every write of the scenario; print what was met."""
    parser = argparse.ArgumentParser(prog="python -m tests.node_power", description=__doc__)
    parser.add_argument("--victim", choices=MEMBERS, action="append", help="m1 and m3 by default")
    parser.add_argument("--from", type=int, default=0, dest="first", help="writes before the cut")
    chosen = parser.parse_args(arguments)
    logging.disable(logging.CRITICAL)  # a member says at length that its power is gone
    for victim in chosen.victim or VICTIMS:
        began, writes = time.monotonic(), chosen.first
        while True:
            with tempfile.TemporaryDirectory() as folder:
                if not asyncio.run(scenario(Path(folder), victim, writes)):
                    break
            writes += 1
        seconds = time.monotonic() - began
        print(f"{victim}: power cut at each of {writes} writes, in {seconds:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
