"""The SDK against a member of real contracts and real proofs: whom it asks, and whom it does not
believe.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from client.asynchronous import AsyncClient
from client.calls import Call
from client.demo.loading import play
from client.exchange import Request, Response
from client.faults import Unreachable
from client.limits import REQUEST_SIZE_MAX, REQUEST_TRANSACTIONS_MAX, ROUNDS_MAX
from client.protocol import batches, build
from client.scenario import build_scenario
from client.sdk import Client
from client.transport import FunctionTransport
from client.verify import accesses_claim, verify_now
from ledger.bundle_file import decode_bundle
from ledger.claims import Absence, Entity
from ledger.errors import ClientFault, Malformed
from ledger.paths import Path
from ledger.transaction import Transaction
from tests.client_member import SIGNERS, URL, PretendMember, make_genesis

OTHER = "http://other.test:2"
REGISTRAR = "red-cross.registrar"


def define(name: str, **changes: Any) -> Call:
    arguments = {"item": f"red-cross.{name}", "name": "口罩", "base_unit": "只", "packs": []}
    return Call("supplies", "define_item", {**arguments, **changes}, (REGISTRAR,))


def item(name: str) -> Path:
    return Path("supplies", "item", f"red-cross.{name}")


@pytest.fixture
def member() -> PretendMember:
    return PretendMember()


@pytest.fixture
def rests() -> list[float]:
    return []


@pytest.fixture
def client(member: PretendMember, rests: list[float]) -> Client:
    transport = FunctionTransport(member.answer)
    return Client([URL, OTHER], member.genesis, SIGNERS, transport=transport, sleep=rests.append)


def test_the_whole_scenario_ends_as_its_story_says_and_both_questions_prove_clean(
    member: PretendMember, client: Client
) -> None:
    scenario = build_scenario(int(time.time() * 1000))
    played = play(client, scenario, lambda phase, done: None)
    assert played.unexpected == ()
    assert played.steps == scenario.calls == played.accepted + played.refused
    donation = Path("supplies", "donation", scenario.featured_donation)
    report = verify_now(
        client.trace(donation, pin=played.pin), member.genesis, donation, None, played.pin
    )
    assert report.clean
    assert report.met
    dataset = Path("datasharing", "dataset", scenario.featured_dataset)
    pairs = [(grant, handle.hex()) for grant, handle in reversed(scenario.featured_pairs)]
    answer = client.accesses(dataset, pairs)
    assert verify_now(answer, member.genesis, accesses_claim(dataset, pairs)).clean


def test_an_accepted_and_a_refused_call_each_get_their_outcome_in_order(client: Client) -> None:
    first, second = client.submit([define("a"), define("b", base_unit="")])
    assert (first.code, first.status, first.accepted) == ("accepted", "certified", True)
    assert first.height == 1
    assert not second.accepted
    assert second.code == "bad-argument"
    assert second.parameters["field"] == "base_unit"


def test_receipts_are_verified_and_handed_on(member: PretendMember, client: Client) -> None:
    (outcome,) = client.submit([define("a")], receipts=True)
    assert outcome.receipt is not None
    assert verify_now(outcome.receipt, member.genesis).clean


def test_when_the_first_member_cannot_be_reached_the_second_is_asked_and_kept(
    member: PretendMember, client: Client
) -> None:
    member.silent = {URL}
    assert client.submit([define("a")])[0].accepted
    assert client.health()["status"] == "ok"
    assert member.urls == [URL, OTHER, OTHER]


def test_when_no_member_answers_the_client_gives_up_after_bounded_rounds(
    member: PretendMember, client: Client, rests: list[float]
) -> None:
    tried: list[str] = []

    def refuse(url: str, request: Request) -> Response:
        tried.append(url)
        raise Unreachable(url, "connection refused")

    silent = Client(
        [URL, OTHER], member.genesis, transport=FunctionTransport(refuse), sleep=rests.append
    )
    with pytest.raises(Unreachable, match="connection refused"):
        silent.health()
    assert tried == [URL, OTHER] * ROUNDS_MAX
    assert rests == sorted(rests)
    assert len(rests) == ROUNDS_MAX - 1


def test_an_answer_lost_on_the_way_is_asked_again_and_the_transaction_counts_once(
    member: PretendMember, client: Client
) -> None:
    lost: list[Request] = []

    def lose_first(request: Request, response: Response) -> Response:
        if not lost:
            lost.append(request)
            raise Unreachable(URL, "connection reset")
        return response

    member.change = lose_first
    (outcome,) = client.submit([define("a")])
    assert outcome.accepted
    assert member.requests[0].body == member.requests[1].body
    assert len(member.headers) == 1


def test_the_same_signed_transaction_sent_again_tells_the_stored_result(
    member: PretendMember, client: Client
) -> None:
    transaction = client.sign(define("a"))
    first, again = client.submit([transaction]), client.submit([transaction])
    assert first == again
    assert len(member.headers) == 1


def test_what_is_pending_is_asked_for_again_until_it_is_certified(
    member: PretendMember, client: Client, rests: list[float]
) -> None:
    def pend_twice(request: Request, response: Response) -> Response:
        if len(member.requests) > 2:
            return response
        told = json.loads(response.body)["transactions"]
        pending = [{"id": one["id"], "status": "pending"} for one in told]
        return replace(response, body=json.dumps({"transactions": pending}).encode())

    member.change = pend_twice
    outcomes = client.submit([define("a"), define("b")])
    assert [outcome.accepted for outcome in outcomes] == [True, True]
    assert len(rests) == 2
    assert len(member.headers) == 1


def test_a_refusal_of_the_request_is_believed_when_enough_members_say_so(
    member: PretendMember, client: Client
) -> None:
    client.submit([define("a")])
    asked = len(member.requests)
    with pytest.raises(ClientFault) as caught:
        client.entity(item("nothing"))
    assert caught.value.code == "unknown-entity"
    assert caught.value.parameters == {"entity": "supplies/item/red-cross.nothing"}
    assert len(member.requests) == asked + 2


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_member_that_is_too_busy_or_broken_is_passed_over(
    member: PretendMember, client: Client, status: int
) -> None:
    def busy_first(request: Request, response: Response) -> Response:
        if len(member.requests) > 1:
            return response
        return Response(status, "application/problem+json", b'{"code":"pool-full"}')

    member.change = busy_first
    assert client.submit([define("a")])[0].accepted
    assert len(member.requests) == 2


def flip(place: int) -> Callable[[bytes], bytes]:
    return lambda body: body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]


@pytest.mark.parametrize("place", [0, 40, -60], ids=["start", "checkpoint", "end"])
def test_a_proof_with_a_changed_byte_is_not_believed_and_another_member_is_asked(
    member: PretendMember, client: Client, place: int
) -> None:
    client.submit([define("a")])

    def lie_first(request: Request, response: Response) -> Response:
        if len(member.requests) != 2:
            return response
        return replace(response, body=flip(place % len(response.body))(response.body))

    member.change = lie_first
    data = client.trace(item("a"))
    assert verify_now(data, member.genesis).clean
    assert len(member.requests) == 3


def test_when_every_member_lies_nothing_is_returned(member: PretendMember, client: Client) -> None:
    client.submit([define("a")])
    member.change = lambda request, response: replace(response, body=flip(99)(response.body))
    with pytest.raises(Unreachable):
        client.history(item("a"), proof=True)


def test_a_true_proof_of_something_else_is_no_answer(member: PretendMember, client: Client) -> None:
    client.submit([define("a"), define("b")])
    other = client.trace(item("b"))
    member.change = lambda request, response: replace(response, body=other)
    with pytest.raises(Unreachable, match="another question"):
        client.trace(item("a"))
    with pytest.raises(Unreachable, match="another question"):
        client.history(item("b"), proof=True)


def test_an_absence_asked_of_what_exists_is_answered_by_its_record(client: Client) -> None:
    client.submit([define("a")])
    found = [decode_bundle(client.prove(Absence(item(name)))).claim for name in ("a", "b")]
    assert found == [Entity(item("a")), Absence(item("b"))]


def test_a_proof_of_another_chain_is_no_answer(member: PretendMember) -> None:
    stranger = PretendMember(make_genesis("another-chain"))
    home = Client([URL], stranger.genesis, SIGNERS, transport=FunctionTransport(stranger.answer))
    home.submit([define("a")])
    fooled = Client(
        [URL],
        member.genesis,
        transport=FunctionTransport(stranger.answer),
        sleep=lambda _: None,
    )
    with pytest.raises(Unreachable):
        fooled.trace(item("a"))
    with pytest.raises(Unreachable, match="checkpoint"):
        fooled.checkpoint()


def test_an_outcome_that_its_receipt_does_not_prove_is_not_believed(
    member: PretendMember, client: Client
) -> None:
    def lie(request: Request, response: Response) -> Response:
        told = json.loads(response.body)
        told["transactions"][0]["result"]["code"] = "self-approval"
        return replace(response, body=json.dumps(told).encode())

    member.change = lie
    with pytest.raises(Unreachable, match="not the one its receipt proves"):
        client.submit([define("a")], receipts=True)


def test_a_missing_receipt_is_no_answer(member: PretendMember, client: Client) -> None:
    def withhold(request: Request, response: Response) -> Response:
        told = json.loads(response.body)
        del told["transactions"][0]["receipt"]
        return replace(response, body=json.dumps(told).encode())

    member.change = withhold
    with pytest.raises(Unreachable, match="receipt"):
        client.submit([define("a")], receipts=True)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"transactions":[]}',
        b'{"transactions":[{"id":"00","status":"certified","result":{"code":"accepted"}}]}',
        b'{"transactions":[{"status":"done"}]}',
        b'{"transactions":[7]}',
    ],
    ids=lambda body: body.decode()[:40],
)
def test_an_answer_of_another_form_is_no_answer(
    member: PretendMember, client: Client, body: bytes
) -> None:
    member.change = lambda request, response: Response(200, "application/json", body)
    with pytest.raises(Unreachable):
        client.submit([define("a")])


def test_a_member_that_only_says_that_there_is_no_such_entity_is_not_believed(
    member: PretendMember, client: Client
) -> None:
    client.submit([define("a")])

    def deny_first(request: Request, response: Response) -> Response:
        if len(member.requests) != 2:
            return response
        return Response(404, "application/problem+json", b'{"code":"unknown-entity"}')

    member.change = deny_first
    assert verify_now(client.trace(item("a")), member.genesis, item("a")).met
    member.change = lambda request, response: Response(
        404, "application/problem+json", b'{"code":"unknown-entity"}'
    )
    with pytest.raises(Unreachable, match="proves nothing"):
        client.trace(item("a"))


def test_that_there_is_no_such_entity_is_proved(member: PretendMember, client: Client) -> None:
    client.submit([define("a")])
    data = client.trace(item("nothing"))
    report = verify_now(data, member.genesis)
    assert report.clean
    assert report.claim == Absence(item("nothing"))


def test_a_pin_that_the_chain_extends_is_proved_and_a_foreign_one_is_not(
    member: PretendMember, client: Client
) -> None:
    client.submit([define("a")])
    pin = client.checkpoint()
    client.submit([define("b")])
    assert verify_now(client.trace(item("a"), pin=pin), member.genesis, pin=pin).clean
    with pytest.raises(Malformed, match="pin"):
        client.trace(item("a"), pin="no note")
    forged = pin.replace(pin.split("\n")[2], "A" * 43 + "=")
    with pytest.raises(Unreachable):
        client.trace(item("a"), pin=forged)


def test_a_receipt_extends_the_pin_that_it_was_asked_with(
    member: PretendMember, client: Client
) -> None:
    client.submit([define("a")])
    pin = client.checkpoint()
    (outcome,) = client.submit([define("b")], receipts=True, pin=pin)
    again = client.transaction(outcome.id, proof=True, pin=pin)
    for receipt in (outcome.receipt, again):
        assert receipt is not None
        report = verify_now(receipt, member.genesis, pin=pin)
        assert report.authority.code == "quorum-and-pin"
    forged = pin.replace(pin.split("\n")[2], "A" * 43 + "=")
    with pytest.raises(Unreachable):
        client.submit([define("c")], receipts=True, pin=forged)


def test_a_call_of_an_account_without_key_is_refused_before_anything_is_sent(
    member: PretendMember, client: Client
) -> None:
    with pytest.raises(ClientFault) as caught:
        client.submit([Call("supplies", "approve", {}, ("red-cross.nobody",))])
    assert caught.value.code == "no-key"
    assert member.requests == []


@pytest.mark.parametrize(
    "urls", [[], ["http://x:1"] * 17, ["ftp://x"], ["http://"], ["a b"]], ids=str
)
def test_addresses_that_are_none_are_refused(member: PretendMember, urls: list[str]) -> None:
    with pytest.raises(Malformed, match="address"):
        Client(urls, member.genesis)


def fake(raw: bytes) -> Transaction:
    transaction = Transaction.__new__(Transaction)
    transaction.raw = raw
    return transaction


def test_a_batch_holds_at_most_so_many_transactions_and_bytes() -> None:
    small, large = fake(b"x"), fake(bytes(60_000))
    many = [small] * (REQUEST_TRANSACTIONS_MAX + 1)
    assert [len(batch) for _, batch in batches(many)] == [REQUEST_TRANSACTIONS_MAX, 1]
    cut = list(batches([large] * 120))
    assert sum(len(batch) for _, batch in cut) == 120
    assert all(sum(len(t.raw) for t in batch) <= REQUEST_SIZE_MAX for _, batch in cut)
    assert [start for start, _ in cut] == [0, len(cut[0][1]), len(cut[0][1]) + len(cut[1][1])]
    assert list(batches([])) == []


def test_many_calls_go_in_several_requests_and_progress_is_told(
    member: PretendMember, client: Client
) -> None:
    heard: list[int] = []
    calls = [define(f"i{number}") for number in range(REQUEST_TRANSACTIONS_MAX + 3)]
    outcomes = client.submit(calls, progress=heard.append)
    assert heard == [REQUEST_TRANSACTIONS_MAX, REQUEST_TRANSACTIONS_MAX + 3]
    assert all(outcome.accepted for outcome in outcomes)


def test_two_builds_of_one_call_differ_in_nothing_but_the_nonce(member: PretendMember) -> None:
    one, two = (
        build(define("a"), member.genesis, SIGNERS, 1_000, bytes([n]) * 16).body for n in (1, 2)
    )
    assert one.nonce != two.nonce
    assert one.valid_until == two.valid_until == 1_000 + 5 * 60 * 1000
    assert (one.chain, one.signers) == (member.genesis.chain_id, two.signers)


async def test_the_asynchronous_client_holds_the_same_conversations(member: PretendMember) -> None:
    rests: list[float] = []

    class Wire:
        async def send(self, url: str, request: Request) -> Response:
            return member.answer(url, request)

    async def rest(seconds: float) -> None:
        rests.append(seconds)

    member.silent = {URL}
    async with AsyncClient(
        [URL, OTHER], member.genesis, SIGNERS, transport=Wire(), sleep=rest
    ) as client:
        (outcome,) = await client.submit([define("a")], receipts=True)
        assert outcome.accepted
        report = verify_now(await client.trace(item("a")), member.genesis)
        assert report.clean
        assert (await client.entity(item("a")))["record"]["name"] == "口罩"
        member.silent = {URL, OTHER}
        with pytest.raises(Unreachable):
            await client.block(1)
    assert len(rests) == ROUNDS_MAX - 1
