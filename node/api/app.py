"""The FastAPI application of one member."""

from __future__ import annotations

from fastapi import FastAPI

from node.api import blame, chain, questions, records, tlog, transactions
from node.api.bodies import Bodies
from node.api.problems import install_problems
from node.member import Member

__all__ = ["create_app"]


def create_app(member: Member) -> FastAPI:
    """Return the app whose routes speak for this member."""
    app = FastAPI(
        title="Suyuan 溯源",
        version="1",
        description="A ledger of donations and data accesses; every answer can carry its proof.",
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.member = member
    app.state.bodies = Bodies()
    install_problems(app)
    for module in (transactions, records, questions, chain, blame, tlog):
        app.include_router(module.router)
    # What breaks a parameter's rule is a problem of status 400 here, and never FastAPI's own 422.
    for path in app.openapi()["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
    return app
