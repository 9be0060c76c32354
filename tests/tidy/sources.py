"""The repository's own files as the tidy rules see them: parsed once, with room and module name.

A rule is a function from one `Source` (or all of them) to `Finding`s; it does no IO, so that each
rule is itself tested on small sources that break it (tests/tidy/test_rules.py).
"""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

ROOMS = ("ledger", "consensus", "chaincode", "network", "node", "client")
ROOF = "suyuan"
OUTSIDE = ("tests", "benchmarks")  # outside the house: may import every room, imported by none
HOUSE = (*ROOMS, ROOF, *OUTSIDE)

# Folders no reader calls source, for a tree that is not a git work tree (an unpacked sdist).
NOT_OURS = {".venv", ".git", "build", "dist", "__pycache__", ".mypy_cache", ".ruff_cache"}
TEXT_SUFFIXES = {".py", ".md", ".toml", ".txt", ".yml", ".yaml", ".sh", ".cfg", ".ini", ".json", ""}


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule at one place."""

    path: str
    line: int
    rule: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}"


@dataclass(frozen=True, slots=True)
class Text:
    """A tracked text file."""

    path: str
    text: str

    @property
    def room(self) -> str:
        """The top-level folder, or for a file at the root its stem."""
        first = PurePosixPath(self.path).parts[0]
        return first.removesuffix(".py")

    @property
    def lines(self) -> list[str]:
        """The text's lines, without their ends."""
        return self.text.splitlines()


@dataclass(frozen=True, slots=True)
class Source(Text):
    """A tracked Python file, parsed."""

    tree: ast.Module

    @classmethod
    def parse(cls, path: str, text: str) -> Source:
        """Parse one file; its path is relative to the root, with forward slashes."""
        return cls(path, text, ast.parse(text, filename=path))

    @property
    def module(self) -> str:
        """The dotted import name."""
        parts = PurePosixPath(self.path).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def found(self, node: ast.AST, rule: str) -> Finding:
        """A finding at a node of this file."""
        return Finding(self.path, getattr(node, "lineno", 1), rule)


def tracked(root: Path) -> Iterator[str]:
    """Paths of the files that are, or with the next commit would be, in the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:
        names = {name for name in listed.stdout.split("\0") if name}
    else:
        names = {
            path.relative_to(root).as_posix()
            for path in root.rglob("*")
            if not NOT_OURS & set(path.relative_to(root).parts)
        }
    yield from sorted(name for name in names if (root / name).is_file())


def texts(root: Path) -> list[Text]:
    """Every tracked text file. Vectors and fixtures are data, not text."""
    return [
        Text(name, (root / name).read_text(encoding="utf-8"))
        for name in tracked(root)
        if PurePosixPath(name).suffix in TEXT_SUFFIXES and not name.startswith("tests/vectors/")
    ]


def sources(root: Path) -> list[Source]:
    """Every tracked Python file, parsed."""
    return [Source.parse(text.path, text.text) for text in texts(root) if text.path.endswith(".py")]
