"""Work beside the loop: one thread for what takes long, and a bounded line before it.

The loop carries votes. Whatever a stranger may ask for that costs more than some milliseconds is
done here, one after the other; what would wait behind too many is refused. The thread shares the
interpreter with the loop, which therefore slows down a little and never stops.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ledger.errors import ClientFault

__all__ = ["Beside"]

done = TypeVar("done")


class Beside:
    """One thread, and how many requests may stand before it (None: bounded by who asks)."""

    def __init__(self, name: str, waiting_max: int | None = None) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._waiting_max = waiting_max
        self._waiting = 0

    async def run(self, work: Callable[[], done]) -> done:
        """Return what `work` returns, raise what it raises.

        Raises: ClientFault "too-many-waiting".
        """
        if self._waiting_max is not None and self._waiting >= self._waiting_max:
            raise ClientFault("too-many-waiting", limit=self._waiting_max)
        future = self._thread.submit(work)
        self._waiting += 1
        loop = asyncio.get_running_loop()
        # Counted until the thread is through with it: a client that leaves frees no place.
        future.add_done_callback(lambda _: self._tell(loop))
        return await asyncio.wrap_future(future)

    def _tell(self, loop: asyncio.AbstractEventLoop) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._through)

    def _through(self) -> None:
        self._waiting -= 1

    def stop(self) -> None:
        """Finish what is being done, drop the rest: the store may be closed after this."""
        self._thread.shutdown(wait=True, cancel_futures=True)
