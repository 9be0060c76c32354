"""A peer has its share of the inbox, and no more."""

from __future__ import annotations

from consensus.inputs import Deliver, Tick
from node.inbox import PEER_FRAMES_MAX, PEER_SIZE_MAX, Inbox


def test_inputs_come_out_in_order_and_ones_own_news_first() -> None:
    inbox = Inbox()
    inbox.append(1, Tick(1, 1))
    assert inbox.deliver(2, "m2", b"x")
    inbox.appendleft(1, Tick(2, 2))
    assert [inbox.popleft() for _ in range(3)] == [
        (1, Tick(2, 2)),
        (1, Tick(1, 1)),
        (2, Deliver("m2", b"x")),
    ]
    assert not inbox


def test_a_flood_of_frames_leaves_room_for_the_others() -> None:
    inbox = Inbox()
    told = [inbox.deliver(1, "m2", b"") for _ in range(PEER_FRAMES_MAX + 5)]
    assert told.count(False) == 5
    assert inbox.dropped == 5
    assert inbox.deliver(1, "m3", b"vote")
    inbox.popleft()
    assert inbox.deliver(1, "m2", b"")
    assert not inbox.deliver(1, "m2", b"")


def test_a_flood_of_bytes_leaves_room_for_the_others() -> None:
    inbox = Inbox()
    large = bytes(PEER_SIZE_MAX // 2)
    assert inbox.deliver(1, "m2", large)
    assert inbox.deliver(1, "m2", large)
    assert not inbox.deliver(1, "m2", b"x")
    assert inbox.deliver(1, "m3", large)
    inbox.popleft()
    assert inbox.deliver(1, "m2", b"x")


def test_clearing_gives_every_share_back() -> None:
    inbox = Inbox()
    while inbox.deliver(1, "m2", b""):
        pass
    inbox.clear()
    assert len(inbox) == 0
    assert inbox.deliver(1, "m2", b"")


def test_a_flood_of_one_peer_does_not_delay_the_votes_of_the_others_or_ones_own_ticks() -> None:
    inbox = Inbox()
    for _ in range(PEER_FRAMES_MAX):
        inbox.deliver(1, "m2", b"flood")
    inbox.deliver(1, "m3", b"vote")
    inbox.deliver(2, "m4", b"first")
    inbox.append(1, Tick(1, 1))
    inbox.deliver(2, "m4", b"second")
    heard = [inbox.popleft()[1] for _ in range(6)]
    assert heard == [
        Deliver("m2", b"flood"),
        Deliver("m3", b"vote"),
        Deliver("m4", b"first"),
        Tick(1, 1),
        Deliver("m2", b"flood"),
        Deliver("m4", b"second"),
    ]
    assert len(inbox) == PEER_FRAMES_MAX - 2
    inbox.deliver(1, "m3", b"again")
    assert [inbox.popleft()[1] for _ in range(2)][1] == Deliver("m3", b"again")
