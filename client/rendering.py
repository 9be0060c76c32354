"""Stories and verdicts on a terminal, with rich: trees of branches, lines with time and signers,
four verdict lines.

Never colour alone: what is corrected is struck through *and* says what it was; verdicts carry a
sign. All text from the ledger is written as text, never as markup.
"""

from __future__ import annotations

from typing import Final
from unicodedata import category

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from client.story.facts import Branch, Line, moment
from client.story.phrases import Phrases
from ledger.verdict import Report

# Controls (line feeds among them), invisible formatting, line and paragraph separators, surrogates:
# with any of them a text from outside could begin a line of its own, or hide and turn what it says.
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})

__all__ = ["print_branch", "print_report", "printable", "tree_of"]

_STYLES: Final = {
    "plain": "",
    "good": "green",
    "bad": "red",
    "warn": "yellow",
    "dim": "dim",
    "struck": "strike dim",
}
_MARKS: Final = {"good": "●", "bad": "✗", "warn": "▲", "dim": "·", "struck": "○", "plain": "●"}
_STANDING: Final = {"clean": ("✓", "green"), "qualified": ("△", "yellow"), "failed": ("✗", "red")}


def tree_of(branch: Branch, language: str, strokes: bool = False) -> Tree:
    """Return a story as a rich tree; `strokes` strikes old values through by characters, where
    styles are lost.
    """
    tree = Tree(Text(printable(branch.title), style="bold"), guide_style="dim")
    _grow(tree, branch, Phrases(language), strokes)
    return tree


def print_branch(console: Console, branch: Branch, language: str) -> None:
    """Print a story."""
    console.print(tree_of(branch, language, strokes=not console.is_terminal))


def print_report(console: Console, report: Report, language: str) -> None:
    """Print the question that a bundle answers, its four verdict lines, and the notes on their
    scope.
    """
    console.print(Text(printable(report.question(language)), style="bold"))
    for line in report.lines:
        sign, style = _STANDING[line.state]
        console.print(
            Text.assemble(("  " + sign + " ", style), (printable(line.text(language)), style))
        )
    for note in report.notes:
        console.print(Text("    " + printable(note.sentence(language)), style="dim"))


def _grow(tree: Tree, branch: Branch, say: Phrases, strokes: bool) -> None:
    for line in branch.lines:
        tree.add(_text(line, say, strokes))
    for inner in branch.branches:
        _grow(tree.add(Text(printable(inner.title), style="bold")), inner, say, strokes)


def _text(line: Line, say: Phrases, strokes: bool) -> Text:
    text = Text(
        _MARKS[line.tone] + " ", style=_STYLES[line.tone] if line.tone != "struck" else "dim"
    )
    if line.time is not None:
        text.append(moment(line.time) + "  ", style="cyan")
    text.append(printable(line.text), style=_STYLES[line.tone])
    if line.old:
        old = _stroke(printable(line.old)) if strokes else printable(line.old)
        text.append("  ")
        text.append(say("was", old=old), style="strike dim")
    details = [line.note] if line.note else []
    if line.signers:
        details.append(say("signed", names=say.list(list(line.signers))))
    if details:
        text.append("  " + printable(" · ".join(details)), style="dim")
    return text


def printable(text: str) -> str:
    """Return a text from outside as one line in which nothing is hidden: what breaks lines, steers
    terminals, turns directions or has no width is replaced by U+FFFD.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if category(letter) in _UNSEEN else letter for letter in text
    )


def _stroke(value: str) -> str:
    return "".join(letter + "\u0336" for letter in value)
