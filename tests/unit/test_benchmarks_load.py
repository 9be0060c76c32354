"""The load of the benchmark is a fixed mix that the contracts accept; its arithmetic is right."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest

from benchmarks import load
from benchmarks.figures import REST, Sample, Usage, Window, per_piece, percentile, split
from benchmarks.settings import Settings
from benchmarks.steady import alone
from chaincode.runtime import Outcome, Runtime
from client import protocol
from client.calls import Call
from ledger.block import RESULT
from ledger.genesis import Account, Genesis, Organisation
from ledger.keys import Ed25519Signer
from ledger.membership import Member, MemberSet
from ledger.transaction import Transaction

START = 1_579_852_800_000
DONATIONS = 3


class Chain:
    """The contracts over a state in memory, without signatures checked, votes or disk."""

    def __init__(self) -> None:
        self.keys = {account: load.signer(account) for account, _ in load.accounts()}
        self.genesis = founded(self.keys)
        self.runtime = Runtime(self.genesis)
        self.values: dict[bytes, bytes] = {}
        self.ids: set[tuple[int, bytes]] = set()
        self.height = self.nonce = 0
        self.keep(self.runtime.genesis_outcome())

    def value(self, key: bytes) -> bytes | None:
        return self.values.get(key)

    def consumed(self, bucket: int, transaction_id: bytes) -> bool:
        return (bucket, transaction_id) in self.ids

    def keep(self, outcome: Outcome) -> None:
        for key, value in outcome.writes.items():
            if value is None:
                del self.values[key]
            else:
                self.values[key] = value
        self.ids.update(outcome.consumed)

    def execute(self, calls: list[Call]) -> list[str]:
        """Put the calls into one block; give the code of each."""
        self.height += 1
        now = START + self.height
        batch = [self.signed(call, now) for call in calls]
        outcome = self.runtime.execute(self, self.height, now, batch)
        self.keep(outcome)
        return [RESULT.decode(result).code for result in outcome.results]

    def signed(self, call: Call, now: int) -> Transaction:
        self.nonce += 1
        nonce = self.nonce.to_bytes(16, "big")
        return protocol.build(call, self.genesis, self.keys, now, nonce)


def founded(keys: dict[str, Ed25519Signer]) -> Genesis:
    cast = load.cast(("one",), keys)
    accounts = tuple(
        Account(a["id"], a["organisation"], (bytes.fromhex(a["keys"][0]),), tuple(a["roles"]))
        for a in cast["accounts"]
    )
    organisations = tuple(Organisation(o["id"], o["name"]) for o in cast["organisations"])
    member = Member(bytes(32), "one", bytes([1]) * 32, b"certificate", bytes([2]) * 32)
    return Genesis(cast["name"], START, {}, organisations, accounts, MemberSet((member,)))


@pytest.fixture(scope="module")
def loaded() -> Chain:
    chain = Chain()
    assert set(chain.execute(load.master())) == {"accepted"}
    assert set(chain.execute(list(load.preload(DONATIONS)))) == {"accepted"}
    return chain


def test_nothing_of_the_mix_is_refused_by_the_contracts(loaded: Chain) -> None:
    flows = [load.Flow(itertools.count(n, 2), 2, DONATIONS) for n in range(2)]
    for _ in range(9):
        codes = loaded.execute([call for flow in flows for call in flow.request()])
        assert set(codes) == {"accepted"}


def test_a_lot_serves_many_chains_before_it_is_empty(loaded: Chain) -> None:
    lots = DONATIONS * load.LOTS_PER_DONATION
    same = [1_000 + lots * turn for turn in range(20)]
    for step in range(len(load.STEPS)):
        calls = [load.call(chain, step, DONATIONS) for chain in same]
        assert set(loaded.execute(calls)) == {"accepted"}


def test_a_large_donation_adds_the_entities_it_is_counted_for(loaded: Chain) -> None:
    before = len(loaded.values)
    (call,) = itertools.islice(load.preload(DONATIONS + 1), DONATIONS, None)
    assert loaded.execute([call]) == ["accepted"]
    # One donor and no other index is new with it; the runtime's own entries are not entities.
    assert len(loaded.values) - before in (
        load.ENTITIES_PER_PRELOAD,
        load.ENTITIES_PER_PRELOAD + 1,
    )


def test_a_primed_flow_gives_the_six_kinds_in_equal_parts() -> None:
    flow = load.Flow(itertools.count(), 7, DONATIONS)
    requests = [flow.request() for _ in range(8)]
    assert [len(request) for request in requests] == [7, 14, 21, 28, 35, 42, 42, 42]
    assert Counter(call.function for call in requests[-1]) == dict.fromkeys(load.STEPS, 7)


def test_a_chain_takes_its_next_step_in_the_next_request_and_never_two_at_once() -> None:
    flow = load.Flow(itertools.count(), 1, DONATIONS)
    requests = [flow.request() for _ in range(7)]
    assert [load.call(0, step, DONATIONS) for step in range(6)] == [
        requests[step][step] for step in range(6)
    ]


def test_a_thousand_accounts_sign_a_minute_of_load() -> None:
    donations = 3_031
    signers = {
        account
        for chain in range(4_000)
        for step in range(len(load.STEPS))
        for account in load.call(chain, step, donations).accounts
    }
    assert len(signers) == 1_000
    assert len(dict(load.accounts())) == 1_001


def test_the_chains_visit_every_loaded_lot_before_they_visit_one_again() -> None:
    donations = 31
    lots = donations * load.LOTS_PER_DONATION
    visited = {load.call(chain, 1, donations).arguments["lot"] for chain in range(lots)}
    assert len(visited) == lots


def test_accounts_keys_are_the_same_in_every_run_and_differ_between_accounts() -> None:
    assert load.signer("depot-0.custodian-0").public == load.signer("depot-0.custodian-0").public
    assert load.signer("depot-0.custodian-0").public != load.signer("depot-0.custodian-1").public


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([(5.0, 1)], 50, 5.0),
        ([(1.0, 1), (2.0, 1), (3.0, 1), (4.0, 1)], 50, 2.0),
        ([(4.0, 1), (1.0, 1), (3.0, 1), (2.0, 1)], 75, 3.0),
        ([(1.0, 99), (9.0, 1)], 99, 1.0),
        ([(1.0, 98), (9.0, 2)], 99, 9.0),
        ([(1.0, 1), (9.0, 1)], 100, 9.0),
        ([(1.0, 300), (2.0, 100)], 50, 1.0),
    ],
)
def test_a_percentile_is_the_nearest_rank(
    values: list[tuple[float, int]], percent: int, expected: float
) -> None:
    assert percentile(values, percent) == expected


@pytest.mark.parametrize(("values", "percent"), [([], 50), ([(1.0, 1)], 0), ([(1.0, 1)], 101)])
def test_a_percentile_of_nothing_or_beyond_all_is_refused(
    values: list[tuple[float, int]], percent: int
) -> None:
    with pytest.raises(ValueError, match=r"no values|percent"):
        percentile(values, percent)


def test_a_window_counts_only_what_was_answered_within_it() -> None:
    samples = [
        Sample(9.9, 0.5, 100),
        Sample(10.0, 0.1, 30),
        Sample(11.9, 0.3, 10),
        Sample(12.0, 0.9, 50),
    ]
    window = Window.of(samples, 10.0, 12.0)
    assert (window.count, window.rate, window.seconds) == (40, 20.0, 2.0)
    assert (window.p50_ms, window.p99_ms) == (100.0, 300.0)


def test_what_no_stage_claims_of_the_members_time_is_the_rest() -> None:
    before = Usage(0.0, 10.0, 1.0, {"tree": 2.0, "store": 1.0})
    after = Usage(5.0, 16.0, 2.0, {"tree": 4.0, "store": 2.0})
    spent = split(before, after, 1_000)
    assert spent == pytest.approx({"tree": 2_000.0, "store": 1_000.0, REST: 3_000.0})
    assert sum(spent.values()) == pytest.approx(per_piece(6.0, 1_000))


def test_nothing_done_costs_nothing_a_piece() -> None:
    assert per_piece(3.0, 0) == 0.0


def test_a_quick_run_is_shorter_in_every_way() -> None:
    whole, quick = Settings(), Settings().quick()
    assert quick.seconds < whole.seconds
    assert quick.entities < whole.entities
    assert quick.low < whole.low


async def test_at_low_load_the_turns_follow_one_another_and_each_member_is_asked_alike() -> None:
    asked: list[int] = []
    clock = itertools.count()

    async def usage() -> Usage:
        return Usage(float(next(clock)), 0.0, 0.0)

    def turn(number: int):  # type: ignore[no-untyped-def]  # noqa: ANN202
        async def one() -> Sample:
            asked.append(number)
            return Sample(float(next(clock)), 0.25, 1)

        return one

    measured = await alone([turn(0), turn(1), turn(2)], 7, usage)
    assert asked == [0, 1, 2, 0, 1, 2, 0]
    assert measured.window.count == 7
    assert measured.window.p50_ms == 250.0
