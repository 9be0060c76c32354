"""The consensus records of a folder: readable, in order, signed by whom they must be signed.

They cannot be recomputed, so they are held against public keys: what this member says, against its
own; what it holds of others, against theirs; checkpoints in them, against the chain. What a record
means: consensus.records. Source: R-DW-2, R-DW-3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from consensus.epoch import COMMIT, PRE_PREPARE, PREPARE, Seat
from consensus.messages import Stable, ViewChange
from consensus.new_view import check_new_view, check_prepared, check_stable, check_view_change
from consensus.records import (
    COSIGNED_RECORD,
    RECORD,
    Accepted,
    Base,
    CosignedRecord,
    Entered,
    Lost,
    Prepared,
    Promised,
    Record,
)
from ledger.checkpoint import Checkpoint, Cosignature, verify_cosignature
from ledger.errors import Malformed
from ledger.merkle_log import MerkleLog
from ledger.transaction import Transaction
from node.fsck.findings import Findings

__all__ = ["check_certifier_records", "check_engine_records"]

ENGINE: Final = "engine-record"
CERTIFIER: Final = "certifier-record"

Records = Iterable[tuple[int, bytes]]


def check_engine_records(records: Records, seat: Seat, log: MerkleLog, findings: Findings) -> None:
    """Check the engine's records of one epoch, oldest first; `log`: the folder's chain log."""
    for number, data in records:
        try:
            _check_record(RECORD.decode(data), seat, log)
        except Malformed as error:
            findings.add(ENGINE, f"record {number}: {error}")


def _check_record(record: Record, seat: Seat, log: MerkleLog) -> None:
    if isinstance(record, Accepted):
        _check_accepted(record, seat)
    elif isinstance(record, Prepared):
        certificate = record.certificate
        check_prepared(certificate, seat)
        place = (certificate.view, certificate.sequence, certificate.digest)
        if not seat.vote_holds(seat.index, COMMIT, *place, record.commit):
            raise Malformed("prepared.commit", "is not this member's signature")
    elif isinstance(record, Promised):
        _check_promised(record.view_change, seat, log)
    elif isinstance(record, Entered):
        check_new_view(record.new_view, seat)
    elif isinstance(record, Base):
        _check_base(record, seat, log)
    elif not isinstance(record, Lost):
        raise Malformed("record", "is of a kind that is not checked")


def _check_accepted(record: Accepted, seat: Seat) -> None:
    one = record.pre_prepare
    if one.epoch != seat.epoch:
        raise Malformed("accepted.epoch", "is another epoch's")
    digest = one.batch.digest()
    primary = seat.primary(one.view)
    if not seat.vote_holds(primary, PRE_PREPARE, one.view, one.sequence, digest, one.signature):
        raise Malformed("accepted.pre_prepare", "is not signed by the primary of its view")
    if primary != seat.index and not seat.vote_holds(
        seat.index, PREPARE, one.view, one.sequence, digest, record.prepare
    ):
        raise Malformed("accepted.prepare", "is not this member's signature")
    if primary == seat.index and record.prepare:
        raise Malformed("accepted.prepare", "is empty where this member is the primary")
    if [Transaction.decode(raw).digest for raw in record.raws] != one.batch.names():
        raise Malformed("accepted.raws", "are not the batch's transactions")


def _check_promised(message: ViewChange, seat: Seat, log: MerkleLog) -> None:
    if message.member != seat.index:
        raise Malformed("promised", "is another member's")
    check_view_change(message, seat)
    _check_root(message.stable, log)


def _check_base(record: Base, seat: Seat, log: MerkleLog) -> None:
    if record.epoch != seat.epoch:
        raise Malformed("base.epoch", "is another epoch's")
    check_stable(record.stable, seat)
    _check_root(record.stable, log)
    promised, entered = record.promised, record.entered
    if promised is not None:
        _check_promised(promised, seat, log)
    if entered is not None:
        check_new_view(entered, seat)
    known = [0, *(one.view for one in (promised, entered) if one is not None)]
    if record.view != max(known):
        raise Malformed("base.view", "is not the newest view promised or entered")
    started = record.view == 0 or (entered is not None and entered.view == record.view)
    if record.active != started:
        raise Malformed("base.active", "contradicts what was promised and entered")


def _check_root(stable: Stable, log: MerkleLog) -> None:
    if 0 < stable.height <= log.size and stable.lines and log.root(stable.height) != stable.root:
        raise Malformed("stable.root", f"is not the chain's at height {stable.height}")


def check_certifier_records(
    records: Records, seats: Mapping[int, Seat], log: MerkleLog, findings: Findings
) -> None:
    """Check the certifier's records, oldest first; `seats`: this member's, by epoch."""
    last = (0, b"", 0)
    for number, data in records:
        try:
            record = COSIGNED_RECORD.decode(data)
            _check_cosigned(record, seats.get(record.epoch), log)
            if record.size < last[0] or record.timestamp < last[2]:
                raise Malformed("cosigned", "goes back behind the record before")
            last = (record.size, record.root, record.timestamp)
        except Malformed as error:
            findings.add(CERTIFIER, f"record {number}: {error}")


def _check_cosigned(record: CosignedRecord, seat: Seat | None, log: MerkleLog) -> None:
    if seat is None:
        raise Malformed("cosigned.epoch", "is one in which this member had no seat")
    line = Cosignature(seat.me, record.timestamp, record.signature)
    checkpoint = Checkpoint(seat.origin, record.size, record.root)
    if not verify_cosignature(checkpoint, line, seat.members, seat.verify):
        raise Malformed("cosigned", "is not this member's signature")
    if record.size <= seat.base:
        raise Malformed("cosigned.size", "is of an epoch before")
    if record.size > log.size:
        raise Malformed("cosigned.size", f"is above the newest block, {log.size}")
    if log.root(record.size) != record.root:
        raise Malformed("cosigned.root", f"is not the chain's at height {record.size}")
