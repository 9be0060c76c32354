"""The questions that can be asked and verified, as options of `ask` and `verify`, spelt once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from client.cli.accesses import read_pairs_file
from client.cli.conditions import open_pin
from client.cli.options import subject
from client.verify import accesses_claim
from ledger.canonical_json import from_hex
from ledger.claims import (
    Absence,
    Claim,
    Entity,
    Extension,
    History,
    Receipt,
    Trace,
    parse_claim,
    parse_dataset,
)
from ledger.errors import Malformed
from ledger.verify_epochs import read_checkpoint

__all__ = [
    "EventOption",
    "FromOption",
    "HeightOption",
    "IndexOption",
    "Kind",
    "Narrowed",
    "PairsOption",
    "UntilOption",
    "claim_of",
    "require_own_chain",
]

Kind = Literal[
    "trace",
    "history",
    "entity",
    "absence",
    "list",
    "period",
    "as-of",
    "event",
    "transaction",
    "consistency",
    "accesses",
]
EventOption = Annotated[
    str | None,
    typer.Option("--event", help="list：事件种类。The kind of event.", show_default=False),
]
FromOption = Annotated[
    str | None,
    typer.Option(
        "--from",
        help="period：自此时起，如 2020-01-24T08:00+08:00。From this time on.",
        show_default=False,
    ),
]
UntilOption = Annotated[
    str | None,
    typer.Option("--until", help="period：此时之前。Before this time.", show_default=False),
]
HeightOption = Annotated[
    int | None,
    typer.Option("--height", help="as-of：区块高度。The past height.", show_default=False),
]
IndexOption = Annotated[
    int | None,
    typer.Option("--index", help="event：第几条，从 0 起。Its number, from 0.", show_default=False),
]
PairsOption = Annotated[
    Path | None,
    typer.Option(
        "--pairs",
        help="accesses：您在每项授权下的代号。Your handle under each grant, a JSON file.",
        show_default=False,
    ),
]

_OF_ONE_ENTITY: Final[Mapping[str, Callable[[Any], Claim]]] = {
    "absence": Absence,
    "entity": Entity,
    "history": History,
    "trace": Trace,
}
_NARROWED: Final = {
    "accesses": ("pairs",),
    "as-of": ("height",),
    "event": ("index",),
    "list": ("event",),
    "period": ("from", "until"),
}


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What narrows a question down, as it was given."""

    event: str | None = None
    since: str | None = None
    until: str | None = None
    height: int | None = None
    index: int | None = None
    pairs: Path | None = None

    def given(self) -> dict[str, Any]:
        """What was given, by the name of its option."""
        found: dict[str, Any] = {
            "event": self.event,
            "from": self.since,
            "until": self.until,
            "height": self.height,
            "index": self.index,
            "pairs": self.pairs,
        }
        return {name: value for name, value in found.items() if value is not None}


def claim_of(kind: Kind, about: str, narrowed: Narrowed) -> Claim:
    """Return the claim of a kind: `about` is an entity (of accesses: a data set), a transaction's
    id in hex, or the file of a checkpoint kept earlier.

    Raises: Malformed, naming the option that is missing or does not belong; ClientFault for a file.
    """
    given = narrowed.given()
    needed = _NARROWED.get(kind, ())
    for name in needed:
        if name not in given:
            raise Malformed(f"--{name}", f"is needed with --kind {kind}")
    for name in given:
        if name not in needed:
            raise Malformed(f"--{name}", f"does not belong to --kind {kind}")
    if kind == "transaction":
        return Receipt(from_hex(about, "transaction"))
    if kind == "consistency":
        note = open_pin(Path(about)) or ""
        checkpoint = read_checkpoint(note, may_be_bare=True)
        return Extension(checkpoint.size, checkpoint.root)
    if kind == "accesses":
        dataset = parse_dataset(subject(about, "dataset").text)
        return accesses_claim(dataset, read_pairs_file(given["pairs"]))
    path = subject(about)
    if kind in _OF_ONE_ENTITY:
        return _OF_ONE_ENTITY[kind](path)
    value: dict[str, Any] = {**given, "kind": kind, "path": path.text}
    for name in given.keys() & {"from", "until"}:
        value[name] = _instant(given[name], f"--{name}")
    return parse_claim(value)


def require_own_chain(kind: Kind | None, about: str, origin: str) -> None:
    """Refuse the file of a checkpoint of another chain: that its size and root are here, too, is no
    answer about it. One of a member's own log (`<chain>/<member>`) is this chain's.

    Raises: Malformed, ClientFault for the file.
    """
    if kind != "consistency":
        return
    kept = read_checkpoint(open_pin(Path(about)) or "", may_be_bare=True).origin
    if kept != origin and not kept.startswith(f"{origin}/"):
        raise Malformed("checkpoint.origin", f"is of another chain, {kept}")


def _instant(text: str, field: str) -> int:
    """Return milliseconds since 1970 UTC. Raises: Malformed, also for a time of no zone: whose
    midnight it is decides what belongs to a day.
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise Malformed(field, "must be a time with its zone, such as 2020-01-24T08:00:00+08:00")
    since = time - datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    return (since.days * 86_400 + since.seconds) * 1_000 + since.microseconds // 1_000
