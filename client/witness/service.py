"""The witness behind HTTP: three addresses in plain ASGI.

    POST /add-checkpoint                     tlog-witness
    GET  /<sha256hex(origin)>/checkpoint     the newest note cosigned, for monitors
    GET  /                                   the witness's verifier key and the origins it follows

A request is judged from first to last without a pause in between, so two never interleave.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Awaitable, Callable, Coroutine, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import uvicorn

from client.witness.judge import Answer, Witness
from client.witness.protocol import REQUEST_SIZE_MAX, TEXT_TYPE, monitoring_path
from ledger.errors import SuyuanError

__all__ = ["application", "serve"]

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]


def application(witness: Witness) -> Application:
    """Return the ASGI application of a witness."""
    shown = {monitoring_path(origin): origin for origin in witness.origins}

    def read(path: str) -> Answer:
        if path == "/":
            lines = [witness.key.text(), *(f"log {origin}" for origin in witness.origins)]
            return Answer(200, TEXT_TYPE, ("\n".join(lines) + "\n").encode())
        note = witness.newest(shown[path]) if path in shown else None
        return Answer(404) if note is None else Answer(200, TEXT_TYPE, note.encode())

    async def answer(scope: Scope, receive: Receive) -> Answer:
        method, path = scope["method"], scope["path"]
        try:
            if path == "/add-checkpoint":
                if method != "POST":
                    return Answer(405)
                body = await _body(receive)
                return Answer(413) if body is None else witness.add_checkpoint(body)
            return read(path) if method in ("GET", "HEAD") else Answer(405)
        except SuyuanError:
            # A damaged or unwritable memory: the witness says nothing rather than forget.
            log.critical("this witness cannot cosign", exc_info=True)
            return Answer(500)

    async def serve_one(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        given = await answer(scope, receive)
        headers = [
            (b"content-type", given.kind.encode()),
            (b"content-length", str(len(given.body)).encode()),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": given.status, "headers": headers})
        body = b"" if scope["method"] == "HEAD" else given.body
        await send({"type": "http.response.body", "body": body})

    return serve_one


async def _body(receive: Receive) -> bytes | None:
    """Return the body, or None as soon as it is larger than the limit."""
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b""
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > REQUEST_SIZE_MAX:
            return None
        parts.append(part)
        more = message.get("more_body", False)
    return b"".join(parts)


class _Server(uvicorn.Server):
    """Uvicorn that ends as a command ends: told to stop, it stops, and the folder is let go."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Let SIGTERM and SIGINT end the serving (uvicorn's own would then kill the process)."""
        before = {
            number: signal.signal(number, self.handle_exit)
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def serve(witness: Witness, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    _Server(
        uvicorn.Config(
            application(witness),
            host=host,
            port=port,
            lifespan="off",
            log_config=None,
            access_log=False,
        )
    ).run()
