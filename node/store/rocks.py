"""The store over RocksDB (rocksdict): the engine where plyvel has no wheel, Python 3.13 and later.

Raw mode: keys and values are the bytes given, not rocksdict's own encoding. What rocksdict 0.3
offers first is avoided where the conformance test found it wanting:

- `items()` ends in silence at a damaged block: ranges walk a bare iterator and ask for its status;
- ranges over its Snapshot show later writes: a snapshot here is a held iterator, which RocksDB pins
  to the moment of its making (memory it holds back is freed by `close`, so snapshots are
  short-lived);
- bounds of ReadOptions are encoded even in raw mode: bounds are compared here;
- iterators keep the folder locked after `close`: the store knows them and lets them go.

rocksdict keeps the interpreter lock while RocksDB works: a synced write stops the event loop.

The log is recovered with `tolerate_corrupted_tail_records`: a record torn at the end was never
acknowledged and is dropped, any other damage is an error. (RocksDB's default stops at the damage
and drops what follows, synced or not: a member would forget votes it has sent.)
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Final, Self
from weakref import WeakSet

from rocksdict import (
    BlockBasedOptions,
    Cache,
    DBCompressionType,
    DBRecoveryMode,
    Options,
    Rdict,
    RdictIter,
    WriteBatch,
    WriteOptions,
)

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

__all__ = ["RocksStore"]

_LOG = logging.getLogger(__name__)

_LOG_FILES_KEPT: Final = 2  # RocksDB's own text logs
_LOG_FILE_SIZE: Final = 1024 * 1024  # bytes of one of them
_CHUNK_FIRST: Final = 8  # pairs a range reads ahead at first: most ask for few
_CHUNK_MAX: Final = 512  # and at most


class _Cursor:
    """One iterator, pinned to its moment; ranges share it, seeking anew for each chunk."""

    __slots__ = ("__weakref__", "_folder", "_it", "_lock")

    def __init__(self, it: RdictIter, folder: Path) -> None:
        self._it: RdictIter | None = it
        self._folder = folder
        self._lock = Lock()

    def release(self) -> None:
        """Lets RocksDB forget the moment; the folder's lock hangs on it too."""
        with self._lock:
            self._it = None

    def check(self) -> RdictIter:
        """The iterator. Raises StoreClosed after `release`."""
        if self._it is None:
            raise StoreClosed(self._folder, "is closed")
        return self._it

    def read(
        self, position: bytes | None, bound: bytes | None, count: int, *, reverse: bool, skip: bool
    ) -> list[tuple[bytes, bytes]]:
        """At most `count` pairs from `position` (without it when `skip`) towards `bound`."""
        pairs: list[tuple[bytes, bytes]] = []
        with self._lock:
            it = self.check()
            _seek(it, position, reverse=reverse, skip=skip)
            step = it.prev if reverse else it.next
            while len(pairs) < count and it.valid():
                key = it.key()
                if bound is not None and (key < bound if reverse else key >= bound):
                    break
                pairs.append((key, it.value()))
                step()
            if not it.valid():
                # Only the status tells the end of the store from a block that cannot be read.
                try:
                    it.status()
                except Exception as error:
                    raise named(error, self._folder) from error
        return pairs


class _RocksReader:
    """Ranges over the cursor that a subclass gives."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _cursor(self) -> _Cursor:
        raise NotImplementedError

    def range(
        self,
        start: bytes | None = None,
        stop: bytes | None = None,
        *,
        reverse: bool = False,
        limit: int | None = None,
    ) -> Iterator[tuple[bytes, bytes]]:
        """See engine.Reader.range."""
        # Taken here and not in the generator, so that the range shows the moment of this call.
        cursor = self._cursor()
        if start is not None and stop is not None and start >= stop:
            return iter(())
        if reverse:
            return _walk(cursor, stop, start, limit, reverse=True)
        return _walk(cursor, start, stop, limit, reverse=False)


class RocksStore(_RocksReader):
    """One open RocksDB folder; made by `open_store` alone."""

    engine = "rocksdb"

    def __init__(self, files: Path, folder: Path, *, create: bool) -> None:
        """Opens `files` inside `folder`. Raises StoreLocked, StoreCorrupt, StoreError."""
        super().__init__(folder)
        try:
            self._database = Rdict(str(files), _options(create=create))
        except Exception as error:  # rocksdict raises Exception itself
            raise named(error, folder) from error
        self._cursors: WeakSet[_Cursor] = WeakSet()
        self._synced, self._unsynced = WriteOptions(), WriteOptions()
        self._synced.sync = True
        self._failed: StoreError | None = None
        self._closed = False

    @property
    def folder(self) -> Path:
        """The folder given to `open_store`."""
        return self._folder

    def get(self, key: bytes) -> bytes | None:
        """See engine.Reader.get."""
        try:
            value: bytes | None = self._database.get(key)
        except Exception as error:
            raise self._ours(error) from error
        return value

    def write(self, batch: Batch, *, sync: bool) -> None:
        """See engine.Store.write."""
        if self._failed is not None:
            raise self._failed
        changes = WriteBatch(raw_mode=True)
        for key, value in batch.items():
            if value is None:
                changes.delete(checked_key(key))
            else:
                changes.put(checked_key(key), value)
        try:
            self._database.write(changes, self._synced if sync else self._unsynced)
        except Exception as error:
            self._failed = self._ours(error)
            raise self._failed from error

    def snapshot(self) -> Snapshot:
        """See engine.Store.snapshot."""
        return _RocksSnapshot(self._cursor(), self._folder)

    def close(self) -> None:
        """See engine.Store.close."""
        if self._closed:
            return
        self._closed = True
        for cursor in list(self._cursors):
            cursor.release()
        try:
            self._database.close()
        except Exception as error:  # noqa: BLE001  (the binding raises bare Exception)
            # The last flush failed on damage or a full disk; the log still holds what was written.
            _LOG.warning("%s", named(error, self._folder))

    def _cursor(self) -> _Cursor:
        try:
            cursor = _Cursor(self._database.iter(), self._folder)
        except Exception as error:
            raise self._ours(error) from error
        self._cursors.add(cursor)
        return cursor

    def _ours(self, error: Exception) -> StoreError:
        if self._closed:
            return StoreClosed(self._folder, "is closed")
        return named(error, self._folder)


class _RocksSnapshot(_RocksReader):
    def __init__(self, cursor: _Cursor, folder: Path) -> None:
        super().__init__(folder)
        self._held = cursor

    def get(self, key: bytes) -> bytes | None:
        """See engine.Reader.get."""
        found = self._held.read(key, key + b"\0", 1, reverse=False, skip=False)
        return found[0][1] if found else None

    def close(self) -> None:
        """See engine.Snapshot.close."""
        self._held.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _cursor(self) -> _Cursor:
        self._held.check()
        return self._held


def _options(*, create: bool) -> Options:
    tables = BlockBasedOptions()
    tables.set_block_cache(Cache(CACHE_SIZE))
    tables.set_bloom_filter(BLOOM_BITS, False)
    options = Options(raw_mode=True)
    options.create_if_missing(create)
    options.set_paranoid_checks(True)
    options.set_wal_recovery_mode(DBRecoveryMode.tolerate_corrupted_tail_records())
    options.set_write_buffer_size(WRITE_BUFFER_SIZE)
    options.set_compression_type(DBCompressionType.none())
    options.set_target_file_size_base(TABLE_SIZE)
    options.set_max_open_files(OPEN_FILES_MAX)
    options.set_block_based_table_factory(tables)
    options.set_keep_log_file_num(_LOG_FILES_KEPT)
    options.set_max_log_file_size(_LOG_FILE_SIZE)
    return options


def _seek(it: RdictIter, position: bytes | None, *, reverse: bool, skip: bool) -> None:
    if reverse:
        it.seek_to_last() if position is None else it.seek_for_prev(position)
    else:
        it.seek_to_first() if position is None else it.seek(position)
    if skip and it.valid() and it.key() == position:
        it.prev() if reverse else it.next()


def _walk(
    cursor: _Cursor,
    position: bytes | None,
    bound: bytes | None,
    limit: int | None,
    *,
    reverse: bool,
) -> Iterator[tuple[bytes, bytes]]:
    left, chunk = limit, _CHUNK_FIRST
    skip = reverse  # a backward range begins at its stop, which it does not hold
    while left is None or left > 0:
        count = chunk if left is None else min(chunk, left)
        pairs = cursor.read(position, bound, count, reverse=reverse, skip=skip)
        for pair in pairs:
            cursor.check()
            yield pair
        if len(pairs) < count:
            return
        position, skip = pairs[-1][0], True
        left = None if left is None else left - count
        chunk = min(2 * chunk, _CHUNK_MAX)
