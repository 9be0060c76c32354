"""suyuan blame: does this file convict somebody? Answered offline, for every kind of blame file.

A log that contradicts itself (docs/TLOG.md), or a member that signed two things of which an honest
one signs at most one (docs/FORMATS.md section 11). With the genesis file the answer names the
member, and with a bundle of a later epoch besides also one that joined since; without, the holder
of the key.

Exit 0: it convicts. 1: it does not. 2: the file cannot be used.
"""

from __future__ import annotations

import json as plain_json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from client.cli.options import (
    BundleOption,
    GenesisOption,
    JsonOption,
    LanguageOption,
    needed_genesis,
    opened_bundle,
)
from client.cli.screen import EXIT_FAILED, Screen
from client.files import read_file
from client.holders import log_holder, member_sets
from client.witness.blame import BLAME_SIZE_MAX, decode_blame, verify_blame
from client.witness.two_leaves import KIND as TWO_LEAVES
from client.witness.two_leaves import decode_two_leaves, verify_two_leaves
from ledger.equivocation import KIND, decode_equivocation, holder, verify_equivocation
from ledger.errors import Malformed
from ledger.membership import MemberSet

__all__ = ["blame"]

# word -> (Chinese, English)
_WORDS: Final = {
    "log": (
        "成立：{who} 用同一密钥为同一日志签了两份互相矛盾的检查点（高度 {first} 与 {second}）",
        "It holds: {who} signed two contradictory checkpoints of one log (sizes {first}, {second})",
    ),
    "vote": (
        "成立：{who} 在纪元 {epoch}、视图 {view}、序号 {sequence} 签了两份不同的 {statement}",
        "It holds: {who} signed two {statement}s: epoch {epoch}, view {view}, sequence {sequence}",
    ),
    "cosignature": (
        "成立：{who} 为同一高度 {sequence} 签了两个不同的根",
        "It holds: {who} cosigned two different roots of the same size {sequence}",
    ),
    "leaves": (
        "成立：{who} 签了两个根，其中第 {height} 条不同",
        "It holds: {who} signed two roots with different entries at height {height}",
    ),
    "innocent": ("不成立：{reason}", "It does not hold: {reason}"),
    "key-of": ("密钥 {key} 的持有者", "the holder of the key {key}"),
    "member": ("成员 {member}（密钥 {key}）", "the member {member} (key {key})"),
}


@dataclass(frozen=True, slots=True)
class _Chain:
    """The origin, and the member set of each epoch as far as it is known."""

    origin: str
    sets: tuple[MemberSet, ...]


@dataclass(frozen=True, slots=True)
class _Conviction:
    """Whom a file convicts: the key, its holder's id where it is known, a word, what fills it."""

    key: str
    member: str | None
    word: str
    values: dict[str, Any]


def blame(
    file: Annotated[Path, typer.Argument(help="证据文件。The blame file.", show_default=False)],
    genesis: GenesisOption = None,
    bundle: BundleOption = None,
    json: JsonOption = False,
    language: LanguageOption = None,
) -> None:
    """离线核验一份证据：谁自相矛盾。Verify offline that a log or a member contradicts itself."""
    screen = Screen(language)
    data = read_file(file, BLAME_SIZE_MAX)
    chain = _known(genesis, bundle)
    read = {KIND: _equivocation, TWO_LEAVES: _two_leaves}.get(_kind(data), _log)
    convict = read(data, chain)
    try:
        found = convict()
    except Malformed as error:
        if json:
            screen.json({"holds": False, "reason": str(error)})
        else:
            said = _say(screen, "innocent", reason=error)
            screen.out.print(said, style="red", markup=False)
        raise typer.Exit(EXIT_FAILED) from None
    if json:
        told = {"holds": True, "key": found.key, "member": found.member}
        screen.json(told | found.values)
        return
    who = _say(screen, "key-of" if found.member is None else "member", **_who(found))
    said = _say(screen, found.word, who=who, **_filled(found))
    screen.out.print(said, markup=False, soft_wrap=True)


def _known(genesis: Path | None, bundle: Path | None) -> _Chain | None:
    """Return what is known of the chain's members. Raises: ClientFault, Malformed."""
    if genesis is None and bundle is None:
        return None
    first = needed_genesis(genesis)
    return _Chain(first.origin, member_sets(first, opened_bundle(bundle)))


def _say(screen: Screen, word: str, **values: object) -> str:
    return _WORDS[word][screen.language == "en"].format(**values)


def _who(found: _Conviction) -> dict[str, object]:
    return {"key": found.key, "member": found.member}


def _filled(found: _Conviction) -> dict[str, Any]:
    if found.word == "log":
        first, second = found.values["sizes"]
        return {"first": first, "second": second}
    return found.values


def _kind(data: bytes) -> str:
    """Return the file's kind, without believing anything else of it."""
    try:
        value = plain_json.loads(data)
    except (ValueError, RecursionError):
        return ""
    return str(value.get("kind")) if isinstance(value, dict) else ""


def _log(data: bytes, chain: _Chain | None) -> Callable[[], _Conviction]:
    """Read a file about a log. Raises: Malformed, also when its key is none of the chain's."""
    found = decode_blame(data)
    who = None if chain is None else log_holder(chain.origin, chain.sets, found.key)

    def convict() -> _Conviction:
        first, second = verify_blame(found)
        values = {"sizes": [first.size, second.size]}
        return _Conviction(found.key.text(), who, "log", values)

    return convict


def _two_leaves(data: bytes, chain: _Chain | None) -> Callable[[], _Conviction]:
    """Read a file about two leaves at one index. Raises: Malformed, as `_log`."""
    found = decode_two_leaves(data)
    who = None if chain is None else log_holder(chain.origin, chain.sets, found.key)

    def convict() -> _Conviction:
        sizes = list(verify_two_leaves(found))
        values = {"height": found.index + 1, "sizes": sizes}
        return _Conviction(found.key.text(), who, "leaves", values)

    return convict


def _equivocation(data: bytes, chain: _Chain | None) -> Callable[[], _Conviction]:
    """Read a file about a member's statements. Raises: Malformed, as `_log`."""
    found = decode_equivocation(data)
    who = None if chain is None else holder(found, chain.origin, chain.sets)
    one = found.first

    def convict() -> _Conviction:
        verify_equivocation(found)
        values = {
            "epoch": one.epoch,
            "sequence": one.sequence,
            "statement": one.kind,
            "view": one.view,
        }
        word = one.kind if one.kind == "cosignature" else "vote"
        return _Conviction(found.key.hex(), who, word, values)

    return convict
