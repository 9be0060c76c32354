"""Execution: an ordered batch becomes a block, deterministically.

The executor owns the member's copy of the ledger: runtime, state tree, chain log and archive. For
one batch it runs the contracts, updates the tree once, makes the header, appends it to the chain
log and writes all of it as one atomic batch. It also remembers, for the last RECENT_ROOTS heights,
what each write replaced, because proofs are given against the newest *certified* root, which lags
behind execution by a few blocks.

Threads: everything happens in the loop's thread, except that proofs are made beside it. What they
read changes only under `changing`, and they hold it while they read.

A block whose transactions put another member set in force is its epoch's last, and its header names
the set that follows (R-MB-2). Nothing is executed above it before the epoch is handed over: that
takes a certificate by the old set.

Invariants: heights are applied in order without gaps (R-CP-8); every member computes the same
header.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from chaincode.contract import Contract
from chaincode.duplicates import bucket_path
from chaincode.membership import CURRENT
from chaincode.registry import CONTRACTS
from chaincode.runtime import Outcome, Runtime
from consensus.epoch import Epoch
from ledger.block import HEADER, VERSION, Header
from ledger.checkpoint import Certificate
from ledger.errors import InvariantViolated, Malformed
from ledger.genesis import Genesis
from ledger.hashing import sha256
from ledger.leaf import parse_state_value
from ledger.limits import RECENT_ROOTS
from ledger.membership import MemberSet
from ledger.merkle_log import MerkleLog, leaf_hash, root_of
from ledger.paths import key as path_key
from ledger.state_tree import StateTree
from ledger.transaction import SUITE, Transaction
from node.archive import Archive, BlockWrites, StoredBlock
from node.entity_logs import log_writes
from node.epochs import Epochs, Handover
from node.stages import Stages
from node.state_store import Ids, StateStore, StateWrites

__all__ = ["Executed", "Executor"]

# state values kept in memory: about 100 MB; what is not among them costs a store read of 5 to 10 us
CACHED_VALUES_MAX: Final = 262_144


@dataclass(frozen=True, slots=True)
class Executed:
    """What execution of a height gave: header, its hash, chain-log root, and each result."""

    height: int
    time: int
    header: bytes
    header_hash: bytes
    chain_root: bytes
    transactions: Sequence[Transaction]
    results: Sequence[bytes]
    accounts_changed: bool
    next_epoch: Epoch | None = None  # the epoch this block, its own epoch's last, has decided


class Executor:
    """The member's ledger. Implements `chaincode.runtime.State` for the runtime."""

    def __init__(
        self,
        genesis: Genesis,
        archive: Archive,
        stages: Stages,
        contracts: Iterable[type[Contract]] = CONTRACTS,
    ) -> None:
        """Open the ledger as the archive holds it; write the genesis state into a new one."""
        self._genesis = genesis
        self._archive = archive
        self._stages = stages
        self._runtime = Runtime(genesis, contracts)
        self.epochs = Epochs(genesis, archive)
        self.next_epoch: Epoch | None = None  # decided by the newest block, not yet handed over
        self.changing = threading.RLock()
        self._cache: OrderedDict[bytes, bytes | None] = OrderedDict()
        self._replaced: deque[tuple[int, dict[bytes, bytes | None]]] = deque(maxlen=RECENT_ROOTS)
        if archive.executed is None:
            self._write_genesis()
        self._open(archive.state)

    def _open(self, state: StateStore) -> None:
        """Make a state the newest: of the height it says, with the headers up to there."""
        self._state = state
        self._cache.clear()
        self._replaced.clear()
        self.next_epoch = None
        self.height = state.executed or 0
        self.log = MerkleLog([leaf_hash(header) for header in self._archive.headers(self.height)])
        if self.log.size != self.height:
            raise InvariantViolated(f"{self.log.size} headers for height {self.height}")
        self.tree = StateTree.build(
            self.height, ((key, sha256(value)) for key, value in state.values())
        )
        self.time = self._genesis.time
        self.parent = self._genesis.chain_id
        if self.height:
            self._resume()

    def change_over(self) -> None:
        """Go on from the state that a snapshot has put in force; never backward (R-CP-5)."""
        state = self._archive.state
        if (state.executed or 0) <= self.height:
            raise InvariantViolated(f"a snapshot of height {state.executed} at {self.height}")
        with self.changing:
            self.epochs.read_on()
            self._open(state)

    def _write_genesis(self) -> None:
        outcome = self._runtime.genesis_outcome()
        writes = StateWrites(outcome.writes, outcome.paths)
        self._archive.write_genesis(writes, log_writes(outcome, {}))

    def _resume(self) -> None:
        data = self._archive.header(self.height)
        if data is None:
            raise InvariantViolated(f"no header at height {self.height}")
        header = HEADER.decode(data)
        if header.state != self.tree.root():
            raise InvariantViolated(f"state root differs from the header at height {self.height}")
        self.time = header.time
        self.parent = leaf_hash(data)
        before, after = self.epochs.of(self.height), self.epoch
        if header.epoch != before.number:
            raise InvariantViolated(f"height {self.height} is not of epoch {before.number}")
        if after is before and header.members != before.members.digest():
            self.next_epoch = self._decided(self._stored_set(header.members))

    @property
    def epoch(self) -> Epoch:
        """The epoch that orders the next height, unless `next_epoch` awaits its handover."""
        return self.epochs.of(self.height + 1)

    def _stored_set(self, digest: bytes) -> MemberSet:
        """Return the set that the newest block put in force; it stopped before the handover."""
        value = self.value(path_key(CURRENT))
        if value is not None:
            members = MemberSet.decode(parse_state_value(value).record)
            if members.digest() == digest:
                return members
        raise InvariantViolated(f"the header of height {self.height} names a set nobody decided")

    def _decided(self, members: MemberSet) -> Epoch:
        return Epoch(self.epoch.number + 1, members, self.height)

    def handed_over(self, certificate: Certificate) -> Epoch:
        """End the epoch whose last block is the newest, by its certificate, which the caller has
        verified; returns the epoch that begins. Durable when this returns.

        Raises: InvariantViolated when the epoch has not ended, or not so.
        """
        decided, checkpoint = self.next_epoch, certificate.checkpoint
        if decided is None:
            raise InvariantViolated(f"epoch {self.epoch.number} has not ended")
        if (checkpoint.size, checkpoint.root) != (self.height, self.log.root()):
            raise InvariantViolated(f"the certificate is not of height {self.height}, or not ours")
        header = self._archive.header(self.height)
        if header is None:
            raise InvariantViolated(f"no header at height {self.height}")
        self.epochs.enter(
            Handover(
                epoch=decided.number,
                height=self.height,
                header=header,
                inclusion=tuple(self.log.inclusion(self.height - 1, self.height)),
                note=certificate.to_note(self.epochs.current.members),
                members=decided.members.encode(),
            )
        )
        self.next_epoch = None
        return self.epochs.current

    # What the runtime reads.

    def value(self, key: bytes) -> bytes | None:
        """Return the newest state value under a key."""
        cache = self._cache
        if key in cache:
            cache.move_to_end(key)
            return cache[key]
        value = self._state.value(key)
        self._remember(key, value)
        return value

    def consumed(self, bucket: int, transaction_id: bytes) -> bool:
        """Say whether an id was consumed within its window."""
        return self._archive.consumed(transaction_id)

    def value_at(self, key: bytes, height: int) -> bytes | None:
        """Return the state value under a key as of a recent height; from any thread.

        Raises: InvariantViolated when the height is outside the window of recent roots.
        """
        with self.changing:
            return self._value_at(key, height)

    def _value_at(self, key: bytes, height: int) -> bytes | None:
        if not self.tree.oldest <= height <= self.height:
            raise InvariantViolated(f"height {height} is outside the recent roots")
        for changed_at, replaced in self._replaced:
            if changed_at > height and key in replaced:
                return replaced[key]
        # The cache is the loop's: nobody else may move or drop what stands in it.
        cached = self._cache.get(key)
        return self._state.value(key) if cached is None else cached

    def replaced_since(self, height: int) -> dict[bytes, bytes | None]:
        """Return what changed after a recent height, as it was then. Under `changing`.

        Raises: InvariantViolated when the height is outside the window of recent roots.
        """
        if not self.tree.oldest <= height <= self.height:
            raise InvariantViolated(f"height {height} is outside the recent roots")
        before: dict[bytes, bytes | None] = {}
        for changed_at, replaced in self._replaced:
            if changed_at > height:
                before = replaced | before
        return before

    # What the driver asks.

    def execute(
        self,
        height: int,
        epoch: int,
        time_ms: int,
        transactions: Sequence[Transaction],
        expected: bytes | None = None,
    ) -> Executed:
        """Execute the batch of `height`, in order, and write the block.

        `expected` is a certified header: a difference stops the member before anything is written
        (R-DT-4). Raises: InvariantViolated when it is not the next height, or not as expected.
        """
        if height != self.height + 1:
            raise InvariantViolated(f"height {height} after {self.height}")
        if self.next_epoch is not None or epoch != self.epoch.number:
            raise InvariantViolated(f"height {height} is not of epoch {epoch}")
        sets = self.epochs.sets[: epoch + 1]
        with self._stages.measure("contracts"):
            outcome = self._runtime.execute(self, height, time_ms, transactions, sets)
        replaced = {key: self.value(key) for key in outcome.writes}
        with self.changing:
            return self._apply(height, epoch, time_ms, transactions, outcome, replaced, expected)

    def _apply(
        self,
        height: int,
        epoch: int,
        time_ms: int,
        transactions: Sequence[Transaction],
        outcome: Outcome,
        replaced: dict[bytes, bytes | None],
        expected: bytes | None,
    ) -> Executed:
        """Make what the contracts gave the newest state."""
        with self._stages.measure("tree"):
            hashes = {k: None if v is None else sha256(v) for k, v in outcome.writes.items()}
            state = self.tree.update(height, hashes)
        header = Header(
            epoch=epoch,
            height=height,
            members=(outcome.members or self.epoch.members).digest(),
            parent=self.parent,
            results=root_of([leaf_hash(result) for result in outcome.results]),
            state=state,
            suite=SUITE,
            time=time_ms,
            transactions=root_of([transaction.digest for transaction in transactions]),
            version=VERSION,
        )
        data = HEADER.encode(header)
        if expected is not None and data != expected:
            raise InvariantViolated(f"execution of height {height} differs from its certificate")
        with self._stages.measure("store"):
            self._write(height, data, transactions, outcome, replaced)
        for key, value in outcome.writes.items():
            self._remember(key, value)
        self._replaced.append((height, replaced))
        self.height, self.time, self.parent = height, time_ms, leaf_hash(data)
        self.log.append(self.parent)
        # Executed again, by who fills a gap or checks a folder, the handover is known already.
        if outcome.members is not None and self.epoch.number == epoch:
            self.next_epoch = self._decided(outcome.members)
        return Executed(
            height=height,
            time=time_ms,
            header=data,
            header_hash=self.parent,
            chain_root=self.log.root(),
            transactions=transactions,
            results=outcome.results,
            accounts_changed=any(path.contract == "identity" for path in outcome.paths.values()),
            next_epoch=self.next_epoch,
        )

    def install(self, block: StoredBlock) -> Executed:
        """Execute a certified block fetched from a peer and check that we compute the same header.

        The caller has checked the header against a certificate; a difference here is ours (R-DT-4).
        Raises: Malformed when the block is not the next one, InvariantViolated when execution
        differs.
        """
        header = HEADER.decode(block.header)
        if header.height != self.height + 1 or header.parent != self.parent:
            raise Malformed("block.header", "is not the next of this chain")
        transactions = [Transaction.decode(raw) for raw in block.transactions]
        if root_of([transaction.digest for transaction in transactions]) != header.transactions:
            raise Malformed("block.transactions", "are not those of the header")
        return self.execute(header.height, header.epoch, header.time, transactions, block.header)

    def _write(
        self,
        height: int,
        header: bytes,
        transactions: Sequence[Transaction],
        outcome: Outcome,
        replaced: dict[bytes, bytes | None],
    ) -> None:
        index = {
            transaction.id: place for place, transaction in reversed([*enumerate(transactions)])
        }
        self._archive.write_block(
            BlockWrites(
                height=height,
                block=StoredBlock(
                    header, tuple(t.raw for t in transactions), tuple(outcome.results)
                ),
                state=_state_writes(outcome, replaced),
                logs=log_writes(outcome, replaced),
                consumed=[(identity, index[identity]) for _, identity in outcome.consumed],
            ),
            self._state,
        )

    def _remember(self, key: bytes, value: bytes | None) -> None:
        self._cache[key] = value
        self._cache.move_to_end(key)
        if len(self._cache) > CACHED_VALUES_MAX:
            self._cache.popitem(last=False)


def _state_writes(outcome: Outcome, replaced: dict[bytes, bytes | None]) -> StateWrites:
    """What changes in the state, with what a snapshot of it needs: new paths, and consumed ids in
    the order of their bucket's log.
    """
    by_bucket: dict[int, list[bytes]] = {}
    for bucket, identity in outcome.consumed:
        by_bucket.setdefault(bucket, []).append(identity)
    ids = []
    for bucket, consumed in by_bucket.items():
        value = outcome.writes[path_key(bucket_path(bucket))]
        if value is None:
            raise InvariantViolated(f"bucket {bucket} is dropped as it is filled")
        size = parse_state_value(value).size
        ids.append(Ids(bucket, size - len(consumed), b"".join(consumed)))
    created, dropped = {}, []
    for key, value in outcome.writes.items():
        if value is None:
            dropped.append(int(outcome.paths[key].id))  # only a bucket is ever removed
        elif replaced[key] is None:
            created[key] = outcome.paths[key]
    return StateWrites(outcome.writes, created, ids, dropped)
