"""Frames from all peers: the listening socket, and the connections that members dial to it.

A connection passes three doors: a place among the few handshakes under way, a TLS handshake with a
member's certificate, and the look at which member's it is. Only then is a byte of it parsed, and a
first pong says so. A member has one connection here: a new one replaces the old, which may be half
open.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from socket import AF_INET, AF_INET6, create_server, socket
from typing import Final, cast

from ledger.errors import Malformed, PeerFault
from network.complaints import Complaints
from network.frames import DATA, PING, PONG_BYTES, FrameParser
from network.limits import Limits
from network.tls import certificate_of
from network.transport import OnFrame, Tally
from network.watch import Watch

__all__ = ["Listener"]

STRANGERS: Final = "strangers"  # the subject of complaints about connections of no member
ACCEPT_PAUSE_SECONDS: Final = 0.1  # after an accept that failed, as for want of file descriptors


class Listener:
    """Accepts members and hands on their frames."""

    def __init__(
        self,
        context: ssl.SSLContext,
        members: Mapping[bytes, str],
        limits: Limits,
        tallies: Mapping[str, Tally],
        complaints: Complaints,
        on_frame: OnFrame,
        on_peer: Callable[[str], None],
    ) -> None:
        """`members`: certificate DER to id; `on_peer` hears of each connection that is a
        member's.
        """
        self.limits = limits
        self.tallies = tallies
        self.complaints = complaints
        self.on_frame = on_frame
        self.refused = 0  # connections that never became a member's
        self._context = context
        self._members = members
        self._on_peer = on_peer
        self._socket: socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._handshakes: set[asyncio.Task[None]] = set()
        self._receiving: dict[str, _Receiving] = {}

    async def start(self, listen: tuple[str, int] | socket) -> tuple[str, int]:
        """Listens; the address it has. Raises OSError."""
        if isinstance(listen, socket):
            self._socket = listen
        else:
            family = AF_INET6 if ":" in listen[0] else AF_INET
            self._socket = create_server(listen, family=family, backlog=self.limits.handshakes)
        self._socket.setblocking(False)
        self._accepting = asyncio.get_running_loop().create_task(self._accept(self._socket))
        host, port = self._socket.getsockname()[:2]
        return str(host), int(port)

    async def stop(self) -> None:
        """Stops listening and drops every connection."""
        tasks = [*self._handshakes, *([self._accepting] if self._accepting else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        connections = list(self._receiving.values())
        for connection in connections:
            connection.drop(None)
        await asyncio.gather(*(connection.lost for connection in connections))
        if self._socket is not None:
            self._socket.close()

    def admit(self, context: ssl.SSLContext, members: Mapping[bytes, str]) -> None:
        """Take other members from now on; connections of whom it takes no more are dropped."""
        self._context, self._members = context, members
        for connection in list(self._receiving.values()):
            if members.get(connection.certificate) != connection.peer:
                connection.drop(None)

    def hears(self, peer: str) -> bool:
        """Whether `peer` is connected to us."""
        return peer in self._receiving

    def known(self, connection: _Receiving, transport: asyncio.Transport) -> str | None:
        """The member whose connection this is; None, and it is ended, when it is nobody's."""
        certificate = certificate_of(transport)
        peer = None if certificate is None else self._members.get(certificate)
        if peer is None:
            self._refuse(transport.get_extra_info("peername"), "a certificate that is no member's")
            transport.abort()
            return None
        previous = self._receiving.get(peer)
        if previous is not None:
            previous.drop(None)
        self._receiving[peer] = connection
        connection.certificate = certificate or b""
        self._on_peer(peer)
        return peer

    def gone(self, connection: _Receiving, peer: str) -> None:
        """A member's connection is lost."""
        if self._receiving.get(peer) is connection:
            del self._receiving[peer]

    async def _accept(self, listening: socket) -> None:
        # By hand, and not by the loop's server: only so is a connection counted before its
        # handshake begins, and a failed handshake ours to judge, on either event loop.
        loop = asyncio.get_running_loop()
        while True:
            try:
                plain, address = await loop.sock_accept(listening)
            except OSError as error:
                self._refuse(None, f"cannot be accepted: {error}")
                await asyncio.sleep(ACCEPT_PAUSE_SECONDS)
                continue
            if len(self._handshakes) >= self.limits.handshakes:
                self._refuse(address, "too many handshakes under way")
                plain.close()
                continue
            task = loop.create_task(self._handshake(plain, address))
            self._handshakes.add(task)
            task.add_done_callback(self._handshakes.discard)

    async def _handshake(self, plain: socket, address: object) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: _Receiving(self),
                plain,
                ssl=self._context,
                ssl_handshake_timeout=self.limits.connect_seconds,
            )
        except OSError as error:
            self._refuse(address, str(error) or type(error).__name__)

    def _refuse(self, address: object, reason: str) -> None:
        self.refused += 1
        self.complaints.about(STRANGERS, f"connection from {address} refused: {reason}")


class _Receiving(asyncio.Protocol):
    """One connection that a member dialled; frames and pings come on it, pongs go."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._parser = FrameParser(listener.limits.frame_size)
        self._transport: asyncio.Transport | None = None
        self.peer = STRANGERS
        self.certificate = b""
        self._tally = Tally()
        self._watch: Watch | None = None
        self._paused = False
        self._dropped = False
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        peer = self._listener.known(self, self._transport)
        if peer is None:
            self._dropped = True
            return
        self.peer = peer
        self._tally = self._listener.tallies[peer]
        limits = self._listener.limits
        self._watch = Watch(limits.ping_seconds, limits.silence_seconds, _nothing, self._silent)
        self._transport.write(PONG_BYTES)

    def data_received(self, data: bytes) -> None:
        if self._dropped or self._watch is None:
            return
        self._watch.heard()
        asked = False
        for kind, payload in self._parser.receive(data):
            if kind == DATA:
                if not self._delivered(payload):
                    return
            elif kind == PING:
                asked = True
            else:
                self.drop("answers a ping that was not sent")
                return
        if self._parser.fault is not None:
            self.drop(str(self._parser.fault))
        elif asked and not self._paused and self._transport is not None:
            # One pong for all pings of a piece, none to a peer that does not read: no echo grows.
            self._transport.write(PONG_BYTES)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_watch()
        if not self.lost.done():
            self.lost.set_result(None)
        self._listener.gone(self, self.peer)

    def drop(self, fault: str | None) -> None:
        """Ends the connection at once; `fault` is what the peer did wrong."""
        self._dropped = True
        if fault is not None:
            self._tally.faults += 1
            self._listener.complaints.about(self.peer, fault)
        self._end_watch()
        if self._transport is not None:
            self._transport.abort()

    def _delivered(self, payload: bytes) -> bool:
        self._tally.received_frames += 1
        self._tally.received_bytes += len(payload)
        try:
            self._listener.on_frame(self.peer, payload)
        except (PeerFault, Malformed) as fault:
            self.drop(str(fault))
        # Whoever takes a frame may also stop the network.
        return not self._dropped

    def _silent(self, seconds: float) -> None:
        self.drop(f"is silent for {seconds:.1f} s")

    def _end_watch(self) -> None:
        if self._watch is not None:
            self._watch.end()
            self._watch = None


def _nothing() -> None:
    """A tick on which the accepting side has nothing to say: the dialler pings."""
