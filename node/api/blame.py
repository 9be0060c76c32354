"""GET /v1/blame: what this member can prove against others, as files that anyone verifies offline.

Public on purpose: evidence that only its finder holds convicts nobody.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import Response

from ledger.errors import ClientFault
from node.api.problems import PROBLEM_RESPONSES
from node.api.transactions import member_of
from node.member import Member

__all__ = ["router"]

PAGE_MAX: Final = 100  # names of one page
_NAME: Final = r"^[a-z0-9][a-z0-9.-]{0,159}$"

router = APIRouter(tags=["blame"], responses=PROBLEM_RESPONSES)


@router.get("/v1/blame", summary="Files that convict a member, by name")
async def listing(
    member: Annotated[Member, Depends(member_of)],
    after: Annotated[str | None, Query(pattern=_NAME)] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = PAGE_MAX,
) -> Response:
    """A name says who, by which statements, and where: epoch, then view and sequence, or a size.
    `next` is the name to ask `after` for the following page, null at the end.
    """
    names = [name for name in member.blames.names if after is None or name > after]
    page = names[:limit]
    following = page[-1] if len(names) > limit else None
    value = {"count": len(member.blames), "files": page, "next": following}
    return Response(msgspec.json.encode(value), media_type="application/json")


@router.get("/v1/blame/{name}", summary="A blame file (`suyuan blame FILE --genesis`)")
async def file(
    member: Annotated[Member, Depends(member_of)],
    name: Annotated[str, Path(pattern=_NAME)],
) -> Response:
    """The file's bytes: docs/FORMATS.md section 11."""
    data = member.blames.file(name)
    if data is None:
        raise ClientFault("not-found")
    return Response(data, media_type="application/json")
