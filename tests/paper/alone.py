"""One honest member, m1, and the keys of all others: what it says to whatever they say."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from consensus import messages as wire
from consensus.epoch import COMMIT, NEW_VIEW, PRE_PREPARE, PREPARE, VIEW_CHANGE, vote_bytes
from ledger.checkpoint import Certificate, Checkpoint, cosign
from tests.simulator.stage import EPOCH_MS, Stage

ME = "m1"
NO_SIGNATURE = bytes(64)


class Alone:
    """M1 runs; m0, m2 and m3 are puppets. n = 4, f = 1, q = 3; m0 leads view 0, m1 view 1."""

    def __init__(self) -> None:
        self.stage = Stage()
        for name in ("m0", "m2", "m3"):
            self.stage.crash(name)
        self.replica = self.stage[ME].replica

    # -- what a puppet signs --------------------------------------------------------------------

    def sign(self, place: int, kind: str, view: int, sequence: int, digest: bytes) -> bytes:
        message = vote_bytes(kind, self.stage.chain_id, 0, view, sequence, digest)
        return self.stage.signer(f"m{place}").sign(message)

    def batch(self, number: int) -> wire.Batch:
        """A batch of one transaction, whose body m1 has."""
        one = self.stage.transaction(number)
        self.stage.inject("m0", ME, wire.Transactions((one.raw,)))
        return wire.Batch(EPOCH_MS, one.digest)

    def pre_prepare(self, sequence: int, batch: wire.Batch, view: int = 0) -> wire.PrePrepare:
        signature = self.sign(view % 4, PRE_PREPARE, view, sequence, batch.digest())
        return wire.PrePrepare(0, view, sequence, batch, signature)

    def prepare(self, place: int, sequence: int, digest: bytes, view: int = 0) -> wire.Prepare:
        signature = self.sign(place, PREPARE, view, sequence, digest)
        return wire.Prepare(0, view, sequence, digest, signature)

    def commit(self, place: int, sequence: int, digest: bytes, view: int = 0) -> wire.Commit:
        signature = self.sign(place, COMMIT, view, sequence, digest)
        return wire.Commit(0, view, sequence, digest, signature)

    def prepared(self, sequence: int, digest: bytes, view: int = 0) -> wire.PreparedCertificate:
        # Never with a word of m1: it would know that it did not say it.
        backups = [place for place in range(4) if place not in (1, view % 4)][-2:]
        return wire.PreparedCertificate(
            view,
            sequence,
            digest,
            self.sign(view % 4, PRE_PREPARE, view, sequence, digest),
            tuple(wire.Seal(p, self.sign(p, PREPARE, view, sequence, digest)) for p in backups),
        )

    def stable(self, height: int, by: Sequence[int] = (0, 2, 3)) -> wire.Stable:
        """A checkpoint with the proof that puppets alone can make."""
        checkpoint = Checkpoint(self.stage.origin, height, bytes([height]) * 32)
        keyring = self.stage.keyring
        lines = tuple(
            cosign(checkpoint, 1, f"m{place}", keyring.signer(f"m{place}/cosigner")) for place in by
        )
        members = self.stage.epoch.members
        if len(by) == members.q:
            return wire.Stable.of(Certificate(checkpoint, lines), members)
        made = tuple(
            wire.Line(members.index(one.member), one.timestamp, one.signature) for one in lines
        )
        return wire.Stable(height, checkpoint.root, made)

    def view_change(
        self,
        place: int,
        view: int,
        *prepared: wire.PreparedCertificate,
        stable: wire.Stable = wire.GENESIS_STABLE,
    ) -> wire.ViewChange:
        blank = wire.ViewChange(0, view, place, stable, prepared, NO_SIGNATURE)
        signature = self.sign(place, VIEW_CHANGE, view, stable.height, blank.digest())
        return msgspec.structs.replace(blank, signature=signature)

    def new_view(
        self, view: int, changes: Sequence[wire.ViewChange], *proposals: tuple[int, bytes]
    ) -> wire.NewView:
        primary = view % 4
        entries = tuple(
            wire.Proposal(sequence, digest, self.sign(primary, PRE_PREPARE, view, sequence, digest))
            for sequence, digest in proposals
        )
        blank = wire.NewView(0, view, tuple(changes), entries, NO_SIGNATURE)
        low = max(one.stable.height for one in changes)
        signature = self.sign(primary, NEW_VIEW, view, low, blank.digest())
        return msgspec.structs.replace(blank, signature=signature)

    # -- what m1 hears and says -----------------------------------------------------------------

    def hear(self, place: int, *messages: wire.Message) -> None:
        for message in messages:
            if isinstance(message, wire.ViewChange):
                checkers = self.stage.checkers
                checkers.on_view_change_heard(f"{ME}/0", message.member, message.view)
            self.stage.inject(f"m{place}", ME, message)

    def order(self, sequence: int, batch: wire.Batch, view: int = 0) -> None:
        """The puppets bring one batch all the way."""
        digest = batch.digest()
        self.hear(view % 4, self.pre_prepare(sequence, batch, view))
        for place in {0, 2, 3} - {view % 4}:
            self.hear(place, self.prepare(place, sequence, digest, view))
        for place in (0, 2, 3):
            self.hear(place, self.commit(place, sequence, digest, view))

    def said(self, kind: type[wire.Message]) -> list[wire.Message]:
        """M1's messages of a kind, each once, in order."""
        heard = [
            one for who, to, one in self.stage.sent if who == ME and to == "m3" if type(one) is kind
        ]
        return list({wire.encode(one): one for one in heard}.values())

    @property
    def executed(self) -> int:
        return self.replica.executed
