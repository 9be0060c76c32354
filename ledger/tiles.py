"""C2SP tlog-tiles: a log as static files that anyone may cache and nobody need trust.

A tile holds up to 256 hashes side by side: hash i of tile n at level l is the root over the leaves
(256·n + i)·256^l .. (256·n + i + 1)·256^l − 1. Level 0 is the leaf hashes; an entry bundle holds
what was hashed. A tile that is not full yet has its width in its path, so the bytes under a path
never change. From tiles alone a reader computes every proof (`TileReader`).

Pure: this names tiles, cuts them out of a log and reads them; serving is `node.tlog`'s business.
Source: C2SP tlog-tiles v0.1.0; formats.md 6.6.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ledger.errors import InvariantViolated, Malformed
from ledger.limits import INTEGER_MAX
from ledger.merkle_log import MerkleLog, consistency_path, inclusion_path, range_root, root_of

__all__ = [
    "ENTRY_SIZE_MAX",
    "TILE_PATH_MAX",
    "TILE_WIDTH",
    "Tile",
    "TileReader",
    "encode_bundle_of_entries",
    "entries_of",
    "hashes_of",
    "tile_hashes",
    "tile_of_entries",
]

TILE_HEIGHT: Final = 8  # levels of the Merkle tree that one tile spans
TILE_WIDTH: Final = 256  # hashes of a full tile
TILE_LEVEL_MAX: Final = 63  # tlog-tiles; sizes below 2^53 reach level 6
TILE_PATH_MAX: Final = 64  # characters of a tile's path; ours need at most 48
ENTRY_SIZE_MAX: Final = 65_535  # bytes: a bundle gives each entry 16 bits of length
TILE_SIZE_MAX: Final = TILE_WIDTH * (2 + ENTRY_SIZE_MAX)  # bytes of any tile or bundle
TILES_KEPT: Final = 64  # tiles a reader keeps: a proof over 2^53 leaves touches fewer than 20
_HASH: Final = 32

_PATH: Final = re.compile(
    r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?\Z"
)


@dataclass(frozen=True, slots=True)
class Tile:
    """The name of a tile: level, index and width. Level None is the bundle of the entries."""

    level: int | None
    index: int
    width: int = TILE_WIDTH

    def path(self) -> str:
        """Return the path below the log's prefix, such as `tile/0/x001/234` or `…/067.p/5`."""
        groups = [f"{self.index % 1000:03d}"]
        rest = self.index // 1000
        while rest:
            groups.insert(0, f"x{rest % 1000:03d}")
            rest //= 1000
        level = "entries" if self.level is None else str(self.level)
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(groups)}{partial}"

    @classmethod
    def parse(cls, path: str) -> Tile:
        """Read a path in its one spelling, at a bounded cost. Raises: Malformed."""
        match = _PATH.match(path) if len(path) <= TILE_PATH_MAX else None
        if match is None:
            raise Malformed("tile", "must be tile/LEVEL/INDEX or tile/LEVEL/INDEX.p/WIDTH")
        level = None if match[1] == "entries" else int(match[1])
        index = int(match[2].replace("/", "").replace("x", ""))
        width = TILE_WIDTH if match[3] is None else int(match[3])
        tile = cls(level, index, width)
        if index > INTEGER_MAX or (level or 0) > TILE_LEVEL_MAX:
            raise Malformed("tile", "names a level or an index beyond every log")
        if tile.path() != path:
            raise Malformed("tile", "is not spelt as tlog-tiles spells it")
        return tile

    def width_at(self, size: int) -> int:
        """Return how many hashes of this tile a log of `size` leaves has: 0 to 256."""
        hashes = size >> (TILE_HEIGHT * (self.level or 0))
        return max(0, min(TILE_WIDTH, hashes - self.index * TILE_WIDTH))

    def within(self, size: int) -> bool:
        """Say whether a log of `size` leaves has every hash of this tile."""
        return self.width <= self.width_at(size)


def tile_hashes(log: MerkleLog, tile: Tile) -> bytes:
    """Return the tile's hashes side by side. Raises: InvariantViolated when the log lacks one."""
    if tile.level is None:
        raise InvariantViolated("a bundle of entries is not made of hashes")
    start = tile.index * TILE_WIDTH
    return b"".join(log.subtrees(tile.level * TILE_HEIGHT, start, start + tile.width))


def encode_bundle_of_entries(entries: Sequence[bytes]) -> bytes:
    """Return an entry bundle: each entry behind its length as big-endian u16.

    Raises: InvariantViolated for an entry above ENTRY_SIZE_MAX.
    """
    parts = []
    for entry in entries:
        if len(entry) > ENTRY_SIZE_MAX:
            raise InvariantViolated(f"an entry of {len(entry)} bytes does not fit into a bundle")
        parts.append(struct.pack(">H", len(entry)) + entry)
    return b"".join(parts)


def entries_of(bundle: bytes, count: int) -> list[bytes]:
    """Read exactly `count` entries. Raises: Malformed."""
    entries, at = [], 0
    for _ in range(count):
        if at + 2 > len(bundle):
            raise Malformed("bundle", f"holds fewer than {count} entries")
        end = at + 2 + int.from_bytes(bundle[at : at + 2], "big")
        if end > len(bundle):
            raise Malformed("bundle", "ends within an entry")
        entries.append(bundle[at + 2 : end])
        at = end
    if at != len(bundle):
        raise Malformed("bundle", f"holds more than {count} entries")
    return entries


def tile_of_entries(index: int, size: int) -> Tile:
    """Return the name of the bundle that holds entry `index` in a log of `size`."""
    place = index // TILE_WIDTH
    return Tile(None, place, Tile(None, place).width_at(size))


def hashes_of(data: bytes, width: int) -> list[bytes]:
    """Read a tile of `width` hashes. Raises: Malformed."""
    if len(data) != width * _HASH:
        raise Malformed("tile", f"must be {width} hashes of {_HASH} bytes")
    return [data[at : at + _HASH] for at in range(0, len(data), _HASH)]


class TileReader:
    """Proofs over a log of `size` leaves, from its tiles alone.

    What comes out is as good as the tiles: whoever uses a path checks it against a signed root.
    """

    def __init__(self, size: int, read: Callable[[Tile], bytes]) -> None:
        """Take the log's size and what fetches a tile; it is asked for each tile at most once."""
        self._size = size
        self._read = read
        self._tiles: dict[tuple[int, int], list[bytes]] = {}

    def inclusion(self, index: int) -> list[bytes]:
        """Return the path of leaf `index`. Raises: Malformed for a tile of another length."""
        return inclusion_path(self._subtree, index, self._size)

    def consistency(self, size1: int, size2: int | None = None) -> list[bytes]:
        """Return the proof that size1 leaves are a prefix of size2 (all). Raises: Malformed."""
        bound = self._size if size2 is None else size2
        if bound > self._size:
            raise InvariantViolated(f"the tiles are read up to {self._size}, not {bound}")
        return consistency_path(self._subtree, size1, bound)

    def root(self, size: int) -> bytes:
        """Return the root of the first `size` leaves. Raises: Malformed."""
        if not 0 <= size <= self._size:
            raise InvariantViolated(f"the tiles are read up to {self._size}, not {size}")
        return range_root(self._subtree, 0, size)

    def _subtree(self, level: int, index: int) -> bytes:
        within, height = level % TILE_HEIGHT, level // TILE_HEIGHT
        first = index << within
        hashes = self._hashes(height, first // TILE_WIDTH)
        place = first % TILE_WIDTH
        return root_of(hashes[place : place + (1 << within)])

    def _hashes(self, level: int, index: int) -> list[bytes]:
        key = (level, index)
        if key not in self._tiles:
            tile = Tile(level, index, Tile(level, index).width_at(self._size))
            if len(self._tiles) >= TILES_KEPT:
                del self._tiles[next(iter(self._tiles))]
            self._tiles[key] = hashes_of(self._read(tile), tile.width)
        return self._tiles[key]
