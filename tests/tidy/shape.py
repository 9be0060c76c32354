"""Rules about the shape of files: length, docstrings, names, asserts, left-over marks, places.

They apply to every tracked Python file, and where said to every tracked text.
"""

from __future__ import annotations

import ast
import re
from pathlib import PurePosixPath

from tests.tidy.sources import Finding, Source, Text

LONGEST_FILE = 450  # lines
LONGEST_FUNCTION = 70  # lines, signature and docstring included
DOCUMENTED_ROOMS = ("ledger", "consensus", "chaincode", "network")

VAGUE = re.compile(r"(utils?|helpers?|managers?|common|misc|stuff)", re.IGNORECASE)
VAGUE_CLASS = re.compile(r"(Utils?|Helpers?|Managers?|Common|Misc)$")
FILE_NAME = re.compile(r"[a-z_][a-z0-9_]*\.py")
DECISION_NAME = re.compile(r"\d{4}-[a-z0-9]+(-[a-z0-9]+)*\.md")
# Spelt in two halves, so that this file does not break its own rule.
MARK = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
# Absolute places of one machine; /dev, /proc, /usr and the like are the same on all.
PLACE = re.compile(r"(?<![\w.~}$>])/(work|opt|root|home|tmp|mnt|srv|Users)(/|\b(?=[\"'`\s]|$))")
# Package sources are the installer's business; a repository that names one binds its readers to it.
HOST = re.compile(
    r"(py"
    r"pi\.org|python"
    r"hosted\.org|npm"
    r"js\.(org|com)|crates"
    r"\.io|deb\.debian"
    r"\.org"
    r"|proxy\.golang"
    r"\.org|repo1?\.maven)"
)


def long_file(source: Source) -> list[Finding]:
    """A file of more than LONGEST_FILE lines has a second file inside."""
    length = len(source.lines)
    if length <= LONGEST_FILE:
        return []
    return [Finding(source.path, length, f"{length} lines: a file has at most {LONGEST_FILE}")]


def long_functions(source: Source) -> list[Finding]:
    """Functions of more than LONGEST_FUNCTION lines."""
    found = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > LONGEST_FUNCTION:
                rule = f"{node.name} has {length} lines: a function has at most {LONGEST_FUNCTION}"
                found.append(source.found(node, rule))
    return found


def module_docstring(source: Source) -> list[Finding]:
    """A module begins by saying what it is."""
    if not source.text.strip() and source.path.startswith("tests/"):
        return []
    if ast.get_docstring(source.tree):
        return []
    return [Finding(source.path, 1, "a module begins with its docstring")]


def public_docstrings(source: Source) -> list[Finding]:
    """Public functions and classes of the rooms others rely on say what they promise."""
    if source.room not in DOCUMENTED_ROOMS:
        return []
    return [
        source.found(node, f"public {node.name} has no docstring")
        for node in source.tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]


def bare_asserts(source: Source) -> list[Finding]:
    """`assert` vanishes under -O; outside tests an invariant raises InvariantViolated."""
    if source.room == "tests":
        return []
    return [
        source.found(node, "no bare assert outside tests: raise InvariantViolated")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Assert)
    ]


def vague_names(source: Source) -> list[Finding]:
    """Files, folders and classes named after nothing."""
    places = [
        Finding(source.path, 1, f"{part}: a name says what the thing is")
        for part in PurePosixPath(source.path).parts
        if VAGUE.fullmatch(part.removesuffix(".py"))
    ]
    return places + [
        source.found(node, f"class {node.name}: a name says what the thing is")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef) and VAGUE_CLASS.search(node.name)
    ]


def file_names(text: Text) -> list[Finding]:
    """Python files in snake case; decisions numbered."""
    path = PurePosixPath(text.path)
    if path.suffix == ".py" and not FILE_NAME.fullmatch(path.name):
        return [Finding(text.path, 1, "Python files are named in lower_snake_case")]
    if path.parent.name == "decisions" and not DECISION_NAME.fullmatch(path.name):
        return [Finding(text.path, 1, "decisions are named 0001-what-was-decided.md")]
    return []


def marks(text: Text) -> list[Finding]:
    """Left-over marks: do it, or open an issue."""
    return [
        Finding(text.path, number, f"left-over mark {match[0]}: do it, or open an issue")
        for number, line in enumerate(text.lines, 1)
        if (match := MARK.search(line))
    ]


def machine_places(text: Text) -> list[Finding]:
    """Paths that exist on one machine, and hosts that packages come from."""
    found = []
    for number, line in enumerate(text.lines, 1):
        if (match := PLACE.search(line)) and not (text.room == "tests" and match[1] == "tmp"):
            found.append(Finding(text.path, number, f"names a place of one machine: {match[0]}"))
        if match := HOST.search(line):
            found.append(Finding(text.path, number, f"names a package host: {match[0]}"))
    return found
