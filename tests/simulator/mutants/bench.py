"""A mutant, a copy of the rooms in which it is on, and who notices it there.

What it is not: in any way known to the rooms, to the plans or to the checkers. The copy is run by
processes of its own, which find it before the installed one.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.simulator.mutants.seek import NOTICED

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[2]
COPIED: Final = ("ledger", "consensus", "tests/simulator", "tests/unit", "tests/paper")
COPIED_TOO: Final = ("tests/conftest.py", "pyproject.toml")
FAILED: Final = 1  # what pytest returns when tests ran and failed; anything above is an error
TEST_S: Final = 120.0  # a test that takes so long under a mutant goes round in circles


@dataclass(frozen=True)
class Mutant:
    """A named bug: in a file, one text in place of another; and the test that must notice it."""

    name: str
    requirement: str
    file: str
    test: str
    text: str
    instead: str

    @classmethod
    def read(cls, path: Path) -> Mutant:
        """Read `requirement: ...`, `file: ...`, perhaps `test: ...`, and the two texts."""
        head, _, rest = path.read_text(encoding="utf-8").partition("<<<<\n")
        fields = dict(line.split(": ", 1) for line in head.splitlines())
        text, _, instead = rest.removesuffix("\n>>>>\n").partition("\n====\n")
        test = fields.get("test", "")
        return cls(path.stem, fields["requirement"], fields["file"], test, text, instead)

    def apply(self, root: Path) -> None:
        """Change the file under a root. Raises: ValueError unless the text stands there once."""
        path = root / self.file
        before = path.read_text(encoding="utf-8")
        if before.count(self.text) != 1:
            raise ValueError(f"{self.name}: its text stands {before.count(self.text)} times")
        path.write_text(before.replace(self.text, self.instead), encoding="utf-8")


@dataclass(frozen=True)
class Budget:
    """How many seeds, for how many seconds; `both`: also for mutants whose test noticed them."""

    seeds: int
    seconds: float
    both: bool = False


@dataclass(frozen=True)
class Verdict:
    """Whether a mutant was noticed, and how."""

    killed: bool
    said: str


def all_mutants() -> list[Mutant]:
    """Every mutant kept here, by name."""
    return [Mutant.read(path) for path in sorted(HERE.glob("*.mutant"))]


def judge(mutant: Mutant, budget: Budget) -> Verdict:
    """Run its test, or else seeds, with the mutant on. Raises: ValueError when it cannot be run."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in (*COPIED, *COPIED_TOO):
            copy(name, root)
        mutant.apply(root)
        if not mutant.test:
            return seek(root, budget)
        verdict = run_test(root, mutant.test)
        if not budget.both:
            return verdict
        found = seek(root, budget)
        return Verdict(verdict.killed, f"{verdict.said}; {found.said}")


def run_test(root: Path, test: str) -> Verdict:
    """Say whether a test of the copy fails. Raises: ValueError when it is not even run."""
    options = ("-q", "-x", "--no-header", "-p", "no:cacheprovider", "-p", "no:cov")
    name = test.partition("::")[2]
    try:
        done = start(root, TEST_S, "-m", "pytest", *options, test)
    except subprocess.TimeoutExpired:
        return Verdict(True, f"{name} (did not end)")
    if done.returncode > FAILED:
        raise ValueError(f"{test} could not be run: {done.stdout.strip()[-300:]}")
    killed = done.returncode == FAILED
    return Verdict(killed, name if killed else f"{name} passes")


def seek(root: Path, budget: Budget) -> Verdict:
    """Say which seed fails in the copy, and with what. Raises: ValueError when none is run."""
    arguments = ("-m", "tests.simulator.mutants.seek", str(budget.seeds), str(budget.seconds))
    try:
        done = start(root, 2 * budget.seconds + TEST_S, *arguments)
    except subprocess.TimeoutExpired:
        return Verdict(True, "a seed that did not end")
    if done.returncode not in {0, NOTICED}:
        raise ValueError(f"no seed could be run: {done.stderr.strip()[-300:]}")
    killed = done.returncode == NOTICED
    return Verdict(killed, f"{'seed ' if killed else ''}{done.stdout.strip()}")


def copy(name: str, root: Path) -> None:
    """Copy a folder or file of the repository."""
    target = root / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if (ROOT / name).is_dir():
        shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(ROOT / name, target)


def start(root: Path, seconds: float, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a copy of the rooms, which shadow the installed ones."""
    return subprocess.run(
        [sys.executable, "-B", *arguments],
        cwd=root,
        env={"PYTHONPATH": str(root), "PYTHONHASHSEED": "0", "CI": "", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )
