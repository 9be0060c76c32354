"""A real member signs two proposals for one place: the honest ones convict it, and go on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.processes.consortium import Consortium, codes, run_member, suyuan, until

pytestmark = pytest.mark.processes

HONEST = ("m2", "m3", "m4")
LIAR = ("tests.processes.two_faces", "run")


def test_a_primary_of_two_faces_is_convicted_by_a_file_that_anyone_verifies(tmp_path: Path) -> None:
    """R-Q-5. m1 is the primary of view 0; the file is checked away from all members."""
    with Consortium(tmp_path / "c", "faces.test") as consortium:
        liar = consortium.members["m1"]
        liar.process = run_member(liar.folder, liar.log, LIAR)
        consortium.start(*HONEST)
        consortium.ready()
        assert codes(consortium.submit("m2", consortium.define())) == ["accepted"]

        def names(one: str) -> list[str]:
            found: list[str] = consortium.get(one, "/v1/blame").json()["files"]
            return found

        seen = {one: until(lambda one=one: names(one), f"{one} blames") for one in HONEST}  # type: ignore[misc]
        for one, files in seen.items():
            assert all(name.startswith("m1.pre-prepare.0.") for name in files), files
            assert "suyuan_blame_files" in consortium.get(one, "/metrics").text
            fetched = tmp_path / f"{one}.json"
            fetched.write_bytes(consortium.get(one, f"/v1/blame/{files[0]}").content)
            genesis = ("--genesis", str(consortium.genesis_path))
            done = suyuan("blame", str(fetched), *genesis, "--json")
            told = json.loads(done.stdout)
            assert (done.returncode, told["holds"], told["member"]) == (0, True, "m1"), done.stderr
        assert names("m1") == []

        # The lie costs the honest nothing: they go on, also when the liar is gone.
        assert codes(consortium.submit("m3", consortium.receipt(1))) == ["accepted"]
        consortium.kill("m1")
        assert codes(consortium.submit("m4", consortium.receipt(2))) == ["accepted"]
        height = consortium.agree(*HONEST)
        assert len({consortium.newest_header(one, height) for one in HONEST}) == 1

        # What convicts outlives the process that saw it.
        kept = names("m2")
        consortium.kill("m2")
        consortium.start("m2")
        consortium.ready("m2")
        assert set(kept) <= set(names("m2"))
        assert consortium.stop(*HONEST) == [0, 0, 0]
        for one in HONEST:
            done = suyuan("node", "fsck", str(consortium.members[one].folder))
            assert done.returncode == 0, done.stdout
