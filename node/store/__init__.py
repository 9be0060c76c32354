"""What a member keeps on disk: ordered bytes behind a narrow interface, over LevelDB or RocksDB.

`open_store(folder)` is the door; `engine` says what a store promises, docs/decisions/0003 why there
are two.
"""

from __future__ import annotations

from node.store.engine import (
    Batch,
    Reader,
    Snapshot,
    Store,
    StoreClosed,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreLocked,
    StoreMismatch,
    prefix_stop,
)
from node.store.opening import installed_engines, open_store

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
    "installed_engines",
    "open_store",
    "prefix_stop",
]
