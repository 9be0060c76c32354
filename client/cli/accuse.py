"""suyuan accuse: two bundles that contradict each other become blame files, one for each key that
signed both.

A contradiction is two roots of one size, two blocks of one height, each under a root that the key
signed, or a root that a bundle's consistency proof shows to be another one than the key signed.
Whoever holds two answers can look, offline; what comes out convinces a third party without the two
bundles (`suyuan blame FILE`).

Exit 0: files were written. 1: no key signed a contradiction. 2: a file cannot be used.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from client.cli.options import GenesisOption, JsonOption, LanguageOption, needed_genesis
from client.cli.screen import EXIT_FAILED, Screen
from client.files import read_file, write_atomically
from client.holders import log_keys, member_sets
from client.witness.accusation import convictions
from ledger.bundle_file import decode_bundle
from ledger.limits import BUNDLE_SIZE_MAX

__all__ = ["accuse"]

# word -> (Chinese, English)
_WORDS: Final = {
    "written": (
        "{member} 的密钥 {key} 签了两者：{file}",
        "{member}'s key {key} signed both: {file}",
    ),
    "innocent": (
        "没有哪个密钥在这两份证明中自相矛盾",
        "No key contradicts itself in these two bundles",
    ),
}


def accuse(
    first: Annotated[Path, typer.Argument(help="证明文件。A bundle.", show_default=False)],
    second: Annotated[Path, typer.Argument(help="另一份。Another one.", show_default=False)],
    out: Annotated[Path, typer.Option(help="证据文件的目录。Folder of the blame files.")] = Path(),
    genesis: GenesisOption = None,
    json: JsonOption = False,
    language: LanguageOption = None,
) -> None:
    """两份互相矛盾的证明，变成可离线定责的证据文件。Make blame files of two bundles that contradict
    each other.
    """
    screen = Screen(language)
    chain = needed_genesis(genesis)
    pair = [decode_bundle(read_file(file, BUNDLE_SIZE_MAX)) for file in (first, second)]
    holders = dict(
        one for bundle in pair for one in log_keys(chain.origin, member_sets(chain, bundle))
    )
    written = []
    found = convictions(pair[0], pair[1], holders)
    for key, member in holders.items():
        if key.text() not in found:
            continue
        file = out / f"blame-{member}-{key.id.hex()}.json"
        write_atomically(file, found[key.text()], replace=False)
        told = {"file": str(file), "key": key.text(), "member": member}
        written.append(told)
        if not json:
            screen.out.print(_say(screen, "written", **told), markup=False, soft_wrap=True)
    if json:
        screen.json({"files": written})
    elif not written:
        screen.out.print(_say(screen, "innocent"), markup=False)
    if not written:
        raise typer.Exit(EXIT_FAILED)


def _say(screen: Screen, word: str, **values: str) -> str:
    return _WORDS[word][screen.language == "en"].format(**values)
