"""How long a member waits for its primary, in ticks: the oldest thing waiting, doubling, capped,
reset on progress.

Two patiences: short when nothing is ordered at all; longer when others are ordered and only this
request is not, because under load members' queues differ in order for honest reasons.

A watch looks at the head of a queue: the oldest pending transaction, or the next sequence that is
proposed and not ordered. Each becomes the head in its turn, so every waiting request has its timer
(R-TL-5); the clock starts anew only when the head changes, so ordering others does not save a
primary that censors one (R-TL-6). A third patience outlives its requests: all the time in which
this primary let any request lie adds up, so that staying just below the timeout throttles nobody
for ever (`Tenure`, R-TL-7). Source: PBFT 4.5.2; R-TL-1, R-TL-2; Aardvark (NSDI'09) for the idea.
"""

from __future__ import annotations

from consensus.settings import Settings

__all__ = ["Patience", "Tenure", "Watch"]


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


class Tenure:
    """How much slowness this primary has left: ticks in which it let requests lie (R-TL-7).

    Only what this member knows the primary to hold counts, so no other member can make an honest
    primary look slow; and a member replaces a primary for slowness at most once in a whole tenure
    of it, which doubles while the network or the load is to blame, so that leaving does not help.
    """

    __slots__ = ("_cap", "_least", "_served", "_since", "_slow", "budget", "spent")

    def __init__(self, settings: Settings) -> None:
        self._slow = max(1, settings.timeout_ticks // 4)
        self._least = settings.tenure_factor * settings.timeout_ticks
        self._cap = settings.tenure_cap_factor * settings.timeout_ticks
        self._served = self._since = 0
        self.budget = self._least
        self.spent = 0

    def should_remind(self, since: int, tick: int) -> bool:
        """Say whether a request that no proposal names should be said to the primary again."""
        return (tick - since) * 2 >= self._slow

    def look(self, since: int, tick: int, told: bool) -> bool:
        """Count a tick in which the oldest request that no proposal names is here since then.

        `told`: this member itself has given it to the primary. Returns whether the primary has
        used up its tenure.
        """
        if tick - max(since, self._since) < self._slow:
            self._served += 1
            if self._served >= self._least:
                self.budget = self._least  # served promptly for long: the load is not to blame
            return False
        if told:
            self.spent += 1
        return self.spent > self.budget

    def left(self) -> None:
        """The view was left because its primary was slow: the next gets twice the time."""
        self.budget = min(2 * self.budget, self._cap)

    def entered(self, tick: int) -> None:
        """A view was entered: a new primary, a new tenure; what waited before is not its doing."""
        self.spent = self._served = 0
        self._since = tick


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
        "tenure",
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
        self.tenure = Tenure(settings)
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
