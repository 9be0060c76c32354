"""C2SP tlog-witness, add-checkpoint: the request and the answers as bytes, for both sides. Pure.

A request is `old SIZE`, the consistency proof in base64 lines, an empty line and the checkpoint.
Source: C2SP tlog-witness v1.0.0; formats.md 6.7.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from ledger.canonical_json import from_base64, to_base64
from ledger.errors import Malformed
from ledger.limits import INTEGER_MAX, NOTE_SIZE_MAX

__all__ = [
    "REQUEST_SIZE_MAX",
    "SIZE_TYPE",
    "TEXT_TYPE",
    "Asked",
    "decode_request",
    "decode_size",
    "encode_request",
    "monitoring_path",
]

PROOF_LINES_MAX: Final = 63  # tlog-witness: a client sends no more
REQUEST_SIZE_MAX: Final = NOTE_SIZE_MAX + (PROOF_LINES_MAX + 1) * 64  # bytes of one request
SIZE_TYPE: Final = "text/x.tlog.size"
TEXT_TYPE: Final = "text/plain; charset=utf-8"

_OLD: Final = re.compile(r"old (0|[1-9][0-9]{0,15})\Z")
_SIZE: Final = re.compile(rb"(0|[1-9][0-9]{0,15})\n\Z")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a log asks of a witness: the size it was cosigned at, the proof from it, the note."""

    old: int
    proof: tuple[bytes, ...]
    note: str


def encode_request(asked: Asked) -> bytes:
    """Return the body of add-checkpoint."""
    lines = [f"old {asked.old}", *(to_base64(node) for node in asked.proof)]
    return ("\n".join(lines) + "\n\n" + asked.note).encode()


def decode_request(body: bytes) -> Asked:
    """Read the body of add-checkpoint. Raises: Malformed."""
    if len(body) > REQUEST_SIZE_MAX:
        raise Malformed("request", f"is larger than {REQUEST_SIZE_MAX} bytes")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise Malformed("request", "is not UTF-8") from None
    head, separator, note = text.partition("\n\n")
    first, *nodes = head.split("\n")
    match = _OLD.match(first)
    if not separator or match is None or int(match[1]) > INTEGER_MAX:
        raise Malformed("request", "must begin with `old SIZE` and hold an empty line")
    return Asked(int(match[1]), _proof(nodes), note)


def _proof(nodes: Sequence[str]) -> tuple[bytes, ...]:
    if len(nodes) > PROOF_LINES_MAX:
        raise Malformed("request.proof", f"has more than {PROOF_LINES_MAX} hashes")
    proof = tuple(from_base64(node, "request.proof") for node in nodes)
    if any(len(node) != 32 for node in proof):
        raise Malformed("request.proof", "must be hashes of 32 bytes")
    return proof


def decode_size(body: bytes) -> int:
    """Read the body of a 409: the size this witness cosigned last. Raises: Malformed."""
    match = _SIZE.match(body[:32])
    if match is None or int(match[1]) > INTEGER_MAX:
        raise Malformed("answer", "must be a size and a newline")
    return int(match[1])


def monitoring_path(origin: str) -> str:
    """Return where a witness shows the newest checkpoint it cosigned for an origin."""
    return f"/{sha256(origin.encode()).hexdigest()}/checkpoint"
