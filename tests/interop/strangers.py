"""The Go programs of this folder, built once, and run against what a member serves."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.conftest import in_ci

FOLDER: Final = Path(__file__).resolve().parent
BUILD_S: Final = 600.0  # the first build on a machine fetches and compiles everything
RUN_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Strangers:
    """Programs by name."""

    folder: Path

    def program(self, name: str) -> str:
        return str(self.folder / name)

    def run(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program to its end."""
        return subprocess.run(
            [self.program(name), *arguments],
            capture_output=True,
            text=True,
            timeout=RUN_S,
            check=False,
        )

    def accept(self, name: str, *arguments: str) -> list[str]:
        """Run a program that must succeed; its lines."""
        done = self.run(name, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.splitlines()


def build(folder: Path) -> Strangers:
    """Build all programs; without Go, or without the modules, skip by name, and in CI fail."""
    if shutil.which("go") is None:
        _absent("Go is not installed: the judges of tests/interop cannot be built")
    for module, packages in (
        (FOLDER, ("./checkpoint", "./tiles", "./proof", "./receipt")),
        (FOLDER / "witness", ("./run", "./feed")),
    ):
        fetched = _go(module, "mod", "download")
        if fetched.returncode != 0:
            _absent(f"the Go modules of {module.name} cannot be had: {fetched.stderr[-500:]}")
        built = _go(module, "build", "-o", f"{folder}{os.sep}", *packages)
        assert built.returncode == 0, built.stderr
    return Strangers(folder)


def _go(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"GOFLAGS": "-mod=readonly -buildvcs=false", "GOTOOLCHAIN": "local"}
    return subprocess.run(
        ["go", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=BUILD_S,
        check=False,
    )


def _absent(reason: str) -> None:
    if in_ci():
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
