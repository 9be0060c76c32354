"""suyuan verify: check a bundle offline. Needs the bundle and the genesis file, and nothing else.

Exit 0: no line failed, and what was asked for (question, age, pin, witnesses) is met. 1: a line
failed, or what was asked for is not met. 2: a file or an option cannot be used.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from client.cli.conditions import PinOption, PolicyOption, open_pin, open_policy
from client.cli.options import GenesisOption, JsonOption, LanguageOption, needed_genesis, subject
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
)
from client.cli.screen import EXIT_FAILED, Screen
from client.files import read_file
from client.rendering import print_branch, print_report
from client.story.facts import Names
from client.story.telling import tell
from client.verify import verify_now
from ledger.claims import Accesses, Claim
from ledger.errors import Malformed
from ledger.limits import BUNDLE_SIZE_MAX
from ledger.paths import Path as EntityPath
from ledger.verdict import Report

__all__ = ["verify"]


def verify(
    bundle: Annotated[Path, typer.Argument(help="证明文件。The bundle file.", show_default=False)],
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
    max_age: Annotated[
        int | None,
        typer.Option(
            "--max-age", min=0, help="最长时限（秒）。Tolerated age in seconds.", show_default=False
        ),
    ] = None,
    pin: PinOption = None,
    policy: PolicyOption = None,
    show: Annotated[bool, typer.Option("--show", help="也显示内容。Show the answer too.")] = False,
    json: JsonOption = False,
    language: LanguageOption = None,
) -> None:
    """离线核验一份证明。Verify a bundle offline: what it answers, and four separate verdicts."""
    screen = Screen(language)
    chain = needed_genesis(genesis)
    data = read_file(bundle, BUNDLE_SIZE_MAX)
    asked = _asked(about, kind, Narrowed(event, since, until, height, index, pairs))
    conditions = (max_age, open_pin(pin), open_policy(policy))
    report = verify_now(data, chain, asked, *conditions)
    claim = report.claim
    # Asked about a data set, a list of accesses answers it, for whoever holds the handles it names.
    unpaired = isinstance(claim, Accesses) and claim.dataset == asked
    if unpaired:
        report = verify_now(data, chain, claim, *conditions)
    if json:
        screen.json(
            {
                "handles_asked": pairs is not None,
                "question": report.question(screen.language),
                "sentences": {line.name: line.sentence(screen.language) for line in report.lines},
                **report.value(),
            }
        )
    else:
        _print(screen, report, Names.of(chain) if show else None, unpaired)
    if not report.exit_ok:
        raise typer.Exit(EXIT_FAILED)


def _print(screen: Screen, report: Report, names: Names | None, unpaired: bool) -> None:
    if names is not None and report.claim is not None and report.exit_ok:
        branch = tell(report, names, screen.language)
        if branch is not None:
            print_branch(screen.out, branch, screen.language)
    print_report(screen.out, report, screen.language)
    if unpaired:
        screen.out.print(screen.say("handles-unasked"), style="yellow", markup=False)
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
