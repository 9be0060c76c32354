"""One whole state on disk: values, the paths that are hashed to their keys, consumed ids.

| key                          | value                                                        |
| ---------------------------- | ------------------------------------------------------------ |
| s ‖ state ‖ key              | state value of the entity with that state-tree key           |
| p ‖ state ‖ key              | the entity's canonical path, whose tagged hash the key is    |
| d ‖ state ‖ bucket ‖ index   | consumed ids of a live bucket, 32 bytes each, from `index` on |
| m height ‖ state             | the executed height that this state is of                    |

`state` is one byte. A member has one state, as a rule: number 0. One that installs a snapshot
builds another beside it and then changes over in one small write (R-CP-6); the old one is deleted.

What it is not: blocks, leaves and places of transactions, which are true whatever state a member
has reached (`node/archive.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from ledger.codec import Format
from ledger.errors import InvariantViolated
from ledger.limits import INTEGER_MAX
from ledger.paths import Path
from ledger.snapshot import Held, path_bytes
from node.store import Reader, Store, prefix_stop

__all__ = ["ID_SIZE", "Ids", "StateStore", "StateWrites", "joined_ids"]

ID_SIZE: Final = 32
DELETED_AT_ONCE: Final = 5_000  # keys of one batch while a state is forgotten
_NUMBER_AT: Final = 1
_KEY_AT: Final = 2

_PATH: Final = Format(Path, "path")


@dataclass(frozen=True, slots=True)
class Ids:
    """Ids consumed of one bucket, joined, and the index of the first in the bucket's log."""

    bucket: int
    index: int
    joined: bytes


@dataclass(frozen=True, slots=True)
class StateWrites:
    """What a block changes in the state: values, paths of keys that are new, consumed ids."""

    values: Mapping[bytes, bytes | None] = field(default_factory=dict)
    created: Mapping[bytes, Path] = field(default_factory=dict)
    ids: Sequence[Ids] = ()
    dropped: Sequence[int] = ()  # buckets whose ids are forgotten


class StateStore:
    """Typed reading and writing of one state in an open store."""

    def __init__(self, store: Store, number: int) -> None:
        self._store = store
        self.number = number
        self._mark = bytes([number])

    @property
    def executed(self) -> int | None:
        """The height this state is of; 0 after genesis, None where there is none yet."""
        value = self._store.get(b"mheight" + self._mark)
        return None if value is None else int.from_bytes(value, "big")

    def height_write(self, height: int) -> dict[bytes, bytes | None]:
        """Return what makes `height` the height of this state."""
        return {b"mheight" + self._mark: _u64(height)}

    def value(self, key: bytes) -> bytes | None:
        """Return the state value under a state-tree key, or None."""
        return self._store.get(b"s" + self._mark + key)

    def value_in(self, reader: Reader, key: bytes) -> bytes | None:
        """Return the value under a key as `reader` (a snapshot) shows this state, or None."""
        return reader.get(b"s" + self._mark + key)

    def values(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, state value) of the whole state in order of keys."""
        prefix = b"s" + self._mark
        for key, value in self._store.range(prefix, prefix_stop(prefix)):
            yield key[_KEY_AT:], value

    def last_key(self) -> bytes | None:
        """Return the highest key, or None of an empty state."""
        prefix = b"s" + self._mark
        pairs = self._store.range(prefix, prefix_stop(prefix), reverse=True, limit=1)
        return next((key[_KEY_AT:] for key, _ in pairs), None)

    def held(self, reader: Reader, first: bytes) -> Iterator[Held]:
        """Yield every entry from key `first` on, as `reader` (a snapshot) shows this state.

        Raises: InvariantViolated when a value has no path or a path no value.
        """
        values = reader.range(*self._from(b"s", first))
        paths = reader.range(*self._from(b"p", first))
        for (key, value), (path_key, path) in zip(values, paths, strict=False):
            if key[_NUMBER_AT:] != path_key[_NUMBER_AT:]:
                raise InvariantViolated(f"the path of state key {key[_KEY_AT:].hex()} is missing")
            yield Held(key[_KEY_AT:], _PATH.decode(path), value)

    def _from(self, kind: bytes, first: bytes) -> tuple[bytes, bytes | None]:
        prefix = kind + self._mark
        return prefix + first, prefix_stop(prefix)

    def ids(self, reader: Reader, bucket: int, index: int = 0, count: int = INTEGER_MAX) -> bytes:
        """Return up to `count` ids of a bucket from `index` of its log on, joined.

        Members cut a bucket into pieces differently; what this gives does not depend on that.
        """
        prefix = b"d" + self._mark + _u64(bucket)
        before = reader.range(prefix, prefix + _u64(index + 1), reverse=True, limit=1)
        start = next((key for key, _ in before), prefix)
        parts: list[bytes] = []
        at = index
        for key, joined in reader.range(start, prefix_stop(prefix)):
            part = joined[(at - int.from_bytes(key[-8:], "big")) * ID_SIZE :]
            at += len(part) // ID_SIZE
            parts.append(part)
            if at - index >= count:
                break
        return b"".join(parts)[: count * ID_SIZE]

    def all_ids(self) -> Iterator[bytes]:
        """Yield the consumed ids of every bucket, joined, some thousands at a time."""
        prefix = b"d" + self._mark
        for _, joined in self._store.range(prefix, prefix_stop(prefix)):
            yield joined

    def changes(self, writes: StateWrites) -> dict[bytes, bytes | None]:
        """Return the store's batch for what changes in this state."""
        mark = self._mark
        batch: dict[bytes, bytes | None] = {
            b"s" + mark + key: value for key, value in writes.values.items()
        }
        for key, path in writes.created.items():
            batch[b"p" + mark + key] = path_bytes(path)
        for key, value in writes.values.items():
            if value is None:
                batch[b"p" + mark + key] = None
        for each in writes.ids:
            batch[b"d" + mark + _u64(each.bucket) + _u64(each.index)] = each.joined
        for bucket in writes.dropped:
            prefix = b"d" + mark + _u64(bucket)
            for key, _ in self._store.range(prefix, prefix_stop(prefix)):
                batch[key] = None
        return batch

    def forget(self) -> None:
        """Delete all of this state, in batches; begun anew, it goes on where it was."""
        self._store.write({b"mheight" + self._mark: None}, sync=True)
        for kind in (b"s", b"p", b"d"):
            prefix = kind + self._mark
            pairs = self._store.range(prefix, prefix_stop(prefix))
            while batch := {key: None for key, _ in islice(pairs, DELETED_AT_ONCE)}:
                self._store.write(batch, sync=False)


def joined_ids(joined: bytes) -> list[bytes]:
    """Return single ids."""
    return [joined[at : at + ID_SIZE] for at in range(0, len(joined), ID_SIZE)]


def _u64(number: int) -> bytes:
    return number.to_bytes(8, "big")
