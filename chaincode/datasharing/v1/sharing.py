"""Catalogue, requests, grants and their revocation."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from chaincode.context import Caller, Context
from chaincode.contract import transaction
from chaincode.datasharing.v1 import arguments as asked
from chaincode.datasharing.v1.records import (
    DATASET,
    GRANT,
    OPEN,
    REQUEST,
    Dataset,
    Grant,
    OpenList,
    Request,
)
from chaincode.identity.v1.records import ACCOUNT
from chaincode.limits import OPEN_REQUESTS_MAX
from chaincode.refusal import quote, refuse
from ledger.errors import InvariantViolated
from ledger.paths import Path

__all__ = ["Sharing", "distinct", "require_inside", "require_provider"]


class Sharing:
    """Functions that decide who may get what."""

    @transaction(asked.Publish, role="provider")
    def publish(self, context: Context, arguments: asked.Publish) -> None:
        """Put a data set into the catalogue."""
        caller = context.caller
        context.require_own(arguments.dataset, caller)
        context.absent(DATASET, arguments.dataset)
        distinct((name for name, _ in arguments.fields), "fields")
        distinct(arguments.purposes, "purposes")
        dataset = Dataset(
            fields=arguments.fields,
            grants=0,
            name=arguments.name,
            provider=caller.organisation,
            purposes=arguments.purposes,
            requests=0,
            share_type=arguments.share_type,
            waiting={},
        )
        context.put(DATASET, arguments.dataset, dataset)
        body = {
            "by": caller.account,
            "fields": arguments.fields,
            "name": arguments.name,
            "purposes": arguments.purposes,
            "share_type": arguments.share_type,
        }
        context.event("published", body, on=(DATASET.path(arguments.dataset),))

    @transaction(asked.Request, role="user")
    def request(self, context: Context, arguments: asked.Request) -> None:
        """Ask for fields of a data set, for one of its purposes and a period."""
        caller = context.caller
        context.require_own(arguments.request, caller)
        context.absent(REQUEST, arguments.request)
        dataset = context.get(DATASET, arguments.dataset)
        if arguments.purpose not in dataset.purposes:
            refuse("outside-purpose", purpose=arguments.purpose)
        require_inside(arguments.fields, [name for name, _ in dataset.fields])
        _require_period(arguments.from_, arguments.until)
        request = Request(
            dataset=arguments.dataset,
            fields=arguments.fields,
            from_=arguments.from_,
            legal_basis=arguments.legal_basis,
            purpose=arguments.purpose,
            requested_on=context.today,
            requester=caller.account,
            status="requested",
            until=arguments.until,
            user=caller.organisation,
        )
        context.put(REQUEST, arguments.request, request)
        waiting = _one_more(arguments.dataset, dataset, caller.organisation)
        after = replace(dataset, requests=dataset.requests + 1, waiting=waiting)
        context.put(DATASET, arguments.dataset, after)
        opened = _open(context, context.today)
        body = {
            "by": caller.account,
            "fields": arguments.fields,
            "from": arguments.from_,
            "legal_basis": arguments.legal_basis,
            "purpose": arguments.purpose,
            "until": arguments.until,
        }
        on = (REQUEST.path(arguments.request), DATASET.path(arguments.dataset), opened)
        context.event("requested", body, on=on)

    @transaction(asked.Grant, role="provider")
    def grant(self, context: Context, arguments: asked.Grant) -> None:
        """Grant at most what was requested; never by the requester."""
        caller = context.caller
        context.require_own(arguments.grant, caller)
        context.absent(GRANT, arguments.grant)
        request, dataset = _pending(context, caller, arguments.request)
        if dataset.share_type == "withheld":
            refuse("withheld", dataset=request.dataset)
        require_inside(arguments.fields, request.fields)
        _require_period(arguments.from_, arguments.until)
        if arguments.from_ < request.from_ or arguments.until > request.until:
            refuse("outside-period", from_=request.from_, until=request.until)
        grant = Grant(
            accesses=0,
            dataset=request.dataset,
            denials=0,
            fields=arguments.fields,
            from_=arguments.from_,
            provider=dataset.provider,
            purpose=request.purpose,
            request=arguments.request,
            status="active",
            until=arguments.until,
            user=request.user,
        )
        context.put(GRANT, arguments.grant, grant)
        context.put(REQUEST, arguments.request, replace(request, status="granted"))
        after = replace(dataset, grants=dataset.grants + 1, waiting=_one_less(dataset, request))
        context.put(DATASET, request.dataset, after)
        closed = _close(context, request.requested_on)
        body = {
            "by": caller.account,
            "fields": arguments.fields,
            "from": arguments.from_,
            "purpose": request.purpose,
            "until": arguments.until,
            "user": request.user,
        }
        on = (REQUEST.path(arguments.request), DATASET.path(request.dataset), closed)
        # outputs: whoever follows a request or a data set reaches its grants
        context.event("granted", body, outputs=((GRANT.path(arguments.grant), 1),), on=on)

    @transaction(asked.Refuse, role="provider")
    def refuse(self, context: Context, arguments: asked.Refuse) -> None:
        """Refuse a request, with a reason."""
        caller = context.caller
        request, dataset = _pending(context, caller, arguments.request)
        context.put(REQUEST, arguments.request, replace(request, status="refused"))
        after = replace(dataset, waiting=_one_less(dataset, request))
        context.put(DATASET, request.dataset, after)
        closed = _close(context, request.requested_on)
        body = {"by": caller.account, "reason": arguments.reason}
        on = (REQUEST.path(arguments.request), DATASET.path(request.dataset), closed)
        context.event("refused", body, on=on)

    @transaction(asked.Revoke, role="provider")
    def revoke(self, context: Context, arguments: asked.Revoke) -> None:
        """Revoke a grant; no access is recorded under it any more."""
        caller = context.caller
        grant = context.get(GRANT, arguments.grant)
        path = GRANT.path(arguments.grant)
        require_provider(caller, grant.provider)
        if grant.status != "active":
            refuse("wrong-state", entity=path.text, state=grant.status)
        context.put(GRANT, arguments.grant, replace(grant, status="revoked"))
        # The data set's log says which of its grants it was.
        body = {"by": caller.account, "grant": arguments.grant, "reason": arguments.reason}
        on = (path, REQUEST.path(grant.request), DATASET.path(grant.dataset))
        context.event("revoked", body, on=on)


def require_provider(caller: Caller, provider: str) -> None:
    """Refuse a caller who is not of the providing organisation.

    Raises: Refused "wrong-organisation".
    """
    if caller.organisation != provider:
        refuse("wrong-organisation", account=caller.account, organisation=provider)


def require_inside(fields: tuple[str, ...], allowed: Iterable[str]) -> None:
    """Refuse fields outside the allowed ones, or named twice.

    Raises: Refused "outside-fields" or "duplicate-entry".
    """
    distinct(fields, "fields")
    known = dict.fromkeys(allowed)
    for field in fields:
        if field not in known:
            refuse("outside-fields", field=quote(field))


def distinct(entries: Iterable[str], field: str) -> None:
    """Refuse a list that names something twice.

    Raises: Refused "duplicate-entry".
    """
    seen: dict[str, None] = {}
    for entry in entries:
        if entry in seen:
            refuse("duplicate-entry", entry=entry, field=field)
        seen[entry] = None


def _require_period(start: int, until: int) -> None:
    if start >= until:
        refuse("empty-period", from_=start, until=until)


def _pending(context: Context, caller: Caller, identity: str) -> tuple[Request, Dataset]:
    """Return a request that this caller may decide, and its data set."""
    request = context.get(REQUEST, identity)
    dataset = context.get(DATASET, request.dataset)
    require_provider(caller, dataset.provider)
    if request.status != "requested":
        refuse("wrong-state", entity=REQUEST.path(identity).text, state=request.status)
    requester = context.get(ACCOUNT, request.requester)
    if caller.same_person(request.requester, (known.key for known in requester.keys)):
        refuse("self-approval", account=caller.account)
    return request, dataset


def _one_more(identity: str, dataset: Dataset, organisation: str) -> dict[str, int]:
    """Return who waits, with one more request of an organisation.

    Without a limit one user could make a data set's log too long to be proved.
    """
    asked = dataset.waiting.get(organisation, 0) + 1
    if asked > OPEN_REQUESTS_MAX:
        refuse(
            "too-many-requests",
            dataset=identity,
            limit=OPEN_REQUESTS_MAX,
            organisation=organisation,
        )
    return {**dataset.waiting, organisation: asked}


def _one_less(dataset: Dataset, request: Request) -> dict[str, int]:
    """Return who waits, with one request of its organisation decided."""
    left = dataset.waiting[request.user] - 1
    others = {user: count for user, count in dataset.waiting.items() if user != request.user}
    return {**others, request.user: left} if left else others


def _open(context: Context, date: str) -> Path:
    identity = f"request.{date}"
    held = context.find(OPEN, identity)
    record = OpenList(0, 1) if held is None else OpenList(held.closed, held.opened + 1)
    context.put(OPEN, identity, record)
    return OPEN.path(identity)


def _close(context: Context, date: str) -> Path:
    identity = f"request.{date}"
    held = context.get(OPEN, identity)
    if held.closed >= held.opened:
        raise InvariantViolated(f"open/{identity} closes more than was opened")
    context.put(OPEN, identity, OpenList(held.closed + 1, held.opened))
    return OPEN.path(identity)
