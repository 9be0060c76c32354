"""Four members, one chain: the ordinary day."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from ledger.claims import Claim, Entity, History, Receipt
from ledger.codec import encode
from ledger.paths import Path
from ledger.verify import verify_bundle
from tests.processes.consortium import MEMBERS, Consortium, codes, now_ms, until

pytestmark = pytest.mark.processes


def test_what_is_sent_to_different_members_is_certified_in_one_chain(
    consortium: Consortium,
) -> None:
    batches = {one: [consortium.receipt(f"many-{one}-{n}") for n in range(25)] for one in MEMBERS}
    with ThreadPoolExecutor(4) as pool:
        told = pool.map(lambda one: consortium.submit(one, *batches[one]), MEMBERS)
        answers = [answer for each in told for answer in each]
    assert {answer["status"] for answer in answers} == {"certified"}
    assert set(codes(answers)) == {"accepted"}
    assert len({(a["height"], a["index"]) for a in answers}) == 100
    height = consortium.agree()
    chains = [consortium.headers(one, height) for one in MEMBERS]
    assert chains[1:] == [chains[0]] * 3
    asked = answers[0]["id"]
    places = [consortium.get(one, f"/v1/transactions/{asked}").json() for one in MEMBERS]
    assert places == [places[0]] * 4
    assert places[0]["height"] == answers[0]["height"]


def test_receipts_and_bundles_of_any_member_verify_offline(consortium: Consortium) -> None:
    transaction = consortium.receipt("proved")
    (answer,) = consortium.submit("m2", transaction, query="?receipt=true")
    report = verify_bundle(
        answer["receipt"].encode(),
        consortium.genesis,
        about=Receipt(transaction.id),
        now_s=now_ms() // 1000,
        max_age_s=60,
    )
    assert report.clean
    assert report.met
    consortium.agree()
    donation = Path("supplies", "donation", "red-cross.D-proved")
    nothing = Path("supplies", "donation", "red-cross.D-never")
    for one in MEMBERS:
        asked: list[tuple[str, Path | Claim]] = [
            (f"/v1/trace/{donation.text}?proof=true", donation),
            (f"/v1/entities/{donation.text}/history?proof=true", History(donation)),
            (f"/v1/entities/{donation.text}?proof=true", Entity(donation)),
            (f"/v1/entities/{nothing.text}?proof=true", nothing),
        ]
        for path, question in asked:
            bundle = consortium.get(one, path).content
            report = verify_bundle(bundle, consortium.genesis, about=question)
            assert report.clean, (one, path, report)
            assert report.met, (one, path)


def test_a_pinned_checkpoint_is_proved_consistent_later(consortium: Consortium) -> None:
    pin = consortium.get("m3", "/v1/checkpoint").text
    size = int(pin.split("\n")[1])
    consortium.submit("m1", consortium.receipt("after-pin"))
    consortium.agree()
    path = f"/v1/entities/supplies/donation/red-cross.D-after-pin?proof=true&pin={size}"
    report = verify_bundle(consortium.get("m4", path).content, consortium.genesis, pin=pin)
    assert report.clean
    assert report.met


def test_an_idle_chains_time_goes_on_without_a_block(consortium: Consortium) -> None:
    consortium.submit("m1", consortium.receipt("before-idleness"))
    height = consortium.agree()
    before = consortium.health("m1")
    assert before is not None

    def later() -> bool:
        health = consortium.health("m1")
        return health is not None and health["as_of"] >= before["as_of"] + 4

    until(later, "a later as_of")
    after = consortium.health("m1")
    assert after is not None
    assert after["height"] == height
    path = "/v1/entities/supplies/donation/red-cross.D-before-idleness?proof=true"
    report = verify_bundle(consortium.get("m1", path).content, consortium.genesis)
    assert report.complete_as_of is not None
    assert report.complete_as_of >= before["as_of"] + 4
    assert report.height == height


def test_the_same_bytes_again_give_the_stored_result_and_no_block(
    consortium: Consortium,
) -> None:
    transaction = consortium.receipt("once")
    (first,) = consortium.submit("m1", transaction)
    height = consortium.agree()
    for one in MEMBERS:
        twice = consortium.submit(one, transaction, transaction)
        assert twice == [first, first]
    assert consortium.agree() == height


def test_one_transaction_sent_to_all_at_once_is_executed_once(consortium: Consortium) -> None:
    transactions = [consortium.receipt(f"at-once-{n}") for n in range(20)]
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda one: consortium.submit(one, *transactions), MEMBERS))
    assert told[1:] == [told[0]] * 3
    assert set(codes(told[0])) == {"accepted"}


def test_waiting_for_nothing_leaves_the_result_to_be_asked_for(consortium: Consortium) -> None:
    transaction = consortium.receipt("unwaited")
    (answer,) = consortium.submit("m4", transaction, query="?wait=none")
    assert answer == {"id": transaction.id.hex(), "status": "pending"}
    path = f"/v1/transactions/{transaction.id.hex()}"
    until(lambda: consortium.get("m4", path).status_code == 200, "the result")
    assert consortium.get("m4", path).json()["result"]["code"] == "accepted"


def test_blocks_come_in_pages_and_health_and_metrics_agree(consortium: Consortium) -> None:
    height = consortium.agree()
    page = consortium.get("m1", "/v1/blocks?from=1&limit=2").json()
    assert [block["height"] for block in page["blocks"]] == [1, 2]
    assert page["next"] == 3
    assert page["height"] == height
    assert consortium.get("m1", f"/v1/blocks?from={height}&limit=2").json()["next"] is None
    metrics = consortium.get("m1", "/metrics").text
    assert f"suyuan_height {float(height)}" in metrics
    genesis = consortium.get("m2", "/v1/genesis").content
    assert genesis == consortium.genesis_path.read_bytes()
    assert json.loads(genesis)["name"] == "processes.test"


def test_a_full_request_of_2000_is_certified_whole(consortium: Consortium) -> None:
    transactions = [consortium.receipt(f"full-{n}") for n in range(2_000)]
    response = consortium.post("m3", encode([each.raw for each in transactions]))
    answers = response.json()["transactions"]
    assert {answer["status"] for answer in answers} == {"certified"}
    assert [answer["id"] for answer in answers] == [each.id.hex() for each in transactions]
    assert {answer["result"]["code"] for answer in answers} == {"accepted"}
    assert len({(answer["height"], answer["index"]) for answer in answers}) == 2_000
