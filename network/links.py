"""The transport of real members: mutual TLS over TCP, on asyncio's protocols (or uvloop's).

One connection per ordered pair: each member dials every other for sending and accepts every other
for receiving. It costs two sockets a pair instead of one (30 for the largest member set) and saves
the agreement on which of two crossing connections lives: no tie to break, no state in which each
side has kept the other's, and a peer that was cut off is reached again by whoever first has
something to say.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from socket import socket

from ledger.errors import InvariantViolated, Malformed
from network.complaints import Complaints
from network.limits import PEERS_MAX, Limits
from network.receiving import Listener
from network.sending import Dialling, Sender
from network.tls import contexts
from network.transport import LinkReport, OnFrame, OnState, Tally

__all__ = ["Links", "steady_jitter"]

Jitter = Callable[[str, int], float]
Peer = tuple[str | None, int, bytes]  # host, port, certificate; without a host it is not dialled


def steady_jitter(own_id: str) -> Jitter:
    """Fractions that differ from pair to pair and attempt to attempt, and are the same in every
    run.
    """

    def fraction(peer: str, attempt: int) -> float:
        digest = hashlib.sha256(f"{own_id}/{peer}/{attempt}".encode()).digest()
        return int.from_bytes(digest[:4], "big") / 2**32

    return fraction


class Links:
    """One member's connections to its peers; implements network.transport.Transport."""

    def __init__(
        self,
        own_id: str,
        certificate: bytes,
        key: bytes,
        peers: Mapping[str, Peer],
        listen: tuple[str, int] | socket,
        on_frame: OnFrame,
        on_state: OnState | None = None,
        *,
        limits: Limits | None = None,
        jitter: Jitter | None = None,
    ) -> None:
        """`certificate`: DER; `key`: PEM; `peers`: id to (host, port, certificate DER).

        `listen` is an address (port 0: any) or a bound socket. Raises Malformed for a certificate
        or key that cannot be used, or too many peers.
        """
        self._certificate = certificate
        self._key = key
        self._listen = listen
        self._on_frame = on_frame
        self._on_state = on_state
        self._own_id = own_id
        self._limits = limits or Limits()
        self._jitter = jitter or steady_jitter(own_id)
        self._peers: dict[str, Peer] = {}
        self._tallies: dict[str, Tally] = {}
        self._pin(peers)
        self._complaints: Complaints | None = None
        self._stopping: set[asyncio.Task[None]] = set()
        self._senders: dict[str, Sender] = {}
        self._listener: Listener | None = None
        self._address: tuple[str, int] | None = None

    def _pin(self, peers: Mapping[str, Peer]) -> None:
        """Know these peers by their certificates, and nobody else."""
        if len(peers) > PEERS_MAX or self._own_id in peers:
            raise Malformed("peers", f"at most {PEERS_MAX}, and oneself not among them")
        pins = {peer: certificate for peer, (_, _, certificate) in peers.items()}
        self._accepting, self._dialling = contexts(self._certificate, self._key, pins)
        self._members = {certificate: peer for peer, certificate in pins.items()}
        self._peers = dict(peers)
        for peer in peers:
            self._tallies.setdefault(peer, Tally())

    def set_peers(self, peers: Mapping[str, Peer]) -> None:
        """Have these peers from now on: who stays as it was keeps its connections and its queue.

        Raises: Malformed as the constructor, and then nothing has changed.
        """
        before = self._peers
        self._pin(peers)
        for peer in before.keys() - peers.keys():
            del self._tallies[peer]
        if self._listener is None:
            return
        self._listener.admit(self._accepting, self._members)
        for peer in [one for one in before if before[one] != peers.get(one)]:
            sender = self._senders.pop(peer, None)
            if sender is not None:
                task = asyncio.get_running_loop().create_task(sender.stop())
                self._stopping.add(task)
                task.add_done_callback(self._stopping.discard)
        self._dial()

    def _dial(self) -> None:
        """Begin to dial whoever is not dialled yet and has an address."""
        if self._complaints is None:
            return
        for peer, (host, port, certificate) in self._peers.items():
            if host is not None and peer not in self._senders:
                context = self._dialling[peer]
                dialling = Dialling(peer, host, port, certificate, context, self._jitter)
                self._senders[peer] = Sender(
                    dialling, self._limits, self._tallies[peer], self._complaints, self._changed
                )

    @property
    def address(self) -> tuple[str, int]:
        """Host and port listened on. Raises InvariantViolated before `start`."""
        if self._address is None:
            raise InvariantViolated("the network has no address before it is started")
        return self._address

    @property
    def refused_connections(self) -> int:
        """Connections that came and were no member's, since the last start."""
        return 0 if self._listener is None else self._listener.refused

    async def start(self) -> None:
        """See Transport.start."""
        if self._listener is not None:
            raise InvariantViolated("the network is started already")
        clock = asyncio.get_running_loop().time
        self._complaints = Complaints(self._own_id, self._limits.complaint_seconds, clock)
        listener = Listener(
            self._accepting,
            self._members,
            self._limits,
            self._tallies,
            self._complaints,
            self._on_frame,
            self._heard_of,
        )
        self._address = await listener.start(self._listen)
        self._listener = listener
        self._dial()

    async def stop(self) -> None:
        """See Transport.stop."""
        listener, senders = self._listener, list(self._senders.values())
        if listener is None:
            return
        await asyncio.gather(*(sender.stop() for sender in senders), *self._stopping)
        await listener.stop()
        self._senders.clear()
        self._listener = None

    def send(self, peer: str, frame: bytes) -> bool:
        """See Transport.send."""
        sender = self._senders.get(peer)
        return sender is not None and sender.send(frame)

    def report(self) -> dict[str, LinkReport]:
        """See Transport.report."""
        return {peer: self._report(peer, tally) for peer, tally in self._tallies.items()}

    def _report(self, peer: str, tally: Tally) -> LinkReport:
        sender = self._senders.get(peer)
        frames, size = (0, 0) if sender is None else sender.queued
        return LinkReport.of(
            tally,
            sending=sender is not None and sender.connected,
            receiving=self._listener is not None and self._listener.hears(peer),
            queued_frames=frames,
            queued_bytes=size,
        )

    def _heard_of(self, peer: str) -> None:
        sender = self._senders.get(peer)
        if sender is not None and not sender.connected:
            sender.wake()

    def _changed(self, peer: str, up: bool) -> None:
        if self._on_state is not None:
            self._on_state(peer, up)
