"""From durable records back to a member that says again exactly what it said before (R-DW-2,
R-VC-14).

`fold` reads the log of records in order; `resume` puts its outcome into fresh sub-machines.
Nothing is signed here: signatures come from the records, and ballots refuse anything that
contradicts them. Raises InvariantViolated for records that cannot be our own: a damaged store must
stop the node (R-DW-3).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from consensus.ballots import Ballots
from consensus.epoch import COMMIT, NEW_VIEW, PRE_PREPARE, PREPARE, VIEW_CHANGE, Seat
from consensus.messages import GENESIS_STABLE, NULL_DIGEST, NewView, Stable, ViewChange
from consensus.ordering import Ordering
from consensus.pool import Pool
from consensus.records import RECORD, Accepted, Base, Entered, Lost, Prepared, Promised
from consensus.slots import Proposed, Vote
from consensus.view_change import ViewChanges
from ledger.errors import InvariantViolated, Malformed
from ledger.transaction import Transaction

__all__ = ["Recovered", "fold", "resume"]


@dataclass(slots=True)
class Recovered:
    """What the records say."""

    last_number: int = 0
    view: int = 0
    active: bool = True
    stable: Stable = GENESIS_STABLE
    promised: ViewChange | None = None
    entered: NewView | None = None
    lost: int = 0  # the record that says that earlier ones are gone; 0 for none
    accepted: list[tuple[int, Accepted]] = field(default_factory=list)
    prepared: list[tuple[int, Prepared]] = field(default_factory=list)


def fold(records: Iterable[tuple[int, bytes]], seat: Seat) -> Recovered:
    """Read (number, record) in ascending order.

    Raises: InvariantViolated when a record is not readable or out of order.
    """
    state = Recovered(stable=Stable(seat.base, GENESIS_STABLE.root, ()))
    for number, data in records:
        if number <= state.last_number:
            raise InvariantViolated(f"record {number} is out of order")
        state.last_number = number
        try:
            record = RECORD.decode(data)
        except Malformed as error:
            raise InvariantViolated(f"record {number} is damaged: {error}") from error
        if isinstance(record, Accepted):
            state.accepted.append((number, record))
        elif isinstance(record, Prepared):
            state.prepared.append((number, record))
        elif isinstance(record, Promised):
            state.promised = record.view_change
            state.view, state.active = record.view_change.view, False
        elif isinstance(record, Entered):
            state.entered = record.new_view
            state.view, state.active = record.new_view.view, True
        elif isinstance(record, Lost):
            state.lost = number if record.lost else 0
        else:
            _fold_base(state, record, seat)
    low = state.stable.height
    state.accepted = [one for one in state.accepted if one[1].pre_prepare.sequence > low]
    state.prepared = [one for one in state.prepared if one[1].certificate.sequence > low]
    return state


def _fold_base(state: Recovered, record: Base, seat: Seat) -> None:
    if record.epoch != seat.epoch:
        raise InvariantViolated(f"the records are of epoch {record.epoch}, not {seat.epoch}")
    state.view, state.active = record.view, record.active
    state.stable = record.stable
    state.promised, state.entered = record.promised, record.entered


def resume(
    state: Recovered,
    seat: Seat,
    ballots: Ballots,
    ordering: Ordering,
    views: ViewChanges,
    pool: Pool,
) -> None:
    """Put what the records say into fresh sub-machines."""
    _resume_ballots(state, seat, ballots)
    views.resume(state.view, state.promised, state.entered)
    ordering.view, ordering.active = state.view, state.active
    ordering.log.raise_low(state.stable.height)
    ordering.next_sequence = max(ordering.next_sequence, state.stable.height + 1)
    if state.active and state.entered is not None:
        _resume_proposals(state.entered, ordering)
    for number, record in state.accepted:
        _resume_accepted(number, record, seat, ordering, pool)
    for number, prepared in state.prepared:
        certificate = prepared.certificate
        slot = ordering.log.open(certificate.sequence, 0)
        slot.stored(number)
        slot.prepared = certificate
        slot.commit_view = certificate.view
        slot.add(COMMIT, seat.index, Vote(certificate.view, certificate.digest, prepared.commit))


def _resume_proposals(entered: NewView, ordering: Ordering) -> None:
    for one in entered.proposals:
        ordering.next_sequence = max(ordering.next_sequence, one.sequence + 1)
        if ordering.log.holds(one.sequence):
            slot = ordering.log.open(one.sequence, 0)
            slot.proposed = Proposed(entered.view, one.digest, one.signature)
            if one.digest == NULL_DIGEST:
                ordering.bodies.add_null(slot)


def _resume_accepted(
    number: int, record: Accepted, seat: Seat, ordering: Ordering, pool: Pool
) -> None:
    proposal = record.pre_prepare
    slot = ordering.log.open(proposal.sequence, 0)
    slot.stored(number)
    digest = proposal.batch.digest()
    content = ordering.bodies.add(slot, proposal.batch, digest)
    for name, raw in zip(content.names, record.raws, strict=True):
        body = pool.get(name)
        if body is None:
            body = Transaction.decode(raw)  # checked before it was stored
            # At a height executed since, this batch may have lost to another: its slot still serves
            # the bodies, but nothing says that they are ordered.
            if proposal.sequence > ordering.executed:
                pool.restore(body)
        ordering.bodies.supply(name, body)
    if record.prepare:
        slot.add(PREPARE, seat.index, Vote(proposal.view, digest, record.prepare))
    if ordering.active and proposal.view == ordering.view:
        slot.proposed = Proposed(proposal.view, digest, proposal.signature)
        ordering.next_sequence = max(ordering.next_sequence, proposal.sequence + 1)
        for name in content.names:
            pool.claim(name)


def _resume_ballots(state: Recovered, seat: Seat, ballots: Ballots) -> None:
    promised, entered = state.promised, state.entered
    if promised is not None:
        ballots.remember(
            VIEW_CHANGE,
            promised.view,
            promised.stable.height,
            promised.digest(),
            promised.signature,
        )
    for _, accepted in state.accepted:
        one = accepted.pre_prepare
        digest = one.batch.digest()
        if accepted.prepare:
            ballots.remember(PREPARE, one.view, one.sequence, digest, accepted.prepare)
        elif seat.primary(one.view) == seat.index:
            ballots.remember(PRE_PREPARE, one.view, one.sequence, digest, one.signature)
    if entered is not None and seat.primary(entered.view) == seat.index:
        base = max(one.stable.height for one in entered.view_changes)
        ballots.remember(NEW_VIEW, entered.view, base, entered.digest(), entered.signature)
        for proposal in entered.proposals:
            ballots.remember(
                PRE_PREPARE, entered.view, proposal.sequence, proposal.digest, proposal.signature
            )
    for _, prepared in state.prepared:
        certificate = prepared.certificate
        ballots.remember(
            COMMIT, certificate.view, certificate.sequence, certificate.digest, prepared.commit
        )
    voted = state.view if state.active else state.view - 1
    ballots.forget_below(state.stable.height, voted)
