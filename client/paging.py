"""A period of more events than one bundle holds, asked for page by page; and the pages judged
together.

A page is a bundle of a shorter period. Where it may end is not a member's word: it is the time of
an event that a member proves to stand so many places further on in the log. Every page but the
first is asked with the checkpoint of the page before it as its pin, so that all are of one chain.

Pages prove the whole period when each is clean, each begins where the one before it ended, and
between two of them the log has no event: the first event of a page has the place that follows the
last event of the page before (docs/FORMATS.md 8, Pages). The places close the one gap that times
leave open: an event that entered, at the end of a page that was then the end of the log, between
two questions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from client.session import Conversation, Session
from client.verify import verify_now
from ledger.bundle import Ranged
from ledger.bundle_file import decode_bundle
from ledger.claims import EventAt, Period
from ledger.errors import ClientFault
from ledger.genesis import Genesis
from ledger.leaf import LEAF
from ledger.limits import BUNDLE_EVENTS_MAX
from ledger.tlog_policy import Policy
from ledger.verdict import Report

__all__ = ["Paging", "Together"]


class Paging:
    """Where the reader of a period stands. `pin` is the checkpoint that the next page must extend;
    `done` is whether the last page has been taken.
    """

    def __init__(self, claim: Period, pin: str | None = None) -> None:
        self.rest = claim
        self.pin = pin
        self.done = False
        self._start: int | None = None  # the place of the first event of the rest, once it is known
        self._most: int | None = None  # events of a page; None: the whole rest may fit

    def ask(self, session: Session) -> Conversation[bytes]:
        """Return the next page, verified, and stay where one stands; of an entity that does not
        exist, its absence.

        Raises: ClientFault "answer-too-large" when a single instant has more than a bundle holds.
        """
        while True:
            claim = self.rest if self._most is None else (yield from self._part(session))
            try:
                return (yield from session.prove(claim, self.pin))
            except ClientFault as fault:
                if fault.code != "answer-too-large" or self._most == 1:
                    raise
            # Two places are kept for the neighbours; what is too large all the same is so in bytes.
            self._most = BUNDLE_EVENTS_MAX - 2 if self._most is None else self._most // 2

    def turn(self, page: bytes) -> None:
        """Go past a page that `ask` returned."""
        bundle = decode_bundle(page)
        if not isinstance(bundle.claim, Period) or bundle.claim.until == self.rest.until:
            self.done = True
            return
        self._start = _places(bundle.entities[0], bundle.claim)[1]
        self.pin = bundle.checkpoint
        self.rest = Period(self.rest.path, bundle.claim.until, self.rest.until)

    def _part(self, session: Session) -> Conversation[Period]:
        """The rest, or its beginning up to the time of the event that no longer fits."""
        if self._most is None:
            return self.rest
        path, since = self.rest.path, self.rest.since
        if self._start is None:
            instant = Period(path, since, since + 1)
            first = decode_bundle((yield from session.prove(instant, self.pin)))
            self._start = _places(first.entities[0], instant)[0]
        beyond = EventAt(path, self._start + self._most)
        try:
            bundle = decode_bundle((yield from session.prove(beyond, self.pin)))
        except ClientFault as fault:
            if fault.code != "no-such-event":
                raise
            return self.rest
        shown = bundle.entities[0]
        time = LEAF.decode(shown.leaves[0]).time if isinstance(shown, Ranged) else since
        if time <= since:
            raise ClientFault("answer-too-large", limit=self._most, what="events")
        return Period(path, since, min(time, self.rest.until))


def _places(shown: object, claim: Period) -> tuple[int, int]:
    """Of a verified page: the place of the first event of its period, and the place after the
    last.
    """
    if not isinstance(shown, Ranged):
        return 0, 0
    times = [LEAF.decode(leaf).time for leaf in shown.leaves]
    before = sum(time < claim.since for time in times)
    within = sum(claim.since <= time < claim.until for time in times)
    return shown.first + before, shown.first + before + within


@dataclass(slots=True)
class Together:
    """Pages judged one after another, in their order. `claim` is the period that they prove so far,
    `events` how many events it has; `fault` the first reason why they do not: a code of
    client/words, and its parameters.
    """

    genesis: Genesis
    pin: str | None = None
    policy: Policy | None = None
    claim: Period | None = None
    events: int = 0
    pages: int = 0
    fault: tuple[str, Mapping[str, Any]] | None = None
    _place: int = field(default=0, init=False)

    def add(self, page: bytes, max_age_s: int | None = None) -> Report:
        """Judge one more page. Never raises for any bytes."""
        report = verify_now(page, self.genesis, None, max_age_s, self.pin, self.policy)
        self.pages += 1
        if self.fault is None:
            self.fault = self._join(report)
        return report

    def _join(self, report: Report) -> tuple[str, Mapping[str, Any]] | None:
        bundle, at = report.bundle, {"page": self.pages}
        if bundle is None or not report.exit_ok or report.completeness.state != "clean":
            return "page-not-clean", at
        if not isinstance(bundle.claim, Period):
            return "page-of-no-period", at
        claim = bundle.claim
        first, after = _places(bundle.entities[0], claim)
        if self.claim is None:
            self.claim = claim
        elif claim.path != self.claim.path:
            return "page-of-another", at
        elif claim.since != self.claim.until:
            return "page-not-next", at
        elif first != self._place:
            return "page-leaves-out", {**at, "events": first - self._place}
        self.claim = Period(claim.path, self.claim.since, claim.until)
        self.events += after - first
        self._place, self.pin = after, bundle.checkpoint
        return None
