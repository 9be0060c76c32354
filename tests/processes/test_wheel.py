"""The wheel itself: built, installed alone into a fresh environment, and used from elsewhere.

An editable install shows what lies in the tree; only the wheel shows what was packed. Nothing is
fetched: the libraries are those of the environment that runs the tests, and the repository is not
on the wheel's path.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.tidy.sources import ROOMS, tracked

pytestmark = pytest.mark.processes


@dataclass(frozen=True)
class Installed:
    """The wheel, and the environment it was installed into."""

    wheel: Path
    bin: Path
    elsewhere: Path

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run one of the environment's programs from a folder that is not the repository."""
        program, *arguments = command
        return subprocess.run(
            [str(self.bin / program), *arguments],
            cwd=self.elsewhere,
            capture_output=True,
            text=True,
            check=False,
        )


def succeed(*command: str | Path, cwd: Path) -> None:
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def installed(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("wheel")
    succeed(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=repository)
    [wheel] = folder.glob("*.whl")
    fresh = folder / "environment"
    venv.create(fresh, with_pip=False)
    python = fresh / "bin" / "python"
    succeed(
        sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check",
        "install", "--quiet", "--no-index", "--no-deps", wheel,
        cwd=folder,
    )  # fmt: skip
    # The libraries come last on the path, and .pth files there (the editable install) do not count.
    [site] = (fresh / "lib").glob("python*/site-packages")
    libraries = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (site / "libraries.pth").write_text("\n".join(sorted(libraries)) + "\n", encoding="utf-8")
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    return Installed(wheel, fresh / "bin", elsewhere)


def test_the_wheel_holds_every_file_of_the_rooms_and_nothing_else(
    installed: Installed, repository: Path
) -> None:
    packed = {
        name for name in zipfile.ZipFile(installed.wheel).namelist() if ".dist-info/" not in name
    }
    ours = {
        name
        for name in tracked(repository)
        if name.split("/")[0] in {*ROOMS, "suyuan.py"} and not name.startswith("client/portal/")
    }
    assert packed == ours


def test_every_room_is_imported_from_the_wheel(installed: Installed, repository: Path) -> None:
    names = ", ".join(["suyuan", *ROOMS])
    done = installed.run("python", "-c", f"import {names}; print(*(m.__file__ for m in ({names})))")
    assert done.returncode == 0, done.stderr
    for file in done.stdout.split():
        assert not Path(file).is_relative_to(repository)


@pytest.mark.parametrize("arguments", [["--help"], ["node", "--help"], ["demo", "--help"]])
def test_the_installed_command_explains_itself(installed: Installed, arguments: list[str]) -> None:
    done = installed.run("suyuan", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Usage: suyuan" in done.stdout


def test_the_installed_command_refuses_a_bundle_that_is_none(
    installed: Installed, tmp_path: Path
) -> None:
    bundle, genesis = tmp_path / "bundle.json", tmp_path / "genesis.json"
    bundle.write_text("{}\n", encoding="utf-8")
    genesis.write_text("{}\n", encoding="utf-8")
    done = installed.run("suyuan", "verify", str(bundle), "--genesis", str(genesis))
    said = done.stdout + done.stderr
    assert done.returncode != 0, said
    assert "genesis" in said
    assert "No such" not in said
    assert "Traceback" not in said
