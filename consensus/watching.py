"""Watching the primary: when to remind everybody of a waiting request, and when to complain.

A request that waits too long is first said again to all (`Overdue`, R-TL-6). Who has ordered it
already answers `Settled`, and f+1 such words, one of them of an honest member, end the wait: a
member that restarts has forgotten what was ordered, and whoever replays an old request to it must
not make it blame an honest primary (R-TL-4). A request that no proposal names is said again much
earlier, after an eighth of the timeout: then the primary holds it, whoever tried to keep it from
it, and how long it lets it lie is its own doing (R-TL-7). What it is not: the timers (patience.py),
nor leaving a view (view_change.py). Source: PBFT 4.4, 4.5.
"""

from __future__ import annotations

from consensus.effects import Effect
from consensus.epoch import Seat
from consensus.messages import DIGEST_SIZE, Commit, Overdue, Settled, encode
from consensus.ordering import Ordering
from consensus.outbox import Outbox
from consensus.patience import Patience
from consensus.pool import Pool
from consensus.settings import FORWARD_MAX, SPREAD_SIZE_MAX, Settings
from ledger.merkle_log import leaf_hash

__all__ = ["Watching"]


class Watching:
    """What one member expects of its primary, and what it says before it complains."""

    __slots__ = (
        "_heard",
        "_ordering",
        "_outbox",
        "_patience",
        "_pool",
        "_reminded",
        "_seat",
        "_settings",
        "_words",
    )

    def __init__(
        self,
        seat: Seat,
        settings: Settings,
        outbox: Outbox[Effect, Commit],
        ordering: Ordering,
        patience: Patience,
        pool: Pool,
    ) -> None:
        self._seat = seat
        self._settings = settings
        self._outbox = outbox
        self._ordering = ordering
        self._patience = patience
        self._pool = pool
        self._heard: dict[str, int] = {}  # tick of the last bytes from each member
        self._reminded = -1  # tick of the last reminder: what came before it was said in it
        # A pending digest -> the members that say they ordered it; only what waits is counted.
        self._words: dict[bytes, dict[str, None]] = {}

    def heard(self, sender: str, tick: int) -> None:
        """Some bytes of a member arrived."""
        self._heard[sender] = tick

    def look(self, tick: int, stable: int, is_left: bool) -> str:
        """Return why the primary is not to be waited for any longer, or "" (R-TL-5).

        `is_left`: somebody has left this view.
        """
        ordering, patience = self._ordering, self._patience
        # Cut off from a quorum, nothing could come of leaving; and a member that left alone could
        # not return to its view when the network heals (R-TL-4).
        recent = tick - 3 * self._settings.status_ticks
        alone = sum([at >= recent for at in self._heard.values()]) < self._seat.members.q - 1
        if alone or stable > ordering.executed or ordering.held:
            patience.entered()  # not the primary's fault: nobody waits for it now
            self.remind(tick)
            return ""
        if ordering.ordered > ordering.executed:
            return ""  # nor is it while the own node executes
        waiting = self._waiting_sequence()
        if waiting is None and is_left and ordering.executed > stable:
            # Whoever left this view may never have executed what the others have, and they may no
            # longer have the COMMITs to show; it is certified when a new view proposes it to all.
            waiting = ordering.executed
        if ordering.last is not None:  # requests wait for the next epoch
            self.remind(tick)
            verdict = patience.judge(None, waiting, tick)
            return "" if ordering.is_primary() else verdict
        oldest = self._pool.oldest()
        request = None if oldest is None else oldest[0]
        verdict = patience.judge(request, waiting, tick)
        slow = self._is_slow(tick, stable)
        if patience.is_half_over(tick):
            self._say(tick)
        if ordering.is_primary():
            return ""
        if slow and not verdict:
            patience.tenure.left()
            return "slow"
        return verdict

    def _is_slow(self, tick: int, stable: int) -> bool:
        """Say whether the primary has let requests lie for its whole tenure (R-TL-7)."""
        tenure, oldest = self._patience.tenure, self._pool.oldest_ready()
        if oldest is None or self._ordering.executed >= stable + self._settings.window:
            return False  # nothing lies there, or it may not propose before more is certified
        told = oldest.source == self._seat.me or oldest.since < self._reminded
        if not told and tenure.should_remind(oldest.since, tick):
            self._say_now(tick)
        return tenure.look(oldest.since, tick, told)

    def _waiting_sequence(self) -> int | None:
        """Return the next height to order, if a proposal at or above it waits, or must come."""
        ordering = self._ordering
        if ordering.last is not None:
            return None
        if self._seat.opens(ordering.ordered + 1):
            return ordering.ordered + 1
        for slot in ordering.log:
            if slot.sequence > ordering.ordered and slot.proposed is not None:
                return ordering.ordered + 1
        return None

    def remind(self, tick: int) -> None:
        """Without a primary to watch: say what has waited for half the patience (R-TL-6)."""
        oldest = self._pool.oldest()
        if oldest is not None and (tick - oldest[1].since) * 2 >= self._patience.timeout:
            self._say(tick)

    def _say(self, tick: int) -> None:
        """First make sure that everybody has it, then complain (R-TL-6)."""
        if tick - self._reminded >= self._patience.timeout // 2:
            self._say_now(tick)

    def _say_now(self, tick: int) -> None:
        self._reminded = tick
        pool = self._pool
        self._words = {name: who for name, who in self._words.items() if name in pool.entries}
        raws: list[bytes] = []
        size = 0
        for raw in pool.oldest_raws(FORWARD_MAX):
            size += len(raw)
            if raws and size > SPREAD_SIZE_MAX:
                break
            raws.append(raw)
        if raws:
            message = encode(Overdue(self._seat.epoch, tuple(raws)))
            self._outbox.send(self._seat.others(), message)

    def on_overdue(self, sender: str, message: Overdue) -> None:
        """Say which of these this member has ordered, so that the sender waits no longer."""
        digests = [leaf_hash(raw) for raw in message.raws]
        done = b"".join([one for one in digests if one in self._pool.ordered])
        if done:
            self._outbox.send((sender,), encode(Settled(self._seat.epoch, done)))

    def on_settled(self, sender: str, message: Settled) -> None:
        """Count a member's word; f+1 for a request end its wait."""
        blob = message.digests
        for at in range(0, len(blob), DIGEST_SIZE):
            digest = blob[at : at + DIGEST_SIZE]
            if digest not in self._pool.entries:
                continue
            who = self._words.setdefault(digest, {})
            who[sender] = None
            if len(who) >= self._seat.members.weak:
                del self._words[digest]
                self._pool.forget((digest,))
