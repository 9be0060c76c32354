"""What each key of a member's store means: blocks, state, entity logs, certificates, ballots.

| key                 | value                                                          |
| ------------------- | -------------------------------------------------------------- |
| b ‖ height          | block: canonical [header, [transaction...], [result...]]       |
| h ‖ height          | its header alone, so that the chain log is rebuilt quickly     |
| s, p, d ‖ ...       | the state: values, paths, consumed ids (`node/state_store.py`)  |
| l, r, i, n ‖ ...    | logs of the entities (`node/entity_logs.py`)                   |
| t ‖ transaction id  | canonical [height, index]: where the id was consumed; empty:   |
|                     | in a block that is missing here, and its bucket is live        |
| c                   | newest certificate: canonical [size, note]                     |
| e ‖ record number   | durable record of the engine of this epoch (ballots)           |
| f ‖ record number   | durable record of the certifier, one log over all epochs       |
| g, k ‖ ...          | handovers and marks of own keys (`node/epoch_store.py`)        |
| m ‖ word            | one value each: chain id, which state is in force and its      |
|                     | height, the gap, a snapshot that is being fetched, ids still   |
|                     | to be marked, a state still to be deleted                      |

Numbers are big-endian (8 bytes), so ranges come in order.

One block is one atomic batch: either everything of it is there or nothing, so a crash leaves the
state of an executed height and never a mix (R-CP-6). So is the change to the state of a snapshot,
which was built beside the old one.

A member that joined by a snapshot has a *gap*: heights whose blocks, leaves and places it lacks
(never their headers). What lies there it refuses to answer with "history-not-held". After several
snapshots the gap reaches from the first height that is missing to the last: what it may hold in
between it does not tell apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from ledger.codec import Format, Natural
from ledger.errors import ClientFault, InvariantViolated, Malformed
from ledger.limits import BLOCK_TRANSACTIONS_MAX, NOTE_SIZE_MAX
from node.entity_logs import EntityLogs, LogWrites
from node.epoch_store import EpochStore, StoredHandover
from node.state_store import StateStore, StateWrites, joined_ids
from node.store import Batch, Snapshot, Store, prefix_stop

__all__ = [
    "CERTIFIER_RECORD",
    "ENGINE_RECORD",
    "STATES",
    "Archive",
    "Gap",
    "StoredBlock",
    "Transfer",
    "read_gap",
    "read_place",
    "read_record",
    "read_transfer",
]

ENGINE_RECORD: Final = b"e"
CERTIFIER_RECORD: Final = b"f"

_CHAIN: Final = b"mchain"
_CURRENT: Final = b"mstate"
_GAP: Final = b"mgap"
_TRANSFER: Final = b"mtransfer"
_MARKING: Final = b"mmarking"
_FORGETTING: Final = b"mforgetting"
STATES: Final = frozenset((0, 1))  # one in force, one that is fetched
_NOT_HERE: Final = b""  # the place of a transaction in a block that is missing here
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


class Gap(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Heights whose blocks are missing, both included."""

    first: Natural
    last: Natural


class Transfer(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A snapshot that is being fetched: its height, header and certificate, and its state here."""

    height: Natural
    header: bytes
    note: Annotated[str, Meta(max_length=NOTE_SIZE_MAX)]
    state: Natural


BLOCK: Final = Format(StoredBlock, "block")
_GAP_FORMAT: Final = Format(Gap, "gap")
_TRANSFER_FORMAT: Final = Format(Transfer, "transfer")
_PLACE: Final = Format(_Place, "place")
CERTIFIED: Final = Format(_Certified, "certificate")


@dataclass(frozen=True, slots=True)
class BlockWrites:
    """Everything one executed block changes, before it becomes a batch."""

    height: int
    block: StoredBlock
    state: StateWrites
    logs: LogWrites
    consumed: Sequence[tuple[bytes, int]]


class Archive:
    """Typed reading and writing over one open store."""

    def __init__(self, store: Store, chain_id: bytes) -> None:
        """Bind the store to a chain.

        Raises: InvariantViolated when the folder holds another chain.
        """
        self._store = store
        self.epochs = EpochStore(store, ENGINE_RECORD)
        held = store.get(_CHAIN)
        if held is None:
            store.write({_CHAIN: chain_id}, sync=True)
        elif held != chain_id:
            raise InvariantViolated(
                f"{store.folder}: holds chain {held.hex()}, not {chain_id.hex()}"
            )
        number = store.get(_CURRENT)
        self.state = StateStore(store, 0 if number is None else number[0])
        gap = store.get(_GAP)
        self.gap = None if gap is None else _GAP_FORMAT.decode(gap)
        self.logs = EntityLogs(store, self.need_history)
        self._forget()
        self._mark_ids()

    @property
    def executed(self) -> int | None:
        """The height of the newest executed block; 0 after genesis, None before it."""
        return self.state.executed

    def state_of(self, number: int) -> StateStore:
        """Return the state of a number, whether there is one or not."""
        return StateStore(self._store, number)

    def snapshot(self) -> Snapshot:
        """Return the store as it stands now; to be closed."""
        return self._store.snapshot()

    def write_genesis(self, state: StateWrites, logs: LogWrites) -> None:
        """Write the state before the first block, synced."""
        batch = self.state.changes(state) | self.state.height_write(0) | logs.batch(0)
        self._store.write(batch, sync=True)

    def write_block(self, writes: BlockWrites, state: StateStore) -> None:
        """Write one executed block atomically, synced: it is durable before it is cosigned.

        The sync of the next record would not do: LevelDB begins a new log file now and then, and
        leaves the tail of the old one to the operating system.
        """
        place = _u64(writes.height)
        batch = state.changes(writes.state) | state.height_write(writes.height)
        batch |= writes.logs.batch(writes.height)
        if self.gap is not None:
            for bucket in writes.state.dropped:
                batch |= self._unmarked(state.ids(self._store, bucket))
        for identity, index in writes.consumed:
            batch[b"t" + identity] = _PLACE.encode(_Place(writes.height, index))
        batch[b"b" + place] = BLOCK.encode(writes.block)
        batch[b"h" + place] = writes.block.header
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

    def headers(self, height: int) -> Iterator[bytes]:
        """Yield the headers up to a height in order; those above may be of an unfinished
        transfer.
        """
        for _, header in self._store.range(b"h", b"h" + _u64(height + 1)):
            yield header

    def place(self, identity: bytes) -> tuple[int, int] | None:
        """Return (height, index) where a transaction id was consumed, or None."""
        data = self._store.get(b"t" + identity)
        if not data:
            return None
        place = _PLACE.decode(data)
        return place.height, place.index

    def consumed(self, identity: bytes) -> bool:
        """Say whether a transaction id was consumed, here or in a block that is missing here, given
        that its bucket is live.
        """
        return self._store.get(b"t" + identity) is not None

    def need_history(self, height: int | None = None) -> None:
        """Refuse what may lie, or does lie at `height`, in the gap.

        Raises: ClientFault "history-not-held", which names the gap.
        """
        gap = self.gap
        if gap is not None and (height is None or gap.first <= height <= gap.last):
            raise ClientFault("history-not-held", first=gap.first, last=gap.last)

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

    # A snapshot, from its beginning to the change of states.

    def transfer(self) -> Transfer | None:
        """Return the transfer that was begun and not ended."""
        data = self._store.get(_TRANSFER)
        return None if data is None else _TRANSFER_FORMAT.decode(data)

    def begin_transfer(self, height: int, header: bytes, note: str) -> Transfer:
        """Begin to fetch a snapshot into a state of its own; one begun before is forgotten."""
        self.drop_transfer()
        number = min(STATES - {self.state.number})
        transfer = Transfer(height, header, note, number)
        self._store.write({_TRANSFER: _TRANSFER_FORMAT.encode(transfer)}, sync=True)
        return transfer

    def drop_transfer(self) -> None:
        """Forget the transfer and its state, if there is one."""
        transfer = self.transfer()
        if transfer is not None:
            batch: Batch = {_TRANSFER: None, _FORGETTING: bytes([transfer.state])}
            self._store.write(batch, sync=True)
            self._forget()

    def write_part(self, transfer: Transfer, part: StateWrites) -> None:
        """Add checked entries or ids to the state that is fetched, synced: parts follow each other
        on disk.
        """
        self._store.write(self.state_of(transfer.state).changes(part), sync=True)

    def write_headers(self, headers: Sequence[tuple[int, bytes]]) -> None:
        """Keep headers that are known to be the chain's, synced."""
        self._store.write({b"h" + _u64(height): data for height, data in headers}, sync=True)

    def finish_transfer(
        self, transfer: Transfer, handovers: Mapping[int, StoredHandover] | None = None
    ) -> None:
        """Put the fetched state in force, with the handovers that lead to its epoch: one small
        synced write (R-CP-6).
        """
        fetched, before = self.state_of(transfer.state), self.state
        first = (before.executed or 0) + 1 if self.gap is None else self.gap.first
        gap = Gap(first, transfer.height)
        batch = fetched.height_write(transfer.height)
        batch[_CURRENT] = bytes([transfer.state])
        batch[_GAP] = _GAP_FORMAT.encode(gap)
        batch[_TRANSFER] = None
        batch[_MARKING] = b"\x01"
        batch[_FORGETTING] = bytes([before.number])
        batch[_CERTIFICATE] = CERTIFIED.encode(_Certified(transfer.height, transfer.note))
        batch |= self.epochs.handover_writes(handovers or {})
        self._store.write(batch, sync=True)
        self.state, self.gap = fetched, gap
        self._forget()
        self._mark_ids()

    def _unmarked(self, joined: bytes) -> dict[bytes, bytes | None]:
        """Return what takes the mark from ids that came with a snapshot."""
        marks = (b"t" + identity for identity in joined_ids(joined))
        return {mark: None for mark in marks if self._store.get(mark) == _NOT_HERE}

    def _mark_ids(self) -> None:
        """Mark the ids that came with a snapshot as consumed; begun anew after a crash."""
        if self._store.get(_MARKING) is None:
            return
        for joined in self.state.all_ids():
            batch: Batch = {
                b"t" + identity: _NOT_HERE
                for identity in joined_ids(joined)
                if self._store.get(b"t" + identity) is None
            }
            if batch:
                self._store.write(batch, sync=False)
        self._store.write({_MARKING: None}, sync=True)

    def _forget(self) -> None:
        """Delete the state that is not needed any more; begun anew after a crash."""
        number = self._store.get(_FORGETTING)
        if number is not None:
            state = self.state_of(number[0])
            if self._store.get(_MARKING) is not None:  # it was in force: its marks go with it
                for joined in state.all_ids():
                    self._store.write(self._unmarked(joined), sync=False)
            state.forget()
            self._store.write({_FORGETTING: None}, sync=True)

    def records(self, kind: bytes) -> list[tuple[int, bytes]]:
        """Return the records of a machine (b"e" engine, b"f" certifier) with their numbers.

        Raises: Malformed for one that stands under another number than its own.
        """
        pairs = self._store.range(kind, prefix_stop(kind))
        return [read_record(key, stored) for key, stored in pairs]

    def write_records(self, records: Sequence[tuple[bytes, int, bytes | None]]) -> None:
        """Write (kind, number, record or None to forget), synced: only then may votes leave
        (R-DW-1).
        """
        batch: Batch = {
            kind + _u64(number): None if record is None else _u64(number) + record
            for kind, number, record in records
        }
        self._store.write(batch, sync=True)

    def close(self) -> None:
        """Close the store."""
        self._store.close()


def read_record(key: bytes, stored: bytes) -> tuple[int, bytes]:
    """Read a machine's record and its number, which stands in the key and before the record: so
    that no change of either goes unnoticed. Raises: Malformed.
    """
    if stored[:8] != key[1:]:
        raise Malformed("record", "stands under another number than its own")
    return int.from_bytes(key[1:], "big"), stored[8:]


def read_gap(data: bytes) -> Gap:
    """Read the stored gap. Raises: Malformed."""
    return _GAP_FORMAT.decode(data)


def read_transfer(data: bytes) -> Transfer:
    """Read the stored transfer. Raises: Malformed."""
    return _TRANSFER_FORMAT.decode(data)


def read_place(data: bytes) -> tuple[int, int] | None:
    """Read where an id was consumed, None of one in a block that is missing. Raises: Malformed."""
    if data == _NOT_HERE:
        return None
    place = _PLACE.decode(data)
    return place.height, place.index


def _u64(number: int) -> bytes:
    return number.to_bytes(8, "big")
