"""The TypeScript verifier for tests: built where Node is, asked through one long-running process.

Node and npm are no part of Suyuan's environment: without them the tests that need them are skipped
by name, and fail where CI=true.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from client.portal import generate
from tests.conftest import ROOT, in_ci

PORTAL = ROOT / "client" / "portal"
PAGE = PORTAL / "dist" / "verify.html"
_QUIET = {"NO_COLOR": "1", "npm_config_update_notifier": "false", "npm_config_loglevel": "error"}
_INSTALL_S, _BUILD_S, _JUDGE_S = 300, 120, 300


def need(*programs: str) -> None:
    """Skip the test by name where a program is missing; fail it where CI=true."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        reason = f"no {', '.join(missing)} on PATH: the TypeScript verifier cannot be run"
        if in_ci():
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


def run(command: list[str], limit_s: int = _BUILD_S) -> subprocess.CompletedProcess[str]:
    """Run a program in the portal's folder and give what it printed."""
    return subprocess.run(
        command,
        cwd=PORTAL,
        env={**os.environ, **_QUIET},
        capture_output=True,
        text=True,
        timeout=limit_s,
        check=False,
    )


def _must(command: list[str], limit_s: int = _BUILD_S) -> None:
    done = run(command, limit_s)
    if done.returncode != 0:
        pytest.fail(f"{' '.join(command)}\n{done.stdout}\n{done.stderr}", pytrace=False)


@contextmanager
def _alone() -> Iterator[None]:
    """One test worker at a time builds."""
    (PORTAL / "build").mkdir(exist_ok=True)
    with (PORTAL / "build" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _stamp(folder: str, names: Iterable[Path]) -> tuple[Path, str]:
    digest = hashlib.sha256()
    for name in sorted(names):
        digest.update(name.name.encode() + b"\0" + name.read_bytes())
    return PORTAL / "build" / f"{folder}.stamp", digest.hexdigest()


def _unless_done(name: str, inputs: Iterable[Path], commands: list[list[str]]) -> None:
    stamp, digest = _stamp(name, inputs)
    if stamp.is_file() and stamp.read_text() == digest:
        return
    for command in commands:
        _must(command, _INSTALL_S if "ci" in command else _BUILD_S)
    stamp.write_text(digest)


def _sources() -> list[Path]:
    kept = [path for path in (PORTAL / "src").rglob("*") if path.is_file()]
    return [*kept, *PORTAL.glob("test/*.ts"), *PORTAL.glob("*.json"), *PORTAL.glob("*.ts")]


def build(page: bool = False) -> None:
    """Install what the lock file names, write the catalogue, check types, compile the tests; with
    `page` build the page too.

    What is built already is not built again.
    """
    need("node", "npm")
    with _alone():
        installed = [PORTAL / "package.json", PORTAL / "package-lock.json"]
        if not (PORTAL / "node_modules").is_dir():
            (PORTAL / "build" / "installed.stamp").unlink(missing_ok=True)
        _unless_done("installed", installed, [["npm", "ci"]])
        generate.write()
        _unless_done("compiled", _sources(), [["npm", "run", "check"], ["npm", "run", "compile"]])
        if page:
            if not PAGE.is_file():
                (PORTAL / "build" / "page.stamp").unlink(missing_ok=True)
            _unless_done("page", _sources(), [["npm", "run", "build"]])


def task(bundle: bytes, genesis: bytes, **asked: Any) -> dict[str, Any]:
    """One bundle to judge; `asked` as in client/portal/test/judge.ts."""
    encoded = {"bundle": bundle, "genesis": genesis}
    return {**{name: base64.b64encode(data).decode() for name, data in encoded.items()}, **asked}


def judge(tasks: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give the TypeScript verifier's verdict on every task."""
    done = subprocess.run(
        ["node", "build/test/judge.js"],
        cwd=PORTAL,
        env={**os.environ, **_QUIET},
        input="".join(json.dumps(one) + "\n" for one in tasks),
        capture_output=True,
        text=True,
        timeout=_JUDGE_S,
        check=False,
    )
    if done.returncode != 0:
        pytest.fail(f"the TypeScript verifier stopped:\n{done.stderr[-3000:]}", pytrace=False)
    # Not splitlines: a verdict may quote any character, and U+2028 ends no line of JSON.
    return [json.loads(line) for line in done.stdout.split("\n") if line]
