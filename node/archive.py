"""What each key of a member's store means: blocks, state, entity logs, certificates, ballots.

| key                 | value                                                          |
| ------------------- | -------------------------------------------------------------- |
| b ‖ height          | block: canonical [header, [transaction...], [result...]]       |
| h ‖ height          | its header alone, so that the chain log is rebuilt quickly     |
| s ‖ key             | state value of the entity with that state-tree key             |
| l ‖ height ‖ number | a leaf; numbered within its block                              |
| i ‖ key ‖ index     | height ‖ number: where leaf `index` of the entity's log stands |
| t ‖ transaction id  | canonical [height, index]: where the id was consumed           |
| c                   | newest certificate: canonical [size, note]                     |
| e ‖ record number   | durable record of the engine (ballots); f ‖ ... the certifier's |
| m ‖ word            | one value each: chain id, executed height                      |

Numbers are big-endian (8 bytes; a leaf's number 4), so ranges come in order. Leaves stand by
height and not by entity, because the engines merge sorted files again and again: what is written
in ascending order is never merged, and only twelve bytes a leaf are written at random places.

One block is one atomic batch: either everything of it is there or nothing, so a crash leaves the
state of an executed height and never a mix (R-CP-6).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from ledger.codec import Format, Natural
from ledger.errors import InvariantViolated
from ledger.limits import BLOCK_TRANSACTIONS_MAX
from node.store import Batch, Store, prefix_stop

__all__ = ["CERTIFIER_RECORD", "ENGINE_RECORD", "Archive", "StoredBlock"]

ENGINE_RECORD: Final = b"e"
CERTIFIER_RECORD: Final = b"f"

_EXECUTED: Final = b"mheight"
_CHAIN: Final = b"mchain"
_CERTIFICATE: Final = b"c"


class StoredBlock(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A block as members keep and exchange it: canonical header, transactions, results."""

    header: bytes
    transactions: Annotated[tuple[bytes, ...], Meta(max_length=BLOCK_TRANSACTIONS_MAX)]
    results: Annotated[tuple[bytes, ...], Meta(max_length=BLOCK_TRANSACTIONS_MAX)]


class _Place(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    height: Natural
    index: Natural


class _Certified(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    size: Natural
    note: str


BLOCK: Final = Format(StoredBlock, "block")
_PLACE: Final = Format(_Place, "place")
CERTIFIED: Final = Format(_Certified, "certificate")


@dataclass(frozen=True, slots=True)
class BlockWrites:
    """Everything one executed block changes, before it becomes a batch."""

    height: int
    block: StoredBlock
    values: Mapping[bytes, bytes | None]
    leaves: Sequence[tuple[bytes, int, bytes]]
    consumed: Sequence[tuple[bytes, int]]


class Archive:
    """Typed reading and writing over one open store."""

    def __init__(self, store: Store, chain_id: bytes) -> None:
        """Bind the store to a chain.

        Raises: InvariantViolated when the folder holds another chain.
        """
        self._store = store
        held = store.get(_CHAIN)
        if held is None:
            store.write({_CHAIN: chain_id}, sync=True)
        elif held != chain_id:
            raise InvariantViolated(
                f"{store.folder}: holds chain {held.hex()}, not {chain_id.hex()}"
            )

    @property
    def executed(self) -> int | None:
        """The height of the newest executed block; 0 after genesis, None before it."""
        value = self._store.get(_EXECUTED)
        return None if value is None else int.from_bytes(value, "big")

    def write_genesis(
        self, values: Mapping[bytes, bytes | None], leaves: Sequence[tuple[bytes, int, bytes]]
    ) -> None:
        """Write the state before the first block, synced."""
        batch: dict[bytes, bytes | None] = {b"s" + key: value for key, value in values.items()}
        _put_leaves(batch, _u64(0), leaves)
        batch[_EXECUTED] = _u64(0)
        self._store.write(batch, sync=True)

    def write_block(self, writes: BlockWrites) -> None:
        """Write one executed block atomically, synced: it is durable before it is cosigned.

        The sync of the next record would not do: LevelDB begins a new log file now and then, and
        leaves the tail of the old one to the operating system.
        """
        place = _u64(writes.height)
        batch: dict[bytes, bytes | None] = {b"s" + k: v for k, v in writes.values.items()}
        _put_leaves(batch, place, writes.leaves)
        for identity, index in writes.consumed:
            batch[b"t" + identity] = _PLACE.encode(_Place(writes.height, index))
        batch[b"b" + place] = BLOCK.encode(writes.block)
        batch[b"h" + place] = writes.block.header
        batch[_EXECUTED] = place
        self._store.write(batch, sync=True)

    def block(self, height: int) -> StoredBlock | None:
        """Return the block of a height, or None."""
        data = self._store.get(b"b" + _u64(height))
        return None if data is None else BLOCK.decode(data)

    def block_bytes(self, height: int) -> bytes | None:
        """Return the canonical bytes of a block as stored, or None."""
        return self._store.get(b"b" + _u64(height))

    def header(self, height: int) -> bytes | None:
        """Return the canonical header of a height, or None."""
        return self._store.get(b"h" + _u64(height))

    def headers(self) -> Iterator[bytes]:
        """Yield all headers in order of height."""
        for _, header in self._store.range(b"h", b"i"):
            yield header

    def value(self, key: bytes) -> bytes | None:
        """Return the state value under a state-tree key, or None."""
        return self._store.get(b"s" + key)

    def values(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, state value) of the whole state in order of keys."""
        for key, value in self._store.range(b"s", b"t"):
            yield key[1:], value

    def leaves(self, key: bytes, start: int, stop: int) -> list[bytes]:
        """Return the leaves start..stop−1 of an entity's log.

        Raises: InvariantViolated when one is missing.
        """
        prefix, get = b"i" + key, self._store.get
        places = self._store.range(prefix + _u64(start), prefix + _u64(stop))
        found = [leaf for _, place in places if (leaf := get(b"l" + place)) is not None]
        if len(found) != stop - start:
            raise InvariantViolated(f"log {key.hex()} lacks leaves between {start} and {stop}")
        return found

    def place(self, identity: bytes) -> tuple[int, int] | None:
        """Return (height, index) where a transaction id was consumed, or None."""
        data = self._store.get(b"t" + identity)
        if data is None:
            return None
        place = _PLACE.decode(data)
        return place.height, place.index

    def certificate(self) -> tuple[int, str] | None:
        """Return the newest certificate kept: its size and note."""
        data = self._store.get(_CERTIFICATE)
        if data is None:
            return None
        certified = CERTIFIED.decode(data)
        return certified.size, certified.note

    def write_certificate(self, size: int, note: str) -> None:
        """Keep the newest certificate. Unsynced: it can be collected again."""
        self._store.write({_CERTIFICATE: CERTIFIED.encode(_Certified(size, note))}, sync=False)

    def records(self, kind: bytes) -> list[tuple[int, bytes]]:
        """Return the records of a machine (b"e" engine, b"f" certifier) with their numbers."""
        pairs = self._store.range(kind, prefix_stop(kind))
        return [(int.from_bytes(key[1:], "big"), record) for key, record in pairs]

    def write_records(self, records: Sequence[tuple[bytes, int, bytes | None]]) -> None:
        """Write (kind, number, record or None to forget), synced: only then may votes leave
        (R-DW-1).
        """
        batch: Batch = {kind + _u64(number): record for kind, number, record in records}
        self._store.write(batch, sync=True)

    def close(self) -> None:
        """Close the store."""
        self._store.close()


def _put_leaves(
    batch: dict[bytes, bytes | None], place: bytes, leaves: Sequence[tuple[bytes, int, bytes]]
) -> None:
    for number, (key, index, leaf) in enumerate(leaves):
        stands = place + number.to_bytes(4, "big")
        batch[b"l" + stands] = leaf
        batch[b"i" + key + _u64(index)] = stands


def _u64(number: int) -> bytes:
    return number.to_bytes(8, "big")
