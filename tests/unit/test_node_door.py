"""The HTTP door under connections that do nothing, take nothing, or come to no end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvicorn
from fastapi import Request

import node.api.bodies as bodies_module
import node.door as door_module
from ledger.errors import ClientFault
from node.api.bodies import Bodies
from node.door import DoorProtocol
from tests.node_member import serving
from tests.node_world import seen

GET = b"GET /v1/health HTTP/1.1\r\nhost: member\r\n\r\n"


@dataclass
class Door:
    """A served app on a port, and the clients that speak to it."""

    port: int
    server: uvicorn.Server
    clients: list[asyncio.StreamWriter] = field(default_factory=list)

    async def open(self, said: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.clients.append(writer)
        writer.write(said)
        return reader, writer

    async def status(self) -> bytes:
        """Ask on a new connection; the first line of the answer."""
        reader, _ = await self.open(GET)
        return await asyncio.wait_for(reader.readline(), 20)


@asynccontextmanager
async def opened(app: Callable[..., object]) -> AsyncIterator[Door]:
    config = uvicorn.Config(
        app, http=DoorProtocol, ws="none", lifespan="off", log_config=None, port=0,
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    port = server.servers[0].sockets[0].getsockname()[1]
    door = Door(port, server)
    try:
        yield door
    finally:
        for writer in door.clients:
            writer.transport.abort()
        await server.shutdown()


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with serving(tmp_path / "c") as member:
        app = member.http._transport.app  # type: ignore[attr-defined]
        async with opened(app) as made:
            yield made


async def test_hundreds_of_idle_connections_keep_nobody_out(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door_module, "CONNECTIONS_MAX", 100)
    first, _ = await door.open()
    for _ in range(300):
        await door.open(b"GET /v1/hea")
    assert await door.status() == b"HTTP/1.1 200 OK\r\n"
    assert len(door.server.server_state.connections) <= 100
    assert await asyncio.wait_for(first.read(), 20) == b"", "who did nothing for longest made room"


async def test_a_connection_without_a_request_is_closed_and_one_that_asks_is_not(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door_module, "WATCH_SECONDS", 0.05)
    reader, _ = await door.open(b"GET /v1/hea")
    assert await asyncio.wait_for(reader.read(), 20) == b""
    assert await door.status() == b"HTTP/1.1 200 OK\r\n"


async def large(scope: object, receive: object, send: Callable[..., object]) -> None:
    """An app whose answers are of 32 MiB."""
    await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[misc]
    await send({"type": "http.response.body", "body": bytes(32 * 1024 * 1024)})  # type: ignore[misc]


async def test_an_answer_that_nobody_reads_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_module, "WATCH_SECONDS", 0.1)
    async with opened(large) as door:
        _, writer = await door.open()
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(GET)
        state = door.server.server_state
        await seen(lambda: state.connections)
        await seen(lambda: not state.connections)


async def test_answers_that_nobody_reads_are_bounded_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(door_module, "UNREAD_SIZE_MAX", 80 * 1024 * 1024)
    monkeypatch.setattr(door_module, "WATCH_SECONDS", 1_000.0)
    async with opened(large) as door:
        for _ in range(6):
            _, writer = await door.open()
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            writer.write(GET)
        state = door.server.server_state

        def held() -> int:
            return sum(each._unsent() for each in state.connections)  # type: ignore[union-attr]

        await seen(lambda: len(state.connections) == 6 or held() > 32 * 1024 * 1024)
        await seen(lambda: len(state.connections) <= 3)
        assert held() <= 80 * 1024 * 1024


async def test_a_body_that_trickles_is_refused_in_time(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies_module, "GRACE_SECONDS", 0.05)
    head = b"POST /v1/transactions HTTP/1.1\r\nhost: m\r\ncontent-type: application/msgpack\r\n"
    reader, _ = await door.open(head + b"content-length: 1000\r\n\r\nx")
    assert await asyncio.wait_for(reader.readline(), 20) == b"HTTP/1.1 400 Bad Request\r\n"
    assert b"bytes a second" in await asyncio.wait_for(reader.readuntil(b"}}"), 20)


def request(*parts: bytes, announced: int | None = None) -> Request:
    waiting = list(parts)

    async def receive() -> dict[str, object]:
        await asyncio.sleep(0)
        part = waiting.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(waiting)}

    headers = [] if announced is None else [(b"content-length", str(announced).encode())]
    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


async def test_all_bodies_being_read_are_bounded_together_and_give_their_share_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bodies_module, "BODIES_SIZE_MAX", 9)
    bodies = Bodies()
    results = await asyncio.gather(
        bodies.read(request(b"1234", b"56"), 100),
        bodies.read(request(b"1234", b"56"), 100),
        return_exceptions=True,
    )
    codes = [each.code if isinstance(each, ClientFault) else each for each in results]
    assert sorted(codes, key=str) == [b"123456", "too-many-waiting"]
    assert await bodies.read(request(b"123456789"), 100) == b"123456789"


async def test_a_body_announced_too_large_is_refused_before_it_is_read() -> None:
    with pytest.raises(ClientFault, match="too-large"):
        await Bodies().read(request(announced=101), 100)
