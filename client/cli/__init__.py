"""The command line `suyuan`: each command is one small file; this puts them together.

Invariants: a fault of input, file, key or network is one clear line on standard error and exit
status 2, never a traceback; what a program reads (`--json`) goes to standard output alone.
Passphrases are prompted for, read from SUYUAN_PASSPHRASE or from a file, never taken as an
argument: arguments are seen by every user of a machine.
"""

from __future__ import annotations

import typer

from client.cli import (
    accesses,
    accuse,
    ask,
    blame,
    demo,
    importing,
    key,
    receipt,
    submit,
    trace,
    verify,
    witness,
)
from client.cli.screen import Group

__all__ = ["app"]

app = typer.Typer(
    cls=Group,
    name="suyuan",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="溯源 Suyuan：谁捐了什么、去了哪里，谁看过谁的数据——每个回答都能离线核验。\n\n"
    "A ledger whose answers anyone can check offline: what was given, where it went, who looked.",
)

app.command("demo")(demo.demo)
app.command("submit")(submit.submit)
app.command("trace")(trace.trace)
app.command("ask")(ask.ask)
app.command("accesses")(accesses.accesses)
app.command("verify")(verify.verify)
app.command("receipt")(receipt.receipt)
app.add_typer(key.app, name="key")
app.add_typer(importing.app, name="import")
app.add_typer(witness.app, name="witness")
app.command("accuse")(accuse.accuse)
app.command("blame")(blame.blame)
