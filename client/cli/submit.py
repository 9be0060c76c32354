"""suyuan submit: sign one transaction and wait until it is certified."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import Annotated, Any

import typer

from client.calls import Call
from client.cli.options import (
    GenesisOption,
    JsonOption,
    LanguageOption,
    NodeOption,
    PassphraseFileOption,
    addresses,
    needed_genesis,
    open_key,
    plain,
)
from client.cli.screen import EXIT_FAILED, Screen
from client.files import read_file, write_atomically
from client.limits import ARGUMENTS_FILE_SIZE_MAX
from client.protocol import PENDING, Outcome
from client.rendering import printable
from client.sdk import Client
from ledger.canonical_json import from_hex
from ledger.errors import ClientFault, Malformed
from ledger.keys import Signer

__all__ = ["submit"]


def submit(
    contract: Annotated[str, typer.Argument(help="supplies | datasharing", show_default=False)],
    function: Annotated[str, typer.Argument(help="receive, approve, …", show_default=False)],
    accounts: Annotated[
        list[str],
        typer.Option(
            "--as", help="签名账户，可多次。Signing account; may be repeated.", show_default=False
        ),
    ],
    keys: Annotated[
        list[Path],
        typer.Option("--key", help="密钥文件，与 --as 一一对应。Its key file.", show_default=False),
    ],
    args: Annotated[
        str,
        typer.Option(
            "--args",
            help='JSON 或 @文件;字节写作 {"$hex":"…"}。JSON or @file; bytes as {"$hex":"…"}.',
        ),
    ] = "{}",
    receipt: Annotated[
        Path | None,
        typer.Option(
            "--receipt", help="保存已验证的回执。Save the verified receipt.", show_default=False
        ),
    ] = None,
    node: NodeOption = None,
    genesis: GenesisOption = None,
    passphrase_file: PassphraseFileOption = None,
    json: JsonOption = False,
    language: LanguageOption = None,
) -> None:
    """签名并提交一笔交易，等待认证。Sign and submit one transaction; exit 1 if refused."""
    screen = Screen(language)
    call = Call(contract, function, read_arguments(args), tuple(accounts))
    chain = needed_genesis(genesis)
    signers = _signers(screen, accounts, keys, passphrase_file)
    with Client(addresses(node), chain, signers, language=screen.language) as client:
        (outcome,) = client.submit([call], receipts=True)
    if receipt is not None and outcome.receipt is not None:
        write_atomically(receipt, outcome.receipt)
    if json:
        screen.json(_object(outcome))
    else:
        _print(screen, outcome, receipt)
    if not outcome.accepted:
        raise typer.Exit(EXIT_FAILED)


def read_arguments(text: str) -> dict[str, Any]:
    """Read arguments from JSON or @file. Raises: ClientFault, Malformed."""
    if text.startswith("@"):
        data = read_file(Path(text[1:]), ARGUMENTS_FILE_SIZE_MAX).decode("utf-8", "replace")
    else:
        data = text
    try:
        value = json_text.loads(data)
    except (ValueError, RecursionError) as error:
        raise ClientFault("not-json", field="--args", reason=str(error)) from None
    if not isinstance(value, dict):
        raise Malformed("--args", "must be a JSON object")
    return {name: _value(item) for name, item in value.items()}


def _value(item: Any) -> Any:
    if isinstance(item, dict):
        if set(item) == {"$hex"}:
            text = item["$hex"]
            size = len(text) // 2 if isinstance(text, str) else 0
            return from_hex(text, "$hex", size)
        return {name: _value(inner) for name, inner in item.items()}
    if isinstance(item, list):
        return [_value(inner) for inner in item]
    return item


def _signers(
    screen: Screen, accounts: list[str], keys: list[Path], passphrase_file: Path | None
) -> dict[str, Signer]:
    if len(accounts) != len(keys):
        raise Malformed("--key", "must be given once for each --as")
    signers: dict[str, Signer] = {}
    for account, path in zip(accounts, keys, strict=True):
        key, signer = open_key(screen, path, passphrase_file)
        if key.account != account:
            raise ClientFault("account-mismatch", found=key.account, account=account)
        signers[account] = signer
    return signers


def _object(outcome: Outcome) -> dict[str, Any]:
    return {
        "code": outcome.code,
        "events": plain(list(outcome.events)),
        "height": outcome.height,
        "id": outcome.id,
        "index": outcome.index,
        "parameters": plain(dict(outcome.parameters)),
        "sentence": outcome.sentence,
        "status": outcome.status,
    }


def _print(screen: Screen, outcome: Outcome, receipt: Path | None) -> None:
    say = screen.say
    if outcome.status == PENDING:
        word, style = say("pending"), "yellow"
    elif outcome.accepted:
        word, style = say("accepted"), "green"
    else:
        word, style = f"{say('refused')} ({printable(outcome.code)})", "red"
    screen.out.print(word, style=style, markup=False)
    if outcome.sentence and not outcome.accepted:
        screen.out.print(printable(outcome.sentence), markup=False)
    if outcome.height is not None:
        screen.out.print(say("at-height", height=outcome.height), markup=False)
    screen.out.print(f"{say('transaction')} {outcome.id}", style="dim", markup=False)
    if receipt is not None and outcome.receipt is not None:
        screen.out.print(say("receipt-saved", file=receipt), markup=False)
