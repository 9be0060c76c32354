"""The roof of Suyuan (溯源): what other programs import, and the console command.

`import suyuan` gives other people's programs the SDK, the wallet and the verifier; the names are
resolved on first use, so that importing Suyuan loads no room. The command `suyuan` is the client's
command line with the node's commands under `suyuan node`; the node is imported only when one of
those is asked for, so that `suyuan verify` needs neither a store nor a server.

This is the only module that may import both `client` and `node` (docs/decisions/0001).
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

import typer

__version__ = "0.1.0"

# Public name -> where it lives. A module alone means the module itself.
FACE = {
    "AsyncClient": "client.asynchronous:AsyncClient",
    "Call": "client.calls:Call",
    "Client": "client.sdk:Client",
    "Genesis": "ledger.genesis:Genesis",
    "verify": "client.verify",
    "wallet": "client.wallet",
}

__all__ = [*FACE, "main"]


def __getattr__(name: str) -> Any:
    """Resolve a public name on first use (PEP 562). Raises AttributeError for any other."""
    if name not in FACE:
        raise AttributeError(f"module 'suyuan' has no attribute {name!r}")
    module, _, attribute = FACE[name].partition(":")
    found: Any = import_module(module)
    if attribute:
        found = getattr(found, attribute)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


@cache
def command_line() -> typer.Typer:
    """The whole command line: the client's commands, and `node`, passed on to node.commands."""
    from client.cli import app

    @app.command(
        "node",
        help="运行成员节点 · Run a member's node.",
        add_help_option=False,
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )
    def node(context: typer.Context) -> None:
        """Pass on, unread, what follows `node`."""
        from node.commands import app as node_app

        node_app(args=list(context.args), prog_name="suyuan node")

    return app


def main() -> None:
    """The console command `suyuan`. Exits with the command's status."""
    command_line()(prog_name="suyuan")


if __name__ == "__main__":
    main()
