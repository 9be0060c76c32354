"""Signatures of transactions that others brought: checked a few at once, more of them in a thread.

The engine asks (`Check`) and hears (`Checked`). Whether a signature holds is objective, so the
answer may come at any time; it goes to the machine that asked or to nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from ledger.errors import Malformed
from ledger.keys import verify
from ledger.transaction import Transaction
from node.stages import Stages

__all__ = ["INLINE_CHECKS_MAX", "Checking"]

# up to so many signatures are checked at once; more go to a thread (40 µs each)
INLINE_CHECKS_MAX: Final = 8

Answer = tuple[Transaction | None, ...]


class Checking:
    """Decodes transactions of one chain and checks their signatures."""

    def __init__(self, chain: bytes, stages: Stages) -> None:
        self._chain = chain
        self._stages = stages
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="signatures")

    def check(self, raws: Sequence[bytes], answer: Callable[[Callable[[], Answer]], None]) -> None:
        """Give `answer` what returns the transactions, None for each that does not hold, or
        raises.
        """
        if len(raws) <= INLINE_CHECKS_MAX:
            checked = self._checked(raws)
            answer(lambda: checked)
            return
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._thread, self._checked, raws)
        future.add_done_callback(lambda done: None if done.cancelled() else answer(done.result))

    def _checked(self, raws: Sequence[bytes]) -> Answer:
        with self._stages.measure("check"):
            return tuple(self._check_one(raw) for raw in raws)

    def _check_one(self, raw: bytes) -> Transaction | None:
        try:
            transaction = Transaction.decode(raw)
        except Malformed:
            return None
        if transaction.body.chain != self._chain:
            return None
        return transaction if transaction.check_signatures(verify) else None

    def stop(self) -> None:
        """Let go of the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)
