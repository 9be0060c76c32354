"""Which machine a frame between members is for: its first byte; and who carries and takes frames.

The network carries bytes and knows no protocol; consensus knows no network. This is the seam
between them.
"""

from __future__ import annotations

from typing import Final, Protocol

__all__ = ["CATCH_UP", "CERTIFIER", "ENGINE", "SNAPSHOT", "Fetching", "Peers", "frame"]

ENGINE: Final = 1
CERTIFIER: Final = 2
CATCH_UP: Final = 3
SNAPSHOT: Final = 4


def frame(channel: int, data: bytes) -> bytes:
    """Return the frame that carries `data` to the machine of `channel`."""
    return bytes((channel,)) + data


class Peers(Protocol):
    """How the driver reaches other members (network.links.Links)."""

    def send(self, peer: str, frame: bytes) -> bool:
        """Queue a frame; False when the peer's queue is full or the peer unknown."""
        ...


class Fetching(Protocol):
    """Who fetches certified blocks (node.catch_up.CatchUp)."""

    def start(self, height: int) -> None:
        """Begin fetching up to at least `height`; ends with `Driver.installed`."""
        ...

    def deliver(self, sender: str, data: bytes) -> None:
        """Take a catch-up message of a peer."""
        ...

    def deliver_snapshot(self, sender: str, data: bytes) -> None:
        """Take a peer's message about a snapshot."""
        ...
