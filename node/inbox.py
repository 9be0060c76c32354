"""What waits for the driver's next turn: inputs in order of arrival, and of each peer only so much.

A peer is authenticated and may still be malicious: without a share of its own, its flood would
crowd out the votes of the others. What finds no room is dropped and counted; members repeat what
matters. Inputs of this member itself are bounded by what causes them and always find room.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from consensus.inputs import CertifierTick, Deliver, Input, Rooted

__all__ = ["PEER_FRAMES_MAX", "PEER_SIZE_MAX", "Given", "Inbox"]

PEER_FRAMES_MAX: Final = 8_192  # frames of one peer: some seconds of votes at full load
PEER_SIZE_MAX: Final = 32 * 1024 * 1024  # bytes of one peer: four frames of the largest size

Given = Input | Rooted | CertifierTick


class Inbox:
    """A queue of (channel, input)."""

    def __init__(self) -> None:
        self._queue: deque[tuple[int, Given]] = deque()
        self._frames: dict[str, int] = {}
        self._sizes: dict[str, int] = {}
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._queue)

    def append(self, channel: int, given: Given) -> None:
        """Put an input of this member last."""
        self._queue.append((channel, given))

    def appendleft(self, channel: int, given: Given) -> None:
        """Put an input of this member first."""
        self._queue.appendleft((channel, given))

    def deliver(self, channel: int, peer: str, data: bytes) -> bool:
        """Put a peer's frame last; False when the peer's share is used up."""
        frames, size = self._frames.get(peer, 0) + 1, self._sizes.get(peer, 0) + len(data)
        if frames > PEER_FRAMES_MAX or size > PEER_SIZE_MAX:
            self.dropped += 1
            return False
        self._frames[peer], self._sizes[peer] = frames, size
        self._queue.append((channel, Deliver(peer, data)))
        return True

    def popleft(self) -> tuple[int, Given]:
        """Take the first input."""
        channel, given = self._queue.popleft()
        if isinstance(given, Deliver):
            self._frames[given.sender] -= 1
            self._sizes[given.sender] -= len(given.data)
        return channel, given

    def clear(self) -> None:
        """Drop everything."""
        self._queue.clear()
        self._frames.clear()
        self._sizes.clear()
