"""A contract for tests of changes of members: whoever calls it decides, alone and at once."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from chaincode.context import Context
from chaincode.contract import Contract, transaction
from chaincode.membership import CURRENT, MEMBERS, read_set


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The canonical bytes of the member set that follows."""

    members: Annotated[bytes, Meta(max_length=32_768)]


class Dictator(Contract):
    """Governance by one."""

    name = "governance"
    version = 1
    kinds = (MEMBERS,)

    @transaction(Change)
    def change(self, context: Context, arguments: Change) -> None:
        context.put(MEMBERS, CURRENT.id, read_set(arguments.members))
        context.event("members_changed", {"by": context.caller.account}, on=(CURRENT,))
