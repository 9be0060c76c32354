"""What members say without proof, and when the SDK believes it: one may lie, f + 1 cannot all."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from client.exchange import Request, Response
from client.faults import Unreachable, Unusable
from client.limits import ASKING_MS_MAX
from client.sdk import Client
from client.transport import FunctionTransport
from client.verify import check_answer, verify_now
from ledger.claims import History, Receipt
from ledger.codec import decode
from ledger.errors import ClientFault
from ledger.transaction import Transaction
from tests.client_member import SIGNERS, URL, PretendMember
from tests.unit.test_client_sdk import OTHER, define, item

THIRD, FOURTH = "http://third.test:3", "http://fourth.test:4"
FOUR = (URL, OTHER, THIRD, FOURTH)
Lie = Callable[[Request, Response], Response]


@pytest.fixture
def member() -> PretendMember:
    return PretendMember()


class Town:
    """Four addresses of which some lie, and a client of all of them, in that order."""

    def __init__(self, member: PretendMember, lie: Lie, *liars: str) -> None:
        self.asked: list[str] = []
        self.rests: list[float] = []
        self.now = int(time.time() * 1000)

        def answer(url: str, request: Request) -> Response:
            self.asked.append(url)
            if url in liars:
                return lie(request, Response(0))
            return member.answer(url, request)

        transport = FunctionTransport(answer)
        self.client = Client(FOUR, member.genesis, SIGNERS, transport=transport, sleep=self.rest)
        self.client.session._clock = lambda: self.now

    def rest(self, seconds: float) -> None:
        self.rests.append(seconds)
        self.now += 30_000


def refuse_at_door(request: Request, _: Response) -> Response:
    raws = decode(request.body)
    assert isinstance(raws, list)
    ids = [Transaction.decode(raw).id.hex() for raw in raws if isinstance(raw, bytes)]
    result = {"code": "expired", "parameters": {}, "events": []}
    one = {"status": "refused-at-door", "result": result, "sentence": "please send again"}
    told = {"transactions": [{"id": each, **one} for each in ids]}
    return Response(200, "application/json", json.dumps(told).encode())


def pend(request: Request, _: Response) -> Response:
    told = json.loads(refuse_at_door(request, _).body)["transactions"]
    pending = {"transactions": [{"id": one["id"], "status": "pending"} for one in told]}
    return Response(200, "application/json", json.dumps(pending).encode())


@pytest.mark.parametrize("receipts", [True, False])
def test_one_members_refusal_at_the_door_is_not_believed_and_the_same_bytes_go_to_another(
    member: PretendMember, receipts: bool
) -> None:
    town = Town(member, refuse_at_door, URL)
    (outcome,) = town.client.submit([define("a")], receipts=receipts)
    assert outcome.accepted
    assert town.asked == [URL, OTHER]
    assert len(member.headers) == 1


def test_a_refusal_at_the_door_is_believed_from_one_member_more_than_may_lie(
    member: PretendMember,
) -> None:
    """R-CL-3."""
    town = Town(member, refuse_at_door, URL, OTHER)
    (outcome,) = town.client.submit([define("a")], receipts=True)
    assert (outcome.status, outcome.code) == ("refused-at-door", "expired")
    assert town.asked == [URL, OTHER]
    assert town.rests == []


def test_a_refusal_at_the_door_is_believed_from_the_only_member_that_can_be_reached(
    member: PretendMember,
) -> None:
    town = Town(member, refuse_at_door, URL)
    member.silent = {OTHER, THIRD, FOURTH}
    (outcome,) = town.client.submit([define("a")])
    assert outcome.status == "refused-at-door"
    assert town.asked == [URL, OTHER, THIRD, FOURTH, URL]


def test_while_one_refuses_and_another_still_waits_both_are_asked_until_time_is_up(
    member: PretendMember,
) -> None:
    def lie(request: Request, response: Response) -> Response:
        refusing = town.asked[-1] == URL
        return refuse_at_door(request, response) if refusing else pend(request, response)

    town = Town(member, lie, *FOUR)
    transaction = town.client.sign(define("a"))
    (outcome,) = town.client.submit([transaction])
    assert outcome.status == "refused-at-door"
    assert town.now > transaction.body.valid_until
    assert town.asked[:5] == [*FOUR, URL]


def test_what_stays_pending_is_told_as_pending_when_time_is_up(member: PretendMember) -> None:
    town = Town(member, pend, *FOUR)
    transaction = town.client.sign(define("a"))
    (outcome,) = town.client.submit([transaction])
    assert outcome.status == "pending"
    assert town.now > transaction.body.valid_until


def test_beside_a_genuine_receipt_nothing_that_is_told_is_kept(member: PretendMember) -> None:
    def lie(request: Request, response: Response) -> Response:
        told = json.loads(response.body)
        one = told["transactions"][0]
        one |= {"index": 1_999, "sentence": "lie"}
        one["result"]["parameters"] = {"lie": 1}
        one["result"]["events"] = [{"kind": "received", "body": {"quantity": 1}}]
        return replace(response, body=json.dumps(told).encode())

    member.change = lie
    client = Client([URL], member.genesis, SIGNERS, transport=FunctionTransport(member.answer))
    (outcome,) = client.submit([define("a")], receipts=True)
    assert outcome.accepted
    assert (outcome.height, outcome.index, outcome.parameters) == (1, None, {})
    assert [event["kind"] for event in outcome.events] == ["item_defined"]
    assert outcome.events[0]["on"] == [list(item("a"))]
    assert "lie" not in outcome.sentence


@pytest.mark.parametrize("code", ["answer-too-large", "pairs-incomplete", "bad-request"])
def test_one_members_problem_does_not_end_a_question(member: PretendMember, code: str) -> None:
    problem = json.dumps({"code": code, "parameters": {}}).encode()
    town = Town(member, lambda *_: Response(400, "application/problem+json", problem), URL)
    Client([URL], member.genesis, SIGNERS, transport=FunctionTransport(member.answer)).submit(
        [define("a")]
    )
    assert verify_now(town.client.trace(item("a")), member.genesis, item("a")).met
    assert town.asked == [URL, OTHER]


def test_a_problem_that_enough_members_name_is_the_clients_fault(member: PretendMember) -> None:
    problem = b'{"code":"answer-too-large","parameters":{"limit":3}}'
    town = Town(member, lambda *_: Response(400, "application/problem+json", problem), URL, THIRD)
    member.silent = {OTHER}
    with pytest.raises(ClientFault) as caught:
        town.client.trace(item("a"))
    assert caught.value.code == "answer-too-large"
    assert town.asked == [URL, OTHER, THIRD]


def test_a_problem_is_not_believed_while_a_member_that_is_busy_may_know_better(
    member: PretendMember,
) -> None:
    problem = b'{"code":"answer-too-large"}'
    town = Town(member, lambda *_: Response(400, "application/problem+json", problem), URL)
    member.change = lambda *_: Response(503, "application/problem+json", b'{"code":"stopping"}')
    with pytest.raises(Unreachable, match="too few say answer-too-large"):
        town.client.trace(item("a"))


def test_a_receipt_that_is_not_final_is_one_members_word(member: PretendMember) -> None:
    """A liar proves that a later block refused what an earlier one had accepted."""
    client = Client([URL], member.genesis, SIGNERS, transport=FunctionTransport(member.answer))
    transaction = client.sign(define("a"))
    client.submit([transaction])
    member.execute([transaction.raw])
    replayed, member.places[transaction.id] = member.places[transaction.id], (1, 0)

    def lie(request: Request, _: Response) -> Response:
        member.places[transaction.id] = replayed
        try:
            return member.answer(URL, request)
        finally:
            member.places[transaction.id] = (1, 0)

    town = Town(member, lie, URL)
    (outcome,) = town.client.submit([transaction], receipts=True)
    assert outcome.accepted
    town = Town(member, lie, URL)
    receipt = town.client.transaction(transaction.id.hex(), proof=True)
    assert verify_now(receipt, member.genesis, Receipt(transaction.id)).clean
    town = Town(member, lie, URL, OTHER, THIRD)
    (outcome,) = town.client.submit([transaction], receipts=True)
    assert (outcome.code, outcome.accepted) == ("replayed", False)
    receipt = town.client.transaction(transaction.id.hex(), proof=True)
    assert verify_now(receipt, member.genesis).completeness.code == "not-final"


def test_after_ten_minutes_on_one_question_no_further_member_is_asked(
    member: PretendMember,
) -> None:
    town = Town(member, lambda *_: Response(503), *FOUR)

    def slow(url: str, request: Request) -> Response:
        town.asked.append(url)
        town.now += ASKING_MS_MAX // 2 + 1
        raise Unreachable(url, "timed out")

    town.client._transport = FunctionTransport(slow)
    with pytest.raises(Unreachable, match="timed out"):
        town.client.health()
    assert town.asked == [URL, OTHER]


def test_of_a_proof_of_another_chain_the_failed_line_is_named_not_what_hangs_on_it(
    member: PretendMember,
) -> None:
    transport = FunctionTransport(member.answer)
    client = Client([URL], member.genesis, SIGNERS, transport=transport)
    client.submit([define("a")])
    data = client.history(item("a"), proof=True)
    assert isinstance(data, bytes)
    other = replace(member.genesis, name="other.test")
    with pytest.raises(Unusable, match="authority: failed"):
        check_answer(URL, data, other, History(item("a")), None, None)
