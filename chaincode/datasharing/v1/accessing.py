"""Accesses, recorded before the data leaves, and denials, recorded all the same."""

from __future__ import annotations

from msgspec.structs import replace

from chaincode.context import Context
from chaincode.contract import transaction
from chaincode.datasharing.v1 import arguments as asked
from chaincode.datasharing.v1.records import GRANT, HANDLE, Grant, Handle
from chaincode.datasharing.v1.sharing import distinct, require_inside, require_provider
from chaincode.refusal import refuse
from ledger.claims import handle_path
from ledger.paths import Path

__all__ = ["Accessing"]


class Accessing:
    """Functions that record who got what, or did not."""

    @transaction(asked.Access, signers=2)
    def access(self, context: Context, arguments: asked.Access) -> None:
        """Record an access that a grant covers at the block's time; provider and user both sign."""
        grant = context.get(GRANT, arguments.grant)
        provider, user = context.parties(("provider", grant.provider), ("user", grant.user))
        _require_covered(context, arguments, grant)
        on = [GRANT.path(arguments.grant), *_handles(context, arguments, 1, 0)]
        context.put(GRANT, arguments.grant, replace(grant, accesses=grant.accesses + 1))
        body = {
            "by": provider.account,
            "fields": arguments.fields,
            "purpose": arguments.purpose,
            "user": user.account,
        }
        context.event("accessed", body, on=on)

    @transaction(asked.Deny, role="provider")
    def deny(self, context: Context, arguments: asked.Deny) -> None:
        """Record a denial: it stands in the logs of the grant and of the persons it was about."""
        caller = context.caller
        grant = context.get(GRANT, arguments.grant)
        require_provider(caller, grant.provider)
        on = [GRANT.path(arguments.grant), *_handles(context, arguments, 0, 1)]
        context.put(GRANT, arguments.grant, replace(grant, denials=grant.denials + 1))
        body = {
            "by": caller.account,
            "fields": arguments.fields,
            "purpose": arguments.purpose,
            "reason": arguments.reason,
            "user": grant.user,
        }
        context.event("denied", body, on=on)


def _require_covered(context: Context, arguments: asked.Access, grant: Grant) -> None:
    if grant.status != "active":
        refuse("grant-revoked", grant=arguments.grant)
    if context.time >= grant.until:
        refuse("grant-expired", grant=arguments.grant, until=grant.until)
    if context.time < grant.from_:
        refuse("grant-not-started", from_=grant.from_, grant=arguments.grant)
    require_inside(arguments.fields, grant.fields)
    if arguments.purpose != grant.purpose:
        refuse("outside-purpose", purpose=arguments.purpose)


def _handles(
    context: Context, arguments: asked.Access | asked.Deny, accesses: int, denials: int
) -> list[Path]:
    """Count the event on every handle; it is created when it is first named under a grant.

    Its entity is named by grant and handle together: whoever holds another grant can neither write
    into a person's list nor take its name first.
    """
    distinct((handle.hex() for handle in arguments.handles), "handles")
    grant = arguments.grant
    paths = [handle_path(grant, handle) for handle in arguments.handles]
    for path in paths:
        held = context.find(HANDLE, path.id) or Handle(0, 0, grant)
        record = Handle(held.accesses + accesses, held.denials + denials, grant)
        context.put(HANDLE, path.id, record)
    return paths
