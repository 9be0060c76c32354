"""How long a member waits for its primary, in ticks: the oldest thing waiting, doubling, capped,
reset on progress.

Two patiences: short when nothing is ordered at all; longer when others are ordered and only this
request is not, because under load members' queues differ in order for honest reasons.

A watch looks at the head of a queue: the oldest pending transaction, or the next sequence that is
proposed and not ordered. Each becomes the head in its turn, so every waiting request has its timer
(R-TL-5); the clock starts anew only when the head changes, so ordering others does not save a
primary that censors one (R-TL-6). Source: PBFT 4.5.2; R-TL-1, R-TL-2.
"""

from __future__ import annotations

from consensus.settings import Settings

__all__ = ["Patience", "Watch"]


class Watch:
    """Since when the same thing has been at the head."""

    __slots__ = ("_head", "since")

    def __init__(self) -> None:
        self._head: bytes | int | None = None
        self.since = 0

    def look(self, head: bytes | int | None, tick: int) -> int:
        """Return for how many ticks this head has waited; 0 for none or a new one."""
        if head is None or head != self._head:
            self._head, self.since = head, tick
            return 0
        return tick - self.since

    def waited(self, tick: int) -> int:
        """Return for how many ticks the head has waited; 0 without one."""
        return 0 if self._head is None else tick - self.since

    def restart(self) -> None:
        """Forget the head: a new primary gets the whole time (R-TL-5)."""
        self._head = None


class Patience:
    """Timers of one member: for its primary, and for the next one to show up."""

    __slots__ = (
        "_cap",
        "_censor_factor",
        "_least",
        "_new_view_since",
        "_progressed",
        "request",
        "slot",
        "timeout",
    )

    def __init__(self, settings: Settings) -> None:
        self._least = settings.timeout_ticks
        self._cap = settings.timeout_cap_ticks
        self._censor_factor = settings.censor_factor
        self._progressed = 0
        self.timeout = settings.timeout_ticks
        self.request = Watch()
        self.slot = Watch()
        self._new_view_since: int | None = None

    def progress(self, tick: int) -> None:
        """A request not executed before was executed: back to the least timeout (R-TL-1)."""
        self.timeout = self._least
        self._progressed = tick

    def judge(self, request: bytes | None, sequence: int | None, tick: int) -> str:
        """Return why the primary is not to be waited for any longer, or "" to wait on.

        `request` is the oldest pending transaction, `sequence` the next height if it is proposed.
        """
        if self.slot.look(sequence, tick) > self.timeout:
            return "silent"
        waited = self.request.look(request, tick)
        if min(waited, tick - self._progressed) > self.timeout:
            return "silent"
        return "censoring" if waited > self._censor_factor * self.timeout else ""

    def is_half_over(self, tick: int) -> bool:
        """Say whether the oldest request has waited so long that it should be spread again."""
        return self.request.waited(tick) * 2 >= self.timeout

    def left(self) -> None:
        """A view was left without having been waited for: the next gets twice the time (R-TL-1)."""
        self.timeout = min(2 * self.timeout, self._cap)
        self._new_view_since = None

    def entered(self) -> None:
        """A view was entered: its primary starts with a clean slate."""
        self._new_view_since = None
        self.request.restart()
        self.slot.restart()

    def quorum_left(self, tick: int) -> None:
        """Q members want the next view: from now on its primary is waited for (R-TL-2)."""
        if self._new_view_since is None:
            self._new_view_since = tick

    def new_view_overdue(self, tick: int) -> bool:
        """Say whether the NEW-VIEW has been waited for long enough."""
        return self._new_view_since is not None and tick - self._new_view_since > self.timeout
