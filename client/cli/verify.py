"""suyuan verify: check a bundle offline. Needs the bundle and the genesis file, and nothing else.

Exit 0: no line failed, and what was asked for (question, age, pin) is met. 1: a line failed, or
what was asked for is not met. 2: a file or an option cannot be used.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from client.cli.options import GenesisOption, JsonOption, LanguageOption, needed_genesis, subject
from client.cli.screen import EXIT_FAILED, Screen
from client.files import read_file
from client.limits import PIN_FILE_SIZE_MAX
from client.rendering import print_branch, print_report
from client.story.facts import Names
from client.story.telling import tell
from client.verify import pin_size, verify_now
from ledger.errors import Malformed
from ledger.limits import BUNDLE_SIZE_MAX

__all__ = ["verify"]


def verify(
    bundle: Annotated[Path, typer.Argument(help="证明文件。The bundle file.", show_default=False)],
    genesis: GenesisOption = None,
    about: Annotated[
        str | None,
        typer.Option(
            "--about", help="必须回答的对象。The entity it must be about.", show_default=False
        ),
    ] = None,
    max_age: Annotated[
        int | None,
        typer.Option(
            "--max-age", min=0, help="最长时限（秒）。Tolerated age in seconds.", show_default=False
        ),
    ] = None,
    pin: Annotated[
        Path | None,
        typer.Option(
            "--pin", help="以前保存的检查点。A checkpoint note kept earlier.", show_default=False
        ),
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="也显示内容。Show the answer too.")] = False,
    json: JsonOption = False,
    language: LanguageOption = None,
) -> None:
    """离线核验一份证明。Verify a bundle offline: what it answers, and four separate verdicts."""
    screen = Screen(language)
    chain = needed_genesis(genesis)
    data = read_file(bundle, BUNDLE_SIZE_MAX)
    asked = None if about is None else subject(about)
    report = verify_now(data, chain, asked, max_age, _pin(pin))
    if json:
        screen.json(
            {
                "question": report.question(screen.language),
                "sentences": {line.name: line.sentence(screen.language) for line in report.lines},
                **report.value(),
            }
        )
    else:
        if show and report.claim is not None and report.exit_ok:
            branch = tell(report, Names.of(chain), screen.language)
            if branch is not None:
                print_branch(screen.out, branch, screen.language)
        print_report(screen.out, report, screen.language)
        if not report.met:
            screen.out.print(screen.say("asked-unmet"), style="red", markup=False)
    if not report.exit_ok:
        raise typer.Exit(EXIT_FAILED)


def _pin(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        note = read_file(path, PIN_FILE_SIZE_MAX).decode()
    except UnicodeDecodeError:
        raise Malformed(str(path), "is not text") from None
    pin_size(note)  # a file that is no note at all is a wrong file, not a verdict
    return note
