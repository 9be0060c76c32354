"""GET /tlog/…: the chain log as static files for C2SP tools, cacheable by anyone between.

`/tlog/` is the prefix of the log `<chain>`, `/tlog/<member>/` that of `<chain>/<member>`; both hold
the same tiles. A member gives out its own member checkpoint only: it holds no other's key.

These are files, not answers: HEAD works, and what never changes says so. A checkpoint changes
with every block, so a cache may keep it for a second.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ledger.errors import ClientFault, Malformed
from ledger.tiles import Tile
from node.api.problems import language_of, problem
from node.tlog import Tlog

__all__ = ["router"]

FOREVER: Final = "public, max-age=31536000, immutable"
BRIEFLY: Final = "public, max-age=1"
AN_HOUR: Final = "public, max-age=3600"
NEVER: Final = "no-store"
COSE: Final = 'application/cose; cose-type="cose-sign1"'  # RFC 9052 section 2

_HEIGHT: Final = re.compile(r"([1-9][0-9]{0,15})\.(tlog-proof|cose)\Z")

router = APIRouter()


def _tlog(request: Request) -> Tlog:
    tlog: Tlog = request.app.state.member.tlog
    own = request.path_params.get("member")
    if own is not None and own != tlog.member:
        raise ClientFault("not-found")
    return tlog


def _text(body: str, caching: str) -> Response:
    headers = {"Cache-Control": caching}
    return Response(body, media_type="text/plain; charset=utf-8", headers=headers)


def _checkpoint(request: Request) -> Response:
    """The chain's checkpoint: this member's log signature and q cosignatures."""
    return _text(_tlog(request).checkpoint(), BRIEFLY)


def _member_checkpoint(request: Request) -> Response:
    """The checkpoint of `<chain>/<member>`, for witnesses."""
    return _text(_tlog(request).member_checkpoint(), BRIEFLY)


def _tile(request: Request) -> Response:
    """A tile or a bundle of entries; full or partial, its bytes never change."""
    tile = Tile.parse(f"tile/{request.path_params['rest']}")
    body = _tlog(request).tile(tile)
    headers = {"Cache-Control": FOREVER}
    return Response(body, media_type="application/octet-stream", headers=headers)


def _height(request: Request, suffix: str) -> int:
    match = _HEIGHT.match(request.path_params["file"])
    if match is None or match[2] != suffix:
        raise ClientFault("not-found")
    return int(match[1])


def _proof(request: Request) -> Response:
    """The `.tlog-proof` of the header of a height."""
    return _text(_tlog(request).proof(_height(request, "tlog-proof")), BRIEFLY)


def _receipt(request: Request) -> Response:
    """This member's COSE receipt of the header of a height (RFC 9942)."""
    body = _tlog(request).cose_receipt(_height(request, "cose"))
    return Response(body, media_type=COSE, headers={"Cache-Control": BRIEFLY})


def _policy(request: Request) -> Response:
    """The quorum of departments as a tlog-policy."""
    return _text(_tlog(request).policy(), AN_HOUR)


def _vkeys(request: Request) -> Response:
    """Every verifier key of the members, one a line."""
    return _text(_tlog(request).vkeys(), AN_HOUR)


def _file(serve: Callable[[Request], Response]) -> Callable[[Request], Awaitable[Response]]:
    """Make a file out of what serves it: what is not there is said so, and not cached.

    A path that no tile can have is a file that is not there; a cache in front must forget the
    answer, because the tile may come with the next block.
    """

    async def endpoint(request: Request) -> Response:
        try:
            # No path here needs an escape: with one, the same file would have many addresses.
            if b"%" in request.scope.get("raw_path", b""):
                raise ClientFault("not-found")
            return serve(request)
        except Malformed:
            fault = ClientFault("not-found")
        except ClientFault as error:
            fault = error
        response = problem(fault, language_of(request))
        response.headers["Cache-Control"] = NEVER
        return response

    return endpoint


# The member's own prefix first: a member may be called `tile`. Plain routes answer HEAD too.
for _path, _serve in (
    ("/tlog/{member}/checkpoint", _member_checkpoint),
    ("/tlog/{member}/tile/{rest:path}", _tile),
    ("/tlog/checkpoint", _checkpoint),
    ("/tlog/tile/{rest:path}", _tile),
    ("/tlog/proof/{file}", _proof),
    ("/tlog/receipt/{file}", _receipt),
    ("/tlog/policy", _policy),
    ("/tlog/vkeys", _vkeys),
):
    router.add_route(_path, _file(_serve), methods=["GET"], include_in_schema=False)
