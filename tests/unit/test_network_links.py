"""Members over real sockets: what is delivered, what waits, and who is reconnected."""

from __future__ import annotations

import asyncio

import pytest

from ledger.errors import InvariantViolated, Malformed
from network import Limits, Links, new_certificate
from network.frames import HEADER_SIZE, PING_BYTES, PONG_BYTES
from network.limits import BACKOFF_FIRST_SECONDS, BACKOFF_MAX_SECONDS, PEERS_MAX
from network.links import steady_jitter
from network.sending import backoff
from network.tls import contexts
from tests import network_members
from tests.network_members import (
    Ear,
    Meet,
    Play,
    ended,
    gone,
)

ear, meet, play = network_members.ear, network_members.meet, network_members.play


def test_two_members_exchange_frames_in_order_and_under_their_names(play: Play, meet: Meet) -> None:
    north, south = meet("north", "south")
    sent = [b"%d" % n * (1 + n * n % 700) for n in range(2000)]

    async def story() -> None:
        first, second = north.links(south), south.links(north)
        await first.start()
        await second.start()
        assert all(first.send("south", frame) for frame in sent)
        assert second.send("north", b"answer")
        assert [await south.frames.get() for _ in sent] == [("north", frame) for frame in sent]
        assert await north.frames.get() == ("south", b"answer")
        there, here = first.report()["south"], second.report()["north"]
        assert (there.sending, there.connections, there.faults) == (True, 1, 0)
        assert (there.sent_frames, there.sent_bytes) == (2000, sum(map(len, sent)))
        assert (here.received_frames, here.received_bytes) == (2000, sum(map(len, sent)))
        assert (there.queued_frames, there.queued_bytes, there.dropped_frames) == (0, 0, 0)
        await first.stop()
        await second.stop()
        await second.stop()

    play(story())


def test_a_frame_of_the_largest_size_passes_and_a_larger_or_empty_one_is_the_callers_bug(
    play: Play, meet: Meet
) -> None:
    north, south = meet("north", "south")
    largest = bytes(Limits().frame_size)

    async def story() -> None:
        first, second = north.links(south), south.links(north)
        await first.start()
        await second.start()
        assert first.send("south", largest)
        assert first.send("south", b"after it")
        assert await south.frames.get() == ("north", largest)
        assert await south.frames.get() == ("north", b"after it")
        for bad in (b"", largest + b"x"):
            with pytest.raises(InvariantViolated, match=f"allowed are 1 to {len(largest)}"):
                first.send("south", bad)
        assert first.send("nobody", b"?") is False
        await first.stop()
        await second.stop()
        assert first.send("south", b"stopped") is False

    play(story())


def test_a_restarted_member_is_reconnected_by_itself(play: Play, meet: Meet) -> None:
    north, south = meet("north", "south")

    async def story() -> None:
        links = north.links(south)
        await links.start()
        for life in range(3):
            other = south.links(north)
            await other.start()
            assert await north.states.get() == ("south", True)
            assert links.send("south", b"life %d" % life)
            assert await south.frames.get() == ("north", b"life %d" % life)
            assert other.send("north", b"from life %d" % life)
            assert await north.frames.get() == ("south", b"from life %d" % life)
            await other.stop()
            assert await north.states.get() == ("south", False)
        assert links.report()["south"].connections == 3
        await links.stop()

    play(story())


def test_frames_sent_before_a_peer_is_there_wait_for_it_within_the_bounds(
    play: Play, meet: Meet
) -> None:
    north, south = meet("north", "south")
    limits = Limits(queue_frames=4, queue_size=100, complaint_seconds=0.0)

    async def story() -> None:
        links = north.links(south, limits=limits)
        await links.start()
        assert [links.send("south", b"%d" % n) for n in range(6)] == [True] * 4 + [False] * 2
        report = links.report()["south"]
        assert (report.queued_frames, report.dropped_frames, report.dropped_bytes) == (4, 2, 2)
        other = south.links(north)
        await other.start()
        assert [await south.frames.get() for _ in range(4)] == [
            ("north", b"%d" % n) for n in range(4)
        ]
        await links.stop()
        links = north.links(south, limits=limits)
        await other.stop()
        await links.start()
        assert [links.send("south", b"x" * 40) for _ in range(3)] == [True, True, False]
        assert links.report()["south"].queued_bytes == 80
        await links.stop()
        assert links.report()["south"].queued_bytes == 0

    play(story())


def test_a_peer_away_too_long_gets_nothing_queued_and_what_waited_is_thrown_away(
    play: Play, meet: Meet, ear: Ear
) -> None:
    north, south = meet("north", "south")

    async def story() -> None:
        links = north.links(south, limits=Limits(stale_seconds=0.0, complaint_seconds=0.0))
        assert south.listening is not None
        south.listening.close()
        await links.start()
        await ear.hears("south", "cannot be reached")
        assert links.send("south", b"old vote") is False
        report = links.report()["south"]
        assert (report.queued_frames, report.dropped_frames, report.dropped_bytes) == (0, 1, 8)
        await links.stop()

    play(story())


def test_a_peer_that_does_not_read_costs_bounded_memory_and_then_gets_all_that_was_taken(
    play: Play, meet: Meet
) -> None:
    north, south = meet("north", "south")
    limits = Limits(queue_size=1_000_000, write_size=100_000, complaint_seconds=0.0)
    frame = b"x" * 10_000

    async def story() -> None:
        read = asyncio.Event()
        arrived: asyncio.Queue[int] = asyncio.Queue()

        async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(PONG_BYTES)
            await read.wait()
            size = 0
            while data := await reader.read(1_000_000):
                size += len(data)
                arrived.put_nowait(size)
            writer.close()

        accepting, _ = contexts(*south.identity, {"north": north.certificate})
        server = await asyncio.start_server(slow, sock=south.listening, ssl=accepting)
        links = north.links(south, limits=limits)
        await links.start()
        assert await north.states.get() == ("south", True)
        taken = 0
        while links.send("south", frame):
            taken += 1
            await asyncio.sleep(0)
        report = links.report()["south"]
        assert report.queued_bytes <= limits.queue_size
        assert report.queued_frames + report.sent_frames == taken
        assert (report.dropped_frames, report.dropped_bytes) == (1, len(frame))
        read.set()
        # Pings may come in between: they are the few bytes above.
        while await arrived.get() < taken * (HEADER_SIZE + len(frame)):
            pass
        assert links.send("south", frame)
        await links.stop()
        server.close()
        await server.wait_closed()

    play(story())


def test_a_peer_that_answers_no_ping_is_dropped_and_dialled_again(
    play: Play, meet: Meet, ear: Ear
) -> None:
    north, south = meet("north", "south")
    limits = Limits(ping_seconds=0.02, silence_seconds=0.1, complaint_seconds=0.0)

    async def story() -> None:
        pinged: asyncio.Queue[bytes] = asyncio.Queue()

        async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(PONG_BYTES)
            pinged.put_nowait(await reader.readexactly(HEADER_SIZE))
            await ended(reader)
            await gone(writer)

        accepting, _ = contexts(*south.identity, {"north": north.certificate})
        server = await asyncio.start_server(mute, sock=south.listening, ssl=accepting)
        links = north.links(south, limits=limits)
        await links.start()
        for _ in range(2):
            assert await north.states.get() == ("south", True)
            assert await pinged.get() == PING_BYTES
            await ear.hears("south", "is silent")
            assert await north.states.get() == ("south", False)
        await links.stop()
        server.close()
        await server.wait_closed()

    play(story())


def test_members_that_ping_each_other_stay_connected_past_the_silence_allowed(
    play: Play, meet: Meet
) -> None:
    north, south = meet("north", "south")
    limits = Limits(ping_seconds=0.02, silence_seconds=0.3, complaint_seconds=0.0)

    async def story() -> None:
        first, second = north.links(south, limits=limits), south.links(north, limits=limits)
        await first.start()
        await second.start()
        # The span of time is the situation itself here: twice what silence would be allowed.
        await asyncio.sleep(0.6)
        assert first.report()["south"].connections == 1
        assert first.report()["south"].faults + second.report()["north"].faults == 0
        await first.stop()
        await second.stop()

    play(story())


def test_a_network_is_started_once_and_says_where_it_listens(play: Play, meet: Meet) -> None:
    [north] = meet("north")

    async def story() -> None:
        links = north.links()
        with pytest.raises(InvariantViolated, match="before it is started"):
            _ = links.address
        await links.start()
        assert links.address == ("127.0.0.1", north.port)
        with pytest.raises(InvariantViolated, match="started already"):
            await links.start()
        other = Links(
            "other", *new_certificate("other"), {}, links.address, lambda peer, frame: None
        )
        with pytest.raises(OSError, match="in use"):
            await other.start()
        await links.stop()

    play(story())


def test_too_many_peers_or_oneself_among_them_are_refused() -> None:
    pairs = {f"m{n}": new_certificate(f"m{n}") for n in range(PEERS_MAX + 2)}
    own = pairs.pop("m0")
    peers = {name: ("127.0.0.1", 1, pair[0]) for name, pair in pairs.items()}
    for name, others in (("m0", peers), ("m1", dict(list(peers.items())[:2]))):
        with pytest.raises(Malformed, match="peers: at most 32"):
            Links(name, *own, others, ("127.0.0.1", 0), lambda peer, frame: None)


def test_the_back_off_doubles_is_capped_and_its_jitter_is_the_same_in_every_run() -> None:
    spans = [backoff(attempt, 0.999) for attempt in range(40)]
    assert spans == sorted(spans)
    assert spans[0] <= BACKOFF_FIRST_SECONDS
    assert max(spans) <= BACKOFF_MAX_SECONDS
    assert backoff(39, 0.0) == BACKOFF_MAX_SECONDS / 2
    jitter = steady_jitter("north")
    fractions = [jitter(peer, attempt) for peer in ("south", "east") for attempt in range(50)]
    assert fractions == [
        steady_jitter("north")(peer, attempt) for peer in ("south", "east") for attempt in range(50)
    ]
    assert len(set(fractions)) == 100
    assert all(0 <= fraction < 1 for fraction in fractions)
