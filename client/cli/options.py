"""The options that several commands share, spelt once, and what they open."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from client.cli.screen import Screen
from client.exchange import Request
from client.faults import Unreachable
from client.files import read_file
from client.limits import PASSPHRASE_LENGTH_MAX
from client.session import clean_url
from client.transport import HttpTransport
from client.wallet import KeyFile, read_key
from ledger.bundle import Bundle
from ledger.bundle_file import decode_bundle
from ledger.errors import ClientFault, Malformed
from ledger.genesis import Genesis
from ledger.keys import Ed25519Signer
from ledger.limits import BUNDLE_SIZE_MAX, GENESIS_SIZE_MAX
from ledger.paths import Path as EntityPath
from ledger.questions import parse_subject

__all__ = [
    "BundleOption",
    "GenesisOption",
    "JsonOption",
    "LanguageOption",
    "NodeOption",
    "PassphraseFileOption",
    "addresses",
    "ask_passphrase",
    "genesis_or_fetched",
    "needed_genesis",
    "open_key",
    "opened_bundle",
    "plain",
    "read_genesis",
    "subject",
]

DEFAULT_NODE = "http://127.0.0.1:8001"

LanguageOption = Annotated[
    str | None, typer.Option("--language", help="zh | en", show_default=False)
]
NodeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--node",
        envvar="SUYUAN_NODE",
        help="成员地址，可多次给出。Address of a member, host:port; may be given several times.",
        show_default=False,
    ),
]
GenesisOption = Annotated[
    Path | None,
    typer.Option(
        "--genesis",
        envvar="SUYUAN_GENESIS",
        help="创世文件。The genesis file, from a source you trust.",
        show_default=False,
    ),
]
BundleOption = Annotated[
    Path | None,
    typer.Option(
        "--bundle",
        help="较新的证明文件：从创世走到后来的成员。A recent bundle, whose handovers lead from "
        "genesis to the members of later epochs.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="输出 JSON。Print JSON.")]
PassphraseFileOption = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        help="密码文件（首行）。A file whose first line is the passphrase.",
        show_default=False,
    ),
]


def subject(text: str, kind: str = "donation") -> EntityPath:
    """Read contract/kind/id, kind/id, or an id alone (of `kind`). Raises: Malformed."""
    return parse_subject(text if "/" in text else f"{kind}/{text}")


def read_genesis(path: Path) -> Genesis:
    """Read a genesis file. Raises: ClientFault for the file, Malformed for its form."""
    return Genesis.from_json(read_file(path, GENESIS_SIZE_MAX))


def needed_genesis(path: Path | None) -> Genesis:
    """Read the genesis file, which must have been given. Raises: ClientFault "needs-genesis"."""
    if path is None:
        raise ClientFault("needs-genesis")
    return read_genesis(path)


def opened_bundle(path: Path | None) -> Bundle | None:
    """Read a bundle for the handovers in it. Raises: ClientFault for the file, Malformed."""
    return None if path is None else decode_bundle(read_file(path, BUNDLE_SIZE_MAX))


def genesis_or_fetched(screen: Screen, path: Path | None, urls: list[str]) -> Genesis:
    """Read the genesis file, or take a member's word for it and say so plainly.

    A proof checked against a genesis that came from the member under suspicion proves only that the
    members it names agree; so the chain id is shown, to be compared with one from elsewhere.
    """
    if path is not None:
        return read_genesis(path)
    with HttpTransport() as transport:
        reasons = []
        for url in map(clean_url, urls):
            try:
                response = transport.send(url, Request("GET", "/v1/genesis"))
                genesis = Genesis.from_json(response.body)
            except (Unreachable, Malformed) as error:
                reasons.append(error.reason if isinstance(error, Unreachable) else str(error))
                continue
            screen.note(screen.say("genesis-from-member", chain=genesis.chain_id.hex()))
            return genesis
    raise Unreachable(", ".join(urls), "; ".join(reasons))


def addresses(nodes: list[str] | None) -> list[str]:
    """The addresses to ask: those given (commas separate too), else the first member of a local
    consortium.
    """
    given = [part for node in nodes or [] for part in node.replace(",", " ").split()]
    return given or [DEFAULT_NODE]


def ask_passphrase(screen: Screen, file: Path | None, twice: bool = False) -> Callable[[], str]:
    """Return what fetches a passphrase: from file, SUYUAN_PASSPHRASE, or the person."""

    def fetch() -> str:
        if file is not None:
            return (
                read_file(file, 4 * PASSPHRASE_LENGTH_MAX).decode("utf-8", "replace").split("\n")[0]
            )
        if "SUYUAN_PASSPHRASE" in os.environ:
            return os.environ["SUYUAN_PASSPHRASE"]
        return _prompt(screen, twice)

    return fetch


def _prompt(screen: Screen, twice: bool) -> str:
    try:
        said = typer.prompt(screen.say("passphrase-prompt"), hide_input=True, err=True)
        if twice:
            again = typer.prompt(screen.say("passphrase-again"), hide_input=True, err=True)
            if again != said:
                raise ClientFault("passphrases-differ")
    except typer.Abort:
        raise ClientFault("no-terminal") from None
    return str(said)


def open_key(
    screen: Screen, path: Path, passphrase_file: Path | None
) -> tuple[KeyFile, Ed25519Signer]:
    """Read and open a key file. Raises: ClientFault, Malformed."""
    key = read_key(path)
    return key, key.unlock(ask_passphrase(screen, passphrase_file))


def plain(value: Any) -> Any:
    """Return a ledger value as JSON can say it: bytes as lower-case hex."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value
