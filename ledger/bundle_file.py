"""The bundle file: the one spelling of a bundle.

What it is: writing a bundle and reading it back. What it is not: any judgement of it (`verify`).

RFC 8785 JSON and a newline. Byte strings (leaves, records, header, state proof, transaction,
result, member sets) are base64 of their canonical bytes with nothing decoded beside them; hashes
are 64 lower-case hex digits. The reader decodes, encodes again and compares, so unknown and
duplicate keys, other orders, white space and spare base64 bits are refused.

Exact layout: docs/FORMATS.md section 7. Source: DESIGN 2.10; RFC 8785; docs/decisions/0005.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from ledger.bundle import (
    Absent,
    Bundle,
    Consistency,
    Handover,
    Logged,
    Outlined,
    Ranged,
    ReceiptProof,
    Shown,
    Step,
)
from ledger.canonical_json import from_base64, from_hex, refuse_crowds, to_base64
from ledger.claims import Claim, Extension, Receipt, claim_value, parse_claim
from ledger.errors import Malformed
from ledger.limits import (
    BUNDLE_ENTITIES_MAX,
    BUNDLE_EVENTS_MAX,
    BUNDLE_SIZE_MAX,
    HANDOVERS_MAX,
    INTEGER_MAX,
    MERKLE_PATH_MAX,
    WITNESS_NOTES_MAX,
)
from ledger.merkle_ranges import cover
from ledger.paths import Path

__all__ = ["VERSION", "decode_bundle", "encode_bundle"]

VERSION: Final = 1


class _EntityFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    path: str
    after: list[str] | UnsetType = UNSET
    before: list[str] | UnsetType = UNSET
    first: int | UnsetType = UNSET
    frontier: list[str] | UnsetType = UNSET
    leaves: list[str] | UnsetType = UNSET
    record: str | UnsetType = UNSET
    size: int | UnsetType = UNSET
    then: str | UnsetType = UNSET


class _ReceiptFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    result: str
    result_path: list[str]
    transaction: str
    transaction_path: list[str]


class _ConsistencyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    path: list[str]
    root: str
    size: int


class _HandoverFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    checkpoint: str
    consistency: list[str]
    header: str
    inclusion: list[str]
    members: str


class _BundleFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    checkpoint: str
    claim: dict[str, Any]
    epochs: list[_HandoverFile]
    header: str
    inclusion: list[str]
    version: int
    consistency: _ConsistencyFile | UnsetType = UNSET
    entities: list[_EntityFile] | UnsetType = UNSET
    receipt: _ReceiptFile | UnsetType = UNSET
    state: str | UnsetType = UNSET
    witnesses: list[str] | UnsetType = UNSET


# On what these types can hold (ASCII keys, integers, text), msgspec's sorted form is RFC 8785; a
# test compares it with an independent implementation. It is some forty times faster.
_ENCODER: Final = msgspec.json.Encoder(order="sorted")
_DECODER: Final = msgspec.json.Decoder(_BundleFile)


def encode_bundle(bundle: Bundle) -> bytes:
    """Return the bytes of the bundle file, newline included."""
    is_about_entities = _is_about_entities(bundle.claim)
    return (
        _ENCODER.encode(
            _BundleFile(
                checkpoint=bundle.checkpoint,
                claim=claim_value(bundle.claim),
                epochs=[_handover(one) for one in bundle.epochs],
                header=to_base64(bundle.header),
                inclusion=_hexes(bundle.inclusion),
                version=VERSION,
                consistency=UNSET
                if bundle.consistency is None
                else _consistency(bundle.consistency),
                entities=[_entity(one) for one in bundle.entities] if is_about_entities else UNSET,
                receipt=UNSET if bundle.receipt is None else _receipt(bundle.receipt),
                state=to_base64(bundle.state) if is_about_entities else UNSET,
                witnesses=list(bundle.witnesses) if bundle.witnesses else UNSET,
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
    refuse_crowds(data, "bundle")
    try:
        file = _DECODER.decode(data[:-1])
        canonical = _ENCODER.encode(file)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Malformed("bundle", f"not the format ({str(error)[:200]})") from None
    if canonical != data[:-1]:
        raise Malformed("bundle", "not the canonical spelling of JSON (RFC 8785)")
    if file.version != VERSION:
        raise Malformed("bundle.version", f"must be {VERSION}")
    claim = parse_claim(file.claim)
    entities, state, receipt = _answer(file, claim)
    consistency = None if file.consistency is UNSET else _read_consistency(file.consistency)
    if isinstance(claim, Extension) and (
        consistency is None or (consistency.size, consistency.root) != (claim.size, claim.root)
    ):
        raise Malformed("bundle.consistency", "must be of the size and root that the claim names")
    return Bundle(
        claim=claim,
        checkpoint=file.checkpoint,
        header=from_base64(file.header, "bundle.header"),
        inclusion=_digests(file.inclusion, "bundle.inclusion"),
        entities=entities,
        state=state,
        receipt=receipt,
        consistency=consistency,
        epochs=_read_handovers(file.epochs),
        witnesses=() if file.witnesses is UNSET else _read_witnesses(file.witnesses),
    )


def _is_about_entities(claim: Claim) -> bool:
    return not isinstance(claim, Receipt | Extension)


def _answer(
    file: _BundleFile, claim: Claim
) -> tuple[tuple[Shown, ...], bytes, ReceiptProof | None]:
    if isinstance(claim, Extension):
        if file.receipt is not UNSET or file.entities is not UNSET or file.state is not UNSET:
            raise Malformed("bundle", "about the chain: no receipt, no entities, no state")
        return (), b"", None
    if isinstance(claim, Receipt):
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
        if _EntityFile(file.path) == file:
            return Absent(path)
    elif file.first is not UNSET:
        return _read_ranged(file, path)
    elif file.after is not UNSET or file.before is not UNSET or file.then is not UNSET:
        pass  # parts of a range without its beginning
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
        "bundle.entities", "each a path alone, or with a log, an outline or a range (FORMATS 7.2)"
    )


def _read_ranged(file: _EntityFile, path: Path) -> Ranged:
    if (
        file.after is UNSET
        or file.before is UNSET
        or file.first is UNSET
        or file.leaves is UNSET
        or file.record is UNSET
        or file.size is UNSET
        or file.frontier is not UNSET
    ):
        raise Malformed("bundle.entities", "a range has after, before, first, leaves and size")
    first = _natural(file.first, "bundle.entities.first")
    size = _natural(file.size, "bundle.entities.size")
    leaves = tuple(from_base64(leaf, "bundle.entities.leaves") for leaf in file.leaves)
    if not leaves or first + len(leaves) > size:
        raise Malformed("bundle.entities.leaves", "must be one or more, and lie within the log")
    before = _digests(file.before, "bundle.entities.before")
    after = _digests(file.after, "bundle.entities.after")
    stop = first + len(leaves)
    if len(before) != len(cover(0, first)) or len(after) != len(cover(stop, size)):
        raise Malformed(
            "bundle.entities", "as many hashes as the cover of the leaves not shown has"
        )
    return Ranged(
        path,
        from_base64(file.record, "bundle.entities.record"),
        size,
        first,
        leaves,
        before,
        after,
        None if file.then is UNSET else from_base64(file.then, "bundle.entities.then"),
    )


def _entity(shown: Shown) -> _EntityFile:
    if isinstance(shown, Absent):
        return _EntityFile(shown.path.text)
    record = to_base64(shown.record)
    if isinstance(shown, Logged):
        leaves = [to_base64(leaf) for leaf in shown.leaves]
        return _EntityFile(shown.path.text, record=record, leaves=leaves)
    if isinstance(shown, Ranged):
        return _EntityFile(
            shown.path.text,
            after=_hexes(shown.after),
            before=_hexes(shown.before),
            first=shown.first,
            leaves=[to_base64(leaf) for leaf in shown.leaves],
            record=record,
            size=shown.size,
            then=UNSET if shown.then is None else to_base64(shown.then),
        )
    return _EntityFile(
        shown.path.text, record=record, size=shown.size, frontier=_hexes(shown.frontier)
    )


def _handover(handover: Handover) -> _HandoverFile:
    return _HandoverFile(
        checkpoint=handover.checkpoint,
        consistency=_hexes(handover.consistency),
        header=to_base64(handover.header),
        inclusion=_hexes(handover.inclusion),
        members=to_base64(handover.members),
    )


def _read_handovers(files: list[_HandoverFile]) -> tuple[Handover, ...]:
    if len(files) > HANDOVERS_MAX:
        raise Malformed("bundle.epochs", f"has more than {HANDOVERS_MAX} handovers")
    return tuple(
        Handover(
            checkpoint=file.checkpoint,
            consistency=_digests(file.consistency, "bundle.epochs.consistency"),
            header=from_base64(file.header, "bundle.epochs.header"),
            inclusion=_digests(file.inclusion, "bundle.epochs.inclusion"),
            members=from_base64(file.members, "bundle.epochs.members"),
        )
        for file in files
    )


def _read_witnesses(notes: list[str]) -> tuple[str, ...]:
    if not 1 <= len(notes) <= WITNESS_NOTES_MAX:
        raise Malformed("bundle.witnesses", f"must be 1 to {WITNESS_NOTES_MAX} notes")
    origins = [note.partition("\n")[0].encode("utf-8", "surrogatepass") for note in notes]
    if any(later <= earlier for earlier, later in pairwise(origins)):
        raise Malformed("bundle.witnesses", "must be strictly ascending by origin")
    return tuple(notes)


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
