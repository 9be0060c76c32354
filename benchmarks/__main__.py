"""`python -m benchmarks`: throughput, latency, processor time, bytes of four members, and etcd's.

Starts four members as processes of this machine, loads them, measures them at low and at full load,
stops them; then the same with three etcd members where etcd is installed. Prints a table and writes
JSON. What is measured and how to read it: docs/BENCHMARKS.md.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from rich.console import Console

import suyuan
from benchmarks import consortium, etcd
from benchmarks.machine import machine
from benchmarks.report import print_report
from benchmarks.settings import Settings

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write. Returns 0, or 1 when the run failed."""
    options = _options(sys.argv[1:] if arguments is None else arguments)
    settings = _settings(options)
    console = Console(stderr=True)
    # Ending by a signal must pass through the `with` that stops the members.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    folder = Path(tempfile.mkdtemp(prefix="suyuan-benchmark-", dir=options.dir))
    try:
        report = _measure(folder, settings, options, console)
    except (RuntimeError, ExceptionGroup) as error:
        console.print(f"failed: {error}", *getattr(error, "exceptions", ()), markup=False)
        console.print(f"what the processes said: {folder}", markup=False)
        return 1
    if not options.keep:
        shutil.rmtree(folder, ignore_errors=True)
    print_report(report, Console(width=None if sys.stdout.isatty() else 110))
    out = options.out or Path(tempfile.mkstemp(prefix="suyuan-benchmark-", suffix=".json")[1])
    out.write_text(json.dumps(report, indent=2) + "\n")
    print(f"written: {out}")
    return 0


def _measure(
    folder: Path, settings: Settings, options: argparse.Namespace, console: Console
) -> dict[str, Any]:
    def tell(text: str) -> None:
        console.print(f"[dim]{time.strftime('%H:%M:%S')}[/dim] {text}", highlight=False)

    report: dict[str, Any] = {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "command": shlex.join(["python", "-m", "benchmarks", *options.given]),
        "machine": machine(),
        "version": suyuan.__version__,
        "settings": asdict(settings),
        "suyuan": consortium.measure(folder / "suyuan", settings, tell),
        "etcd": None,
    }
    if not options.no_etcd and etcd.installed() is not None:
        size = round(report["suyuan"]["raw_bytes_per_transaction"])
        report["etcd"] = etcd.measure(folder / "etcd", settings, size, tell)
    return report


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    default = Settings()
    parser.add_argument("--quick", action="store_true", help="seconds instead of minutes: a smoke")
    for name, kind, text in (
        ("seconds", float, "measured at full load"),
        ("warm_up", float, "seconds before that"),
        ("low", int, "transactions one at a time"),
        ("entities", int, "loaded before"),
        ("flows", int, "requests under way at once"),
        ("cohort", int, "chains at each of the six steps in one request"),
    ):
        flag = "--" + name.replace("_", "-")
        parser.add_argument(flag, type=kind, help=f"{text} (default {getattr(default, name)})")
    parser.add_argument("--through", choices=("all", "one"), help="members clients speak to")
    parser.add_argument("--no-etcd", action="store_true", help="leave etcd out")
    parser.add_argument("--out", type=Path, help="the JSON (default: a temporary file)")
    parser.add_argument("--dir", type=Path, help="on which disk the members' folders are made")
    parser.add_argument("--keep", action="store_true", help="leave the members' folders")
    options = parser.parse_args(arguments)
    options.given = list(arguments)
    return options


def _settings(options: argparse.Namespace) -> Settings:
    base = Settings().quick() if options.quick else Settings()
    given = {
        field.name: value
        for field in fields(Settings)
        if (value := getattr(options, field.name, None)) is not None
    }
    return Settings(**{**asdict(base), **given})


if __name__ == "__main__":
    sys.exit(main())
