"""Answers with proof: the member's side of `ledger.assembly`.

Everything is proved as of one certificate, the newest when the answer was begun, against the state
root of exactly its size, which lies within the window of recent roots; reads without proof are as
of the same height, so the two never disagree. An answer that took so long that its height left the
window is begun again.

Proofs are made beside the loop: what execution changes is read under its lock, what never changes
(headers, leaves, blocks) without.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from ledger.assembly import assemble, assemble_receipts
from ledger.bundle import Bundle
from ledger.bundle_file import encode_bundle
from ledger.checkpoint import Certificate
from ledger.claims import (
    Absence,
    Accesses,
    Claim,
    Entity,
    EventAt,
    History,
    ListOf,
    Period,
    Trace,
    entities_of,
    parse_pairs,
)
from ledger.errors import ClientFault, InvariantViolated, Malformed
from ledger.genesis import Genesis
from ledger.leaf import LEAF, Leaf, StateValue, parse_state_value
from ledger.limits import BUNDLE_ENTITIES_MAX, BUNDLE_EVENTS_MAX, BUNDLE_SIZE_MAX
from ledger.membership import MemberSet
from ledger.paths import Path
from ledger.paths import key as path_key
from node.archive import Archive
from node.blocks import Blocks
from node.driver import Driver
from node.execution import Executor

__all__ = ["Moment", "Proofs"]


ATTEMPTS_MAX: Final = 3  # before a height that keeps leaving the window is given up

# Questions that only an entity can answer; of any other its absence is the answer.
OF_EXISTING: Final = (Entity, EventAt, History, ListOf, Period, Trace)

made = TypeVar("made")


class _Overtaken(Exception):
    """The height an answer is made as of has left the window of recent roots."""


class Moment:
    """A `ledger.assembly.ProofSource`: what this member holds as of one certificate."""

    def __init__(
        self,
        certificate: Certificate,
        genesis: Genesis,
        archive: Archive,
        executor: Executor,
        blocks: Blocks,
    ) -> None:
        self._certificate = certificate
        self._genesis = genesis
        self._archive = archive
        self._executor = executor
        self._blocks = blocks
        self.height = certificate.checkpoint.size

    def certificate(self) -> Certificate:
        """Return the certificate of this moment."""
        return self._certificate

    def member_set(self, size: int) -> MemberSet:
        """Return the members that certify the chain log of this size."""
        return self._executor.epochs.members(size)

    def header(self, height: int) -> bytes:
        """Return the canonical header of a height."""
        header = self._archive.header(height)
        if header is None:
            raise InvariantViolated(f"no header at height {height}")
        return header

    def inclusion(self, height: int, size: int) -> Sequence[bytes]:
        """Return the path of leaf height − 1 in the chain log of `size` leaves."""
        with self._executor.changing:
            return self._executor.log.inclusion(height - 1, size)

    def consistency(self, size1: int, size2: int) -> Sequence[bytes]:
        """Return the proof that the chain log of size2 extends that of size1."""
        with self._executor.changing:
            return self._executor.log.consistency(size1, size2)

    def chain_root(self, size: int) -> bytes:
        """Return the root of the first `size` leaves of the chain log."""
        with self._executor.changing:
            return self._executor.log.root(size)

    def value(self, path: Path, height: int) -> bytes | None:
        """Return the canonical state value of an entity as of a recent height, or None."""
        with self._executor.changing:
            self._need_recent(height)
            return self._executor.value_at(path_key(path), height)

    def leaves(self, path: Path, start: int, stop: int) -> Sequence[bytes]:
        """Return the leaves start..stop−1 of an entity's log."""
        return self._archive.logs.leaves(path_key(path), start, stop)

    def subtrees(self, path: Path, start: int, stop: int) -> Sequence[bytes]:
        """Return the roots of the perfect subtrees over leaves start..stop−1 of an entity's log."""
        return self._archive.logs.subtrees(path_key(path), start, stop)

    def record_after(self, path: Path, index: int) -> bytes:
        """Return the record as the block of a leaf left it."""
        return self._archive.logs.record_after(path_key(path), index)

    def epoch_ends(self, size: int) -> Sequence[tuple[int, str, bytes]]:
        """Return the walk from genesis to the members that certify the chain log of this size."""
        walk = self._executor.epochs.handovers(size)
        return [(handover.height, handover.note, handover.members) for handover in walk]

    def state_proof(self, keys: Sequence[bytes], height: int) -> bytes:
        """Return the multi-proof of these keys under the state root of a recent height."""
        with self._executor.changing:
            self._need_recent(height)
            return self._executor.tree.prove(keys, height)

    def _need_recent(self, height: int) -> None:
        if height < self._executor.tree.oldest:
            raise _Overtaken

    def position(self, transaction: bytes) -> tuple[int, int] | None:
        """Return (height, index) of a transaction id.

        Raises: ClientFault "history-not-held" when it may stand in the gap.
        """
        place = self._archive.place(transaction)
        if place is None:
            self._archive.need_history()
        return place

    def block(self, height: int) -> tuple[Sequence[bytes], Sequence[bytes]]:
        """Return the raw transactions and canonical results of a height."""
        block = self._blocks.stored(height)
        if block is None:
            raise InvariantViolated(f"no block at height {height}")
        return block.transactions, block.results

    def state_value(self, path: Path) -> StateValue | None:
        """Return record, log size and frontier, or None."""
        data = self.value(path, self.height)
        return None if data is None else parse_state_value(data)


class Proofs:
    """The questions the API asks; each may be asked from any thread."""

    def __init__(self, genesis: Genesis, archive: Archive, driver: Driver, blocks: Blocks) -> None:
        self._genesis = genesis
        self._archive = archive
        self._driver = driver
        self._executor = driver.executor
        self._blocks = blocks

    def certificate(self) -> Certificate:
        """Return the newest certificate. Raises: ClientFault "not-certified"."""
        certificate = self._driver.certificate
        if certificate is None or certificate.checkpoint.size < self._executor.tree.oldest:
            raise ClientFault("not-certified")
        return certificate

    def _moment(self) -> Moment:
        return Moment(
            self.certificate(), self._genesis, self._archive, self._executor, self._blocks
        )

    def _as_of_now(self, make: Callable[[Moment], made]) -> made:
        """Return what is made as of one moment; of a later one when it is overtaken."""
        for _ in range(ATTEMPTS_MAX):
            try:
                return make(self._moment())
            except _Overtaken:
                continue
        raise ClientFault("not-certified")

    # Bundles.

    def entity(self, path: Path, pin: int | None = None) -> bytes:
        """Return the bundle of an entity's record, or of its absence."""
        return self.answer(Entity(path), pin)

    def history(self, path: Path, pin: int | None = None) -> bytes:
        """Return the bundle of an entity's whole history, or of its absence."""
        return self.answer(History(path), pin)

    def trace(self, path: Path, pin: int | None = None) -> bytes:
        """Return the bundle of everything that came of an entity, or of its absence."""
        return self.answer(Trace(path), pin)

    def accesses(
        self, dataset: str, pairs: Sequence[tuple[str, str]], pin: int | None = None
    ) -> bytes:
        """Return the bundle of every access under one person's handles, asked for in any order.

        Raises: Malformed for what is no data set or no pair, ClientFault as `assemble`.
        """
        path = Path("datasharing", "dataset", dataset)
        path.check("dataset")
        return self.answer(Accesses(path, parse_pairs(sorted(pairs))), pin)

    def answer(self, claim: Claim, pin: int | None = None) -> bytes:
        """Return the bundle that answers a claim; of an entity that does not exist, its absence.

        Raises: ClientFault, as `assemble`.
        """

        def answer(moment: Moment) -> Bundle:
            asked = claim
            if isinstance(claim, OF_EXISTING) and moment.value(claim.path, moment.height) is None:
                asked = Absence(claim.path)
            return assemble(moment, asked, pin)

        return encode_bundle(self._as_of_now(answer))

    def receipts(self, height: int, indices: Sequence[int], pin: int | None = None) -> list[bytes]:
        """Return the receipts of transactions of one certified block."""
        moment = self._moment()
        bundles = assemble_receipts(moment, height, indices, moment.certificate(), pin)
        return [encode_bundle(bundle) for bundle in bundles]

    # The member's word.

    def height(self) -> int:
        """Return the newest certified height. Raises: ClientFault "not-certified"."""
        return self.certificate().checkpoint.size

    def note(self) -> str:
        """Return the newest checkpoint as a signed note."""
        certificate = self.certificate()
        return certificate.to_note(self._executor.epochs.members(certificate.checkpoint.size))

    def state_value(self, path: Path) -> StateValue | None:
        """Return record, log size and frontier at the newest certified height, or None."""
        return self._as_of_now(lambda moment: moment.state_value(path))

    def page(self, path: Path, start: int, stop: int) -> list[bytes]:
        """Return the leaves start..stop−1 of an entity's log."""
        return self._archive.logs.leaves(path_key(path), start, stop)

    def graph(self, path: Path) -> tuple[int, list[tuple[Path, bytes, list[Leaf]]]]:
        """Return the height, and (path, record, leaves) of every entity reachable from one; nothing
        when it is absent.

        Raises: ClientFault "answer-too-large", before the leaves beyond the limit are read.
        """
        return self._as_of_now(lambda moment: (moment.height, self._graph(path, moment)))

    def _graph(self, path: Path, moment: Moment) -> list[tuple[Path, bytes, list[Leaf]]]:
        found: dict[Path, tuple[bytes, list[Leaf]]] = {}
        events = size = 0

        def log_of(reached: Path) -> list[Leaf] | None:
            nonlocal events, size
            value = moment.state_value(reached)
            if value is None:
                return None
            events += value.size
            if events > BUNDLE_EVENTS_MAX:
                raise ClientFault("answer-too-large", limit=BUNDLE_EVENTS_MAX, what="events")
            leaves = self.page(reached, 0, value.size)
            size += sum(map(len, leaves))
            if size > BUNDLE_SIZE_MAX // 2:
                raise ClientFault("answer-too-large", limit=BUNDLE_SIZE_MAX, what="bytes")
            found[reached] = (value.record, [LEAF.decode(leaf) for leaf in leaves])
            return found[reached][1]

        try:
            reachable = entities_of(Trace(path), log_of)
        except Malformed:  # the walk's own bound; what is stored is well-formed
            limit = BUNDLE_ENTITIES_MAX
            raise ClientFault("answer-too-large", limit=limit, what="entities") from None
        return [(each, *found[each]) for each in reachable if each in found]
