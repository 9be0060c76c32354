"""Answers beyond what one bundle holds: the pages of a period, kept as files, shown, judged
together; of other questions, the way to ask in parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from client.cli.screen import Screen
from client.files import write_atomically
from client.paging import Together
from client.rendering import print_report, printable
from ledger.claims import Accesses, Claim, Trace
from ledger.errors import ClientFault
from ledger.instants import utc_time

__all__ = ["in_parts", "kept", "show_pages"]


def kept(screen: Screen, out: Path | None, pages: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Yield each page and whether there are several; save one alone as `out`, several as
    `out`-001 and so on, each as soon as it is there.
    """
    held, number = next(pages), 0
    for following in pages:
        number += 1
        _save(screen, out and _named(out, number), held)
        yield held, True
        held = following
    _save(screen, out if out is None or number == 0 else _named(out, number + 1), held)
    yield held, number > 0


@contextmanager
def in_parts(claim: Claim) -> Iterator[None]:
    """Tell who is refused, because no bundle could hold the answer, how to ask for it in parts."""
    try:
        yield
    except ClientFault as fault:
        if fault.code != "answer-too-large":
            raise
        code = "ask-by-entity" if isinstance(claim, Accesses | Trace) else "ask-by-period"
        told = {name: fault.parameters.get(name, "?") for name in ("limit", "what")}
        raise ClientFault(code, **told) from None


def _named(out: Path, number: int) -> Path:
    return out.with_name(f"{out.stem}-{number:03}{out.suffix}")


def _save(screen: Screen, file: Path | None, data: bytes) -> None:
    if file is not None:
        write_atomically(file, data)
        screen.note(screen.say("saved", file=file))


def show_pages(
    screen: Screen, together: Together, pages: Iterable[tuple[bytes, int | None]], json: bool
) -> bool:
    """Print the verdict on each page (given with the age tolerated of it, in seconds), and on all
    together; return whether they prove one period.
    """
    told: list[dict[str, Any]] = []
    for page, max_age in pages:
        report = together.add(page, max_age)
        if json:
            told.append({"question": report.question(screen.language), **report.value()})
            continue
        screen.out.print(screen.say("page", page=together.pages), style="dim", markup=False)
        print_report(screen.out, report, screen.language)
    sentence, value = _whole(screen, together)
    if json:
        screen.json({"pages": told, "together": {"sentence": sentence, **value}})
    else:
        style = "red" if together.fault else "green"
        screen.out.print(printable(sentence), style=style, markup=False)
    return together.fault is None


def _whole(screen: Screen, together: Together) -> tuple[str, dict[str, Any]]:
    if together.fault is not None or together.claim is None:
        code, parameters = together.fault or ("page-not-clean", {"page": 1})
        return screen.say(code, **parameters), {"ok": False, "code": code, **parameters}
    claim = together.claim
    figures = {"entity": claim.path.text, "events": together.events, "pages": together.pages}
    bounds = {"since": utc_time(claim.since // 1000), "until": utc_time(claim.until // 1000)}
    sentence = screen.say("pages-whole", **figures, **bounds)
    return sentence, {"ok": True, "code": "pages-whole", **figures, **bounds}
