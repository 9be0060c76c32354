"""One member's ledger without the others: the real store, executor and proofs, no consensus.

`Ledger.make` writes so many entities into a new data folder, runs the contracts on the business
that will be asked about, and opens the folder anew, so that no cache holds what was just written.
All keys are derived from names: worth nothing elsewhere. What it is not: a measurement (proofs.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, Final

from client.calls import Call
from ledger.block import ACCEPTED, RESULT
from ledger.checkpoint import Certificate, Checkpoint, cosign
from ledger.genesis import Account, Genesis, Organisation
from ledger.keys import Ed25519Signer
from ledger.leaf import state_value
from ledger.membership import Member, MemberSet
from ledger.paths import Path as EntityPath
from ledger.paths import key
from ledger.transaction import SUITE, VERSION, Body, Transaction, signed
from node.archive import Archive
from node.blocks import Blocks
from node.execution import Executor
from node.proofs import Moment
from node.stages import Stages
from node.state_store import StateWrites
from node.store import open_store

__all__ = [
    "ALLOCATOR",
    "APPROVER",
    "BLOCK",
    "CUSTODIAN",
    "HOSPITAL",
    "ITEM",
    "OFFICE",
    "PROVIDER",
    "REGISTRAR",
    "START",
    "Ledger",
]

START: Final = 1_579_852_800_000  # ms since 1970
BLOCK: Final = 500  # transactions
BATCH: Final = 10_000  # entities of one write while others are put beside
VALID_MS: Final = 60_000
REGISTRAR, CUSTODIAN = "depot.registrar", "depot.custodian"
ALLOCATOR, APPROVER = "depot.allocator", "depot.approver"
PROVIDER, OFFICE = "depot.data", "hospital.office"
HOSPITAL, ITEM = "hospital.ward", "depot.mask"
ROLES: Final = {
    REGISTRAR: ("registrar",),
    CUSTODIAN: ("custodian", "republisher"),
    ALLOCATOR: ("allocator",),
    APPROVER: ("approver",),
    HOSPITAL: ("recipient",),
    PROVIDER: ("provider",),
    OFFICE: ("user",),
}
RECORD: Final = bytes(150)  # of an entity nobody asks about: as long as a lot's


def signer(role: str, name: str) -> Ed25519Signer:
    """The key of a name."""
    return Ed25519Signer(sha256(f"suyuan benchmark/{role}/{name}".encode()).digest())


def genesis() -> Genesis:
    """Four members, seven accounts."""
    members = tuple(
        Member(
            cosigner_key=signer("cosigner", name).public,
            id=name,
            log_key=signer("log", name).public,
            tls_certificate=b"none",
            vote_key=signer("vote", name).public,
        )
        for name in ("m0", "m1", "m2", "m3")
    )
    accounts = tuple(
        Account(name, name.split(".")[0], (signer("account", name).public,), roles)
        for name, roles in sorted(ROLES.items())
    )
    organisations = (Organisation("depot", "Depot"), Organisation("hospital", "Hospital"))
    return Genesis("bench", START, {}, organisations, accounts, MemberSet(members))


class Ledger:
    """An open data folder."""

    def __init__(self, folder: Path) -> None:
        self.genesis = genesis()
        self.store = open_store(folder)
        self.archive = Archive(self.store, self.genesis.chain_id)
        self.executor = Executor(self.genesis, self.archive, Stages())
        self._nonce = 0

    @classmethod
    def make(cls, folder: Path, entities: int, business: Iterable[Call]) -> Ledger:
        """Make a ledger of about `entities` entities, and then do the business in its order."""
        cls(folder).close()  # the genesis state
        store = open_store(folder)
        archive = Archive(store, genesis().chain_id)
        for writes in _others(entities):
            store.write(archive.state.changes(writes), sync=False)
        archive.close()
        ledger = cls(folder)
        calls = iter(business)
        while block := list(islice(calls, BLOCK)):
            ledger._block(block)
        ledger.close()
        return cls(folder)

    def _block(self, calls: Sequence[Call]) -> None:
        now = self.executor.time + 1_000
        transactions = [self._transaction(call, now) for call in calls]
        done = self.executor.execute(self.executor.height + 1, 0, now, transactions)
        for result in map(RESULT.decode, done.results):
            if result.code != ACCEPTED:
                raise RuntimeError(f"refused: {result.code} {result.parameters}")

    def _transaction(self, call: Call, now: int) -> Transaction:
        self._nonce += 1
        keys = [signer("account", name) for name in call.accounts]
        body = Body(
            arguments=call.arguments,
            chain=self.genesis.chain_id,
            contract=call.contract,
            function=call.function,
            nonce=self._nonce.to_bytes(16, "big"),
            signers=tuple(
                (name, one.public) for name, one in zip(call.accounts, keys, strict=True)
            ),
            suite=SUITE,
            valid_until=now + VALID_MS,
            version=VERSION,
        )
        return signed(body, keys)

    def moment(self) -> Moment:
        """What the member proves from, certified by a quorum now."""
        height, members = self.executor.height, self.genesis.members
        checkpoint = Checkpoint(self.genesis.origin, height, self.executor.log.root(height))
        at = self.executor.time // 1000 + 1
        lines: list[Any] = [
            cosign(checkpoint, at, one.id, signer("cosigner", one.id))
            for one in members.members[: members.q]
        ]
        certificate = Certificate(checkpoint, tuple(lines))
        blocks = Blocks(self.archive)
        return Moment(certificate, self.genesis, self.archive, self.executor, blocks)

    def close(self) -> None:
        """Close the folder."""
        self.archive.close()


def _others(entities: int) -> Iterator[StateWrites]:
    """The entities that nobody asks about: state values as they stand after a few events."""
    frontier = tuple(sha256(b"%d" % each).digest() for each in range(2))
    value = state_value(RECORD, 6, frontier)
    for first in range(0, entities, BATCH):
        paths = [
            EntityPath("supplies", "lot", f"depot.other-{number}")
            for number in range(first, min(first + BATCH, entities))
        ]
        created = {key(path): path for path in paths}
        yield StateWrites(dict.fromkeys(created, value), created)
