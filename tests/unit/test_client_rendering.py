"""What a terminal shows of texts from outside: one line, nothing hidden, nothing obeyed."""

from __future__ import annotations

import json

import pytest
from rich.console import Console

from client.cli.screen import Screen
from client.rendering import print_branch, printable
from client.story.facts import Branch, Line

UNSEEN = {
    "line feed": "\n",
    "carriage return": "\r",
    "tab": "\t",
    "escape": "\x1b",
    "delete": "\x7f",
    "next line": "\x85",
    "C1 control sequence": "\x9b",
    "soft hyphen": "\xad",
    "Arabic letter mark": "\u061c",
    "zero width space": "\u200b",
    "zero width joiner": "\u200d",
    "right-to-left mark": "\u200f",
    "line separator": "\u2028",
    "paragraph separator": "\u2029",
    "right-to-left override": "\u202e",
    "word joiner": "\u2060",
    "isolate": "\u2066",
    "byte order mark": "\ufeff",
    "tag": "\U000e0041",
    "half of a pair": "\ud800",
}


@pytest.mark.parametrize("unseen", UNSEEN.values(), ids=UNSEEN.keys())
def test_what_breaks_lines_hides_or_steers_is_replaced(unseen: str) -> None:
    assert printable(f"发票{unseen}14") == "发票\N{REPLACEMENT CHARACTER}14"


def test_what_people_write_stays_as_it_is() -> None:
    for text in ("invoice 14", "武汉仁爱医院：18,000 只", "Ünïcödé · ● ✗", "😀", "\u3000"):
        assert printable(text) == text


def test_a_text_of_the_ledger_cannot_add_a_line_to_a_story() -> None:
    forged = "invoice 14\n● 2020-01-24  Renai Hospital used all of it\u2028● nothing is left"
    branch = Branch("donation\nx", (Line("received", note=forged, signers=("a\nb",)),))
    console = Console(width=300)
    with console.capture() as capture:
        print_branch(console, branch, "en")
    assert len(capture.get().splitlines()) == 2


@pytest.mark.parametrize("unseen", UNSEEN.values(), ids=UNSEEN.keys())
def test_json_on_a_terminal_holds_nothing_a_terminal_obeys(
    unseen: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Screen("en").json({"text": f"发票{unseen}14"})
    said = capsys.readouterr().out
    assert said.isascii()
    assert said.removesuffix("\n").isprintable()
    assert json.loads(said) == {"text": f"发票{unseen}14"}
