"""Members with real sockets for stories about the network: certificates, raw speakers, an ear for
logs.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
import socket
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID

from network import Limits, Links, new_certificate
from network.frames import HEADER_SIZE, PONG_BYTES
from network.tls import contexts

Play = Callable[[Coroutine[Any, Any, None]], None]
QUIET = Limits(complaint_seconds=0.0)


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def play(request: pytest.FixtureRequest) -> Play:
    """Plays a story on one of the two event loops; a story that hangs fails."""

    def played(story: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(asyncio.wait_for(story, 20))

    return played


@dataclass
class Member:
    """A name, a certificate and a port; `links` joins the others, `raw` speaks bytes of its own."""

    name: str
    identity: tuple[bytes, bytes]
    listening: socket.socket | None
    port: int
    frames: asyncio.Queue[tuple[str, bytes]] = field(default_factory=asyncio.Queue)
    states: asyncio.Queue[tuple[str, bool]] = field(default_factory=asyncio.Queue)

    @property
    def certificate(self) -> bytes:
        return self.identity[0]

    def links(
        self,
        *others: Member,
        limits: Limits = QUIET,
        on_frame: Callable[[str, bytes], None] | None = None,
    ) -> Links:
        peers = {other.name: ("127.0.0.1", other.port, other.certificate) for other in others}
        listening, self.listening = self.listening, None
        return Links(
            self.name,
            *self.identity,
            peers,
            listening or ("127.0.0.1", self.port),
            on_frame or (lambda peer, frame: self.frames.put_nowait((peer, frame))),
            lambda peer, up: self.states.put_nowait((peer, up)),
            limits=limits,
        )

    async def raw(self, to: Member) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection with this member's certificate, and the first pong read."""
        _, dialling = contexts(*self.identity, {to.name: to.certificate})
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", to.port, ssl=dialling[to.name], server_hostname=""
        )
        assert await reader.readexactly(HEADER_SIZE) == PONG_BYTES
        return reader, writer


@pytest.fixture
def meet() -> Iterator[Callable[..., list[Member]]]:
    made: list[Member] = []

    def met(*names: str, identity: tuple[bytes, bytes] | None = None) -> list[Member]:
        members = []
        for name in names:
            listening = socket.create_server(("127.0.0.1", 0))
            port = listening.getsockname()[1]
            members.append(Member(name, identity or new_certificate(name), listening, port))
        made.extend(members)
        return members

    yield met
    for member in made:
        if member.listening is not None:
            member.listening.close()


Meet = Callable[..., list[Member]]


class Ear(logging.Handler):
    """Hears the network's log lines, and lets a story wait for one."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: asyncio.Queue[str] = asyncio.Queue()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.put_nowait(record.getMessage())

    async def hears(self, *words: str) -> str:
        while True:
            line = await self.lines.get()
            if all(word in line for word in words):
                return line


@pytest.fixture
def ear() -> Iterator[Ear]:
    handler = Ear()
    logging.getLogger("network").addHandler(handler)
    yield handler
    logging.getLogger("network").removeHandler(handler)


async def ended(reader: asyncio.StreamReader) -> None:
    """Reads until the other side has ended the connection, rudely or not."""
    try:
        while await reader.read(65536):
            pass
    except OSError:
        pass


async def gone(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def certificate(
    name: str, first_year: int, last_year: int, issuer: Ed25519PrivateKey | None = None
) -> tuple[bytes, bytes]:
    """A certificate with a span of its own, signed by `issuer` or by itself."""
    key = Ed25519PrivateKey.generate()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = x509.CertificateBuilder(
        subject,
        subject,
        key.public_key(),
        x509.random_serial_number(),
        dt.datetime(first_year, 1, 1, tzinfo=dt.UTC),
        dt.datetime(last_year, 1, 1, tzinfo=dt.UTC),
    ).sign(issuer or key, None)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return made.public_bytes(serialization.Encoding.DER), pem
