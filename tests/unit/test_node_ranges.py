"""A live member's answers about part of a log: any period, any event, the record of any height."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.assembly import assemble
from ledger.bundle import Ranged
from ledger.bundle_file import encode_bundle
from ledger.claims import AsOf, Claim, EventAt, Period
from ledger.codec import decode
from ledger.errors import ClientFault, InvariantViolated
from ledger.leaf import LEAF
from ledger.merkle_log import leaf_hash
from ledger.merkle_ranges import subtree_roots
from ledger.paths import Path as EntityPath
from ledger.paths import key as path_key
from ledger.verdict import Report
from ledger.verify import verify_bundle
from node.archive import Gap
from tests.node_world import Ledger, Node, define, receive

DONOR = EntityPath("supplies", "donor", "red-cross.donor")
KEY = path_key(DONOR)
DONATIONS = 300  # of the donor, in blocks of 1, 2, 3, … so that subtrees end anywhere in them


def grow(ledger: Ledger, donations: int = DONATIONS) -> None:
    ledger.block(define("a"))
    made = 0
    while made < donations:
        count = min(1 + ledger.executor.height % 7, donations - made)
        until = ledger.executor.time + 60_000
        ledger.block(*(receive(made + n, valid_until=until) for n in range(count)))
        made += count


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    ledger = Ledger(tmp_path_factory.mktemp("ranges") / "d")
    grow(ledger)
    return ledger


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    made = Node(tmp_path / "d")
    grow(made, 40)
    made.certify()
    yield made
    made.close()


def judged(node: Node, claim: Claim) -> Report:
    """The verdict of an answer; fails unless it is clean and the answer to the claim."""
    data = encode_bundle(assemble(node.proofs._moment(), claim))
    report = verify_bundle(data, node.genesis, claim)
    assert report.clean, report.value()
    assert report.met
    return report


def shown(report: Report) -> Ranged:
    assert report.bundle is not None
    (one,) = report.bundle.entities
    assert isinstance(one, Ranged)
    return one


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_what_stands_for_leaves_is_what_their_hashes_make(
    grown: Ledger, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, DONATIONS))
    stop = data.draw(st.integers(start, DONATIONS))
    leaves = grown.archive.logs.leaves(KEY, start, stop)
    made = subtree_roots([leaf_hash(leaf) for leaf in leaves], start)
    assert grown.archive.logs.subtrees(KEY, start, stop) == made


def test_what_stands_for_leaves_is_told_without_reading_them(grown: Ledger) -> None:
    """All but those at the edges: the cost follows the answer, not the log."""
    read: list[tuple[int, int]] = []
    logs, whole = grown.archive.logs, grown.archive.logs.leaves

    def counted(key: bytes, start: int, stop: int) -> list[bytes]:
        read.append((start, stop))
        return whole(key, start, stop)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(type(logs), "leaves", lambda _, *asked: counted(*asked))
        logs.subtrees(KEY, 0, 255)
        logs.subtrees(KEY, 3, DONATIONS)
    assert sum(stop - start for start, stop in read) <= 2 * 2 * 15


async def test_the_record_of_every_height_is_proved_whatever_came_after(node: Node) -> None:
    counts = []
    for height in range(node.executor.height + 1):
        report = judged(node, AsOf(DONOR, height))
        then = shown(report).then
        record: Any = None if then is None else decode(then, "record")
        counts.append(0 if record is None else record["count"])
    assert counts == [0, 0, 2, 5, 9, 14, 20, 27, 28, 30, 33, 37, 40]


async def test_one_event_and_any_period_are_proved(node: Node) -> None:
    times = [LEAF.decode(leaf).time for leaf in node.proofs.page(DONOR, 0, 40)]
    for index in (0, 17, 39):
        assert shown(judged(node, EventAt(DONOR, index))).first == index
    for first, stop in ((0, 40), (5, 6), (20, 33)):
        since, until = times[first], times[stop - 1] + 1
        report = judged(node, Period(DONOR, since, until))
        assert report.completeness.parameters["events"] == sum(since <= t < until for t in times)


async def test_a_lost_record_or_subtree_is_reported_and_never_made_up(node: Node) -> None:
    logs, store = node.archive.logs, node.store
    place = store.get(b"i" + KEY + (39).to_bytes(8, "big"))
    subtree = next(key for key, _ in store.range(b"n" + KEY, b"o"))
    store.write({b"r" + place: None, subtree: None}, sync=False)
    with pytest.raises(InvariantViolated, match="lacks the record after leaf 39"):
        logs.record_after(KEY, 39)
    with pytest.raises(InvariantViolated, match="lacks subtrees 0 to 2 of level 4"):
        logs.subtrees(KEY, 0, 32)
    node.archive.gap = Gap(1, 5)  # a member that joined lately says what it has not got
    with pytest.raises(ClientFault, match="history-not-held"):
        logs.record_after(KEY, 39)
    with pytest.raises(ClientFault, match="history-not-held"):
        logs.subtrees(KEY, 0, 32)
    node.archive.gap = None
