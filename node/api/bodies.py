"""The bodies of requests: bounded each, bounded together, and not for ever in coming.

A body is announced for nothing and may trickle: it is given some seconds, and more only as bytes
arrive. All bodies that are being read share one bound.
"""

from __future__ import annotations

import asyncio
from typing import Final

from fastapi import Request

from ledger.errors import ClientFault

__all__ = ["Bodies"]

BODIES_SIZE_MAX: Final = 128 * 1024 * 1024  # bytes of all bodies being read: 16 of the largest
GRACE_SECONDS: Final = 10.0  # for a body of any size
BYTES_PER_SECOND_MIN: Final = 64 * 1024  # beyond that: 0.5 Mbit/s, a slow mobile link


class Bodies:
    """Reads bodies; one for each member's door."""

    def __init__(self) -> None:
        self._total = 0
        self._count = 0

    async def read(self, request: Request, limit: int) -> bytes:
        """Return the whole body.

        Raises: ClientFault "too-large", "too-many-waiting", "malformed" (too slow).
        """
        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and int(announced[:20]) > limit:
            raise ClientFault("too-large", limit=limit)
        parts: list[bytes] = []
        size, begun = 0, asyncio.get_running_loop().time()
        self._count += 1
        try:
            async with asyncio.timeout_at(begun + GRACE_SECONDS) as deadline:
                async for part in request.stream():
                    size += len(part)
                    self._total += len(part)
                    if size > limit:
                        raise ClientFault("too-large", limit=limit)
                    if self._total > BODIES_SIZE_MAX:
                        raise ClientFault("too-many-waiting", limit=self._count)
                    parts.append(part)
                    deadline.reschedule(begun + GRACE_SECONDS + size / BYTES_PER_SECOND_MIN)
        except TimeoutError:
            rule = f"must arrive at {BYTES_PER_SECOND_MIN} bytes a second"
            raise ClientFault("malformed", field="body", rule=rule) from None
        finally:
            self._count -= 1
            self._total -= size
        return b"".join(parts)
