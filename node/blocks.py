"""Executed blocks near at hand, by height.

The newest blocks stay decoded in memory, because their receipts are asked for right away; older
ones are one store read. Invariants: what is returned for a height is what the archive holds for it;
what is kept is bounded in number and in bytes. Safe to ask from several threads.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final

from ledger.block import RESULT, Result
from ledger.errors import InvariantViolated
from node.archive import Archive, StoredBlock
from node.execution import Executed

__all__ = ["Blocks"]

NEAR_BLOCKS_MAX: Final = 64  # blocks kept decoded: at full load some 30,000 results, 30 MB
NEAR_SIZE_MAX: Final = (
    64 * 1024 * 1024
)  # bytes of them: blocks of the largest size are 4 MiB and more


class Blocks:
    """Blocks by height over the archive."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._near: OrderedDict[int, StoredBlock] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def note(self, executed: Executed) -> None:
        """Keep a block that was just executed."""
        raws = tuple(transaction.raw for transaction in executed.transactions)
        self._keep(executed.height, StoredBlock(executed.header, raws, tuple(executed.results)))

    def stored(self, height: int) -> StoredBlock | None:
        """Return the block of an executed height, or None.

        Raises: ClientFault "history-not-held" for a height of the gap.
        """
        block = self.near(height)
        if block is None:
            block = self._archive.block(height)
            if block is None:
                self._archive.need_history(height)
            else:
                self._keep(height, block)
        return block

    def near(self, height: int) -> StoredBlock | None:
        """Return the block of a height when it is in memory: no read, no decoding."""
        return self._near.get(height)

    def result(self, height: int, index: int) -> Result:
        """Return the result at a place.

        Raises: InvariantViolated when there is no such place.
        """
        return RESULT.decode(self._need(height).results[index])

    def _need(self, height: int) -> StoredBlock:
        block = self.stored(height)
        if block is None:
            raise InvariantViolated(f"no block at height {height}")
        return block

    def _keep(self, height: int, block: StoredBlock) -> None:
        with self._lock:
            replaced = self._near.get(height)
            self._size += _size_of(block) - (0 if replaced is None else _size_of(replaced))
            self._near[height] = block
            while len(self._near) > NEAR_BLOCKS_MAX or self._size > NEAR_SIZE_MAX:
                self._size -= _size_of(self._near.popitem(last=False)[1])


def _size_of(block: StoredBlock) -> int:
    return sum(map(len, block.transactions)) + sum(map(len, block.results))
