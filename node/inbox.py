"""What waits for the driver's next turn: a lane for each peer, and one for this member itself.

A peer is authenticated and may still be malicious: without a share of its own, its flood would
crowd out the votes of the others; without a lane of its own, they would wait behind it. What finds
no room is dropped and counted; members repeat what matters. Inputs of this member itself are
bounded by what causes them and always find room.

Invariants: within a lane inputs keep their order; lanes are served in turn, one input each.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from consensus.inputs import CertifierTick, Deliver, Input, Recollected, Rooted, Submit

__all__ = ["PEER_FRAMES_MAX", "PEER_SIZE_MAX", "Given", "Inbox"]

PEER_FRAMES_MAX: Final = 8_192  # frames of one peer: some seconds of votes at full load
PEER_SIZE_MAX: Final = 32 * 1024 * 1024  # bytes of one peer: four frames of the largest size

Given = Input | Rooted | CertifierTick | Recollected

_OWN: Final = ""  # the lane of this member; no member id is empty


class Inbox:
    """A queue of (channel, input), fair between those who fill it."""

    def __init__(self) -> None:
        self._first: deque[tuple[int, Given]] = deque()
        self._lanes: dict[str, deque[tuple[int, Given]]] = {}
        self._turns: deque[str] = deque()  # lanes that hold something, next to be served first
        self._sizes: dict[str, int] = {}
        self._count = 0
        self.dropped = 0

    def __len__(self) -> int:
        return self._count

    def append(self, channel: int, given: Given) -> None:
        """Put an input of this member last in its lane."""
        self._put(_OWN, channel, given)

    def appendleft(self, channel: int, given: Given) -> None:
        """Put an input of this member before everything else."""
        self._first.appendleft((channel, given))
        self._count += 1

    def deliver(self, channel: int, peer: str, data: bytes) -> bool:
        """Put a peer's frame last in its lane; False when the peer's share is used up."""
        lane, size = self._lanes.get(peer, ()), self._sizes.get(peer, 0) + len(data)
        if len(lane) >= PEER_FRAMES_MAX or size > PEER_SIZE_MAX:
            self.dropped += 1
            return False
        self._sizes[peer] = size
        self._put(peer, channel, Deliver(peer, data))
        return True

    def popleft(self) -> tuple[int, Given]:
        """Take the next input: of the lane whose turn it is."""
        if self._first:
            self._count -= 1
            return self._first.popleft()
        name = self._turns.popleft()
        lane = self._lanes[name]
        channel, given = lane.popleft()
        if lane:
            self._turns.append(name)
        if isinstance(given, Deliver):
            self._sizes[name] -= len(given.data)
        self._count -= 1
        return channel, given

    def renew(self) -> None:
        """Keep what others and clients sent, for the machines of the next epoch; drop what was said
        to those before them.
        """
        self._first.clear()
        for name, lane in list(self._lanes.items()):
            kept = deque(each for each in lane if isinstance(each[1], Deliver | Submit))
            self._lanes[name] = kept
            if not kept and name in self._turns:
                self._turns.remove(name)
        self._count = sum(map(len, self._lanes.values()))

    def clear(self) -> None:
        """Drop everything."""
        for kept in (self._first, self._lanes, self._turns, self._sizes):
            kept.clear()
        self._count = 0

    def _put(self, name: str, channel: int, given: Given) -> None:
        lane = self._lanes.setdefault(name, deque())
        if not lane:
            self._turns.append(name)
        lane.append((channel, given))
        self._count += 1
