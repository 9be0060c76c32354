"""The roof: public names resolve lazily, and the command line reaches client and node."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import suyuan


def in_fresh_python(code: str, repository: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("name", suyuan.__all__)
def test_every_public_name_resolves(name: str) -> None:
    assert getattr(suyuan, name) is not None
    assert name in dir(suyuan)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = suyuan.nonsense


def test_importing_suyuan_imports_no_room(repository: Path) -> None:
    code = """
        import sys, suyuan
        rooms = {"ledger", "consensus", "chaincode", "network", "node", "client"}
        print(sorted(rooms & set(sys.modules)))
    """
    assert in_fresh_python("\n".join(map(str.strip, code.splitlines())), repository) == "[]"


def test_the_clients_commands_need_no_node(repository: Path) -> None:
    code = "import sys, suyuan; suyuan.command_line(); print('node' in sys.modules)"
    assert in_fresh_python(code, repository) == "False"


@pytest.mark.parametrize("arguments", [["--help"], ["node", "--help"], ["verify", "--help"]])
def test_the_command_line_explains_itself(arguments: list[str], repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "suyuan", *arguments],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Usage: suyuan" in done.stdout


@pytest.mark.parametrize("arguments", [["run", "--folder", "x"], ["--help"], ["run", "-y"]])
def test_what_follows_node_reaches_the_nodes_commands_unread(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[dict[str, Any]] = []
    commands = SimpleNamespace(app=lambda **given: heard.append(given))
    monkeypatch.setitem(sys.modules, "node.commands", commands)
    suyuan.command_line()(args=["node", *arguments], standalone_mode=False)
    assert heard == [{"args": arguments, "prog_name": "suyuan node"}]
