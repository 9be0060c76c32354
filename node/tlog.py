"""The chain log for the world outside: signed checkpoints, tiles and proofs that C2SP tools read.

Two checkpoints of the same size and root are given out. Under the chain's own origin stand the q
cosignatures and this member's log signature. Under `<chain>/<member>` stands that member's
signature alone: it is what witnesses cosign, because a witness trusts one key per origin, and with
a shared one its holder could poison the others' with a garbage leaf.

Invariants: this member's log key signs nothing but certified roots that are its own log's too; at
most one member checkpoint, and one root for COSE receipts, a second; nothing beyond the certified
size is served.
Source: C2SP tlog-checkpoint, tlog-tiles; RFC 9942; formats.md 6.3, 6.6, 6.9; DESIGN 2.7.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Protocol

from ledger.checkpoint import Certificate, Checkpoint
from ledger.cose import RECEIPT_LOG_SIZE_MIN, SignedRoot, encode_cose_receipt, sign_root
from ledger.errors import ClientFault, InvariantViolated
from ledger.genesis import Genesis
from ledger.keys import Signer
from ledger.membership import MemberSet
from ledger.merkle_log import MerkleLog
from ledger.notes import Note, parse_note, sign_text
from ledger.tiles import TILE_WIDTH, Tile, encode_bundle_of_entries, tile_hashes
from ledger.tlog_policy import policy_of, vkeys_of
from ledger.tlog_proof import encode_tlog_proof
from node.archive import Archive
from node.driver import Driver
from node.execution import Executor

__all__ = ["ChainLog", "MemberChain", "Tlog"]

SIGN_SECONDS: Final = 1.0  # at most one member checkpoint is signed in this time
BUNDLES_KEPT: Final = 32  # full entry bundles in memory: about 4 MB; another costs 256 reads


class ChainLog(Protocol):
    """What is served: the newest certificate, the log over headers, and the headers."""

    def certificate(self) -> Certificate | None:
        """Return the newest certificate of an executed height, or None."""
        ...

    def log(self) -> MerkleLog:
        """Return the log whose leaves are the headers, of at least the certified size."""
        ...

    def header(self, height: int) -> bytes | None:
        """Return the canonical header of a height, or None."""
        ...

    def members(self, size: int) -> MemberSet:
        """Return the set that certifies the log of a size."""
        ...

    def may_sign(self) -> bool:
        """Say whether this member still trusts itself: one that halted signs nothing any more."""
        ...


@dataclass(frozen=True, slots=True)
class MemberChain:
    """The chain log as this member holds it."""

    driver: Driver
    executor: Executor
    archive: Archive

    def certificate(self) -> Certificate | None:
        """Return the newest certificate of an executed height, or None."""
        return self.driver.certificate

    def log(self) -> MerkleLog:
        """Return the log whose leaves are the headers."""
        return self.executor.log

    def header(self, height: int) -> bytes | None:
        """Return the canonical header of a height, or None."""
        return self.archive.header(height)

    def members(self, size: int) -> MemberSet:
        """Return the set that certifies the log of a size."""
        return self.executor.epochs.members(size)

    def may_sign(self) -> bool:
        """Say whether the driver has not halted."""
        return self.driver.halted is None


class Monotonic(Protocol):
    """A clock that never goes back (node.clock.Clock)."""

    def monotonic(self) -> float:
        """Return seconds since some moment."""
        ...


class Tlog:
    """One member's side of the transparency-log world."""

    def __init__(
        self, genesis: Genesis, member: str, signer: Signer, chain: ChainLog, clock: Monotonic
    ) -> None:
        self._genesis = genesis
        self._chain = chain
        self._signer = signer
        self._clock = clock
        self.member = member
        self._note: tuple[Certificate, str] | None = None
        self._member_note: tuple[float, Checkpoint, str] | None = None
        self._receipt_root: tuple[float, SignedRoot] | None = None
        self._bundles: OrderedDict[int, bytes] = OrderedDict()

    # Checkpoints.

    def size(self) -> int:
        """Return the certified size. Raises: ClientFault "not-certified"."""
        return self._certificate().checkpoint.size

    def checkpoint(self) -> str:
        """Return the chain's note: this member's log signature, then the q cosignatures.

        Raises: ClientFault "not-certified", "halted", "no-seat".
        """
        certificate = self._certificate()
        if self._note is None or self._note[0] != certificate:
            self._own_root(certificate.checkpoint)
            members = self._chain.members(certificate.checkpoint.size)
            certified = parse_note(certificate.to_note(members), "checkpoint")
            signed = sign_text(certified.text, certificate.checkpoint.origin, self._signer)
            self._note = certificate, Note(certified.text, (signed, *certified.lines)).encode()
        return self._note[1]

    def member_checkpoint(self) -> str:
        """Return the note of `<chain>/<this member>`: the newest certified size and root, or those
        signed within the last second.

        Raises: ClientFault "not-certified", "halted", "no-seat".
        """
        certified, now = self._certificate().checkpoint, self._clock.monotonic()
        kept = self._member_note
        if kept is None or (certified != kept[1] and now - kept[0] >= SIGN_SECONDS):
            self._own_root(certified)
            origin = f"{certified.origin}/{self.member}"
            text = Checkpoint(origin, certified.size, certified.root).text()
            note = Note(text, (sign_text(text, origin, self._signer),)).encode()
            kept = self._member_note = now, certified, note
        return kept[2]

    def _certificate(self) -> Certificate:
        certificate = self._chain.certificate()
        if certificate is None or certificate.checkpoint.size == 0:
            raise ClientFault("not-certified")
        return certificate

    def _own_root(self, checkpoint: Checkpoint) -> None:
        """Refuse to sign after a halt, without a seat, or a root that is not our own log's
        (R-DT-4).
        """
        if not self._chain.may_sign():
            raise ClientFault("halted")
        if self.member not in self._chain.members(checkpoint.size):
            raise ClientFault("no-seat")
        if self._chain.log().root(checkpoint.size) != checkpoint.root:
            raise InvariantViolated(
                f"the certified root at size {checkpoint.size} is not this member's"
            )

    # Tiles.

    def tile(self, tile: Tile) -> bytes:
        """Return a tile or a bundle of entries that the certified size holds.

        Raises: ClientFault "not-found" beyond it, "not-certified".
        """
        if not tile.within(self.size()):
            raise ClientFault("not-found")
        return (
            tile_hashes(self._chain.log(), tile) if tile.level is not None else self._bundle(tile)
        )

    def _bundle(self, tile: Tile) -> bytes:
        kept = self._bundles.get(tile.index)
        if kept is not None and tile.width == TILE_WIDTH:
            self._bundles.move_to_end(tile.index)
            return kept
        first = tile.index * TILE_WIDTH
        entries = [self._header(first + place + 1) for place in range(tile.width)]
        bundle = encode_bundle_of_entries(entries)
        if tile.width == TILE_WIDTH:
            self._bundles[tile.index] = bundle
            if len(self._bundles) > BUNDLES_KEPT:
                self._bundles.popitem(last=False)
        return bundle

    def _header(self, height: int) -> bytes:
        header = self._chain.header(height)
        if header is None:
            raise InvariantViolated(f"no header at height {height}")
        return header

    # What a reader needs besides.

    def proof(self, height: int) -> str:
        """Return the `.tlog-proof` of a header, which stands in its unauthenticated `extra` line.

        Raises: ClientFault "unknown-block" beyond the certified size, "not-certified".
        """
        size = self.size()
        if not 1 <= height <= size:
            raise ClientFault("unknown-block", height=height)
        path = self._chain.log().inclusion(height - 1, size)
        return encode_tlog_proof(height - 1, path, self.checkpoint(), self._header(height))

    def cose_receipt(self, height: int) -> bytes:
        """Return this member's COSE receipt of a header, at the certified size it signed last.

        Raises: ClientFault "unknown-block" beyond that size, "not-certified", "halted".
        """
        signed = self._signed_root()
        if not 1 <= height <= signed.size:
            raise ClientFault("unknown-block", height=height)
        path = self._chain.log().inclusion(height - 1, signed.size)
        return encode_cose_receipt(signed, height - 1, path)

    def _signed_root(self) -> SignedRoot:
        """Return the newest certified root, signed for receipts, or one signed within the last
        second. Whatever is asked, a root is signed once.
        """
        certified, now = self._certificate().checkpoint, self._clock.monotonic()
        if certified.size < RECEIPT_LOG_SIZE_MIN:
            raise ClientFault("not-certified")
        kept = self._receipt_root
        if kept is None or (certified.size != kept[1].size and now - kept[0] >= SIGN_SECONDS):
            self._own_root(certified)
            issuer = f"{certified.origin}/{self.member}"
            signed = sign_root(issuer, certified.size, certified.root, self._signer)
            kept = self._receipt_root = now, signed
        return kept[1]

    def policy(self) -> str:
        """Return the tlog-policy of the checkpoint served now: the log key of every member that
        certifies its size, and the quorum of departments.
        """
        return policy_of(self._genesis.origin, self._members()).text()

    def vkeys(self) -> str:
        """Return every verifier key of those members, one a line.

        Keys of earlier epochs are not among them: who has left could still sign, and nothing it
        signs is the chain's word. Its origin `<chain>/<member>` ends with it, and no later member
        gets its id (`ledger.membership.check_succession`).
        """
        keys = vkeys_of(self._genesis.origin, self._members())
        return "".join(f"{key.text()}\n" for key in keys)

    def _members(self) -> MemberSet:
        certificate = self._chain.certificate()
        return self._chain.members(0 if certificate is None else certificate.checkpoint.size)
