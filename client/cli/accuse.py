"""suyuan accuse: two bundles that contradict each other become blame files, one for each key that
signed both.

A contradiction is two roots of one size, two blocks of one height, each under a root that the key
signed, or a root that a bundle's consistency proof shows to be another one than the key signed.
Whoever holds two answers can look, offline; what comes out convinces a third party without the two
bundles (`suyuan blame FILE`).

Exit 0: files were written. 1: no key signed a contradiction. 2: a file cannot be used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Annotated, Final

import typer

from client.cli.options import GenesisOption, JsonOption, LanguageOption, needed_genesis
from client.cli.screen import EXIT_FAILED, Screen
from client.files import read_file, write_atomically
from client.holders import log_keys, member_sets
from client.witness.blame import Blame, encode_blame, verify_blame
from client.witness.two_leaves import Included, convict_by_leaves, encode_two_leaves
from ledger.bundle import Bundle
from ledger.bundle_file import decode_bundle
from ledger.errors import Malformed
from ledger.limits import BUNDLE_SIZE_MAX
from ledger.notes import VerifierKey
from ledger.verify_epochs import read_checkpoint

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


def convictions(first: Bundle, second: Bundle, keys: Iterable[VerifierKey]) -> dict[str, bytes]:
    """Return a file for each of the keys (vkeys) that contradicts itself in two bundles.

    What a bundle says of its handovers counts as well: retired keys signed those.
    """
    found: dict[str, bytes] = {}
    for one, other in product(_signed(first), _signed(second)):
        left = [key for key in keys if key.text() not in found]
        for lie in convict_by_leaves(one, other, left):
            found[lie.key.text()] = encode_two_leaves(lie)
        for key, notes in product(left, _notes(first, second, one, other)):
            blame = Blame(key, *notes)
            with suppress(Malformed):  # it did not sign both, or they agree
                verify_blame(blame)
                found.setdefault(key.text(), encode_blame(blame))
    return found


def _notes(
    first: Bundle, second: Bundle, one: Included, other: Included
) -> Iterator[tuple[str, str, bytes | None, tuple[bytes, ...]]]:
    """Two notes that may contradict each other, and the root that the larger log has at the smaller
    size, where a bundle proves it.
    """
    sizes = [read_checkpoint(each.note).size for each in (one, other)]
    if sizes[0] == sizes[1]:
        yield one.note, other.note, None, ()
    for pinned, size, note in ((second, sizes[0], one.note), (first, sizes[1], other.note)):
        shown = pinned.consistency
        if shown is not None and shown.size == size:
            yield note, pinned.checkpoint, shown.root, shown.path


def _signed(bundle: Bundle) -> list[Included]:
    """Every block that a bundle shows, under the note that it is included in."""
    shown = [Included(bundle.header, bundle.inclusion, bundle.checkpoint)]
    shown += [Included(one.header, one.inclusion, one.checkpoint) for one in bundle.epochs]
    return shown


def _say(screen: Screen, word: str, **values: str) -> str:
    return _WORDS[word][screen.language == "en"].format(**values)
