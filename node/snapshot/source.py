"""One certified height held fast, so that its state can be given away while blocks go on.

Three things make it: the store's own snapshot of the values, which shows the newest executed
height; what the few blocks above the certified height replaced; and the tree's pin, which proves.
Taking it costs what those few blocks changed and copies nothing; each chunk costs what it holds.

Invariant: what it gives depends on the height alone, not on the member or the moment (R-CP-7).
"""

from __future__ import annotations

from collections.abc import Iterator

from chaincode.duplicates import bucket_path
from ledger.block import HEADER
from ledger.errors import InvariantViolated
from ledger.leaf import parse_state_value
from ledger.paths import key as path_key
from ledger.snapshot import Chunk, Held, fill_chunk
from node.archive import Archive
from node.execution import Executor
from node.snapshot.messages import HEADERS_MAX, IDS_MAX

__all__ = ["Source", "Unavailable"]


class Unavailable(Exception):
    """The height cannot be held now: too old, or a bucket of ids has been forgotten since."""


class Source:
    """A height's header, state and consumed ids. Used in the loop's thread alone; to be closed."""

    def __init__(self, executor: Executor, archive: Archive, height: int) -> None:
        """Hold a height. Raises: Unavailable."""
        if not executor.tree.oldest <= height <= executor.height:
            raise Unavailable
        header = archive.header(height)
        if header is None:
            raise InvariantViolated(f"no header at height {height}")
        before = executor.replaced_since(height)
        # Only buckets of ids are ever removed, with ids and path: then wait for the next height.
        if any(v is not None and executor.value(key) is None for key, v in before.items()):
            raise Unavailable
        self.height = height
        self.header = header
        self._executor = executor
        self._archive = archive
        self._state = archive.state
        self._before = before
        self._store = archive.snapshot()
        with executor.changing:
            self._tree = executor.tree
            self._pin = self._tree.pin(height)
        if HEADER.decode(header).state != self._pin.root:
            raise InvariantViolated(f"the state of height {height} is not its header's")

    def chunk(self, first: bytes) -> Chunk:
        """Return the chunk that begins at key `first`: some 5 ms."""
        return fill_chunk(first, self._entries(first), self._prove)

    def _entries(self, first: bytes) -> Iterator[Held]:
        for held in self._state.held(self._store, first):
            if held.key not in self._before:
                yield held
                continue
            value = self._before[held.key]
            if value is not None:
                yield Held(held.key, held.path, value)

    def _prove(self, first: bytes, last: bytes) -> tuple[bytes, ...]:
        with self._executor.changing:
            return self._pin.prove_range(first, last)

    def ids(self, bucket: int, index: int) -> bytes:
        """Return ids of a bucket from `index` on, joined: IDS_MAX of them, or what is left."""
        key = path_key(bucket_path(bucket))
        value = self._before.get(key, self._state.value_in(self._store, key))
        size = 0 if value is None else parse_state_value(value).size
        if index >= size:
            return b""
        return self._state.ids(self._store, bucket, index, min(IDS_MAX, size - index))

    def headers(self, below: int, above: int) -> tuple[bytes, ...]:
        """Return headers downward from below − 1, not reaching `above`, so many as one answer
        holds.
        """
        heights = range(min(below, self.height + 1) - 1, max(above, below - 1 - HEADERS_MAX), -1)
        found = [header for h in heights if (header := self._archive.header(h)) is not None]
        return tuple(found) if len(found) == len(heights) else ()

    def close(self) -> None:
        """Let go of the height."""
        with self._executor.changing:
            self._tree.unpin(self._pin)
        self._store.close()
