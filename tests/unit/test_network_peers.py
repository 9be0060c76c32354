"""Peers that change while a member runs: who comes is let in, who goes is cut off, who stays hears
nothing of it.
"""

from __future__ import annotations

import pytest

from ledger.errors import Malformed
from network import Links, new_certificate
from network.links import Peer
from tests import network_members
from tests.network_members import Ear, Meet, Member, Play, ended, gone

ear, meet, play = network_members.ear, network_members.meet, network_members.play


def table(*others: Member) -> dict[str, Peer]:
    return {one.name: ("127.0.0.1", one.port, one.certificate) for one in others}


async def heard(by: Member, sender: Member, links: Links, text: bytes) -> None:
    """Send, and wait until it is there."""
    assert links.send(by.name, text)
    assert await by.frames.get() == (sender.name, text)


def test_who_comes_is_let_in_and_who_stays_keeps_its_connections(play: Play, meet: Meet) -> None:
    north, south, east = meet("north", "south", "east")

    async def story() -> None:
        first, second, third = north.links(south), south.links(north), east.links(north)
        for links in (first, second, third):
            await links.start()
        await heard(south, north, first, b"before")
        await heard(north, south, second, b"before")
        first.set_peers(table(south, east))
        await heard(east, north, first, b"welcome")
        await heard(north, east, third, b"thanks")
        await heard(south, north, first, b"after")
        await heard(north, south, second, b"after")
        assert first.report()["south"].connections == 1
        assert second.report()["north"].connections == 1
        for links in (first, second, third):
            await links.stop()

    play(story())


def test_who_goes_is_cut_off_both_ways_and_its_handshake_refused(
    play: Play, meet: Meet, ear: Ear
) -> None:
    north, south, east = meet("north", "south", "east")

    async def story() -> None:
        first, second, third = north.links(south, east), south.links(north), east.links(north)
        for links in (first, second):
            await links.start()
        reader, writer = await east.raw(north)
        await third.start()
        await heard(south, north, first, b"to who stays")
        await heard(east, north, first, b"to who goes")
        first.set_peers(table(south))
        await ended(reader)
        assert not first.send("east", b"too late")
        assert "east" not in first.report()
        await ear.hears("north: strangers: connection from", "refused")  # east dials again
        await heard(south, north, first, b"still here")
        assert first.report()["south"].connections == 1
        await gone(writer)
        for links in (first, second, third):
            await links.stop()

    play(story())


def test_a_member_with_another_certificate_is_known_by_that_one_alone(
    play: Play, meet: Meet, ear: Ear
) -> None:
    north, old = meet("north", "south")
    new = Member("south", new_certificate("south"), None, old.port)

    async def story() -> None:
        first = north.links(old)
        await first.start()
        reader, writer = await old.raw(north)
        first.set_peers(table(new))
        await ended(reader)
        impostor = old.links(north)
        await impostor.start()
        await ear.hears("north: strangers: connection from", "refused")
        await impostor.stop()
        again, talking = await new.raw(north)
        assert first.report()["south"].receiving
        await gone(writer)
        await gone(talking)
        await ended(again)
        await first.stop()

    play(story())


def test_a_peer_without_an_address_is_heard_and_never_dialled(play: Play, meet: Meet) -> None:
    north, south = meet("north", "south")

    async def story() -> None:
        first, second = north.links(), south.links(north)
        await first.start()
        first.set_peers({"south": (None, 0, south.certificate)})
        await second.start()
        await heard(north, south, second, b"can you hear me?")
        assert not first.send("south", b"there is no way back")
        first.set_peers(table(south))
        await heard(south, north, first, b"now there is")
        await first.stop()
        await second.stop()

    play(story())


def test_a_table_that_cannot_be_used_changes_nothing(play: Play, meet: Meet) -> None:
    north, south = meet("north", "south")

    async def story() -> None:
        first, second = north.links(south), south.links(north)
        await first.start()
        await second.start()
        await heard(south, north, first, b"before")
        bad: dict[str, dict[str, Peer]] = {
            "certificate of east": table(south) | {"east": ("127.0.0.1", 1, b"none")},
            "is another member's": table(south) | {"east": ("127.0.0.1", 1, south.certificate)},
            "oneself not among them": table(south, north),
        }
        for words, peers in bad.items():
            with pytest.raises(Malformed, match=words):
                first.set_peers(peers)
        await heard(south, north, first, b"after")
        await heard(north, south, second, b"after")
        assert set(first.report()) == {"south"}
        await first.stop()
        await second.stop()

    play(story())


def test_peers_may_change_before_the_network_is_started_and_when_it_is_stopped(
    play: Play, meet: Meet
) -> None:
    north, south = meet("north", "south")

    async def story() -> None:
        first, second = north.links(), south.links(north)
        first.set_peers(table(south))
        await first.start()
        await second.start()
        await heard(south, north, first, b"known from the start")
        await first.stop()
        first.set_peers({})
        assert first.report() == {}
        await second.stop()

    play(story())
