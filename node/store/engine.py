"""The store's narrow interface: ordered keys, atomic synced batches, snapshots (DESIGN section 6).

What it is: the one door to the disk for everything a member must not lose. Two engines stand behind
it (docs/decisions/0003) and pass one conformance test, so nothing above may know which of them it
has. What it is not: a schema. Which keys mean what is the business of those who write them.

Invariants:
- a batch is seen whole or not at all, by readers and after a crash;
- what was written with `sync=True` is there after SIGKILL and loss of power once `write` has
  returned;
- a range and a snapshot show the moment of their making, whatever is written later;
- damage is reported (StoreCorrupt), never read over: a short answer would be a false one;
- after one failed write every later write is refused until the store is opened anew, because the
  engine's log may end in half a record and a sync that failed once says nothing of the pages it
  lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

from ledger.errors import InvariantViolated

__all__ = [
    "Batch",
    "Reader",
    "Snapshot",
    "Store",
    "StoreClosed",
    "StoreCorrupt",
    "StoreError",
    "StoreFull",
    "StoreLocked",
    "StoreMismatch",
    "checked_key",
    "named",
    "prefix_stop",
]

KEY_LENGTH_MAX: Final = 512  # bytes: three identifiers of 96, a prefix and two numbers, and room
CACHE_SIZE: Final = 32 * 1024 * 1024  # bytes of blocks kept; four members may share a machine
WRITE_BUFFER_SIZE: Final = 64 * 1024 * 1024  # bytes in memory before a table is written
TABLE_SIZE: Final = 16 * 1024 * 1024  # bytes of one sorted file
BLOOM_BITS: Final = 10  # per key: 1% of the lookups of absent keys reach the disk
OPEN_FILES_MAX: Final = 256  # tables held open, of the 1,024 files a process usually may

Batch = Mapping[bytes, bytes | None]
"""What one atomic write changes: key to new value, or to None where the key is removed."""


class StoreError(InvariantViolated):
    """The store cannot do what was asked; the member must stop rather than go on without it."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(f"store {folder}: {reason}")
        self.folder = folder
        self.reason = reason


class StoreCorrupt(StoreError):
    """Bytes on disk are not those that were written: restore the folder, or rebuild it from the
    others.
    """


class StoreLocked(StoreError):
    """Another opener, in this process or another, holds the folder."""


class StoreFull(StoreError):
    """No space, quota or permitted file size is left; nothing of the failed batch is kept."""


class StoreMismatch(StoreError):
    """The folder belongs to the other engine, or to something that is no store."""


class StoreClosed(StoreError):
    """Used after `close`, or through a snapshot or range that outlived it."""


class Reader(Protocol):
    """What a store and a snapshot of it have in common."""

    def get(self, key: bytes) -> bytes | None:
        """The value of `key`, or None. Raises StoreCorrupt, StoreClosed."""
        ...

    def range(
        self,
        start: bytes | None = None,
        stop: bytes | None = None,
        *,
        reverse: bool = False,
        limit: int | None = None,
    ) -> Iterator[tuple[bytes, bytes]]:
        """Pairs with start <= key < stop in byte order, or backwards; at most `limit`.

        A bound of None is open. The pairs are those of the moment of the call. Raises StoreCorrupt
        where a damaged block is met, StoreClosed when the store is closed under it.
        """
        ...


class Snapshot(Reader, Protocol):
    """The store as it stood when the snapshot was taken; a context manager."""

    def close(self) -> None:
        """Lets the engine forget the old values. Safe to call twice."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Store(Reader, Protocol):
    """One open folder. Calls may come from any thread; `close` only after the others."""

    @property
    def engine(self) -> str:
        """`leveldb` or `rocksdb`: for operators, never for decisions."""
        ...

    @property
    def folder(self) -> Path:
        """The folder given to `open_store`."""
        ...

    def write(self, batch: Batch, *, sync: bool) -> None:
        """Applies the whole batch or none of it; with `sync`, returns only when it is on the disk.

        Raises StoreFull, StoreError (and again at every later write), StoreClosed.
        """
        ...

    def snapshot(self) -> Snapshot:
        """A view that later writes do not change."""
        ...

    def close(self) -> None:
        """Gives the folder back, ranges and snapshots included. Safe to call twice."""
        ...


_FULL = ("No space left on device", "Disk quota exceeded", "File too large")
# What the two engines say when a file they wrote is gone or is not what they wrote.
_CORRUPT = ("Corruption", "does not exist", "No such file", "CURRENT", "truncated")
# LevelDB within a process and across, RocksDB within a process and across.
_LOCKED = ("already held by process", "Resource temporarily unavailable", "lock hold by")


def named(error: BaseException, folder: Path) -> StoreError:
    """Our own error for what an engine raised; both tell their errors apart by text alone."""
    text = str(error)
    if error.args and isinstance(error.args[0], bytes):
        text = error.args[0].decode("utf-8", "replace")
    # Order matters: a lock error also names a path, and a full disk may be met while a table is
    # read.
    for kind, marks in ((StoreLocked, _LOCKED), (StoreFull, _FULL), (StoreCorrupt, _CORRUPT)):
        if any(mark in text for mark in marks):
            return kind(folder, _sentence(kind, text))
    return StoreError(folder, text)


def _sentence(kind: type[StoreError], text: str) -> str:
    if kind is StoreLocked:
        return f"is open elsewhere; one member runs on one folder ({text})"
    if kind is StoreFull:
        return f"has no space left ({text})"
    return f"is damaged ({text})"


def checked_key(key: bytes) -> bytes:
    """`key` itself; raises InvariantViolated unless it has 1 to KEY_LENGTH_MAX bytes."""
    if not 0 < len(key) <= KEY_LENGTH_MAX:
        raise InvariantViolated(f"store key of {len(key)} bytes; allowed are 1 to {KEY_LENGTH_MAX}")
    return key


def prefix_stop(prefix: bytes) -> bytes | None:
    """The least key above every key that begins with `prefix`; None where there is none."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1]) if kept else None
