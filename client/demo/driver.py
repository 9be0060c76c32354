"""The demonstration: four members, three weeks of Wuhan, two questions answered with proof,
verified offline.

It returns the exit status: 0 only when every step ended as its story says and every verdict is
clean.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from client.cli.screen import EXIT_FAILED, Screen
from client.demo.cast import cast_file, make_keys
from client.demo.consortium import Consortium, command, environment
from client.demo.loading import Played, play
from client.demo.signals import Signals, Stopped
from client.files import write_atomically
from client.limits import WATCH_S
from client.names import item_names
from client.rendering import print_branch
from client.scenario import Phase, Scenario, build_scenario
from client.sdk import Client
from client.story.facts import Names
from client.story.telling import tell
from client.verify import Report, accesses_claim, verify_now
from client.words import Words
from ledger.genesis import Genesis
from ledger.keys import Ed25519Signer
from ledger.paths import Path as EntityPath

__all__ = ["Options", "run_demo"]

_FILES: Final = ("donation.json", "accesses.json")


@dataclass(frozen=True, slots=True)
class Options:
    """What `suyuan demo` was asked: `once` ends by itself; `folder` None is a temporary one,
    removed at the end.
    """

    once: bool
    out: Path | None
    folder: Path | None
    base_port: int
    as_json: bool


def run_demo(screen: Screen, options: Options) -> int:
    """Run the demonstration and return its exit status. Raises: SuyuanError."""
    with Signals() as signals:
        try:
            with _folder(options.folder) as folder:
                return _Demo(screen, options, folder, signals).run()
        except Stopped as stopped:
            return 128 + stopped.number


@contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="suyuan-demo-") as name:
        yield Path(name)


class _Demo:
    """One run."""

    def __init__(self, screen: Screen, options: Options, folder: Path, signals: Signals) -> None:
        self.screen = screen
        self.options = options
        self.folder = folder
        self.signals = signals
        # With --json only the last line belongs to standard output.
        self.console: Console = screen.err if options.as_json else screen.out
        self.out = options.out or folder / "out"
        self.say: Words = screen.say
        self.started = time.monotonic()
        self._abouts: dict[str, str] = {}
        self._apart_ok = True

    def run(self) -> int:
        signers = make_keys(self.folder / "keys")
        cast = cast_file(signers)
        with Consortium(self.folder, cast, self.signals, self.options.base_port) as consortium:
            self._start(consortium)
            genesis = Genesis.from_json(consortium.genesis.read_bytes())
            played = self._play(consortium, genesis, signers)
            if not self.options.once:
                status = self._conclude(genesis, played, consortium)
                self._stay(consortium)
                return status
        # The members are gone: what is verified now rests on the files alone.
        return self._conclude(genesis, played, None)

    def _start(self, consortium: Consortium) -> None:
        self.console.rule(self.say("demo-title"))
        consortium.found()
        consortium.start()
        with self._progress() as progress:
            bar = progress.add_task(self.say("demo-starting"), total=4)
            consortium.wait_ready(
                lambda ready, total: progress.update(bar, completed=ready, total=total)
            )

    def _play(
        self, consortium: Consortium, genesis: Genesis, signers: dict[str, Ed25519Signer]
    ) -> Played:
        scenario = build_scenario(time.time_ns() // 1_000_000)
        urls = list(consortium.addresses.values())
        language = self.screen.language
        with Client(urls, genesis, signers, language=language) as client:
            with self._progress() as progress:
                bar = progress.add_task("", total=scenario.calls)

                def hear(phase: Phase, done: int) -> None:
                    title = phase.title_zh if language == "zh" else phase.title_en
                    progress.update(bar, description=title, completed=done)

                played = play(client, scenario, hear)
                progress.update(bar, description=self.say("demo-loaded"))
            self._answer(client, genesis, scenario, played.pin)
        return played

    def _answer(self, client: Client, genesis: Genesis, scenario: Scenario, pin: str) -> None:
        """Ask the two questions, tell their answers, and save everything a verifier needs."""
        donation = EntityPath("supplies", "donation", scenario.featured_donation)
        dataset = EntityPath("datasharing", "dataset", scenario.featured_dataset)
        pairs = [(grant, handle.hex()) for grant, handle in scenario.featured_pairs]
        bundle = client.trace(donation, pin=pin)
        report = verify_now(bundle, genesis, donation, pin=pin)
        names = Names.of(genesis, item_names(client, report))
        self._tell("demo-donor", report, names)
        listing = client.accesses(dataset, pairs, pin)
        self._tell(
            "demo-citizen", verify_now(listing, genesis, accesses_claim(dataset, pairs)), names
        )
        for name, data in (
            ("genesis.json", genesis.to_json()),
            ("pin", pin.encode()),
            ("pairs.json", json.dumps(pairs).encode() + b"\n"),
            ("donation.json", bundle),
            ("accesses.json", listing),
        ):
            write_atomically(self.out / name, data)
        self._abouts = {"donation.json": donation.text, "accesses.json": dataset.text}

    def _tell(self, heading: str, report: Report, names: Names) -> None:
        self.console.rule(self.say(heading))
        branch = tell(report, names, self.screen.language)
        if branch is not None:
            print_branch(self.console, branch, self.screen.language)

    def _conclude(self, genesis: Genesis, played: Played, consortium: Consortium | None) -> int:
        """Verify the files in processes of their own, report, and return the status."""
        self.console.rule(self.say("demo-verify"))
        pin = played.pin
        reports: dict[str, Report] = {}
        for name in _FILES:
            self.console.print(self._verify_apart(name), markup=False, end="")
            reports[name] = verify_now((self.out / name).read_bytes(), genesis, None, None, pin)
        self.console.rule()
        for one in played.unexpected:
            self.console.print(
                self.say(
                    "demo-unexpected",
                    phase=one.phase.title_zh if self.say.language == "zh" else one.phase.title_en,
                    call=f"{one.step.call.contract}.{one.step.call.function}",
                    expected=one.step.expected,
                    code=one.outcome.code or one.outcome.status,
                    sentence=one.outcome.sentence,
                ),
                style="red",
                markup=False,
            )
        clean = all(report.clean for report in reports.values()) and self._apart_ok
        self._sum(played, clean)
        status = 0 if clean and not played.unexpected else EXIT_FAILED
        if self.options.as_json:
            self.screen.json(self._object(played, reports, consortium, status))
        return status

    def _verify_apart(self, name: str) -> str:
        files = ["--genesis", str(self.out / "genesis.json"), "--pin", str(self.out / "pin")]
        asked = ["--about", self._abouts[name], "--language", self.screen.language]
        if name == "accesses.json":
            asked += ["--pairs", str(self.out / "pairs.json")]
        done = subprocess.run(
            [*command(), "verify", str(self.out / name), *files, *asked],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=environment(),
            check=False,
        )
        self._apart_ok = self._apart_ok and done.returncode == 0
        return (done.stdout + done.stderr).decode("utf-8", "replace")

    def _sum(self, played: Played, clean: bool) -> None:
        say = self.say
        self.console.print(
            say(
                "demo-sum",
                steps=played.steps,
                accepted=played.accepted,
                refused=played.refused,
                seconds=f"{time.monotonic() - self.started:.0f}",
            ),
            markup=False,
        )
        # A regulator reads these first; the last is the access after the grant was revoked.
        for step, outcome in played.refusals:
            call = f"{step.call.contract}.{step.call.function}"
            self.console.print(f"  ✗ {call}：{outcome.sentence}", markup=False)
        word, style = ("demo-clean", "green") if clean else ("demo-not-clean", "red")
        self.console.print(say(word), style=style, markup=False)
        if self.options.out is not None or not self.options.once:
            self.console.print(say("demo-files", folder=self.out), markup=False, soft_wrap=True)

    def _object(
        self,
        played: Played,
        reports: dict[str, Report],
        consortium: Consortium | None,
        status: int,
    ) -> dict[str, Any]:
        return {
            "accepted": played.accepted,
            "addresses": {} if consortium is None else consortium.addresses,
            "refused": played.refused,
            "seconds": round(time.monotonic() - self.started, 1),
            "status": status,
            "steps": played.steps,
            "unexpected": len(played.unexpected),
            "verdicts": {name: report.value() for name, report in reports.items()},
        }

    def _stay(self, consortium: Consortium) -> None:
        say = self.say
        self.console.rule(say("demo-up"))
        for member, address in consortium.addresses.items():
            self.console.print(f"  {member:<20} {address}", markup=False, soft_wrap=True)
        url = next(iter(consortium.addresses.values()))
        self.console.print(
            say(
                "demo-try",
                entity=self._abouts["donation.json"],
                url=url,
                genesis=self.out / "genesis.json",
                dataset=self._abouts["accesses.json"],
                pairs=self.out / "pairs.json",
            ),
            markup=False,
            soft_wrap=True,
        )
        told: set[str] = set()
        try:
            # One member of four may stop and return: that is what a consortium is for.
            while len(told) < len(consortium.addresses):
                for member, (status, folder) in consortium.ended().items():
                    if member not in told:
                        told.add(member)
                        words = {"member": member, "status": status, "folder": folder}
                        ended = say("demo-member-ended", **words)
                        self.console.print(ended, markup=False, soft_wrap=True)
                time.sleep(WATCH_S)
            consortium.check()
        except Stopped:
            self.console.print(say("demo-stopping"), markup=False)

    def _progress(self) -> Progress:
        return Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.screen.err,
        )
