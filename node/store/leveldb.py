"""The store over LevelDB (plyvel): the engine where its wheel exists, Python 3.11 and 3.12.

plyvel gives up the interpreter lock while LevelDB works, so a synced write in a thread lets the
event loop go on. `paranoid_checks` makes a damaged log an error when the folder is opened (LevelDB
otherwise drops the rest of it in silence), and every read asks for its block's checksum. A record
torn at the very end of the log is what a crash leaves behind, was never acknowledged, and is
dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import plyvel

from node.store.engine import (
    BLOOM_BITS,
    CACHE_SIZE,
    OPEN_FILES_MAX,
    TABLE_SIZE,
    WRITE_BUFFER_SIZE,
    Batch,
    Snapshot,
    StoreClosed,
    StoreError,
    checked_key,
    named,
)

__all__ = ["LevelStore"]


class _Pairs(Protocol):
    """plyvel's iterator, which publishes no types."""

    def __next__(self) -> tuple[bytes, bytes]: ...

    def close(self) -> None: ...


class _Source(Protocol):
    """What plyvel's database and its snapshots have in common."""

    def get(self, key: bytes, *, verify_checksums: bool) -> bytes | None: ...

    def iterator(
        self,
        *,
        start: bytes | None,
        stop: bytes | None,
        reverse: bool,
        verify_checksums: bool,
        fill_cache: bool,
    ) -> _Pairs: ...

    def close(self) -> None: ...


class _LevelReader:
    """get and range over a plyvel database or snapshot, which have the same methods."""

    def __init__(self, source: _Source, folder: Path) -> None:
        self._source = source
        self._folder = folder

    def get(self, key: bytes) -> bytes | None:
        """See engine.Reader.get."""
        try:
            return self._source.get(key, verify_checksums=True)
        except (plyvel.Error, RuntimeError) as error:
            raise _ours(error, self._folder) from error

    def range(
        self,
        start: bytes | None = None,
        stop: bytes | None = None,
        *,
        reverse: bool = False,
        limit: int | None = None,
    ) -> Iterator[tuple[bytes, bytes]]:
        """See engine.Reader.range."""
        if start is not None and stop is not None and start >= stop:
            return iter(())
        try:
            # Made here and not in the generator, so that the range shows the moment of this call.
            found = self._source.iterator(
                # plyvel 1.5 loses a backward range whose last pair lies exactly at `start`.
                start=None if reverse else start,
                stop=stop,
                reverse=reverse,
                verify_checksums=True,
                fill_cache=False,
            )
        except (plyvel.Error, RuntimeError) as error:
            raise _ours(error, self._folder) from error
        return _walk(found, start if reverse else None, limit, self._folder)


class LevelStore(_LevelReader):
    """One open LevelDB folder; made by `open_store` alone."""

    engine = "leveldb"

    def __init__(self, files: Path, folder: Path, *, create: bool) -> None:
        """Opens `files` inside `folder`. Raises StoreLocked, StoreCorrupt, StoreError."""
        try:
            self._database = plyvel.DB(
                str(files),
                create_if_missing=create,
                paranoid_checks=True,
                write_buffer_size=WRITE_BUFFER_SIZE,
                max_open_files=OPEN_FILES_MAX,
                lru_cache_size=CACHE_SIZE,
                bloom_filter_bits=BLOOM_BITS,
                # Compressing and merging again and again cost 95 us a transaction (decision 0003).
                compression=None,
                max_file_size=TABLE_SIZE,
            )
        except plyvel.Error as error:
            raise named(error, folder) from error
        super().__init__(self._database, folder)
        self._failed: StoreError | None = None

    @property
    def folder(self) -> Path:
        """The folder given to `open_store`."""
        return self._folder

    def write(self, batch: Batch, *, sync: bool) -> None:
        """See engine.Store.write."""
        if self._failed is not None:
            raise self._failed
        try:
            changes = self._database.write_batch(sync=sync)
            for key, value in batch.items():
                if value is None:
                    changes.delete(checked_key(key))
                else:
                    changes.put(checked_key(key), value)
            changes.write()
        except (plyvel.Error, RuntimeError) as error:
            self._failed = _ours(error, self._folder)
            raise self._failed from error

    def snapshot(self) -> Snapshot:
        """See engine.Store.snapshot."""
        try:
            return _LevelSnapshot(self._database.snapshot(), self._folder)
        except (plyvel.Error, RuntimeError) as error:
            raise _ours(error, self._folder) from error

    def close(self) -> None:
        """See engine.Store.close."""
        self._database.close()


class _LevelSnapshot(_LevelReader):
    def close(self) -> None:
        """See engine.Snapshot.close."""
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _walk(
    found: _Pairs, least: bytes | None, limit: int | None, folder: Path
) -> Iterator[tuple[bytes, bytes]]:
    left = limit
    try:
        while left is None or left > 0:
            try:
                pair = next(found)
            except StopIteration:
                return
            except (plyvel.Error, RuntimeError) as error:
                raise _ours(error, folder) from error
            if least is not None and pair[0] < least:
                return
            yield pair
            left = None if left is None else left - 1
    finally:
        found.close()


def _ours(error: Exception, folder: Path) -> StoreError:
    # plyvel says RuntimeError for anything used after close, and for nothing else.
    if isinstance(error, RuntimeError):
        return StoreClosed(folder, "is closed")
    return named(error, folder)
