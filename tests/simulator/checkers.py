"""What must hold whatever happens: checked at every event, over all members, all time and all
restarts.

Numbers as in consensus.md 2.5: C1 agreement, C2 total order, C4 exactly once, C5 no equivocation,
C6 write-ahead, C7 votes imply certificates. (C12, liveness after healing, is judged by the world's
second phase.)
"""

from __future__ import annotations

from collections.abc import Iterable

from consensus import messages as wire
from consensus import records
from consensus.epoch import COMMIT, NEW_VIEW, PRE_PREPARE, PREPARE, VIEW_CHANGE, Seat
from consensus.new_view import check_committed, check_new_view, check_prepared, check_view_change

Key = tuple[str, int, int]  # kind, view, sequence


class Violation(Exception):
    """A checker found that something that must hold does not."""


class Checkers:
    """The word of an observer who sees every disk and every wire."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        self.canonical: dict[int, bytes] = {}  # height -> header hash, from whoever was first
        self._signed: dict[str, dict[Key, bytes]] = {}
        self._written: dict[str, dict[Key, bytes]] = {}
        self._cosigned: dict[str, dict[int, bytes]] = {}
        self._newest: dict[str, tuple[int, int]] = {}  # size and timestamp last sent

    # -- C1, C2 ---------------------------------------------------------------------------------

    def on_block(self, member: str, height: int, length: int, header: bytes) -> None:
        """A member appends a block to its durable chain of that length."""
        if height != length + 1:
            raise Violation(f"C2: {member} appends height {height} after {length}")
        first = self.canonical.setdefault(height, header)
        if first != header:
            raise Violation(f"C1: {member} has another block at {height}")

    def on_ordered(self, member: str, certificate: wire.Committed | None, height: int) -> None:
        """C7: a block is ordered only on a commit certificate that anybody can check."""
        if certificate is None or certificate.sequence != height:
            raise Violation(f"C7: {member} ordered {height} without a certificate")
        check_committed(certificate, self._seat)

    # -- C5, C6 ---------------------------------------------------------------------------------

    def on_record(self, member: str, place: int, data: bytes) -> None:
        """A record became durable. C7: a COMMIT stands beside a prepared certificate."""
        record = records.RECORD.decode(data)
        written = self._written.setdefault(member, {})
        if isinstance(record, records.Accepted):
            one = record.pre_prepare
            kind = PREPARE if record.prepare else PRE_PREPARE
            written[kind, one.view, one.sequence] = one.batch.digest()
        elif isinstance(record, records.Prepared):
            check_prepared(record.certificate, self._seat)
            certificate = record.certificate
            written[COMMIT, certificate.view, certificate.sequence] = certificate.digest
        elif isinstance(record, records.Promised):
            check_view_change(record.view_change, self._seat)
            written[VIEW_CHANGE, record.view_change.view, 0] = record.view_change.digest()
        elif isinstance(record, records.Entered):
            check_new_view(record.new_view, self._seat)
            for key, digest in _statements(record.new_view, place, self._seat):
                written[key] = digest

    def on_cosigned_record(self, member: str, data: bytes) -> None:
        """A cosignature became durable."""
        record = records.COSIGNED_RECORD.decode(data)
        written = self._cosigned.setdefault(member, {})
        known = written.setdefault(record.size, record.root)
        if known != record.root:
            raise Violation(f"C5: {member} cosigned two roots of size {record.size}")

    def on_send(self, member: str, place: int, data: bytes) -> None:
        """An honest member's message of the replica leaves."""
        message = wire.decode(data)
        signed = self._signed.setdefault(member, {})
        written = self._written.setdefault(member, {})
        for key, digest in _statements(message, place, self._seat):
            if signed.setdefault(key, digest) != digest:
                raise Violation(f"C5: {member} signed two digests for {key}")
            if written.get(key) != digest:
                raise Violation(f"C6: {member} sent {key} before it was durable")

    def on_cosigned(self, member: str, data: bytes) -> None:
        """An honest member's cosignature leaves: sizes and times never fall, one root for each
        size.
        """
        message = wire.COSIGNED.decode(data)
        if self._cosigned.setdefault(member, {}).get(message.size) != message.root:
            raise Violation(f"C6: {member} sent a cosignature before it was durable")
        now = (message.size, message.timestamp)
        before = self._newest.get(member, (0, 0))
        if now[0] < before[0] or now[1] < before[1]:
            raise Violation(f"C5: {member} cosigned {now} after {before}")
        self._newest[member] = now


def _statements(message: wire.Message, place: int, seat: Seat) -> Iterable[tuple[Key, bytes]]:
    """What the member at `place` itself says by sending this."""
    if isinstance(message, wire.PrePrepare):
        if seat.primary(message.view) == place:
            yield (PRE_PREPARE, message.view, message.sequence), message.batch.digest()
    elif isinstance(message, wire.Prepare):
        yield (PREPARE, message.view, message.sequence), message.digest
    elif isinstance(message, wire.Commit):
        yield (COMMIT, message.view, message.sequence), message.digest
    elif isinstance(message, wire.ViewChange):
        if message.member == place:
            yield (VIEW_CHANGE, message.view, 0), message.digest()
    elif isinstance(message, wire.NewView) and seat.primary(message.view) == place:
        yield (NEW_VIEW, message.view, 0), message.digest()
        for one in message.proposals:
            yield (PRE_PREPARE, message.view, one.sequence), one.digest
