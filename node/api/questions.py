"""GET /v1/entities/…/events, /list, /period, /as-of and /v1/consistency: questions whose answers
exist only with proof.

Each answer is a bundle (docs/FORMATS.md 7) as of the newest certified height; an entity that does
not exist is answered by the proof of its absence. What a bundle cannot hold (above 10,000 events)
is refused by name: "answer-too-large".
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from ledger.claims import parse_claim
from ledger.limits import INTEGER_MAX
from ledger.paths import Path
from node.api.problems import PROBLEM_RESPONSES
from node.api.records import path_of
from node.api.transactions import member_of
from node.member import Member

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["records"], responses=PROBLEM_RESPONSES)

_Member = Annotated[Member, Depends(member_of)]
_Path = Annotated[Path, Depends(path_of)]
_Pin = Annotated[
    int | None, Query(ge=1, le=INTEGER_MAX, description="size of a checkpoint pinned earlier")
]
_Time = Annotated[int, Query(ge=0, le=INTEGER_MAX, description="ms since 1970 UTC, of a block")]


async def _answer(member: Member, pin: int | None, **claim: Any) -> Response:
    parsed = parse_claim(claim)  # the one place that knows the rules of a claim
    data = await member.questions.run(lambda: member.proofs.answer(parsed, pin))
    return Response(data, media_type="application/json")


@router.get(
    "/entities/{contract}/{kind}/{identity}/events/{index}", summary="One event, by its number"
)
async def event(path: _Path, index: int, member: _Member, pin: _Pin = None) -> Response:
    """The event of this number, from 0, in the entity's log."""
    return await _answer(member, pin, kind="event", path=path.text, index=index)


@router.get(
    "/entities/{contract}/{kind}/{identity}/list", summary="All events of one kind, and their total"
)
async def events_of_kind(
    path: _Path,
    member: _Member,
    event: Annotated[str, Query(description="a kind of event, such as approved")],
    pin: _Pin = None,
) -> Response:
    """The whole log, in which the verifier counts: none can be left out."""
    return await _answer(member, pin, kind="list", path=path.text, event=event)


@router.get(
    "/entities/{contract}/{kind}/{identity}/period", summary="What happened in a period of time"
)
async def period(
    path: _Path,
    member: _Member,
    since: Annotated[_Time, Query(alias="from")],
    until: _Time,
    pin: _Pin = None,
) -> Response:
    """Every event from `from` until before `until`, with the neighbours that bound it."""
    bounds = {"from": since, "until": until}
    return await _answer(member, pin, kind="period", path=path.text, **bounds)


@router.get(
    "/entities/{contract}/{kind}/{identity}/as-of/{height}",
    summary="The record as it stood at a past height",
)
async def as_of(path: _Path, height: int, member: _Member, pin: _Pin = None) -> Response:
    """Whatever came after, and however long ago."""
    return await _answer(member, pin, kind="as-of", path=path.text, height=height)


@router.get("/consistency", summary="Whether the chain extends the one of this size and root")
async def consistency(
    member: _Member,
    size: Annotated[int, Query(ge=1, le=INTEGER_MAX)],
    root: Annotated[str, Query(description="64 lower-case hex digits")],
) -> Response:
    """Of a checkpoint kept earlier: `not-an-earlier-root` where this chain is another."""
    return await _answer(member, None, kind="consistency", size=size, root=root)
