"""One honest member against an adversary that owns all other keys, the clients, the clock, and the
moment when power is lost: Hypothesis plays it.

Whatever q liars make of the order (they may well split the chain, being more than f), m1 never
raises, never signs two things for one place, also across power cuts (C5), says nothing that is not
durable (C6), commits and orders only on proof (C7), votes within its window and holds no more than
its limits allow (C9); it never goes back to a view it left, nor to a height below its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import replace

from consensus import messages as wire
from consensus.new_view import choose
from ledger.errors import Malformed
from tests.paper.alone import ME, Alone
from tests.simulator.chain import CERTIFIER, REPLICA
from tests.simulator.inspection import check_bounds
from tests.simulator.judge import is_view_change

PUPPETS = (0, 2, 3)
places = st.sampled_from(PUPPETS)
views = st.integers(0, 6)
sequences = st.integers(0, 14)
contents = st.integers(0, 5)  # which batch
some_puppets = st.lists(places, min_size=1, max_size=3, unique=True)


class OneAgainstAll(RuleBasedStateMachine):
    """The adversary's moves; the checkers of the stage judge each."""

    def __init__(self) -> None:
        super().__init__()
        self.alone = Alone()
        self.stage = self.alone.stage
        self.member = self.stage[ME]
        self.passed: list[tuple[int, bytes]] = []  # what was said to m1, by whom
        self.claims: list[wire.PreparedCertificate] = []
        self.changes: dict[int, dict[int, wire.ViewChange]] = {}
        self.settled = 0  # highest view and height seen since power was last lost
        self.height = 0

    def say(self, place: int, message: wire.Message) -> None:
        self.passed.append((place, wire.encode(message)))
        if self.member.up:
            self.alone.hear(place, message)

    def batch(self, content: int) -> wire.Batch:
        """Content 0 is the null request; bodies are given apart, or never."""
        if not content:
            return wire.Batch(0, b"")
        one = self.stage.transaction(content)
        return wire.Batch(self.stage.wall_ms(self.member) + content, one.digest)

    # -- the normal case ------------------------------------------------------------------------

    @rule(numbers=st.lists(st.integers(1, 8), min_size=1, max_size=3))
    def a_client_submits(self, numbers: list[int]) -> None:
        if self.member.up:
            self.stage.submit(ME, *numbers)

    @rule(place=places, content=st.integers(1, 5))
    def a_body_arrives(self, place: int, content: int) -> None:
        self.say(place, wire.Transactions((self.stage.transaction(content).raw,)))

    @rule(sequence=sequences, content=contents, view=views)
    def something_is_proposed(self, sequence: int, content: int, view: int) -> None:
        if view % 4 != 1:
            proposal = self.alone.pre_prepare(sequence, self.batch(content), view)
            self.say(view % 4, proposal)

    @rule(voters=some_puppets, sequence=sequences, content=contents, view=views, kind=st.booleans())
    def votes_arrive(
        self, voters: list[int], sequence: int, content: int, view: int, kind: bool
    ) -> None:
        make = self.alone.prepare if kind else self.alone.commit
        for place in voters:
            self.say(place, make(place, sequence, self.batch(content).digest(), view))

    @rule(content=st.integers(1, 5), upto=st.integers(1, 4), ahead=st.integers(0, 2))
    def a_round_goes_well(self, content: int, upto: int, ahead: int) -> None:
        """In m1's view, so far: proposed, prepared, or all the way and certified."""
        replica = self.member.replica
        view, sequence = replica.view, replica.executed + 1 + ahead
        if view % 4 == 1 or not self.member.up:
            return
        self.say(0, wire.Transactions((self.stage.transaction(content).raw,)))
        batch = self.batch(content)
        digest = batch.digest()
        self.say(view % 4, self.alone.pre_prepare(sequence, batch, view))
        for place in set(PUPPETS) - {view % 4} if upto > 1 else ():
            self.say(place, self.alone.prepare(place, sequence, digest, view))
        if upto > 1:
            self.claims.append(self.alone.prepared(sequence, digest, view))
        for place in PUPPETS if upto > 2 else ():
            self.say(place, self.alone.commit(place, sequence, digest, view))
        if upto > 3:
            self.lines_for_the_own_chain(0)

    @rule(late=st.integers(0, 3_000))
    def lines_for_the_own_chain(self, late: int) -> None:
        """Two puppets cosign what m1 executed last: that height becomes stable."""
        if self.member.up and self.member.disk.chain:
            block = self.member.disk.chain[-1]
            self.cosign((0, 2), block.height, block.root, late)

    @rule(size=st.integers(0, 30), root=st.binary(min_size=32, max_size=32), place=places)
    def a_lying_line(self, size: int, root: bytes, place: int) -> None:
        self.cosign((place,), size, root, 0)

    def cosign(self, voters: Sequence[int], size: int, root: bytes, late: int) -> None:
        for place in voters:
            seconds = self.stage.wall_ms(self.member) // 1000 + late
            signature = self.stage.line(f"m{place}", 0, size, root, seconds)
            word = wire.COSIGNED.encode(wire.Cosigned(0, size, root, seconds, signature))
            if self.member.up:
                self.member.deliver(CERTIFIER, f"m{place}", word)
                self.stage.settle()

    @rule(
        place=places,
        height=st.integers(1, 30),
        by=st.sampled_from(((0,), (0, 2), (0, 2, 3), (0, 2, 2))),
        spoilt=st.booleans(),
        view=st.none() | views,
    )
    def a_checkpoint_is_shown(
        self, place: int, height: int, by: tuple[int, ...], spoilt: bool, view: int | None
    ) -> None:
        """By itself, or as if m1 had asked where it stood; mostly without a proof that holds."""
        stable = self.alone.stable(height, by)
        if spoilt:
            stable = replace(stable, root=bytes(32))
        elif len(set(by)) > 2:
            stable = replace(stable, height=height + 1)  # true proofs come with the own chain
        nonce = self.member.replica._recollection._nonce
        shown = wire.StableProof(0, stable)
        self.say(place, shown if view is None else wire.Recalled(0, nonce, view, stable))

    # -- view changes ---------------------------------------------------------------------------

    @rule(voters=some_puppets, ahead=st.integers(-1, 3), data=st.data(), stable=st.booleans())
    def they_want_another_view(
        self, voters: list[int], ahead: int, data: st.DataObject, stable: bool
    ) -> None:
        view = max(1, self.member.replica.view + ahead)
        point = wire.GENESIS_STABLE
        proven = self.member.proven
        if stable and proven is not None:
            point = wire.Stable.of(proven, self.stage.epoch.members)
        usable = {c.sequence: c for c in self.claims if c.view < view and c.sequence > point.height}
        for place in voters:
            chosen = data.draw(st.sets(st.sampled_from(sorted(usable)))) if usable else set()
            prepared = [usable[sequence] for sequence in sorted(chosen)]
            change = self.alone.view_change(place, view, *prepared, stable=point)
            self.changes.setdefault(view, {})[place] = change
            self.say(place, change)

    @precondition(lambda self: any(len(heard) > 2 for heard in self.changes.values()))
    @rule(data=st.data(), lie=st.integers(0, 4))
    def a_view_is_started(self, data: st.DataObject, lie: int) -> None:
        """As it must be, or leaving out, adding, exchanging, or without enough VIEW-CHANGEs."""
        ready = sorted(view for view, heard in self.changes.items() if len(heard) > 2)
        view = data.draw(st.sampled_from(ready))
        if view % 4 == 1:
            return
        changes = [self.changes[view][place] for place in PUPPETS]
        choice = choose(changes)
        proposals = list(choice.proposals)
        if lie == 1:
            proposals = proposals[:-1]
        elif lie == 2:
            top = max([choice.stable.height, *[sequence for sequence, _ in proposals]])
            proposals.append((top + 1, wire.NULL_DIGEST))
        elif lie == 3:
            proposals = [(sequence, wire.NULL_DIGEST) for sequence, _ in proposals]
        elif lie == 4:
            changes = changes[1:]
        self.say(view % 4, self.alone.new_view(view, changes, *proposals))

    # -- anything -------------------------------------------------------------------------------

    @precondition(lambda self: self.passed)
    @rule(data=st.data(), place=places, flips=st.lists(st.integers(0, 7), max_size=3))
    def something_old_is_said_again(
        self, data: st.DataObject, place: int, flips: list[int]
    ) -> None:
        """By whoever, and with bits turned."""
        blob = bytearray(data.draw(st.sampled_from(self.passed))[1])
        for bit in flips:
            blob[data.draw(st.integers(0, len(blob) - 1))] ^= 1 << bit
        self.raw(place, bytes(blob))

    @rule(place=places, data=st.data())
    def its_own_words_come_back(self, place: int, data: st.DataObject) -> None:
        own = [message for sender, _, message in self.stage.sent if sender == ME][-50:]
        if own:
            self.raw(place, wire.encode(data.draw(st.sampled_from(own))))

    @rule(place=places, blob=st.binary(max_size=80))
    def bytes_arrive(self, place: int, blob: bytes) -> None:
        self.raw(place, blob)

    def raw(self, place: int, data: bytes) -> None:
        """Any bytes, also ones that are a VIEW-CHANGE: the observer must know that it came."""
        if not self.member.up:
            return
        try:
            message = wire.decode(data)
        except Malformed:
            message = None
        if isinstance(message, wire.ViewChange) and is_view_change(self.stage.seat, message):
            self.stage.checkers.on_view_change_heard(f"{ME}/0", message.member, message.view)
        self.member.deliver(REPLICA, f"m{place}", data)
        self.member.deliver(CERTIFIER, f"m{place}", data)
        self.stage.settle()

    @rule(count=st.sampled_from((1, 5, 45, 90)))
    def time_passes(self, count: int) -> None:
        self.stage.ticks(count)

    # -- power ----------------------------------------------------------------------------------

    @rule()
    def power_is_lost(self) -> None:
        self.stage.crash(ME)
        self.settled = 0

    @rule(writes=st.integers(1, 4))
    def power_will_be_lost_at_a_write(self, writes: int) -> None:
        self.member.crash_at_write = self.member.writes + writes

    @rule()
    def power_comes_back(self) -> None:
        if not self.member.up:
            self.stage.restart(ME)
            self.settled = 0

    # -- what must hold -------------------------------------------------------------------------

    @invariant()
    def nothing_goes_back(self) -> None:
        assert self.member.height >= self.height
        self.height = self.member.height
        if self.member.up:
            view = self.member.replica.view
            assert view >= self.settled
            self.settled = view
            check_bounds(self.member)
            assert self.member.replica.executed <= self.member.height


TestOneAgainstAll = OneAgainstAll.TestCase
TestOneAgainstAll.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
