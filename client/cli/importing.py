"""suyuan import redcross: the public tables of 2020, every row accounted for."""

from __future__ import annotations

import json as json_text
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from client.calls import Call
from client.cli.options import (
    GenesisOption,
    JsonOption,
    LanguageOption,
    NodeOption,
    PassphraseFileOption,
    addresses,
    ask_passphrase,
    needed_genesis,
)
from client.cli.reasons import reason
from client.cli.screen import Screen
from client.demo.cast import cast_file, make_keys
from client.demo.consortium import Consortium
from client.demo.signals import Signals, Stopped
from client.files import read_file, write_atomically
from client.protocol import Outcome
from client.redcross import Importer, Parties, Report, read_distributions, read_receipts
from client.redcross.limits import FILE_SIZE_MAX
from client.redcross.tables import Row, TableFault
from client.sdk import Client
from client.wallet import SUFFIX, read_key
from ledger.errors import ClientFault
from ledger.genesis import Genesis
from ledger.keys import Signer

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True, help="导入公开数据。Import published tables.", rich_markup_mode=None
)

PARTIES: Final = Parties(
    registrar="red-cross.registrar",
    custodian="red-cross.importer",
    allocator="health-commission.dispatch",
    approver="civil-affairs.approver",
)


@app.callback()
def tables() -> None:
    """导入公开数据。Import published tables."""


@dataclass(frozen=True, slots=True)
class _Where:
    """Into which consortium, and who signs."""

    urls: list[str]
    genesis: Genesis
    signers: dict[str, Signer]


@app.command("redcross")
def redcross(
    receipts: Annotated[
        Path, typer.Option("--receipts", help="接收表 CSV。Table of receipts.", show_default=False)
    ],
    distributions: Annotated[
        Path,
        typer.Option(
            "--distributions", help="发放表 CSV。Table of distributions.", show_default=False
        ),
    ],
    node: NodeOption = None,
    genesis: GenesisOption = None,
    keys: Annotated[
        Path | None,
        typer.Option("--keys", help="密钥文件夹。Folder of key files.", show_default=False),
    ] = None,
    scratch: Annotated[
        bool, typer.Option("--scratch", help="临时启动一个联盟。Start a consortium for it.")
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report", help="逐行结果文件夹。Folder for every row's outcome.", show_default=False
        ),
    ] = None,
    passphrase_file: PassphraseFileOption = None,
    json: JsonOption = False,
    language: LanguageOption = None,
) -> None:
    """导入公示表，逐行交代。Import the published tables; every row is accounted for."""
    screen = Screen(language)
    # Read before anything is started: a wrong file costs nothing.
    rows = _read(receipts, distributions)
    if scratch:
        if node or keys:
            raise ClientFault("scratch-or-node")
        done = _import_scratch(screen, rows)
    else:
        chain = needed_genesis(genesis)
        if keys is None:
            raise ClientFault("needs-keys")
        signers = _signers(screen, keys, passphrase_file)
        done = _import(screen, rows, _Where(addresses(node), chain, signers))
    if report is not None:
        _save(screen, done, report)
    if json:
        screen.json(done.summary())
    else:
        _print(screen, done)


def _read(receipts: Path, distributions: Path) -> tuple[list[Row], list[Row]]:
    try:
        return (
            read_receipts(read_file(receipts, FILE_SIZE_MAX), str(receipts)),
            read_distributions(read_file(distributions, FILE_SIZE_MAX), str(distributions)),
        )
    except TableFault as fault:
        raise ClientFault(
            "file-error", file=fault.file, line=fault.line, column=fault.column, rule=fault.rule
        ) from None


def _signers(screen: Screen, folder: Path, passphrase_file: Path | None) -> dict[str, Signer]:
    passphrase = ask_passphrase(screen, passphrase_file)
    names = (PARTIES.registrar, PARTIES.custodian, PARTIES.allocator, PARTIES.approver)
    return {name: read_key(folder / f"{name}{SUFFIX}").unlock(passphrase) for name in names}


def _import_scratch(screen: Screen, rows: tuple[list[Row], list[Row]]) -> Report:
    with Signals() as signals, tempfile.TemporaryDirectory(prefix="suyuan-import-") as name:
        folder = Path(name)
        signers = make_keys(folder / "keys")
        try:
            with Consortium(folder, cast_file(signers), signals) as consortium:
                consortium.found()
                consortium.start()
                consortium.wait_ready()
                chain = Genesis.from_json(consortium.genesis.read_bytes())
                urls = list(consortium.addresses.values())
                return _import(screen, rows, _Where(urls, chain, dict(signers)))
        except Stopped as stopped:
            raise typer.Exit(128 + stopped.number) from None


def _import(screen: Screen, rows: tuple[list[Row], list[Row]], where: _Where) -> Report:
    with (
        Client(where.urls, where.genesis, where.signers, language=screen.language) as client,
        _bars(screen) as hear,
    ):
        return Importer(PARTIES, _Proved(client), hear).run(*rows)


class _Proved:
    """A submitter whose every result rests on a verified receipt, not on a member's word."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def submit(self, transactions: Sequence[Call]) -> Sequence[Outcome]:
        return self._client.submit(transactions, receipts=True)


class _Hear:
    """Progress of an import: one bar a stage."""

    def __init__(self, screen: Screen, progress: Progress) -> None:
        self._screen = screen
        self._progress = progress
        self._bars: dict[str, Any] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        if stage not in self._bars:
            word = self._screen.say(f"importing-{stage}")
            self._bars[stage] = self._progress.add_task(word, total=total)
        self._progress.update(self._bars[stage], completed=done, total=total)


@contextmanager
def _bars(screen: Screen) -> Iterator[_Hear]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=screen.err) as progress:
        yield _Hear(screen, progress)


def _save(screen: Screen, report: Report, folder: Path) -> None:
    whole = json_text.dumps(report.as_json(), ensure_ascii=False, indent=1, sort_keys=True)
    for name, text in (
        ("report.json", whole + "\n"),
        ("refused.csv", report.refused_csv()),
        ("findings.csv", report.findings_csv()),
    ):
        write_atomically(folder / name, text.encode())
    screen.note(screen.say("report-saved", folder=folder))


def _print(screen: Screen, report: Report) -> None:
    say, summary = screen.say, report.summary()
    table = Table("", say("import-rows"), say("accepted"), say("refused"))
    for name in ("receipts", "distributions"):
        counts = summary[name]
        refused = sum(counts["refused"].values())
        row = (say(f"import-{name}"), counts["rows"], counts["accepted"], refused)
        table.add_row(*(str(cell) for cell in row))
    screen.out.print(table)
    reasons = Table("", say("import-reason"), say("import-count"))
    for name in ("receipts", "distributions"):
        for code, count in summary[name]["refused"].items():
            reasons.add_row(say(f"import-{name}"), reason(code, screen.language), str(count))
    if reasons.row_count:
        screen.out.print(reasons)
    screen.out.print(f"{say('import-findings')}: {summary['findings']}", markup=False)
