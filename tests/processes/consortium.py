"""Four real members as four processes on this machine: founded, driven, killed and brought back.

Waiting is always for something that can be seen (health, a file, an exit), and always with an end.
Whatever a test does, `close` ends every process group that was started here.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx

from ledger.codec import encode
from ledger.genesis import Genesis
from ledger.keys import Ed25519Signer
from ledger.transaction import SUITE, VERSION, Body, Transaction, signed

found_ = TypeVar("found_")

ROOT: Final = Path(__file__).resolve().parents[2]
RUNNER: Final = ("suyuan", "node", "run")
MEMBERS: Final = ("m1", "m2", "m3", "m4")
PATIENCE_S: Final = 40.0  # for anything that should happen; reached only when something is wrong
POLL_S: Final = 0.02

ACCOUNTS: Final = {
    "red-cross.registrar": ("registrar",),
    "red-cross.custodian": ("custodian", "inspector"),
    "red-cross.allocator": ("allocator", "approver"),
    "red-cross.approver": ("approver",),
    "union.clerk": ("recipient",),
    "police.data": ("provider",),
    "health.doctor": ("user",),
}
ORGANISATIONS: Final = {
    "red-cross": "红十字会",
    "union": "协和医院",
    "police": "公安",
    "health": "卫健",
}
SIGNERS: Final = {
    name: Ed25519Signer(sha256(b"process test " + name.encode()).digest()) for name in ACCOUNTS
}
MINUTES_5: Final = 300_000

ITEM: Final = "red-cross.mask"


def cast(name: str, members: Sequence[str] = MEMBERS) -> dict[str, Any]:
    """What `suyuan node found` reads."""
    return {
        "name": name,
        "members": list(members),
        "organisations": [{"id": one, "name": text} for one, text in ORGANISATIONS.items()],
        "accounts": [
            {
                "id": name,
                "organisation": name.split(".")[0],
                "keys": [SIGNERS[name].public.hex()],
                "roles": list(roles),
            }
            for name, roles in ACCOUNTS.items()
        ],
        "parameters": {},
    }


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def until(look: Callable[[], found_ | None], what: str, seconds: float = PATIENCE_S) -> found_:
    """What `look` finds, as soon as it is true; fails with `what` after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        time.sleep(POLL_S)


@dataclass
class Running:
    """A member's folder and address, and its process while it has one."""

    id: str
    folder: Path
    url: str
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.folder / "log.txt"


class Consortium:
    """Founded members under one folder; use in a `with`."""

    def __init__(
        self,
        folder: Path,
        name: str = "processes.test",
        runner: Sequence[str] = RUNNER,
        members: Sequence[str] = MEMBERS,
    ) -> None:
        """`runner`: the module, and its arguments before the folder, that runs a member."""
        self._runner = runner
        self.founders = tuple(members)
        self.runners: dict[str, Sequence[str]] = {}  # of members that are run otherwise
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cast.json").write_text(json.dumps(cast(name, members)))
        done = suyuan(
            "node", "found", str(folder / "c"), "--cast", str(folder / "cast.json"), "--json"
        )
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        self.genesis_path = Path(told["genesis"])
        self.genesis = Genesis.from_json(self.genesis_path.read_bytes())
        self.members = {
            one: Running(one, Path(info["folder"]), "http://" + info["api"])
            for one, info in told["members"].items()
        }
        self.http = httpx.Client(
            timeout=httpx.Timeout(45.0, connect=2.0),
            limits=httpx.Limits(max_keepalive_connections=0),  # no connection outlives a member
        )
        self._count = 0

    def __enter__(self) -> Consortium:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Processes.

    def start(self, *ids: str) -> None:
        """Start members (all that have no process, if none is named); does not wait."""
        for one in ids or self.founders:
            member = self.members[one]
            if member.process is None:
                member.process = run_member(
                    member.folder, member.log, self.runners.get(one, self._runner)
                )

    def kill(self, *ids: str) -> None:
        """SIGKILL, as power loss does to a process."""
        self._signal(ids, signal.SIGKILL)
        for one in ids:
            self._reap(one)

    def stop(self, *ids: str) -> list[int]:
        """SIGTERM; the exit statuses."""
        self._signal(ids, signal.SIGTERM)
        return [self._reap(one) for one in ids]

    def pause(self, *ids: str) -> None:
        self._signal(ids, signal.SIGSTOP)

    def resume(self, *ids: str) -> None:
        self._signal(ids, signal.SIGCONT)

    def close(self) -> None:
        for member in self.members.values():
            if member.process is not None:
                os.killpg(member.process.pid, signal.SIGKILL)
                self._reap(member.id)
        self.http.close()

    def whole(self) -> None:
        """Start and resume whoever is not running, and wait until all are at one height."""
        running = [m.id for m in self.members.values() if m.process is not None]
        self.resume(*running)
        self.start()
        self.agree()

    def _signal(self, ids: Iterable[str], number: int) -> None:
        for one in ids:
            process = self.members[one].process
            assert process is not None, f"{one} does not run"
            os.killpg(process.pid, number)

    def _reap(self, one: str) -> int:
        member = self.members[one]
        assert member.process is not None
        status = member.process.wait(20)
        member.process = None
        return status

    # What members say.

    def health(self, one: str) -> dict[str, Any] | None:
        """The member's health, or None when it does not answer."""
        try:
            answer: dict[str, Any] = self.http.get(
                self.members[one].url + "/v1/health", timeout=2.0
            ).json()
        except httpx.HTTPError:
            return None
        return answer

    def get(self, one: str, path: str, **headers: str) -> httpx.Response:
        return self.http.get(self.members[one].url + path, headers=headers)

    def ready(self, *ids: str) -> None:
        """Wait until members answer and take part."""
        for one in ids or self.founders:
            until(lambda one=one: self._is_ok(one), f"{one} is well; {self.tail(one)}")  # type: ignore[misc]

    def _is_ok(self, one: str) -> bool:
        health = self.health(one)
        return health is not None and health["status"] == "ok"

    def agree(self, *ids: str) -> int:
        """Wait until members have executed and certified one height; that height."""
        chosen = ids or self.founders

        def together() -> bool:
            seen = [self.health(one) for one in chosen]
            told = [h for h in seen if h is not None and h["status"] == "ok"]
            heights = {h["height"] for h in told} | {h["certified"] for h in told}
            return len(told) == len(chosen) and len(heights) == 1

        tails = {one: self.health(one) for one in chosen}
        until(together, f"one height at {chosen}, from {tails}")
        health = self.health(chosen[0])
        assert health is not None
        height: int = health["height"]
        return height

    def headers(self, one: str, height: int) -> list[str]:
        """The canonical header bytes of all heights, in base64."""
        return [
            self.get(one, f"/v1/blocks/{h}").json()["header_bytes"] for h in range(1, height + 1)
        ]

    def newest_header(self, one: str, height: int) -> bytes:
        """The header of a height: by its parent it names all before it."""
        return base64.b64decode(self.get(one, f"/v1/blocks/{height}").json()["header_bytes"])

    def tail(self, one: str) -> str:
        log = self.members[one].log
        return log.read_text(errors="replace")[-1500:] if log.exists() else ""

    # Transactions.

    def transaction(
        self,
        account: str | tuple[str, ...],
        contract: str,
        function: str,
        arguments: dict[str, Any],
        **changes: Any,
    ) -> Transaction:
        """A call signed by an account, or by each of several; `changes` replace fields of its
        body.
        """
        accounts = (account,) if isinstance(account, str) else account
        signers = [SIGNERS[name] for name in accounts]
        self._count += 1
        fields: dict[str, Any] = {
            "arguments": arguments,
            "chain": self.genesis.chain_id,
            "contract": contract,
            "function": function,
            "nonce": sha256(f"{os.getpid()}/{self._count}".encode()).digest()[:16],
            "signers": tuple(zip(accounts, [one.public for one in signers], strict=True)),
            "suite": SUITE,
            "valid_until": now_ms() + MINUTES_5,
            "version": VERSION,
        }
        return signed(Body(**{**fields, **changes}), signers)

    def define(self, item: str = ITEM) -> Transaction:
        arguments = {"item": item, "name": "口罩", "base_unit": "只", "packs": [["箱", "", 100]]}
        return self.transaction("red-cross.registrar", "supplies", "define_item", arguments)

    def receipt(self, number: object, item: str = ITEM, **changes: Any) -> Transaction:
        """A donation of five boxes."""
        arguments = {
            "donation": f"red-cross.D-{number}",
            "donor": "red-cross.donor-1",
            "earmark": None,
            "attestation": "custodian",
            "stated_date": None,
            "source": "process test",
            "lots": [
                {
                    "lot": f"red-cross.L-{number}",
                    "item": item,
                    "unit": "箱",
                    "label": "",
                    "count": 5,
                    "expiry": None,
                }
            ],
        }
        return self.transaction("red-cross.custodian", "supplies", "receive", arguments | changes)

    def post(
        self, one: str, content: bytes, query: str = "", seconds: float = 45.0, **headers: str
    ) -> httpx.Response:
        given = {"content-type": "application/msgpack"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        url = self.members[one].url + "/v1/transactions" + query
        limit = httpx.Timeout(seconds, connect=2.0)
        return self.http.post(url, content=content, headers=given, timeout=limit)

    def submit(self, one: str, *transactions: Transaction, query: str = "") -> list[dict[str, Any]]:
        """What a member answers for each transaction."""
        response = self.post(one, encode([each.raw for each in transactions]), query)
        assert response.status_code == 200, response.text
        answers: list[dict[str, Any]] = response.json()["transactions"]
        return answers


def run_member(folder: Path, log: Path, runner: Sequence[str] = RUNNER) -> subprocess.Popen[bytes]:
    """One member's process, in a group of its own."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", *runner, str(folder)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def suyuan(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself."""
    return subprocess.run(
        [sys.executable, "-m", "suyuan", *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def codes(answers: Iterable[dict[str, Any]]) -> list[str]:
    """The result code of each answer."""
    return [answer["result"]["code"] for answer in answers]
