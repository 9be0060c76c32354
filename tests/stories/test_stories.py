"""Every story happens exactly as it is told; and the interpreter notices when one does not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.stories.__main__ import differences, main, story_files
from tests.stories.commands import Storyteller
from tests.stories.script import ScriptError, parse, retell

# PBFT 4.2, R-VC-3, DESIGN 2.7: a story says why its steps happen.
CITATION = re.compile(r"PBFT \d|R-[A-Z]{2}-\d|R-Q-\d|DESIGN \d")

SMALL = """Four members.

> members 4
    n = 4, f = 1, q = 3; primary of v0 is m0
> crash m0
    m0 loses             power
"""


@pytest.mark.parametrize("path", story_files(), ids=lambda path: path.stem)
def test_a_story_happens_as_it_is_told(path: Path) -> None:
    assert differences(path) == ""


@pytest.mark.parametrize("path", story_files(), ids=lambda path: path.stem)
def test_a_story_is_prose_that_says_why(path: Path) -> None:
    lines = parse(path.read_text("utf-8"))
    prose = [line.text for line in lines if not line.is_command]
    commands = [line for line in lines if line.is_command]
    assert CITATION.search("\n".join(prose)), "cites no section and no requirement"
    assert max(map(len, prose)) <= 100
    # A manual, not a log: there is more prose than commands.
    assert sum(map(bool, prose)) >= len(commands) / 2


def test_the_stories_are_numbered_without_gaps() -> None:
    names = [path.name for path in story_files()]
    assert [int(name[:2]) for name in names] == list(range(len(names)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("m0 loses  ", "m1 loses  "),  # another member
        ("    m0 loses             power\n", ""),  # an outcome left out
        ("power\n", "power\n    m0 starts\n"),  # an outcome added
    ],
)
def test_a_story_that_says_something_else_is_noticed(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "small.txt"
    path.write_text(SMALL.replace(old, new), "utf-8")
    assert differences(path) != ""
    assert main([str(path)]) == 1


def test_a_rewrite_puts_right_the_outcomes_and_keeps_the_prose(tmp_path: Path) -> None:
    path = tmp_path / "small.txt"
    path.write_text(SMALL.replace("power", "patience"), "utf-8")
    assert main(["--rewrite", str(path)]) == 0
    assert path.read_text("utf-8") == SMALL
    assert main([str(path)]) == 0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("    m0 loses power\n", "line 1: an outcome without a command"),
        ("> members 4\n\n    n = 4\n", "line 3: an outcome without a command"),
        ("> crash m0\n", "line 1: a story begins with"),
        ("> members 4\n> dance\n", "line 2: no command: dance"),
        ("> members 4\n> crash m7\n", "line 2: no member m7"),
        ("> members 4\n> lose love\n", "line 2: no message love"),
        ("> members 4\n> hide love\n", "line 2: nothing is told of the kind love"),
        ("> members 4\n> lie m0 to m1: anything\n", "line 2: no lie: anything"),
        ("> members 4\n> wipe m0\n", "line 2: m0 runs"),
        ("> members 4\n> put back the disk of m0\n", "line 2: no copy of the disk of m0"),
        ("> members 4\n> copy the disk of m0\n> put back the disk of m0\n", "line 3: m0 runs"),
        ("> members 4\n> until m0 view 9\n", "line 2: it never came to that"),
    ],
)
def test_a_story_that_cannot_be_told_names_line_and_reason(text: str, reason: str) -> None:
    with pytest.raises(ScriptError, match=re.escape(reason)):
        retell(text, Storyteller().run)


def test_two_tellings_are_the_same_to_the_letter() -> None:
    path = story_files()[-1]
    text = path.read_text("utf-8")
    assert retell(text, Storyteller().run) == retell(text, Storyteller().run)
