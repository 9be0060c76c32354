"""What passes through the seam between the client and the network: requests, responses, and who
carries them.

Here are values and Protocols alone; the carriers are in `transport`. So what only reads answers
(the verifier, the tests) loads no HTTP library.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

__all__ = ["AsyncTransport", "Request", "Response", "Transport"]


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a member: method, path with query beginning with /, headers, body."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """What a member answered; `kind` is the media type without parameters."""

    status: int
    kind: str = ""
    body: bytes = field(default=b"", repr=False)


class Transport(Protocol):
    """Whatever can carry a request to a member."""

    def send(self, url: str, request: Request) -> Response:
        """Send to the member at `url` ("http://host:port"). Raises: Unreachable."""
        ...


class AsyncTransport(Protocol):
    """The same for coroutines."""

    async def send(self, url: str, request: Request) -> Response:
        """Send to the member at `url`. Raises: Unreachable."""
        ...
