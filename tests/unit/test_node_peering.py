"""Whom a member's links let in: its epoch's set, for a while who left it, and who is to come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from chaincode.registry import CONTRACTS
from ledger.membership import MemberSet
from network.tls import new_certificate
from node.clock import Clock
from node.config import Address, ConfigError, Peer
from node.epochs import Epochs
from node.peering import GRACE_SECONDS, Peering
from tests.node_town import Town, entered
from tests.toys.governance import Dictator


class Hands(Clock):
    """A clock that the test moves."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead_ms = 0

    def wall_ms(self) -> int:
        return super().wall_ms() + self.ahead_ms


class Wires:
    """Links that only note whom they were given."""

    def __init__(self) -> None:
        self.given: list[set[str]] = []

    def set_peers(self, peers: dict[str, object]) -> None:
        self.given.append(set(peers))


async def test_who_has_left_is_let_go_after_a_while_and_who_comes_is_let_in(
    tmp_path: Path,
) -> None:
    town = Town(tmp_path / "c", contracts=(*CONTRACTS, Dictator))
    town.start()
    entry = town.newcomer("m5")
    peers = town.config("m1").peers
    epochs: Epochs = town.members["m1"].executor.epochs
    own = town.config("m1").keys.tls_certificate
    hands, wires = Hands(), Wires()
    peering = Peering("m1", own, epochs, hands, lambda: peers)
    assert set(peering.read()) == {"m2", "m3", "m4"}
    assert peering.missing() == []
    peering.begin(wires)  # type: ignore[arg-type]

    # An operator who knows of m5 lets it follow before it has a seat.
    peers["m5"] = Peer(Address("127.0.0.1", 9), entry.tls_certificate)
    peering.refresh()
    assert wires.given == [{"m2", "m3", "m4", "m5"}]
    # m5 takes m2's place, and is known by the set from then on.
    peers["m5"] = Peer(Address("127.0.0.1", 9))
    after = MemberSet((*town.renewed("m1", "m3", "m4"), entry))
    town.members["m1"].driver.submit([town.change(after)])
    await entered(town, 1, "m1", "m3", "m4")
    peering.refresh()
    assert wires.given[1:] == [], "m2 is still there for stragglers"
    assert peering.asked()[:3] == ["m3", "m4", "m5"], "members of the epoch first"
    # Another change, soon after, does not cut short the time of who left before it.
    after = MemberSet(tuple(town.renewed("m1", "m3", "m4", "m5")))
    town.start("m5")
    town.members["m1"].driver.submit([town.change(after)])
    await entered(town, 2, "m1", "m3", "m4", "m5")
    peering.refresh()
    assert wires.given[1:] == [], "m2 is still there for stragglers"
    hands.ahead_ms = GRACE_SECONDS * 1000
    peering.refresh()
    assert wires.given[1:] == [{"m3", "m4", "m5"}]
    peering.stop()
    town.stop()


async def test_the_end_of_the_grace_needs_nobody_to_ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = Town(tmp_path / "c", contracts=(*CONTRACTS, Dictator))
    town.start()
    after = MemberSet((*town.renewed("m1", "m3", "m4"), town.newcomer("m5")))
    town.members["m1"].driver.submit([town.change(after)])
    await entered(town, 1, "m1", "m3", "m4")
    config, wires = town.config("m1"), Wires()
    epochs = town.members["m1"].executor.epochs
    hands = Hands()
    peering = Peering("m1", config.keys.tls_certificate, epochs, hands, lambda: config.peers)
    peering.read()
    assert "m2" in peering.table
    delays: list[float] = []
    loop = asyncio.get_running_loop()
    planned = loop.call_later

    def note(delay: float, then: Callable[[], object]) -> asyncio.TimerHandle:
        if then == peering.refresh:
            delays.append(delay)
        return planned(delay, then)

    monkeypatch.setattr(loop, "call_later", note)
    peering.begin(wires)  # type: ignore[arg-type]
    assert GRACE_SECONDS - 60 < delays[-1] <= GRACE_SECONDS + 1
    peering.stop()
    monkeypatch.undo()
    town.stop()


async def test_a_slip_in_the_file_or_a_false_certificate_cuts_nobody_else_off(
    tmp_path: Path,
) -> None:
    town = Town(tmp_path / "c")
    town.start()
    member = town.members["m1"]
    own, twin = town.config("m1").keys.tls_certificate, new_certificate("m7")[0]
    peers = town.config("m1").peers
    peers |= {
        "m5": Peer(Address("h", 1), b"no certificate"),
        "m6": Peer(Address("h", 1), own),
        "m7": Peer(Address("h", 1), twin),
        "m8": Peer(Address("h", 1), twin),
    }
    wires = Wires()
    peering = Peering("m1", own, member.executor.epochs, Clock(), lambda: peers)
    assert set(peering.read()) == {"m2", "m3", "m4", "m7"}

    def broken() -> dict[str, Peer]:
        raise ConfigError("member.json: is not JSON")

    peering._configured = broken
    peering.begin(wires)  # type: ignore[arg-type]
    peering.refresh()
    assert wires.given == []
    peering.stop()
    town.stop()
