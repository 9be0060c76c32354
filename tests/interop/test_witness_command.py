"""The witness as an NGO runs it, beside a live consortium; and what convicts offline."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from client.witness.blame import decode_blame
from ledger.checkpoint import Checkpoint
from ledger.keys import Ed25519Signer
from ledger.merkle_log import MerkleLog, leaf_hash
from ledger.notes import Note, VerifierKey, open_note, parse_note, sign_text
from ledger.tlog_policy import member_log_vkey
from node.ports import free_ports
from tests.processes.consortium import ROOT, Consortium, codes, until

pytestmark = pytest.mark.processes

# The client's commands with these among them, whatever else the roof puts together.
COMMANDS = """
from client.cli import app, blame, witness
app.add_typer(witness.app, name="witness")
app.command("blame")(blame.blame)
app(prog_name="suyuan")
"""


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", COMMANDS, *arguments]


def said(*arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        command(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consortium]:
    with Consortium(tmp_path_factory.mktemp("chain"), "witness.test") as consortium:
        consortium.start()
        consortium.ready()
        assert codes(consortium.submit("m1", consortium.define())) == ["accepted"]
        for number in range(6):
            assert codes(consortium.submit("m1", consortium.receipt(number))) == ["accepted"]
        yield consortium


class Running:
    """A witness process, and how to start it again."""

    def __init__(self, folder: Path, genesis: Path) -> None:
        self.folder, self.genesis = folder, genesis
        self.url = f"http://127.0.0.1:{free_ports(1)[0]}"
        self.start("--name", "witness.test")

    def start(self, *more: str) -> None:
        port = self.url.rpartition(":")[2]
        self.process = subprocess.Popen(
            command(
                "witness",
                "run",
                str(self.folder),
                "--genesis",
                str(self.genesis),
                "--port",
                port,
                *more,
            ),
            cwd=ROOT,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        until(self._answers, "the witness answers")
        self.key = VerifierKey.parse(httpx.get(self.url, trust_env=False).text.split("\n")[0])

    def _answers(self) -> bool:
        assert self.process.poll() is None
        try:
            return httpx.get(self.url, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def end(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)
        self.process.communicate(timeout=20)


@pytest.fixture
def witness(chain: Consortium, tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path / "witness", chain.genesis_path)
    yield running
    if running.process.poll() is None:
        running.end(signal.SIGKILL)


def carry(chain: Consortium, witness: Running, one: str, *more: str) -> tuple[int, str]:
    node = chain.members.get(one, chain.members["m1"]).url
    return said(
        *("witness", "submit", "--node", node, "--member", one),
        *("--genesis", str(chain.genesis_path), "--language", "en"),
        *("--witness", witness.url, "--witness-key", witness.key.text(), *more),
    )


def own_key(chain: Consortium, one: str) -> VerifierKey:
    member = chain.genesis.members.get(one)
    assert member is not None
    return member_log_vkey(chain.genesis.origin, one, member.log_key)


def test_one_command_cosigns_remembers_and_a_contradiction_convicts_offline(
    chain: Consortium, witness: Running, tmp_path: Path
) -> None:
    file = tmp_path / "cosigned.txt"
    status, words = carry(chain, witness, "m1", "--out", str(file))
    assert status == 0, words
    note = parse_note(file.read_text())
    assert len(open_note(note, [own_key(chain, "m1"), witness.key])) == 2

    witness.end(signal.SIGKILL)
    witness.start()
    where = ("--node", chain.members["m1"].url, "--member", "m1")
    given = ("--genesis", str(chain.genesis_path), "--language", "en")
    blame = tmp_path / "blame.json"
    status, words = said(
        "witness", "check", *where, "--witness", witness.url, *given, "--out", str(blame)
    )
    assert (status, blame.exists()) == (0, False), words

    # m1 signs another root for the size the witness knows.
    size = int(note.text.split("\n")[1])
    other = MerkleLog([leaf_hash(bytes([n])) for n in range(size)])
    seeds = json.loads((chain.members["m1"].folder / "keys.json").read_text())
    key = own_key(chain, "m1")
    text = Checkpoint(key.name, size, other.root()).text()
    line = sign_text(text, key.name, Ed25519Signer(bytes.fromhex(seeds["log"])))
    false = f"old {size}\n\n{Note(text, (line,)).encode()}"
    refused = httpx.post(f"{witness.url}/add-checkpoint", content=false, trust_env=False)
    assert refused.status_code == 422
    [convicts] = (witness.folder / "blame").iterdir()
    assert decode_blame(convicts.read_bytes()).key == key

    assert said("blame", str(convicts), "--language", "en")[0] == 0
    status, words = said("blame", str(convicts), "--json", "--genesis", str(chain.genesis_path))
    assert (status, json.loads(words)["member"]) == (0, "m1")
    forged = tmp_path / "forged.json"
    forged.write_bytes(convicts.read_bytes().replace(text.encode()[-6:-2], b"AAAA"))
    assert said("blame", str(forged))[0] in (1, 2)

    assert carry(chain, witness, "m2")[0] == 0
    witness.end()
    assert witness.process.returncode == 0


def test_a_carrier_goes_again_and_again_until_it_is_told_to_stop(
    chain: Consortium, witness: Running
) -> None:
    arguments = (
        *("witness", "submit", "--node", chain.members["m3"].url, "--member", "m3"),
        *("--genesis", str(chain.genesis_path), "--witness", witness.url),
        *("--witness-key", witness.key.text(), "--every", "1", "--json"),
    )
    carrier = subprocess.Popen(
        command(*arguments), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert carrier.stdout is not None
        first, second = (json.loads(carrier.stdout.readline()) for _ in range(2))
        assert first["origin"] == second["origin"] == own_key(chain, "m3").name
        assert 0 < first["size"] <= second["size"]
        carrier.send_signal(signal.SIGINT)
        carrier.communicate(timeout=20)
        assert carrier.returncode == 128 + signal.SIGINT
    finally:
        carrier.kill()
        carrier.communicate()  # closes its pipes too


def test_what_cannot_be_used_is_one_line_and_status_two(
    chain: Consortium, witness: Running, tmp_path: Path
) -> None:
    for arguments in (
        ("witness", "run", str(witness.folder), "--genesis", str(chain.genesis_path)),
        ("witness", "run", str(tmp_path / "new"), "--genesis", str(chain.genesis_path)),
        ("witness", "run", str(tmp_path / "new"), "--log", "nonsense"),
        ("blame", str(tmp_path / "missing.json")),
    ):
        status, words = said(*arguments)
        assert (status, words.count("\n")) == (2, 1), words
    status, words = carry(chain, witness, "m9")
    assert (status, words.count("\n")) == (2, 1), words
