"""A lean HTTP/1.1 connection that is kept alive: what the load is sent through.

What it is: one asyncio protocol over httptools, one request at a time, about 30 µs each.
What it is not: the SDK's transport. httpx costs some 500 µs a request; an etcd put is one request,
and the client would be what is measured. The same connection serves both sides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import httptools

__all__ = ["Wire"]

ANSWER_SECONDS: Final = 120.0  # above what any node waits; a hang must end the run, not stop it


class Connection(asyncio.Protocol):
    """One connection to one server; `ask` one request after another."""

    def __init__(self) -> None:
        self._transport: Any = None
        self._parser: Any = None
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._parts: list[bytes] = []

    async def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Send a request and return (status, body). Raises: ConnectionError, TimeoutError."""
        if self._answer is not None:
            raise ConnectionError("a request is under way")
        self._answer = asyncio.get_running_loop().create_future()
        self._parser = httptools.HttpResponseParser(self)
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self._transport.write("\r\n".join((*lines, "", "")).encode() + body)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._answer
        finally:
            self._answer = None

    @property
    def is_open(self) -> bool:
        """Whether neither side has closed: a server closes what was idle for some seconds."""
        return self._transport is not None and not self._transport.is_closing()

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    # asyncio.Protocol.

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError("the server closed the connection"))

    # httptools.

    def on_message_begin(self) -> None:
        self._parts = []

    def on_body(self, part: bytes) -> None:
        self._parts.append(part)

    def on_message_complete(self) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((self._parser.get_status_code(), b"".join(self._parts)))


class Wire:
    """The way to one server, "host:port": a connection that is opened anew when it was closed."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._connection: Connection | None = None

    async def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Send a request and return (status, body). Raises: OSError, TimeoutError."""
        connection = self._connection
        if connection is None or not self.is_open:
            host, _, port = self.address.rpartition(":")
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(Connection, host, int(port))
            self._connection = connection
        return await connection.ask(method, path, body, headers)

    @property
    def is_open(self) -> bool:
        """Whether the next request goes through the connection of the last one."""
        return self._connection is not None and self._connection.is_open

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
