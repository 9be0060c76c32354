"""A pretend member behind a real HTTP server on a free port of this machine: for the transport and
the commands.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

from client.exchange import Request, Response
from tests.client_member import URL, PretendMember


@contextmanager
def served(member: PretendMember) -> Iterator[str]:
    """Serve a member; gives its address "http://127.0.0.1:port"."""
    lock = Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            size = int(self.headers.get("Content-Length", 0))
            headers = tuple((name, value) for name, value in self.headers.items())
            request = Request(self.command, self.path, headers, self.rfile.read(size))
            with lock:
                response: Response = member.answer(URL, request)
            self.send_response(response.status)
            self.send_header("Content-Type", response.kind + "; charset=utf-8")
            self.send_header("Content-Length", str(len(response.body)))
            self.end_headers()
            self.wfile.write(response.body)

        do_GET = _answer  # noqa: N815  (names of the standard library)
        do_POST = _answer  # noqa: N815  (as above)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class names it so)
            """Say nothing on the test's output."""

        def setup(self) -> None:
            super().setup()
            connections.append(self.connection)

    connections: list[socket.socket] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    # Waited for at the end: a connection left to the collector would warn in another test.
    server.daemon_threads = False
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        server.server_close()
