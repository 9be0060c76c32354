"""Where the command line meets the person: consoles, the language, and faults as one line."""

from __future__ import annotations

import json
import os
import signal
import sys
from contextvars import ContextVar
from typing import Any

from rich.console import Console
from typer.core import TyperGroup

from client.rendering import printable
from client.words import Words, language_of, sentence_of
from ledger.errors import InvariantViolated, SuyuanError

__all__ = ["EXIT_FAILED", "EXIT_UNUSABLE", "Group", "Screen"]

EXIT_FAILED = 1  # what was asked was done, and the answer is no
EXIT_UNUSABLE = 2  # what was given cannot be used: usage, files, addresses
PIPE_COLUMNS = 140

# The language of the command under way, for faults that end it.
_SPOKEN: ContextVar[str] = ContextVar("spoken")


class Screen:
    """One command's way to speak: `out` for answers, `err` for progress and faults, `say` for
    words.
    """

    def __init__(self, language: str | None = None) -> None:
        _speak_utf8()
        self.language = language_of(language)
        self.say = Words(self.language)
        self.out = _console(sys.stdout.isatty(), stderr=False)
        self.err = _console(sys.stderr.isatty(), stderr=True)
        _SPOKEN.set(self.language)

    def json(self, value: Any) -> None:
        """Print one JSON value on one line of standard output.

        In ASCII: what a terminal obeys or hides stays an escape of JSON; programs read the same.
        """
        text = json.dumps(value, ensure_ascii=True, sort_keys=True)
        sys.stdout.write(text.replace("\x7f", "\\u007f") + "\n")
        sys.stdout.flush()

    def note(self, text: str) -> None:
        """Print a line a person should see and a program should not read."""
        self.err.print(text, style="yellow", markup=False, soft_wrap=True)


class Group(TyperGroup):
    """The root of the commands: turns what is raised on purpose into a line and an exit status."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; faults of input become one line, our own bugs stay loud."""
        try:
            return super().invoke(ctx)
        except InvariantViolated:
            raise
        except SuyuanError as error:
            _speak_utf8()
            sys.stderr.write(f"suyuan: {printable(sentence_of(error, _spoken()))}\n")
            ctx.exit(EXIT_UNUSABLE)
        except KeyboardInterrupt:
            sys.stderr.write(f"\nsuyuan: {Words(_spoken())('interrupted')}\n")
            ctx.exit(128 + signal.SIGINT)
        except BrokenPipeError:
            # Whoever read our output has seen enough; Python would complain once more on exit.
            sys.stderr.close()
            ctx.exit(128 + signal.SIGPIPE)


def _console(terminal: bool, stderr: bool) -> Console:
    # A file or a pipe has no width: what reads it should not find lines broken for a screen of 80.
    width = None if terminal or "COLUMNS" in os.environ else PIPE_COLUMNS
    return Console(stderr=stderr, highlight=False, width=width)


def _speak_utf8() -> None:
    """Chinese must not crash a terminal of another encoding."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None and getattr(stream, "encoding", "").lower() not in (
            "utf-8",
            "utf8",
        ):
            reconfigure(encoding="utf-8", errors="replace")


def _spoken() -> str:
    return _SPOKEN.get(language_of())
