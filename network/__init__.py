"""Bytes between members: frames, mutual TLS with pinned certificates, bounded queues, transports.

The network knows peers, not the protocol: a frame is a string of bytes that arrives whole, in order
and from the peer whose name is given, or not at all. Who needs it to arrive sends it again.
"""

from __future__ import annotations

from network.limits import Limits
from network.links import Links
from network.memory import MemoryNetwork, MemoryTransport
from network.tls import new_certificate
from network.transport import LinkReport, OnFrame, OnState, Transport

__all__ = [
    "Limits",
    "LinkReport",
    "Links",
    "MemoryNetwork",
    "MemoryTransport",
    "OnFrame",
    "OnState",
    "Transport",
    "new_certificate",
]
