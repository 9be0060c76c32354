"""What breaks a rule is refused with a code and a sentence, at the door or in a block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ledger.codec import Value, decode, encode
from ledger.keys import Ed25519Signer
from ledger.sentences import render
from ledger.transaction import Transaction, signed
from tests.processes.consortium import (
    MEMBERS,
    SIGNERS,
    Consortium,
    codes,
    now_ms,
)

pytestmark = pytest.mark.processes

CLERK = SIGNERS["union.clerk"]
STRANGER = Ed25519Signer(b"s" * 32)


def state_of(consortium: Consortium) -> list[tuple[int, str]]:
    """Height and state root of each member."""
    height = consortium.agree()
    return [
        (height, consortium.get(one, f"/v1/blocks/{height}").json()["state"]) for one in MEMBERS
    ]


def resigned(transaction: Transaction, signer: Ed25519Signer, **changes: Any) -> bytes:
    """The transaction with a changed body, signed by someone."""
    body = transaction.body.__class__(
        **{name: getattr(transaction.body, name) for name in transaction.body.__struct_fields__}
        | changes
    )
    return signed(body, [signer]).raw


def with_bad_signature(transaction: Transaction) -> bytes:
    (signature,) = transaction.signatures
    return encode([transaction.body_bytes, [signature[:-1] + bytes([signature[-1] ^ 1])]])


def oversize(transaction: Transaction) -> bytes:
    body = decode(transaction.body_bytes)
    assert isinstance(body, dict)
    body["arguments"] = {"source": "x" * 70_000}
    return encode([encode(body), list(transaction.signatures)])


AT_THE_DOOR: dict[str, tuple[str, Callable[[Transaction], bytes]]] = {
    "a signature with one bit changed": ("bad-signature", with_bad_signature),
    "an account nobody has": (
        "unknown-account",
        lambda t: resigned(t, CLERK, signers=(("union.nobody", CLERK.public),)),
    ),
    "a key of another account": (
        "wrong-key",
        lambda t: resigned(t, CLERK, signers=(("red-cross.custodian", CLERK.public),)),
    ),
    "a key of nobody": (
        "wrong-key",
        lambda t: resigned(t, STRANGER, signers=(("red-cross.custodian", STRANGER.public),)),
    ),
    "a window that is past": (
        "expired",
        lambda t: resigned(t, SIGNERS["red-cross.custodian"], valid_until=now_ms() - 1),
    ),
    "a window too far ahead": (
        "valid-until-too-far",
        lambda t: resigned(t, SIGNERS["red-cross.custodian"], valid_until=now_ms() + 700_000),
    ),
    "another chain": (
        "chain",
        lambda t: resigned(t, SIGNERS["red-cross.custodian"], chain=bytes(32)),
    ),
    "more than 64 KiB": ("malformed", oversize),
    "no MessagePack": ("malformed", lambda _: b"\xc1"),
    "nothing": ("malformed", lambda _: b""),
    "a cut tail": ("malformed", lambda t: t.raw[:-1]),
    "bytes after the end": ("malformed", lambda t: t.raw + b"\x00"),
    "deep nesting": ("malformed", lambda _: b"\x91" * 60_000 + b"\x90"),
}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_the_door_can_know_is_refused_there_and_changes_nothing(
    consortium: Consortium, language: str
) -> None:
    before = state_of(consortium)
    raws: list[Value] = [
        make(consortium.receipt(f"door-{language}-{n}"))
        for n, (_, make) in enumerate(AT_THE_DOOR.values())
    ]
    response = consortium.post("m2", encode(raws), accept_language=language)
    assert response.status_code == 200
    answers = response.json()["transactions"]
    assert dict(zip(AT_THE_DOOR, codes(answers), strict=True)) == {
        situation: code for situation, (code, _) in AT_THE_DOOR.items()
    }
    for answer in answers:
        assert answer["status"] == "refused-at-door"
        code, parameters = answer["result"]["code"], answer["result"]["parameters"]
        assert answer["sentence"] == render(code, parameters, language)
        assert answer["sentence"] != code
    assert state_of(consortium) == before


MSGPACK = "application/msgpack"
REQUESTS: dict[str, tuple[int, str, bytes, str]] = {
    "not an array": (400, "malformed", b"\x01", MSGPACK),
    "an empty body": (400, "malformed", b"", MSGPACK),
    "an empty array": (400, "malformed", b"\x90", MSGPACK),
    "an array of text": (400, "malformed", encode(["x"]), MSGPACK),
    "an array spelt the long way": (400, "malformed", b"\xdc\x00\x01\xc4\x00", MSGPACK),
    "2,001 transactions": (400, "malformed", encode([b""] * 2_001), MSGPACK),
    "a length that is not there": (400, "malformed", b"\xdd\xff\xff\xff\xff", MSGPACK),
    "JSON": (415, "unsupported-media-type", b"[]", "application/json"),
    "no media type": (415, "unsupported-media-type", encode([b"x"]), ""),
    "9 MiB": (413, "too-large", bytes(9 * 1024 * 1024), MSGPACK),
}


@pytest.mark.parametrize("situation", REQUESTS)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_request_that_is_none_is_a_problem_document(
    consortium: Consortium, situation: str, language: str
) -> None:
    status, code, content, media = REQUESTS[situation]
    response = consortium.post("m1", content, content_type=media, accept_language=language)
    problem = response.json()
    assert (response.status_code, problem["code"], problem["status"]) == (status, code, status)
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["type"] == f"urn:suyuan:problem:{code}"
    assert problem["title"] == render(code, problem["parameters"], language)


def test_what_depends_on_order_is_refused_as_a_result_in_a_block(consortium: Consortium) -> None:
    call = consortium.transaction
    allocation = {
        "allocation": "red-cross.A-own",
        "recipient": "union",
        "need": None,
        "lots": [["red-cross.L-refused", 100]],
        "reason": "test",
    }
    (given,) = consortium.submit("m1", consortium.receipt("refused"))
    assert given["result"]["code"] == "accepted"
    asked = {
        "wrong-role": call("union.clerk", "supplies", "define_item", {}),
        "unknown-function": call("union.clerk", "supplies", "burn", {}),
        "unknown-contract": call("union.clerk", "alchemy", "burn", {}),
        "wrong-unit": consortium.receipt(
            "unit",
            lots=[
                {
                    "lot": "red-cross.L-unit",
                    "item": "red-cross.mask",
                    "unit": "吨",
                    "label": "",
                    "count": 5,
                    "expiry": None,
                }
            ],
        ),
        "more-than-held": call(
            "red-cross.allocator",
            "supplies",
            "propose",
            allocation | {"allocation": "red-cross.A-much", "lots": [["red-cross.L-refused", 501]]},
        ),
        "already-exists": consortium.receipt("refused"),
        "accepted": call("red-cross.allocator", "supplies", "propose", allocation),
        "self-approval": call(
            "red-cross.allocator", "supplies", "approve", {"allocation": "red-cross.A-own"}
        ),
    }
    answers = [consortium.submit("m3", one)[0] for one in asked.values()]
    assert codes(answers) == list(asked)
    assert {answer["status"] for answer in answers} == {"certified"}
    assert all(answer["sentence"] != answer["result"]["code"] for answer in answers)
    assert all(not a["result"]["events"] for a in answers if a["result"]["code"] != "accepted")
    lot = consortium.get("m3", "/v1/entities/supplies/lot/red-cross.L-refused").json()
    assert lot["record"]["received"] == 500
    assert consortium.get("m3", "/v1/entities/supplies/lot/red-cross.L-unit").status_code == 404
    consortium.agree()


HOSTILE = [
    ("GET", "/v1/entities/supplies/lot/none", 404, "unknown-entity"),
    ("GET", "/v1/entities/supplies/lot/%00", 400, "malformed"),
    ("GET", "/v1/entities/supplies/lot/" + "x" * 97, 400, "malformed"),
    ("GET", "/v1/entities/supplies/lot/%F0%9F%98%80", 400, "malformed"),
    ("GET", "/v1/entities/supplies/lot/%ff?proof=true", 400, "malformed"),
    ("GET", "/v1/entities/supplies/lot/x?proof=perhaps", 400, "malformed"),
    ("GET", "/v1/entities/supplies/lot/x?proof=true&pin=0", 400, "malformed"),
    ("GET", f"/v1/entities/supplies/lot/x?proof=true&pin={10**30}", 400, "malformed"),
    ("GET", f"/v1/entities/supplies/lot/x?proof=true&pin={2**53 - 1}", 400, "pin-too-new"),
    ("GET", "/v1/entities/supplies/lot/x/history", 404, "unknown-entity"),
    ("GET", "/v1/entities/supplies/lot/x/history?limit=1001", 400, "malformed"),
    ("GET", "/v1/entities/supplies/lot/x/history?from=-1", 400, "malformed"),
    ("GET", f"/v1/entities/supplies/lot/x/history?from={10**30}", 400, "malformed"),
    ("GET", "/v1/trace/supplies/donation/none", 404, "unknown-entity"),
    ("GET", "/v1/trace/a/b/c/d", 404, "not-found"),
    ("GET", "/v1/blocks/0", 400, "malformed"),
    ("GET", "/v1/blocks/1e3", 400, "malformed"),
    ("GET", "/v1/blocks/9007199254740991", 404, "unknown-block"),
    ("GET", "/v1/blocks?limit=101", 400, "malformed"),
    ("GET", "/v1/transactions/zz", 400, "malformed"),
    ("GET", "/v1/transactions/" + "0" * 64, 404, "unknown-transaction"),
    ("GET", "/v1/transactions/" + "0" * 64 + "?proof=true", 404, "unknown-transaction"),
    ("GET", "/v1/nothing", 404, "not-found"),
    ("GET", "/", 404, "not-found"),
    ("PUT", "/v1/transactions", 405, "method-not-allowed"),
    ("DELETE", "/v1/blocks/1", 405, "method-not-allowed"),
    ("POST", "/v1/transactions?wait=forever", 400, "malformed"),
    ("POST", "/v1/accesses", 400, "malformed"),
]


@pytest.mark.parametrize(("method", "path", "status", "code"), HOSTILE)
def test_hostile_questions_are_refused_with_a_code(
    consortium: Consortium, method: str, path: str, status: int, code: str
) -> None:
    response = consortium.http.request(method, consortium.members["m1"].url + path)
    assert response.headers["content-type"] == "application/problem+json", response.text
    assert (response.status_code, response.json()["code"]) == (status, code), response.text
    assert response.json()["title"] != code


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b'{"dataset": 1, "pairs": []}',
        b'{"dataset": "\\ud800", "pairs": []}',
        b'{"dataset": "police.none", "pairs": []}',
        b'{"dataset": "police.none", "pairs": [["g", "h"]]}',
        b'{"dataset": "police.none", "pairs": [["g", "' + b"0" * 64 + b'"]]}',
        b'{"dataset": "police.none", "pairs": [["g", "' + b"0" * 62 + b'zz"]]}',
        b'{"dataset": "police.none", "pairs": [["g", "' + b"A" * 64 + b'"]]}',
        b'{"dataset": "police.none", "pairs": ['
        + b", ".join([b'["g", "' + b"0" * 64 + b'"]'] * 2)
        + b"]}",
        b'{"dataset": "police.none", "pairs": ['
        + b", ".join(b'["g%04d", "%064d"]' % (n, n) for n in range(5_000))
        + b"]}",
        b'{"dataset": "..", "pairs": [["", ""]]}',
        b'{"dataset": "x", "pairs": [["g", "h", "i"]]}',
        b'{"dataset": "x", "pairs": [], "more": 1}',
        b'{"dataset": "' + b"x" * 300_000 + b'", "pairs": []}',
        b"[" * 100_000,
    ],
)
def test_hostile_questions_about_accesses_are_refused(consortium: Consortium, body: bytes) -> None:
    response = consortium.http.post(consortium.members["m1"].url + "/v1/accesses", content=body)
    assert response.status_code in (400, 404, 413), response.text
    assert response.headers["content-type"] == "application/problem+json"


def test_the_openapi_document_says_what_errors_mean(consortium: Consortium) -> None:
    document = consortium.get("m1", "/v1/openapi.json").json()
    assert document["openapi"].startswith("3.")
    operations = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    assert len(operations) >= 10
    for path, method, operation in operations:
        assert operation["summary"], (path, method)
        assert "422" not in operation["responses"], "our status for it is 400"
        for status in ("400", "404", "429", "500", "503"):
            described = operation["responses"][status]
            assert described["description"]
            if (path, status) == ("/v1/health", "503"):
                continue  # the same fields as with 200
            schema = described["content"]["application/problem+json"]["schema"]
            assert {"code", "title", "parameters"} <= set(schema["required"])
    post = document["paths"]["/v1/transactions"]["post"]
    assert "application/msgpack" in post["requestBody"]["content"]
    assert {"413", "415"} <= set(post["responses"])
