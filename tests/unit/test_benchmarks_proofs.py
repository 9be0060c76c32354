"""A proof costs what its answer costs: as many reads and nearly as many bytes in any ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchmarks import proofs
from benchmarks.business import items, shipped_and_used
from benchmarks.lone_member import Ledger
from client.calls import Call
from ledger.assembly import assemble
from ledger.bundle_file import encode_bundle
from ledger.claims import Absence, Claim, Entity, History, Trace
from ledger.paths import Path as EntityPath
from ledger.verify import verify_bundle
from node.store import Store

SHIPMENT = EntityPath("supplies", "shipment", "depot.S-asked")
DONATION = EntityPath("supplies", "donation", "depot.D-asked")
QUESTIONS = (
    History(SHIPMENT),
    Entity(SHIPMENT),
    Trace(DONATION),
    Absence(EntityPath("supplies", "shipment", "depot.S-none")),
)
DEEPER = 2 * 15 * 32  # bytes that two more levels of the state tree, of 16 each, add for an entity


@dataclass
class Reads:
    """A store that counts what is read of it."""

    inner: Store
    gets: int = 0
    pairs: int = 0

    def get(self, key: bytes) -> bytes | None:
        self.gets += 1
        return self.inner.get(key)

    def range(self, *where: Any, **how: Any) -> Iterator[tuple[bytes, bytes]]:
        for pair in self.inner.range(*where, **how):
            self.pairs += 1
            yield pair

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def business(events: int) -> Iterator[Call]:
    yield from items()
    yield from shipped_and_used("asked", events)


def answer(ledger: Ledger, claim: Claim) -> tuple[bytes, int, int]:
    """The bundle, and how many keys and pairs were read for it."""
    moment = ledger.moment()
    archive = ledger.archive
    spy = Reads(archive._store)
    archive._store = archive.state._store = archive.logs._store = spy
    try:
        bundle = encode_bundle(assemble(moment, claim))
    finally:
        archive._store = archive.state._store = archive.logs._store = spy.inner
    return bundle, spy.gets, spy.pairs


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Callable[[int, int], Ledger]]:
    ledgers: list[Ledger] = []

    def make(entities: int, events: int) -> Ledger:
        folder = tmp_path / f"{entities}-{events}"
        ledgers.append(Ledger.make(folder, entities, business(events)))
        return ledgers[-1]

    yield make
    for ledger in ledgers:
        ledger.close()


def test_the_same_answer_takes_the_same_reads_in_a_ledger_a_hundred_times_as_large(
    made: Callable[[int, int], Ledger],
) -> None:
    small, large = made(100, 20), made(10_000, 20)
    for claim in QUESTIONS:
        bundle, gets, pairs = answer(small, claim)
        greater, *reads = answer(large, claim)
        assert reads == [gets, pairs]
        report = verify_bundle(greater, large.genesis, about=claim)
        assert report.clean
        assert report.bundle is not None
        entities = max(1, len(report.bundle.entities))
        assert len(greater) - len(bundle) <= 4 / 3 * DEEPER * entities, "base64 of some nodes more"


def test_reads_grow_with_the_answer(made: Callable[[int, int], Ledger]) -> None:
    """And by no more than a leaf and its place for each event."""
    short, long = made(100, 20), made(100, 60)
    for claim in (History(SHIPMENT), Entity(SHIPMENT)):
        _, gets, pairs = answer(short, claim)
        _, more_gets, more_pairs = answer(long, claim)
        grown = 40 if isinstance(claim, History) else 0
        assert (more_gets - gets, more_pairs - pairs) == (grown, grown)


def test_a_refused_call_stops_the_run(tmp_path: Path) -> None:
    use = {"lot": "depot.L-x", "purpose": "ward", "quantity": 1, "shipment": "depot.S-x"}
    with pytest.raises(RuntimeError, match="refused"):
        Ledger.make(tmp_path / "m", 1, [Call("supplies", "use", use, ("hospital.ward",))])


def test_the_questions_of_a_run_are_answered_and_compared(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole command, small."""
    monkeypatch.setattr(proofs, "EVENTS", (4, 6))
    monkeypatch.setattr(proofs, "ASKED", {4: 2, 6: 1})
    monkeypatch.setattr(proofs, "LONG", 4_000)
    out = tmp_path / "out.json"
    options = ["--entities", "60", "30", "--no-browser", "--out", str(out)]
    assert proofs.main(options) == 0
    said = capsys.readouterr().out
    kinds = ("history", "trace", "accesses", "list", "record", "absence", "event", "record as of")
    for kind in (*kinds, "transaction", "consistency", "period of 4,000"):
        assert f"| {kind}" in said
    assert "60 / 30" in said
    assert '"growth"' in out.read_text("utf-8")


def test_an_answer_that_grows_beyond_its_bound_from_the_least_ledger_to_the_greatest_fails_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    size = {10_000: 1_000, 1_000_000: 1_300}

    def measured(folder: Path, entities: int, long: bool, in_browser: bool) -> list[dict[str, Any]]:
        figures = {"events": 0, "first_ms": 1.0 * entities, "make_ms": 1.0, "verify_ms": 2.0}
        row = {"answer": "absence", "bytes": size[entities], "browser_ms": None, **figures}
        return [{"ledger": entities, **row}]

    monkeypatch.setattr(proofs, "_measured", measured)
    run = ["--no-browser", "--entities", "10000", "1000000"]
    assert proofs.main(run) == 0
    size[1_000_000] += 10
    assert proofs.main(run) == 1
    assert "absence: bytes grows 1.31 times, more than 1.3" in capsys.readouterr().err
    assert proofs.main(run[:-1]) == 0, "of one ledger there is no growth to judge"
