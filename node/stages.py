"""Where a member's processor time goes: nanoseconds of thread CPU time by stage.

CPU time and not wall time, because four members and their clients share two cores in our own
measurements. Each measurement costs about 0.5 µs and is taken per batch, never per transaction.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["STAGES", "Stages"]

STAGES = (
    "door",  # decoding and checking signatures of our own clients' transactions
    "check",  # checking signatures of transactions that others brought
    "consensus",  # the two machines, votes signed and checked included
    "contracts",  # running the contracts
    "tree",  # the state tree
    "store",  # writing blocks and votes
    "receipts",  # making receipts and answers
)


class Stages:
    """Accumulated CPU nanoseconds by stage; safe to use from several threads."""

    def __init__(self) -> None:
        self._spent = dict.fromkeys(STAGES, 0)
        self._lock = threading.Lock()

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Count the CPU time of the enclosed work of this thread."""
        begun = time.thread_time_ns()
        try:
            yield
        finally:
            spent = time.thread_time_ns() - begun
            with self._lock:
                self._spent[stage] += spent

    def seconds(self, stage: str) -> float:
        """Return the CPU seconds spent in a stage so far."""
        return self._spent[stage] / 1e9
