"""GET /v1/entities, /v1/trace, POST /v1/accesses: what the ledger knows of an entity, with proof on
request.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from chaincode.duplicates import LIVE
from ledger.codec import decode
from ledger.errors import ClientFault, Malformed
from ledger.leaf import LEAF, Leaf
from ledger.limits import INTEGER_MAX
from ledger.paths import Path
from node.api.problems import PROBLEM_RESPONSES
from node.api.transactions import bounded_body, member_of
from node.member import Member

__all__ = ["router"]

PAGE_MAX: Final = 1_000  # events of one page of a history without proof
# bytes of the question about a citizen's accesses: 4,999 pairs with ids of 96 characters
ACCESSES_SIZE_MAX: Final = 1024 * 1024

router = APIRouter(prefix="/v1", tags=["records"], responses=PROBLEM_RESPONSES)

_Pin = Annotated[
    int | None, Query(ge=1, le=INTEGER_MAX, description="size of a checkpoint pinned earlier")
]
_Proof = Annotated[bool, Query(description="answer with a bundle that verifies offline")]


def path_of(contract: str, kind: str, identity: str) -> Path:
    """Return the checked path of the route.

    Raises: Malformed; ClientFault "unknown-entity" for the runtime's own table of consumed ids,
    which stands in the state and is no entity: it has no record and no events.
    """
    path = Path(contract, kind, identity)
    path.check("entity")
    if path[:2] == LIVE[:2]:
        raise ClientFault("unknown-entity", entity=path.text)
    return path


def _bundle(data: bytes) -> Response:
    return Response(data, media_type="application/json")


def _json(value: Any) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")


@router.get(
    "/entities/{contract}/{kind}/{identity}",
    summary="An entity's record at the newest certified height",
)
async def entity(
    contract: str,
    kind: str,
    identity: str,
    member: Annotated[Member, Depends(member_of)],
    proof: _Proof = False,
    pin: _Pin = None,
) -> Response:
    """Without proof, an entity that does not exist is 404; with proof, its absence is proved."""
    path = path_of(contract, kind, identity)
    if proof:
        return _bundle(await member.questions.run(lambda: member.proofs.entity(path, pin)))
    height = member.proofs.height()
    value = member.proofs.state_value(path)
    if value is None:
        raise ClientFault("unknown-entity", entity=path.text)
    record = decode(value.record, "record")
    return _json({"path": path, "height": height, "events": value.size, "record": record})


@router.get(
    "/entities/{contract}/{kind}/{identity}/history", summary="The events of an entity, in order"
)
async def history(
    contract: str,
    kind: str,
    identity: str,
    member: Annotated[Member, Depends(member_of)],
    start: Annotated[int, Query(ge=0, le=INTEGER_MAX, alias="from")] = 0,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 100,
    proof: _Proof = False,
    pin: _Pin = None,
) -> Response:
    """With proof, the whole history up to the newest certified height; without, one page of it."""
    path = path_of(contract, kind, identity)
    if proof:
        return _bundle(await member.questions.run(lambda: member.proofs.history(path, pin)))
    height = member.proofs.height()
    value = member.proofs.state_value(path)
    if value is None:
        raise ClientFault("unknown-entity", entity=path.text)
    total, stop = value.size, min(value.size, start + limit)

    def answer() -> Response:
        leaves = member.proofs.page(path, start, stop) if start < stop else []
        events = [_event(LEAF.decode(leaf)) for leaf in leaves]
        following = stop if stop < total else None
        found = {"path": path, "height": height, "events": events, "total": total}
        return _json(found | {"next": following})

    return await member.questions.run(answer)


def _event(leaf: Leaf) -> dict[str, Any]:
    return {
        "height": leaf.height,
        "time": leaf.time,
        "transaction_index": leaf.transaction_index,
        "event_index": leaf.event_index,
        "transaction": leaf.transaction.hex(),
        "contract": leaf.contract,
        "contract_version": leaf.contract_version,
        "kind": leaf.kind,
        "inputs": leaf.inputs,
        "outputs": leaf.outputs,
        "body": leaf.body,
    }


@router.get(
    "/trace/{contract}/{kind}/{identity}",
    summary="Where did it go: every entity reachable from this one",
)
async def trace(
    contract: str,
    kind: str,
    identity: str,
    member: Annotated[Member, Depends(member_of)],
    proof: _Proof = False,
    pin: _Pin = None,
) -> Response:
    """The graph that follows outputs from an entity to every end, each with its whole history."""
    path = path_of(contract, kind, identity)
    if proof:
        return _bundle(await member.questions.run(lambda: member.proofs.trace(path, pin)))

    def answer() -> Response:
        height, graph = member.proofs.graph(path)
        if not graph:
            raise ClientFault("unknown-entity", entity=path.text)
        entities = [
            {"path": found, "record": decode(record, "record"), "events": [_event(x) for x in log]}
            for found, record, log in graph
        ]
        return _json({"path": path, "height": height, "entities": entities})

    return await member.questions.run(answer)


@router.post(
    "/accesses",
    summary="Who looked at my data: every access under one's own handles, always with proof",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["dataset", "pairs"],
                        "properties": {
                            "dataset": {"type": "string"},
                            "pairs": {
                                "type": "array",
                                "items": {"type": "array", "items": {"type": "string"}},
                                "description": "[grant id, handle as 64 hex digits] for each",
                            },
                        },
                    }
                }
            },
        }
    },
)
async def accesses(
    request: Request, member: Annotated[Member, Depends(member_of)], pin: _Pin = None
) -> Response:
    """The question travels in the body, so that no log of addresses holds a person's handles."""
    question = _question(await bounded_body(request, ACCESSES_SIZE_MAX))
    proofs = member.proofs
    return _bundle(
        await member.questions.run(lambda: proofs.accesses(question.dataset, question.pairs, pin))
    )


class _Question(msgspec.Struct, forbid_unknown_fields=True):
    dataset: str
    pairs: list[tuple[str, str]]


def _question(data: bytes) -> _Question:
    try:
        return msgspec.json.decode(data, type=_Question)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Malformed("accesses", str(error)) from None
