"""Whom this member's links let in and dial: the member set of the present epoch, and whom besides.

Who the others are, and by which TLS certificate they are known, is in the member set; where they
are reached is local configuration (`peers` in member.json). Besides the set, for a while, those who
have left it, so that stragglers can still be helped and help; and those whom the configuration
itself names with a certificate: members to come, who follow the chain before they have a seat.

Only catch-up and answers to stragglers come of a connection that is not a member's: the machines
count votes of their own set alone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from ledger.block import HEADER
from ledger.errors import InvariantViolated
from ledger.membership import MemberSet
from network.limits import PEERS_MAX
from network.links import Links, Peer
from network.tls import is_usable
from node.clock import Clock
from node.config import ConfigError
from node.config import Peer as Configured
from node.epochs import Epochs

__all__ = ["GRACE_SECONDS", "Peering"]

log = logging.getLogger(__name__)

# who has left the member set stays connected so long after the boundary's time
GRACE_SECONDS: Final = 600


class Peering:
    """Keeps a member's links in step with its epochs and its configuration."""

    def __init__(
        self,
        own: str,
        own_certificate: bytes,
        epochs: Epochs,
        clock: Clock,
        configured: Callable[[], dict[str, Configured]],
    ) -> None:
        """`configured` reads the peers of the member's folder anew."""
        self._own = own
        self._own_certificate = own_certificate
        self._epochs = epochs
        self._clock = clock
        self._configured = configured
        self._addresses: dict[str, Configured] = {}
        self._links: Links | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.table: dict[str, Peer] = {}

    def read(self) -> dict[str, Peer]:
        """Read the configuration and return the peers of now. Raises: ConfigError."""
        self._addresses = self._configured()
        self.table = self._wanted()
        return self.table

    def missing(self) -> list[str]:
        """Return the members of the present epoch that have no address here."""
        members = self._epochs.current.members.members
        return [m.id for m in members if m.id not in self._addresses and m.id != self._own]

    def asked(self) -> list[str]:
        """Return whom to ask for blocks: all whom we dial, members of the present epoch first."""
        return [peer for peer, (host, _, _) in self.table.items() if host is not None]

    def begin(self, links: Links) -> None:
        """Keep these links in step from now on."""
        self._links = links
        self._plan()

    def refresh(self) -> None:
        """Bring the links in step with what epochs and configuration say now."""
        if self._links is None:
            return
        try:
            self._addresses = self._configured()
        except ConfigError as error:  # a slip of the pen must not cut off a running member
            log.error("peers stay as they are: %s", error)
        for one in self.missing():
            log.error("no address for the member %s: give it one in member.json and send HUP", one)
        wanted = self._wanted()
        if wanted != self.table:
            self._links.set_peers(wanted)
        self.table = wanted  # the order alone may differ: whom to ask first
        self._plan()

    def stop(self) -> None:
        """Plan nothing more."""
        if self._timer is not None:
            self._timer.cancel()
        self._links = None

    def _plan(self) -> None:
        """Look again when somebody's grace ends."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        ends = [ends for ends, _ in self._left()]
        if ends:
            loop = asyncio.get_running_loop()
            delay = (min(ends) - self._clock.wall_ms()) / 1000 + 1
            self._timer = loop.call_later(delay, self.refresh)

    def _left(self) -> list[tuple[int, MemberSet]]:
        """Return the sets of epochs that ended lately, newest first, each with the time in ms when
        those of its members who have left are let go.
        """
        epochs, now, found = self._epochs, self._clock.wall_ms(), []
        for number in range(epochs.current.number, 0, -1):
            handover, before = epochs.handover(number), epochs.numbered(number - 1)
            if handover is None or before is None:
                raise InvariantViolated(f"no handover to epoch {number}")
            ends = HEADER.decode(handover.header).time + GRACE_SECONDS * 1000
            if ends <= now:
                break  # those before ended earlier: the time of blocks only rises
            found.append((ends, before.members))
        return found

    def _wanted(self) -> dict[str, Peer]:
        known: dict[str, bytes] = {}
        for member in self._epochs.current.members.members:
            known[member.id] = member.tls_certificate
        for name, peer in self._addresses.items():
            if peer.tls_certificate is not None:
                known.setdefault(name, peer.tls_certificate)
        for _, members in self._left():
            for member in members.members:
                known.setdefault(member.id, member.tls_certificate)
        known.pop(self._own, None)
        wanted: dict[str, Peer] = {}
        taken = {self._own_certificate}
        for name, certificate in known.items():
            if certificate in taken or not is_usable(certificate) or len(wanted) >= PEERS_MAX:
                # A consortium may vote for what is no certificate; it costs that member its links.
                log.error("the TLS certificate of %s cannot be used", name)
                continue
            taken.add(certificate)
            configured = self._addresses.get(name)
            host = None if configured is None else configured.address.host
            wanted[name] = (host, 0 if configured is None else configured.address.port, certificate)
        return wanted
