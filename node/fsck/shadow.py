"""The scratch store that re-execution writes: what the folder should hold, in less room.

Blocks, leaves and records, which are most of a folder, are kept as their SHA-256: they are only
compared.
Nothing is synced, because a scratch store that a crash took is made again.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

from node.store import Batch, Snapshot, Store, open_store

__all__ = ["DIGESTED", "Shadow"]

DIGESTED: Final = (b"b", b"l", b"r")  # families whose values are kept as digests


class Shadow:
    """A store (node.store.Store) in a scratch folder."""

    def __init__(self, folder: Path) -> None:
        self._store: Store = open_store(folder)

    @property
    def engine(self) -> str:
        """The engine beneath."""
        return self._store.engine

    @property
    def folder(self) -> Path:
        """The scratch folder."""
        return self._store.folder

    def get(self, key: bytes) -> bytes | None:
        """The value of a key; of a digested family its SHA-256."""
        return self._store.get(key)

    def range(
        self,
        start: bytes | None = None,
        stop: bytes | None = None,
        *,
        reverse: bool = False,
        limit: int | None = None,
    ) -> Iterator[tuple[bytes, bytes]]:
        """Pairs in order of keys; see node.store.Reader."""
        return self._store.range(start, stop, reverse=reverse, limit=limit)

    def write(self, batch: Batch, *, sync: bool) -> None:
        """Apply a batch, digested and unsynced."""
        self._store.write(
            {
                key: sha256(value).digest() if value is not None and key[:1] in DIGESTED else value
                for key, value in batch.items()
            },
            sync=False,
        )

    def snapshot(self) -> Snapshot:
        """A view that later writes do not change."""
        return self._store.snapshot()

    def close(self) -> None:
        """Give the folder back."""
        self._store.close()
