"""suyuan receipt: a paper receipt of a bundle that verifies, as one page to print.

Exit 0: written. 1: the bundle does not verify, and nothing is written. 2: a file or an option
cannot be used.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from client.cli.conditions import PinOption, PolicyOption, open_pin, open_policy
from client.cli.options import GenesisOption, LanguageOption, needed_genesis
from client.cli.screen import EXIT_FAILED, Screen
from client.files import read_file, write_atomically
from client.receipt.essentials import essentials_of
from client.receipt.page import receipt_page
from client.rendering import print_report
from client.verify import verify_now
from ledger.limits import BUNDLE_SIZE_MAX

__all__ = ["receipt"]


def receipt(
    bundle: Annotated[Path, typer.Argument(help="证明文件。The bundle file.", show_default=False)],
    out: Annotated[
        Path, typer.Option("--out", help="写入此文件。Where to write it.", show_default=False)
    ],
    genesis: GenesisOption = None,
    url: Annotated[
        str | None,
        typer.Option(
            "--url",
            help="二维码指向的网址，内容附在其片段中。An address for the QR code; what it says "
            "is put into its fragment.",
            show_default=False,
        ),
    ] = None,
    pin: PinOption = None,
    policy: PolicyOption = None,
    language: LanguageOption = None,
) -> None:
    """打印凭据：一页 A4，中英对照，附二维码。A paper receipt: one A4 page with a QR code."""
    screen = Screen(language)
    chain = needed_genesis(genesis)
    data = read_file(bundle, BUNDLE_SIZE_MAX)
    report = verify_now(data, chain, pin=open_pin(pin), policy=open_policy(policy))
    if not report.exit_ok:
        print_report(screen.err, report, screen.language)
        screen.note(screen.say("no-paper"))
        raise typer.Exit(EXIT_FAILED)
    write_atomically(out, receipt_page(essentials_of(data, report), url))
    screen.out.print(screen.say("paper-written", file=str(out)), markup=False)
