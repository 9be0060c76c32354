"""Re-execution: the stored blocks, one after the other, through the executor of a running member.

Of a block only its transactions, its time and its epoch are taken for granted; everything else is
computed and compared. Header and block are kept twice in a folder (with the block, and alone): when
the two disagree, the one that the next block names is believed, and the other is found by the
comparison. At the first height that cannot be reproduced re-execution ends, because all above
would differ; the chain of headers above is still checked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from consensus.epoch import Epoch
from ledger.block import HEADER, Header
from ledger.checkpoint import Certificate
from ledger.errors import InvariantViolated, Malformed
from ledger.keys import verify
from ledger.merkle_log import leaf_hash, root_of
from ledger.transaction import Transaction
from node.archive import BLOCK
from node.epoch_store import HANDOVER
from node.execution import Executor
from node.fsck.findings import Findings
from node.store import Reader

__all__ = ["Replay", "place"]

Progress = Callable[[int], None]


def place(height: int) -> bytes:
    """Return a height as it stands in keys."""
    return height.to_bytes(8, "big")


@dataclass(frozen=True, slots=True)
class _Block:
    header: Header
    data: bytes
    transactions: Sequence[Transaction]


class Replay:
    """Executes what a folder's blocks say, into another archive."""

    def __init__(
        self,
        store: Reader,
        executor: Executor,
        findings: Findings,
        certified: int,
        epochs: Sequence[Epoch],
    ) -> None:
        """`certified`: up to here q members vouch for the transactions' signatures; above it they
        are checked. `epochs`: to which the folder's handovers lead, already verified.
        """
        self._epochs = epochs
        self._store = store
        self._executor = executor
        self._findings = findings
        self._certified = certified

    def run(self, tip: int, progress: Progress, last: int | None = None) -> bool:
        """Execute all blocks, or those up to `last`; False when one could not be reproduced.

        `tip` is the height that the folder says it has executed.
        """
        executor = self._executor
        while executor.height != last:
            height = executor.height + 1
            if self._store.get(b"b" + place(height)) is None:
                if height <= tip:
                    self._findings.add("block", "is missing", height=height)
                    return False
                return True
            try:
                block = self._read(height)
            except Malformed as error:
                self._findings.add("block", str(error), height=height)
                return False
            if not self._execute(height, block):
                return False
            progress(height)
        return True

    def _execute(self, height: int, block: _Block) -> bool:
        executor, header = self._executor, block.header
        if header.time <= executor.time:
            self._findings.add("header", "its time is not after the block before", height=height)
            return False
        if height > self._certified and not all(
            one.check_signatures(verify) for one in block.transactions
        ):
            self._findings.add("block", "a transaction's signature does not hold", height=height)
        try:
            done = executor.execute(height, header.epoch, header.time, block.transactions)
        except InvariantViolated as error:
            self._findings.add("block", f"cannot be executed: {error}", height=height)
            return False
        if done.header == block.data:
            return self._handed_over(height)
        made = HEADER.decode(done.header)
        names = [n for n in header.__struct_fields__ if getattr(header, n) != getattr(made, n)]
        self._findings.add("header", f"execution gives another {', '.join(names)}", height=height)
        return False

    def _handed_over(self, height: int) -> bool:
        """At a boundary, go on into the next epoch as the folder's handover says."""
        decided = self._executor.next_epoch
        if decided is None:
            return True
        is_newest = self._store.get(b"b" + place(height + 1)) is None
        if is_newest and decided.number >= len(self._epochs):
            return True  # it stopped before the handover
        try:
            data = self._store.get(b"g" + place(decided.number))
            if data is None:
                raise Malformed("handover", f"to epoch {decided.number} is missing")
            note = HANDOVER.decode(data).note
            members = self._executor.epoch.members
            self._executor.handed_over(Certificate.from_note(note, members))
        except (Malformed, InvariantViolated) as error:
            self._findings.add("handover", str(error), height=height)
            return False
        return True

    def _read(self, height: int) -> _Block:
        """Return the block to execute. Raises: Malformed when there is none to be had."""
        data = self._store.get(b"b" + place(height)) or b""
        stored = BLOCK.decode(data)
        header, header_bytes = self._header(height, stored.header)
        transactions = [Transaction.decode(raw) for raw in stored.transactions]
        if root_of([one.digest for one in transactions]) != header.transactions:
            raise Malformed("block.transactions", "are not those of the header")
        return _Block(header, header_bytes, transactions)

    def _header(self, height: int, within: bytes) -> tuple[Header, bytes]:
        alone = self._store.get(b"h" + place(height))
        fitting: list[tuple[Header, bytes]] = []
        for data in dict.fromkeys(one for one in (within, alone) if one is not None):
            try:
                header = HEADER.decode(data)
            except Malformed:
                continue
            if (header.height, header.parent) == (height, self._executor.parent):
                fitting.append((header, data))
        if not fitting:
            raise Malformed("block.header", "does not continue the chain")
        named = self._parents_after(height)
        return next((one for one in fitting if leaf_hash(one[1]) in named), fitting[0])

    def _parents_after(self, height: int) -> list[bytes]:
        """What the next height, in both places, says its parent is."""
        key = place(height + 1)
        found = []
        for family in (b"b", b"h"):
            data = self._store.get(family + key)
            try:
                header = data if data is None or family == b"h" else BLOCK.decode(data).header
                if header is not None:
                    found.append(HEADER.decode(header).parent)
            except Malformed:
                continue  # told when its own turn comes
        return found


def check_headers(store: Reader, first: int, parent: bytes | None, findings: Findings) -> None:
    """Check the chain of stored headers from a height on, where nothing is executed any more."""
    height, time = first, 0
    for key, data in store.range(b"h" + place(first), b"i"):
        if len(key) != 9:
            continue  # the comparison tells of it
        at = int.from_bytes(key[1:], "big")
        try:
            header = HEADER.decode(data)
        except Malformed as error:
            findings.add("header", str(error), height=at)
            parent = None
            height = at + 1
            continue
        if at != height or header.height != at:
            findings.add("header", f"stands after height {height - 1}", height=at)
        elif parent is not None and header.parent != parent:
            findings.add("header", "does not name the header before as its parent", height=at)
        elif header.time <= time:
            findings.add("header", "its time is not after the block before", height=at)
        height, time, parent = at + 1, header.time, leaf_hash(data)
        block = store.get(b"b" + key[1:])
        try:
            if block is None or BLOCK.decode(block).header != data:
                findings.add("block", "is missing, or holds another header", height=at)
        except Malformed as error:
            findings.add("block", str(error), height=at)
