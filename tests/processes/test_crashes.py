"""Members are killed, stopped and wiped; the others go on, and nothing certified is lost."""

from __future__ import annotations

import random
import shutil
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from ledger.transaction import Transaction
from ledger.verify import verify_bundle
from tests.processes.consortium import MEMBERS, Consortium, codes, until

pytestmark = pytest.mark.processes

SEED = 20200124
ROUNDS = 8


def others(one: str) -> list[str]:
    return [each for each in MEMBERS if each != one]


def places(consortium: Consortium, one: str, identities: list[str]) -> list[tuple[int, int]]:
    """Where a member has transactions; fails on one that it does not have."""
    found = []
    for identity in identities:
        answer = consortium.get(one, f"/v1/transactions/{identity}")
        assert answer.status_code == 200, (one, identity, answer.text)
        found.append((answer.json()["height"], answer.json()["index"]))
    return found


def assert_one_chain(consortium: Consortium, identities: list[str]) -> None:
    height = consortium.agree()
    headers = {consortium.newest_header(one, height) for one in MEMBERS}
    assert len(headers) == 1
    told = [places(consortium, one, identities) for one in MEMBERS]
    assert told[1:] == [told[0]] * 3


@pytest.mark.parametrize("absent", ["m1"])  # the primary of view 0
def test_with_one_member_killed_the_rest_go_on_and_it_catches_up(
    consortium: Consortium, absent: str
) -> None:
    consortium.kill(absent)
    rest = others(absent)
    sent = [consortium.receipt(f"without-{absent}-{n}") for n in range(12)]
    answers = [consortium.submit(rest[n % 3], one)[0] for n, one in enumerate(sent)]
    assert {answer["status"] for answer in answers} == {"certified"}
    assert set(codes(answers)) == {"accepted"}
    consortium.agree(*rest)
    consortium.start(absent)
    assert_one_chain(consortium, [one.id.hex() for one in sent])
    path = f"/v1/entities/supplies/donation/red-cross.D-without-{absent}-3?proof=true"
    report = verify_bundle(consortium.get(absent, path).content, consortium.genesis)
    assert report.clean


@pytest.mark.parametrize("absent", ["m2", "m4"])
def test_with_one_member_frozen_the_rest_go_on_and_it_catches_up(
    consortium: Consortium, absent: str
) -> None:
    consortium.pause(absent)
    rest = others(absent)
    sent = [consortium.receipt(f"frozen-{absent}-{n}") for n in range(8)]
    answers = [consortium.submit(rest[n % 3], one)[0] for n, one in enumerate(sent)]
    assert set(codes(answers)) == {"accepted"}
    consortium.resume(absent)
    assert_one_chain(consortium, [one.id.hex() for one in sent])
    (last,) = consortium.submit(absent, consortium.receipt(f"thawed-{absent}"))
    assert last["status"] == "certified"


def send_until(consortium: Consortium, one: Transaction, first: int, end: float) -> str | None:
    """Send to members in turn until one says certified; None when time is up."""
    turn = first
    while time.monotonic() < end:
        member = MEMBERS[turn % 4]
        turn += 1
        try:
            (answer,) = consortium.submit(member, one)
        except httpx.HTTPError:
            continue  # this one is down: the next
        if answer["status"] == "certified":
            assert answer["result"]["code"] == "accepted"
            return one.id.hex()
    return None


def test_members_killed_at_random_moments_lose_nothing_that_was_certified(
    consortium: Consortium,
) -> None:
    """Each round, one member dies while 20 donations are on their way, and is started again."""
    chance = random.Random(SEED)
    certified: list[str] = []
    with ThreadPoolExecutor(4) as pool:
        for round_ in range(ROUNDS):
            end = time.monotonic() + 40
            victim = chance.choice(MEMBERS)
            after = chance.randrange(0, 12)
            load: list[Future[str | None]] = [
                pool.submit(send_until, consortium, consortium.receipt(f"k-{round_}-{n}"), n, end)
                for n in range(20)
            ]
            until(lambda n=after, load=load: sum(one.done() for one in load) >= n, "some load")  # type: ignore[misc]
            consortium.kill(victim)
            consortium.start(victim)
            told = [one.result() for one in load]
            assert None not in told, f"round {round_}: no progress after {victim} was killed"
            certified += [one for one in told if one is not None]
    assert len(set(certified)) == 20 * ROUNDS
    assert_one_chain(consortium, certified)


def test_all_members_killed_at_once_lose_nothing_and_go_on(consortium: Consortium) -> None:
    sent = [consortium.receipt(f"all-{n}") for n in range(40)]
    with ThreadPoolExecutor(4) as pool:
        load = [
            pool.submit(send_until, consortium, one, n, time.monotonic() + 60)
            for n, one in enumerate(sent)
        ]
        until(lambda: sum(one.done() for one in load) >= 10, "some of the load")
        consortium.kill(*MEMBERS)
        before = [one.result() for one in load if one.done()]
        consortium.start()
        told = [one.result() for one in load]
    assert None not in told
    assert set(before) <= set(told)
    assert_one_chain(consortium, [one for one in told if one is not None])


def test_a_member_stopped_in_order_exits_with_0_and_returns(consortium: Consortium) -> None:
    assert consortium.stop("m2") == [0]
    consortium.submit("m1", consortium.receipt("while-m2-is-out"))
    consortium.start("m2")
    consortium.agree()


def test_a_member_whose_data_is_gone_is_silent_until_its_old_votes_are_harmless(
    tmp_path: Path,
) -> None:
    """R-DW-4. A consortium of its own: while one is silent, nobody else may be missing."""
    with Consortium(tmp_path) as consortium:
        consortium.start()
        consortium.ready()
        assert codes(consortium.submit("m1", consortium.define())) == ["accepted"]
        height = consortium.agree()
        consortium.kill("m4")
        shutil.rmtree(consortium.members["m4"].folder / "data")
        consortium.start("m4")
        assert consortium.agree() >= height
        assert consortium.headers("m4", 1) == consortium.headers("m1", 1)
        count = 0

        def speaks() -> bool:
            nonlocal count
            count += 1
            sent = consortium.receipt(f"after-the-loss-{count}")
            assert codes(consortium.submit("m4", sent)) == ["accepted"]
            health = consortium.health("m4")
            return health is not None and not health["silent"]

        until(speaks, "m4 votes again", 120)
        assert count > 1  # it was silent at first
        consortium.kill("m2")  # now the others need its word
        # It is not in the present view; the others have to leave it, and may meet m2 as primary.
        told = send_until(consortium, consortium.receipt("with-it"), 2, time.monotonic() + 120)
        assert told is not None
        consortium.start("m2")
        assert_one_chain(consortium, [told])
        for one in MEMBERS:
            health = consortium.health(one)
            assert health is not None
            assert not [said for said in health["reports"] if "Evidence" in said]
