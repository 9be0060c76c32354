"""Where a member's processor time goes: nanoseconds of thread CPU time by stage.

CPU time and not wall time, because four members and their clients share two cores in our own
measurements. Each measurement costs about 0.5 µs and is taken per batch, never per transaction.
"""

from __future__ import annotations

import threading
import time

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

    def measure(self, stage: str) -> _Measured:
        """Count the CPU time of the enclosed work of this thread."""
        return _Measured(self, stage)

    def spend(self, stage: str, nanoseconds: int) -> None:
        """Add CPU time to a stage."""
        with self._lock:
            self._spent[stage] += nanoseconds

    def seconds(self, stage: str) -> float:
        """Return the CPU seconds spent in a stage so far."""
        return self._spent[stage] / 1e9


class _Measured:
    """The enclosed work of one stage; a class, because a generator costs three times as much."""

    __slots__ = ("_begun", "_stage", "_stages")

    def __init__(self, stages: Stages, stage: str) -> None:
        self._stages = stages
        self._stage = stage

    def __enter__(self) -> None:
        self._begun = time.thread_time_ns()

    def __exit__(self, *_: object) -> None:
        self._stages.spend(self._stage, time.thread_time_ns() - self._begun)
