"""Fetching a snapshot: chosen by certificate, taken from several, checked piece by piece.

In order: members offer heights, prove the epochs up to there (`walk`), and one height is chosen
(`choosing`); they are asked to hold it; then the
headers from there down to our own last one, each known by the parent hash of the one above; the
state in chunks, each proved against the certified state root; the consumed ids of the live buckets,
against the frontiers that the state holds. Everything is written beside the state in force, and one
small write changes over (R-CP-6). A start anew goes on where it was.

Who shows something false is left out and reported; who is slow is asked less (`sources`). A lie
costs one piece, of a bucket of ids the bucket; one open question, ROUNDS_MAX heights and
TRANSFER_SECONDS_MAX for each bound the rest (R-CP-4). The pieces of a height are the same bytes
everywhere, so any member continues where another ended.

Invariants: nothing is put in force that does not lead to the certified roots; the height in force
only grows (R-CP-5).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

from ledger.block import HEADER
from ledger.checkpoint import Certificate, verify_certificate
from ledger.errors import InvariantViolated, Malformed
from ledger.merkle_log import leaf_hash
from ledger.quorum import faulty
from ledger.snapshot import FIRST_KEY, LAST_KEY, following, verify_chunk
from node.archive import Archive, Transfer
from node.channels import SNAPSHOT, Peers, frame
from node.driver import Driver
from node.snapshot.buckets import Buckets
from node.snapshot.choosing import Choosing
from node.snapshot.messages import (
    HEADERS_MAX,
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
    is_answer,
)
from node.snapshot.sources import Sources
from node.snapshot.walk import Walk
from node.state_store import StateWrites

__all__ = ["ANSWER_SECONDS", "OFFER_SECONDS", "ROUNDS_MAX", "TRANSFER_SECONDS_MAX", "Joining"]

log = logging.getLogger(__name__)

OFFER_SECONDS: Final = 1.0  # offers of the first second, if there are any, are enough to choose
ANSWER_SECONDS: Final = 5.0  # an answer takes 10 ms, and waits behind those of 14 other joiners
ROUNDS_MAX: Final = 6  # heights looked for, or members asked to hold one, before it is given up
TRANSFER_SECONDS_MAX: Final = 1_800.0  # as long as an honest server holds a height


class Joining:
    """The joiner's side; `done` hears the certificate of the state now in force, or None."""

    def __init__(
        self,
        origin: str,
        archive: Archive,
        driver: Driver,
        peers: Peers,
        others: Callable[[], Sequence[str]],
        done: Callable[[Certificate | None], None],
    ) -> None:
        """`others` gives whom to ask."""
        self._origin = origin
        self._archive = archive
        self._driver = driver
        self._peers = peers
        self._walk = Walk(driver.executor.epochs, origin)
        self._others = others
        self._done = done
        self.is_running = False
        self.pieces = 0
        self._timer: asyncio.TimerHandle | None = None
        self._base = self._rounds = 0
        self._sources = Sources(self._leave_out)
        self._choosing: Choosing | None = None
        self._transfer: Transfer | None = None
        self._asked_to_hold: set[str] = set()
        self._open: tuple[str, Question, float] | None = None  # whom, what, when
        self._give_up_at = 0.0
        self._root = b""  # the certified state root
        self._below, self._parent = 0, b""  # headers from here up are held; the next one's hash
        self._first: bytes | None = None  # where the next chunk begins
        self._buckets: Buckets | None = None

    def start(self) -> None:
        """Fetch a snapshot above our height, the one begun before if somebody still has it."""
        self.is_running = True
        self._base = self._driver.executor.height
        self._rounds, self._sources = 0, Sources(self._leave_out)
        self._walk = Walk(self._driver.executor.epochs, self._origin)
        self._give_up_at = asyncio.get_running_loop().time() + TRANSFER_SECONDS_MAX
        transfer = self._archive.transfer()
        if transfer is not None and transfer.height > self._base:
            self._invite(transfer)
        else:
            self._choose()

    def stop(self) -> None:
        """Wait for nothing any more; what was fetched stays for the next start."""
        self.is_running = False
        self._choosing = self._transfer = self._open = None
        self._arm(None)

    def deliver(self, sender: str, answer: Answer) -> None:
        """Take a peer's answer; what was not asked for is not looked at."""
        try:
            if self._choosing is not None:
                self._take_offer(self._choosing, sender, answer)
            elif isinstance(answer, Holding) or sender in self._asked_to_hold:
                self._take_holding(sender, answer)
            elif self._open is not None and self._open[0] == sender:
                self._take(sender, self._open[1], answer)
        except Malformed as error:
            self._sources.leave_out(sender, str(error))
            self._next()

    def _arm(self, then: Callable[[], None] | None, seconds: float | None = None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if then is not None:
            wait = ANSWER_SECONDS if seconds is None else seconds
            self._timer = asyncio.get_running_loop().call_later(wait, self._guarded, then)

    def _guarded(self, then: Callable[[], None]) -> None:
        if self.is_running and self._driver.halted is None:
            with self._driver.guarded():
                then()

    def _send(self, peer: str, question: Question) -> bool:
        return self._peers.send(peer, frame(SNAPSHOT, MESSAGE.encode(question)))

    def _send_all(self, question: Question) -> set[str]:
        """Ask everybody who has not been left out; returns who could be asked."""
        asked = [one for one in self._others() if one not in self._sources.left_out]
        return {one for one in asked if self._send(one, question)}

    def _leave_out(self, peer: str, why: str) -> None:
        self._driver.reports.append(f"snapshot: {peer}: {why}")
        log.warning("%s is asked for no more of a snapshot: %s", peer, why)

    # A height, and who holds it.

    def _again(self) -> bool:
        """Say whether one more round may be begun; the end otherwise."""
        self._open = self._choosing = None
        self._rounds += 1
        if self._rounds > ROUNDS_MAX:
            self._end(None)
        return self._rounds <= ROUNDS_MAX

    def _choose(self) -> None:
        """Look for a height; what was fetched of another is kept until one is found."""
        if not self._again():
            return
        asked = self._send_all(AskOffer(self._base))
        if not asked:
            self._end(None)
            return
        self._choosing = Choosing(asked, self._base, self._walk, self._origin)
        self._arm(self._chosen_among_few, OFFER_SECONDS)

    def _take_offer(self, choosing: Choosing, sender: str, answer: Answer) -> None:
        proof = choosing.take(sender, answer)
        if proof is not None:
            self._arm(self._chosen_among_few, OFFER_SECONDS)  # epochs proved are progress
            if not self._send(sender, proof):
                choosing.awaited.discard(sender)
        if not choosing.awaited:
            self._chosen()

    def _chosen_among_few(self) -> None:
        if self._best() is not None:
            self._chosen()
        else:
            self._arm(self._chosen)

    def _best(self) -> Offer | None:
        f = faulty(self._walk.last.members.n)
        return None if self._choosing is None else self._choosing.best(f)

    def _chosen(self) -> None:
        best, self._choosing = self._best(), None
        if best is None:
            self._end(None)
        else:
            self._give_up_at = asyncio.get_running_loop().time() + TRANSFER_SECONDS_MAX
            self._invite(self._archive.begin_transfer(best.height, best.header, best.note))

    def _invite(self, transfer: Transfer) -> None:
        """Ask all to hold the height; the first that does is asked for a piece."""
        self._transfer = transfer
        self._sources.clear()
        self._asked_to_hold = self._send_all(AskHold(transfer.height))
        if self._asked_to_hold:
            self._arm(self._choose)
        else:
            self._end(None)

    def _take_holding(self, sender: str, answer: Answer) -> None:
        transfer = self._transfer
        if transfer is None or sender not in self._asked_to_hold:
            return
        if not isinstance(answer, Holding | Gone) or answer.height != transfer.height:
            return
        self._asked_to_hold.discard(sender)
        if isinstance(answer, Holding):
            self._sources.add(sender)
            if self._open is None:
                self._resume(transfer)
                self._next()
        elif not self._asked_to_hold and self._open is None:
            self._choose()  # nobody can hold it

    def _resume(self, transfer: Transfer) -> None:
        """Find where fetching goes on, from what is on disk."""
        header = HEADER.decode(transfer.header)
        self._root = header.state
        self._archive.write_headers([(transfer.height, transfer.header)])
        self._below, self._parent = transfer.height, header.parent
        while self._below > self._base + 1:
            held = self._archive.header(self._below - 1)
            if held is None or leaf_hash(held) != self._parent:
                break
            self._below, self._parent = self._below - 1, HEADER.decode(held).parent
        if self._below == self._base + 1:
            self._need_own_chain(self._parent)
        last = self._archive.state_of(transfer.state).last_key()
        self._first = FIRST_KEY if last is None else following(last)
        self._buckets = None
        log.info("a snapshot of height %d is being fetched", transfer.height)

    # Pieces.

    def _next(self) -> None:
        """Ask for the next piece, or for another height."""
        if self._choosing is not None:
            if not self._choosing.awaited:
                self._chosen()
            return
        transfer, now = self._transfer, asyncio.get_running_loop().time()
        if transfer is None or now > self._give_up_at:
            self._choose()
            return
        question = self._next_question(transfer)
        if question is None:
            self._install(transfer)
            return
        for peer in self._candidates(question):
            if self._send(peer, question):
                self._open = peer, question, now
                self._arm(self._late)
                return
            self._sources.remove(peer)  # its queue is full, or it is away
        self._go_on_without(transfer)

    def _candidates(self, question: Question) -> list[str]:
        """Whom to ask: of one bucket the same member, because a lie shows at its end."""
        if self._buckets is not None and isinstance(question, AskIds) and question.index:
            return [self._buckets.giver]
        return self._sources.by_turn()

    def _go_on_without(self, transfer: Transfer) -> None:
        """Go on after those who would have been asked are gone."""
        self._open = None
        if len(self._sources):
            self._next()  # in the middle of a bucket, which another begins anew
        elif self._asked_to_hold:
            self._arm(self._choose)
        elif self._again():
            self._invite(transfer)

    def _late(self) -> None:
        if self._open is not None:
            peer, _, asked = self._open
            self._open = None
            self._sources.late(peer, asked, asyncio.get_running_loop().time())
        self._next()

    def _next_question(self, transfer: Transfer) -> Question | None:
        if self._walk.last.number < HEADER.decode(transfer.header).epoch:
            return AskWalk(self._walk.last.number)  # begun before a start, and proved then
        if self._below > self._base + 1:
            return AskHeaders(transfer.height, self._below, self._base)
        if self._first is not None:
            return AskChunk(transfer.height, self._first)
        if self._buckets is None:
            self._buckets = Buckets(self._archive, transfer)
        place = self._buckets.wanted(self._sources)
        return None if place is None else AskIds(transfer.height, *place)

    def _take(self, sender: str, question: Question, answer: Answer) -> None:
        if self._open is None or not is_answer(answer, question):
            return  # to an earlier question
        asked, self._open = self._open[2], None
        if isinstance(answer, Gone):
            self._sources.remove(sender)
        elif isinstance(answer, Walked):
            self._walk.take(answer.after, answer.handovers)
        elif isinstance(answer, Headers):
            self._take_headers(answer)
        elif isinstance(answer, Piece):
            self._take_chunk(answer)
        elif isinstance(answer, Ids) and self._buckets is not None:
            self._buckets.take(sender, answer.joined)
        self.pieces += 1
        self._sources.answered(sender, asked, asyncio.get_running_loop().time())
        self._next()

    def _take_headers(self, answer: Headers) -> None:
        """Keep headers downward, each known by the parent hash of the one above."""
        found: list[tuple[int, bytes]] = []
        below, parent = self._below, self._parent
        if len(answer.headers) != min(HEADERS_MAX, below - 1 - self._base):
            raise Malformed("headers", "are not as many as were asked for")
        for data in answer.headers:
            if leaf_hash(data) != parent:
                raise Malformed("headers", "are not the certified chain's")
            below -= 1
            found.append((below, data))
            parent = HEADER.decode(data).parent
        if below == self._base + 1:
            self._need_own_chain(parent)
        self._archive.write_headers(found)
        self._below, self._parent = below, parent

    def _need_own_chain(self, parent: bytes) -> None:
        """The certified chain and ours are one, or more than f members signed two (R-DT-4)."""
        if parent != self._driver.executor.parent:
            raise InvariantViolated(f"the certified chain does not continue ours at {self._base}")

    def _take_chunk(self, answer: Piece) -> None:
        transfer, first = self._transfer, self._first
        if transfer is None or first is None:
            return
        held = verify_chunk(answer.chunk, first, self._root)
        part = StateWrites({h.key: h.value for h in held}, {h.key: h.path for h in held})
        self._archive.write_part(transfer, part)
        last = answer.chunk.last
        self._first = None if last == LAST_KEY else following(last)

    def _install(self, transfer: Transfer) -> None:
        members = self._walk.members(transfer.height)
        certificate = Certificate.from_note(transfer.note, members)
        verify_certificate(certificate, members, self._origin)
        handovers = self._walk.handovers(transfer.height)
        for stored in handovers.values():
            height = HEADER.decode(stored.header).height
            if self._archive.header(height) != stored.header:
                raise InvariantViolated(f"two boundaries of one epoch are certified, at {height}")
        self._archive.finish_transfer(transfer, handovers)
        self._driver.change_over(certificate)
        log.info("the state of height %d is in force", transfer.height)
        self._end(certificate)

    def _end(self, certificate: Certificate | None) -> None:
        self.stop()
        self._done(certificate)
