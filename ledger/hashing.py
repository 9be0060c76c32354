"""SHA-256 with domain tags, so that no hash of one kind of thing is ever the hash of another.

A tagged hash is SHA-256("suyuan/<kind>/v1" ‖ 0x00 ‖ data). Logs use RFC 6962's prefixes instead
(`merkle_log`), the state tree its own two (`state_tree`). Source: DESIGN section 4.
"""

from __future__ import annotations

from hashlib import sha256 as _sha256
from typing import Final

__all__ = ["EMPTY_DIGEST", "sha256", "tag", "tagged"]

EMPTY_DIGEST: Final = bytes(32)


def sha256(data: bytes) -> bytes:
    """Return the 32 bytes of SHA-256(data)."""
    return _sha256(data).digest()


def tag(kind: str) -> bytes:
    """Return the domain tag of a kind: what signed and hashed bytes begin with."""
    return f"suyuan/{kind}/v1\0".encode()


def tagged(kind: str, data: bytes) -> bytes:
    """Return the 32-byte hash of `data` under the domain of `kind`."""
    return _sha256(tag(kind) + data).digest()
