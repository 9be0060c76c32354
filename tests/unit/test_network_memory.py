"""The transport without sockets keeps the promises of the one with them."""

from __future__ import annotations

import asyncio

import pytest

from ledger.errors import InvariantViolated
from network import Limits, MemoryNetwork, MemoryTransport


class Member:
    def __init__(self, network: MemoryNetwork, name: str) -> None:
        self.frames: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        self.states: list[tuple[str, bool]] = []
        self.transport: MemoryTransport = network.transport(
            name,
            lambda peer, frame: self.frames.put_nowait((peer, frame)),
            lambda peer, up: self.states.append((peer, up)),
        )


async def two(limits: Limits | None = None) -> tuple[MemoryNetwork, Member, Member]:
    network = MemoryNetwork(limits)
    north, south = Member(network, "north"), Member(network, "south")
    await north.transport.start()
    await south.transport.start()
    return network, north, south


async def test_frames_arrive_in_order_under_the_name_of_their_sender() -> None:
    _, north, south = await two()
    assert all(north.transport.send("south", b"%d" % n) for n in range(100))
    assert south.transport.send("north", b"answer")
    assert [await south.frames.get() for _ in range(100)] == [
        ("north", b"%d" % n) for n in range(100)
    ]
    assert await north.frames.get() == ("south", b"answer")
    assert north.transport.report()["south"].sent_frames == 100
    assert south.transport.report()["north"].received_bytes == 190


async def test_a_cut_direction_keeps_what_is_sent_within_bounds_and_delivers_it_when_healed() -> (
    None
):
    network, north, south = await two(Limits(queue_frames=3, queue_size=10))
    network.cut("north", "south")
    assert [north.transport.send("south", b"abc") for _ in range(5)] == [True] * 3 + [False] * 2
    assert south.transport.send("north", b"the other way") is False
    assert south.transport.send("north", b"passes") is True
    assert await north.frames.get() == ("south", b"passes")
    report = north.transport.report()["south"]
    assert (report.queued_frames, report.queued_bytes, report.sending) == (3, 9, False)
    assert (report.dropped_frames, report.dropped_bytes) == (2, 6)
    network.heal("north", "south")
    assert [await south.frames.get() for _ in range(3)] == [("north", b"abc")] * 3
    assert north.states == [("south", True), ("south", False), ("south", True)]


async def test_who_is_not_there_gets_nothing_and_a_stopped_member_neither_sends_nor_receives() -> (
    None
):
    _, north, south = await two()
    assert north.transport.send("east", b"?") is False
    assert north.transport.send("north", b"?") is False
    await south.transport.stop()
    await south.transport.stop()
    assert north.transport.send("south", b"?") is False
    assert south.transport.send("north", b"?") is False
    assert north.states[-1] == ("south", False)


async def test_a_frame_no_peer_would_take_is_a_bug_of_the_caller() -> None:
    _, north, _ = await two(Limits(frame_size=10))
    for bad in (b"", b"x" * 11):
        with pytest.raises(InvariantViolated, match="allowed are 1 to 10"):
            north.transport.send("south", bad)
    with pytest.raises(InvariantViolated, match="started already"):
        await north.transport.start()
