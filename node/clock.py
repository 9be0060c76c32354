"""The only clock of a member: everything else is told the time as a value."""

from __future__ import annotations

import time

__all__ = ["TICK_SECONDS", "Clock"]

TICK_SECONDS = 0.01  # the engine counts ticks of 10 ms


class Clock:
    """Wall time with an offset, so that tests can run a member whose clock is wrong."""

    __slots__ = ("_offset_ms",)

    def __init__(self, offset_ms: int = 0) -> None:
        self._offset_ms = offset_ms

    def wall_ms(self) -> int:
        """Milliseconds since 1970 UTC."""
        return time.time_ns() // 1_000_000 + self._offset_ms

    def wall_s(self) -> int:
        """Whole seconds since 1970 UTC."""
        return self.wall_ms() // 1000

    def monotonic(self) -> float:
        """Seconds that never go back, for measuring durations."""
        return time.monotonic()
