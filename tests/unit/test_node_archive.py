"""What a member keeps: whole blocks or nothing, of one chain, in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.errors import InvariantViolated, Malformed
from node.archive import Archive, BlockWrites, StoredBlock
from node.entity_logs import LogWrites
from node.state_store import StateWrites
from node.store import open_store
from tests.node_world import Ledger, SpyStore, define, make_genesis

KEY = bytes(32)


def opened(folder: Path, chain: bytes = b"c" * 32) -> tuple[SpyStore, Archive]:
    store = SpyStore(open_store(folder))
    return store, Archive(store, chain)


def writes(height: int) -> BlockWrites:
    return BlockWrites(
        height=height,
        block=StoredBlock(b"header %d" % height, (b"raw",), (b"result",)),
        state=StateWrites({KEY: b"value %d" % height}),
        logs=LogWrites([(KEY, height - 1, b"leaf %d" % height)], [(0, b"record %d" % height)]),
        consumed=[(b"i" * 31 + bytes([height]), 0)],
    )


def test_a_block_comes_back_whole_after_reopening(tmp_path: Path) -> None:
    _, archive = opened(tmp_path / "d")
    archive.write_genesis(StateWrites({KEY: b"value 0"}), LogWrites())
    assert archive.executed == 0
    archive.write_block(writes(1), archive.state)
    archive.write_block(writes(2), archive.state)
    archive.close()
    _, again = opened(tmp_path / "d")
    assert again.executed == 2
    assert again.block(2) == writes(2).block
    assert again.block(3) is None
    assert list(again.headers(2)) == [b"header 1", b"header 2"]
    assert list(again.state.values()) == [(KEY, b"value 2")]
    assert again.logs.leaves(KEY, 0, 2) == [b"leaf 1", b"leaf 2"]
    assert again.place(b"i" * 31 + b"\x02") == (2, 0)
    again.close()


def test_a_block_is_one_synced_batch(tmp_path: Path) -> None:
    store, archive = opened(tmp_path / "d")
    archive.write_genesis(StateWrites(), LogWrites())
    store.batches.clear()
    archive.write_block(writes(1), archive.state)
    ((batch, sync),) = store.batches
    assert sync
    assert {key[:1] for key in batch} == {b"s", b"l", b"r", b"i", b"t", b"b", b"h", b"m"}
    archive.close()


def test_a_lost_leaf_is_reported_and_never_read_over(tmp_path: Path) -> None:
    store, archive = opened(tmp_path / "d")
    archive.write_genesis(StateWrites(), LogWrites())
    archive.write_block(writes(1), archive.state)
    archive.write_block(writes(2), archive.state)
    (lost,) = [key for key in store.batches[-1][0] if key[:1] == b"l"]
    store.write({lost: None}, sync=False)
    assert archive.logs.leaves(KEY, 0, 1) == [b"leaf 1"]
    with pytest.raises(InvariantViolated, match="lacks leaves between 0 and 2"):
        archive.logs.leaves(KEY, 0, 2)
    archive.close()


def test_leaves_are_written_in_ascending_order_of_height(tmp_path: Path) -> None:
    store, archive = opened(tmp_path / "d")
    archive.write_block(writes(1), archive.state)
    archive.write_block(writes(2), archive.state)
    leaves = [key for batch, _ in store.batches for key in batch if key[:1] == b"l"]
    assert len(leaves) == 2
    assert leaves == sorted(leaves)
    archive.close()


def test_a_folder_of_another_chain_is_refused_by_name(tmp_path: Path) -> None:
    _, archive = opened(tmp_path / "d")
    archive.close()
    store = open_store(tmp_path / "d")
    with pytest.raises(InvariantViolated, match=r"holds chain 6363.*, not 6464"):
        Archive(store, b"d" * 32)
    store.close()


def test_records_of_the_two_machines_do_not_mix_and_come_in_order(tmp_path: Path) -> None:
    store, archive = opened(tmp_path / "d")
    archive.write_records([(b"e", 300, b"E300"), (b"e", 2, b"E2"), (b"f", 1, b"F1")])
    assert store.batches[-1][1], "votes may leave only when this is durable"
    archive.write_records([(b"e", 2, None), (b"e", 301, b"E301")])
    assert archive.records(b"e") == [(300, b"E300"), (301, b"E301")]
    assert archive.records(b"f") == [(1, b"F1")]
    # A number changed on disk would put what was promised into another order.
    store.write({b"e" + (302).to_bytes(8, "big"): (301).to_bytes(8, "big") + b"E301"}, sync=True)
    with pytest.raises(Malformed, match="under another number"):
        archive.records(b"e")
    archive.close()


def test_the_newest_certificate_is_kept(tmp_path: Path) -> None:
    _, archive = opened(tmp_path / "d")
    assert archive.certificate() is None
    archive.write_certificate(4, "note 4")
    archive.write_certificate(5, "note 5")
    assert archive.certificate() == (5, "note 5")
    archive.close()


def test_a_real_ledger_refuses_the_folder_of_another_genesis(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "d")
    ledger.block(define("a"))
    ledger.archive.close()
    other = make_genesis("other.test")
    store = open_store(tmp_path / "d")
    with pytest.raises(InvariantViolated, match="holds chain"):
        Archive(store, other.chain_id)
    store.close()
