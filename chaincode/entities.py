"""The entities as a block sees them: decoded once, changed in memory, encoded once at its end.

An overlay over the state before the block. It holds what accepted transactions of this block have
left; a refused one never reaches it. Only `appending` changes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol

import msgspec

from chaincode.kinds import Kind
from ledger.codec import Format
from ledger.errors import InvariantViolated
from ledger.hashing import sha256, tag
from ledger.leaf import state_value
from ledger.merkle_log import Frontier
from ledger.paths import Path

__all__ = ["Entities", "Entity", "Kinds", "State"]

Kinds = Mapping[tuple[str, str], Kind[Any]]

_PATH: Final = Format(Path, "path")
_KEY_TAG: Final = tag("path")
# The state is our own writing under a certified root: no second pass as the strict decoder makes.
_read_value: Final = msgspec.msgpack.Decoder(tuple[bytes, int, tuple[bytes, ...]]).decode


class State(Protocol):
    """The state before a block, as the node keeps it."""

    def value(self, key: bytes) -> bytes | None:
        """Return the state value under a key of the state tree, or None."""
        ...

    def consumed(self, bucket: int, transaction_id: bytes) -> bool:
        """Say whether a live bucket of the duplicate table holds the id."""
        ...


class Entity:
    """One entity in a block: its record, and the size and frontier of its log.

    `digest` is the SHA-256 of `stored`, the record's bytes, once a leaf has needed it.
    """

    __slots__ = (
        "changed",
        "digest",
        "frontier",
        "key",
        "path",
        "path_bytes",
        "record",
        "size",
        "stored",
    )

    def __init__(
        self,
        path: Path,
        names: tuple[bytes, bytes],
        record: Any,
        stored: bytes,
        log: tuple[int, Frontier],
    ) -> None:
        """Take the path with its canonical bytes and key, the record with its bytes, the log."""
        self.path = path
        self.path_bytes, self.key = names
        self.record = record
        self.stored = stored
        self.digest: bytes | None = None
        self.size, self.frontier = log
        self.changed = False


class Entities:
    """The overlay of one block."""

    __slots__ = ("_held", "_kinds", "_state")

    def __init__(self, state: State, kinds: Kinds) -> None:
        self._state: Final = state
        self._kinds: Final = kinds
        self._held: Final[dict[Path, Entity | None]] = {}

    def find(self, path: Path) -> Entity | None:
        """Return the entity, or None when there is none.

        Raises: InvariantViolated when the state's bytes are not a record of its kind.
        """
        held = self._held
        if path in held:
            return held[path]
        entity = held[path] = self._load(path)
        return entity

    def create(self, path: Path, record: Any, stored: bytes) -> Entity:
        """Hold a new entity, whose log is empty until the event that created it is appended."""
        entity = self._held[path] = Entity(path, _names(path), record, stored, (0, ()))
        return entity

    def changed(self) -> Iterator[tuple[Entity, bytes]]:
        """Give the changed entities with their new state values, in the order of first touch."""
        for entity in self._held.values():
            if entity is not None and entity.changed:
                yield entity, state_value(entity.stored, entity.size, entity.frontier)

    def _load(self, path: Path) -> Entity | None:
        names = _names(path)
        data = self._state.value(names[1])
        if data is None:
            return None
        kind = self._kinds.get((path.contract, path.kind))
        if kind is None:
            raise InvariantViolated(f"the state holds {path.text}, whose kind is not installed")
        try:
            stored, size, frontier = _read_value(data)
            record = kind.read(stored)
        except msgspec.MsgspecError as error:
            raise InvariantViolated(
                f"the state value of {path.text} is damaged: {error}"
            ) from error
        return Entity(path, names, record, stored, (size, frontier))


def _names(path: Path) -> tuple[bytes, bytes]:
    """Return a path's canonical bytes and its key in the state tree (as `ledger.paths.key`)."""
    path_bytes = _PATH.encode(path)
    return path_bytes, sha256(_KEY_TAG + path_bytes)
