"""The carriers of requests: over httpx, sync and async, and over a function (tests, embedding).

What it is not: it does not retry, choose members or understand answers (`session`, `protocol`).

Invariant: a response larger than RESPONSE_SIZE_MAX is never held in memory. Redirects are not
followed and the environment's proxies are not used: the address given is the address asked.
"""

from __future__ import annotations

from collections.abc import Callable

import httpx

from client.exchange import Request, Response
from client.faults import Unreachable
from client.limits import ANSWER_TIMEOUT_S, CONNECT_TIMEOUT_S, RESPONSE_SIZE_MAX

__all__ = ["AsyncHttpTransport", "FunctionTransport", "HttpTransport"]


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


class HttpTransport:
    """HTTP/1.1 over httpx with kept-alive connections. Close it, or use it in a `with`."""

    def __init__(self) -> None:
        self._http = httpx.Client(timeout=_timeout(), trust_env=False)

    def send(self, url: str, request: Request) -> Response:
        """Send to the member at `url`. Raises: Unreachable."""
        body = _Body(url)
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
            async with self._http.stream(
                request.method,
                url + request.path,
                headers=dict(request.headers),
                content=request.body or None,
            ) as answer:
                async for chunk in answer.aiter_bytes():
                    body.add(chunk)
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
