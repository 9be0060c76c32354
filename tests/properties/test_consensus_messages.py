"""Whatever bytes arrive, a replica goes on; and what it decodes it would spell the same way."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from consensus import Deliver
from consensus import messages as wire
from ledger.errors import Malformed
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
MESSAGES = st.one_of(
    st.builds(wire.PrePrepare, st.just(0), SMALL, SMALL, BATCHES, SIGNATURES),
    st.builds(wire.Prepare, st.just(0), SMALL, SMALL, DIGESTS, SIGNATURES),
    st.builds(wire.Commit, st.just(0), SMALL, SMALL, DIGESTS, SIGNATURES),
    st.builds(wire.Committed, st.just(0), SMALL, SMALL, BATCHES, SEALS),
    st.builds(wire.Status, st.just(0), SMALL, st.booleans(), SMALL, SMALL),
    st.builds(wire.Fetch, DIGESTS, DIGESTS),
    st.builds(wire.Batches, st.lists(BATCHES, max_size=3).map(tuple)),
    st.builds(
        wire.Transactions, st.lists(st.binary(min_size=1, max_size=80), max_size=3).map(tuple)
    ),
)


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
                st.binary(max_size=120),
                MESSAGES.map(wire.encode),
            ),
        ),
        max_size=20,
    )
)
def test_a_replica_survives_any_bytes_and_still_orders(hostile: list[tuple[str, bytes]]) -> None:
    stage = Stage()
    for sender, data in hostile:
        stage["m0"].replica.step(Deliver(sender, data))
    stage.submit("m1", 1)
    assert stage.heights()[1:] == [1, 1, 1]
