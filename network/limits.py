"""Every maximum and every span of time of the network, each with its reason.

`Limits` carries them, so that a test can meet a bound with little data; production uses the
defaults.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ledger.limits import MEMBERS_MAX

__all__ = [
    "BACKOFF_FIRST_SECONDS",
    "BACKOFF_MAX_SECONDS",
    "CERTIFICATE_SIZE_MAX",
    "PEERS_MAX",
    "Limits",
]

# a whole member set, those who have just left it and those who are about to join
PEERS_MAX: Final = 2 * MEMBERS_MAX
CERTIFICATE_SIZE_MAX: Final = 4096  # bytes of DER; a self-signed Ed25519 certificate has about 330

BACKOFF_FIRST_SECONDS: Final = 0.05  # a member that restarts is back within a moment
BACKOFF_MAX_SECONDS: Final = 2.0  # and is never waited for longer than this


@dataclass(frozen=True, slots=True)
class Limits:
    """What one member's network may hold and how long it waits; sizes in bytes, times in
    seconds.
    """

    frame_size: int = 8 * 1024 * 1024 + 64
    """A message of 8 MiB (a block of 4 MiB with its votes) and the byte that says whose it is."""
    queue_size: int = 32 * 1024 * 1024
    """Waiting for one peer: a few frames of the largest size, 480 MiB for 15 peers that all
    stall.
    """
    queue_frames: int = 16_384
    """Waiting for one peer: small votes, whose objects cost more than their bytes."""
    write_size: int = 1024 * 1024
    """Joined into one write, and held by the transport before it asks for a pause."""
    handshakes: int = 2 * MEMBERS_MAX
    """Connections not yet known to be a member's: each costs a buffer and a key exchange."""
    connect_seconds: float = 5.0
    """Until a connection is made, and again until its handshake is done and answered."""
    ping_seconds: float = 2.0
    """Between two pings on a connection."""
    silence_seconds: float = 10.0
    """Without a word from the other side before a connection counts as half open and is dropped."""
    stale_seconds: float = 5.0
    """A peer away this long gets nothing queued: it will catch up, not listen to old votes."""
    complaint_seconds: float = 10.0
    """Between two log lines about the same peer, or about strangers."""
