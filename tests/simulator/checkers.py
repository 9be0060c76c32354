"""What must hold whatever happens: checked at every event, over all members, all time and all
restarts.

A member is named with its epoch (`m0/1`) where what it says is a matter of one epoch, and plainly
where it binds over all of them: blocks and cosignatures.

Numbers as in consensus.md 2.5: C1 agreement, C2 total order, C4 exactly once, C5 no equivocation,
C6 write-ahead, C7 votes imply certificates. (C12, liveness after healing, is judged by the world's
second phase.)
"""

from __future__ import annotations

from collections.abc import Iterable

from consensus import messages as wire
from consensus import records
from consensus.epoch import COMMIT, NEW_VIEW, PRE_PREPARE, PREPARE, VIEW_CHANGE, Epoch, Seat
from ledger.checkpoint import Checkpoint, Cosignature, verify_cosignature
from ledger.membership import MemberSet
from tests.simulator import judge
from tests.simulator.chain import Block

Key = tuple[str, int, int]  # kind, view, sequence
PROMISE, NEWEST = "promise", "newest"  # the highest view left for, the newest cosignature


class Violation(Exception):
    """A checker found that something that must hold does not."""


class Checkers:
    """The word of an observer who sees every disk and every wire."""

    def __init__(self, genesis: Epoch) -> None:
        self.ruling: dict[int, Epoch] = {1: genesis}  # height -> whose set orders and certifies it
        self._handed_over: dict[str, int] = {}  # the newest epoch that ended durably at a member
        self.marks: dict[str, int] = {}  # what was met, and how often
        self.canonical: dict[int, bytes] = {}  # height -> header hash, from whoever was first
        self._views: dict[str, int] = {}  # the newest view promised or entered, durable
        self._signed: dict[str, dict[Key, bytes]] = {}
        self._promised: dict[str, int] = {}  # the highest view in a VIEW-CHANGE sent
        self._wanted: dict[str, dict[int, int]] = {}  # member -> sender -> highest view heard
        self._prepared: dict[str, dict[int, int]] = {}  # member -> sequence -> view, durable
        self._written: dict[str, dict[Key, bytes]] = {}
        self._cosigned: dict[str, dict[int, bytes]] = {}
        self._newest: dict[str, tuple[int, int]] = {}  # size and timestamp last sent
        self._forgotten: set[tuple[str, object]] = set()  # member and what it said before
        self.contradicted: set[str] = set()  # members with an old copy that did contradict that

    def mark(self, name: str) -> None:
        """Note that something was met: a share that never meets it proves nothing about it."""
        self.marks[name] = self.marks.get(name, 0) + 1

    def _demand(self, held: bool, member: str, what: str, proof: object) -> None:
        if not held:
            raise Violation(f"C7: {member} {what} {type(proof).__name__}, which proves nothing")

    def _on_promise(self, member: str, one: wire.ViewChange) -> None:
        """R-VC-1: a VIEW-CHANGE leaves out nothing its member prepared above its checkpoint."""
        claimed = {certificate.sequence: certificate.view for certificate in one.prepared}
        for sequence, view in self._prepared.get(member, {}).items():
            if sequence > one.stable.height and claimed.get(sequence, -1) < view:
                raise Violation(f"C7: {member} left out what it prepared at {sequence}")

    def _on_first_word(self, member: str, key: Key) -> None:
        """R-VC-9, R-VC-14: after a VIEW-CHANGE no vote in an older view, also after a restart."""
        kind, view, _ = key
        if kind == VIEW_CHANGE:
            self._promised[member] = max(self._promised.get(member, 0), view)
        elif view < self._promised.get(member, 0):
            what = f"votes {key} after promising {self._promised[member]}"
            self._contradiction(member, PROMISE, what)
            self._promised[member] = view

    def on_view_change_heard(self, member: str, sender: int, view: int) -> None:
        """A VIEW-CHANGE arrives at a member."""
        heard = self._wanted.setdefault(member, {})
        heard[sender] = max(heard.get(sender, 0), view)

    def on_wipe(self, member: str, epochs: int) -> None:
        """A member lost its disk: what it said stands, what it held does not."""
        self.mark("lost")
        self._handed_over.pop(member, None)
        for number in range(epochs + 1):
            self._prepared.pop(f"{member}/{number}", None)
            self._views[f"{member}/{number}"] = 1 << 50  # wherever it comes back is no leap

    def on_put_back(self, member: str, epochs: int) -> None:
        """A member got an old copy of its disk. What it forgot, and nobody it can ask knows, it may
        contradict: it is one of the f (R-DW-4). All else that holds of honest members holds of it.
        """
        self.on_wipe(member, epochs)
        for who in [f"{member}/{number}" for number in range(epochs + 1)]:
            self._forgotten.update((who, key) for key in self._signed.get(who, {}))
            self._forgotten.add((who, PROMISE))
        self._forgotten.update((member, size) for size in self._cosigned.get(member, {}))
        self._forgotten.add((member, NEWEST))

    def _contradiction(self, member: str, said: object, what: str) -> None:
        """A member contradicts what it said: excused once for what an old copy made it forget."""
        if (member, said) not in self._forgotten:
            raise Violation(f"C5: {member} {what}")
        self._forgotten.remove((member, said))
        self.contradicted.add(member.partition("/")[0])
        self.mark("old-copy/contradicted")

    def on_join(self, member: str, seat: Seat, view: int, before: int) -> None:
        """R-TL-3, R-TL-4: a member leaves for the next view, or for one that f+1 others want."""
        weak = (seat.members.n - 1) // 3 + 1
        others = sum(one >= view for one in self._wanted.get(member, {}).values())
        if view > before + 1 and others < weak:
            raise Violation(f"C5: {member} follows {others} others from view {before} to {view}")

    def on_window(self, member: str, data: bytes, stable: int, window: int) -> None:
        """C9: no vote above the high mark (R-CP-1)."""
        message = wire.decode(data)
        if isinstance(message, wire.PrePrepare | wire.Prepare | wire.Commit):
            if message.sequence > stable + window:
                raise Violation(
                    f"C9: {member} votes at {message.sequence}, beyond {stable}+{window}"
                )

    # -- C1, C2 ---------------------------------------------------------------------------------

    def on_block(self, member: str, block: Block, length: int) -> None:
        """A member appends a block to its durable chain of that length."""
        height = block.height
        if height != length + 1:
            raise Violation(f"C2: {member} appends height {height} after {length}")
        first = self.canonical.setdefault(height, block.header)
        if first != block.header:
            raise Violation(f"C1: {member} has another block at {height}")
        current = self.ruling[height]
        if block.epoch != current.number:
            raise Violation(f"C2: {member} orders {height} in epoch {block.epoch}")
        if current.number and height == current.base + 1 and block.transactions:
            raise Violation(f"C2: {member} opens epoch {current.number} with transactions")
        self.ruling[height + 1] = block.ruling

    def certifying(self, member: str, size: int, epoch: int) -> MemberSet:
        """The set that certifies a size (R-MB-2), which must be that of this epoch."""
        current = self.ruling.get(size)
        if current is None or current.number != epoch:
            raise Violation(f"C7: {member} certifies {size} in epoch {epoch}")
        return current.members

    def on_handover(self, member: str, epoch: int) -> None:
        """An epoch has ended durably at a member: it says nothing in it any more."""
        self.mark("epoch/ended")
        self._handed_over[member] = epoch

    def on_ordered(
        self, member: str, seat: Seat, certificate: wire.Committed | None, height: int
    ) -> None:
        """C7: a block is ordered only on a commit certificate that anybody can check."""
        if certificate is None or certificate.sequence != height:
            raise Violation(f"C7: {member} ordered {height} without a certificate")
        if not certificate.batch.digests:
            self.mark("ordered/null")
        if certificate.view:
            self.mark("ordered/in-later-view")
        if seat.epoch and height == seat.base + 1:
            self.mark("epoch/opened" if not certificate.view else "epoch/opened-after-view-change")
        self._demand(judge.is_committed(seat, certificate), member, "ordered on", certificate)

    # -- C5, C6 ---------------------------------------------------------------------------------

    def on_record(self, member: str, seat: Seat, data: bytes) -> None:
        """A record became durable. C7: a COMMIT stands beside a prepared certificate."""
        record = records.RECORD.decode(data)
        written = self._written.setdefault(member, {})
        if isinstance(record, records.Accepted):
            one = record.pre_prepare
            kind = PREPARE if record.prepare else PRE_PREPARE
            written[kind, one.view, one.sequence] = one.batch.digest()
        elif isinstance(record, records.Prepared):
            certificate = record.certificate
            self._demand(judge.is_prepared(seat, certificate), member, "holds", certificate)
            self._prepared.setdefault(member, {})[certificate.sequence] = certificate.view
            written[COMMIT, certificate.view, certificate.sequence] = certificate.digest
        elif isinstance(record, records.Promised):
            change = record.view_change
            self._demand(judge.is_view_change(seat, change), member, "promised", change)
            self._on_promise(member, change)
            self.on_join(member, seat, change.view, self._views.get(member, 0))
            self._views[member] = change.view
            written[VIEW_CHANGE, record.view_change.view, 0] = record.view_change.digest()
        elif isinstance(record, records.Lost):
            self._views[member] = 1 << 50  # wherever it comes back is no leap
            if not record.lost:
                self.mark("lost/found")
        elif isinstance(record, records.Entered):
            start = record.new_view
            self._demand(judge.is_new_view(seat, start), member, "entered", start)
            self._mark_new_view(record.new_view)
            self._views[member] = max(self._views.get(member, 0), start.view)
            for key, digest in _statements(record.new_view, seat):
                written[key] = digest

    def _mark_new_view(self, one: wire.NewView) -> None:
        self.mark("new-view/entered")
        if one.view > 1:
            self.mark("new-view/second-in-a-row")
        digests = [proposal.digest for proposal in one.proposals]
        if any(digest != wire.NULL_DIGEST for digest in digests):
            self.mark("new-view/carried")
        if wire.NULL_DIGEST in digests:
            self.mark("new-view/null-filled")
        if len({change.stable.height for change in one.view_changes}) > 1:
            self.mark("new-view/unequal-checkpoints")
        views = {certificate.view for change in one.view_changes for certificate in change.prepared}
        if len(views) > 1 or any(view not in (0, one.view - 1) for view in views):
            self.mark("new-view/certificates-of-several-views")

    def on_cosigned_record(self, member: str, data: bytes) -> None:
        """A cosignature became durable."""
        record = records.COSIGNED_RECORD.decode(data)
        written = self._cosigned.setdefault(member, {})
        known = written.setdefault(record.size, record.root)
        if known != record.root:
            self._contradiction(member, record.size, f"cosigned two roots of size {record.size}")
            written[record.size] = record.root

    def on_send(self, member: str, seat: Seat, data: bytes) -> None:
        """An honest member's message of the replica leaves."""
        message = wire.decode(data)
        if isinstance(message, wire.StableProof) and message.epoch < seat.epoch:
            self.mark("epoch/straggler")
        self.mark(f"sent/{data[2 : 2 + (data[1] & 0x1F)].decode()}")
        signed = self._signed.setdefault(member, {})
        written = self._written.setdefault(member, {})
        for key, digest in _statements(message, seat):
            self._demand_seated(seat, key)
            if key not in signed:
                self._on_first_word(member, key)
            if signed.setdefault(key, digest) != digest:
                self._contradiction(member, key, f"signed two digests for {key}")
                signed[key] = digest
            if written.get(key) != digest:
                raise Violation(f"C6: {member} sent {key} before it was durable")

    def _demand_seated(self, seat: Seat, what: object) -> None:
        """R-MB-3: who has handed an epoch over, to others or to itself, is done with it."""
        if seat.epoch <= self._handed_over.get(seat.me, -1):
            raise Violation(f"C5: {seat.me} says {what} in epoch {seat.epoch}, which it left")

    def on_cosigned(self, member: str, seat: Seat, data: bytes) -> None:
        """An honest member's cosignature leaves: sizes and times never fall, over all epochs; one
        root for each size, signed with the key of that size's epoch.
        """
        message = wire.COSIGNED.decode(data)
        self._demand_seated(seat, f"size {message.size}")
        members = self.certifying(member, message.size, message.epoch)
        line = Cosignature(member, message.timestamp, message.signature)
        checkpoint = Checkpoint(seat.origin, message.size, message.root)
        if not verify_cosignature(checkpoint, line, members, seat.verify):
            raise Violation(f"C5: {member} cosigned {message.size} with a key of another epoch")
        if self._cosigned.setdefault(member, {}).get(message.size) != message.root:
            raise Violation(f"C6: {member} sent a cosignature before it was durable")
        now = (message.size, message.timestamp)
        before = self._newest.get(member, (0, 0))
        if now[0] < before[0] or now[1] < before[1]:
            self._contradiction(member, NEWEST, f"cosigned {now} after {before}")
        self._newest[member] = now


def _statements(message: wire.Message, seat: Seat) -> Iterable[tuple[Key, bytes]]:
    """What the member of this seat itself says by sending this."""
    place = seat.index
    if isinstance(message, wire.PrePrepare):
        if seat.primary(message.view) == place:
            yield (PRE_PREPARE, message.view, message.sequence), message.batch.digest()
    elif isinstance(message, wire.Prepare):
        yield (PREPARE, message.view, message.sequence), message.digest
    elif isinstance(message, wire.Commit):
        yield (COMMIT, message.view, message.sequence), message.digest
    elif isinstance(message, wire.ViewChange):
        if message.member == place:
            yield (VIEW_CHANGE, message.view, 0), message.digest()
    elif isinstance(message, wire.NewView) and seat.primary(message.view) == place:
        yield (NEW_VIEW, message.view, 0), message.digest()
        for one in message.proposals:
            yield (PRE_PREPARE, message.view, one.sequence), one.digest
