"""Four members as four processes of this machine: found, start, wait until ready, stop.

What it is: the life of the children. Each runs `suyuan node run` in a process group of its own,
with its log in the folder; whatever happens here, `stop` ends every group and waits for every
child, so that none is left running and none is left a zombie.
What it is not: it knows nothing of
what the consortium records.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

from client.demo.signals import Signals
from client.exchange import Request
from client.faults import Unreachable
from client.files import read_json_file, write_atomically
from client.limits import LOG_TAIL_LINES, READY_S_MAX, STOP_S_MAX
from client.transport import HttpTransport
from ledger.errors import ClientFault

__all__ = ["Consortium", "command", "environment"]

_SOURCES: Final = Path(__file__).resolve().parents[2]
_MEMBER_FILE_SIZE_MAX: Final = 64 * 1024
_POLL_S: Final = 0.1


class _Member:
    """One running member."""

    __slots__ = ("address", "folder", "id", "log", "log_path", "process")

    def __init__(self, identity: str, address: str, folder: Path, log_path: Path) -> None:
        self.id = identity
        self.address = address
        self.folder = folder
        self.log_path = log_path
        self.log: IO[bytes] = log_path.open("ab")
        self.process = subprocess.Popen(
            [*command(), "node", "run", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            # Its own group: Ctrl-C on the terminal reaches us alone, and we stop it in order.
            start_new_session=True,
            env=environment(),
        )


class Consortium:
    """A consortium in `folder`. Use it in a `with`: leaving stops every process, whatever happened.

    `cast` is what `suyuan node found` reads: name, members, organisations, accounts with public
    keys. `base_port` 0 picks free ports.
    """

    def __init__(
        self, folder: Path, cast: Mapping[str, Any], signals: Signals, base_port: int = 0
    ) -> None:
        self.folder = folder
        self._cast = dict(cast)
        self._signals = signals
        self._base_port = base_port
        self._members: list[_Member] = []

    @property
    def genesis(self) -> Path:
        """The genesis file."""
        return self.folder / "genesis.json"

    @property
    def addresses(self) -> dict[str, str]:
        """The HTTP address of each member, "http://host:port", by member id."""
        return {member.id: member.address for member in self._members}

    def found(self) -> None:
        """Write the cast and let `suyuan node found` make keys, genesis and folders.

        Raises: ClientFault "found-failed" with what it said.
        """
        cast = self.folder / "cast.json"
        write_atomically(
            cast, json.dumps(self._cast, ensure_ascii=False, indent=1).encode() + b"\n"
        )
        given = ["--cast", str(cast), "--base-port", str(self._base_port)]
        done = subprocess.run(
            [*command(), "node", "found", str(self.folder), *given],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=environment(),
            check=False,
        )
        if done.returncode != 0:
            said = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
            raise ClientFault("found-failed", reason=said[-2000:] or f"status {done.returncode}")

    def start(self) -> None:
        """Start every member's process. Raises: ClientFault for an unreadable folder."""
        logs = self.folder / "logs"
        logs.mkdir(exist_ok=True)
        for identity in self._cast["members"]:
            folder = self.folder / "members" / identity
            api = str(read_json_file(folder / "member.json", _MEMBER_FILE_SIZE_MAX)["api"])
            # A signal between the start of a child and its entry in the list would leave it
            # running.
            with self._signals.held():
                self._members.append(
                    _Member(identity, f"http://{api}", folder, logs / f"{identity}.log")
                )

    def wait_ready(self, tell: Callable[[int, int], None] | None = None) -> None:
        """Wait until every member answers that it takes part; `tell` hears (ready, all).

        Raises: ClientFault "consortium-failed" when a process ends, "consortium-slow" after
        READY_S_MAX seconds.
        """
        deadline = time.monotonic() + READY_S_MAX
        waiting = list(self._members)
        with HttpTransport() as transport:
            while waiting:
                self.check()
                waiting = [m for m in waiting if not _ready(transport, m.address)]
                if tell is not None:
                    tell(len(self._members) - len(waiting), len(self._members))
                if waiting and time.monotonic() > deadline:
                    raise ClientFault(
                        "consortium-slow",
                        seconds=int(READY_S_MAX),
                        waiting=", ".join(member.id for member in waiting),
                        folder=str(self.folder / "logs"),
                    )
                if waiting:
                    time.sleep(_POLL_S)

    def ended(self) -> dict[str, tuple[int, Path]]:
        """Return each member whose process has ended: its exit status and its folder."""
        statuses = {member: member.process.poll() for member in self._members}
        return {
            member.id: (status, member.folder)
            for member, status in statuses.items()
            if status is not None
        }

    def check(self) -> None:
        """Raise ClientFault "consortium-failed", with the end of its log, if a process ended."""
        for member in self._members:
            status = member.process.poll()
            if status is not None:
                lines = member.log_path.read_text("utf-8", "replace").splitlines()
                raise ClientFault(
                    "consortium-failed",
                    member=member.id,
                    status=status,
                    log=str(member.log_path),
                    tail="\n".join(lines[-LOG_TAIL_LINES:]),
                )

    def stop(self) -> None:
        """End every process: asked first, killed after STOP_S_MAX seconds; every child is waited
        for.
        """
        for member in self._members:
            _signal_group(member.process, signal.SIGTERM)
        deadline = time.monotonic() + STOP_S_MAX
        for member in self._members:
            with suppress(subprocess.TimeoutExpired):
                member.process.wait(max(0.0, deadline - time.monotonic()))
        for member in self._members:
            if member.process.poll() is None:
                _signal_group(member.process, signal.SIGKILL)
            member.process.wait()
            member.log.close()
        self._members.clear()

    def __enter__(self) -> Consortium:
        return self

    def __exit__(self, *_: object) -> None:
        # A second Ctrl-C must not leave half of them running.
        try:
            self._signals.ignore()
        finally:
            self.stop()


def _ready(transport: HttpTransport, address: str) -> bool:
    try:
        told = json.loads(transport.send(address, Request("GET", "/v1/health")).body)
    except (Unreachable, ValueError):
        return False
    # "starting" is a member of a chain without a block: nothing has happened that it could certify.
    return isinstance(told, dict) and told.get("status") in ("ok", "starting")


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)


def command() -> list[str]:
    """The command line that runs this same Suyuan in another process."""
    return [sys.executable, "-m", "suyuan"]


def environment() -> dict[str, str]:
    """The environment of a child: it must find the same Suyuan as we are, installed or not."""
    before = os.environ.get("PYTHONPATH")
    paths = [str(_SOURCES), *([before] if before else [])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}
