"""Ports for a member to listen on that it can take again after it was down.

A port that the system gives to `bind(0)` is one that it also gives to outgoing connections: while
a member is down, any process's connection may sit on it, and the member cannot come back
("Address already in use"). So ports are chosen below the range of outgoing connections
(RFC 6335 section 8.1.2; on Linux `ip_local_port_range`).
"""

from __future__ import annotations

import errno
import random
import socket
from pathlib import Path
from typing import Final

__all__ = ["free_ports"]

RANGE: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
EPHEMERAL: Final = 32_768  # Linux's own; where the system tells none, it starts higher (49,152)
FIRST: Final = 10_000  # below are the services that a machine most likely runs
UNPRIVILEGED: Final = 1_024
TAKEN: Final = (errno.EADDRINUSE, errno.EACCES)  # the latter: reserved by the system
LEAST: Final = 1_000  # ports to choose from, or chance alone would clash


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """Return `count` different TCP ports of `host` that nothing listens on now.

    Raises OSError if the host is not this machine's, or too few ports are free.
    """
    last = _first_ephemeral() - 1
    if last - UNPRIVILEGED < LEAST:
        last = EPHEMERAL - 1  # a system that gives away every port leaves none to prefer
    first = FIRST if last - FIRST >= LEAST else UNPRIVILEGED
    found: list[int] = []
    # Random, so that consortia founded one after the other, and not yet started, do not meet.
    for port in random.SystemRandom().sample(range(first, last + 1), last + 1 - first):
        with socket.socket() as probe:
            try:
                probe.bind((host, port))
            except OSError as error:
                if error.errno not in TAKEN:
                    raise
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise OSError(f"fewer than {count} of the ports {first} to {last} of {host} are free")


def _first_ephemeral() -> int:
    try:
        return int(RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return EPHEMERAL
