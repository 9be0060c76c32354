"""suyuan key new | show | list: key files of accounts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from client.cli.options import JsonOption, LanguageOption, PassphraseFileOption, ask_passphrase
from client.cli.screen import Screen
from client.wallet import SUFFIX, KeyFile, create, list_keys, read_key, save

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True, help="密钥文件。Key files of accounts.", rich_markup_mode=None
)


@app.command("new")
def new(
    account: Annotated[str, typer.Argument(help="<organisation>.<name>", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="文件。File to write.", show_default="ACCOUNT.key.json"),
    ] = None,
    unencrypted: Annotated[
        bool,
        typer.Option("--unencrypted", help="不加密，仅供演示。Throw-away key for demonstrations."),
    ] = False,
    passphrase_file: PassphraseFileOption = None,
    json: JsonOption = False,
    language: LanguageOption = None,
) -> None:
    """生成一个账户的密钥。Make a new key for an account."""
    screen = Screen(language)
    secret = None if unencrypted else ask_passphrase(screen, passphrase_file, twice=True)()
    key = create(account, secret)
    file = out or Path(f"{account}{SUFFIX}")
    save(key, file)
    if json:
        screen.json(_row(file, key))
        return
    screen.out.print(screen.say("key-made", account=account, file=file), markup=False)
    screen.out.print(f"{screen.say('public-key')}: {key.public.hex()}", markup=False)
    if unencrypted:
        screen.note(screen.say("key-unencrypted"))


@app.command("show")
def show(
    file: Annotated[Path, typer.Argument(help="密钥文件。The key file.", show_default=False)],
    json: JsonOption = False,
    language: LanguageOption = None,
) -> None:
    """显示密钥文件的账户与公钥（不需密码）。Show account and public key; needs no passphrase."""
    screen = Screen(language)
    key = read_key(file)
    if json:
        screen.json(_row(file, key))
        return
    screen.out.print(f"{screen.say('account')}: {key.account}", markup=False)
    screen.out.print(f"{screen.say('public-key')}: {key.public.hex()}", markup=False)
    screen.out.print(f"{screen.say('protection')}: {_protection(screen, key)}", markup=False)


@app.command("list")
def list_(
    folder: Annotated[Path, typer.Argument(help="文件夹。The folder.")] = Path(),
    json: JsonOption = False,
    language: LanguageOption = None,
) -> None:
    """列出文件夹里的密钥。List the key files of a folder."""
    screen = Screen(language)
    found = list_keys(folder)
    if json:
        screen.json([_row(path, key) for path, key in found])
        return
    if not found:
        screen.out.print(screen.say("no-keys", folder=folder), markup=False)
        return
    table = Table(*(screen.say(word) for word in ("account", "public-key", "protection", "file")))
    for path, key in found:
        table.add_row(key.account, key.public.hex()[:16] + "…", _protection(screen, key), path.name)
    screen.out.print(table)


def _row(path: Path, key: KeyFile) -> dict[str, object]:
    return {
        "account": key.account,
        "encrypted": key.encrypted,
        "file": str(path),
        "public": key.public.hex(),
    }


def _protection(screen: Screen, key: KeyFile) -> str:
    return screen.say("encrypted" if key.encrypted else "unencrypted")
