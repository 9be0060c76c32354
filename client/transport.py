"""The carriers of requests: over httpx, sync and async, and over a function (tests, embedding).

What it is not: it does not retry, choose members or understand answers (`session`, `protocol`).

Invariants: a response larger than RESPONSE_SIZE_MAX is never held in memory, and no exchange lasts
longer than EXCHANGE_S_MAX, however little at a time a member sends. Redirects are not followed and
the environment's proxies are not used: the address given is the address asked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any

import httpcore
import httpx

from client.exchange import Request, Response
from client.faults import Unreachable
from client.limits import (
    ANSWER_TIMEOUT_S,
    CONNECT_TIMEOUT_S,
    EXCHANGE_S_MAX,
    RESPONSE_SIZE_MAX,
)

__all__ = ["AsyncHttpTransport", "FunctionTransport", "HttpTransport"]


KEEPALIVE_S = 5.0  # as httpx has it


def _timeout() -> httpx.Timeout:
    return httpx.Timeout(ANSWER_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)


def _kind(headers: httpx.Headers) -> str:
    kind: str = headers.get("content-type", "")
    return kind.partition(";")[0].strip().lower()


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


class _Body:
    """Collects a streamed body up to the limit."""

    __slots__ = ("chunks", "size", "url")

    def __init__(self, url: str) -> None:
        self.url = url
        self.chunks: list[bytes] = []
        self.size = 0

    def add(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self.size > RESPONSE_SIZE_MAX:
            raise Unreachable(self.url, f"the answer is larger than {RESPONSE_SIZE_MAX} bytes")
        self.chunks.append(chunk)


class _Deadline:
    """When the exchange under way must be over, on the monotonic clock."""

    __slots__ = ("_at",)

    def __init__(self) -> None:
        self._at = 0.0

    def begin(self) -> None:
        self._at = time.monotonic() + EXCHANGE_S_MAX

    def within(self, timeout: float | None) -> float:
        """Return how long one step may wait. Raises: httpcore.ReadTimeout when time is up."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout(f"the answer took longer than {EXCHANGE_S_MAX:g} s")
        return left if timeout is None else min(timeout, left)


class _Stream(httpcore.NetworkStream):
    """A connection whose every wait ends at the deadline: httpx bounds each wait, not their sum."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.within(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.within(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._deadline.within(timeout)
        stream = self._stream.start_tls(ssl_context, server_hostname, left)
        return _Stream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Network(httpcore.SyncBackend):
    """Opens connections that keep the deadline."""

    def __init__(self, deadline: _Deadline) -> None:
        super().__init__()
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        stream = super().connect_tcp(host, port, timeout, local_address, socket_options)
        return _Stream(stream, self._deadline)


class _Carrier(httpx.HTTPTransport):
    """httpx over connections that keep the deadline; httpx has no other place to put them."""

    def __init__(self, deadline: _Deadline) -> None:
        super().__init__(trust_env=False)
        self._pool = httpcore.ConnectionPool(
            keepalive_expiry=KEEPALIVE_S, network_backend=_Network(deadline)
        )


class HttpTransport:
    """HTTP/1.1 over httpx with kept-alive connections. Close it, or use it in a `with`."""

    def __init__(self) -> None:
        self._deadline = _Deadline()
        self._http = httpx.Client(
            timeout=_timeout(), trust_env=False, transport=_Carrier(self._deadline)
        )

    def send(self, url: str, request: Request) -> Response:
        """Send to the member at `url`. Raises: Unreachable."""
        body = _Body(url)
        self._deadline.begin()
        try:
            with self._http.stream(
                request.method,
                url + request.path,
                headers=dict(request.headers),
                content=request.body or None,
            ) as answer:
                for chunk in answer.iter_bytes():
                    body.add(chunk)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unreachable(url, _reason(error)) from None
        return Response(answer.status_code, _kind(answer.headers), b"".join(body.chunks))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> HttpTransport:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncHttpTransport:
    """The same over httpx.AsyncClient. Close it, or use it in an `async with`."""

    def __init__(self) -> None:
        self._http = httpx.AsyncClient(timeout=_timeout(), trust_env=False)

    async def send(self, url: str, request: Request) -> Response:
        """Send to the member at `url`. Raises: Unreachable."""
        body = _Body(url)
        try:
            async with (
                asyncio.timeout(EXCHANGE_S_MAX),
                self._http.stream(
                    request.method,
                    url + request.path,
                    headers=dict(request.headers),
                    content=request.body or None,
                ) as answer,
            ):
                async for chunk in answer.aiter_bytes():
                    body.add(chunk)
        except TimeoutError:
            reason = f"the answer took longer than {EXCHANGE_S_MAX:g} s"
            raise Unreachable(url, reason) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unreachable(url, _reason(error)) from None
        return Response(answer.status_code, _kind(answer.headers), b"".join(body.chunks))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> AsyncHttpTransport:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class FunctionTransport:
    """A transport that calls a function: a member in the same process, real or made up."""

    def __init__(self, answer: Callable[[str, Request], Response]) -> None:
        self._answer = answer

    def send(self, url: str, request: Request) -> Response:
        """Call the function; what it raises as Unreachable is a member that cannot be reached."""
        return self._answer(url, request)
