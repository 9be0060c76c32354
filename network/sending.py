"""Frames to one peer: a bounded queue, and the connection we dial and dial again to empty it.

Invariants: the queue holds at most `queue_frames` and `queue_size`, the transport about
`write_size` and one frame more; a frame that finds no room is refused and the caller told; frames
leave in order. A connection counts from the peer's first pong and not from the end of the
handshake: in TLS 1.3 the dialler is done before the other side has looked at its certificate.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from ledger.errors import InvariantViolated
from network.complaints import Complaints
from network.frames import PING_BYTES, PONG, FrameParser, header
from network.limits import BACKOFF_FIRST_SECONDS, BACKOFF_MAX_SECONDS, Limits
from network.tls import certificate_of
from network.transport import Tally
from network.watch import Watch

__all__ = ["Dialling", "Sender", "backoff"]


def backoff(attempt: int, fraction: float) -> float:
    """Seconds before dialling again after `attempt` failures in a row; `fraction` in [0, 1)."""
    doubled: float = BACKOFF_FIRST_SECONDS * 2 ** min(attempt, 16)
    return min(BACKOFF_MAX_SECONDS, doubled) * (0.5 + 0.5 * fraction)


@dataclass(frozen=True, slots=True)
class Dialling:
    """Where one peer is reached and how it is known."""

    peer: str
    host: str
    port: int
    certificate: bytes
    context: ssl.SSLContext
    jitter: Callable[[str, int], float]
    """(peer, attempt) to a fraction in [0, 1): spreads members that all lost the same peer."""


class Sender:
    """The queue and the dialling of one peer."""

    def __init__(
        self,
        dialling: Dialling,
        limits: Limits,
        tally: Tally,
        complaints: Complaints,
        on_up: Callable[[str, bool], None],
    ) -> None:
        self.dialling = dialling
        self.limits = limits
        self.tally = tally
        self._complaints = complaints
        self._on_up = on_up
        self._queue: deque[bytes] = deque()
        self._queued_bytes = 0
        self._flush_due = False
        self._connection: _Sending | None = None  # known to be accepted
        self._loop = asyncio.get_running_loop()
        self._away_since = self._loop.time()
        self._wake = asyncio.Event()
        self._task = self._loop.create_task(self._run(), name=f"dial {dialling.peer}")

    @property
    def connected(self) -> bool:
        """Whether the peer has accepted our connection."""
        return self._connection is not None

    @property
    def queued(self) -> tuple[int, int]:
        """Frames and bytes that wait."""
        return len(self._queue), self._queued_bytes

    def send(self, frame: bytes) -> bool:
        """See Transport.send."""
        size = len(frame)
        if not 0 < size <= self.limits.frame_size:
            raise InvariantViolated(
                f"frame of {size} bytes; allowed are 1 to {self.limits.frame_size}"
            )
        if self._connection is None and self._away_too_long():
            self._discard()
            return self._refused(size)
        if (
            len(self._queue) >= self.limits.queue_frames
            or self._queued_bytes + size > self.limits.queue_size
        ):
            return self._refused(size)
        self._queue.append(frame)
        self._queued_bytes += size
        if not self._flush_due and self._connection is not None:
            # Not now: what else is sent in this turn of the loop joins the same write.
            self._flush_due = True
            self._loop.call_soon(self.flush)
        return True

    def flush(self) -> None:
        """Writes what waits, joined, until the transport asks for a pause."""
        self._flush_due = False
        connection, queue = self._connection, self._queue
        while queue and connection is not None and not connection.paused:
            parts: list[bytes] = []
            size = frames = 0
            while queue and (not size or size + len(queue[0]) <= self.limits.write_size):
                frame = queue.popleft()
                parts += (header(len(frame)), frame)
                size += len(frame)
                frames += 1
            self._queued_bytes -= size
            self.tally.sent_frames += frames
            self.tally.sent_bytes += size
            connection.write(b"".join(parts))

    def wake(self) -> None:
        """The peer has just been heard of: do not wait out the back-off."""
        self._wake.set()

    async def stop(self) -> None:
        """Ends dialling and drops the connection and the queue."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._discard()

    def accepted(self, connection: _Sending) -> None:
        """The peer's first pong."""
        self._connection = connection
        self.tally.connections += 1
        self._on_up(self.dialling.peer, True)
        self.flush()

    def gone(self, connection: _Sending) -> None:
        """The connection is lost, for whatever reason."""
        if self._connection is connection:
            self._connection = None
            self._away_since = self._loop.time()
            self._on_up(self.dialling.peer, False)

    def complain(self, what: str, *, fault: bool = False) -> None:
        """Logs something about this peer, counting it when the peer is to blame."""
        self.tally.faults += fault
        self._complaints.about(self.dialling.peer, what)

    def _refused(self, size: int) -> bool:
        self.tally.dropped_frames += 1
        self.tally.dropped_bytes += size
        return False

    def _discard(self) -> None:
        self.tally.dropped_frames += len(self._queue)
        self.tally.dropped_bytes += self._queued_bytes
        self._queue.clear()
        self._queued_bytes = 0

    def _away_too_long(self) -> bool:
        return self._loop.time() - self._away_since >= self.limits.stale_seconds

    async def _run(self) -> None:
        attempt = 0
        while True:
            attempt = 0 if await self._connected_once() else attempt + 1
            span = backoff(attempt, self.dialling.jitter(self.dialling.peer, attempt))
            # The first part is always waited: a peer that keeps waking us cannot make us spin.
            await asyncio.sleep(min(span, BACKOFF_FIRST_SECONDS))
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, span - BACKOFF_FIRST_SECONDS)):
                    await self._wake.wait()

    async def _connected_once(self) -> bool:
        """Dials, and waits until the connection is lost; whether the peer had accepted it."""
        to = self.dialling
        connection = _Sending(self)
        try:
            async with asyncio.timeout(self.limits.connect_seconds):
                await self._loop.create_connection(
                    lambda: connection, to.host, to.port, ssl=to.context, server_hostname=""
                )
        except (OSError, ValueError) as error:  # ValueError: a host name that cannot be one
            self.complain(f"cannot be reached: {str(error) or type(error).__name__}")
            return False
        try:
            await connection.lost
        finally:
            connection.drop(None)
            await connection.lost
        return connection.was_accepted


class _Sending(asyncio.Protocol):
    """One connection we dialled; only pongs may come back on it."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._parser = FrameParser(0)
        self._transport: asyncio.Transport | None = None
        self._watch: Watch | None = None
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.paused = False
        self.was_accepted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        limits = self._sender.limits
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=limits.write_size)
        self._watch = Watch(limits.ping_seconds, limits.connect_seconds, self._ping, self._silent)
        if certificate_of(transport) != self._sender.dialling.certificate:
            self.drop("shows a certificate that is not its own")

    def data_received(self, data: bytes) -> None:
        if self._watch is None:
            return
        for kind, _ in self._parser.receive(data):
            if kind != PONG:
                self.drop("sends on a connection that is ours to send on")
                return
            self._watch.heard(silence=self._sender.limits.silence_seconds)
            if not self.was_accepted:
                self.was_accepted = True
                self._sender.accepted(self)
        if self._parser.fault is not None:
            self.drop(str(self._parser.fault))

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        if self._watch is not None:
            # The buffer shrank below its mark because the peer takes bytes: it lives.
            self._watch.heard()
        self._sender.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_watch()
        if exc is not None or not self.was_accepted:
            self._sender.complain(f"connection lost: {exc or 'closed before it was accepted'}")
        if not self.lost.done():
            self.lost.set_result(None)
        self._sender.gone(self)

    def write(self, data: bytes) -> None:
        """Hands bytes to the transport, which never blocks."""
        if self._transport is not None:
            self._transport.write(data)

    def drop(self, fault: str | None) -> None:
        """Ends the connection at once; `fault` is what the peer did wrong."""
        if fault is not None:
            self._sender.complain(fault, fault=True)
        self._end_watch()
        if self._transport is not None:
            self._transport.abort()

    def _ping(self) -> None:
        # A ping more than the buffer's mark is five bytes, and silence ends them.
        if self.was_accepted:
            self.write(PING_BYTES)

    def _silent(self, seconds: float) -> None:
        self.drop(f"is silent for {seconds:.1f} s")

    def _end_watch(self) -> None:
        if self._watch is not None:
            self._watch.end()
            self._watch = None
