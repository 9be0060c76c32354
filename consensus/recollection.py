"""A member that has lost its ballots says nothing until nothing it may have said can matter.

Every start from records begins with the question, too, and until q−1 others have answered nothing
is signed: they show this member the newest words of its own that they have seen, and whether its
store is an older copy of itself (old_copy.py) is then known before it speaks, unless it was one of
more than f such members. This costs no liveness: with fewer than q members up nothing can be
ordered anyhow, and whoever waits for answers gives them; a power cut of everybody ends with a round
of questions.

A folder deleted, or never written: the driver says so (`Start.lost`), and a record keeps it so over
restarts. The member then only listens, executes and asks all others where they stand (`Recall`). It
may have voted for sequences up to two windows above the highest checkpoint that any of them has,
and have promised a view one above the highest any of them was in; so it speaks again when a
certificate lies beyond those sequences, and only in later views (R-DW-4).

Why all others, and why that suffices: what it once knew as stable, or promised after q left, some
honest other member knows too, but which one cannot be told. A liar can thus keep it silent for the
epoch; it can never make it contradict itself. Source: PBFT's recovery (TOCS'02);
R-DW-4.
"""

from __future__ import annotations

from consensus.effects import Effect, Recollected
from consensus.epoch import Seat
from consensus.messages import Commit, Recall, Recalled, Stable, encode
from consensus.new_view import check_stable
from consensus.ordering import Ordering
from consensus.outbox import Outbox
from consensus.records import RECORD, Lost
from consensus.recovery import Recovered
from consensus.settings import Settings

__all__ = ["Recollection"]

VIEWS_MAX = 1_000  # an answer that names a view so far ahead of any proven one ends nothing


class Recollection:
    """What the others say about where they stand, asked under a number of this life."""

    __slots__ = (
        "_answers",
        "_asked",
        "_nonce",
        "_ordering",
        "_outbox",
        "_seat",
        "_settings",
        "asking",
        "lost",
        "record",
    )

    def __init__(
        self,
        seat: Seat,
        settings: Settings,
        outbox: Outbox[Effect, Commit],
        ordering: Ordering,
        recovered: Recovered,
        lost: bool,
    ) -> None:
        """`lost`: the driver knows that there should be records."""
        self._seat = seat
        self._settings = settings
        self._outbox = outbox
        self._ordering = ordering
        self._nonce = 0
        self._asked = 0
        self._answers: dict[str, tuple[int, int]] = {}  # member -> view, proven stable height
        self.lost = lost or recovered.lost > 0
        self.record = recovered.lost  # number of the record that says so
        # Started from records, and not yet answered:
        self.asking = recovered.last_number > 0 and not self.lost and seat.members.q > 1
        ordering.silent = self.lost or self.asking
        if self.lost and not self.record:
            self.record = outbox.store(RECORD.encode(Lost(True)))
        if not self.asking:
            outbox.emit(Recollected(not self.lost))

    def on_tick(self, tick: int, wall_ms: int) -> None:
        """Ask those that have not answered; the wall clock tells this life from an earlier one."""
        if not (self.lost or self.asking) or not wall_ms:
            return
        if self._nonce and tick - self._asked < self._settings.resend_ticks:
            return
        self._nonce = self._nonce or wall_ms
        self._asked = tick
        silent = tuple(one for one in self._seat.others() if one not in self._answers)
        self._outbox.send(silent, encode(Recall(self._seat.epoch, self._nonce)))

    def answer(self, sender: str, message: Recall, view: int, stable: Stable) -> None:
        """Say where this member stands."""
        said = Recalled(self._seat.epoch, message.nonce, view, stable)
        self._outbox.send((sender,), encode(said))

    def on_recalled(self, sender: str, message: Recalled) -> bool:
        """Take an answer given in this life; say whether it is one.

        Raises: Malformed when its proof does not hold.
        """
        if not (self.lost or self.asking):
            return False
        if message.nonce != self._nonce or sender in self._answers:
            return False
        check_stable(message.stable, self._seat)
        self._answers[sender] = (message.view, message.stable.height)
        return True

    def may_speak(self) -> bool:
        """Say, once, that a member started from records has heard enough of itself to speak."""
        if self.lost or not self.asking or len(self._answers) < self._seat.members.q - 1:
            return False
        self.asking = self._ordering.silent = False
        proven = max(height for _, height in self._answers.values())
        self._outbox.emit(Recollected(True, proven))
        return True

    def lose(self) -> None:
        """The records turned out to be old: from here on they count as lost."""
        self.lost, self.asking = True, False
        self._ordering.silent = True
        self.record = self._outbox.store(RECORD.encode(Lost(True)))
        self._outbox.emit(Recollected(False))

    def found(self, stable: int, view: int) -> int | None:
        """Return the first view in which this member may be asked to vote, once it may speak."""
        if not self.lost or len(self._answers) < self._seat.members.n - 1:
            return None
        answers = self._answers.values()
        highest = max([height for _, height in answers], default=0)
        latest = max([one for one, _ in answers], default=0)
        if stable <= highest + 2 * self._settings.window or latest > view + VIEWS_MAX:
            return None
        self.lost = self._ordering.silent = False
        self._outbox.store(RECORD.encode(Lost(False)))
        self._outbox.emit(Recollected(True, stable))  # it cosigned nothing beyond, either
        return latest + 1
