"""Blame: a file that convicts the holder of a log key offline, from its own signatures. Pure.

Two ways to be convicted, both by two notes of one origin signed with one key:
- two roots for one size;
- a smaller checkpoint whose root is not that of the prefix: `prefix` is the root that the larger
  one has at the smaller size, and `proof` shows it (RFC 6962 consistency).
A failed proof alone convicts nobody, since anyone can send one with a log's honest checkpoints. So
`prefix` must be proved. Mostly the log's own consistency proof holds it; where the smaller size is
a power of two such a proof leaves it out, and the log's tiles are needed (`convict_by_tiles`).

The file: RFC 8785 JSON and a newline, {"first", "key", "kind", "prefix", "proof", "second"}.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from ledger.canonical_json import from_base64, from_hex, from_json, to_base64, to_json
from ledger.checkpoint import Checkpoint, parse_checkpoint
from ledger.errors import Malformed
from ledger.limits import MERKLE_PATH_MAX, NOTE_SIZE_MAX
from ledger.merkle_log import EMPTY_ROOT, consistency_roots, verify_consistency
from ledger.notes import VerifierKey, open_note, parse_note
from ledger.tiles import TileReader

__all__ = [
    "BLAME_SIZE_MAX",
    "Blame",
    "convict",
    "convict_by_tiles",
    "decode_blame",
    "encode_blame",
    "verify_blame",
]

BLAME_SIZE_MAX: Final = 2 * 2 * NOTE_SIZE_MAX + MERKLE_PATH_MAX * 64  # bytes of a file
KIND: Final = "suyuan/inconsistent-log/v1"
_NAMES: Final = ["first", "key", "kind", "prefix", "proof", "second"]


@dataclass(frozen=True, slots=True)
class Blame:
    """Who (key), by which two notes, and for two sizes the root the second has at the first's."""

    key: VerifierKey
    first: str
    second: str
    prefix: bytes | None
    proof: tuple[bytes, ...]


def encode_blame(blame: Blame) -> bytes:
    """Return the file."""
    value = {
        "first": blame.first,
        "key": blame.key.text(),
        "kind": KIND,
        "prefix": None if blame.prefix is None else blame.prefix.hex(),
        "proof": [to_base64(node) for node in blame.proof],
        "second": blame.second,
    }
    return to_json(value) + b"\n"


def decode_blame(data: bytes) -> Blame:
    """Read a file. Raises: Malformed. It convicts nobody before `verify_blame`."""
    if len(data) > BLAME_SIZE_MAX or not data.endswith(b"\n"):
        raise Malformed("blame", f"must be at most {BLAME_SIZE_MAX} bytes and end in a newline")
    value: Any = from_json(data[:-1], "blame")
    if not isinstance(value, dict) or sorted(value) != _NAMES or value["kind"] != KIND:
        raise Malformed("blame", f"must be a {KIND} of exactly {', '.join(_NAMES)}")
    key, first, second, proof = (value[name] for name in ("key", "first", "second", "proof"))
    if not all(isinstance(text, str) for text in (key, first, second)):
        raise Malformed("blame", "first, second and key must be texts")
    if not isinstance(proof, list) or len(proof) > MERKLE_PATH_MAX:
        raise Malformed("blame.proof", f"must be at most {MERKLE_PATH_MAX} hashes")
    nodes = tuple(from_base64(node, "blame.proof") for node in proof)
    if any(len(node) != 32 for node in nodes):
        raise Malformed("blame.proof", "must be hashes of 32 bytes")
    prefix = None if value["prefix"] is None else from_hex(value["prefix"], "blame.prefix")
    return Blame(VerifierKey.parse(key, "blame.key"), first, second, prefix, nodes)


def verify_blame(blame: Blame) -> tuple[Checkpoint, Checkpoint]:
    """Return the two checkpoints that convict the key's holder. Raises: Malformed otherwise."""
    first = _signed(blame.first, blame.key, "blame.first")
    second = _signed(blame.second, blame.key, "blame.second")
    if first.origin != second.origin:
        raise Malformed("blame", "the two notes are of different origins")
    if first.size == second.size:
        if first.root == second.root:
            raise Malformed("blame", "the two notes say the same")
        if blame.prefix is not None or blame.proof:
            raise Malformed("blame.proof", "is not needed for two roots of one size")
        return first, second
    prefix = blame.prefix
    if prefix is None or first.size > second.size:
        raise Malformed("blame", "must give the smaller note first, and the root at its size")
    if prefix == first.root:
        raise Malformed("blame.prefix", "is the root that the first note says")
    if first.size == 0:
        if prefix != EMPTY_ROOT or blame.proof:
            raise Malformed("blame.prefix", "is not the root of an empty log")
    elif not verify_consistency(first.size, second.size, prefix, second.root, blame.proof):
        raise Malformed("blame.proof", "does not show that root in the second note's log")
    return first, second


def _signed(note: str, key: VerifierKey, field: str) -> Checkpoint:
    parsed = parse_note(note, field)
    open_note(parsed, [key], field)
    return parse_checkpoint(parsed.text)


def convict(key: VerifierKey, first: str, second: str, proof: Sequence[bytes] = ()) -> Blame | None:
    """Return what convicts, of two notes that `key` signed and the proof the log gave between them.

    None when nothing is proved: the notes may agree, or the proof may be somebody's invention.
    Raises: Malformed for notes that the key did not sign.
    """
    earlier, later = (_signed(note, key, "note") for note in (first, second))
    if earlier.size > later.size:
        first, second, earlier, later = second, first, later, earlier
    if earlier.size == later.size:
        blame = Blame(key, first, second, None, ())
    elif earlier.size == 0:
        blame = Blame(key, first, second, EMPTY_ROOT, ())
    else:
        roots = consistency_roots(earlier.size, later.size, earlier.root, proof)
        if roots is None:
            return None
        blame = Blame(key, first, second, roots[0], tuple(proof))
    try:
        verify_blame(blame)
    except Malformed:
        return None
    return blame


def convict_by_tiles(key: VerifierKey, first: str, second: str, reader: TileReader) -> Blame | None:
    """Return what convicts, by the tiles that the log serves for the larger of two notes.

    None when the smaller note is shown to be a prefix, and only then.
    Raises: Malformed for notes that the key did not sign, and for tiles that are none or not those
    of the larger note: they show nothing, neither that the log kept its word nor that it did not.
    """
    earlier, later = (_signed(note, key, "note") for note in (first, second))
    if earlier.size > later.size:
        first, second, earlier, later = second, first, later, earlier
    if earlier.size in (0, later.size):
        return convict(key, first, second)
    proof = tuple(reader.consistency(earlier.size, later.size))
    prefix = reader.root(earlier.size)
    if not verify_consistency(earlier.size, later.size, prefix, later.root, proof):
        raise Malformed("tiles", f"are not those of the checkpoint of size {later.size}")
    return None if prefix == earlier.root else Blame(key, first, second, prefix, proof)
