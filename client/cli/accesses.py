"""suyuan accesses DATASET --pairs FILE: who looked at my data, proved complete."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

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
from client.cli.screen import Screen
from client.files import read_json_file, write_atomically
from client.limits import PAIRS_FILE_SIZE_MAX, PAIRS_MAX, ROUNDS_ASKING
from client.rendering import print_branch, print_report
from client.sdk import Client
from client.story.accesses import access_rows
from client.story.facts import Names
from client.story.telling import tell
from client.verify import accesses_claim, verify_now
from ledger.canonical_json import from_hex
from ledger.errors import Malformed

__all__ = ["accesses", "read_pairs_file"]


def accesses(
    dataset: Annotated[str, typer.Argument(help="数据集。Data set id.", show_default=False)],
    pairs: Annotated[
        Path,
        typer.Option(
            "--pairs",
            help='[["授权", "代号"], …] 的 JSON 文件。JSON of [grant, handle] pairs.',
            show_default=False,
        ),
    ],
    node: NodeOption = None,
    genesis: GenesisOption = None,
    max_age: MaxAgeOption = None,
    pin: PinOption = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="保存证明文件。Save the bundle.", show_default=False),
    ] = None,
    json: JsonOption = False,
    language: LanguageOption = None,
) -> None:
    """谁看过我的数据。Who looked at my data: every access, and a proof that none is missing."""
    screen = Screen(language)
    path = subject(dataset, "dataset")
    held = read_pairs_file(pairs)
    urls = addresses(node)
    chain = genesis_or_fetched(screen, genesis, urls)
    kept = open_pin(pin)
    with (
        in_parts(accesses_claim(path, held)),
        Client(
            urls, chain, language=screen.language, max_age_s=max_age, patience=ROUNDS_ASKING
        ) as client,
    ):
        data = client.accesses(path, held, kept)
    report = verify_now(data, chain, accesses_claim(path, held), max_age, kept)
    if out is not None:
        write_atomically(out, data)
        screen.note(screen.say("saved", file=out))
    if json:
        screen.json({"accesses": plain(access_rows(held, report.logs)), "verdict": report.value()})
        return
    branch = tell(report, Names.of(chain), screen.language)
    if branch is not None:
        print_branch(screen.out, branch, screen.language)
    print_report(screen.out, report, screen.language)


def read_pairs_file(file: Path) -> list[tuple[str, str]]:
    """Read a file of [[grant id, handle as 64 hex digits]...]. Raises: ClientFault, Malformed."""
    return read_pairs(read_json_file(file, PAIRS_FILE_SIZE_MAX), str(file))


def read_pairs(value: Any, field: str) -> list[tuple[str, str]]:
    """Read [[grant id, handle as 64 hex digits]...]. Raises: Malformed."""
    # None is right too: of a data set that nobody was ever granted, and that is what is proved.
    if not isinstance(value, list) or len(value) > PAIRS_MAX:
        raise Malformed(field, f"must be a list of at most {PAIRS_MAX} [grant, handle] pairs")
    found: list[tuple[str, str]] = []
    for item in value:
        if not isinstance(item, list) or len(item) != 2 or not isinstance(item[0], str):
            raise Malformed(field, "must be a list of [grant, handle] pairs")
        from_hex(item[1], f"{field}: handle")
        found.append((item[0], item[1]))
    return found
