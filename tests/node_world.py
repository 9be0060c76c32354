"""One member's parts over a store in a temporary folder, without a network: for tests of the node.

Keys are derived from names, time is what the test says, and certificates are made with the real
cosigner keys of q members.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from ledger.checkpoint import Certificate, Checkpoint, cosign
from ledger.genesis import Account, Genesis, Organisation
from ledger.keys import Ed25519Signer
from ledger.membership import Member, MemberSet
from ledger.transaction import SUITE, VERSION, Body, Transaction, signed
from node.archive import Archive
from node.blocks import Blocks
from node.catch_up import CatchUp
from node.channels import Peers
from node.clock import Clock
from node.config import Keys
from node.driver import Driver
from node.execution import Executed, Executor
from node.keyring import Keyring
from node.proofs import Proofs
from node.seats import Seats
from node.stages import Stages
from node.store import Batch, Store, open_store
from node.waiting import Waiting

START = 1_579_852_800_000  # ms: 2020-01-24 08:00 UTC
ACCOUNTS = {
    "red-cross.registrar": ("registrar",),
    "red-cross.custodian": ("custodian", "inspector"),
    "union.clerk": ("recipient",),
}
MEMBERS = ("m1", "m2", "m3", "m4")


def seed(name: str) -> bytes:
    return sha256(f"node test {name}".encode()).digest()


def signer(name: str) -> Ed25519Signer:
    return Ed25519Signer(seed(name))


def make_genesis(name: str = "node.test", time: int = START) -> Genesis:
    return Genesis(
        name=name,
        time=time,
        parameters={},
        organisations=(Organisation("red-cross", "红十字会"), Organisation("union", "协和")),
        accounts=tuple(
            Account(one, one.split(".")[0], (signer(one).public,), roles)
            for one, roles in ACCOUNTS.items()
        ),
        members=MemberSet(
            tuple(
                Member(
                    cosigner_key=signer(f"{one}/cosigner").public,
                    id=one,
                    log_key=signer(f"{one}/log").public,
                    tls_certificate=one.encode(),
                    vote_key=signer(f"{one}/vote").public,
                )
                for one in MEMBERS
            )
        ),
    )


GENESIS = make_genesis()


def call(
    account: str,
    function: str,
    arguments: dict[str, Any],
    *,
    nonce: object = 0,
    valid_until: int = START + 60_000,
    genesis: Genesis = GENESIS,
    contract: str = "supplies",
) -> Transaction:
    """A signed call, of the contract supplies unless said otherwise."""
    body = Body(
        arguments=arguments,
        chain=genesis.chain_id,
        contract=contract,
        function=function,
        nonce=sha256(f"{function}/{nonce}".encode()).digest()[:16],
        signers=((account, signer(account).public),),
        suite=SUITE,
        valid_until=valid_until,
        version=VERSION,
    )
    return signed(body, [signer(account)])


def define(item: object, **changes: Any) -> Transaction:
    """An item of a name."""
    arguments = {"item": f"red-cross.{item}", "name": "口罩", "base_unit": "只", "packs": []}
    return call("red-cross.registrar", "define_item", arguments, nonce=item, **changes)


def receive(donation: object, item: str = "a", **changes: Any) -> Transaction:
    """A donation of two pieces of an item by the one donor."""
    lot = {
        "lot": f"red-cross.L-{donation}",
        "item": f"red-cross.{item}",
        "count": 2,
        "unit": "只",
        "label": "",
        "expiry": None,
    }
    arguments = {
        "donation": f"red-cross.D-{donation}",
        "donor": "red-cross.donor",
        "lots": [lot],
        "attestation": "custodian",
        "earmark": None,
        "source": "note",
        "stated_date": None,
    }
    return call("red-cross.custodian", "receive", arguments, nonce=donation, **changes)


async def seen(look: Callable[[], object], seconds: float = 30) -> None:
    """Let the loop run until `look` is true; fails when it never is."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not look():
        assert loop.time() < end, "never seen"
        await asyncio.sleep(0)


class SpyStore:
    """A store that notes every batch and may refuse the next one."""

    def __init__(self, inner: Store) -> None:
        self.inner = inner
        self.batches: list[tuple[Batch, bool]] = []
        self.failure: Exception | None = None

    def write(self, batch: Batch, *, sync: bool) -> None:
        if self.failure is not None:
            raise self.failure
        self.batches.append((dict(batch), sync))
        self.inner.write(batch, sync=sync)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


@dataclass
class Sent:
    """The ways to other members: what was sent, and whom it cannot reach."""

    frames: list[tuple[str, bytes]] = field(default_factory=list)
    away: set[str] = field(default_factory=set)

    def send(self, peer: str, frame: bytes) -> bool:
        if peer in self.away:
            return False
        self.frames.append((peer, frame))
        return True


class Ledger:
    """A member's archive and executor; blocks are given to it by hand."""

    def __init__(self, folder: Path, genesis: Genesis = GENESIS) -> None:
        self.genesis = genesis
        self.store = SpyStore(open_store(folder))
        self.archive = Archive(self.store, genesis.chain_id)
        self.executor = Executor(genesis, self.archive, Stages())
        self.roots: dict[int, bytes] = {}

    def block(self, *transactions: Transaction, time: int | None = None) -> Executed:
        """Execute the next block, a second after the last."""
        executor = self.executor
        at = executor.time + 1_000 if time is None else time
        done = executor.execute(executor.height + 1, 0, at, transactions)
        self.roots[done.height] = done.chain_root
        return done

    def certificate(self, size: int | None = None, seconds: int | None = None) -> Certificate:
        """The certificate of a height, by three members."""
        height = self.executor.height if size is None else size
        checkpoint = Checkpoint(self.genesis.origin, height, self.executor.log.root(height))
        at = self.executor.time // 1000 + 1 if seconds is None else seconds
        return Certificate(
            checkpoint,
            tuple(cosign(checkpoint, at, one, signer(f"{one}/cosigner")) for one in MEMBERS[:3]),
        )


class Node(Ledger):
    """A member with its machines and its driver; m1 unless said otherwise, no clock of its own."""

    def __init__(
        self,
        folder: Path,
        own: str = "m1",
        genesis: Genesis = GENESIS,
        peers: Peers | None = None,
    ) -> None:
        super().__init__(folder, genesis)
        executor, archive = self.executor, self.archive
        self.keyring = Keyring(folder.with_name(f"{folder.name}-cosigners"), folder)
        if not self.keyring.publics():
            self.keyring.make(seed(f"{own}/cosigner"))
        keys = Keys(signer(f"{own}/vote"), signer(f"{own}/log"), b"", own.encode())
        self.seats = Seats(own, genesis, archive, keys, self.keyring)
        self.waiting = Waiting()
        self.driver = Driver(
            genesis,
            archive,
            executor,
            self.seats.take(executor, None),
            Clock(),
            self.waiting,
            Stages(),
            self.seats,
        )
        self.sent = Sent()
        ways = self.sent if peers is None else peers
        self.catch_up = CatchUp(genesis, own, archive, self.driver, ways)
        self.driver.connect(ways, self.catch_up)
        self.blocks = Blocks(archive)
        self.driver.on_executed.append(self.blocks.note)
        self.proofs = Proofs(genesis, archive, self.driver, self.blocks)

    def certify(self, size: int | None = None, seconds: int | None = None) -> Certificate:
        """Let the driver hear of a certificate, as from the certifier."""
        certificate = self.certificate(size, seconds)
        self.driver._certified(certificate.checkpoint.size, certificate)
        return certificate

    def close(self) -> None:
        self.driver.stop()
        self.catch_up.stop()
        self.archive.close()
