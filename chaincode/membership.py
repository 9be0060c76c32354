"""The member set as an entity, and the runtime's own watch over who may follow whom.

The record of `governance/members/current` is the canonical bytes of the member set that follows
the block which wrote it: every member that executed the block takes it for the next epoch's. A set
that could not take over would stop the chain for everybody, so no contract is trusted with it: the
runtime asks the succession rule of `ledger.membership` of every write, whatever contract made it,
and refuses the transaction (R-MB-5). A chain whose members never changed has no such entity; then
genesis's set is in force.

How members vote on a change is the contract's matter and not here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from chaincode.kinds import Kind
from chaincode.refusal import refuse
from ledger.errors import Malformed
from ledger.membership import Member, MemberSet, check_succession
from ledger.paths import Path

__all__ = ["CURRENT", "MEMBERS", "next_set", "read_set"]

MEMBERS: Final[Kind[tuple[Member, ...]]] = Kind("governance", "members", tuple[Member, ...])
CURRENT: Final = MEMBERS.path("current")


def read_set(data: bytes) -> tuple[Member, ...]:
    """Return the members that an argument proposes: what a contract puts under CURRENT.

    Whether they may take over is asked again when they are written. Raises: Refused
    "bad-member-set".
    """
    try:
        return MemberSet.decode(data).members
    except Malformed as error:
        refuse("bad-member-set", field=error.field)


def next_set(
    writes: Mapping[Path, tuple[Kind[Any], Any]], sets: Sequence[MemberSet]
) -> MemberSet | None:
    """Return the member set that a call's writes put in force, None when they name none.

    `sets`: all sets of the chain before this block, genesis's first. A set written earlier in the
    same block was never in force, so nothing follows it. Raises: Refused "bad-member-set".
    """
    written = writes.get(CURRENT)
    if written is None:
        return None
    try:
        # Decoded from its bytes: a contract may build records that no reader would accept.
        members = MemberSet.decode(MEMBERS.format.encode(written[1]))
        check_succession(sets[-1], members, sets[:-1])
    except Malformed as error:
        refuse("bad-member-set", field=error.field)
    return members
