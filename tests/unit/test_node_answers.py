"""What a stranger asks of the door costs the loop little: votes are heard in between."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpx
import pytest

import node.answers as answers_module
from consensus.inputs import Submit
from ledger.codec import encode
from ledger.transaction import Transaction
from ledger.verify import verify_bundle
from node.proofs import Proofs
from tests.node_member import Served, serving
from tests.node_world import define, seen

MSGPACK = {"content-type": "application/msgpack", "accept-language": "en"}


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path / "c") as made:
        yield made


def item(served: Served, name: object) -> Transaction:
    return define(name, valid_until=served.soon, genesis=served.member.config.genesis)


async def submit(
    served: Served, transactions: Sequence[Transaction], query: str = ""
) -> httpx.Response:
    content = encode([each.raw for each in transactions])
    return await served.http.post("/v1/transactions" + query, content=content, headers=MSGPACK)


def threads_of_receipts(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each making of receipts was in the loop's thread."""
    inside: list[bool] = []
    real = Proofs.receipts

    def noting(
        self: Proofs, height: int, indices: Sequence[int], pin: int | None = None
    ) -> list[bytes]:
        inside.append(threading.current_thread() is threading.main_thread())
        return real(self, height, indices, pin)

    monkeypatch.setattr(Proofs, "receipts", noting)
    return inside


@pytest.mark.parametrize("query", ["?receipt=true", ""])
async def test_transactions_of_too_many_heights_are_refused_before_anything_is_submitted(
    served: Served, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    monkeypatch.setattr(answers_module, "HEIGHTS_MAX", 3)
    old = [item(served, n) for n in range(4)]
    for one in old:
        served.block(one)
    served.certify()
    refused = await submit(served, [*old, item(served, "new")], query)
    assert (refused.status_code, refused.json()["code"]) == (400, "answer-too-large")
    assert refused.json()["parameters"] == {"limit": 3, "what": "blocks"}
    assert not any(isinstance(given, Submit) for given in served.engine.told)
    answered = await submit(served, old[:3], query)
    assert [one["height"] for one in answered.json()["transactions"]] == [1, 2, 3]


async def test_receipts_of_heights_on_disk_are_made_beside_the_loop_and_verify(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = threads_of_receipts(monkeypatch)
    old = [item(served, n) for n in range(12)]
    for one in old:
        served.block(one, item(served, f"{one.id.hex()[:9]}"))
    served.certify()
    served.member.blocks._near.clear()
    answered = await submit(served, old, "?receipt=true")
    assert inside == [False] * 12
    for answer, one in zip(answered.json()["transactions"], old, strict=True):
        assert answer["id"] == one.id.hex()
        receipt = answer["receipt"].encode()
        assert verify_bundle(receipt, served.member.config.genesis).clean
    assert (await submit(served, [old[0]], "?receipt=true")).status_code == 200
    assert inside[12:] == [True], "what is in memory now and small is told at once"


async def test_many_receipts_of_one_height_are_made_beside_the_loop(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = threads_of_receipts(monkeypatch)
    many = [item(served, n) for n in range(answers_module.SLICE_RECEIPTS + 1)]
    served.block(*many)
    served.certify()
    answered = await submit(served, many, "?receipt=true")
    assert all("receipt" in answer for answer in answered.json()["transactions"])
    assert inside == [False]


async def test_others_are_heard_between_the_heights_of_an_answer(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers_module, "SLICE_SECONDS", -1.0)
    for n in range(10):
        served.block(item(served, n))
    served.certify()
    places = [(height, 0) for height in range(1, 11)]
    answers = served.member.answers
    asked = [asyncio.create_task(answers.tell(places, True)) for _ in range(2)]
    made: list[int] = []
    real = served.member.proofs.receipts

    def counting(height: int, indices: Sequence[int], pin: int | None = None) -> list[bytes]:
        made.append(height)
        return real(height, indices, pin)

    monkeypatch.setattr(served.member.proofs, "receipts", counting)
    largest = before = 0
    while not all(each.done() for each in asked):
        await asyncio.sleep(0)
        largest, before = max(largest, len(made) - before), len(made)
    assert len(made) == 20
    assert largest == 1, "of all requests together, one height a turn of the loop"


async def test_questions_with_proof_are_answered_beside_the_loop(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.block(item(served, "a"))
    served.certify()
    go = threading.Event()
    real = Proofs.trace

    def slow(self: Proofs, *arguments: object) -> bytes:
        assert go.wait(30)
        return real(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Proofs, "trace", slow)
    path = "/v1/trace/supplies/item/red-cross.a?proof=true"
    asked = asyncio.create_task(served.http.get(path))
    await seen(lambda: served.member.questions._waiting == 1)
    assert (await served.http.get("/v1/health")).status_code == 200
    go.set()
    assert (await asked).status_code == 200


@pytest.mark.parametrize("identity", ["live", "158000", "nothing"])
@pytest.mark.parametrize(
    "question",
    [
        "entities/{}",
        "entities/{}?proof=true",
        "entities/{}/history",
        "entities/{}/history?proof=true",
        "trace/{}",
        "trace/{}?proof=true",
    ],
)
async def test_the_runtimes_table_of_consumed_ids_is_no_entity(
    served: Served, identity: str, question: str
) -> None:
    one = item(served, "a")
    served.block(one)
    served.certify()
    bucket = str(served.soon // 10_000) if identity == "158000" else identity
    answer = await served.http.get("/v1/" + question.format(f"runtime/dup/{bucket}"))
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown-entity")


@pytest.mark.parametrize("name", ["supplies", "nothing"])
async def test_installed_contracts_are_answered_like_every_entity(
    served: Served, name: str
) -> None:
    served.block(item(served, "a"))
    served.certify()
    for question in ("entities/{}", "entities/{}/history", "trace/{}"):
        path = "/v1/" + question.format(f"runtime/contract/{name}")
        answer = await served.http.get(path)
        assert answer.status_code == (200 if name == "supplies" else 404), answer.text
        assert (await served.http.get(path + "?proof=true")).status_code == 200
