"""`python -m tests.stories [--rewrite] [FILE ...]`: tell stories, compare, or write them anew.

After a rewrite read the difference: keep only what you understand.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path

from tests.stories.commands import Storyteller
from tests.stories.script import ScriptError, retell

__all__ = ["FOLDER", "differences", "main", "story_files"]

FOLDER = Path(__file__).resolve().parent


def story_files() -> list[Path]:
    """All stories, in the order in which they are read."""
    return sorted(FOLDER.glob("*.txt"))


def differences(path: Path) -> str:
    """What happens otherwise than the story says, as a unified difference; empty when all holds.

    Raises: ScriptError for a story that cannot be told.
    """
    said = path.read_text("utf-8")
    told = retell(said, Storyteller().run)
    lines = difflib.unified_diff(
        said.splitlines(), told.splitlines(), f"{path.name} (said)", f"{path.name} (told)", n=6
    )
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Return 0 when every story holds, or was rewritten."""
    parser = argparse.ArgumentParser(prog="python -m tests.stories", description=__doc__)
    parser.add_argument("--rewrite", action="store_true", help="write what happens now")
    parser.add_argument("files", nargs="*", type=Path, help="stories; all, when none is named")
    options = parser.parse_args(arguments)
    failed = 0
    for path in options.files or story_files():
        try:
            difference = differences(path)
        except ScriptError as error:
            print(f"{path.name}: {error}")
            failed += 1
            continue
        if not difference:
            continue
        print(difference)
        if options.rewrite:
            path.write_text(retell(path.read_text("utf-8"), Storyteller().run), "utf-8")
        else:
            failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
