"""What the machine says: which it is, what its processes have used, what their folders hold.

Linux only: processor time is read from /proc, which also counts threads of C libraries (store
compaction, signatures) that a process does not see of itself.
"""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

__all__ = ["Fleet", "disk_bytes", "machine", "processor_seconds"]

STOP_SECONDS: Final = 15.0  # a process told to stop is killed after this
BLOCK: Final = 512  # bytes of a unit of st_blocks


def machine() -> dict[str, str | int]:
    """Name what a figure was measured on."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": _line("/proc/cpuinfo", "model name") or platform.machine(),
        "memory": _line("/proc/meminfo", "MemTotal"),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def _line(path: str, name: str) -> str:
    with suppress(OSError), Path(path).open(encoding="utf-8") as lines:
        for line in lines:
            if line.startswith(name):
                return line.split(":", 1)[1].strip()
    return ""


def processor_seconds(pid: int) -> float:
    """User and system time of a process and all its threads so far, in steps of 10 ms."""
    # The command's name may hold blanks and brackets: the fields are counted behind its end.
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def disk_bytes(folder: Path) -> int:
    """Bytes of disk that a folder's files occupy (as `du`), preallocated ones included."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):  # a store drops files while we look
                total += Path(place, name).stat().st_blocks * BLOCK
    return total


class Fleet:
    """Processes that live as long as the `with` they are started in, their output in log files."""

    def __init__(
        self,
        commands: Mapping[str, Sequence[str]],
        logs: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._commands = commands
        self._logs = logs
        self._environment = None if environment is None else dict(environment)
        self._files: list[IO[bytes]] = []
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Fleet:
        self._logs.mkdir(parents=True, exist_ok=True)
        for name, command in self._commands.items():
            file = (self._logs / f"{name}.log").open("ab")
            self._files.append(file)
            self._processes[name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=self._environment,
            )
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes.values():
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for process in self._processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
            if process.poll() is None:
                process.kill()
                process.wait()
        for file in self._files:
            file.close()

    @property
    def pids(self) -> dict[str, int]:
        """Process ids by name."""
        return {name: process.pid for name, process in self._processes.items()}

    def processor_seconds(self) -> float:
        """Processor time of all processes together."""
        return sum(processor_seconds(pid) for pid in self.pids.values())

    def check(self) -> None:
        """Raise RuntimeError, with the end of its log, if a process has ended."""
        for name, process in self._processes.items():
            if process.poll() is not None:
                log = (self._logs / f"{name}.log").read_text("utf-8", "replace")
                said = "\n".join(log.splitlines()[-12:])
                raise RuntimeError(f"{name} ended with status {process.returncode}:\n{said}")
