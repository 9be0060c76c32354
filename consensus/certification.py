"""Certification: members cosign what they executed; q cosignatures are a certificate (PBFT's
CHECKPOINT).

A machine of its own, apart from ordering, so that the ordering engine can be exchanged without
touching a proof. Each member signs a C2SP timestamped cosignature over the chain log's size and
root; on an idle chain it signs the same size anew from time to time, so that "complete as of" goes
on.

Invariants: never a smaller size than cosigned before, never another root of a size, never an
earlier time, never a time before the block's (ballots.py, across restarts); a certificate holds
exactly q lines in member order, none of them below the time of a block known here, none far ahead
of the own clock: one liar must not spoil what the others say about time (DESIGN section 4); a
member whose root differs from one that q members cosigned halts (R-DT-4). Source: PBFT 4.3; DESIGN
2.7, 2.8; formats.md 6.4. R-CP-2, R-RS-1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from consensus import inputs
from consensus.ballots import CosignatureBallots
from consensus.effects import CertificateReady, CertifierEffect, Halt, Report
from consensus.epoch import Epoch, Seat
from consensus.evidence import Evidence, Findings, Statement, Suspicion
from consensus.messages import COSIGNED, Cosigned
from consensus.outbox import Outbox
from consensus.records import COSIGNED_RECORD, CosignedRecord
from consensus.settings import CertifierSettings
from ledger.checkpoint import Certificate, Checkpoint, Cosignature, verify_cosignature
from ledger.errors import InvariantViolated, Malformed
from ledger.keys import Signer, Verify, verify
from ledger.limits import CLOCK_TOLERANCE_S
from ledger.votes import COSIGNATURE

__all__ = ["Certifier"]


# Seconds by which another's timestamp may be ahead of the own clock. Half of what verifiers
# tolerate: theirs may be behind ours.
AHEAD_MAX_S: Final = CLOCK_TOLERANCE_S // 2


@dataclass(frozen=True, slots=True)
class _Best:
    """The newest certificate: its size, and the least of its timestamps."""

    size: int
    least: int


class Certifier:
    """Cosigns and collects cosignatures for one member in one epoch."""

    def __init__(
        self,
        me: str,
        epoch: Epoch,
        origin: str,
        signer: Signer,
        settings: CertifierSettings,
        records: Iterable[tuple[int, bytes]] = (),
        verify: Verify = verify,
    ) -> None:
        """Take the member's id, its cosigner key, and the records stored before, oldest first.

        Nothing is cosigned before the Replica says `Recollected`: records may be gone, or an old
        copy of them put back. Were they, it says so again with a proven height beyond whatever this
        member may have cosigned: it never cosigned what it had not executed (R-DW-4).

        Raises: InvariantViolated when the records are damaged or contradict each other.
        """
        self._seat = Seat.take(me, epoch, b"", origin, verify)
        self._settings = settings
        self._ballots = CosignatureBallots(self._seat, signer)
        self._findings = Findings()
        self._own, self._own_record = self._resume(records)
        self._outbox: Outbox[CertifierEffect, Cosigned] = Outbox(self._own_record)
        self._newest: inputs.Rooted | None = None
        self._roots: dict[int, bytes] = {}
        self._floors: dict[int, int] = {}  # size -> its block's time in seconds, as the roots
        # place of a member -> size -> its newest cosignature there
        self._seen: dict[int, dict[int, Cosigned]] = {}
        if self._own is not None:
            self._keep(self._seat.index, self._own)  # durable: it counts, as before the restart
        self._best = _Best(epoch.base, 0)
        self._wall_s = 0
        self._tick = 0
        self._sent_tick = 0
        self._last: int | None = None  # the epoch's last height, once known
        self._waits = True  # for the Replica to say that no words are forgotten
        self._floor = 0  # cosign nothing below this size
        self._halted = False

    def _resume(self, records: Iterable[tuple[int, bytes]]) -> tuple[Cosigned | None, int]:
        """Return the newest own word of this epoch, and the number of the newest record."""
        own, last = None, 0
        for number, data in records:
            try:
                one = COSIGNED_RECORD.decode(data)
            except Malformed as error:
                raise InvariantViolated(f"cosignature record {number} is damaged") from error
            self._ballots.remember(one.size, one.root, one.timestamp)
            epoch, base = self._seat.epoch, self._seat.base
            if one.epoch > epoch or (one.epoch == epoch) != (one.size > base):
                raise InvariantViolated(
                    f"cosignature record {number} of size {one.size} is not of epoch {one.epoch}"
                )
            if one.epoch == epoch:
                own = Cosigned(epoch, one.size, one.root, one.timestamp, one.signature)
            last = number
        return own, last

    @property
    def certified(self) -> int:
        """The size of the newest certificate."""
        return self._best.size

    def step(self, event: inputs.CertifierInput) -> list[CertifierEffect]:
        """Take one input; return what is to be done, in order. Total, as Replica.step is."""
        if not self._halted:
            _HANDLERS[type(event)](self, event)
            for finding in self._findings.take():
                self._outbox.emit(Report(finding))
        return self._outbox.take()

    # -- the own word ---------------------------------------------------------------------------

    def _rooted(self, event: inputs.Rooted) -> None:
        own, last = self._own, self._last
        if event.height <= self._seat.base:
            return  # certified by the set before, whose machine this is not (R-MB-3)
        if last is not None and event.height > last:
            raise InvariantViolated(f"height {event.height} lies above the epoch's last, {last}")
        if event.last:
            self._last = event.height
        if own is not None and own.size == event.height and own.root != event.root:
            self._halt(f"the root of size {event.height} is not the one cosigned before")
            return
        self._newest = event
        self._roots[event.height] = event.root
        self._floors[event.height] = _seconds(event.time)
        self._forget_untimely(event.height, _seconds(event.time))
        while len(self._roots) > self._settings.heights_kept:
            oldest = next(iter(self._roots))
            del self._roots[oldest], self._floors[oldest]
        if event.height % self._settings.every == 0:
            self._cosign(event)
        self._certify(event.height)

    def _ticked(self, event: inputs.CertifierTick) -> None:
        self._tick = max(self._tick, event.tick)
        self._wall_s = max(self._wall_s, event.wall_s)
        newest, own = self._newest, self._own
        if newest is None:
            return
        if own is None or newest.height > own.size:
            self._cosign(newest)
        elif (
            newest.height == own.size and self._wall_s >= own.timestamp + self._settings.interval_s
        ):
            self._cosign(newest)  # an idle chain's time goes on
        elif own.size > self._best.size and self._is_due() and self._may_say(own.size):
            self._send_again(own)

    def _is_due(self) -> bool:
        return self._tick - self._sent_tick >= self._settings.resend_ticks

    def _may_say(self, size: int) -> bool:
        """Say whether a word about this size can contradict none that was forgotten (R-DW-4)."""
        return not self._waits and size >= self._floor

    def _cosign(self, newest: inputs.Rooted) -> None:
        """Sign, store, then send. Needs a clock: before the first tick nothing is signed."""
        own = self._own
        if not self._wall_s or (own is not None and newest.height < own.size):
            return
        if not self._may_say(newest.height):
            return
        # A cosignature never precedes its block (DESIGN 4, Times).
        # It never precedes the own one before, were that of an earlier epoch.
        before = self._ballots.last[2] if self._ballots.last else 0
        timestamp = max(self._wall_s, _seconds(newest.time), before)
        if own is not None and (newest.height, timestamp) == (own.size, own.timestamp):
            return
        checkpoint = Checkpoint(self._seat.origin, newest.height, newest.root)
        signature = self._ballots.sign(checkpoint, timestamp).signature
        word = (self._seat.epoch, newest.height, newest.root, timestamp, signature)
        self._own = Cosigned(*word)
        record = CosignedRecord(*word)
        self._own_record = self._outbox.store(COSIGNED_RECORD.encode(record))
        self._outbox.count_after(self._own_record, self._own)
        self._sent_tick = self._tick
        self._outbox.send_after(self._own_record, self._seat.others(), COSIGNED.encode(self._own))
        self._outbox.discard_after(self._own_record, self._own_record)

    def _send_again(self, own: Cosigned) -> None:
        self._sent_tick = self._tick
        self._outbox.send_again(self._own_record, self._seat.others(), COSIGNED.encode(own))

    def _stored(self, event: inputs.Stored) -> None:
        for own in self._outbox.stored(event.number):
            self._keep(self._seat.index, own)
            self._certify(own.size)

    def _recollected(self, event: inputs.Recollected) -> None:
        """Now it is known whether records are missing: if any are, as if all were (R-DW-4); or
        that whatever they said lies below what is proven.
        """
        self._waits = not event.complete
        self._floor = max(self._floor, event.proven)

    # -- the words of others --------------------------------------------------------------------

    def _delivered(self, event: inputs.Deliver) -> None:
        if self._seat.members.get(event.sender) is None or event.sender == self._seat.me:
            return
        try:
            message = COSIGNED.decode(event.data)
        except Malformed as error:
            self._findings.add(Suspicion(event.sender, f"malformed-{error.field}"))
            return
        if message.epoch != self._seat.epoch:
            return  # of another epoch's set: it proves nothing about the heights of this one
        place = self._seat.members.index(event.sender)
        known = self._seen.get(place, {}).get(message.size)
        if message.size < self._best.size or message.size <= self._seat.base:
            return
        if self._last is not None and message.size > self._last:
            return  # above the boundary the next set certifies, with other keys (R-MB-6)
        if (
            known is not None
            and known.root == message.root
            and known.timestamp >= message.timestamp
        ):
            return
        newest = self._newest
        if newest is not None and message.size < newest.height and message.size not in self._roots:
            return  # of a block this member jumped over: the newest will be certified, too
        if not self._is_timely(message):
            self._findings.add(Suspicion(event.sender, "untimely-cosignature"))
            return
        checkpoint = Checkpoint(self._seat.origin, message.size, message.root)
        line = Cosignature(event.sender, message.timestamp, message.signature)
        if not verify_cosignature(checkpoint, line, self._seat.members, self._seat.verify):
            self._findings.add(Suspicion(event.sender, "bad-cosignature"))
            return
        if known is not None and known.root != message.root:
            self._findings.add(
                Evidence(
                    event.sender, _statement(self._seat, known), _statement(self._seat, message)
                )
            )
            return  # the first word counts
        self._keep(place, message)
        self._certify(message.size)

    def _is_timely(self, message: Cosigned) -> bool:
        """Judge a timestamp by its block, or the newest known below it, and by the own clock.

        Before the first tick there is no clock: then what comes is too early, and comes again.
        """
        newest, floor = self._newest, self._floors.get(message.size, 0)
        if newest is not None and newest.height <= message.size:
            floor = _seconds(newest.time)
        if message.timestamp < floor:
            return False
        return message.timestamp <= self._wall_s + AHEAD_MAX_S

    def _forget_untimely(self, size: int, floor: int) -> None:
        """The block of a size is known now: words for it of an earlier time do not count.

        A certificate made of them before is replaced as soon as q members say better.
        """
        for sizes in self._seen.values():
            known = sizes.get(size)
            if known is not None and known.timestamp < floor:
                del sizes[size]
        if self._best.size == size and self._best.least < floor:
            self._best = _Best(size, -self._settings.interval_s)

    def _keep(self, place: int, message: Cosigned) -> None:
        sizes = self._seen.setdefault(place, {})
        sizes[message.size] = message
        if len(sizes) > self._settings.heights_kept:
            del sizes[min(sizes)]

    # -- certificates ---------------------------------------------------------------------------

    def _certify(self, size: int) -> None:
        """Emit a certificate for a size if q agree and it is larger, or clearly fresher, than the
        newest.
        """
        by_root: dict[bytes, list[tuple[int, Cosigned]]] = {}
        for place in sorted(self._seen):
            one = self._seen[place].get(size)
            if one is not None:
                by_root.setdefault(one.root, []).append((place, one))
        q = self._seat.members.q
        for root, lines in by_root.items():
            if len(lines) < q:
                continue
            if self._roots.get(size, root) != root:
                self._halt(f"q members cosigned another root of size {size}")
                return
            # The q latest, ties by place; then in member order (DESIGN 2.10).
            latest = sorted(lines, key=_latest_first)[:q]
            least = min([one.timestamp for _, one in latest])
            fresher = least >= self._best.least + max(1, self._settings.interval_s // 2)
            if size > self._best.size or (size == self._best.size and fresher):
                self._emit(size, root, sorted(latest, key=_by_place), least)

    def _emit(self, size: int, root: bytes, lines: list[tuple[int, Cosigned]], least: int) -> None:
        members = self._seat.members.members
        certificate = Certificate(
            Checkpoint(self._seat.origin, size, root),
            tuple(
                [
                    Cosignature(members[place].id, one.timestamp, one.signature)
                    for place, one in lines
                ]
            ),
        )
        self._best = _Best(size, least)
        for place, sizes in self._seen.items():
            self._seen[place] = {at: one for at, one in sizes.items() if at >= size}
        self._roots = {at: known for at, known in self._roots.items() if at >= size}
        self._floors = {at: known for at, known in self._floors.items() if at >= size}
        self._outbox.emit(CertificateReady(size, certificate))

    def _halt(self, reason: str) -> None:
        self._halted = True
        self._findings.add(Suspicion(self._seat.me, "diverged"))
        for finding in self._findings.take():
            self._outbox.emit(Report(finding))
        self._outbox.emit(Halt(reason))


def _seconds(time_ms: int) -> int:
    """Whole seconds, rounded up."""
    return -(-time_ms // 1000)


def _latest_first(line: tuple[int, Cosigned]) -> tuple[int, int]:
    return -line[1].timestamp, line[0]


def _by_place(line: tuple[int, Cosigned]) -> int:
    return line[0]


def _statement(seat: Seat, one: Cosigned) -> Statement:
    return Statement(COSIGNATURE, seat.epoch, one.timestamp, one.size, one.root, one.signature)


_HANDLERS: dict[type[Any], Callable[[Certifier, Any], None]] = {
    inputs.Rooted: Certifier._rooted,
    inputs.Deliver: Certifier._delivered,
    inputs.CertifierTick: Certifier._ticked,
    inputs.Stored: Certifier._stored,
    inputs.Recollected: Certifier._recollected,
}
