"""Messages, records and findings in words. The same thing is always said in the same words.

Transactions are `t1`, `t2`, ...; a batch is `[t1 t2]`, the null request `null`; `v0 s1` is view 0,
sequence 1. Times are seconds since the story began.
"""

from __future__ import annotations

from consensus import Evidence, Finding
from consensus import messages as wire
from consensus import records as durable
from ledger.checkpoint import Certificate
from ledger.merkle_log import leaf_hash
from tests.simulator.stage import EPOCH_MS

__all__ = ["KINDS", "MADE_UP", "Words", "kind_of"]

MADE_UP = (bytes([0xEE]) * 32, bytes([0xBB]) * 32)  # the roots that liars claim

# What a story may show or hide, by the kind of the thing told.
KINDS: dict[type[object], str] = {
    wire.Transactions: "bodies",
    wire.PrePrepare: "votes",
    wire.Prepare: "votes",
    wire.Commit: "votes",
    wire.Committed: "help",
    wire.ViewChange: "views",
    wire.NewView: "views",
    wire.StableProof: "help",
    wire.Status: "status",
    wire.Overdue: "reminders",
    wire.Settled: "reminders",
    wire.Recall: "recalls",
    wire.Recalled: "recalls",
    wire.Fetch: "help",
    wire.Batches: "help",
    wire.Cosigned: "cosignatures",
}


def kind_of(message: object) -> str:
    """The kind under which a message is shown or hidden."""
    return KINDS.get(type(message), type(message).__name__.lower())


class Words:
    """Names for what a story has met; a name once given stays."""

    def __init__(self) -> None:
        self._transactions: dict[bytes, str] = {}
        self._batches: dict[bytes, str] = {wire.NULL_DIGEST: "null"}
        self._roots: dict[int, bytes] = {}

    def meet(self, digest: bytes, number: int) -> None:
        """A transaction of a client gets its name."""
        self._transactions[digest] = f"t{number}"

    def transaction(self, digest: bytes) -> str:
        return self._transactions.get(digest, "an unknown transaction")

    def transactions(self, digests: list[bytes]) -> str:
        return " ".join(self.transaction(one) for one in digests)

    def batch(self, batch: wire.Batch) -> str:
        """Name a batch by what is in it; another batch of the same things is `[t1]′`."""
        digest = batch.digest()
        if digest not in self._batches:
            name = f"[{self.transactions(batch.names())}]"
            while name in self._batches.values():
                name += "′"
            self._batches[digest] = name
        return self._batches[digest]

    def digest(self, digest: bytes) -> str:
        return self._batches.get(digest, "an unknown batch")

    def meet_root(self, size: int, root: bytes) -> None:
        """The root of a size of the chain log, as members that do not err know it."""
        self._roots[size] = root

    def size(self, size: int, root: bytes) -> str:
        """Name a size of the chain log, and say so when the root is not the true one."""
        if root in MADE_UP:
            return f"size {size}, a {('made-up', 'second made-up')[MADE_UP.index(root)]} root,"
        return f"size {size}" + ("" if self._roots.get(size, root) == root else ", another root,")

    # -- messages -------------------------------------------------------------------------------

    def message(self, one: object) -> str:
        """A message in words."""
        return str(getattr(self, f"_{type(one).__name__}")(one))

    def _Transactions(self, one: wire.Transactions) -> str:  # noqa: N802
        return self.transactions([leaf_hash(raw) for raw in one.raws])

    def _PrePrepare(self, one: wire.PrePrepare) -> str:  # noqa: N802
        return f"pre-prepare v{one.view} s{one.sequence} {self.batch(one.batch)}"

    def _Prepare(self, one: wire.Prepare) -> str:  # noqa: N802
        return f"prepare v{one.view} s{one.sequence} {self.digest(one.digest)}"

    def _Commit(self, one: wire.Commit) -> str:  # noqa: N802
        return f"commit v{one.view} s{one.sequence} {self.digest(one.digest)}"

    def _Committed(self, one: wire.Committed) -> str:  # noqa: N802
        by = _places(seal.member for seal in one.commits)
        return f"committed v{one.view} s{one.sequence} {self.batch(one.batch)} by {by}"

    def _ViewChange(self, one: wire.ViewChange) -> str:  # noqa: N802
        prepared = [self._certificate(certificate) for certificate in one.prepared]
        return (
            f"view-change to v{one.view}: stable {one.stable.height}, "
            f"prepared {', '.join(prepared) or 'nothing'}"
        )

    def _NewView(self, one: wire.NewView) -> str:  # noqa: N802
        by = _places(view_change.member for view_change in one.view_changes)
        what = [f"s{entry.sequence} {self.digest(entry.digest)}" for entry in one.proposals]
        return f"new-view v{one.view} of {by}: {', '.join(what) or 'nothing to propose again'}"

    def _StableProof(self, one: wire.StableProof) -> str:  # noqa: N802
        return f"stable {one.stable.height}, with proof"

    def _Status(self, one: wire.Status) -> str:  # noqa: N802
        mode = "active" if one.active else "changing"
        return f"status v{one.view} {mode}, executed {one.executed}, stable {one.stable}"

    def _Overdue(self, one: wire.Overdue) -> str:  # noqa: N802
        return f"overdue {self.transactions([leaf_hash(raw) for raw in one.raws])}"

    def _Settled(self, one: wire.Settled) -> str:  # noqa: N802
        return f"settled {self.transactions(_split(one.digests))}"

    def _Recall(self, one: wire.Recall) -> str:  # noqa: N802
        return "recall: where do you stand?"

    def _Recalled(self, one: wire.Recalled) -> str:  # noqa: N802
        return f"recalled: v{one.view}, stable {one.stable.height}"

    def _Fetch(self, one: wire.Fetch) -> str:  # noqa: N802
        wanted = [f"batch {self.digest(digest)}" for digest in _split(one.batches)]
        wanted += [self.transaction(digest) for digest in _split(one.transactions)]
        return f"fetch {', '.join(wanted)}"

    def _Batches(self, one: wire.Batches) -> str:  # noqa: N802
        return f"batches {' '.join(self.batch(batch) for batch in one.batches)}"

    def _Cosigned(self, one: wire.Cosigned) -> str:  # noqa: N802
        return f"cosigned {self.size(one.size, one.root)} at {seconds(one.timestamp)}"

    # -- records and findings -------------------------------------------------------------------

    def _certificate(self, one: wire.PreparedCertificate) -> str:
        return f"s{one.sequence} {self.digest(one.digest)} in v{one.view}"

    def record(self, one: object) -> str:
        """A durable record in words: what its member can never deny or forget."""
        if isinstance(one, durable.Accepted):
            place = one.pre_prepare
            what = f"v{place.view} s{place.sequence} {self.batch(place.batch)} with its bodies"
            return f"prepare {what}" if one.prepare else f"pre-prepare {what}"
        if isinstance(one, durable.Prepared):
            by = _places(seal.member for seal in one.certificate.prepares)
            held = one.certificate
            what = f"v{held.view} s{held.sequence} {self.digest(held.digest)}"
            return f"commit {what}, and its prepared certificate by {by}"
        if isinstance(one, durable.Promised):
            return self._ViewChange(one.view_change)
        if isinstance(one, durable.Entered):
            return self._NewView(one.new_view)
        if isinstance(one, durable.Lost):
            return "ballots lost: sign nothing" if one.lost else "ballots found: may sign again"
        if isinstance(one, durable.Base):
            return f"base: v{one.view}, stable {one.stable.height}"
        if isinstance(one, durable.CosignedRecord):
            return f"cosigned {self.size(one.size, one.root)} at {seconds(one.timestamp)}"
        return type(one).__name__.lower()

    def finding(self, finding: Finding) -> str:
        """A finding in words."""
        if not isinstance(finding, Evidence):
            return f"{finding.member}: {finding.code}"
        first = finding.first
        if first.kind == "cosignature":
            place = f"size {first.sequence}"
        elif first.kind in {"view-change", "new-view"}:
            place = f"v{first.view}"
        else:
            place = f"v{first.view} s{first.sequence}"
        return f"{finding.member}: two {first.kind}s for {place}, both signed"

    def certificate(self, one: Certificate) -> str:
        """A certificate in words; `as of` is the least of its timestamps."""
        by = " ".join(line.member for line in one.cosignatures)
        size = self.size(one.checkpoint.size, one.checkpoint.root)
        return f"{size} by {by}, as of {seconds(min(one.timestamps()))}"


def seconds(timestamp: int) -> str:
    """Seconds since the story began."""
    return f"{timestamp - EPOCH_MS // 1000} s"


def _places(places: object) -> str:
    return " ".join(f"m{place}" for place in places)  # type: ignore[attr-defined]


def _split(blob: bytes) -> list[bytes]:
    return [blob[at : at + 32] for at in range(0, len(blob), 32)]
