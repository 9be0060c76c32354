"""GET /v1/blocks, /v1/checkpoint, /v1/genesis, /v1/health and /metrics: the chain itself and this
member's state.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import PlainTextResponse, Response

from ledger.block import HEADER
from ledger.canonical_json import to_base64
from ledger.errors import ClientFault
from node.api.problems import PROBLEM_RESPONSES
from node.api.transactions import member_of
from node.archive import StoredBlock
from node.member import Member

__all__ = ["router"]

PAGE_MAX: Final = 100  # headers of one page

router = APIRouter(tags=["chain"], responses=PROBLEM_RESPONSES)


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


@router.get("/v1/blocks/{height}", summary="One certified block with its transactions and results")
async def block(
    member: Annotated[Member, Depends(member_of)],
    height: Annotated[int, Path(ge=1, le=2**53 - 1)],
) -> Response:
    """Header fields for people, and every canonical byte in base64 for programs."""
    newest = member.proofs.height()

    def answer() -> Response:
        stored = member.blocks.stored(height) if height <= newest else None
        if stored is None:
            raise ClientFault("unknown-block", height=height)
        return _json(
            _summary(stored)
            | {
                "header_bytes": to_base64(stored.header),
                "transactions": [to_base64(raw) for raw in stored.transactions],
                "results": [to_base64(result) for result in stored.results],
            }
        )

    return await member.questions.run(answer)


@router.get("/v1/blocks", summary="The headers of certified blocks, newest first or from a height")
async def blocks(
    member: Annotated[Member, Depends(member_of)],
    start: Annotated[int | None, Query(ge=1, le=2**53 - 1, alias="from")] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 20,
) -> Response:
    """`next` is the height to ask from for the following page, null at the end."""
    newest = member.proofs.height()
    first = max(1, newest - limit + 1) if start is None else start
    heights = range(first, min(newest, first + limit - 1) + 1)
    found = await member.questions.run(
        lambda: [_summary(block) for h in heights if (block := member.blocks.stored(h)) is not None]
    )
    following = first + limit if first + limit <= newest else None
    return _json({"height": newest, "blocks": found, "next": following})


def _summary(stored: StoredBlock) -> dict[str, Any]:
    header = HEADER.decode(stored.header)
    return {
        "height": header.height,
        "time": header.time,
        "epoch": header.epoch,
        "parent": header.parent.hex(),
        "state": header.state.hex(),
        "transactions_root": header.transactions.hex(),
        "results_root": header.results.hex(),
        "count": len(stored.transactions),
    }


@router.get(
    "/v1/checkpoint",
    summary="The newest certified checkpoint: a C2SP note with q cosignatures",
    response_class=PlainTextResponse,
)
async def checkpoint(member: Annotated[Member, Depends(member_of)]) -> Response:
    """Keep it: any later bundle must be consistent with it (`suyuan verify --pin`)."""
    return Response(member.proofs.note(), media_type="text/plain; charset=utf-8")


@router.get("/v1/genesis", summary="The genesis file of this chain")
async def genesis(member: Annotated[Member, Depends(member_of)]) -> Response:
    """Convenient, not trustworthy: get the file, or its SHA-256, from somewhere you trust."""
    return Response(member.config.genesis.to_json(), media_type="application/json")


@router.get(
    "/v1/health",
    summary="Whether this member executes and certifies",
    responses={
        503: {
            "description": "Halted (`reason` says why), catching up or starting; the same fields.",
            "content": {"application/json": {"schema": {"type": "object"}}},
        }
    },
)
async def health(member: Annotated[Member, Depends(member_of)]) -> Response:
    """Status 200 while the member takes part, 503 when it is halted or catching up."""
    state = member.health()
    return _json(state, 200 if state["status"] == "ok" else 503)


@router.get("/metrics", summary="Prometheus metrics", include_in_schema=False)
async def metrics(member: Annotated[Member, Depends(member_of)]) -> Response:
    """Counters and gauges in the text format."""
    body, kind = member.metrics.exposition()
    return Response(body, headers={"Content-Type": kind})
