"""Blame files of a member that said two things: one spelling, and nothing read is yet believed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ledger.canonical_json import to_json
from ledger.equivocation import (
    EQUIVOCATION_SIZE_MAX,
    Equivocation,
    decode_equivocation,
    encode_equivocation,
    verify_equivocation,
)
from ledger.errors import Malformed
from ledger.votes import STATEMENTS, Statement, statement_bytes
from tests.simulator.keys import Keyring

KEYRING = Keyring()
CHAIN = bytes([7]) * 32
ORIGIN = f"relief/{CHAIN.hex()}"


def said(kind: str, digest: bytes) -> Statement:
    blank = Statement(kind, 0, 2, 7, digest, b"")
    signature = KEYRING.signer("m3/vote").sign(statement_bytes(blank, CHAIN, ORIGIN))
    return replace(blank, signature=signature)


def lie(kind: str = "prepare") -> Equivocation:
    key = KEYRING.signer("m3/vote").public
    return Equivocation(ORIGIN, key, said(kind, bytes(32)), said(kind, bytes([1]) * 32))


def changed(**more: Any) -> bytes:
    """The file with other values; None takes a name out."""
    value = {**json.loads(encode_equivocation(lie())), **more}
    return to_json({name: one for name, one in value.items() if one is not None}) + b"\n"


@pytest.mark.parametrize("kind", STATEMENTS)
def test_a_file_is_read_back_as_it_was_written_and_convicts(kind: str) -> None:
    data = encode_equivocation(lie(kind))
    assert decode_equivocation(data) == lie(kind)
    assert len(data) <= EQUIVOCATION_SIZE_MAX
    verify_equivocation(lie(kind), KEYRING.verify)


@pytest.mark.parametrize("data", [b"", b"[]\n", b"3\n", b"null\n", b"{}\n", b'"x"\n', b"\xff\n"])
def test_what_is_no_such_file_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed, match="blame"):
        decode_equivocation(data)


def test_a_file_has_one_spelling_and_a_size() -> None:
    data = encode_equivocation(lie())
    for other in (data[:-1], data + b"\n", b" " + data, data.replace(b",", b", ", 1)):
        with pytest.raises(Malformed, match="blame"):
            decode_equivocation(other)
    with pytest.raises(Malformed, match="at most"):
        decode_equivocation(changed(origin="x" * EQUIVOCATION_SIZE_MAX))


PART = json.loads(encode_equivocation(lie()))["first"]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"kind": "suyuan/equivocation/v2"}, "blame"),
        ({"key": None}, "blame"),
        ({"extra": 1}, "blame"),
        ({"origin": 7}, "blame.origin"),
        ({"origin": "relief"}, "blame.origin"),
        ({"origin": f"Relief/{CHAIN.hex()}"}, "blame.origin"),
        ({"statement": "vote"}, "blame.statement"),
        ({"statement": ["prepare"]}, "blame.statement"),
        ({"epoch": -1}, "blame.epoch"),
        ({"epoch": True}, "blame.epoch"),
        ({"key": "AB" * 32}, "blame.key"),
        ({"key": "ab" * 31}, "blame.key"),
        ({"first": []}, "blame.first"),
        ({"first": {**PART, "more": 1}}, "blame.first"),
        ({"first": {**PART, "view": -1}}, "blame.first.view"),
        ({"second": {**PART, "sequence": "7"}}, "blame.second.sequence"),
        ({"second": {**PART, "digest": "ab"}}, "blame.second.digest"),
        ({"second": {**PART, "signature": "AAAA"}}, "blame.second.signature"),
    ],
)
def test_the_error_names_the_field(more: dict[str, Any], field: str) -> None:
    with pytest.raises(Malformed) as caught:
        decode_equivocation(changed(**more))
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (said("prepare", bytes(32)), "same"),
        (replace(said("prepare", bytes([1]) * 32), view=3), "place"),
        (replace(said("prepare", bytes([1]) * 32), sequence=8), "place"),
        (replace(said("prepare", bytes([1]) * 32), epoch=1), "epochs"),
        (replace(said("prepare", bytes([1]) * 32), signature=bytes(64)), "signature"),
        (said("commit", bytes([1]) * 32), "kinds"),
    ],
)
def test_what_is_no_lie_convicts_nobody(other: Statement, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        verify_equivocation(replace(lie(), second=other), KEYRING.verify)
