"""Giving the state of one certified height to members that ask, a little at a time.

One height is held at a time and shared by all who fetch; a joiner says which. It is let go when
nobody has asked for a while, and in any case after HELD_SECONDS_MAX: what later blocks change is
kept for it meanwhile, and nobody shall make that last for ever. Each peer has one open question,
the newest; all are served in turn, and after each answer the server rests three times as long as
it took: giving a state away costs a quarter of a core at most, whoever asks and however often, and
no answer takes longer than some 10 ms (R-CP-4, R-RS-2).
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from typing import Final

from ledger.block import HEADER
from ledger.checkpoint import Certificate
from ledger.limits import RECENT_ROOTS
from node.archive import Archive
from node.channels import SNAPSHOT, Peers, frame
from node.driver import Driver
from node.epoch_store import StoredHandover
from node.snapshot.messages import (
    HANDOVERS_AT_ONCE,
    MESSAGE,
    Answer,
    AskChunk,
    AskHeaders,
    AskHold,
    AskIds,
    AskOffer,
    AskWalk,
    Gone,
    Headers,
    Holding,
    Ids,
    Offer,
    Piece,
    Question,
    Walked,
)
from node.snapshot.source import Source, Unavailable

__all__ = ["HELD_SECONDS", "HELD_SECONDS_MAX", "REST", "Serving"]

log = logging.getLogger(__name__)

HELD_SECONDS: Final = 60.0  # a joiner that was started anew finds the height it was fetching
HELD_SECONDS_MAX: Final = 1_800.0  # 10^7 entities travel in half of that
REST: Final = 3.0  # rests so many times as long as an answer took
WANTED_SECONDS: Final = 10.0  # a height nobody has asked for so long gives way to another


class Serving:
    """The server's side of snapshots."""

    def __init__(
        self,
        archive: Archive,
        driver: Driver,
        peers: Peers,
    ) -> None:
        self._archive = archive
        self._driver = driver
        self._peers = peers
        self._open: OrderedDict[str, Question] = OrderedDict()
        self._certificates: OrderedDict[int, Certificate] = OrderedDict()  # of recent sizes
        self._source: Source | None = None
        self._certificate: Certificate | None = None  # of the height that is held
        self._since = self._asked_at = 0.0
        self._timer: asyncio.Handle | None = None
        self._letting_go: asyncio.TimerHandle | None = None
        self.longest = 0.0  # seconds of the longest answer: what the loop had to wait
        driver.certificates.on_certified.append(self._note)

    @property
    def held(self) -> int | None:
        """The height that is held, or None."""
        return None if self._source is None else self._source.height

    def take(self, peer: str, question: Question) -> None:
        """Note a peer's question; its older one, if still open, is dropped."""
        self._open[peer] = question
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        if not self._open or self._driver.halted is not None:
            self._open.clear()
            return
        peer, question = self._open.popitem(last=False)
        begun = loop.time()
        with self._driver.guarded():
            self._peers.send(peer, frame(SNAPSHOT, MESSAGE.encode(self._answer(question, begun))))
        took = loop.time() - begun
        self.longest = max(self.longest, took)
        self._timer = loop.call_later(REST * took, self._next)

    def _answer(self, question: Question, now: float) -> Answer:
        if isinstance(question, AskOffer):
            return self._offer(question.above, now)
        if isinstance(question, AskWalk):
            return Walked(question.after, self._walk(question.after))
        if isinstance(question, AskHold):
            return Holding(question.height) if self._hold(question.height, now) else _gone(question)
        source = self._source
        if source is None or source.height != question.height:
            return _gone(question)
        self._asked_at = now
        if isinstance(question, AskChunk):
            return Piece(source.height, source.chunk(question.first))
        if isinstance(question, AskIds):
            joined = source.ids(question.bucket, question.index)
            return Ids(source.height, question.bucket, question.index, joined)
        headers = source.headers(question.below, question.above)
        return Headers(source.height, question.below, headers)

    # Heights.

    def _note(self, certificate: Certificate) -> None:
        self._certificates[certificate.checkpoint.size] = certificate
        if len(self._certificates) > RECENT_ROOTS:
            self._certificates.popitem(last=False)

    def _offer(self, above: int, now: float) -> Offer | Gone:
        """The height that others are fetching, or else the newest certified one that does not end
        an epoch: who certifies above that is not known by its state alone.
        """
        epochs = self._driver.executor.epochs
        for certificate in self._to_offer(now):
            height = certificate.checkpoint.size
            members, header = epochs.members(height), self._archive.header(height)
            if height <= above or header is None:
                break
            if HEADER.decode(header).members == members.digest():
                inclusion = self._driver.executor.log.inclusion(height - 1, height)
                return Offer(height, header, certificate.to_note(members), tuple(inclusion))
        return Gone(0)

    def _to_offer(self, now: float) -> list[Certificate]:
        if self._source is not None and self._is_wanted(now) and self._certificate is not None:
            return [self._certificate]
        newest = self._driver.certificate
        found = list(reversed(self._certificates.values()))
        return found if newest is None else [newest, *found]

    def _walk(self, after: int) -> tuple[StoredHandover, ...]:
        epochs = self._driver.executor.epochs
        numbers = range(after + 1, after + 1 + HANDOVERS_AT_ONCE)
        return tuple(one.stored() for number in numbers if (one := epochs.handover(number)))

    def _is_wanted(self, now: float) -> bool:
        return now - self._asked_at < WANTED_SECONDS

    def _hold(self, height: int, now: float) -> bool:
        """Say whether a height is held, after making it so where that can be."""
        newest = self._driver.certificate
        if self.held == height:
            self._asked_at = now
            return True
        held_for_others = self._source is not None and self._is_wanted(now)
        if held_for_others or newest is None or not 0 < height <= newest.checkpoint.size:
            return False
        self.let_go()
        try:
            self._source = Source(self._driver.executor, self._archive, height)
        except Unavailable:
            return False
        self._certificate = self._certificates.get(height)
        if newest.checkpoint.size == height:
            self._certificate = newest
        self._since = self._asked_at = now
        self._watch()
        log.info("the state of height %d is held for members that fetch it", height)
        return True

    def let_go(self) -> None:
        """Let go of the height that is held."""
        if self._letting_go is not None:
            self._letting_go.cancel()
            self._letting_go = None
        if self._source is not None:
            self._source.close()
            self._source = None

    def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        if now - self._asked_at >= HELD_SECONDS or now - self._since >= HELD_SECONDS_MAX:
            self.let_go()
            return
        self._letting_go = loop.call_later(HELD_SECONDS / 4, self._watch)

    def stop(self) -> None:
        """Serve nothing any more: after this the store may be closed."""
        self._open.clear()
        if self._timer is not None:
            self._timer.cancel()
        self.let_go()


def _gone(question: AskHold | AskHeaders | AskChunk | AskIds) -> Gone:
    return Gone(question.height)
