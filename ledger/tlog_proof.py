"""C2SP `.tlog-proof` files: one leaf of the chain log, its path and a signed checkpoint, in text.

For tools that others wrote. It proves that a block's header is in the chain log and nothing about
completeness: that is a bundle's work (`ledger.bundle`). The `extra` line is unauthenticated by
definition, so it is written for people's convenience and skipped on reading: no value of this
module gives it back, and no verdict can rest on it.

Source: C2SP tlog-proof; formats.md 6.5.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ledger.canonical_json import from_base64, to_base64
from ledger.checkpoint import Checkpoint
from ledger.errors import Malformed
from ledger.keys import Verify, verify
from ledger.limits import INTEGER_MAX, MERKLE_PATH_MAX, NOTE_SIZE_MAX
from ledger.merkle_log import verify_inclusion
from ledger.notes import parse_note
from ledger.tlog_policy import Policy

__all__ = ["TlogProof", "encode_tlog_proof", "parse_tlog_proof", "verify_tlog_proof"]

HEADER: Final = "c2sp.org/tlog-proof@v1"
EXTRA_SIZE_MAX: Final = 32 * 1024  # bytes; a line above 64 KiB is an error to other readers
PROOF_SIZE_MAX: Final = NOTE_SIZE_MAX + 2 * EXTRA_SIZE_MAX + MERKLE_PATH_MAX * 45 + 128
_INDEX: Final = re.compile(r"index (0|[1-9][0-9]{0,15})\Z")


@dataclass(frozen=True, slots=True)
class TlogProof:
    """What a reader keeps of a file: the leaf's index, its path and the note, unverified."""

    index: int
    path: tuple[bytes, ...]
    note: str


def encode_tlog_proof(
    index: int, path: Sequence[bytes], note: str, extra: bytes | None = None
) -> str:
    """Return the file's text. Raises: Malformed when `extra` is above EXTRA_SIZE_MAX bytes."""
    if extra is not None and len(extra) > EXTRA_SIZE_MAX:
        raise Malformed("extra", f"is larger than {EXTRA_SIZE_MAX} bytes")
    lines = [HEADER]
    if extra is not None:
        lines.append(f"extra {to_base64(extra)}")
    lines.append(f"index {index}")
    lines.extend(to_base64(node) for node in path)
    return "\n".join(lines) + "\n\n" + note


def parse_tlog_proof(text: str) -> TlogProof:
    """Read a file; the `extra` line is checked for its form and dropped. Raises: Malformed."""
    if len(text) > PROOF_SIZE_MAX:
        raise Malformed("tlog-proof", f"is larger than {PROOF_SIZE_MAX} characters")
    head, separator, note = text.partition("\n\n")
    lines = head.split("\n")
    if not separator or lines[0] != HEADER:
        raise Malformed("tlog-proof", f"must begin with {HEADER}")
    at = 1
    if len(lines) > 1 and lines[1].startswith("extra "):
        from_base64(lines[1].removeprefix("extra "), "tlog-proof.extra")
        at = 2
    match = _INDEX.match(lines[at]) if len(lines) > at else None
    if match is None or int(match[1]) > INTEGER_MAX:
        raise Malformed("tlog-proof.index", "must be a line `index NUMBER`")
    nodes = lines[at + 1 :]
    if len(nodes) > MERKLE_PATH_MAX:
        raise Malformed("tlog-proof.path", f"has more than {MERKLE_PATH_MAX} hashes")
    path = tuple(from_base64(node, "tlog-proof.path") for node in nodes)
    if any(len(node) != 32 for node in path):
        raise Malformed("tlog-proof.path", "must be hashes of 32 bytes")
    return TlogProof(int(match[1]), path, note)


def verify_tlog_proof(
    text: str, leaf: bytes, policy: Policy, verify: Verify = verify
) -> tuple[int, Checkpoint]:
    """Return the index and checkpoint under which the leaf hash stands, by this policy.

    The leaf hash comes from the application, never from the file.
    Raises: Malformed, naming what is wrong.
    """
    proof = parse_tlog_proof(text)
    checkpoint = policy.check(parse_note(proof.note), verify)
    if not verify_inclusion(leaf, proof.index, checkpoint.size, proof.path, checkpoint.root):
        raise Malformed("tlog-proof.path", "does not lead from the leaf to the checkpoint's root")
    return proof.index, checkpoint
