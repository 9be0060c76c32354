"""Exactly once: windows, replays, and a table that forgets in time."""

from __future__ import annotations

import pytest

from chaincode.duplicates import LIVE, bucket_path
from ledger.leaf import parse_state_value
from ledger.limits import VALIDITY_MS_MAX
from ledger.merkle_log import frontier_of, leaf_hash
from ledger.paths import key
from ledger.transaction import Transaction
from tests.chaincode_world import SECOND, START, World, bucket

WHO = "redcross.registry"


def item(world: World, number: int, valid_until: int) -> Transaction:
    return world.transaction(
        WHO,
        "supplies.define_item",
        valid_until=valid_until,
        item=f"redcross.{number}",
        name="thing",
        base_unit="piece",
        packs=[],
    )


@pytest.mark.parametrize(
    ("after", "code"),
    [
        (0, "expired"),
        (-1, "expired"),
        (1, "accepted"),
        (VALIDITY_MS_MAX, "accepted"),
        (VALIDITY_MS_MAX + 1, "valid-until-too-far"),
    ],
)
def test_a_transaction_counts_only_inside_its_window(after: int, code: str) -> None:
    world = World()
    now = START + SECOND
    result = world.block([item(world, 1, now + after)], now)[0]
    assert result.code == code
    if code != "accepted":
        assert result.parameters == {"time": now, "valid_until": now + after}
        assert world.last.writes == {}
        assert world.last.consumed == []


def test_a_transaction_is_executed_once_in_its_block_and_after_it() -> None:
    """R-CL-2."""
    world = World()
    once = item(world, 1, START + 60 * SECOND)
    assert [each.code for each in world.block([once, once])] == ["accepted", "replayed"]
    again = world.block([once])[0]
    assert (again.code, again.parameters) == ("replayed", {})
    assert world.last.writes == {}


def test_a_refused_transaction_is_consumed_too() -> None:
    """R-CL-7."""
    world = World()
    once = world.transaction("redcross.store", "supplies.approve", allocation="x")
    assert [each.code for each in world.block([once, once])] == ["wrong-role", "replayed"]


def test_the_state_commits_to_the_ids_of_every_bucket() -> None:
    """R-CP-3."""
    world = World()
    until = START + 60 * SECOND
    first, second = item(world, 1, until), item(world, 2, until)
    world.block([first])
    world.block([second])
    value = parse_state_value(world.values[key(bucket_path(bucket(until)))])
    assert (value.record, value.size) == (b"", 2)
    assert value.frontier == frontier_of([leaf_hash(first.id), leaf_hash(second.id)])
    assert world.ids[bucket(until)] == {first.id, second.id}


def test_a_bucket_is_dropped_whole_once_its_last_moment_is_past() -> None:
    """R-CL-4."""
    world = World()
    until = START + 10 * SECOND  # START is a multiple of ten seconds: the bucket ends at +19.999
    world.block([item(world, 1, until)])
    entry = key(bucket_path(bucket(until)))
    world.pass_time(START + 19_998)
    assert entry in world.values
    assert world.last.writes.get(entry, b"") is not None
    world.pass_time(START + 19_999)
    assert world.last.writes[entry] is None
    assert world.last.paths[entry] == bucket_path(bucket(until))
    assert parse_state_value(world.values[key(LIVE)]).record == b"\x90"
    assert not world.ids


def test_a_transaction_of_a_dropped_bucket_has_expired() -> None:
    world = World()
    once = item(world, 1, START + 10 * SECOND)
    world.block([once])
    assert world.block([once], START + 3_600 * SECOND)[0].code == "expired"


def test_the_table_stays_bounded_however_long_the_chain_is() -> None:
    """R-CL-5."""
    world, now = World(), START
    for number in range(200):
        now = START + number * 7 * SECOND
        calls = [
            item(world, number * 2, now + VALIDITY_MS_MAX),
            item(world, number * 2 + 1, now + 1),
        ]
        assert [each.code for each in world.block(calls, now)] == ["accepted", "accepted"]
        live = sum(path.kind == "dup" for path in world.paths.values()) - 1
        assert live <= 62
    world.pass_time(now + 2 * VALIDITY_MS_MAX)
    assert [path for path in world.paths.values() if path.kind == "dup"] == [LIVE]
