"""The seam over real HTTP: what travels, what cannot be reached, what is too large."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

import pytest

import client.transport
from client.exchange import Request, Response
from client.faults import Unreachable
from client.transport import AsyncHttpTransport, HttpTransport
from node.ports import free_ports
from tests.client_member import PretendMember
from tests.client_server import served


@pytest.fixture
def closed_port() -> str:
    (port,) = free_ports(1)
    return f"http://127.0.0.1:{port}"


def test_method_path_headers_and_body_arrive_and_the_answer_returns() -> None:
    member = PretendMember()
    tea = Response(418, "text/plain", b"\x00tea")
    member.change = lambda request, response: tea
    with served(member) as url, HttpTransport() as transport:
        request = Request("POST", "/v1/health?pin=3", (("Accept-Language", "zh"),), b'{"a":1}')
        response = transport.send(url, request)
    assert response == tea
    (seen,) = member.requests
    assert (seen.method, seen.path, seen.body) == ("POST", "/v1/health?pin=3", b'{"a":1}')
    assert dict(seen.headers)["Accept-Language"] == "zh"


def test_an_address_where_nobody_listens_is_unreachable(closed_port: str) -> None:
    with HttpTransport() as transport, pytest.raises(Unreachable) as caught:
        transport.send(closed_port, Request("GET", "/v1/health"))
    assert caught.value.url == closed_port


def test_an_answer_beyond_the_limit_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client.transport, "RESPONSE_SIZE_MAX", 1_000)
    member = PretendMember()
    member.change = lambda request, response: Response(200, "application/json", bytes(1_001))
    with served(member) as url, HttpTransport() as transport:
        with pytest.raises(Unreachable, match="larger than 1000"):
            transport.send(url, Request("GET", "/v1/health"))
        member.change = lambda request, response: Response(200, "application/json", bytes(1_000))
        assert len(transport.send(url, Request("GET", "/v1/health")).body) == 1_000


@contextmanager
def trickling(head: bytes) -> Iterator[str]:
    """A server that sends `head`, then one byte as often as it is let, and never ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stop = Event()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.sendall(head)
                while not stop.wait(0.02):
                    connection.sendall(b"x")

        thread = Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stop.set()
            thread.join()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000000\r\n"


@pytest.mark.parametrize("head", [HEAD + b"\r\n", HEAD + b"X-Long: "], ids=["body", "headers"])
async def test_an_answer_that_trickles_ends_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch, head: bytes
) -> None:
    """Every byte comes in time; only their sum does not."""
    monkeypatch.setattr(client.transport, "EXCHANGE_S_MAX", 0.3)
    over = pytest.raises(Unreachable, match=r"longer than 0\.3 s|timed out")
    with trickling(head) as url, HttpTransport() as transport, over:
        transport.send(url, Request("GET", "/v1/health"))
    over = pytest.raises(Unreachable, match=r"longer than 0\.3 s")
    async with AsyncHttpTransport() as carrier:
        with trickling(head) as url, over:
            await carrier.send(url, Request("GET", "/v1/health"))


async def test_the_asynchronous_transport_does_the_same(closed_port: str) -> None:
    member = PretendMember()
    async with AsyncHttpTransport() as transport:
        with served(member) as url:
            response = await transport.send(url, Request("GET", "/v1/genesis"))
        assert response == Response(200, "application/json", member.genesis.to_json())
        with pytest.raises(Unreachable):
            await transport.send(closed_port, Request("GET", "/v1/genesis"))
