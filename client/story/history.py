"""The story of any entity for which no better one is written: its events in order, with their
bodies.
"""

from __future__ import annotations

import json
from typing import Any

from client.story.facts import Branch, Line, Logs, Names, events_on
from client.story.phrases import Phrases
from ledger.block import Event
from ledger.leaf import Leaf
from ledger.paths import Path
from ledger.sentences import render_event

__all__ = ["event_line", "event_rows", "short", "tell_history"]

_SIGNERS = ("by", "confirmed_by")


def tell_history(path: Path, logs: Logs, names: Names, language: str) -> Branch:
    """Tell every entity of a bundle, the one asked about first."""
    say = Phrases(language)
    others = sorted((other for other in logs if other != path), key=lambda other: other.text)
    count = Line(say("events", count=len(events_on(logs, logs))), tone="dim")
    mine = _lines(path, logs, names, say)
    branches = tuple(Branch(other.text, _lines(other, logs, names, say)) for other in others)
    return Branch(say("history", kind=path.kind, id=path.id), (count, *mine), branches)


def event_rows(logs: Logs) -> list[dict[str, Any]]:
    """Every event as a plain row, each once, in the order of the chain: for programs."""
    return [
        {
            "body": leaf.body,
            "contract": leaf.contract,
            "height": leaf.height,
            "index": leaf.transaction_index,
            "inputs": [[source.text, quantity] for source, quantity in leaf.inputs],
            "kind": leaf.kind,
            "outputs": [[product.text, quantity] for product, quantity in leaf.outputs],
            "time": leaf.time,
            "transaction": leaf.transaction,
        }
        for leaf in events_on(logs, logs)
    ]


def _lines(path: Path, logs: Logs, names: Names, say: Phrases) -> tuple[Line, ...]:
    return tuple(event_line(leaf, names, say, leaf.time) for leaf in events_on(logs, [path]))


def event_line(event: Leaf | Event, names: Names, say: Phrases, time: int | None) -> Line:
    """Tell one event of any kind with all of its body. `time` is its block's, in milliseconds."""
    signers = tuple(names.account(str(event.body[n])) for n in _SIGNERS if n in event.body)
    told = {k: v for k, v in event.body.items() if k not in _SIGNERS and v not in (None, "")}
    note = say.list([f"{name}={short(value)}" for name, value in told.items()])
    return Line(render_event(event.kind, event.body, say.language), time, signers, note=note)


def short(value: Any) -> str:
    """Write a value of a body or record in at most 60 characters."""
    text = value if isinstance(value, str) else _spelt(value)
    return text if len(text) <= 60 else text[:59] + "…"


def _spelt(value: Any) -> str:
    if value is None:
        return "—"
    if isinstance(value, bytes):
        return value.hex()
    return json.dumps(value, ensure_ascii=False, default=bytes.hex)
