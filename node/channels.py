"""Which machine a frame between members is for: its first byte.

The network carries bytes and knows no protocol; consensus knows no network. This is the seam
between them.
"""

from __future__ import annotations

from typing import Final

__all__ = ["CATCH_UP", "CERTIFIER", "ENGINE", "frame"]

ENGINE: Final = 1
CERTIFIER: Final = 2
CATCH_UP: Final = 3


def frame(channel: int, data: bytes) -> bytes:
    """Return the frame that carries `data` to the machine of `channel`."""
    return bytes((channel,)) + data
