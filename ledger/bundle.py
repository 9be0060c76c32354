"""The bundle file: one question, its answer, and everything needed to check it offline.

What it is: the fields of a bundle and their one spelling. What it is not: any judgement of them
(`verify`).

A bundle is RFC 8785 JSON and a newline. Byte strings (leaves, records, header, state proof,
transaction, result) are base64 of their canonical bytes with nothing decoded beside them; hashes
are 64 lower-case hex digits. There is no informative field: every byte is signed or recomputed. The
reader decodes, encodes again and compares, so unknown and duplicate keys, other orders, white space
and spare base64 bits are refused.

Exact layout: docs/FORMATS.md. Source: DESIGN 2.10 and section 4; RFC 8785; docs/decisions/0005.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from ledger.canonical_json import from_base64, from_hex, to_base64
from ledger.claims import Claim, Receipt, claim_value, parse_claim
from ledger.errors import Malformed
from ledger.limits import (
    BUNDLE_ENTITIES_MAX,
    BUNDLE_EVENTS_MAX,
    BUNDLE_SIZE_MAX,
    INTEGER_MAX,
    MERKLE_PATH_MAX,
)
from ledger.merkle_log import node_hash
from ledger.paths import Path

__all__ = [
    "VERSION",
    "Absent",
    "Bundle",
    "Consistency",
    "Logged",
    "Outlined",
    "ReceiptProof",
    "Shown",
    "Step",
    "decode_bundle",
    "directed",
    "encode_bundle",
    "fold",
]

VERSION: Final = 1


class Absent(msgspec.Struct, frozen=True):
    """An entity that does not exist."""

    path: Path


class Logged(msgspec.Struct, frozen=True):
    """An entity with its whole log: record bytes and canonical leaves, oldest first."""

    path: Path
    record: bytes
    leaves: tuple[bytes, ...]


class Outlined(msgspec.Struct, frozen=True):
    """An entity with its record and the size and frontier of its log, but not the log."""

    path: Path
    record: bytes
    size: int
    frontier: tuple[bytes, ...]


Shown = Absent | Logged | Outlined
Step = tuple[bool, bytes]  # (the sibling stands on the left, its hash)


class ReceiptProof(msgspec.Struct, frozen=True):
    """A transaction and its result, each with its steps up to the header's root.

    The steps carry their own side: an RFC 6962 root does not bind index and size, so they would be
    bytes that nothing checks.
    """

    transaction: bytes
    result: bytes
    transaction_path: tuple[Step, ...]
    result_path: tuple[Step, ...]


class Consistency(msgspec.Struct, frozen=True):
    """A proof that the checkpoint extends the chain log of an earlier size and root."""

    size: int
    root: bytes
    path: tuple[bytes, ...]


class Bundle(msgspec.Struct, frozen=True):
    """A bundle, decoded but not verified.

    `checkpoint` is the signed note. `header` is the canonical header whose state root (or
    transactions and results roots) the answer hangs on; `inclusion` its path in the chain log.
    `entities` are in ascending order of their path's text and `state` is the one proof of all of
    them; both are empty for a receipt.
    """

    claim: Claim
    checkpoint: str
    header: bytes
    inclusion: tuple[bytes, ...]
    entities: tuple[Shown, ...] = ()
    state: bytes = b""
    receipt: ReceiptProof | None = None
    consistency: Consistency | None = None

    @property
    def events(self) -> int:
        """Number of leaves shown, over all entities."""
        return sum(len(shown.leaves) for shown in self.entities if isinstance(shown, Logged))


class _EntityFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    path: str
    frontier: list[str] | UnsetType = UNSET
    leaves: list[str] | UnsetType = UNSET
    record: str | UnsetType = UNSET
    size: int | UnsetType = UNSET


class _ReceiptFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    result: str
    result_path: list[str]
    transaction: str
    transaction_path: list[str]


class _ConsistencyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    path: list[str]
    root: str
    size: int


class _BundleFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    checkpoint: str
    claim: dict[str, Any]
    epochs: list[Any]
    header: str
    inclusion: list[str]
    version: int
    consistency: _ConsistencyFile | UnsetType = UNSET
    entities: list[_EntityFile] | UnsetType = UNSET
    receipt: _ReceiptFile | UnsetType = UNSET
    state: str | UnsetType = UNSET


# On what these types can hold (ASCII keys, integers, text), msgspec's sorted form is RFC 8785; a
# test compares it with an independent implementation. It is some forty times faster.
_ENCODER: Final = msgspec.json.Encoder(order="sorted")
_DECODER: Final = msgspec.json.Decoder(_BundleFile)


def encode_bundle(bundle: Bundle) -> bytes:
    """Return the bytes of the bundle file, newline included."""
    answers_transaction = bundle.receipt is not None
    return (
        _ENCODER.encode(
            _BundleFile(
                checkpoint=bundle.checkpoint,
                claim=claim_value(bundle.claim),
                epochs=[],
                header=to_base64(bundle.header),
                inclusion=_hexes(bundle.inclusion),
                version=VERSION,
                consistency=UNSET
                if bundle.consistency is None
                else _consistency(bundle.consistency),
                entities=UNSET
                if answers_transaction
                else [_entity(one) for one in bundle.entities],
                receipt=UNSET if bundle.receipt is None else _receipt(bundle.receipt),
                state=UNSET if answers_transaction else to_base64(bundle.state),
            )
        )
        + b"\n"
    )


def decode_bundle(data: bytes) -> Bundle:
    """Read a bundle file.

    Raises: Malformed, naming the field and the rule, for anything but the one spelling of a bundle.
    """
    if len(data) > BUNDLE_SIZE_MAX:
        raise Malformed("bundle", f"is larger than {BUNDLE_SIZE_MAX} bytes")
    if not data.endswith(b"\n"):
        raise Malformed("bundle", "must end in a newline")
    try:
        file = _DECODER.decode(data[:-1])
        canonical = _ENCODER.encode(file)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Malformed("bundle", f"not the format ({str(error)[:200]})") from None
    if canonical != data[:-1]:
        raise Malformed("bundle", "not the canonical spelling of JSON (RFC 8785)")
    if file.version != VERSION:
        raise Malformed("bundle.version", f"must be {VERSION}")
    if file.epochs:
        raise Malformed("bundle.epochs", "must be empty: version 1 knows the set of genesis only")
    claim = parse_claim(file.claim)
    entities, state, receipt = _answer(file, isinstance(claim, Receipt))
    return Bundle(
        claim=claim,
        checkpoint=file.checkpoint,
        header=from_base64(file.header, "bundle.header"),
        inclusion=_digests(file.inclusion, "bundle.inclusion"),
        entities=entities,
        state=state,
        receipt=receipt,
        consistency=None if file.consistency is UNSET else _read_consistency(file.consistency),
    )


def _answer(
    file: _BundleFile, is_receipt: bool
) -> tuple[tuple[Shown, ...], bytes, ReceiptProof | None]:
    if is_receipt:
        if file.receipt is UNSET or file.entities is not UNSET or file.state is not UNSET:
            raise Malformed("bundle", "about a transaction: a receipt, no entities, no state")
        return (), b"", _read_receipt(file.receipt)
    if file.receipt is not UNSET or file.entities is UNSET or file.state is UNSET:
        raise Malformed("bundle", "about entities: entities and state, no receipt")
    if not 1 <= len(file.entities) <= BUNDLE_ENTITIES_MAX:
        raise Malformed("bundle.entities", f"must be 1 to {BUNDLE_ENTITIES_MAX}")
    events = sum(0 if one.leaves is UNSET else len(one.leaves) for one in file.entities)
    if events > BUNDLE_EVENTS_MAX:
        raise Malformed("bundle.entities", f"hold more than {BUNDLE_EVENTS_MAX} leaves")
    names = [one.path for one in file.entities]
    if any(later <= earlier for earlier, later in pairwise(names)):
        raise Malformed("bundle.entities", "must be in strictly ascending order of path")
    shown = tuple(map(_read_entity, file.entities))
    return shown, from_base64(file.state, "bundle.state"), None


def _read_entity(file: _EntityFile) -> Shown:
    path = Path.parse(file.path, "bundle.entities.path")
    if file.record is UNSET:
        if file.leaves is UNSET and file.frontier is UNSET and file.size is UNSET:
            return Absent(path)
    elif file.leaves is not UNSET:
        if file.frontier is UNSET and file.size is UNSET:
            record = from_base64(file.record, "bundle.entities.record")
            leaves = tuple(from_base64(leaf, "bundle.entities.leaves") for leaf in file.leaves)
            return Logged(path, record, leaves)
    elif file.frontier is not UNSET and file.size is not UNSET:
        record = from_base64(file.record, "bundle.entities.record")
        frontier = _digests(file.frontier, "bundle.entities.frontier")
        return Outlined(path, record, _natural(file.size, "bundle.entities.size"), frontier)
    raise Malformed(
        "bundle.entities", "each {path}, {leaves, path, record} or {frontier, path, record, size}"
    )


def _entity(shown: Shown) -> _EntityFile:
    if isinstance(shown, Absent):
        return _EntityFile(shown.path.text)
    record = to_base64(shown.record)
    if isinstance(shown, Logged):
        leaves = [to_base64(leaf) for leaf in shown.leaves]
        return _EntityFile(shown.path.text, record=record, leaves=leaves)
    return _EntityFile(
        shown.path.text, record=record, size=shown.size, frontier=_hexes(shown.frontier)
    )


def _read_receipt(file: _ReceiptFile) -> ReceiptProof:
    return ReceiptProof(
        transaction=from_base64(file.transaction, "bundle.receipt.transaction"),
        result=from_base64(file.result, "bundle.receipt.result"),
        transaction_path=_steps(file.transaction_path, "bundle.receipt.transaction_path"),
        result_path=_steps(file.result_path, "bundle.receipt.result_path"),
    )


def _receipt(receipt: ReceiptProof) -> _ReceiptFile:
    return _ReceiptFile(
        result=to_base64(receipt.result),
        result_path=[("<" if left else ">") + node.hex() for left, node in receipt.result_path],
        transaction=to_base64(receipt.transaction),
        transaction_path=[
            ("<" if left else ">") + node.hex() for left, node in receipt.transaction_path
        ],
    )


def _read_consistency(file: _ConsistencyFile) -> Consistency:
    return Consistency(
        size=_natural(file.size, "bundle.consistency.size"),
        root=from_hex(file.root, "bundle.consistency.root"),
        path=_digests(file.path, "bundle.consistency.path"),
    )


def _consistency(consistency: Consistency) -> _ConsistencyFile:
    return _ConsistencyFile(
        path=_hexes(consistency.path), root=consistency.root.hex(), size=consistency.size
    )


def _hexes(digests: tuple[bytes, ...]) -> list[str]:
    return [digest.hex() for digest in digests]


def _digests(texts: list[str], field: str) -> tuple[bytes, ...]:
    if len(texts) > MERKLE_PATH_MAX:
        raise Malformed(field, f"has more than {MERKLE_PATH_MAX} hashes")
    return tuple(from_hex(text, field) for text in texts)


def _steps(texts: list[str], field: str) -> tuple[Step, ...]:
    if any(text[:1] not in ("<", ">") for text in texts):
        raise Malformed(field, "each step must begin with < or >")
    digests = _digests([text[1:] for text in texts], field)
    return tuple((text[0] == "<", digest) for text, digest in zip(texts, digests, strict=True))


def _natural(value: int, field: str) -> int:
    if not 0 <= value <= INTEGER_MAX:
        raise Malformed(field, "must be 0 to 2^53−1")
    return value


def directed(path: list[bytes], index: int, size: int) -> tuple[Step, ...]:
    """Give each hash of an RFC 6962 inclusion path its side: leaf `index` in a log of `size`
    leaves.
    """
    steps: list[Step] = []
    place, last = index, size - 1
    for sibling in path:
        while place == last and not place & 1 and place:  # no sibling on this level
            place >>= 1
            last >>= 1
        steps.append((bool(place & 1), sibling))
        place >>= 1
        last >>= 1
    return tuple(steps)


def fold(leaf: bytes, steps: tuple[Step, ...]) -> bytes:
    """Return the root to which a leaf hash and its steps lead."""
    node = leaf
    for is_left, sibling in steps:
        node = node_hash(sibling, node) if is_left else node_hash(node, sibling)
    return node
