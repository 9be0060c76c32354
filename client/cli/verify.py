"""suyuan verify: check a bundle offline. Needs the bundle and the genesis file, and nothing else.

Exit 0: no line failed, and what was asked for (question, age, pin, witnesses) is met. 1: a line
failed, or what was asked for is not met. 2: a file or an option cannot be used.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from client.cli.answer import ShowOption, answer_value, print_answer
from client.cli.conditions import (
    MaxAgeOption,
    PinOption,
    PolicyOption,
    open_pin,
    open_policy,
)
from client.cli.options import GenesisOption, JsonOption, LanguageOption, needed_genesis, subject
from client.cli.pages import show_pages
from client.cli.questions import (
    EventOption,
    FromOption,
    HeightOption,
    IndexOption,
    Kind,
    Narrowed,
    PairsOption,
    UntilOption,
    claim_of,
    require_own_chain,
)
from client.cli.screen import EXIT_FAILED, Screen
from client.files import read_file
from client.paging import Together
from client.verify import verify_now
from ledger.claims import Accesses, Claim
from ledger.errors import Malformed
from ledger.limits import BUNDLE_SIZE_MAX
from ledger.paths import Path as EntityPath
from ledger.verdict import Report

__all__ = ["verify"]


def verify(
    bundles: Annotated[
        list[Path],
        typer.Argument(
            help="证明文件；或一段时间的各页，依次。The bundle file; or the pages of a period.",
            show_default=False,
        ),
    ],
    genesis: GenesisOption = None,
    about: Annotated[
        str | None,
        typer.Option(
            "--about",
            help="必须回答的对象：其去向，或查无此物。Whose trace, or absence, it must be.",
            show_default=False,
        ),
    ] = None,
    kind: Annotated[
        Kind | None,
        typer.Option(
            "--kind",
            help="恰为此类问题（连同 --about）。Exactly this question about it.",
            show_default=False,
        ),
    ] = None,
    event: EventOption = None,
    since: FromOption = None,
    until: UntilOption = None,
    height: HeightOption = None,
    index: IndexOption = None,
    pairs: PairsOption = None,
    max_age: MaxAgeOption = None,
    pin: PinOption = None,
    policy: PolicyOption = None,
    show: ShowOption = False,
    json: JsonOption = False,
    language: LanguageOption = None,
) -> None:
    """离线核验一份证明。Verify a bundle offline: what it answers, and four separate verdicts."""
    screen = Screen(language)
    chain = needed_genesis(genesis)
    asked = _asked(about, kind, Narrowed(event, since, until, height, index, pairs))
    require_own_chain(kind, about or "", chain.origin)
    conditions = (max_age, open_pin(pin), open_policy(policy))
    if len(bundles) > 1:
        if show:
            raise Malformed("--show", "is for one bundle: show the pages one by one")
        _verify_pages(screen, bundles, asked, max_age, Together(chain, *conditions[1:]), json)
        return
    data = read_file(bundles[0], BUNDLE_SIZE_MAX)
    report = verify_now(data, chain, asked, *conditions)
    claim = report.claim
    # Asked about a data set, a list of accesses answers it, for whoever holds the handles it names.
    unpaired = isinstance(claim, Accesses) and claim.dataset == asked
    if unpaired:
        report = verify_now(data, chain, claim, *conditions)
    if json:
        _print_json(screen, report, pairs is not None, show)
    else:
        print_answer(screen, report, chain, show)
        _print_unmet(screen, report, unpaired)
    if not report.exit_ok:
        raise typer.Exit(EXIT_FAILED)


def _verify_pages(
    screen: Screen,
    files: list[Path],
    asked: EntityPath | Claim | None,
    max_age: int | None,
    together: Together,
    json: bool,
) -> None:
    """Judge the pages of one period. Only the last must be young: what the others say about a time
    gone by, the page after them confirms.
    """
    ages = [None] * (len(files) - 1) + [max_age]
    pages = ((read_file(file, BUNDLE_SIZE_MAX), age) for file, age in zip(files, ages, strict=True))
    proved = show_pages(screen, together, pages, json)
    met = asked is None or together.claim == asked
    if proved and not met and not json:
        screen.out.print(screen.say("asked-unmet"), style="red", markup=False)
    if not (proved and met):
        raise typer.Exit(EXIT_FAILED)


def _print_json(screen: Screen, report: Report, handles_asked: bool, show: bool) -> None:
    screen.json(
        {
            "handles_asked": handles_asked,
            "sentences": {line.name: line.sentence(screen.language) for line in report.lines},
            **answer_value(report, screen.language, show),
        }
    )


def _print_unmet(screen: Screen, report: Report, unpaired: bool) -> None:
    if unpaired:
        screen.out.print(screen.say("handles-unasked"), style="yellow", markup=False)
    if report.authority.code == "pin-without-proof":
        screen.note(screen.say("ask-with-pin"))
    if not report.met:
        screen.out.print(screen.say("asked-unmet"), style="red", markup=False)


def _asked(about: str | None, kind: Kind | None, narrowed: Narrowed) -> EntityPath | Claim | None:
    """Return the question that must be answered. Raises: ClientFault, Malformed."""
    if kind is None and narrowed.pairs is not None:
        kind = "accesses"  # the one kind that has handles
    if kind is None and (given := narrowed.given()):
        raise Malformed(f"--{min(given)}", "needs --kind: it narrows one kind of question down")
    if about is None:
        if kind is not None:
            raise Malformed("--about", "must say what --kind or --pairs is asked about")
        return None
    return subject(about) if kind is None else claim_of(kind, about, narrowed)
