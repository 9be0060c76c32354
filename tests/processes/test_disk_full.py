"""A member whose disk is full stops with its reason; the others go on; with space it returns."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes.consortium import MEMBERS, Consortium, codes, until

pytestmark = pytest.mark.processes

SIZE_MIB = 24


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of SIZE_MIB; skips by name where one cannot be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "tmpfs", str(place)]
    program = shutil.which("mount")
    if program is None or os.geteuid() != 0:
        pytest.skip("a small disk needs mount and root")
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small disk cannot be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], capture_output=True, check=True)


def free_bytes(place: Path) -> int:
    return shutil.disk_usage(place).free


def test_a_full_disk_halts_one_member_loudly_and_with_space_it_catches_up(
    consortium: Consortium, small_disk: Path
) -> None:
    member = consortium.members["m3"]
    data, aside = member.folder / "data", member.folder / "aside"
    consortium.stop("m3")
    shutil.copytree(data, small_disk / "data")
    data.rename(aside)
    data.symlink_to(small_disk / "data")
    try:
        consortium.start("m3")
        consortium.agree()
        ballast = small_disk / "ballast"
        ballast.write_bytes(bytes(free_bytes(small_disk) - 4 * 4096))
        rest = [one for one in MEMBERS if one != "m3"]

        def halted() -> bool:
            height = consortium.agree(*rest)
            sent = [consortium.receipt(f"full-disk-{height}-{n}") for n in range(9)]
            assert set(codes(consortium.submit("m1", *sent))) == {"accepted"}
            health = consortium.health("m3")
            return health is not None and health["status"] == "halted"

        until(halted, "m3 halts")
        health = consortium.health("m3")
        assert health is not None
        assert "space" in health["reason"]
        assert consortium.get("m3", "/v1/health").status_code == 503
        response = consortium.post("m3", b"\x91\xc4\x01x")
        assert (response.status_code, response.json()["code"]) == (503, "halted")
        assert "CRITICAL node.driver: halted" in member.log.read_text()
        height = consortium.agree(*rest)
        assert consortium.stop("m3") == [0]
        ballast.unlink()
        consortium.start("m3")
        assert consortium.agree() == height
        assert consortium.headers("m3", 2) == consortium.headers("m1", 2)
        consortium.stop("m3")
    finally:
        if member.process is not None:
            consortium.kill("m3")
        data.unlink()
        shutil.rmtree(aside)
        shutil.copytree(small_disk / "data", data)
    consortium.start("m3")
    consortium.agree()
