"""The text of a story: prose, commands, and what followed from each command.

    Prose stands at the margin, as it likes.

    > crash m0
        m0 loses power

A line that begins with `> ` is a command; the lines indented by four spaces right below it are its
outcome. Everything else is prose and is kept as it is. What it is not: the meaning of commands
(commands.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Line", "ScriptError", "parse", "retell"]

COMMAND = "> "
OUTCOME = "    "


class ScriptError(Exception):
    """A story that is not well formed, or a command that means nothing: says line and reason."""


@dataclass(frozen=True)
class Line:
    """A line of prose, or a command with the outcome that stands below it in the file."""

    number: int
    text: str
    is_command: bool
    outcome: tuple[str, ...] = ()


def parse(text: str) -> list[Line]:
    """Return the lines of a story, outcomes under their commands. Raises: ScriptError."""
    result: list[Line] = []
    outcome_may_follow = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(OUTCOME):
            if not outcome_may_follow:
                raise ScriptError(f"line {number}: an outcome without a command")
            last = result[-1]
            result[-1] = Line(last.number, last.text, True, (*last.outcome, line))
            continue
        outcome_may_follow = line.startswith(COMMAND)
        body = line[len(COMMAND) :].strip() if outcome_may_follow else line
        result.append(Line(number, body, outcome_may_follow))
    return result


def retell(text: str, run: Callable[[str], list[str]]) -> str:
    """Return the story with the outcome of every command replaced by what `run` says.

    Raises: ScriptError, with the line of the command that means nothing.
    """
    lines: list[str] = []
    for line in parse(text):
        if not line.is_command:
            lines.append(line.text)
            continue
        try:
            outcome = run(line.text)
        except ScriptError as error:
            raise ScriptError(f"line {line.number}: {error}") from error
        lines.append(COMMAND + line.text)
        lines += [OUTCOME + one for one in outcome]
    return "\n".join(lines) + "\n"
