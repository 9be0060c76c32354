"""A town for tests of commands: a served member with the scenario in it, and a way to type
commands.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from client.cli import app
from client.demo.loading import play
from client.scenario import ACCOUNTS, build_scenario
from client.sdk import Client
from client.wallet import SUFFIX, create, save
from tests.client_member import SIGNERS, PretendMember
from tests.client_server import served

__all__ = ["Said", "Town", "built", "run"]


@dataclass(frozen=True)
class Said:
    """What a command left: exit status, standard output, standard error."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The last line of standard output as JSON."""
        return json.loads(self.out.splitlines()[-1])


def run(*arguments: object, typed: str | None = None, **environment: str) -> Said:
    cleared: dict[str, str | None] = {"LC_ALL": "", "LC_MESSAGES": "", "LANG": "zh_CN.UTF-8"}
    # Whoever runs the tests may have exported these for a chain of their own.
    cleared |= {"COLUMNS": "300", "SUYUAN_GENESIS": None, "SUYUAN_NODE": None}
    result = CliRunner().invoke(
        app, [str(each) for each in arguments], input=typed, env={**cleared, **environment}
    )
    assert "Traceback" not in result.output
    return Said(result.exit_code, result.stdout, result.stderr)


@dataclass(frozen=True)
class Town:
    """A served member with the scenario in it, and the files a person would hold."""

    member: PretendMember
    url: str
    folder: Path

    @property
    def chain(self) -> tuple[str, str, str, str]:
        """Options that name the member and the genesis file."""
        return "--node", self.url, "--genesis", str(self.folder / "genesis.json")


@contextmanager
def built(folder: Path) -> Iterator[Town]:
    """Serve a member, play the scenario into it, and write the files."""
    member = PretendMember()
    with served(member) as url:
        scenario = build_scenario(int(time.time() * 1000))
        with Client([url], member.genesis, SIGNERS) as client:
            played = play(client, scenario, lambda phase, done: None)
        (folder / "genesis.json").write_bytes(member.genesis.to_json())
        (folder / "pin").write_text(played.pin)
        pairs = [[grant, handle.hex()] for grant, handle in scenario.featured_pairs]
        (folder / "pairs.json").write_text(json.dumps(pairs))
        for account in ACCOUNTS:
            seed = _seed(account.id)
            save(create(account.id, None, seed), folder / "keys" / f"{account.id}{SUFFIX}")
        yield Town(member, url, folder)


def _seed(account: str) -> bytes:
    return sha256(f"client/account/{account}".encode()).digest()
