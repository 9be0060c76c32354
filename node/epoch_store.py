"""What a member's store keeps of changes of members: handovers for ever, and marks of own keys.

| key            | value                                                          |
| -------------- | -------------------------------------------------------------- |
| g ‖ epoch      | handover that begins the epoch: [header, inclusion, set, note] |
| k ‖ public key | its tagged hash: this member made the key in this store        |

A handover is written together with the removal of the engine's records of the epoch it ends: what
was voted there is void from that moment on, and the machine of the next epoch begins with none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from ledger.codec import Digest, Format
from ledger.errors import InvariantViolated, Malformed
from ledger.hashing import tagged
from ledger.limits import MERKLE_PATH_MAX, NOTE_SIZE_MAX
from node.store import Store, prefix_stop

__all__ = ["HANDOVER", "EpochStore", "StoredHandover", "made_mark"]


class StoredHandover(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What is kept for ever of a change of members; see `node.epochs.Handover`."""

    header: bytes
    inclusion: Annotated[tuple[Digest, ...], Meta(max_length=MERKLE_PATH_MAX)]
    members: bytes
    note: Annotated[str, Meta(max_length=NOTE_SIZE_MAX)]


HANDOVER: Final = Format(StoredHandover, "handover")


class EpochStore:
    """Handovers and key marks in an open store."""

    def __init__(self, store: Store, engine_record: bytes) -> None:
        """`engine_record` is the prefix of the engine's records."""
        self._store = store
        self._engine_record = engine_record

    def handovers(self, first: int = 0) -> list[tuple[int, StoredHandover]]:
        """Return every (epoch that begins, handover) from epoch `first` on, oldest first.

        Raises: InvariantViolated when one is damaged.
        """
        found = []
        for key, data in self._store.range(_handover_key(first), b"h"):
            number = int.from_bytes(key[1:], "big")
            try:
                found.append((number, HANDOVER.decode(data)))
            except Malformed as error:
                raise InvariantViolated(f"handover {number} is damaged: {error}") from error
        return found

    def write_handover(self, epoch: int, handover: StoredHandover) -> None:
        """Keep the handover that begins an epoch, and forget the engine's records of the epoch it
        ends: both or neither, synced.
        """
        self._store.write(self.handover_writes({epoch: handover}), sync=True)

    def handover_writes(self, handovers: Mapping[int, StoredHandover]) -> dict[bytes, bytes | None]:
        """Return the batch that keeps handovers, by the epoch each begins, and forgets the engine's
        records, which are of an epoch that has ended.
        """
        batch: dict[bytes, bytes | None] = {
            _handover_key(epoch): HANDOVER.encode(handover) for epoch, handover in handovers.items()
        }
        if handovers:
            records = self._store.range(self._engine_record, prefix_stop(self._engine_record))
            batch |= dict.fromkeys(key for key, _ in records)
        return batch

    def made(self, public: bytes) -> bool:
        """Say whether a cosigner key was made while this store was there."""
        return self._store.get(b"k" + public) == made_mark(public)

    def mark_made(self, publics: Sequence[bytes]) -> None:
        """Note cosigner keys that were made, synced."""
        self._store.write({b"k" + public: made_mark(public) for public in publics}, sync=True)


def made_mark(public: bytes) -> bytes:
    """Return the value of a key's mark."""
    return tagged("made", public)


def _handover_key(epoch: int) -> bytes:
    return b"g" + epoch.to_bytes(8, "big")
