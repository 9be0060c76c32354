"""POST and GET /v1/transactions: submit one or many, wait until certified, take receipts."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from ledger.block import Result
from ledger.canonical_json import from_hex
from ledger.codec import Format
from ledger.errors import ClientFault
from ledger.limits import INTEGER_MAX
from ledger.sentences import render
from ledger.transaction import Transaction
from node.admission import RefusedAtDoor
from node.answers import Place, Told, need_few_heights
from node.api.bodies import Bodies
from node.api.problems import PROBLEM_RESPONSES, language_of
from node.member import Member
from node.waiting import WAITING_MAX, Outcome

__all__ = ["router"]

BATCH_TRANSACTIONS_MAX: Final = 2_000  # transactions of one request
REQUEST_SIZE_MAX: Final = 8 * 1024 * 1024  # bytes of one request's body
WAIT_SECONDS: Final = 30.0  # after that the answer is "pending": ask again by id

_BATCH: Final[Format[tuple[bytes, ...]]] = Format(
    Annotated[tuple[bytes, ...], msgspec.Meta(min_length=1, max_length=BATCH_TRANSACTIONS_MAX)],  # type: ignore[arg-type]
    "transactions",
)

router = APIRouter(prefix="/v1/transactions", tags=["transactions"], responses=PROBLEM_RESPONSES)


def member_of(request: Request) -> Member:
    """Return the member this API belongs to."""
    member: Member = request.app.state.member
    return member


async def bounded_body(request: Request, limit: int = REQUEST_SIZE_MAX) -> bytes:
    """Read the body up to the limit. Raises: ClientFault, see `bodies.Bodies.read`."""
    bodies: Bodies = request.app.state.bodies
    return await bodies.read(request, limit)


@router.post(
    "",
    summary="Submit up to 2,000 signed transactions and wait for their fate",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/msgpack": {
                    "schema": {
                        "type": "string",
                        "format": "binary",
                        "description": "canonical MessagePack array of raw transactions (bin)",
                    }
                }
            },
        }
    },
)
async def submit(
    request: Request,
    member: Annotated[Member, Depends(member_of)],
    wait: Annotated[Literal["certified", "none"], Query()] = "certified",
    receipt: Annotated[bool, Query()] = False,
    pin: Annotated[int | None, Query(ge=1, le=INTEGER_MAX)] = None,
) -> Response:
    """Each answer is `certified` with its place and result, `refused-at-door` with a code, or
    `pending`.

    The same signed transaction may be sent again: its id is consumed exactly once, and the stored
    result is returned.
    """
    if request.headers.get("content-type", "").split(";")[0].strip() != "application/msgpack":
        raise ClientFault("unsupported-media-type", expected="application/msgpack")
    if member.driver.halted is not None:
        raise ClientFault("halted")
    raws = _BATCH.decode(await bounded_body(request))
    _need_room(member, len(raws))
    admitted = await member.admission.admit(raws)
    _need_room(member, len(raws))  # others came in meanwhile
    language = language_of(request)
    transactions = [each for each in admitted if isinstance(each, Transaction)]
    need_few_heights(
        place for each in transactions if (place := member.archive.place(each.id)) is not None
    )
    outcomes = await _settle(member, transactions, wait)
    places = {outcome for outcome in outcomes.values() if isinstance(outcome, tuple)}
    told = await member.answers.tell(sorted(places), receipt, pin)
    with member.stages.measure("receipts"):
        answers = [
            _refused(each.identity, each.fault, language)
            if isinstance(each, RefusedAtDoor)
            else _answer(each.id, outcomes[each.id], told, language)
            for each in admitted
        ]
        body = msgspec.json.encode({"transactions": answers})
    return Response(body, media_type="application/json")


def _need_room(member: Member, count: int) -> None:
    if len(member.waiting) + count > WAITING_MAX:
        raise ClientFault("too-many-waiting", limit=WAITING_MAX)


async def _settle(
    member: Member, transactions: list[Transaction], wait: str
) -> dict[bytes, Outcome]:
    """Submit what is new and wait; returns for each id its outcome, None while it is pending."""
    settled: dict[bytes, Outcome] = {}
    new: list[Transaction] = []
    for transaction in transactions:
        if transaction.id in settled:
            continue
        settled[transaction.id] = member.certified_place(transaction.id)
        if settled[transaction.id] is None:
            new.append(transaction)
    executed = {t.id: member.archive.place(t.id) for t in new}
    waits = [] if wait == "none" else new
    futures = {t.id: (t, member.waiting.wait(t, executed[t.id])) for t in waits}
    try:
        fresh = [t for t in new if executed[t.id] is None]
        if fresh:
            member.driver.submit(fresh)
        if futures:
            pending = [future for _, future in futures.values()]
            await asyncio.wait(pending, timeout=WAIT_SECONDS)
    finally:
        for identity, (transaction, future) in futures.items():
            if future.done():
                settled[identity] = future.result()
            else:
                member.waiting.forget(transaction, future)
                settled[identity] = member.certified_place(identity)
    return settled


def _refused(identity: bytes | None, fault: ClientFault, language: str) -> dict[str, Any]:
    return {
        "id": "" if identity is None else identity.hex(),  # what has no form has no id
        "status": "refused-at-door",
        "result": {"code": fault.code, "parameters": fault.parameters, "events": []},
        "sentence": render(fault.code, fault.parameters, language),
    }


def _answer(
    identity: bytes, outcome: Outcome, told: dict[Place, Told], language: str
) -> dict[str, Any]:
    if outcome is None:
        return {"id": identity.hex(), "status": "pending"}
    if isinstance(outcome, str):
        return _refused(identity, ClientFault(outcome), language)
    found = told[outcome]
    answer = _certified(identity, outcome, found.result, language)
    if found.receipt is not None:
        answer["receipt"] = found.receipt
    return answer


def _certified(identity: bytes, place: Place, result: Result, language: str) -> dict[str, Any]:
    height, index = place
    return {
        "id": identity.hex(),
        "status": "certified",
        "height": height,
        "index": index,
        "result": {
            "code": result.code,
            "contract_version": result.contract_version,
            "events": [
                {
                    "kind": e.kind,
                    "inputs": e.inputs,
                    "outputs": e.outputs,
                    "on": e.on,
                    "body": e.body,
                }
                for e in result.events
            ],
            "parameters": result.parameters,
        },
        "sentence": render(result.code, result.parameters, language),
    }


@router.get("/{identity}", summary="What became of a transaction, with its receipt on request")
async def one(
    request: Request,
    identity: str,
    member: Annotated[Member, Depends(member_of)],
    proof: Annotated[bool, Query()] = False,
    pin: Annotated[int | None, Query(ge=1, le=INTEGER_MAX)] = None,
) -> Response:
    """With `proof=true` the answer is the receipt itself: a bundle of claim kind `transaction`."""
    place = member.certified_place(from_hex(identity, "id"))
    if place is None:
        if member.archive.place(from_hex(identity, "id")) is None:
            member.archive.need_history()
        raise ClientFault("unknown-transaction", id=identity)
    told = (await member.answers.tell([place], proof, pin))[place]
    if told.receipt is not None:
        return Response(told.receipt, media_type="application/json")
    answer = _certified(from_hex(identity, "id"), place, told.result, language_of(request))
    return Response(msgspec.json.encode(answer), media_type="application/json")
