"""Signals that end the demonstration, turned into one exception, so that every `finally` stops the
children.

While something must not be torn (a child between its start and its being known) a signal is held
back and raised afterwards. Only the main thread may use this.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

__all__ = ["Signals", "Stopped"]

_NUMBERS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """A signal asked this process to stop."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class Signals:
    """Context in which SIGINT, SIGTERM and SIGHUP raise Stopped in the main thread, once."""

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}
        self._held = False
        self._pending: int | None = None

    def __enter__(self) -> Signals:
        for number in _NUMBERS:
            self._before[number] = signal.signal(number, self._on)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on(self, number: int, _frame: FrameType | None) -> None:
        if self._held:
            self._pending = number
        else:
            raise Stopped(number)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold signals back inside; one that came is raised on the way out."""
        if self._held:
            yield
            return
        self._held = True
        try:
            yield
        finally:
            self._held = False
        if self._pending is not None:
            number, self._pending = self._pending, None
            raise Stopped(number)

    def ignore(self) -> None:
        """From now on nothing interrupts: what is being stopped is stopped to the end."""
        self._held = True
