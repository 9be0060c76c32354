"""A mutant, a copy of the rooms in which it is on, and who notices it there.

What it is not: in any way known to the rooms, to the plans or to the checkers. The copy is run by
processes of its own, which find it before the installed one.
"""

from __future__ import annotations

import re
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
ROOMS: Final = ("ledger", "consensus", "chaincode", "network", "node", "client")
COPIED: Final = (*ROOMS, "tests", "suyuan.py", "pyproject.toml")
FAILED: Final = 1  # what pytest returns when tests ran and failed; anything above is an error
TEST_S: Final = 120.0  # a test that takes so long under a mutant goes round in circles
SEEK_S: Final = 900.0  # and so do schedules: some hundreds take a few minutes on a busy machine
PYTEST: Final = (
    "-m",
    "pytest",
    "-q",
    "-x",
    "--no-header",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:cov",
)
# What a mutant that is no program stops with: that says nothing of who watches.
BROKEN: Final = re.compile(r"^E +(AttributeError|NameError|TypeError)\b", re.MULTILINE)
SEEK: Final = ("-m", "tests.simulator.mutants.seek")


@dataclass(frozen=True)
class Mutant:
    """A named bug: in a file, one text in place of another; and who must notice it.

    `test`: the one that fails under it. `seeds`: within so many schedules one fails, 0 for a bug
    that none shows, and then `unseen` says why not.
    """

    name: str
    requirement: str
    file: str
    test: str
    seeds: int
    unseen: str
    text: str
    instead: str

    @classmethod
    def read(cls, path: Path) -> Mutant:
        """Read the fields, one a line, and the two texts. Raises: ValueError for one unknown."""
        head, _, rest = path.read_text(encoding="utf-8").partition("<<<<\n")
        fields = dict(line.split(": ", 1) for line in head.splitlines())
        text, _, instead = rest.removesuffix("\n>>>>\n").partition("\n====\n")
        unknown = set(fields) - {"requirement", "file", "test", "seeds", "unseen"}
        if unknown or not {"requirement", "file"} <= set(fields):
            raise ValueError(f"{path.stem}: fields {sorted(fields)}")
        test, seeds, unseen = (fields.get(one, "") for one in ("test", "seeds", "unseen"))
        place = (fields["requirement"], fields["file"], test)
        return cls(path.stem, *place, int(seeds or 0), unseen, text, instead)

    def apply(self, root: Path) -> None:
        """Change the file under a root. Raises: ValueError unless the text stands there once."""
        path = root / self.file
        before = path.read_text(encoding="utf-8")
        if before.count(self.text) != 1:
            raise ValueError(f"{self.name}: its text stands {before.count(self.text)} times")
        path.write_text(before.replace(self.text, self.instead), encoding="utf-8")


@dataclass(frozen=True)
class Verdict:
    """Whether those who must notice a mutant did: `schedules` and `test` say what each found.

    Not `judged`: it could not be switched on or tried, and `schedules` says why.
    """

    killed: bool
    schedules: str
    test: str = ""
    judged: bool = True


def all_mutants() -> list[Mutant]:
    """Every mutant kept here, by name."""
    return [Mutant.read(path) for path in sorted(HERE.glob("*.mutant"))]


def judge(mutant: Mutant, seeds: int = 0) -> Verdict:
    """Run its schedules and its test with the mutant on; both must notice it.

    `seeds` asks for schedules where the mutant names none. Raises: ValueError when it cannot be
    run.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in COPIED:
            copy(name, root)
        mutant.apply(root)
        killed, schedules = True, mutant.unseen
        if mutant.seeds or seeds:
            found, schedules = seek(root, mutant.seeds or seeds)
            killed = found or not mutant.seeds
        if not mutant.test:
            return Verdict(killed and bool(mutant.seeds), schedules)
        noticed, test = run_test(root, mutant.test)
        return Verdict(killed and noticed, schedules, test)


def failing_before(tests: list[str]) -> str:
    """Run tests without any mutant; return what pytest says of those that fail, "" for none.

    A test that fails anyhow would notice every mutant.
    """
    done = start(ROOT, TEST_S * 5, *PYTEST, *tests)
    return "" if done.returncode == 0 else done.stdout.strip()[-1_000:]


def run_test(root: Path, test: str) -> tuple[bool, str]:
    """Say whether a test of the copy fails. Raises: ValueError when it is not even run."""
    name = test.partition("::")[2]
    try:
        done = start(root, TEST_S, *PYTEST, test)
    except subprocess.TimeoutExpired:
        return True, f"{name} (did not end)"
    if done.returncode > FAILED:
        raise ValueError(f"{test} could not be run: {done.stdout.strip()[-300:]}")
    if BROKEN.search(done.stdout):
        raise ValueError(f"{test} meets a mutant that is no program: {done.stdout.strip()[-300:]}")
    killed = done.returncode == FAILED
    return killed, name if killed else f"{name} passes"


def seek(root: Path, seeds: int) -> tuple[bool, str]:
    """Say which seed fails in the copy, and with what.

    Raises: ValueError when none is run, or when the seed fails without the mutant, too.
    """
    try:
        done = start(root, SEEK_S, *SEEK, str(seeds))
    except subprocess.TimeoutExpired:
        return True, "a seed that does not end"
    if done.returncode not in {0, NOTICED}:
        raise ValueError(f"no seed could be run: {done.stderr.strip()[-300:]}")
    said = done.stdout.strip()
    if done.returncode == 0:
        return False, said
    seed = said.split()[0]
    if start(ROOT, SEEK_S, *SEEK, "1", seed).returncode != 0:
        raise ValueError(f"seed {seed} fails without any mutant")
    return True, f"seed {said}"


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
