"""A transport without sockets, for tests and demonstrations within one process.

It keeps what a caller can rely on (order, bounds, the sender's name, loss instead of waiting) and
adds what a test wants: `cut` and `heal` a direction. It is not the simulator's network: that one
decides by itself when each message arrives.
"""

from __future__ import annotations

import asyncio
from collections import deque

from ledger.errors import InvariantViolated
from network.limits import Limits
from network.transport import LinkReport, OnFrame, OnState, Tally

__all__ = ["MemoryNetwork", "MemoryTransport"]


class MemoryNetwork:
    """The place where members of one process meet."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._started: dict[str, MemoryTransport] = {}
        self._cut: set[tuple[str, str]] = set()

    def transport(
        self, own_id: str, on_frame: OnFrame, on_state: OnState | None = None
    ) -> MemoryTransport:
        """A transport for one member; it is reached once it is started."""
        return MemoryTransport(self, own_id, on_frame, on_state)

    def cut(self, sender: str, receiver: str) -> None:
        """Nothing from `sender` reaches `receiver` any more; what waits is kept within bounds."""
        was = self.reaches(sender, receiver)
        self._cut.add((sender, receiver))
        if was:
            self._started[sender].changed(receiver, False)

    def heal(self, sender: str, receiver: str) -> None:
        """The opposite of `cut`; what waited arrives now."""
        self._cut.discard((sender, receiver))
        if self.reaches(sender, receiver):
            self._started[sender].changed(receiver, True)

    def reaches(self, sender: str, receiver: str) -> bool:
        """Whether both are started and the direction is not cut."""
        started = self._started
        return sender in started and receiver in started and (sender, receiver) not in self._cut

    def member(self, member: str) -> MemoryTransport | None:
        """The started transport of `member`."""
        return self._started.get(member)

    def peers(self, member: str) -> list[str]:
        """Everybody else who is started, in the order of starting."""
        return [peer for peer in self._started if peer != member]

    def enter(self, transport: MemoryTransport) -> None:
        """Called by a transport that starts."""
        if transport.own_id in self._started:
            raise InvariantViolated(f"{transport.own_id} is started already")
        self._started[transport.own_id] = transport
        for peer in self.peers(transport.own_id):
            for sender, receiver in ((transport.own_id, peer), (peer, transport.own_id)):
                if self.reaches(sender, receiver):
                    self._started[sender].changed(receiver, True)

    def leave(self, transport: MemoryTransport) -> None:
        """Called by a transport that stops."""
        if self._started.get(transport.own_id) is not transport:
            return
        for peer in self.peers(transport.own_id):
            if self.reaches(peer, transport.own_id):
                self._started[peer].changed(transport.own_id, False)
        del self._started[transport.own_id]


class MemoryTransport:
    """One member's end; implements network.transport.Transport."""

    def __init__(
        self, network: MemoryNetwork, own_id: str, on_frame: OnFrame, on_state: OnState | None
    ) -> None:
        self.own_id = own_id
        self._network = network
        self._on_frame = on_frame
        self._on_state = on_state
        self._queues: dict[str, deque[bytes]] = {}
        self._queued_bytes: dict[str, int] = {}
        self._tallies: dict[str, Tally] = {}
        self._due: set[str] = set()

    async def start(self) -> None:
        """See Transport.start."""
        self._network.enter(self)

    async def stop(self) -> None:
        """See Transport.stop."""
        self._network.leave(self)
        self._queues.clear()
        self._queued_bytes.clear()

    def send(self, peer: str, frame: bytes) -> bool:
        """See Transport.send."""
        limits, size = self._network.limits, len(frame)
        if not 0 < size <= limits.frame_size:
            raise InvariantViolated(f"frame of {size} bytes; allowed are 1 to {limits.frame_size}")
        started = self._network.member(self.own_id) is self
        if not started or peer == self.own_id or self._network.member(peer) is None:
            return False
        queue, waiting = self._queues.setdefault(peer, deque()), self._queued_bytes.get(peer, 0)
        if len(queue) >= limits.queue_frames or waiting + size > limits.queue_size:
            tally = self._tally(peer)
            tally.dropped_frames += 1
            tally.dropped_bytes += size
            return False
        queue.append(frame)
        self._queued_bytes[peer] = waiting + size
        self._schedule(peer)
        return True

    def report(self) -> dict[str, LinkReport]:
        """See Transport.report."""
        return {
            peer: LinkReport.of(
                self._tally(peer),
                sending=self._network.reaches(self.own_id, peer),
                receiving=self._network.reaches(peer, self.own_id),
                queued_frames=len(self._queues.get(peer, ())),
                queued_bytes=self._queued_bytes.get(peer, 0),
            )
            for peer in self._network.peers(self.own_id)
        }

    def changed(self, peer: str, up: bool) -> None:
        """Called by the network when the way to `peer` opens or closes."""
        if up:
            self._tally(peer).connections += 1
            self._schedule(peer)
        if self._on_state is not None:
            self._on_state(peer, up)

    def _tally(self, peer: str) -> Tally:
        return self._tallies.setdefault(peer, Tally())

    def _schedule(self, peer: str) -> None:
        if peer not in self._due:
            self._due.add(peer)
            asyncio.get_running_loop().call_soon(self._deliver, peer)

    def _deliver(self, peer: str) -> None:
        self._due.discard(peer)
        queue = self._queues.get(peer, deque())
        # As many as wait now: what an answer brings about waits for the next turn.
        for _ in range(len(queue)):
            receiver = self._network.member(peer)
            if not queue or receiver is None or not self._network.reaches(self.own_id, peer):
                return
            frame = queue.popleft()
            self._queued_bytes[peer] -= len(frame)
            sent, received = self._tally(peer), receiver._tally(self.own_id)
            sent.sent_frames += 1
            sent.sent_bytes += len(frame)
            received.received_frames += 1
            received.received_bytes += len(frame)
            receiver._on_frame(self.own_id, frame)
