"""How events reach the logs of the entities they name. Only this module appends, so no write
bypasses a log.

For each event, for each entity it names (on ∪ inputs ∪ outputs), one leaf; the record it hashes
is the entity's record after the whole transaction (DESIGN 2.2). A written entity that no event
names, or a named entity that neither exists nor is created, refuses the transaction. Everything
is checked before anything is changed.

The bytes are assembled from parts that are encoded once per transaction or event; a test compares
them with what `ledger.leaf` and `ledger.block` encode.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from chaincode.entities import Entities, Entity
from chaincode.kinds import Kind
from chaincode.limits import LEAVES_SIZE_MAX, RECORD_SIZE_MAX
from chaincode.refusal import quote, refuse
from ledger.block import Event
from ledger.codec import Format
from ledger.errors import InvariantViolated, Malformed
from ledger.hashing import sha256
from ledger.leaf import VERSION
from ledger.limits import ENTITIES_PER_EVENT_MAX, EVENTS_PER_TRANSACTION_MAX, INTEGER_MAX
from ledger.merkle_log import frontier_append, leaf_hash
from ledger.paths import Path

__all__ = ["Appended", "Place", "append"]

_PARTS: Final[Format[Any]] = Format(object, "parts of a leaf")
_LEAF_HEAD: Final = b"\x9e"  # an array of the leaf's 14 elements
_EVENT_HEAD: Final = b"\x95"  # an array of the event's 5 elements
_DIGEST_HEAD: Final = b"\xc4\x20"  # 32 bytes

Appended = tuple[Path, int, bytes]  # entity, index in its log, leaf
# an event; of its leaves what stands before the path, and what after it up to the digest
_Encoded = tuple[bytes, bytes, bytes]
_DIGEST_SIZE: Final = 32


@dataclass(frozen=True, slots=True)
class Place:
    """Where and by what a transaction's events happen; `time` in milliseconds since 1970 UTC."""

    height: int
    time: int
    transaction_index: int
    transaction: bytes
    contract: str
    contract_version: int


def append(
    entities: Entities,
    place: Place,
    events: list[Event],
    writes: dict[Path, tuple[Kind[Any], Any]],
    leaves: list[Appended],
    is_genesis: bool = False,
) -> list[bytes]:
    """Apply an accepted call: records, logs, and `leaves` in order. Returns the events' canonical
    bytes. Only genesis is as large as the consortium is.

    Raises: Refused "too-many-events", "too-many-entities", "unnamed-write", "unknown-entity",
    "bad-path", "record-too-large", "leaves-too-large" or "overflow"; then nothing has changed.
    """
    if len(events) > EVENTS_PER_TRANSACTION_MAX and not is_genesis:
        refuse("too-many-events", limit=EVENTS_PER_TRANSACTION_MAX)
    named = [_named(event) for event in events]
    held = _held(entities, named, writes)
    stored = [
        _encoded(path, held[path] is None, kind, record) for path, (kind, record) in writes.items()
    ]
    parts = _encode_events(place, events)
    if not is_genesis:
        _require_small(held, named, parts)
    # from here on nothing refuses
    for (path, (_, record)), record_bytes in zip(writes.items(), stored, strict=True):
        entity = held[path]
        if entity is None:
            held[path] = entities.create(path, record, record_bytes)
        else:
            entity.record, entity.stored, entity.digest = record, record_bytes, None
    for paths, (_, before, after) in zip(named, parts, strict=True):
        for path in paths:
            entity = held[path]
            if entity is None:
                raise InvariantViolated(f"an event names {path.text}, which does not exist")
            leaves.append(_append(entity, before, after))
    return [event for event, _, _ in parts]


def _encode_events(place: Place, events: list[Event]) -> list[_Encoded]:
    """Encode every event once, and what its leaves share."""
    head = _PARTS.encode((VERSION, place.height, place.time, place.transaction_index))[1:]
    tail = _PARTS.encode((place.transaction, place.contract, place.contract_version))[1:]
    parts = []
    for index, event in enumerate(events):
        flows = _PARTS.encode((event.kind, event.inputs, event.outputs))[1:]
        body = _PARTS.encode(event.body)
        encoded = _EVENT_HEAD + flows + _PARTS.encode(event.on) + body
        before = _LEAF_HEAD + head + _PARTS.encode(index) + tail
        parts.append((encoded, before, flows + body + _DIGEST_HEAD))
    return parts


def _require_small(
    held: dict[Path, Entity | None], named: list[dict[Path, None]], parts: list[_Encoded]
) -> None:
    """Refuse what would write out of proportion: an event is copied into each log it concerns."""
    size = 0
    for paths, (_, before, after) in zip(named, parts, strict=True):
        size += len(paths) * (len(before) + len(after) + _DIGEST_SIZE)
        for path in paths:
            entity = held[path]
            size += len(_PARTS.encode(path) if entity is None else entity.path_bytes)
    if size > LEAVES_SIZE_MAX:
        refuse("leaves-too-large", limit=LEAVES_SIZE_MAX)


def _append(entity: Entity, before: bytes, after: bytes) -> Appended:
    digest = entity.digest
    if digest is None:
        digest = entity.digest = sha256(entity.stored)
    leaf = before + entity.path_bytes + after + digest
    index = entity.size
    entity.frontier = frontier_append(entity.frontier, index, leaf_hash(leaf))
    entity.size = index + 1
    entity.changed = True
    return entity.path, index, leaf


def _named(event: Event) -> dict[Path, None]:
    paths: dict[Path, None] = {}
    for path, quantity in event.inputs:
        if not 0 <= quantity <= INTEGER_MAX:
            refuse("overflow", limit=INTEGER_MAX)
        paths[path] = None
    for path, quantity in event.outputs:
        if not 0 <= quantity <= INTEGER_MAX:
            refuse("overflow", limit=INTEGER_MAX)
        paths[path] = None
    for path in event.on:
        paths[path] = None
    if len(paths) > ENTITIES_PER_EVENT_MAX:
        refuse("too-many-entities", limit=ENTITIES_PER_EVENT_MAX)
    return paths


def _held(
    entities: Entities,
    named: list[dict[Path, None]],
    writes: dict[Path, tuple[Kind[Any], Any]],
) -> dict[Path, Entity | None]:
    """Return every named entity, None for those that the writes create."""
    held: dict[Path, Entity | None] = {}
    for paths in named:
        for path in paths:
            if path not in held:
                entity = held[path] = entities.find(path)
                if entity is None and path not in writes:
                    refuse("unknown-entity", entity=quote(path.text))
    for path in writes:
        if path not in held:
            refuse("unnamed-write", entity=quote(path.text))
    return held


def _encoded(path: Path, is_new: bool, kind: Kind[Any], record: Any) -> bytes:
    if is_new:
        try:
            path.check()
        except Malformed:
            refuse("bad-path", entity=quote(path.text))
    stored = kind.format.encode(record)
    if len(stored) > RECORD_SIZE_MAX:
        refuse("record-too-large", entity=path.text, limit=RECORD_SIZE_MAX)
    return stored
