"""Helping members that lag, and catching up when this one does.

Members gossip where they stand (R-TL-8). Who stands still behind others is sent the commit
certificates it lacks, the newest stable checkpoint with its proof, and the NEW-VIEW it missed. A
member behind a proven checkpoint that cannot be reached by commit certificates asks its driver for
blocks (NeedState), votes meanwhile, and orders again after Installed (R-CP-4, R-VC-13).

Invariant: answers to one member are bounded per status period, whatever it asks (R-RS-1, R-RS-2).
"""

from __future__ import annotations

from collections.abc import Iterable

from consensus.effects import Effect, NeedState
from consensus.epoch import Seat
from consensus.messages import (
    DIGEST_SIZE,
    Batch,
    Batches,
    Commit,
    Fetch,
    Stable,
    StableProof,
    Status,
    Transactions,
    encode,
)
from consensus.ordering import Ordering
from consensus.outbox import Outbox
from consensus.patience import Watch
from consensus.settings import FETCH_MAX, SPREAD_COUNT_MAX, SPREAD_SIZE_MAX, Settings
from consensus.view_change import ViewChanges

__all__ = ["CatchUp", "portions"]

COMMITTED_AT_ONCE = 8  # commit certificates sent to one member per status period
FETCHED_PER_PERIOD = 4 * FETCH_MAX  # digests of one member looked up per status period


class CatchUp:
    """Status gossip, fetching and serving of one member."""

    __slots__ = (
        "_answered",
        "_lag",
        "_ordering",
        "_outbox",
        "_seat",
        "_seen",
        "_served",
        "_settings",
        "_shown",
        "_turn",
        "_views",
    )

    def __init__(
        self,
        seat: Seat,
        settings: Settings,
        outbox: Outbox[Effect, Commit],
        ordering: Ordering,
        views: ViewChanges,
    ) -> None:
        self._seat = seat
        self._settings = settings
        self._outbox = outbox
        self._ordering = ordering
        self._views = views
        self._seen: dict[str, int] = {}  # executed height in a member's last status
        self._answered: dict[str, int] = {}  # tick of the last answer to a member's status
        self._served: dict[str, tuple[int, int]] = {}  # lookups and bytes given this period
        self._shown: dict[str, tuple[int, int]] = {}  # view and tick of the last NEW-VIEW sent
        self._lag = Watch()
        self._turn = 0

    # -- asking ---------------------------------------------------------------------------------

    def on_tick(self, tick: int, stable: Stable) -> None:
        """Say where this member stands, ask for what it lacks, send open votes again."""
        if tick % self._settings.status_ticks == 0:
            self._served = {}
            self._gossip(stable)
        if tick % self._settings.fetch_ticks == 0:
            self._fetch()
        self._watch_lag(tick, stable.height)

    def _gossip(self, stable: Stable) -> None:
        ordering = self._ordering
        status = Status(
            self._seat.epoch, self._views.view, ordering.active, ordering.executed, stable.height
        )
        self._outbox.send(self._seat.others(), encode(status))

    def _fetch(self) -> None:
        ordering = self._ordering
        # Also of what is executed but not yet stable: after a loss of power the others may be
        # behind this member, and need its vote, which it gives for whole batches alone (R-Q-6).
        settled = min(ordering.ordered, ordering.log.low)
        batches, names = ordering.bodies.missing(settled)
        others = self._seat.others()
        if not (batches or names) or not others:
            return
        # The primary first, then each in turn: one that answers nothing costs one period (R-CP-4).
        target = others[self._turn % len(others)]
        primary = self._seat.members.primary(ordering.view).id
        if self._turn % (len(others) + 1) == 0 and primary != self._seat.me:
            target = primary
        self._turn += 1
        self._outbox.send((target,), encode(Fetch(batches, names)))

    def _watch_lag(self, tick: int, stable: int) -> None:
        ordering = self._ordering
        if ordering.held or ordering.ordered > ordering.executed or stable <= ordering.executed:
            self._lag.look(None, tick)
            return
        waited = self._lag.look(ordering.executed, tick)
        far = stable > ordering.executed + self._settings.window
        if far or waited > self._settings.lag_ticks:
            self._lag.restart()
            ordering.held = True
            self._outbox.emit(NeedState(stable))

    # -- answering ------------------------------------------------------------------------------

    def on_status(self, sender: str, message: Status, tick: int, stable: Stable) -> None:
        """Help a member that stands behind."""
        period = self._settings.status_ticks
        if tick - self._answered.get(sender, -period) < period // 2:
            return
        self._answered[sender] = tick
        stands_still = self._seen.get(sender) == message.executed
        self._seen[sender] = message.executed
        entered = self._views.entered
        if entered is not None and self._ordering.active:
            behind = message.view < entered.view
            if behind or (message.view == entered.view and not message.active):
                self._show(sender, entered.view, tick)
        if message.stable < stable.height and stable.height > self._seat.base:
            self._outbox.send((sender,), encode(StableProof(self._seat.epoch, stable)))
        if stands_still:
            self._send_committed(sender, message.executed)

    def _show(self, sender: str, view: int, tick: int) -> None:
        """Send the NEW-VIEW, which may be large, only so often to one member."""
        shown, since = self._shown.get(sender, (-1, 0))
        if shown != view or tick - since >= self._settings.resend_ticks:
            self._shown[sender] = (view, tick)
            self._views.show(sender)

    def _send_committed(self, sender: str, executed: int) -> None:
        for sequence in range(executed + 1, executed + 1 + COMMITTED_AT_ONCE):
            slot = self._ordering.log.get(sequence)
            if slot is None or slot.decided is None:
                return
            self._outbox.send((sender,), encode(slot.decided))

    def on_fetch(self, sender: str, message: Fetch) -> None:
        """Answer with the batches and bodies that are here, within this period's allowance."""
        count, size = self._served.get(sender, (0, 0))
        if count >= FETCHED_PER_PERIOD or size >= self._settings.serve_size:
            return
        batches: list[Batch] = []
        for digest in _digests(message.batches):
            batch = self._ordering.bodies.find_batch(digest)
            if batch is not None:
                batches.append(batch)
                size += len(batch.digests)
        raws = []
        for digest in _digests(message.transactions):
            raw = self._ordering.bodies.find_raw(digest)
            if raw is not None and size + len(raw) <= self._settings.serve_size:
                raws.append(raw)
                size += len(raw)
        looked_up = (len(message.batches) + len(message.transactions)) // DIGEST_SIZE
        self._served[sender] = (count + 1 + looked_up, size)
        if batches:
            self._outbox.send((sender,), encode(Batches(tuple(batches))))
        for portion in portions(raws):
            self._outbox.send((sender,), encode(Transactions(portion)))


def _digests(blob: bytes) -> list[bytes]:
    return [blob[at : at + DIGEST_SIZE] for at in range(0, len(blob), DIGEST_SIZE)]


def portions(raws: Iterable[bytes]) -> list[tuple[bytes, ...]]:
    """Return bodies in messages of bounded count and size, in order."""
    result: list[tuple[bytes, ...]] = []
    current: list[bytes] = []
    size = 0
    for raw in raws:
        if current and (len(current) >= SPREAD_COUNT_MAX or size + len(raw) > SPREAD_SIZE_MAX):
            result.append(tuple(current))
            current, size = [], 0
        current.append(raw)
        size += len(raw)
    if current:
        result.append(tuple(current))
    return result
