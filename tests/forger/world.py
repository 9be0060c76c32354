"""A small pure chain of four members: enough to make honest bundles, and to make dishonest ones.

It holds all keys, so a test may sign as any f members and more. It follows the rules of DESIGN 2.2
unless told to break them (`bypass`). It is a `ProofSource`: what a member can prove, it can.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from msgspec.structs import replace

from ledger.block import ACCEPTED, HEADER, RESULT, Event, Header, Result
from ledger.checkpoint import Certificate, Checkpoint, Cosignature, cosign
from ledger.codec import encode
from ledger.genesis import Account, Genesis, Organisation
from ledger.keys import Ed25519Signer
from ledger.leaf import LEAF, Leaf, parse_state_value, state_value
from ledger.membership import Member, MemberSet
from ledger.merkle_log import Frontier, MerkleLog, frontier_append, leaf_hash, root_of
from ledger.merkle_ranges import subtree_roots
from ledger.paths import Path, key
from ledger.state_tree import StateTree
from ledger.transaction import SUITE, Body, Transaction, signed

GENESIS_TIME = 1_579_795_200_000  # 2020-01-24 at UTC+8, in ms


def signer(role: str, name: str) -> Ed25519Signer:
    """A key that is the same on every run."""
    return Ed25519Signer(sha256(f"forger/{role}/{name}".encode()).digest())


def make_members(name: str, ids: Sequence[str], epoch: int = 0) -> MemberSet:
    """The member set of an epoch: cosigner keys are new in each, the others stay."""
    role = f"{name}/cosigner" if epoch == 0 else f"{name}/cosigner/{epoch}"
    return MemberSet(
        tuple(
            Member(
                cosigner_key=signer(role, one).public,
                id=one,
                log_key=signer(f"{name}/log", one).public,
                tls_certificate=f"certificate of {one}".encode(),
                vote_key=signer(f"{name}/vote", one).public,
            )
            for one in ids
        )
    )


def make_genesis(name: str = "hubei", members: int = 4) -> Genesis:
    """The genesis of a world: members m0, m1, ...; one organisation with one account."""
    ids = [f"m{index}" for index in range(members)]
    return Genesis(
        name=name,
        time=GENESIS_TIME,
        parameters={},
        organisations=(Organisation("red-cross", "红十字会"),),
        accounts=(
            Account(
                "red-cross.wang", "red-cross", (signer("account", "wang").public,), ("custodian",)
            ),
        ),
        members=make_members(name, ids),
    )


@dataclass
class Life:
    """One entity: its record and its log."""

    record: bytes = b""
    leaves: list[bytes] = field(default_factory=list)
    frontier: Frontier = ()

    def value(self) -> bytes:
        return state_value(self.record, len(self.leaves), self.frontier)

    def append(self, leaf: bytes) -> None:
        self.frontier = frontier_append(self.frontier, len(self.leaves), leaf_hash(leaf))
        self.leaves.append(leaf)


@dataclass
class Call:
    """One transaction: its events and the records that it leaves."""

    events: list[Event]
    records: Mapping[Path, Any]
    contract: str = "supplies"
    function: str = "act"
    code: str = ACCEPTED


@dataclass
class Block:
    header: bytes
    transactions: list[bytes]
    results: list[bytes]


class World:
    """A chain that grows by `grow`, certified by `certify`."""

    def __init__(self, name: str = "hubei", members: int = 4) -> None:
        self.genesis = make_genesis(name, members)
        self.cosigners = {
            one.id: signer(f"{name}/cosigner", one.id) for one in self.genesis.members.members
        }
        self.lives: dict[Path, Life] = {}
        self.tree = StateTree()
        self.chain = MerkleLog()
        self.blocks: list[Block] = []
        self.values: list[dict[Path, bytes]] = [{}]  # state values by height
        self.certificates: dict[int, Certificate] = {}
        # How it breaks the rules, where a test asks for that:
        self.header_changes: dict[str, Any] = {}
        self.spoil_signatures = False
        self.validity_ms = 300_000
        self.chain_of_transactions = self.genesis.chain_id
        self._time = self.genesis.time
        self._nonce = 0
        self.epoch = 0
        self.members = self.genesis.members
        self.ends: list[tuple[int, str, bytes]] = []
        self._successors: MemberSet | None = None

    # -- growing -------------------------------------------------------------------------------

    @property
    def height(self) -> int:
        return len(self.blocks)

    def grow(
        self,
        calls: Sequence[Call],
        bypass: Mapping[Path, Any] | None = None,
        skip: Sequence[Path] = (),
        touched: Sequence[Path] = (),
        step_ms: int = 60_000,
    ) -> int:
        """Execute calls in a new block. `bypass` writes records that no event tells of, `skip`
        leaves out leaves, `touched` writes entities whose lives a test has rewritten.
        """
        self._time += step_ms
        height = self.height + 1
        transactions = [self._transaction(call) for call in calls]
        written = set(touched)
        results = []
        for index, (call, transaction) in enumerate(zip(calls, transactions, strict=True)):
            for path, record in call.records.items():
                self.lives.setdefault(path, Life()).record = encode(record)
            for event_index, event in enumerate(call.events):
                for path in event.named():
                    if path in skip:
                        continue
                    leaf = self.leaf(path, event, call, transaction.id, height, index, event_index)
                    self.lives[path].append(LEAF.encode(leaf))
                    written.add(path)
            result = Result(call.code, 1, tuple(call.events), {}, transaction.id)
            results.append(RESULT.encode(result))
        for path, record in (bypass or {}).items():
            self.lives[path].record = encode(record)
            written.add(path)
        self._close(height, written, [one.raw for one in transactions], results)
        return height

    def leaf(
        self,
        path: Path,
        event: Event,
        call: Call,
        transaction: bytes,
        height: int,
        index: int,
        event_index: int,
    ) -> Leaf:
        return Leaf(
            version=1,
            height=height,
            time=self._time,
            transaction_index=index,
            event_index=event_index,
            transaction=transaction,
            contract=call.contract,
            contract_version=1,
            path=path,
            kind=event.kind,
            inputs=event.inputs,
            outputs=event.outputs,
            body=event.body,
            record=sha256(self.lives[path].record).digest(),
        )

    def _transaction(self, call: Call) -> Transaction:
        self._nonce += 1
        account = signer("account", "wang")
        body = Body(
            arguments={"events": len(call.events)},
            chain=self.chain_of_transactions,
            contract=call.contract,
            function=call.function,
            nonce=self._nonce.to_bytes(16, "big"),
            signers=(("red-cross.wang", account.public),),
            suite=SUITE,
            valid_until=self._time + self.validity_ms,
            version=1,
        )
        transaction = signed(body, [account])
        if self.spoil_signatures:
            raw = transaction.raw[:-1] + bytes([transaction.raw[-1] ^ 1])
            transaction = Transaction.decode(raw)
        return transaction

    def _close(
        self, height: int, written: set[Path], transactions: list[bytes], results: list[bytes]
    ) -> None:
        writes = {path: self.lives[path].value() for path in sorted(written)}
        root = self.tree.update(
            height, {key(path): sha256(value).digest() for path, value in writes.items()}
        )
        self.values.append({**self.values[-1], **writes})
        self._append(height, root, transactions, results)

    def _append(
        self, height: int, root: bytes, transactions: list[bytes], results: list[bytes]
    ) -> None:
        """Close a block: its header, in the chain log."""
        parent = leaf_hash(self.blocks[-1].header) if self.blocks else self.genesis.chain_id
        honest = Header(
            epoch=self.epoch,
            height=height,
            members=(self._successors or self.members).digest(),
            parent=parent,
            results=root_of([leaf_hash(one) for one in results]),
            state=root,
            suite=SUITE,
            time=self._time,
            transactions=root_of([leaf_hash(one) for one in transactions]),
            version=1,
        )
        header = HEADER.encode(replace(honest, **self.header_changes))
        self.chain.append(leaf_hash(header))
        self.blocks.append(Block(header, transactions, results))

    # -- signing -------------------------------------------------------------------------------

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        size = self.height if size is None else size
        return Checkpoint(self.genesis.origin, size, self.chain.root(size))

    def cosign(self, checkpoint: Checkpoint, member: str, timestamp: int) -> Cosignature:
        return cosign(checkpoint, timestamp, member, self.cosigners[member])

    def certify(
        self,
        size: int | None = None,
        delays: Sequence[int] = (4, 2, 9),
        members: Sequence[str] | None = None,
    ) -> Certificate:
        """Certify the chain log; member k signs `delays[k]` seconds after the block's time."""
        checkpoint = self.checkpoint(size)
        names = members or [one.id for one in self.members.members][: len(delays)]
        certificate = Certificate(
            checkpoint,
            tuple(
                self.cosign(checkpoint, name, self._time // 1000 + delay)
                for name, delay in zip(names, delays, strict=True)
            ),
        )
        self.certificates[checkpoint.size] = certificate
        return certificate

    def hand_over(
        self, calls: Sequence[Call], ids: Sequence[str], renewed: Sequence[str] = ()
    ) -> None:
        """Grow by the last block of this epoch, certified by its members; others take over. Those
        `renewed` have another log key from then on.
        """
        made = make_members(self.genesis.name, ids, self.epoch + 1).members
        keys = {one: signer(f"{self.genesis.name}/log/renewed", one).public for one in renewed}
        successors = MemberSet(
            tuple(replace(one, log_key=keys.get(one.id, one.log_key)) for one in made)
        )
        self._successors = successors
        self.grow(calls)
        certificate = self.certify(delays=tuple(range(2, 2 + self.members.q)))
        self.ends.append((self.height, certificate.to_note(self.members), successors.encode()))
        self._successors = None
        self.epoch += 1
        self.members = successors
        name = f"{self.genesis.name}/cosigner/{self.epoch}"
        self.cosigners = {one.id: signer(name, one.id) for one in successors.members}

    # -- ProofSource ---------------------------------------------------------------------------

    def certificate(self) -> Certificate:
        return self.certificates[max(self.certificates)]

    def member_set(self, size: int) -> MemberSet:
        before = [members for height, _, members in self.ends if height < size]
        return MemberSet.decode(before[-1]) if before else self.genesis.members

    def header(self, height: int) -> bytes:
        return self.blocks[height - 1].header

    def inclusion(self, height: int, size: int) -> Sequence[bytes]:
        return self.chain.inclusion(height - 1, size)

    def consistency(self, size1: int, size2: int) -> Sequence[bytes]:
        return self.chain.consistency(size1, size2)

    def chain_root(self, size: int) -> bytes:
        return self.chain.root(size)

    def value(self, path: Path, height: int) -> bytes | None:
        return self.values[height].get(path)

    def leaves(self, path: Path, start: int, stop: int) -> Sequence[bytes]:
        return self.lives[path].leaves[start:stop]

    def subtrees(self, path: Path, start: int, stop: int) -> Sequence[bytes]:
        return subtree_roots([leaf_hash(leaf) for leaf in self.leaves(path, start, stop)], start)

    def record_after(self, path: Path, index: int) -> bytes:
        height = LEAF.decode(self.lives[path].leaves[index]).height
        return parse_state_value(self.values[height][path]).record

    def epoch_ends(self, size: int) -> Sequence[tuple[int, str, bytes]]:
        return [end for end in self.ends if end[0] < size]

    def state_proof(self, keys: Sequence[bytes], height: int) -> bytes:
        return self.tree.prove(keys, height)

    def position(self, transaction: bytes) -> tuple[int, int] | None:
        for height, block in enumerate(self.blocks, 1):
            for index, raw in enumerate(block.transactions):
                if Transaction.decode(raw).id == transaction:
                    return height, index
        return None

    def block(self, height: int) -> tuple[Sequence[bytes], Sequence[bytes]]:
        return self.blocks[height - 1].transactions, self.blocks[height - 1].results
