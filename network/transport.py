"""The seam between a member and its network: what every transport offers, sockets or memory.

A frame given to `send` arrives whole, at most once, in the order of sending, and named after the
peer that is proved to have sent it; or it does not arrive. There is no sign of arrival. `on_frame`
and `on_state` are called on the event loop, one after the other; while `on_frame` works nothing
more is read, and whoever keeps what it gets bounds what it keeps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

__all__ = ["LinkReport", "OnFrame", "OnState", "Tally", "Transport"]

OnFrame = Callable[[str, bytes], None]
"""Called with the peer and its frame. Raising PeerFault or Malformed drops that peer's
connection.
"""
OnState = Callable[[str, bool], None]
"""Called with a peer and whether frames to it now have a connection to travel on."""


@dataclass(slots=True)
class Tally:
    """Running counts of one peer, since the transport was made."""

    sent_frames: int = 0
    sent_bytes: int = 0
    received_frames: int = 0
    received_bytes: int = 0
    dropped_frames: int = 0
    dropped_bytes: int = 0
    connections: int = 0
    faults: int = 0


@dataclass(frozen=True, slots=True)
class LinkReport:
    """One peer at one moment, for metrics. Bytes are payload bytes."""

    sending: bool
    """Connected for sending."""
    receiving: bool
    """Connected for receiving."""
    queued_frames: int
    queued_bytes: int
    sent_frames: int
    """Handed to the operating system's side; not known to have arrived."""
    sent_bytes: int
    received_frames: int
    received_bytes: int
    dropped_frames: int
    """Refused by `send` for want of room, or thrown away because the peer was gone too long."""
    dropped_bytes: int
    connections: int
    """Connections made for sending; more than one means reconnections."""
    faults: int
    """Times the peer broke the framing, was silent too long, or was refused by `on_frame`."""

    @classmethod
    def of(
        cls, tally: Tally, *, sending: bool, receiving: bool, queued_frames: int, queued_bytes: int
    ) -> LinkReport:
        """The report of `tally` with what the transport knows of the moment."""
        return cls(
            sending=sending,
            receiving=receiving,
            queued_frames=queued_frames,
            queued_bytes=queued_bytes,
            sent_frames=tally.sent_frames,
            sent_bytes=tally.sent_bytes,
            received_frames=tally.received_frames,
            received_bytes=tally.received_bytes,
            dropped_frames=tally.dropped_frames,
            dropped_bytes=tally.dropped_bytes,
            connections=tally.connections,
            faults=tally.faults,
        )


class Transport(Protocol):
    """What the driver of a member may ask of its network."""

    async def start(self) -> None:
        """Begins to receive and to connect; does not wait for any peer. OSError: cannot listen."""
        ...

    async def stop(self) -> None:
        """Drops every connection and what is queued. Safe to call twice."""
        ...

    def send(self, peer: str, frame: bytes) -> bool:
        """Queues `frame` for `peer`; never waits. False: unknown peer, no room, or away too long.

        Raises InvariantViolated for a frame that is empty or larger than any peer would take.
        """
        ...

    def report(self) -> dict[str, LinkReport]:
        """Each peer's counts as they are now."""
        ...
