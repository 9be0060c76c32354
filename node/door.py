"""The HTTP door's connections: how many, and for how long one may do nothing.

A stranger may open connections and send no request, send one and never read the answer, or take it
drop by drop. Each connection therefore has a watch: without a request in hand it is closed after
some seconds, and so is one whose waiting answer does not move. When all places are taken, the one
that is idle longest makes room, so nobody is kept out by connections that do nothing.

What it is not: a judge of requests (`node.api`), or a share for each address (behind one proxy all
clients have the same).
"""

from __future__ import annotations

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["DoorProtocol"]

CONNECTIONS_MAX: Final = 512  # sockets of clients: half of the 1,024 files a process has by default
WATCH_SECONDS: Final = 10.0  # for a request to come, and between two looks at an answer
# an answer must have moved by so much between two looks, or be gone
MOVED_SIZE_MIN: Final = 64 * 1024
UNREAD_SIZE_MAX: Final = 256 * 1024 * 1024  # bytes of all answers that their clients have not taken


class DoorProtocol(HttpToolsProtocol):
    """One client's connection; uvicorn's own, under watch."""

    _idle_since: float | None = None  # None while a request is in hand
    _unread = 0
    _watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a place, if need be of whoever has done nothing for longest."""
        super().connection_made(transport)
        self._idle_since = self.loop.time()
        self._watch = self.loop.call_later(WATCH_SECONDS, self._look)
        if len(self.connections) > CONNECTIONS_MAX:
            idle = [each for each in self._others() if each._idle_since is not None]
            longest = min(idle, key=lambda each: each._idle_since or 0.0, default=self)
            longest._drop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave."""
        if self._watch is not None:
            self._watch.cancel()
        super().connection_lost(exc)

    def on_headers_complete(self) -> None:
        """A request is in hand: its body has a time limit of its own."""
        self._idle_since = None
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """The answer is written, as far as this process is concerned."""
        if not self.pipeline:
            self._idle_since = self.loop.time()
        self._unread = 0  # what is unread from here on is of another answer
        super().on_response_complete()

    def pause_writing(self) -> None:
        """The client reads slower than it asks: all such answers together are bounded."""
        super().pause_writing()
        held = {each: each._unsent() for each in (*self._others(), self)}
        if sum(held.values()) > UNREAD_SIZE_MAX:
            max(held, key=lambda each: held[each])._drop()

    def _others(self) -> list[DoorProtocol]:
        return [x for x in self.connections if isinstance(x, DoorProtocol) and x is not self]

    def _unsent(self) -> int:
        return 0 if self.transport.is_closing() else self.transport.get_write_buffer_size()

    def _drop(self) -> None:
        self.connections.discard(self)
        self.transport.abort()

    def _look(self) -> None:
        unread, now = self.transport.get_write_buffer_size(), self.loop.time()
        if unread:
            stuck = self._unread and unread > self._unread - MOVED_SIZE_MIN
        else:
            stuck = self._idle_since is not None and now - self._idle_since >= WATCH_SECONDS
        if stuck:
            self._drop()
            return
        self._unread = unread
        self._watch = self.loop.call_later(WATCH_SECONDS, self._look)
