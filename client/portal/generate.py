"""Writes the catalogue of sentences for the TypeScript verifier, from the one the Python prints.

    python -m client.portal        writes src/generated/catalogue.ts

What it is: the only way in which words reach the portal, so that no sentence is typed twice. The
file is made at build and test time and never kept.
What it is not: part of the installed package; it reads the sources and writes beside itself.
"""

from __future__ import annotations

import json
from pathlib import Path as File
from typing import Any, Final

from ledger import claims, questions, sentences_events, verdict_sentences
from ledger.paths import Path

PORTAL: Final = File(__file__).resolve().parent
TARGET: Final = PORTAL / "src" / "generated" / "catalogue.ts"

__all__ = ["TARGET", "catalogue", "source", "write"]

_HEAD: Final = "// Written by generate.py from the Python catalogue. Do not edit, do not keep.\n"


def _questions() -> dict[str, tuple[str, str]]:
    """Every question's templates by the kind that a claim has in a bundle."""
    thing = Path("contract", "kind", "id")
    one_of_each: tuple[claims.Claim, ...] = (
        claims.Absence(thing),
        claims.Accesses(Path("datasharing", "dataset", "id"), ()),
        claims.AsOf(thing, 0),
        claims.Entity(thing),
        claims.EventAt(thing, 0),
        claims.Extension(1, bytes(32)),
        claims.History(thing),
        claims.ListOf(thing, "event"),
        claims.Period(thing, 0, 1),
        claims.Receipt(bytes(32)),
        claims.Trace(thing),
    )
    kinds = {claims.claim_value(one)["kind"]: type(one) for one in one_of_each}
    return {kind: questions.QUESTIONS[claim] for kind, claim in sorted(kinds.items())}


def catalogue() -> dict[str, dict[str, Any]]:
    """Return everything the verifier and its page say: name of the constant -> its entries."""
    return {
        "EVENTS": sentences_events.EVENTS,
        "KIND_WORDS": questions.KIND_WORDS,
        "LINE_NAMES": verdict_sentences.LINE_NAMES,
        "QUESTIONS": _questions(),
        "SENTENCES": verdict_sentences.SENTENCES,
        "STATE_WORDS": verdict_sentences.STATE_WORDS,
    }


def source() -> str:
    """Return the TypeScript file: one constant per part, each entry a [zh, en] pair."""
    parts = [_HEAD]
    for name, entries in catalogue().items():
        rows = ",\n".join(
            f"  {json.dumps(code)}: {json.dumps(list(pair), ensure_ascii=False)}"
            for code, pair in entries.items()
        )
        parts.append(f"export const {name} = {{\n{rows},\n}} as const;\n")
    return "\n".join(parts)


def write() -> None:
    """Write the catalogue where the TypeScript looks for it, unless it is there already."""
    text = source()
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    if not TARGET.is_file() or TARGET.read_text(encoding="utf-8") != text:
        TARGET.write_text(text, encoding="utf-8")
