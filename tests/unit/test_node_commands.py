"""`suyuan node`: what cannot be run is refused in one sentence, with a status of its own."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from node.archive import Archive
from node.commands import EXIT_STOPPED, EXIT_UNUSABLE, app
from node.store import open_store
from tests.node_member import founded


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return founded(tmp_path / "c").members["m1"][0]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def assert_refused(result: Result, status: int, *words: str) -> None:
    assert result.exit_code == status, result.output
    for word in words:
        assert word in result.output
    assert "Traceback" not in result.output


def test_keys_that_others_may_read_are_refused(place: Path) -> None:
    (place / "keys.json").chmod(0o644)
    assert_refused(run("run", str(place)), EXIT_UNUSABLE, "keys.json", "make it 600")


def test_a_folder_that_is_no_members_is_refused(tmp_path: Path) -> None:
    assert_refused(run("run", str(tmp_path)), EXIT_UNUSABLE, "member.json", "cannot be read")


def test_the_data_of_another_chain_are_refused(place: Path) -> None:
    store = open_store(place / "data")
    Archive(store, b"x" * 32)
    store.close()
    assert_refused(run("run", str(place)), EXIT_STOPPED, "holds chain 7878")


def test_a_second_process_on_the_same_data_is_refused(place: Path) -> None:
    store = open_store(place / "data")
    assert_refused(run("run", str(place)), EXIT_STOPPED, "one member runs on one folder")
    store.close()


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.mark.parametrize("door", ["api", "listen"])
def test_a_taken_port_is_refused_and_the_data_are_given_back(
    place: Path, taken: int, door: str
) -> None:
    value = json.loads((place / "member.json").read_text())
    with socket.create_server(("127.0.0.1", 0)) as free:
        other = free.getsockname()[1]
    value |= {"api": f"127.0.0.1:{other}", "listen": f"127.0.0.1:{other}"}
    value[door] = f"127.0.0.1:{taken}"
    (place / "member.json").write_text(json.dumps(value))
    assert_refused(run("run", str(place)), EXIT_STOPPED, "in use")
    open_store(place / "data").close()


def test_an_unknown_log_level_is_refused(place: Path) -> None:
    result = run("run", str(place), "--log-level", "loud")
    assert_refused(result, EXIT_UNUSABLE, "debug, info, warning or error")


def test_founding_twice_is_refused_and_says_where(tmp_path: Path) -> None:
    cast = tmp_path / "cast.json"
    cast.write_text('{"name": "x.test", "members": ["m1"], "organisations": [], "accounts": []}')
    first = run("found", str(tmp_path / "c"), "--cast", str(cast), "--json")
    assert first.exit_code == 0, first.output
    assert list(json.loads(first.stdout)["members"]) == ["m1"]
    again = run("found", str(tmp_path / "c"), "--cast", str(cast))
    assert_refused(again, EXIT_UNUSABLE, "genesis.json", "already founded")


def test_a_cast_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    cast = tmp_path / "cast.json"
    cast.write_text("{}")
    result = run("found", str(tmp_path / "c"), "--cast", str(cast))
    assert_refused(result, EXIT_UNUSABLE, "cast.json")
