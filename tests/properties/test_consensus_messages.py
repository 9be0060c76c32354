"""Whatever bytes arrive, a member goes on; and what it decodes it would spell the same way."""

from __future__ import annotations

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from consensus import messages as wire
from consensus.epoch import COMMIT, NEW_VIEW, PRE_PREPARE, PREPARE, VIEW_CHANGE
from ledger.errors import Malformed
from tests.simulator import inspection
from tests.simulator.chain import CERTIFIER, REPLICA
from tests.simulator.stage import Stage

DIGESTS = st.binary(min_size=32, max_size=32)
SIGNATURES = st.binary(min_size=64, max_size=64)
NUMBERS = st.integers(0, 2**53 - 1)
SMALL = st.integers(0, 40)

BATCHES = st.builds(
    lambda time, digests: wire.Batch(time, b"".join(dict.fromkeys(digests))),
    NUMBERS,
    st.lists(DIGESTS, max_size=4),
)
SEALS = st.lists(st.integers(0, 15), unique=True, max_size=5).flatmap(
    lambda places: st.tuples(
        *[st.builds(wire.Seal, st.just(one), SIGNATURES) for one in sorted(places)]
    )
)
LINES = st.lists(st.integers(0, 15), unique=True, max_size=5).flatmap(
    lambda places: st.tuples(
        *[st.builds(wire.Line, st.just(one), NUMBERS, SIGNATURES) for one in sorted(places)]
    )
)
STABLES = st.just(wire.GENESIS_STABLE) | st.builds(wire.Stable, SMALL, DIGESTS, LINES)


def distinct(
    ones: list[wire.PreparedCertificate] | list[wire.ViewChange],
) -> tuple[wire.PreparedCertificate | wire.ViewChange, ...]:
    """One for each place, places ascending: another spelling is no message."""
    by_place = {
        one.member if isinstance(one, wire.ViewChange) else one.sequence: one for one in ones
    }
    return tuple(by_place[place] for place in sorted(by_place))


PREPARED = st.lists(
    st.builds(wire.PreparedCertificate, SMALL, SMALL, DIGESTS, SIGNATURES, SEALS), max_size=3
).map(distinct)
VIEW_CHANGES = st.builds(
    wire.ViewChange, st.just(0), SMALL, st.integers(0, 15), STABLES, PREPARED, SIGNATURES
)
PROPOSALS = st.lists(SMALL, max_size=3, unique=True).flatmap(
    lambda sequences: st.tuples(
        *[st.builds(wire.Proposal, st.just(one), DIGESTS, SIGNATURES) for one in sorted(sequences)]
    )
)
RAWS = st.lists(st.binary(min_size=1, max_size=80), max_size=3).map(tuple)
BLOBS = st.lists(DIGESTS, max_size=4).map(b"".join)
KINDS: dict[type[wire.Message], st.SearchStrategy[wire.Message]] = {
    wire.PrePrepare: st.builds(wire.PrePrepare, st.just(0), SMALL, SMALL, BATCHES, SIGNATURES),
    wire.Prepare: st.builds(wire.Prepare, st.just(0), SMALL, SMALL, DIGESTS, SIGNATURES),
    wire.Commit: st.builds(wire.Commit, st.just(0), SMALL, SMALL, DIGESTS, SIGNATURES),
    wire.ViewChange: VIEW_CHANGES,
    wire.NewView: st.builds(
        wire.NewView,
        st.just(0),
        SMALL,
        st.lists(VIEW_CHANGES, max_size=3).map(distinct),
        PROPOSALS,
        SIGNATURES,
    ),
    wire.Committed: st.builds(wire.Committed, st.just(0), SMALL, SMALL, BATCHES, SEALS),
    wire.StableProof: st.builds(wire.StableProof, st.just(0), STABLES),
    wire.Status: st.builds(wire.Status, st.just(0), SMALL, st.booleans(), SMALL, SMALL),
    wire.Transactions: st.builds(wire.Transactions, RAWS),
    wire.Overdue: st.builds(wire.Overdue, st.just(0), RAWS),
    wire.Settled: st.builds(wire.Settled, st.just(0), BLOBS),
    wire.Recall: st.builds(wire.Recall, st.just(0), NUMBERS),
    wire.Recalled: st.builds(wire.Recalled, st.just(0), NUMBERS, SMALL, STABLES),
    wire.Fetch: st.builds(wire.Fetch, BLOBS, BLOBS),
    wire.Batches: st.builds(wire.Batches, st.lists(BATCHES, max_size=3).map(tuple)),
}
MESSAGES = st.one_of(*KINDS.values())
WORDS = st.builds(wire.Cosigned, st.just(0), NUMBERS, DIGESTS, NUMBERS, SIGNATURES)


SIGNED: dict[str, type[wire.Message]] = {
    PRE_PREPARE: wire.PrePrepare,
    PREPARE: wire.Prepare,
    COMMIT: wire.Commit,
    VIEW_CHANGE: wire.ViewChange,
    NEW_VIEW: wire.NewView,
}


def signed_by_m3(stage: Stage, kind: str, one: wire.Message) -> wire.Message:
    """The same, as m3 would sign it."""
    if isinstance(one, wire.ViewChange):
        one = replace(one, member=3)
        place = (one.view, one.stable.height, one.digest())
    elif isinstance(one, wire.NewView):
        low = max([change.stable.height for change in one.view_changes], default=0)
        place = (one.view, low, one.digest())
    elif isinstance(one, wire.PrePrepare):
        place = (one.view, one.sequence, one.batch.digest())
    else:
        assert isinstance(one, wire.Prepare | wire.Commit), "the other kinds are not signed"
        place = (one.view, one.sequence, one.digest)
    return replace(one, signature=stage.vote("m3", 0, kind, *place))


def test_every_kind_of_message_is_made_up_here() -> None:
    assert set(KINDS) == set(get_args(wire.Message))


@given(MESSAGES)
def test_every_message_is_decoded_to_itself(message: wire.Message) -> None:
    assert wire.decode(wire.encode(message)) == message


@given(st.binary(max_size=300))
def test_bytes_are_a_message_in_its_only_spelling_or_refused(data: bytes) -> None:
    try:
        message = wire.decode(data)
    except Malformed:
        return
    assert wire.encode(message) == data


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["m1", "m2", "m3", "x"]),
            st.one_of(
                st.binary(max_size=120), MESSAGES.map(wire.encode), WORDS.map(wire.COSIGNED.encode)
            ),
        ),
        max_size=20,
    )
)
def test_a_member_survives_any_bytes_within_its_bounds_and_still_orders(
    hostile: list[tuple[str, bytes]],
) -> None:
    """C9, R-RS-1: made up, and unsigned; m0 reads each of them with both machines."""
    stage = Stage()
    for sender, data in hostile:
        for machine in (REPLICA, CERTIFIER):
            stage["m0"].deliver(machine, sender, data)
    inspection.check_bounds(stage["m0"])
    stage.submit("m1", 1)
    assert stage.heights()[1:] == [1, 1, 1]
    inspection.check_bounds(stage["m0"])


@given(st.data(), st.lists(st.sampled_from(sorted(SIGNED)), min_size=1, max_size=25))
def test_what_one_liar_signs_neither_stops_a_member_nor_grows_it(
    data: st.DataObject, kinds: list[str]
) -> None:
    """C9, R-RS-1: every kind of vote, whatever it holds, under the true key of m3."""
    stage = Stage()
    for kind in kinds:
        made = data.draw(KINDS[SIGNED[kind]])
        stage["m0"].deliver(REPLICA, "m3", wire.encode(signed_by_m3(stage, kind, made)))
    inspection.check_bounds(stage["m0"])
    stage.submit("m1", 1)
    stage.until(lambda: stage.heights()[:3] == [1, 1, 1])
    inspection.check_bounds(stage["m0"])
