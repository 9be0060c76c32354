"""suyuan demo: the whole of it in one command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from client.cli.options import JsonOption, LanguageOption
from client.cli.screen import Screen
from client.demo.driver import Options, run_demo

__all__ = ["demo"]


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="演示完即结束。End when done; exit 0 if all is clean.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="保存创世文件与证明的文件夹。Where to leave the files.",
            show_default=False,
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--dir", help="成员数据文件夹。Members' folder.", show_default="temporary, removed"
        ),
    ] = None,
    base_port: Annotated[
        int, typer.Option("--base-port", min=0, max=65_000, help="0:自动选择。0 picks free ports.")
    ] = 0,
    json: JsonOption = False,
    language: LanguageOption = None,
) -> None:
    """四个成员、一本账：全程可查可验。Four members, one ledger, traced and verified."""
    screen = Screen(language)
    status = run_demo(screen, Options(once, out, folder, base_port, json))
    if status:
        raise typer.Exit(status)
