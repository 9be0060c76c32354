"""The demonstration and the import as a person starts them: real members, real processes, nothing
left behind.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.processes

TIMEOUT_S = 180


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "suyuan", *(str(each) for each in arguments)]


@pytest.fixture
def place(tmp_path: Path, repository: Path) -> dict[str, Any]:
    """Where and in which environment commands run: scratch folders inside the test's own."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    environment = {**os.environ, "TMPDIR": str(scratch), "LANG": "zh_CN.UTF-8", "LC_ALL": ""}
    return {"cwd": repository, "env": environment}


def members_of(folder: Path) -> list[int]:
    """The processes whose command line names a folder, as the kernel tells."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if str(folder).encode() in line and b"run" in line:
                found.append(int(entry.name))
    return found


def test_the_demonstration_ends_clean_leaves_its_files_and_no_process(
    place: dict[str, Any], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    done = subprocess.run(
        command("demo", "--once", "--out", out, "--json"),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
        **place,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["unexpected"] == 0
    assert told["steps"] == told["accepted"] + told["refused"]
    assert all(verdict["clean"] and verdict["met"] for verdict in told["verdicts"].values())
    assert sorted(each.name for each in out.iterdir()) == [
        "accesses.json", "donation.json", "genesis.json", "pairs.json", "pin",
    ]  # fmt: skip
    assert "18,000 只" in done.stderr
    assert "查看了您的" in done.stderr
    assert members_of(tmp_path) == []
    assert list((tmp_path / "scratch").iterdir()) == []
    # Later, elsewhere, with the files alone:
    files = ("--genesis", out / "genesis.json", "--pin", out / "pin")
    for name in ("donation.json", "accesses.json"):
        later = subprocess.run(
            command("verify", out / name, *files), capture_output=True, check=False, **place
        )
        assert later.returncode == 0, later.stdout.decode()


@pytest.fixture
def standing(place: dict[str, Any], tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A demonstration that has come to stay."""
    process = subprocess.Popen(
        command("demo", "--out", tmp_path / "out", "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        **place,
    )
    try:
        yield process
    finally:
        # Asked first: killed outright, it could not stop its members.
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
        process.communicate()


def test_it_stays_up_with_its_addresses_until_it_is_told_to_stop(
    standing: subprocess.Popen[str], place: dict[str, Any], tmp_path: Path
) -> None:
    assert standing.stdout is not None
    told = json.loads(standing.stdout.readline())
    assert told["status"] == 0
    assert len(told["addresses"]) == 4
    assert len(members_of(tmp_path / "scratch")) == 4
    nodes = [part for address in told["addresses"].values() for part in ("--node", address)]
    asked = subprocess.run(
        command(
            "trace", "red-cross.donation-n95-0130", *nodes,
            "--genesis", tmp_path / "out" / "genesis.json", "--json",
        ),
        capture_output=True,
        text=True,
        check=False,
        **place,
    )  # fmt: skip
    assert asked.returncode == 0, asked.stderr
    assert json.loads(asked.stdout)["verdict"]["clean"]
    standing.send_signal(signal.SIGTERM)
    assert standing.wait(timeout=60) == 0
    assert members_of(tmp_path / "scratch") == []
    assert list((tmp_path / "scratch").iterdir()) == []


def test_the_public_tables_are_imported_and_every_row_is_accounted_for(
    place: dict[str, Any], tmp_path: Path, shared: Path
) -> None:
    tables = shared / "data" / "wuhan_redcross_2020"
    given = ("--receipts", tables / "receipts.csv", "--distributions", tables / "distributions.csv")
    done = subprocess.run(
        command(
            "import", "redcross", *given, "--scratch", "--json", "--report", tmp_path / "report"
        ),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
        **place,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    for table, rows in (("receipts", 2_925), ("distributions", 731)):
        counts = told[table]
        assert counts["rows"] == rows
        assert counts["accepted"] + sum(counts["refused"].values()) == rows
    assert told["receipts"]["accepted"] == 2_922
    assert told["findings"] > 0
    assert members_of(tmp_path) == []
    assert list((tmp_path / "scratch").iterdir()) == []
