"""Answers with proof: the member's side of `ledger.assembly`.

Everything is proved as of the newest certificate, against the state root of exactly its size, which
lies within the window of recent roots; reads without proof are as of the same height, so the two
never disagree.
"""

from __future__ import annotations

from collections.abc import Sequence

from ledger.assembly import assemble, assemble_receipts
from ledger.bundle import encode_bundle
from ledger.checkpoint import Certificate
from ledger.claims import Absence, Accesses, Claim, Entity, History, Trace, entities_of
from ledger.errors import ClientFault, InvariantViolated
from ledger.genesis import Genesis
from ledger.leaf import LEAF, Leaf, StateValue, parse_state_value
from ledger.limits import BUNDLE_EVENTS_MAX
from ledger.membership import MemberSet
from ledger.paths import Path
from ledger.paths import key as path_key
from node.archive import Archive
from node.blocks import Blocks
from node.driver import Driver

__all__ = ["Proofs"]


class Proofs:
    """A `ledger.assembly.ProofSource`, and the questions the API asks of it."""

    def __init__(self, genesis: Genesis, archive: Archive, driver: Driver, blocks: Blocks) -> None:
        self._genesis = genesis
        self._archive = archive
        self._driver = driver
        self._executor = driver.executor
        self._blocks = blocks

    # ProofSource.

    def certificate(self) -> Certificate:
        """Return the newest certificate. Raises: ClientFault "not-certified"."""
        certificate = self._driver.certificate
        if certificate is None or certificate.checkpoint.size < self._executor.tree.oldest:
            raise ClientFault("not-certified")
        return certificate

    def member_set(self, size: int) -> MemberSet:
        """Return the members that certify the chain log of this size."""
        return self._genesis.members

    def header(self, height: int) -> bytes:
        """Return the canonical header of a height."""
        header = self._archive.header(height)
        if header is None:
            raise InvariantViolated(f"no header at height {height}")
        return header

    def inclusion(self, height: int, size: int) -> Sequence[bytes]:
        """Return the path of leaf height − 1 in the chain log of `size` leaves."""
        return self._executor.log.inclusion(height - 1, size)

    def consistency(self, size1: int, size2: int) -> Sequence[bytes]:
        """Return the proof that the chain log of size2 extends that of size1."""
        return self._executor.log.consistency(size1, size2)

    def chain_root(self, size: int) -> bytes:
        """Return the root of the first `size` leaves of the chain log."""
        return self._executor.log.root(size)

    def value(self, path: Path, height: int) -> bytes | None:
        """Return the canonical state value of an entity as of a recent height, or None."""
        return self._executor.value_at(path_key(path), height)

    def leaves(self, path: Path, size: int) -> Sequence[bytes]:
        """Return the first `size` leaves of an entity's log."""
        return self._archive.leaves(path_key(path), 0, size)

    def state_proof(self, keys: Sequence[bytes], height: int) -> bytes:
        """Return the multi-proof of these keys under the state root of a recent height."""
        return self._executor.tree.prove(keys, height)

    def position(self, transaction: bytes) -> tuple[int, int] | None:
        """Return (height, index) of a transaction id."""
        return self._archive.place(transaction)

    def block(self, height: int) -> tuple[Sequence[bytes], Sequence[bytes]]:
        """Return the raw transactions and canonical results of a height."""
        block = self._blocks.stored(height)
        if block is None:
            raise InvariantViolated(f"no block at height {height}")
        return block.transactions, block.results

    # What the API asks: bundles.

    def entity(self, path: Path, pin: int | None = None) -> bytes:
        """Return the bundle of an entity's record, or of its absence."""
        exists = self.value(path, self.height()) is not None
        return self._bundle(Entity(path) if exists else Absence(path), pin)

    def history(self, path: Path, pin: int | None = None) -> bytes:
        """Return the bundle of an entity's whole history, or of its absence."""
        exists = self.value(path, self.height()) is not None
        return self._bundle(History(path) if exists else Absence(path), pin)

    def trace(self, path: Path, pin: int | None = None) -> bytes:
        """Return the bundle of everything that came of an entity, or of its absence."""
        exists = self.value(path, self.height()) is not None
        return self._bundle(Trace(path) if exists else Absence(path), pin)

    def accesses(
        self, dataset: str, pairs: Sequence[tuple[str, str]], pin: int | None = None
    ) -> bytes:
        """Return the bundle of every access under one person's handles."""
        path = Path("datasharing", "dataset", dataset)
        path.check("dataset")
        return self._bundle(Accesses(path, tuple(sorted(pairs))), pin)

    def receipts(self, height: int, indices: Sequence[int], pin: int | None = None) -> list[bytes]:
        """Return the receipts of transactions of one certified block."""
        bundles = assemble_receipts(self, height, indices, self.certificate(), pin)
        return [encode_bundle(bundle) for bundle in bundles]

    def _bundle(self, claim: Claim, pin: int | None) -> bytes:
        return encode_bundle(assemble(self, claim, pin))

    # What the API asks: the member's word.

    def height(self) -> int:
        """Return the newest certified height. Raises: ClientFault "not-certified"."""
        return self.certificate().checkpoint.size

    def note(self) -> str:
        """Return the newest checkpoint as a signed note."""
        return self.certificate().to_note(self._genesis.members)

    def state_value(self, path: Path) -> StateValue | None:
        """Return record, log size and frontier at the newest certified height, or None."""
        data = self.value(path, self.height())
        return None if data is None else parse_state_value(data)

    def page(self, path: Path, start: int, stop: int) -> list[bytes]:
        """Return the leaves start..stop−1 of an entity's log."""
        return self._archive.leaves(path_key(path), start, stop)

    def graph(self, path: Path) -> list[tuple[Path, bytes, list[bytes]]]:
        """Return (path, record, leaves) of every entity reachable from one, or nothing when it is
        absent.
        """
        found: dict[Path, tuple[bytes, list[bytes]]] = {}

        def log_of(reached: Path) -> list[Leaf] | None:
            value = self.state_value(reached)
            if value is None:
                return None
            if sum(len(leaves) for _, leaves in found.values()) + value.size > BUNDLE_EVENTS_MAX:
                raise ClientFault("answer-too-large", limit=BUNDLE_EVENTS_MAX, what="events")
            leaves = self.page(reached, 0, value.size)
            found[reached] = (value.record, leaves)
            return [LEAF.decode(leaf) for leaf in leaves]

        reachable = entities_of(Trace(path), log_of) if self.state_value(path) is not None else []
        return [(each, *found[each]) for each in reachable if each in found]
