"""suyuan trace ENTITY: ask a member, verify its proof, tell the story, keep the bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from client.cli.conditions import MaxAgeOption, PinOption, open_pin
from client.cli.options import (
    GenesisOption,
    JsonOption,
    LanguageOption,
    NodeOption,
    addresses,
    genesis_or_fetched,
    plain,
    subject,
)
from client.cli.pages import in_parts
from client.cli.screen import EXIT_FAILED, Screen
from client.files import write_atomically
from client.limits import ROUNDS_ASKING
from client.names import item_names
from client.rendering import print_branch, print_report
from client.sdk import Client
from client.story.facts import Names
from client.story.history import event_rows
from client.story.telling import tell
from client.verify import records_of, verify_now
from ledger.claims import Absence, Trace

__all__ = ["trace"]


def trace(
    entity: Annotated[
        str,
        typer.Argument(help="捐赠编号，或 kind/id，或 contract/kind/id。", show_default=False),
    ],
    node: NodeOption = None,
    genesis: GenesisOption = None,
    max_age: MaxAgeOption = None,
    pin: PinOption = None,
    proof: Annotated[
        bool, typer.Option("--proof", help="同时显示核验结论。Show the verdict too.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="保存证明文件。Save the bundle.", show_default=False),
    ] = None,
    json: JsonOption = False,
    language: LanguageOption = None,
) -> None:
    """一件捐赠去了哪里。Where did it go: the whole story, proved complete."""
    screen = Screen(language)
    path = subject(entity)
    urls = addresses(node)
    chain = genesis_or_fetched(screen, genesis, urls)
    held = open_pin(pin)
    with (
        in_parts(Trace(path)),
        Client(
            urls, chain, language=screen.language, max_age_s=max_age, patience=ROUNDS_ASKING
        ) as client,
    ):
        data = client.trace(path, pin=held)
        report = verify_now(data, chain, path, max_age, held)
        items = item_names(client, report)
    if out is not None:
        write_atomically(out, data)
        screen.note(screen.say("saved", file=out))
    if json:
        records = {found.text: plain(record) for found, record in records_of(report).items()}
        screen.json(
            {
                "events": plain(event_rows(report.logs)),
                "records": records,
                "verdict": report.value(),
            }
        )
    else:
        branch = tell(report, Names.of(chain, items), screen.language)
        if branch is not None:
            print_branch(screen.out, branch, screen.language)
        if proof or branch is None:
            print_report(screen.out, report, screen.language)
    if isinstance(report.claim, Absence):
        raise typer.Exit(EXIT_FAILED)
