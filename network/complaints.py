"""Log lines about peers and strangers, bounded in number: who can cause them must not fill a
disk.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

__all__ = ["Complaints"]

_LOG = logging.getLogger("network")


class Complaints:
    """At most one line per subject and span; the next line says how many were kept back."""

    def __init__(self, own_id: str, seconds: float, clock: Callable[[], float]) -> None:
        self._own_id = own_id
        self._seconds = seconds
        self._clock = clock
        # Subjects are peers and "strangers": as many as there are members, never more.
        self._last: dict[str, tuple[float, int]] = {}

    def about(self, subject: str, what: str) -> None:
        """Says `what` of `subject`, or counts it when one was said a moment ago."""
        now = self._clock()
        last = self._last.get(subject)
        if last is not None and now - last[0] < self._seconds:
            self._last[subject] = (last[0], last[1] + 1)
            return
        self._last[subject] = (now, 0)
        unsaid = f" ({last[1]} more before)" if last is not None and last[1] else ""
        _LOG.warning("%s: %s: %s%s", self._own_id, subject, what, unsaid)
