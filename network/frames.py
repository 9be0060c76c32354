"""Frames on a stream of bytes: a length, a kind, a payload. Sans-IO: bytes in, frames out.

    u32 big-endian length of the payload | u8 kind | payload

What it is not: it knows no socket, no peer and no meaning of a payload. Invariants: what comes out
depends on the bytes and not on how they were cut into pieces; a length is judged when its five
bytes are there, before anything is kept for it; no more is held than one frame and the last piece;
after the first fault nothing comes out any more.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from ledger.errors import Malformed

__all__ = [
    "DATA",
    "HEADER_SIZE",
    "PING",
    "PING_BYTES",
    "PONG",
    "PONG_BYTES",
    "FrameParser",
    "header",
]

DATA: Final = 1  # carries one frame of the layer above
PING: Final = 2  # asks for a pong: is anybody there
PONG: Final = 3  # answers a ping, and, sent first, says "your certificate is accepted"

_HEADER: Final = Struct(">IB")
HEADER_SIZE: Final = _HEADER.size

PING_BYTES: Final = _HEADER.pack(0, PING)
PONG_BYTES: Final = _HEADER.pack(0, PONG)


def header(length: int) -> bytes:
    """The five bytes before a DATA payload of `length` bytes."""
    return _HEADER.pack(length, DATA)


class FrameParser:
    """Cuts one connection's bytes into frames."""

    __slots__ = ("_held", "_size_max", "fault")

    def __init__(self, size_max: int) -> None:
        """`size_max`: bytes of the largest payload taken."""
        self._size_max = size_max
        self._held = bytearray()
        self.fault: Malformed | None = None
        """Why the stream is broken, once it is."""

    @property
    def held(self) -> int:
        """Bytes of the frame that is not yet whole."""
        return len(self._held)

    def receive(self, data: bytes) -> list[tuple[int, bytes]]:
        """The frames, as (kind, payload), that `data` completes. Look at `fault` afterwards."""
        if self.fault is not None:
            return []
        if not self._held:
            frames, used, fault = self._cut(data)
            if used < len(data):
                self._held += data[used:]
        else:
            self._held += data
            frames, used, fault = self._cut(self._held)
            if used:
                del self._held[:used]
        if fault is not None:
            self.fault = fault
            self._held = bytearray()
        return frames

    def _cut(
        self, data: bytes | bytearray
    ) -> tuple[list[tuple[int, bytes]], int, Malformed | None]:
        fault: Malformed | None = None
        frames: list[tuple[int, bytes]] = []
        at, end = 0, len(data)
        with memoryview(data) as view:
            while end - at >= HEADER_SIZE:
                length, kind = _HEADER.unpack_from(data, at)
                fault = self._judged(length, kind)
                stop = at + HEADER_SIZE + length
                if fault is not None or stop > end:
                    break
                frames.append((kind, bytes(view[at + HEADER_SIZE : stop])))
                at = stop
        return frames, at, fault

    def _judged(self, length: int, kind: int) -> Malformed | None:
        if kind == DATA:
            if not 0 < length <= self._size_max:
                return Malformed("frame length", f"{length} is not within 1 to {self._size_max}")
        elif kind not in (PING, PONG):
            return Malformed("frame kind", f"{kind} is not known")
        elif length:
            return Malformed("frame length", f"a ping or pong of {length} bytes is not empty")
        return None
