"""A connection's clock: regular pings, and an alarm when nothing has been heard for too long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["Watch"]


class Watch:
    """Ticks until `end`. `heard` pushes the alarm back; a stalled loop of our own raises none."""

    __slots__ = (
        "_due",
        "_every",
        "_heard",
        "_loop",
        "_on_silence",
        "_on_tick",
        "_silence",
        "_timer",
    )

    def __init__(
        self,
        every: float,
        silence: float,
        on_tick: Callable[[], None],
        on_silence: Callable[[float], None],
    ) -> None:
        """`every`: seconds between ticks; `silence`: seconds unheard before the alarm."""
        self._loop = asyncio.get_running_loop()
        self._every = every
        self._silence = silence
        self._on_tick = on_tick
        self._on_silence = on_silence
        self._heard = self._loop.time()
        self._due = self._heard + every
        self._timer = self._loop.call_at(self._due, self._tick)

    def heard(self, silence: float | None = None) -> None:
        """Something came; `silence`, if given, is the patience from now on."""
        self._heard = self._loop.time()
        if silence is not None:
            self._silence = silence

    def end(self) -> None:
        """No tick and no alarm any more."""
        self._timer.cancel()

    def _tick(self) -> None:
        now = self._loop.time()
        if now - self._due > self._every:
            # We slept, not the peer: its words may lie unread in the socket.
            self._heard = now
        self._due = now + self._every
        self._timer = self._loop.call_at(self._due, self._tick)
        if now - self._heard >= self._silence:
            self._on_silence(now - self._heard)
        else:
            self._on_tick()
