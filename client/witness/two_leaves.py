"""Blame for two leaves at one index of one log, each under a root that one key signed. Pure.

Two bundles are enough to make it, whatever their sizes: nobody has to ask the liar for a
consistency proof. The key may be a log's or a cosigner's.
The file: RFC 8785 JSON and a newline (docs/TLOG.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from ledger.block import HEADER
from ledger.canonical_json import from_base64, from_json, to_base64, to_json
from ledger.checkpoint import parse_checkpoint
from ledger.errors import Malformed
from ledger.limits import INTEGER_MAX, MERKLE_PATH_MAX
from ledger.merkle_log import leaf_hash, verify_inclusion
from ledger.notes import VerifierKey, open_note, parse_note

__all__ = [
    "KIND",
    "Included",
    "TwoLeaves",
    "convict_by_leaves",
    "decode_two_leaves",
    "encode_two_leaves",
    "verify_two_leaves",
]

KIND: Final = "suyuan/two-leaves/v1"
_NAMES: Final = ["first", "index", "key", "kind", "second"]
_PARTS: Final = ["inclusion", "leaf", "note"]


@dataclass(frozen=True, slots=True)
class Included:
    """An entry of a log, its inclusion path, and the signed note whose root it leads to."""

    leaf: bytes
    inclusion: tuple[bytes, ...]
    note: str


@dataclass(frozen=True, slots=True)
class TwoLeaves:
    """Who (key), where (index, from 0), and the two that stand there."""

    key: VerifierKey
    index: int
    first: Included
    second: Included


def encode_two_leaves(found: TwoLeaves) -> bytes:
    """Return the file."""
    value = {
        "first": _parts(found.first),
        "index": found.index,
        "key": found.key.text(),
        "kind": KIND,
        "second": _parts(found.second),
    }
    return to_json(value) + b"\n"


def _parts(one: Included) -> dict[str, Any]:
    return {
        "inclusion": [to_base64(node) for node in one.inclusion],
        "leaf": to_base64(one.leaf),
        "note": one.note,
    }


def decode_two_leaves(data: bytes) -> TwoLeaves:
    """Read a file of bounded size. Raises: Malformed. It convicts nobody before verification."""
    if not data.endswith(b"\n"):
        raise Malformed("blame", "must end in a newline")
    value: Any = from_json(data[:-1], "blame")
    if not isinstance(value, dict) or sorted(value) != _NAMES or value["kind"] != KIND:
        raise Malformed("blame", f"must be a {KIND} of exactly {', '.join(_NAMES)}")
    index, key = value["index"], value["key"]
    if type(index) is not int or not 0 <= index <= INTEGER_MAX or not isinstance(key, str):
        raise Malformed("blame", "index must be a number of 0 to 2^53-1, and key a text")
    first, second = (_included(value[name], f"blame.{name}") for name in ("first", "second"))
    return TwoLeaves(VerifierKey.parse(key, "blame.key"), index, first, second)


def _included(value: Any, field: str) -> Included:
    if not isinstance(value, dict) or sorted(value) != _PARTS or not isinstance(value["note"], str):
        raise Malformed(field, f"must have exactly {', '.join(_PARTS)}, and note be a text")
    path = value["inclusion"]
    if not isinstance(path, list) or len(path) > MERKLE_PATH_MAX:
        raise Malformed(f"{field}.inclusion", f"must be at most {MERKLE_PATH_MAX} hashes")
    nodes = tuple(from_base64(node, f"{field}.inclusion") for node in path)
    if any(len(node) != 32 for node in nodes):
        raise Malformed(f"{field}.inclusion", "must be hashes of 32 bytes")
    return Included(from_base64(value["leaf"], f"{field}.leaf"), nodes, value["note"])


def verify_two_leaves(found: TwoLeaves) -> tuple[int, int]:
    """Return the two sizes at which the key's holder is convicted. Raises: Malformed otherwise."""
    if found.first.leaf == found.second.leaf:
        raise Malformed("blame", "the two leaves are the same")
    sizes, origins = [], set()
    for field, one in (("blame.first", found.first), ("blame.second", found.second)):
        note = parse_note(one.note, f"{field}.note")
        open_note(note, [found.key], f"{field}.note")
        checkpoint = parse_checkpoint(note.text)
        leaf, size = leaf_hash(one.leaf), checkpoint.size
        if not verify_inclusion(leaf, found.index, size, one.inclusion, checkpoint.root):
            raise Malformed(f"{field}.inclusion", "does not lead to the signed root")
        sizes.append(size)
        origins.add(checkpoint.origin)
    if len(origins) != 1:
        raise Malformed("blame", "the two notes are of different origins")
    return sizes[0], sizes[1]


def convict_by_leaves(
    first: Included, second: Included, keys: Iterable[VerifierKey]
) -> list[TwoLeaves]:
    """Return a file for each of the keys that two headers of one height convict.

    Raises: Malformed for what is no header.
    """
    heights = [HEADER.decode(one.leaf).height for one in (first, second)]
    found = []
    for key in keys if heights[0] == heights[1] else ():
        try:
            verify_two_leaves(one := TwoLeaves(key, heights[0] - 1, first, second))
        except Malformed:
            continue  # it did not sign both, or one of the two is not included
        found.append(one)
    return found
