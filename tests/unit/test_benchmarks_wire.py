"""The benchmark's lean connection: kept while it can be, else opened anew, never hung."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from benchmarks import etcd
from benchmarks.consortium import stored_bytes
from benchmarks.machine import disk_bytes
from benchmarks.wire import Wire
from node.store import open_store


class Server:
    """Answers each request with its number on the connection, and hangs up after `keep` of them."""

    def __init__(self, keep: int, answer: bytes | None = None) -> None:
        self.keep = keep
        self.answer = answer
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        for number in range(self.keep):
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            body = await reader.readexactly(length)
            said = b"%d:" % number + body
            answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(said) + said
            writer.write(self.answer or answer)
            await writer.drain()
        writer.close()

    async def start(self) -> tuple[asyncio.Server, str]:
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        return server, f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_one_connection_carries_many_requests() -> None:
    talk = Server(keep=3)
    server, address = await talk.start()
    async with server:
        wire = Wire(address)
        said = [await wire.ask("POST", "/x", body) for body in (b"a", b"b", b"c")]
        wire.close()
    assert said == [(200, b"0:a"), (200, b"1:b"), (200, b"2:c")]
    assert talk.connections == 1


async def test_a_connection_that_the_server_closed_is_opened_anew() -> None:
    talk = Server(keep=1)
    server, address = await talk.start()
    async with server:
        wire = Wire(address)
        said = []
        for body in (b"a", b"b"):
            said.append(await wire.ask("POST", "/x", body))
            while wire.is_open:  # noqa: ASYNC110  the loop itself must turn until the end is seen
                await asyncio.sleep(0)
    assert said == [(200, b"0:a"), (200, b"0:b")]
    assert talk.connections == 2


async def test_an_answer_in_chunks_is_put_together() -> None:
    chunked = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )
    talk = Server(keep=1, answer=chunked)
    server, address = await talk.start()
    async with server:
        wire = Wire(address)
        assert await wire.ask("POST", "/x") == (200, b"abcde")
        wire.close()


async def test_a_server_that_hangs_up_before_it_answers_ends_the_wait() -> None:
    talk = Server(keep=0)
    server, address = await talk.start()
    async with server:
        with pytest.raises(ConnectionError):
            await Wire(address).ask("GET", "/x")


def test_the_stored_bytes_are_told_by_what_they_are(tmp_path: Path) -> None:
    store = open_store(tmp_path / "data")
    store.write({b"b1": b"12345678", b"h1": b"12", b"l1": b"123", b"zz": b"1"}, sync=True)
    store.close()
    sizes = stored_bytes(tmp_path / "data")
    assert sizes["blocks"] == 2 + 8 + 2 + 2
    assert sizes["entity logs"] == 2 + 3
    assert sizes["ballots, certificates"] == 2 + 1
    assert sizes["past records"] == sizes["state"] == 0


def test_the_disk_is_read_through_all_folders(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(bytes(100_000))
    assert disk_bytes(tmp_path) >= 100_000


def test_where_etcd_is_not_installed_it_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert etcd.installed() is None
