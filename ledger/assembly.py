"""How a member makes a bundle: pure assembly from a narrow view of what it stores.

What it is: the same walk that the verifier makes (`claims.entities_of`), and the fetching of what
it reaches as of ONE certified height. What it is not: a check (the verifier trusts none of it),
storage, or a cache.
The cost grows with the answer: one state value per entity, its leaves, one state proof, one
inclusion path.

Invariants: everything in a bundle is as of the certificate's size, so that "complete as of" can be
said; a receipt's header may be older. An answer above the limits is refused before its leaves are
read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from ledger.bundle import (
    Absent,
    Bundle,
    Consistency,
    Handover,
    Logged,
    Outlined,
    Ranged,
    ReceiptProof,
    Shown,
    directed,
)
from ledger.checkpoint import Certificate
from ledger.claims import (
    Absence,
    Accesses,
    AsOf,
    Claim,
    Entity,
    EventAt,
    Extension,
    Period,
    Ranging,
    Receipt,
    Trace,
    entities_of,
    grants_of,
    grants_paired,
)
from ledger.errors import ClientFault, InvariantViolated, Malformed
from ledger.leaf import LEAF, Leaf, parse_state_value
from ledger.limits import BUNDLE_ENTITIES_MAX, BUNDLE_EVENTS_MAX, BUNDLE_SIZE_MAX
from ledger.membership import MemberSet
from ledger.merkle_log import MerkleLog, leaf_hash
from ledger.paths import Path, key
from ledger.transaction import Transaction

__all__ = ["ProofSource", "assemble", "assemble_receipts"]


class ProofSource(Protocol):
    """What a member must be able to say about certified heights. Heights and sizes count blocks.

    Methods that take a height are asked about the newest certificate's size, which lies within
    RECENT_ROOTS of what is executed; `header` and `block` about any height up to it. A source may
    raise ClientFault for what it cannot serve.
    """

    def certificate(self) -> Certificate:
        """Return the newest certificate held. Raises: ClientFault "not-certified" before the
        first.
        """
        ...

    def member_set(self, size: int) -> MemberSet:
        """Return the members that certify the chain log of this size."""
        ...

    def epoch_ends(self, size: int) -> Sequence[tuple[int, str, bytes]]:
        """Return, for each epoch that ended below this size, oldest first: its last height, the
        signed note of exactly that size by its members, and the canonical next member set.
        """
        ...

    def header(self, height: int) -> bytes:
        """Return the canonical header of a height."""
        ...

    def inclusion(self, height: int, size: int) -> Sequence[bytes]:
        """Return the path of leaf height − 1 in the chain log of `size` leaves, leaf's sibling
        first.
        """
        ...

    def consistency(self, size1: int, size2: int) -> Sequence[bytes]:
        """Return the proof that the chain log of size2 extends that of size1 (1 ≤ size1 ≤
        size2).
        """
        ...

    def chain_root(self, size: int) -> bytes:
        """Return the root of the first `size` leaves of the chain log."""
        ...

    def value(self, path: Path, height: int) -> bytes | None:
        """Return the canonical state value of an entity as of a height, or None when there was
        none.
        """
        ...

    def leaves(self, path: Path, start: int, stop: int) -> Sequence[bytes]:
        """Return the leaves start..stop−1 of an entity's log, oldest first."""
        ...

    def subtrees(self, path: Path, start: int, stop: int) -> Sequence[bytes]:
        """Return the roots of the perfect subtrees that cover leaves start..stop−1 of an entity's
        log (`merkle_ranges.cover`).
        """
        ...

    def record_after(self, path: Path, index: int) -> bytes:
        """Return the entity's record as the block of that leaf left it; the leaf is the last of
        its height.
        """
        ...

    def state_proof(self, keys: Sequence[bytes], height: int) -> bytes:
        """Return the one multi-proof of these keys under the state root of a height."""
        ...

    def position(self, transaction: bytes) -> tuple[int, int] | None:
        """Return (height, index in the block) of a transaction id, or None when no block holds
        it.
        """
        ...

    def block(self, height: int) -> tuple[Sequence[bytes], Sequence[bytes]]:
        """Return the raw transactions and the canonical results of a height, in order."""
        ...


def assemble(source: ProofSource, claim: Claim, pin_size: int | None = None) -> Bundle:
    """Return the bundle that answers a claim as of the newest certificate.

    `pin_size` asks for a consistency proof from the chain log of that size.
    Raises: ClientFault "unknown-entity", "already-exists" (an absence was claimed),
    "unknown-transaction", "not-certified", "not-an-earlier-root", "height-ahead", "no-such-event",
    "pairs-incomplete" (with the grants that lack a pair and
    those that are not of the data set), "answer-too-large", "pin-too-new", and what the source
    raises.
    """
    certificate = source.certificate()
    if isinstance(claim, Receipt):
        place = source.position(claim.transaction)
        if place is None:
            raise ClientFault("unknown-transaction", id=claim.transaction.hex())
        (bundle,) = assemble_receipts(source, place[0], [place[1]], certificate, pin_size)
        return bundle
    return _Assembly(source, certificate).bundle(claim, pin_size)


def _handovers(source: ProofSource, size: int) -> tuple[Handover, ...]:
    """The epoch walk to the members that certify the chain log of this size."""
    ends = source.epoch_ends(size)
    following = [*(height for height, _, _ in ends), size][1:]
    return tuple(
        Handover(
            checkpoint=note,
            consistency=tuple(source.consistency(height, after)),
            header=source.header(height),
            inclusion=tuple(source.inclusion(height, height)),
            members=members,
        )
        for (height, note, members), after in zip(ends, following, strict=True)
    )


def assemble_receipts(
    source: ProofSource,
    height: int,
    indices: Sequence[int],
    certificate: Certificate | None = None,
    pin_size: int | None = None,
) -> list[Bundle]:
    """Return the receipts of some transactions of one block, in the order of `indices`.

    The block's trees are built once for all of them (about 2 µs a transaction of the block).
    Raises: ClientFault "not-certified" when the height is above the certificate's size,
    "pin-too-new".
    """
    certificate = source.certificate() if certificate is None else certificate
    size = certificate.checkpoint.size
    if not 1 <= height <= size:
        raise ClientFault("not-certified", height=height, certified=size)
    transactions, results = source.block(height)
    if len(results) != len(transactions):
        raise InvariantViolated(
            f"block {height}: {len(transactions)} transactions, {len(results)} results"
        )
    asked_log = MerkleLog([leaf_hash(raw) for raw in transactions])
    result_log = MerkleLog([leaf_hash(result) for result in results])
    count = len(transactions)
    checkpoint = certificate.to_note(source.member_set(size))
    header, inclusion = source.header(height), tuple(source.inclusion(height, size))
    consistency, epochs = _consistency(source, size, pin_size), _handovers(source, size)
    return [
        Bundle(
            claim=Receipt(Transaction.decode(transactions[index]).id),
            checkpoint=checkpoint,
            header=header,
            inclusion=inclusion,
            receipt=ReceiptProof(
                transaction=transactions[index],
                result=results[index],
                transaction_path=directed(asked_log.inclusion(index), index, count),
                result_path=directed(result_log.inclusion(index), index, count),
            ),
            consistency=consistency,
            epochs=epochs,
        )
        for index in indices
    ]


def _consistency(source: ProofSource, size: int, pin_size: int | None) -> Consistency | None:
    if pin_size is None:
        return None
    if not 1 <= pin_size <= size:
        raise ClientFault("pin-too-new", pin=pin_size, certified=size)
    path = tuple(source.consistency(pin_size, size))
    return Consistency(size=pin_size, root=source.chain_root(pin_size), path=path)


def _too_large(what: str, limit: int) -> ClientFault:
    return ClientFault("answer-too-large", limit=limit, what=what)


class _Assembly:
    """One bundle about entities in the making: what was fetched so far, and how much it is."""

    def __init__(self, source: ProofSource, certificate: Certificate) -> None:
        self._source = source
        self._certificate = certificate
        self._height = certificate.checkpoint.size
        self._shown: dict[Path, Shown] = {}
        self._outlined: frozenset[Path] = frozenset()
        self._events = 0
        self._bytes = 0

    def bundle(self, claim: Claim, pin_size: int | None) -> Bundle:
        source, height = self._source, self._height
        if isinstance(claim, Extension):
            return self._extension(claim)
        self._outlined = grants_paired(claim)
        paths = self._paths(claim)
        shown = sorted((self._shown[path] for path in paths), key=lambda one: one.path.text)
        return Bundle(
            claim=claim,
            checkpoint=self._certificate.to_note(source.member_set(height)),
            header=source.header(height),
            inclusion=tuple(source.inclusion(height, height)),
            entities=tuple(shown),
            state=source.state_proof([key(one.path) for one in shown], height),
            consistency=_consistency(source, height, pin_size),
            epochs=_handovers(source, height),
        )

    def _extension(self, claim: Extension) -> Bundle:
        source, height = self._source, self._height
        consistency = _consistency(source, height, claim.size)
        if consistency is None or consistency.root != claim.root:
            raise ClientFault("not-an-earlier-root", size=claim.size)
        return Bundle(
            claim=claim,
            checkpoint=self._certificate.to_note(source.member_set(height)),
            header=source.header(height),
            inclusion=tuple(source.inclusion(height, height)),
            consistency=consistency,
            epochs=_handovers(source, height),
        )

    def _range(self, claim: Ranging) -> None:
        """Show what answers a question about part of a log: the leaves, and covers of the rest."""
        source, path = self._source, claim.path
        data = source.value(path, self._height)
        if isinstance(claim, AsOf) and claim.height > self._height:
            raise ClientFault("height-ahead", height=claim.height, certified=self._height)
        if data is None:
            if not isinstance(claim, AsOf):
                raise ClientFault("unknown-entity", entity=path.text)
            self._shown[path] = Absent(path)
            return
        value = parse_state_value(data)
        first, stop = self._bounds(claim, value.size)
        if stop - first > BUNDLE_EVENTS_MAX:
            raise _too_large("events", BUNDLE_EVENTS_MAX)
        leaves = tuple(source.leaves(path, first, stop))
        if len(leaves) != stop - first:
            raise InvariantViolated(f"{path.text}: leaves {first} to {stop} are not all stored")
        if sum(map(len, leaves)) > BUNDLE_SIZE_MAX // 2:
            raise _too_large("bytes", BUNDLE_SIZE_MAX)
        then = None
        if isinstance(claim, AsOf) and LEAF.decode(leaves[0]).height <= claim.height:
            then = source.record_after(path, first)
        self._shown[path] = Ranged(
            path,
            value.record,
            value.size,
            first,
            leaves,
            tuple(source.subtrees(path, 0, first)),
            tuple(source.subtrees(path, stop, value.size)),
            then,
        )

    def _bounds(self, claim: Ranging, size: int) -> tuple[int, int]:
        """Return first and stop of the leaves that answer, neighbours included."""
        if isinstance(claim, EventAt):
            if claim.index >= size:
                raise ClientFault("no-such-event", index=claim.index, size=size)
            return claim.index, claim.index + 1
        if isinstance(claim, AsOf):
            after = self._first_where(claim.path, size, lambda leaf: leaf.height > claim.height)
            return max(0, after - 1), min(after + 1, size)
        since = self._first_where(claim.path, size, lambda leaf: leaf.time >= claim.since)
        until = self._first_where(claim.path, size, lambda leaf: leaf.time >= claim.until)
        return max(0, since - 1), min(until + 1, size)

    def _first_where(self, path: Path, size: int, holds: Callable[[Leaf], bool]) -> int:
        """Return the first index at which `holds` (once true, true for all later leaves), or
        size.
        """
        low, high = 0, size
        while low < high:
            middle = (low + high) // 2
            (data,) = self._source.leaves(path, middle, middle + 1)
            if holds(LEAF.decode(data)):
                high = middle
            else:
                low = middle + 1
        return low

    def _paths(self, claim: Claim) -> list[Path]:
        if isinstance(claim, Absence):
            if self._source.value(claim.path, self._height) is not None:
                raise ClientFault("already-exists", entity=claim.path.text)
            self._shown[claim.path] = Absent(claim.path)
        elif isinstance(claim, Entity):
            self._outline(claim.path)
        elif isinstance(claim, Accesses):
            self._check_pairs(claim)
        elif isinstance(claim, Period | AsOf | EventAt):
            self._range(claim)
        try:
            return entities_of(claim, lambda path: self._log(path, claim))
        except Malformed:  # the walk's own bound; what is stored is well-formed
            raise _too_large("entities", BUNDLE_ENTITIES_MAX) from None

    def _outline(self, path: Path) -> None:
        data = self._source.value(path, self._height)
        if data is None:
            raise ClientFault("unknown-entity", entity=path.text)
        value = parse_state_value(data)
        self._shown[path] = Outlined(path, value.record, value.size, value.frontier)

    def _check_pairs(self, claim: Accesses) -> None:
        granted = {grant.id for grant in grants_of(self._log(claim.dataset, claim) or ())}
        paired = {grant for grant, _ in claim.pairs}
        if granted != paired:
            missing, unknown = tuple(sorted(granted - paired)), tuple(sorted(paired - granted))
            raise ClientFault("pairs-incomplete", missing=missing, unknown=unknown)

    def _log(self, path: Path, claim: Claim) -> list[Leaf] | None:
        """Fetch an entity whole, or of a grant that is paired the record. Only a handle, of which
        nothing was ever read, may not exist.
        """
        if path in self._outlined:
            self._outline(path)
            return None
        known = self._shown.get(path)
        if isinstance(known, Absent):
            return None
        if known is None:
            known = self._fetch(path, claim)
        if not isinstance(known, Logged):
            return None
        # Only what leads on needs to be decoded.
        leads_on = isinstance(claim, Trace) or (
            isinstance(claim, Accesses) and path == claim.dataset
        )
        return [LEAF.decode(leaf) for leaf in known.leaves] if leads_on else []

    def _fetch(self, path: Path, claim: Claim) -> Shown:
        data = self._source.value(path, self._height)
        if data is None:
            if not isinstance(claim, Accesses) or path.kind != "handle":
                raise ClientFault("unknown-entity", entity=path.text)
            self._shown[path] = Absent(path)
            return self._shown[path]
        value = parse_state_value(data)
        self._events += value.size
        if self._events > BUNDLE_EVENTS_MAX:
            raise _too_large("events", BUNDLE_EVENTS_MAX)
        if len(self._shown) >= BUNDLE_ENTITIES_MAX:
            raise _too_large("entities", BUNDLE_ENTITIES_MAX)
        leaves = tuple(self._source.leaves(path, 0, value.size))
        if len(leaves) != value.size:
            raise InvariantViolated(
                f"{path.text} has {value.size} leaves, {len(leaves)} are stored"
            )
        # Base64 takes 4 bytes for 3; what else a bundle holds fits in the part left over.
        self._bytes += len(value.record) + sum(map(len, leaves))
        if self._bytes > BUNDLE_SIZE_MAX // 2:
            raise _too_large("bytes", BUNDLE_SIZE_MAX)
        self._shown[path] = Logged(path, value.record, leaves)
        return self._shown[path]
