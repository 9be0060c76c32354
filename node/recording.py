"""The machines' durable records between a turn and the disk.

Records of all steps of a turn are collected and written in ONE synced batch; then, and only then,
the machines are told (R-DW-1). Nothing is told of records that were collected for machines gone
since.
"""

from __future__ import annotations

from node.archive import CERTIFIER_RECORD, ENGINE_RECORD, Archive

__all__ = ["Recording"]


class Recording:
    """What is to be written, and up to which number each machine's records will then be stored."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._pending: list[tuple[bytes, int, bytes | None]] = []
        self._stored: dict[bytes, int] = {}
        self._discarded: dict[bytes, int] = {}
        self.renew()

    def __bool__(self) -> bool:
        return bool(self._pending)

    def store(self, kind: bytes, number: int, record: bytes) -> None:
        """Write a record with the next batch."""
        self._pending.append((kind, number, record))
        self._stored[kind] = number

    def discard(self, kind: bytes, below: int) -> None:
        """Forget the records below a number, with the next batch."""
        first = self._discarded[kind]
        if below > first:
            self._pending.extend((kind, number, None) for number in range(first, below))
            self._discarded[kind] = below

    def write(self) -> dict[bytes, int]:
        """Write what is pending, synced; returns the newest number stored of each kind."""
        pending, self._pending = self._pending, []
        stored, self._stored = self._stored, {}
        self._archive.write_records(pending)
        return stored

    def end_epoch(self) -> None:
        """Write what the Certifier's log lacks, which goes on; drop what is of the old Replica."""
        self._pending = [each for each in self._pending if each[0] == CERTIFIER_RECORD]
        if self._pending:
            self.write()

    def renew(self) -> None:
        """Begin with what the archive holds: for machines newly made from it."""
        self._pending, self._stored = [], {}
        self._discarded = {
            kind: min((number for number, _ in self._archive.records(kind)), default=0)
            for kind in (ENGINE_RECORD, CERTIFIER_RECORD)
        }
