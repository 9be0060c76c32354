"""Switch on each known bug alone, and say how many seeds the simulator needs to notice it.

python -m tests.simulator.mutants [--only NAME] [--seeds 400] [--seconds 120]

What no schedule can show (a second line of defence that the first one hides, a promise that only
one member's own view of things can break) must be noticed by a unit test, which is named instead.
Fails when a mutant survives, or no longer applies.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
UNITS = "../../unit/test_consensus_*.py"
ROOT = HERE.parents[2]
COPIED = ("ledger", "consensus", "tests/simulator", "tests/unit", "tests/conftest.py")
COPIED_TOO = ("pyproject.toml",)


@dataclass(frozen=True)
class Mutant:
    """A named bug: in a file, one text in place of another."""

    name: str
    requirement: str
    file: str
    text: str
    instead: str

    @classmethod
    def read(cls, path: Path) -> Mutant:
        """Read `requirement: ...`, `file: ...`, and the two texts."""
        head, _, rest = path.read_text(encoding="utf-8").partition("<<<<\n")
        fields = dict(line.split(": ", 1) for line in head.splitlines())
        text, _, instead = rest.removesuffix("\n>>>>\n").partition("\n====\n")
        return cls(path.stem, fields["requirement"], fields["file"], text, instead)

    def apply(self, root: Path) -> None:
        """Change the file under a root. Raises: ValueError unless the text stands there once."""
        path = root / self.file
        before = path.read_text(encoding="utf-8")
        if before.count(self.text) != 1:
            raise ValueError(f"{self.name}: its text stands {before.count(self.text)} times")
        path.write_text(before.replace(self.text, self.instead), encoding="utf-8")


def all_mutants() -> list[Mutant]:
    """Every mutant kept here, by name."""
    return [Mutant.read(path) for path in sorted(HERE.glob("*.mutant"))]


def seek(mutant: Mutant, seeds: int, seconds: float) -> tuple[bool, str]:
    """Run seeds with the mutant on; say whether it was noticed, and how."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in (*COPIED, *COPIED_TOO):
            copy(name, root)
        mutant.apply(root)
        done = start(root, "-m", "tests.simulator.mutants.seek", str(seeds), str(seconds))
        said = (done.stdout.strip() or done.stderr.strip()).splitlines() or ["nothing"]
        if done.returncode:
            return True, said[-1]
        units = sorted(f"tests/unit/{path.name}" for path in HERE.glob(UNITS))
        options = ("-q", "-x", "--no-header", "-p", "no:cacheprovider", "-p", "no:cov")
        done = start(root, "-m", "pytest", *options, *units)
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return bool(failed), failed[0].split(" - ")[0] if failed else said[-1]


def copy(name: str, root: Path) -> None:
    """Copy a folder or file of the repository."""
    target = root / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if (ROOT / name).is_dir():
        shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(ROOT / name, target)


def start(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a copy of the rooms, which shadow the installed ones."""
    return subprocess.run(
        [sys.executable, "-B", *arguments],
        cwd=root,
        env={"PYTHONPATH": str(root), "PYTHONHASHSEED": "0", "CI": "", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def main() -> int:
    """Return 0 when every mutant was noticed."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulator.mutants", description=__doc__)
    parser.add_argument("--only", default="", help="mutants whose name contains this")
    parser.add_argument("--seeds", type=int, default=400, help="the budget of each")
    parser.add_argument("--seconds", type=float, default=120, help="and its time")
    arguments = parser.parse_args()
    survivors = []
    chosen = [one for one in all_mutants() if arguments.only in one.name]
    print(f"{'requirement':<12} {'mutant':<44} seeds to kill, and by what")
    for mutant in chosen:
        killed, said = seek(mutant, arguments.seeds, arguments.seconds)
        print(f"{mutant.requirement:<12} {mutant.name:<44} {said}", flush=True)
        if not killed:
            survivors.append(mutant.name)
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} killed")
    if survivors:
        print(f"survived: {', '.join(survivors)}")
    return 1 if survivors else 0


if __name__ == "__main__":
    raise SystemExit(main())
