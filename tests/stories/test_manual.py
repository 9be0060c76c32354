"""The manual around the stories against the code: message table, map of the paper, links.

What a message waits for is not read from the code but observed: in all stories, for every message
that a member sends.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

import consensus
from consensus import messages as wire
from tests.stories.__main__ import story_files
from tests.stories.commands import Storyteller
from tests.stories.script import retell

TYPES: tuple[type[object], ...] = (*get_args(wire.Message), wire.Cosigned)


def name_of(message: type[object]) -> str:
    """The type tag on the wire; the Certifier's only message needs none."""
    return str(getattr(message, "__struct_config__").tag or message.__name__.lower())  # noqa: B009


@pytest.fixture(scope="module")
def table(repository: Path) -> dict[str, str]:
    """Message -> what the column "durable" says."""
    text = (repository / "docs" / "PROTOCOL.md").read_text("utf-8")
    section = text.partition("## Messages\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    found: list[tuple[str, str]] = []
    for line in lines:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        found += [(name, cells[3]) for name in re.findall(r"`([a-z-]+)`", cells[0])]
    assert len(found) == len(dict(found)), "a message stands in the table twice"
    return dict(found)


@pytest.fixture(scope="module")
def waited() -> dict[type[object], bool]:
    """Type -> whether members made one wait for a record, in any story."""
    result: dict[type[object], bool] = {}
    for path in story_files():
        teller = Storyteller()
        retell(path.read_text("utf-8"), teller.run)
        for stage in teller.stages:
            for message, held in stage.waited.items():
                result[message] = result.get(message, False) or held
    return result


def test_every_message_stands_in_the_table_and_nothing_else(table: dict[str, str]) -> None:
    assert sorted(table) == sorted(name_of(message) for message in TYPES)


def test_the_stories_show_every_message(waited: dict[type[object], bool]) -> None:
    assert [message.__name__ for message in TYPES if message not in waited] == []


@pytest.mark.parametrize("message", TYPES, ids=name_of)
def test_the_table_says_rightly_whether_it_is_durable_first(
    message: type[object], table: dict[str, str], waited: dict[type[object], bool]
) -> None:
    said = table[name_of(message)]
    assert said.split(",")[0].split()[0] in {"yes", "no"}
    assert said.startswith("yes") == waited[message]


def test_the_map_of_the_paper_names_every_file_of_the_room(repository: Path) -> None:
    files = {path.name for path in (repository / "consensus").glob("*.py")} - {"__init__.py"}
    named = set(re.findall(r"(?<![/\w])([a-z_]+\.py)", consensus.__doc__ or ""))
    assert named == files


@pytest.mark.parametrize("folder", [".", "docs", "docs/protocol", "docs/decisions"])
def test_links_in_documents_lead_somewhere(folder: str, repository: Path) -> None:
    broken = [
        f"{document.name}: {target}"
        for document in sorted((repository / folder).glob("*.md"))
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text("utf-8"))
        if "://" not in target and not (document.parent / target).exists()
    ]
    assert broken == []


def test_every_page_of_the_protocol_is_on_the_map(repository: Path) -> None:
    text = (repository / "docs" / "PROTOCOL.md").read_text("utf-8")
    pages = {path.name for path in (repository / "docs" / "protocol").glob("*.md")}
    assert set(re.findall(r"\(protocol/([a-z-]+\.md)\)", text)) == pages
