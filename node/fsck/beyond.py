"""What a folder holds above heights whose blocks it lacks: nothing of it can be executed again.

So all is held against headers, which lead to the certificate by their parents: transactions and
results to the roots in them, leaves to the events in the results, the places of leaves to the order
of events and the log sizes in the state, transaction ids to the results. A leaf's digest of its
entity's record is checked in the newest leaf of a block, and in those that stand in whole subtrees
of the log's frontier; in the others only execution could tell, and of subtrees kept those that
reach into what is missing. Of blocks between two snapshots, which is
all there is inside a gap, the places of leaves are checked one against the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from consensus.epoch import Epoch
from ledger.block import ACCEPTED, HEADER, NOT_FINAL, RESULT, Header, Result
from ledger.errors import Malformed
from ledger.hashing import sha256
from ledger.keys import verify
from ledger.leaf import LEAF, VERSION, Leaf, StateValue, parse_state_value
from ledger.merkle_log import MerkleLog, leaf_hash, root_of
from ledger.paths import Path
from ledger.paths import key as path_key
from ledger.transaction import Transaction
from node.archive import BLOCK, Gap, StoredBlock, read_place
from node.entity_logs import LEVELS
from node.fsck.findings import Findings
from node.fsck.pending import Pending
from node.fsck.replay import place
from node.fsck.standing import Standing
from node.store import Reader

__all__ = ["Beyond"]


class Beyond:
    """Checks a folder from the first height of its gap to its newest block."""

    def __init__(
        self,
        store: Reader,
        standing: Standing,
        pending: Pending,
        gap: Gap,
        epochs: Sequence[Epoch],
        findings: Findings,
    ) -> None:
        """`standing`: the state in force; `epochs`: to which the folder's handovers lead."""
        self._store = store
        self._standing = standing
        self._pending = pending
        self._gap = gap
        self._epochs = epochs
        self._findings = findings
        # entity -> where its leaves stand, in order, each with the run of blocks it is in
        self._places: dict[bytes, list[tuple[bytes, int]]] = {}
        self._runs = 0  # runs of blocks that are here
        self._consumed: dict[bytes, tuple[int, int]] = {}

    def run(
        self, log: MerkleLog, parent: bytes, tip: int, certified: int, told: Callable[[int], None]
    ) -> None:
        """Check all of it. `log` is the chain log below the gap, `parent` its last header's hash;
        the log grows by what is linked. `told` hears heights done.
        """
        time = 0
        state = b""
        for height in range(self._gap.first, tip + 1):
            data = self._store.get(b"h" + place(height))
            if data is None:
                self._findings.add("header", "is missing", height=height)
                return
            try:
                header = self._header(data, (height, parent, time), height == tip)
            except Malformed as error:
                self._findings.add("header", str(error), height=height)
                return
            parent, time, state = leaf_hash(data), header.time, header.state
            log.append(parent)
            self._check_block(height, header, data, height > certified)
            told(height)
        self._check_extras(tip)
        self._standing.check(tip, state)
        self._check_places()
        self._check_consumed()

    def _header(self, data: bytes, after: tuple[int, bytes, int], is_newest: bool) -> Header:
        """Return a header that continues the chain; `after`: its height, parent and least time."""
        header = HEADER.decode(data)
        height, parent, time = after
        if header.height != height or header.parent != parent:
            raise Malformed("header", "does not continue the chain")
        if header.time <= time:
            raise Malformed("header.time", "is not after the block before")
        epoch = next(one for one in reversed(self._epochs) if one.base < height)
        follows = next(one for one in reversed(self._epochs) if one.base <= height)
        if header.epoch != epoch.number:
            raise Malformed("header.epoch", f"is not {epoch.number}")
        # Of the newest block the set that follows may be decided and not yet handed over.
        undecided = is_newest and epoch is self._epochs[-1]
        if header.members != follows.members.digest() and not undecided:
            raise Malformed("header.members", "is not the set that certifies what follows")
        return header

    # Blocks and leaves.

    def _check_block(self, height: int, header: Header, data: bytes, unsure: bool) -> None:
        held = self._store.get(b"b" + place(height))
        leaves = list(self._store.range(b"l" + place(height), b"l" + place(height + 1)))
        if held is None:
            self._runs += 1
            if height > self._gap.last:
                self._findings.add("block", "is missing", height=height)
            for key, _ in leaves:
                self._findings.add("leaf", "is left over", height=height, key=key)
            self._check_records(height, {}, {})
            return
        try:
            block = BLOCK.decode(held)
            transactions = [Transaction.decode(raw) for raw in block.transactions]
            results = [RESULT.decode(result) for result in block.results]
            self._check_roots(block, header, data, transactions, results)
        except Malformed as error:
            self._findings.add("block", str(error), height=height)
            return
        if unsure and not all(one.check_signatures(verify) for one in transactions):
            self._findings.add("block", "a transaction's signature does not hold", height=height)
        for index, (transaction, result) in enumerate(zip(transactions, results, strict=True)):
            if result.code not in NOT_FINAL:
                self._consumed[transaction.id] = height, index
        self._check_leaves(header, leaves, list(_expected(header, transactions, results)))

    def _check_roots(
        self,
        block: StoredBlock,
        header: Header,
        data: bytes,
        transactions: Sequence[Transaction],
        results: Sequence[Result],
    ) -> None:
        if block.header != data:
            raise Malformed("block.header", "is not that of its height")
        if root_of([one.digest for one in transactions]) != header.transactions:
            raise Malformed("block.transactions", "are not those of the header")
        if root_of([leaf_hash(one) for one in block.results]) != header.results:
            raise Malformed("block.results", "are not those of the header")
        if len(transactions) != len(results):
            raise Malformed("block.results", "are not one for each transaction")

    def _check_leaves(
        self, header: Header, held: Sequence[tuple[bytes, bytes]], expected: Sequence[Leaf]
    ) -> None:
        height, found = header.height, dict(held)
        for number, made in enumerate(expected):
            stands = place(height) + number.to_bytes(4, "big")
            self._places.setdefault(path_key(made.path), []).append((stands, self._runs))
            data = found.pop(b"l" + stands, None)
            what = "is missing"
            if data is not None:
                try:
                    leaf = LEAF.decode(data)
                    same = _without_record(leaf) == _without_record(made)
                    what = "" if same else "differs from the event"
                except Malformed as error:
                    what = str(error)
            if what:
                entity = made.path.text
                self._findings.add("leaf", what, height=height, entity=entity, key=b"l" + stands)
        for key in found:
            self._findings.add("leaf", "is left over", height=height, key=key)
        self._check_records(height, dict(held), {made.path: n for n, made in enumerate(expected)})

    def _check_records(
        self, height: int, leaves: Mapping[bytes, bytes], last: Mapping[Path, int]
    ) -> None:
        """Check the record after the block of each entity: its newest leaf there has the digest."""
        stands = {place(height) + number.to_bytes(4, "big") for number in last.values()}
        for key, record in self._store.range(b"r" + place(height), b"r" + place(height + 1)):
            leaf = leaves.get(b"l" + key[1:])
            if key[1:] not in stands:
                self._findings.add("record", "is left over", height=height, key=key)
            elif leaf is not None and leaf[-32:] != sha256(record):
                self._findings.add("record", "is not the leaf's", height=height, key=key)
            stands.discard(key[1:])
        for each in stands:
            self._findings.add("record", "is missing", height=height, key=b"r" + each)

    def _check_extras(self, tip: int) -> None:
        """Tell of heights above the newest block, and of keys that are none."""
        for family, name, top in (
            (b"b", "block", tip),
            (b"l", "leaf", tip),
            (b"r", "record", tip),
            (b"h", "header", self._pending.top(tip)),
        ):
            size = 13 if family in (b"l", b"r") else 9
            for key, _ in self._store.range(family + place(self._gap.first), _after(family)):
                height = int.from_bytes(key[1:9], "big")
                if height > top or len(key) != size:
                    self._findings.add(name, "is left over", height=height, key=key)

    # Logs.

    def _check_places(self) -> None:
        """Check which index of which log each leaf has, and the logs against their frontiers."""
        held: dict[bytes, list[tuple[int, bytes]]] = {}
        for key, stands in self._store.range(b"i", b"j"):
            if len(key) != 41 or len(stands) != 12:
                self._findings.add("leaf-place", "is left over", key=key)
            elif int.from_bytes(stands[:8], "big") >= self._gap.first:
                held.setdefault(key[1:33], []).append((int.from_bytes(key[33:], "big"), stands))
        for key in held.keys() | self._places.keys():
            self._check_log(key, held.get(key, []), self._places.get(key, []))
            self._check_subtrees(key, dict(held.get(key, [])))

    def _check_log(
        self, key: bytes, held: Sequence[tuple[int, bytes]], expected: Sequence[tuple[bytes, int]]
    ) -> None:
        in_order = [stands for _, stands in held] == [stands for stands, _ in expected]
        indices = zip(held, held[1:], expected, expected[1:], strict=False)
        if not in_order or any(
            later[0] != index[0] + 1 and run == last_run
            for index, later, (_, run), (_, last_run) in indices
        ):
            what = "are not in the order of the events"
            self._findings.add("leaf-place", what, key=b"i" + key)
            return
        last = place(self._gap.last + 1)
        tail = [(index, stands) for index, stands in held if stands >= last]
        try:
            value = parse_state_value(self._standing.value(key) or b"")
        except Malformed:
            return  # told as a value that differs
        begin = value.size - len(tail)
        before = max((index for index, _ in held[: len(held) - len(tail)]), default=-1)
        if before >= begin or [index for index, _ in tail] != [*range(begin, value.size)]:
            what = "do not lead to the size of the log"
            self._findings.add("leaf-place", what, key=b"i" + key)
            return
        leaves = [self._store.get(b"l" + stands) or b"" for _, stands in tail]
        if leaves and not _leads_to(value, begin, leaves):
            self._findings.add("leaf", "differs from the log in the state", key=b"l" + tail[-1][1])

    def _check_subtrees(self, key: bytes, held: Mapping[int, bytes]) -> None:
        """Check the roots kept of subtrees that end in a leaf that is here."""
        found: dict[tuple[int, int], bytes] = {}
        for kept, root in self._store.range(b"n" + key, b"n" + key + b"\xff"):
            level, number = kept[33], int.from_bytes(kept[34:], "big")
            if (number + 1 << level) - 1 in held:
                found[level, number] = root
        made = {
            (level, index >> level)
            for index in held
            for level in range(LEVELS, 53, LEVELS)
            if (index + 1) % (1 << level) == 0
        }
        for level, number in made ^ found.keys():
            at = b"n" + key + bytes([level]) + place(number)
            what = "is missing" if (level, number) in made else "is left over"
            self._findings.add("subtree", what, key=at)
        for level, number in made & found.keys():
            stand = [held.get(i) for i in range(number << level, number + 1 << level)]
            leaves = [self._store.get(b"l" + one) or b"" for one in stand if one is not None]
            whole = len(leaves) == len(stand)
            if whole and root_of([leaf_hash(leaf) for leaf in leaves]) != found[level, number]:
                at = b"n" + key + bytes([level]) + place(number)
                self._findings.add("subtree", "is not that of its leaves", key=at)

    # Transaction ids.

    def _check_consumed(self) -> None:
        live = self._standing.consumed()
        marked: set[bytes] = set()
        places: dict[bytes, tuple[int, int]] = {}
        for key, data in self._store.range(b"t", b"u"):
            try:
                stands = read_place(data)
            except Malformed as error:
                self._findings.add("consumed-id", str(error), key=key)
                continue
            if stands is None:
                marked.add(key[1:])
            elif stands[0] >= self._gap.first:
                places[key[1:]] = stands
        for identity in {*places, *self._consumed}:
            if places.get(identity) != self._consumed.get(identity):
                what = "does not stand where the blocks say"
                self._findings.add("consumed-id", what, key=b"t" + identity)
        for identity in marked - live:
            self._findings.add("consumed-id", "is left over", key=b"t" + identity)
        for identity in live - marked if not self._pending.is_marking else ():
            if self._store.get(b"t" + identity) is None:
                self._findings.add("consumed-id", "is missing", key=b"t" + identity)


def _expected(
    header: Header, transactions: Sequence[Transaction], results: Sequence[Result]
) -> Iterator[Leaf]:
    """Yield the leaves that a block's events make, in order, without digests of records."""
    for index, (transaction, result) in enumerate(zip(transactions, results, strict=True)):
        if result.code != ACCEPTED:
            continue
        for number, event in enumerate(result.events):
            for path in event.named():
                yield Leaf(
                    version=VERSION,
                    height=header.height,
                    time=header.time,
                    transaction_index=index,
                    event_index=number,
                    transaction=transaction.id,
                    contract=transaction.body.contract,
                    contract_version=result.contract_version,
                    path=Path(*path),
                    kind=event.kind,
                    inputs=event.inputs,
                    outputs=event.outputs,
                    body=event.body,
                    record=b"",
                )


def _without_record(leaf: Leaf) -> tuple[object, ...]:
    return tuple(getattr(leaf, name) for name in leaf.__struct_fields__ if name != "record")


def _leads_to(value: StateValue, begin: int, leaves: Sequence[bytes]) -> bool:
    """Say whether the leaves from index `begin` to the end are those of a log, as far as can be
    told: the newest names the record, and whole subtrees of the frontier lead to their hashes.
    """
    try:
        if LEAF.decode(leaves[-1]).record != sha256(value.record):
            return False
    except Malformed:
        return False
    hashes = [leaf_hash(leaf) for leaf in leaves]
    start = 0
    for peak, width in zip(value.frontier, _widths(value.size), strict=True):
        if start >= begin and root_of(hashes[start - begin : start - begin + width]) != peak:
            return False
        start += width
    return True


def _widths(size: int) -> list[int]:
    """Return the widths of the perfect subtrees of a log, the widest first."""
    return [1 << bit for bit in reversed(range(size.bit_length())) if size >> bit & 1]


def _after(family: bytes) -> bytes:
    return bytes([family[0] + 1])
