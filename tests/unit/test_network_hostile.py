"""Who is let in over real sockets, and what a stranger or a hostile member costs."""

from __future__ import annotations

import asyncio
import ssl
from struct import pack

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.errors import PeerFault
from network import Limits, new_certificate
from network.frames import DATA, HEADER_SIZE, PING_BYTES, PONG_BYTES, header
from network.tls import contexts
from tests import network_members
from tests.network_members import (
    Ear,
    Meet,
    Play,
    certificate,
    ended,
    gone,
)

ear, meet, play = network_members.ear, network_members.meet, network_members.play


def test_certificates_whose_dates_are_long_past_or_still_to_come_connect_all_the_same(
    play: Play, meet: Meet
) -> None:
    [north] = meet("north", identity=certificate("north", 1990, 1991))
    [south] = meet("south", identity=certificate("south", 2900, 2901))

    async def story() -> None:
        first, second = north.links(south), south.links(north)
        await first.start()
        await second.start()
        assert first.send("south", b"hello")
        assert second.send("north", b"hello")
        assert await south.frames.get() == ("north", b"hello")
        assert await north.frames.get() == ("south", b"hello")
        await first.stop()
        await second.stop()

    play(story())


def test_strangers_are_refused_logged_and_disturb_nobody(play: Play, meet: Meet, ear: Ear) -> None:
    north, south = meet("north", "south")
    issuer_key = serialization.load_pem_private_key(south.identity[1], None)
    assert isinstance(issuer_key, Ed25519PrivateKey)
    strangers = {
        "a certificate of nobody": new_certificate("south"),
        "a certificate made with a member's key": certificate("south", 1970, 9999, issuer_key),
    }

    async def story() -> None:
        first, second = north.links(south), south.links(north)
        await first.start()
        await second.start()
        for identity in strangers.values():
            _, dialling = contexts(*identity, {"north": north.certificate})
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", north.port, ssl=dialling["north"], server_hostname=""
            )
            writer.write(header(5) + b"hello")
            await ended(reader)
            await gone(writer)
            await ear.hears("strangers", "refused")
        for spoken in (b"GET / HTTP/1.1\r\nHost: north\r\n\r\n", bytes(300), header(5) + b"hello"):
            reader, writer = await asyncio.open_connection("127.0.0.1", north.port)
            writer.write(spoken)
            await ended(reader)
            await gone(writer)
            await ear.hears("strangers", "refused")
        assert first.refused_connections == 5
        assert second.send("north", b"still here")
        assert await north.frames.get() == ("south", b"still here")
        assert north.frames.empty()
        await first.stop()
        await second.stop()

    play(story())


def test_a_client_of_an_older_tls_or_without_a_certificate_is_refused(
    play: Play, meet: Meet, ear: Ear
) -> None:
    north, south = meet("north", "south")

    async def story() -> None:
        links = north.links(south)
        await links.start()
        _, dialling = contexts(*south.identity, {"north": north.certificate})
        old = dialling["north"]
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", north.port, ssl=old, server_hostname="")
        await ear.hears("strangers", "refused")
        bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        bare.check_hostname = False
        bare.verify_mode = ssl.CERT_NONE
        reader, writer = await asyncio.open_connection("127.0.0.1", north.port, ssl=bare)
        await ended(reader)
        await gone(writer)
        await ear.hears("strangers", "refused")
        await links.stop()

    play(story())


def test_a_member_who_answers_at_anothers_address_is_not_taken_for_it(
    play: Play, meet: Meet, ear: Ear
) -> None:
    north, south, east = meet("north", "south", "east")

    async def story() -> None:
        impostor = east.links(north)
        await impostor.start()
        south.port, was = east.port, south.port
        links = north.links(south)
        await links.start()
        assert links.send("south", b"for south alone")
        await ear.hears("south", "cannot be reached")
        await ear.hears("south", "cannot be reached")
        assert links.report()["south"].connections == 0
        assert east.frames.empty()
        south.port = was
        await links.stop()
        await impostor.stop()

    play(story())


def test_a_member_cannot_speak_under_another_members_name(play: Play, meet: Meet) -> None:
    north, south, east = meet("north", "south", "east")

    async def story() -> None:
        links = north.links(south, east)
        await links.start()
        # East says it is south as loudly as it can; its certificate says east.
        _, writer = await east.raw(north)
        writer.write(header(10) + b"i am south")
        assert await north.frames.get() == ("east", b"i am south")
        assert links.report()["south"].received_frames == 0
        await gone(writer)
        await links.stop()

    play(story())


@pytest.mark.parametrize(
    ("bytes_sent", "complaint"),
    [
        (pack(">IB", Limits().frame_size + 1, DATA), "is not within 1 to"),
        (b"\xff" * 64, "frame kind: 255"),
        (PONG_BYTES, "was not sent"),
    ],
    ids=["oversized", "garbage", "pong"],
)
def test_a_member_that_breaks_the_framing_is_dropped_and_may_come_again(
    play: Play, meet: Meet, ear: Ear, bytes_sent: bytes, complaint: str
) -> None:
    north, south = meet("north", "south")

    async def story() -> None:
        links = north.links(south)
        await links.start()
        reader, writer = await south.raw(north)
        writer.write(header(4) + b"good" + bytes_sent + header(4) + b"lost")
        await ended(reader)
        await gone(writer)
        await ear.hears("south", complaint)
        assert await north.frames.get() == ("south", b"good")
        reader, writer = await south.raw(north)
        writer.write(header(5) + b"again")
        assert await north.frames.get() == ("south", b"again")
        assert links.report()["south"].faults == 1
        await gone(writer)
        await links.stop()

    play(story())


def test_a_peer_whose_frame_is_refused_by_the_layer_above_is_dropped(
    play: Play, meet: Meet, ear: Ear
) -> None:
    north, south = meet("north", "south")

    def refuse(peer: str, frame: bytes) -> None:
        raise PeerFault(peer, "says nonsense")

    async def story() -> None:
        links = north.links(south, on_frame=refuse)
        await links.start()
        reader, writer = await south.raw(north)
        writer.write(header(3) + b"one" + header(3) + b"two")
        await ended(reader)
        await gone(writer)
        await ear.hears("south", "says nonsense")
        report = links.report()["south"]
        assert (report.received_frames, report.faults, report.receiving) == (1, 1, False)
        await links.stop()

    play(story())


def test_a_second_connection_of_a_member_replaces_its_first(play: Play, meet: Meet) -> None:
    north, south = meet("north", "south")

    async def story() -> None:
        links = north.links(south)
        await links.start()
        old_reader, old = await south.raw(north)
        _, new = await south.raw(north)
        await ended(old_reader)
        new.write(header(3) + b"new")
        assert await north.frames.get() == ("south", b"new")
        assert links.report()["south"].receiving
        await gone(old)
        await gone(new)
        await links.stop()

    play(story())


def test_a_dialler_that_says_nothing_is_dropped_and_one_that_pings_is_answered(
    play: Play, meet: Meet, ear: Ear
) -> None:
    north, south = meet("north", "south")
    limits = Limits(ping_seconds=0.02, silence_seconds=0.1, complaint_seconds=0.0)

    async def story() -> None:
        links = north.links(south, limits=limits)
        await links.start()
        reader, writer = await south.raw(north)
        writer.write(PING_BYTES)
        assert await reader.readexactly(HEADER_SIZE) == PONG_BYTES
        await ended(reader)
        await ear.hears("south", "is silent")
        await gone(writer)
        await links.stop()

    play(story())


def test_more_handshakes_than_the_limit_are_turned_away_at_the_door(
    play: Play, meet: Meet, ear: Ear
) -> None:
    north, south = meet("north", "south")

    async def story() -> None:
        links = north.links(south, limits=Limits(handshakes=2, complaint_seconds=0.0))
        await links.start()
        idle = [await asyncio.open_connection("127.0.0.1", north.port) for _ in range(2)]
        reader, writer = await asyncio.open_connection("127.0.0.1", north.port)
        await ended(reader)
        await ear.hears("strangers", "too many handshakes")
        await gone(writer)
        for _, other in idle:
            await gone(other)
        await ear.hears("strangers", "refused")
        await ear.hears("strangers", "refused")
        _, writer = await south.raw(north)
        writer.write(header(6) + b"inside")
        assert await north.frames.get() == ("south", b"inside")
        await gone(writer)
        await links.stop()

    play(story())


def test_complaints_about_one_subject_are_few_however_often_it_gives_cause(
    play: Play, meet: Meet, ear: Ear
) -> None:
    north, south = meet("north", "south")

    async def story() -> None:
        links = north.links(south, limits=Limits(complaint_seconds=1000.0))
        await links.start()
        for _ in range(20):
            reader, writer = await asyncio.open_connection("127.0.0.1", north.port)
            writer.write(b"not TLS at all, whatever it is")
            await ended(reader)
            await gone(writer)
        assert links.refused_connections == 20
        await links.stop()
        said = [ear.lines.get_nowait() for _ in range(ear.lines.qsize())]
        assert sum("strangers" in line for line in said) == 1

    play(story())
