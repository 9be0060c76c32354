"""The HTTP door: who waits is told the truth in time; errors of ours say nothing of the inside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from consensus.inputs import Submit
from ledger.codec import encode
from ledger.errors import InvariantViolated
from ledger.transaction import Transaction
from node.api import transactions as door
from tests.node_member import Served, serving
from tests.node_world import define, seen

MSGPACK = {"content-type": "application/msgpack", "accept-language": "en"}


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path / "c") as made:
        yield made


def item(served: Served, name: str) -> Transaction:
    return define(name, valid_until=served.soon, genesis=served.member.config.genesis)


def post(
    served: Served, *transactions: Transaction, query: str = ""
) -> asyncio.Task[httpx.Response]:
    content = encode([each.raw for each in transactions])
    return asyncio.create_task(
        served.http.post("/v1/transactions" + query, content=content, headers=MSGPACK)
    )


async def waits(served: Served, count: int = 1) -> None:
    """Until so many transactions are waited for."""
    await seen(lambda: len(served.member.waiting) >= count)


def told(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    answers: list[dict[str, Any]] = response.json()["transactions"]
    return answers


async def test_a_transaction_asked_for_again_before_its_certificate_is_answered_with_it(
    served: Served,
) -> None:
    """Executed and not certified: nothing will tell of it again, so the place must be kept."""
    one = item(served, "a")
    served.block(one)
    asked = post(served, one)
    await waits(served)
    served.certify()
    (answer,) = told(await asyncio.wait_for(asked, 20))
    assert (answer["status"], answer["height"], answer["index"]) == ("certified", 1, 0)
    assert not any(isinstance(given, Submit) for given in served.engine.told)
    assert len(served.member.waiting) == 0


async def test_one_transaction_twice_in_a_request_is_submitted_once_and_told_twice(
    served: Served,
) -> None:
    one, two = item(served, "a"), item(served, "b")
    asked = post(served, one, two, one)
    await waits(served, 2)
    await seen(lambda: served.engine.told)
    (submitted,) = served.engine.told
    assert [each.id for each in submitted.transactions] == [one.id, two.id]
    served.block(two, one)
    served.certify()
    answers = told(await asyncio.wait_for(asked, 20))
    assert [answer["index"] for answer in answers] == [1, 0, 1]


async def test_a_member_that_halts_lets_its_clients_go_at_once(served: Served) -> None:
    asked = post(served, item(served, "a"))
    await waits(served)
    served.member.driver.halt("a test")
    (answer,) = told(await asyncio.wait_for(asked, 20))
    assert answer["status"] == "pending"
    refused = await post(served, item(served, "b"))
    assert (refused.status_code, refused.json()["code"]) == (503, "halted")
    assert refused.headers["retry-after"] == "1"
    health = await served.http.get("/v1/health")
    assert (health.status_code, health.json()["status"]) == (503, "halted")
    assert health.json()["reason"] == "a test"


async def test_a_refusal_of_the_engine_is_told_with_its_code_and_sentence(served: Served) -> None:
    one = item(served, "a")
    asked = post(served, one)
    await waits(served)
    served.member.waiting.refused([one.digest], "pool-full")
    (answer,) = told(await asyncio.wait_for(asked, 20))
    assert (answer["status"], answer["result"]["code"]) == ("refused-at-door", "pool-full")
    assert "try again" in answer["sentence"]


async def test_too_many_waiting_clients_are_sent_away_and_the_first_stay(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "WAITING_MAX", 3)
    asked = post(served, item(served, "a"), item(served, "b"))
    await waits(served, 2)
    refused = await post(served, item(served, "c"), item(served, "d"))
    assert (refused.status_code, refused.json()["code"]) == (429, "too-many-waiting")
    assert refused.json()["parameters"] == {"limit": 3}
    served.member.waiting.abandon()
    assert len(told(await asyncio.wait_for(asked, 20))) == 2


async def test_requests_that_came_in_at_the_same_time_do_not_pass_the_limit_together(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "WAITING_MAX", 8)
    asked = [post(served, *[item(served, f"{n}-{i}") for i in range(6)]) for n in range(4)]
    await seen(lambda: sum(each.done() for each in asked) == 3)
    assert {each.result().status_code for each in asked if each.done()} == {429}
    assert len(served.member.waiting) == 6
    served.member.waiting.abandon()
    await asyncio.wait(asked, timeout=20)


async def test_a_client_that_goes_away_leaves_nothing_behind(served: Served) -> None:
    asked = post(served, item(served, "a"))
    await waits(served)
    asked.cancel()
    await asyncio.wait([asked], timeout=20)
    assert len(served.member.waiting) == 0


async def test_a_chain_without_a_block_is_well_and_says_that_nothing_is_certified(
    served: Served,
) -> None:
    health = await served.http.get("/v1/health")
    assert (health.status_code, health.json()["status"]) == (200, "ok")
    assert health.json()["as_of"] is None
    for path in ("/v1/checkpoint", "/v1/blocks/1", "/v1/entities/supplies/lot/x"):
        answer = await served.http.get(path)
        assert (answer.status_code, answer.json()["code"]) == (503, "not-certified")


async def test_an_error_of_our_own_is_500_and_says_nothing_of_the_inside(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.block(item(served, "a"))
    served.certify()

    def broken(*_: object) -> None:
        raise InvariantViolated("secret: log lacks leaves")

    monkeypatch.setattr(served.member.proofs, "page", broken)
    path = "/v1/entities/supplies/item/red-cross.a/history"
    answer = await served.http.get(path)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text


async def test_answers_are_as_of_the_certificate_while_execution_runs_ahead(
    served: Served,
) -> None:
    served.block(item(served, "a"))
    served.certify()
    served.block(item(served, "b"))
    path = "/v1/entities/supplies/item/red-cross.b"
    assert (await served.http.get(path)).status_code == 404
    assert (await served.http.get("/v1/blocks/2")).status_code == 404
    identity = item(served, "b").id.hex()
    assert (await served.http.get(f"/v1/transactions/{identity}")).status_code == 404
    served.certify()
    assert (await served.http.get(path)).json()["height"] == 2
    assert (await served.http.get(f"/v1/transactions/{identity}")).json()["height"] == 2


@pytest.mark.parametrize(
    ("asked", "language"),
    [("zh", "zh"), ("en", "en"), ("en-GB,zh;q=0.5", "en"), ("fr", "zh"), ("", "zh")],
)
async def test_sentences_come_in_the_readers_language(
    served: Served, asked: str, language: str
) -> None:
    answer = await served.http.get("/v1/nothing", headers={"accept-language": asked})
    assert answer.json()["title"].isascii() == (language == "en")
