"""Tiles: their names in one spelling, what a log of some size has of them, and proofs from them."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import InvariantViolated, Malformed
from ledger.merkle_log import MerkleLog, leaf_hash, verify_consistency, verify_inclusion
from ledger.tiles import (
    TILE_WIDTH,
    Tile,
    TileReader,
    encode_bundle_of_entries,
    entries_of,
    hashes_of,
    tile_hashes,
    tile_of_entries,
)

LOG = MerkleLog([leaf_hash(sha256(bytes([n >> 8, n & 255])).digest()) for n in range(1_000)])


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 1_234_067), "tile/0/x001/x234/067"),
        (Tile(3, 1_000, 17), "tile/3/x001/000.p/17"),
        (Tile(None, 5, 255), "tile/entries/005.p/255"),
        (Tile(63, 2**53 - 1), "tile/63/x009/x007/x199/x254/x740/991"),
    ],
)
def test_a_tile_has_one_path(tile: Tile, path: str) -> None:
    assert tile.path() == path
    assert Tile.parse(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/000/",
        "tile/0/001/234",
        "tile/0/x001",
        "tile/0/x000/001",
        "tile/00/000",
        "tile/-1/000",
        "tile/64/000",
        "tile/99/000",
        "tile/data/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p/5/",
        "tile/0/000\n",
        "tile/0/٠٠٠",
        "tile/0/../0/000",
        "tile/0/x001/../000",
        "tile/0/%2e%2e/000",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
        "tile/0/" + "x000/" * 100_000 + "000",
        "tile/0/" + "9" * 1_000_000,
    ],
)
def test_a_hostile_path_is_refused(path: str) -> None:
    with pytest.raises(Malformed, match="tile"):
        Tile.parse(path)


def test_seventy_thousand_leaves_fill_the_tiles_of_the_specification() -> None:
    assert Tile(0, 272).width_at(70_000) == 256
    assert Tile(0, 273).width_at(70_000) == 112
    assert Tile(1, 0).width_at(70_000) == 256
    assert Tile(1, 1).width_at(70_000) == 17
    assert Tile(2, 0).width_at(70_000) == 1
    assert Tile(2, 1).width_at(70_000) == Tile(3, 0).width_at(70_000) == 0
    assert Tile(1, 0).width_at(256) == 1
    assert Tile(0, 273, 112).within(70_000)
    assert not Tile(0, 273, 113).within(70_000)
    assert not Tile(0, 273).within(70_000)


def test_a_tile_holds_the_hashes_of_its_level_and_a_partial_one_its_beginning() -> None:
    full = tile_hashes(LOG, Tile(0, 1))
    assert hashes_of(full, TILE_WIDTH) == [LOG.leaf(n) for n in range(256, 512)]
    assert full.startswith(tile_hashes(LOG, Tile(0, 1, 7)))
    upper = hashes_of(tile_hashes(LOG, Tile(1, 0, 3)), 3)
    assert upper == [
        MerkleLog([LOG.leaf(n) for n in range(256 * at, 256 * at + 256)]).root() for at in range(3)
    ]
    with pytest.raises(InvariantViolated):
        tile_hashes(LOG, Tile(0, 3))
    with pytest.raises(InvariantViolated):
        tile_hashes(LOG, Tile(2, 0, 1))


def test_a_bundle_carries_entries_and_nothing_else() -> None:
    entries = [b"", b"one", b"x" * 65_535]
    bundle = encode_bundle_of_entries(entries)
    assert bundle[:7] == b"\0\0\0\x03one"
    assert entries_of(bundle, 3) == entries
    for data, count in ((bundle, 2), (bundle, 4), (bundle[:-1], 3), (bundle + b"\0", 3)):
        with pytest.raises(Malformed, match="bundle"):
            entries_of(data, count)
    with pytest.raises(InvariantViolated):
        encode_bundle_of_entries([b"x" * 65_536])
    assert tile_of_entries(999, 1_000) == Tile(None, 3, 232)


@given(st.integers(1, 1_000), st.data())
def test_proofs_from_tiles_are_those_of_the_log(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    earlier = data.draw(st.integers(1, size))
    asked: list[Tile] = []

    def read(tile: Tile) -> bytes:
        assert tile.within(size), "a reader asks for nothing beyond the log"
        asked.append(tile)
        return tile_hashes(LOG, tile)

    reader = TileReader(size, read)
    path, proof = reader.inclusion(index), reader.consistency(earlier)
    assert verify_inclusion(LOG.leaf(index), index, size, path, LOG.root(size))
    assert verify_consistency(earlier, size, LOG.root(earlier), LOG.root(size), proof)
    assert (path, proof) == (LOG.inclusion(index, size), LOG.consistency(earlier, size))
    assert reader.root(earlier) == LOG.root(earlier)
    assert len(set(asked)) == len(asked) <= 6


def test_a_tile_of_another_length_is_refused_before_it_is_used() -> None:
    reader = TileReader(300, lambda tile: bytes(32 * tile.width - 1))
    with pytest.raises(Malformed, match="hashes of 32 bytes"):
        reader.inclusion(5)
