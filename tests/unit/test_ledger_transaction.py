"""Transactions: signed bytes that no signature, signer or field can be moved out of."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from ledger.codec import Value, decode, encode
from ledger.errors import Malformed
from ledger.hashing import tagged
from ledger.limits import ARGUMENTS_LENGTH_MAX, ARGUMENTS_NODES_MAX, TRANSACTION_SIZE_MAX
from ledger.merkle_log import leaf_hash
from ledger.transaction import SUITE, Body, Transaction, signed
from tests.forger.world import signer

WANG, LI = signer("account", "wang"), signer("account", "li")
BODY = Body(
    arguments={"donation": "red-cross.D-1", "lots": [{"count": 3}]},
    chain=bytes(32),
    contract="supplies",
    function="receive",
    nonce=bytes(16),
    signers=(("red-cross.wang", WANG.public), ("hospital.li", LI.public)),
    suite=SUITE,
    valid_until=1_580_000_000_000,
    version=1,
)
SIGNED = signed(BODY, [WANG, LI])


def envelope(body: bytes, signatures: Any) -> bytes:
    return encode([body, signatures])


def with_body(**fields: Value) -> bytes:
    body = decode(SIGNED.body_bytes)
    assert isinstance(body, dict)
    return envelope(encode({**body, **fields}), list(SIGNED.signatures))


def test_a_signed_transaction_is_read_back_and_its_signatures_hold() -> None:
    read = Transaction.decode(SIGNED.raw)
    assert read.body == BODY
    assert read.check_signatures()
    assert read.raw == envelope(read.body_bytes, list(read.signatures))


def test_its_id_is_of_the_body_and_its_digest_of_all_bytes() -> None:
    assert SIGNED.id == tagged("transaction", SIGNED.body_bytes)
    assert SIGNED.digest == leaf_hash(SIGNED.raw)
    same = replace(BODY, nonce=b"1" * 16)
    assert signed(same, [WANG, LI]).id != SIGNED.id


def test_the_signature_is_over_tag_and_body() -> None:
    assert SIGNED.signatures[0] == WANG.sign(b"suyuan/transaction/v1\0" + SIGNED.body_bytes)


def test_a_signature_does_not_move_to_another_signer_body_or_tag() -> None:
    """R-CL-1."""
    swapped = envelope(SIGNED.body_bytes, list(SIGNED.signatures[::-1]))
    assert not Transaction.decode(swapped).check_signatures()
    other = signed(replace(BODY, nonce=b"1" * 16), [WANG, LI])
    moved = envelope(other.body_bytes, list(SIGNED.signatures))
    assert not Transaction.decode(moved).check_signatures()
    untagged = envelope(SIGNED.body_bytes, [WANG.sign(SIGNED.body_bytes), SIGNED.signatures[1]])
    assert not Transaction.decode(untagged).check_signatures()


def test_every_signature_must_hold() -> None:
    spoilt = envelope(SIGNED.body_bytes, [SIGNED.signatures[0], bytes(64)])
    assert not Transaction.decode(spoilt).check_signatures()


def test_who_signs_must_be_who_is_named() -> None:
    for signers in ([LI, WANG], [WANG], [WANG, LI, LI], []):
        with pytest.raises(Malformed, match="signers"):
            signed(BODY, signers)


@pytest.mark.parametrize(
    "fields",
    [
        {"version": 2},
        {"suite": "sm2-sm3"},
        {"chain": bytes(31)},
        {"nonce": bytes(15)},
        {"nonce": "0" * 16},
        {"contract": "Supplies"},
        {"contract": ""},
        {"function": "receive-it"},
        {"function": "receive\n"},
        {"valid_until": -1},
        {"valid_until": 2**53 - 1, "extra": 1},
        {"arguments": []},
        {"arguments": {str(n): n for n in range(ARGUMENTS_LENGTH_MAX + 1)}},
        {"signers": []},
        {"signers": [["red-cross.wang", WANG.public]]},
        {"signers": [["red-cross.wang", WANG.public]] * 2},
        {"signers": [["wang", WANG.public], ["hospital.li", LI.public]]},
        {"signers": [["red-cross.wang", WANG.public[:31]], ["hospital.li", LI.public]]},
        {"signers": [["red-cross.wang"], ["hospital.li", LI.public]]},
    ],
    ids=str,
)
def test_a_body_that_breaks_a_rule_is_malformed(fields: dict[str, Value]) -> None:
    with pytest.raises(Malformed, match="transaction"):
        Transaction.decode(with_body(**fields))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x90",
        envelope(SIGNED.body_bytes, []),
        envelope(SIGNED.body_bytes, [SIGNED.signatures[0]]),
        envelope(SIGNED.body_bytes, [SIGNED.signatures[0]] * 5),
        envelope(SIGNED.body_bytes, [SIGNED.signatures[0], bytes(63)]),
        encode([SIGNED.body_bytes, list(SIGNED.signatures), 1]),
        encode([decode(SIGNED.body_bytes), list(SIGNED.signatures)]),
        SIGNED.raw + b"\0",
        SIGNED.raw[:-1],
    ],
)
def test_an_envelope_that_breaks_a_rule_is_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed, match="transaction"):
        Transaction.decode(raw)


def test_floats_and_deep_nesting_in_arguments_are_malformed() -> None:
    deep: Value = 0
    for _ in range(20):
        deep = [deep]
    body = decode(SIGNED.body_bytes)
    assert isinstance(body, dict)
    with pytest.raises(Malformed):
        signed(replace(BODY, arguments={"a": deep}), [WANG, LI])
    with pytest.raises(Malformed):
        signed(replace(BODY, arguments={"a": 0.5}), [WANG, LI])


def test_arguments_of_more_values_than_any_call_needs_are_malformed() -> None:
    room = ARGUMENTS_NODES_MAX - 3  # the map, its one name, and the list
    assert signed(replace(BODY, arguments={"a": [[]] * room}), [WANG, LI]).body.arguments
    with pytest.raises(Malformed, match=f"arguments.*more than {ARGUMENTS_NODES_MAX}"):
        signed(replace(BODY, arguments={"a": [[]] * (room + 1)}), [WANG, LI])


def test_a_transaction_above_the_limit_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(Malformed, match="larger than"):
        Transaction.decode(b"\xc1" * (TRANSACTION_SIZE_MAX + 1))


def test_a_transaction_that_is_not_the_canonical_spelling_is_malformed() -> None:
    """The array of two as an array 16."""
    with pytest.raises(Malformed, match="canonical"):
        Transaction.decode(b"\xdc\x00\x02" + SIGNED.raw[1:])
