"""Batches become blocks, alike everywhere, whole or not at all; the recent past can be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.block import HEADER, RESULT
from ledger.errors import InvariantViolated, Malformed
from ledger.hashing import sha256
from ledger.limits import RECENT_ROOTS
from ledger.merkle_log import leaf_hash, root_of
from ledger.paths import Path as EntityPath
from ledger.paths import key
from ledger.state_proof import verify_state_proof
from node.archive import StoredBlock
from node.store import StoreFull
from tests.node_world import START, Ledger, define

ITEM = key(EntityPath("supplies", "item", "red-cross.a"))
DAY = key(EntityPath("supplies", "day", "2020-01-24"))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(tmp_path / "one")
    yield made
    made.archive.close()


@pytest.fixture
def twin(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(tmp_path / "two")
    yield made
    made.archive.close()


def stored(ledger: Ledger, height: int) -> StoredBlock:
    block = ledger.archive.block(height)
    assert block is not None
    return block


def test_a_block_binds_its_parent_its_transactions_its_results_and_the_state(
    ledger: Ledger,
) -> None:
    first = ledger.block(define("a"), define("b"))
    second = ledger.block()
    header, after = HEADER.decode(first.header), HEADER.decode(second.header)
    assert (header.height, header.parent) == (1, ledger.genesis.chain_id)
    assert header.transactions == root_of([define("a").digest, define("b").digest])
    assert header.results == root_of([leaf_hash(each) for each in first.results])
    assert header.state == ledger.executor.tree.root(1)
    assert (after.height, after.parent) == (2, leaf_hash(first.header))
    assert second.chain_root == ledger.executor.log.root(2)


def test_two_members_make_the_same_headers_also_across_a_restart(
    ledger: Ledger, twin: Ledger, tmp_path: Path
) -> None:
    batches = [[define(f"{n}-{i}") for i in range(3)] for n in range(6)]
    headers = [ledger.block(*batch).header for batch in batches]
    assert [twin.block(*batch).header for batch in batches[:4]] == headers[:4]
    twin.archive.close()
    again = Ledger(tmp_path / "two")
    assert again.executor.height == 4
    assert again.executor.time == START + 4_000
    assert [again.block(*batch).header for batch in batches[4:]] == headers[4:]
    again.archive.close()


def test_a_height_that_is_not_the_next_is_refused_before_anything_is_done(ledger: Ledger) -> None:
    for height in (0, 2, -1):
        with pytest.raises(InvariantViolated, match="after 0"):
            ledger.executor.execute(height, 0, START + 1, [])
    assert ledger.executor.tree.newest == 0


def test_an_id_is_consumed_once_whatever_the_block(ledger: Ledger) -> None:
    one = define("a")
    codes = [
        [RESULT.decode(each).code for each in ledger.block(*batch).results]
        for batch in ([one, one], [one])
    ]
    assert codes == [["accepted", "replayed"], ["replayed"]]
    assert ledger.archive.place(one.id) == (1, 0)


def test_an_expired_transaction_consumes_nothing_and_has_no_place(ledger: Ledger) -> None:
    late = define("late", valid_until=START + 500)
    done = ledger.block(late)
    assert RESULT.decode(done.results[0]).code == "expired"
    assert ledger.archive.place(late.id) is None


def test_values_of_the_recent_past_are_those_of_their_height_and_are_proved(
    ledger: Ledger,
) -> None:
    executor = ledger.executor
    values: dict[int, dict[bytes, bytes | None]] = {}
    for n in range(1, RECENT_ROOTS + 10):
        ledger.block(*([define("a")] if n == 20 else []), *([define(n)] if n % 3 == 0 else []))
        values[n] = {each: executor.value(each) for each in (ITEM, DAY)}
    newest = executor.height
    assert executor.tree.oldest == newest - RECENT_ROOTS + 1
    for height in range(executor.tree.oldest, newest + 1):
        at = {each: executor.value_at(each, height) for each in (ITEM, DAY)}
        assert at == values[height], height
        expected = {each: None if v is None else sha256(v) for each, v in at.items()}
        proof = executor.tree.prove(list(at), height)
        verify_state_proof(executor.tree.root(height), proof, expected)
    assert values[19][ITEM] is None
    assert values[20][ITEM] is not None
    for height in (executor.tree.oldest - 1, newest + 1):
        with pytest.raises(InvariantViolated, match="outside the recent roots"):
            executor.value_at(ITEM, height)


def test_a_restarted_member_proves_its_newest_height_alone(ledger: Ledger, tmp_path: Path) -> None:
    for n in range(3):
        ledger.block(define(n))
    ledger.archive.close()
    again = Ledger(tmp_path / "one")
    assert again.executor.tree.oldest == again.executor.height == 3
    assert again.executor.tree.root() == HEADER.decode(stored(again, 3).header).state
    again.archive.close()


def test_a_write_that_fails_leaves_the_height_before_on_disk(
    ledger: Ledger, tmp_path: Path
) -> None:
    """R-CP-6: a block and the state after it are one write, and a synced one."""
    before = len(ledger.store.batches)
    ledger.block(define("a"))
    assert [sync for _, sync in ledger.store.batches[before:]] == [True]
    ledger.store.failure = StoreFull(tmp_path, "has no space left")
    with pytest.raises(StoreFull):
        ledger.block(define("b"))
    assert ledger.executor.height == 1
    ledger.archive.close()
    again = Ledger(tmp_path / "one")
    assert again.executor.height == 1
    assert again.block(define("b")).height == 2
    again.archive.close()


@pytest.mark.parametrize("kind", [b"h", b"s"])
def test_a_store_that_lost_part_of_a_block_is_not_built_upon(
    ledger: Ledger, tmp_path: Path, kind: bytes
) -> None:
    ledger.block(define("a"))
    victim = next(k for k, _ in ledger.store.range(kind, kind + b"\xff"))
    ledger.store.write({victim: None}, sync=True)
    ledger.archive.close()
    with pytest.raises(InvariantViolated, match=r"headers for height|state root differs"):
        Ledger(tmp_path / "one")


def test_a_fetched_block_is_executed_and_compared_with_its_header(
    ledger: Ledger, twin: Ledger
) -> None:
    done = ledger.block(define("a"))
    assert twin.executor.install(stored(ledger, 1)).header == done.header


@pytest.mark.parametrize("what", ["transactions", "no transactions", "order"])
def test_a_fetched_block_with_other_transactions_is_the_peers_fault(
    ledger: Ledger, twin: Ledger, what: str
) -> None:
    ledger.block(define("a"), define("b"))
    block = stored(ledger, 1)
    lies = {
        "transactions": (define("c").raw, define("b").raw),
        "no transactions": (),
        "order": block.transactions[::-1],
    }
    with pytest.raises(Malformed, match=r"block\.transactions"):
        twin.executor.install(StoredBlock(block.header, lies[what], ()))
    assert twin.executor.height == 0
    assert twin.executor.install(block).height == 1


def test_a_fetched_block_that_is_not_the_next_is_the_peers_fault(
    ledger: Ledger, twin: Ledger
) -> None:
    ledger.block()
    ledger.block()
    with pytest.raises(Malformed, match="is not the next"):
        twin.executor.install(stored(ledger, 2))


def test_a_certified_header_that_we_cannot_reproduce_stops_us_with_nothing_written(
    ledger: Ledger, twin: Ledger
) -> None:
    """R-DT-4: the certificate has been checked before; if we differ, we are wrong."""
    ledger.block(define("a"))
    block = stored(ledger, 1)
    header = HEADER.decode(block.header)
    other = HEADER.encode(
        type(header)(
            **{name: getattr(header, name) for name in header.__struct_fields__}
            | {"state": bytes(32)}
        )
    )
    with pytest.raises(InvariantViolated, match="differs from its certificate"):
        twin.executor.install(StoredBlock(other, block.transactions, ()))
    assert twin.archive.executed == 0
