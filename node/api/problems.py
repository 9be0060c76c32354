"""Errors as RFC 9457 problem details, with a machine code, typed parameters and a sentence.

One table maps codes to HTTP status; what is not in it and is the client's fault is 400. Errors of
ours are 500 and say nothing of the inside. Sentences come from the catalogue in the reader's
language.
"""

from __future__ import annotations

import logging
from typing import Any, Final

import msgspec
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException as StarletteHTTPException

from ledger.errors import ClientFault, InvariantViolated, Malformed
from ledger.sentences import render

__all__ = ["PROBLEM_RESPONSES", "install_problems", "language_of", "problem"]

log = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"

STATUS: Final[dict[str, int]] = {
    "malformed": 400,
    "unknown-entity": 404,
    "unknown-transaction": 404,
    "unknown-block": 404,
    "not-found": 404,
    "method-not-allowed": 405,
    "internal": 500,
    "too-large": 413,
    "unsupported-media-type": 415,
    "too-many-waiting": 429,
    "pool-full": 429,
    "not-certified": 503,
    "history-not-held": 503,
    "halted": 503,
    "stopping": 503,
    "no-seat": 503,
}

PROBLEM_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    400: {"description": "The request breaks a rule: `code` names it, `parameters` say where."},
    404: {"description": "No such thing at the newest certified height; absence can be proved."},
    405: {"description": "The address does not know this method."},
    413: {"description": "The body is larger than the limit named."},
    415: {"description": "The body is of another media type than the one named."},
    429: {"description": "Too much is waiting at this member: try again later or elsewhere."},
    500: {"description": "An error of this member's own; nothing was changed by the request."},
    503: {
        "description": "This member cannot answer now: not yet certified, lacking that history, "
        "halted or stopping."
    },
}
for _response in PROBLEM_RESPONSES.values():
    _response["content"] = {
        MEDIA_TYPE: {
            "schema": {
                "type": "object",
                "required": ["type", "title", "status", "code", "parameters"],
                "properties": {
                    "type": {"type": "string"},
                    "title": {"type": "string", "description": "a sentence for people"},
                    "status": {"type": "integer"},
                    "code": {"type": "string", "description": "a word for programs"},
                    "parameters": {"type": "object"},
                },
            }
        }
    }


def language_of(request: Request) -> str:
    """Return "zh" or "en": the first that Accept-Language names; Chinese when neither."""
    accepted = request.headers.get("accept-language", "")[:200].lower()
    places = {language: accepted.find(language) for language in ("zh", "en")}
    named = [(place, language) for language, place in places.items() if place >= 0]
    return min(named)[1] if named else "zh"


def problem(fault: ClientFault, language: str, status: int | None = None) -> Response:
    """Return the response that tells a client what it did wrong."""
    number = status or STATUS.get(fault.code, 400)
    body = {
        "type": f"urn:suyuan:problem:{fault.code}",
        "title": render(fault.code, fault.parameters, language),
        "status": number,
        "code": fault.code,
        "parameters": fault.parameters,
    }
    headers = {"Retry-After": "1"} if number in (429, 503) else None
    return Response(msgspec.json.encode(body), number, headers, MEDIA_TYPE)


def install_problems(app: FastAPI) -> None:
    """Make every error of the app a problem document."""

    async def on_client_fault(request: Request, error: Exception) -> Response:
        if not isinstance(error, ClientFault):
            raise error
        return problem(error, language_of(request))

    async def on_malformed(request: Request, error: Exception) -> Response:
        if not isinstance(error, Malformed):
            raise error
        fault = ClientFault("malformed", field=error.field, rule=error.rule)
        return problem(fault, language_of(request))

    async def on_validation(request: Request, error: Exception) -> Response:
        if not isinstance(error, RequestValidationError):
            raise error
        first = error.errors()[0]
        field = ".".join(str(part) for part in first.get("loc", ("request",)))
        fault = ClientFault("malformed", field=field, rule=str(first.get("msg", "is not valid")))
        return problem(fault, language_of(request))

    async def on_http(request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException | StarletteHTTPException):
            raise error
        code = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "malformed")
        fault = ClientFault(code)
        if code == "malformed":
            fault = ClientFault(code, field="request", rule=str(error.detail))
        return problem(fault, language_of(request), error.status_code)

    async def on_invariant(request: Request, error: Exception) -> Response:
        log.critical("a request met an error of our own", exc_info=error)
        return problem(ClientFault("internal"), language_of(request))

    app.add_exception_handler(ClientFault, on_client_fault)
    app.add_exception_handler(InvariantViolated, on_invariant)
    app.add_exception_handler(Malformed, on_malformed)
    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(StarletteHTTPException, on_http)
