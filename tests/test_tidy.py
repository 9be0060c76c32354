"""The house rules, kept by a test: what docs/decisions/0001 says in words, rule by rule.

Each rule is a pure function under tests/tidy/ and is itself tested there on sources that break it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.tidy import determinism, imports, shape
from tests.tidy.sources import ROOMS, Finding, Source, Text, sources, texts

SOURCE_RULES: tuple[Callable[[Source], list[Finding]], ...] = (
    imports.upward_imports,
    imports.impure_imports,
    determinism.floats,
    determinism.forbidden_calls,
    determinism.unicode_classes,
    determinism.set_iteration,
    shape.long_file,
    shape.long_functions,
    shape.module_docstring,
    shape.public_docstrings,
    shape.bare_asserts,
    shape.vague_names,
)
TEXT_RULES: tuple[Callable[[Text], list[Finding]], ...] = (
    shape.file_names,
    shape.marks,
    shape.machine_places,
)


@pytest.fixture(scope="module")
def tracked_sources(repository: Path) -> list[Source]:
    return sources(repository)


@pytest.fixture(scope="module")
def tracked_texts(repository: Path) -> list[Text]:
    return texts(repository)


def report(findings: Iterable[Finding]) -> str:
    return "\n" + "\n".join(map(str, findings))


def test_the_tidy_rules_look_at_every_room(tracked_sources: list[Source]) -> None:
    assert {source.room for source in tracked_sources} >= {*ROOMS, "suyuan", "tests"}


@pytest.mark.parametrize("rule", SOURCE_RULES, ids=lambda rule: rule.__name__)
def test_python_files_keep_the_rule(
    rule: Callable[[Source], list[Finding]], tracked_sources: list[Source]
) -> None:
    findings = [finding for source in tracked_sources for finding in rule(source)]
    assert not findings, report(findings)


@pytest.mark.parametrize("rule", TEXT_RULES, ids=lambda rule: rule.__name__)
def test_text_files_keep_the_rule(
    rule: Callable[[Text], list[Finding]], tracked_texts: list[Text]
) -> None:
    findings = [finding for text in tracked_texts for finding in rule(text)]
    assert not findings, report(findings)


def test_no_module_is_dead(tracked_sources: list[Source]) -> None:
    findings = imports.dead_modules(tracked_sources)
    assert not findings, report(findings)
