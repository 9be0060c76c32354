"""C2SP checkpoints and cosignatures: published samples, and certificates of exactly q."""

from __future__ import annotations

import base64
from hashlib import sha256

import pytest

from ledger.checkpoint import (
    COSIGNATURE_V1,
    Certificate,
    Checkpoint,
    Cosignature,
    cosign,
    cosignature_message,
    key_id,
    parse_checkpoint,
    verify_certificate,
    verify_cosignature,
)
from ledger.errors import Malformed
from ledger.keys import Ed25519Signer, verify
from ledger.limits import INTEGER_MAX
from tests.forger.stories import donation_world
from tests.forger.world import World

# The log of tessera's test data, and our own regression vector over its checkpoint 15 (formats.md
# 6.3 to 6.5).
ORIGIN = "example.com/log/testdata"
CHECKPOINT_1 = f"{ORIGIN}\n1\n0Nc2CrefWKseHj/mStd+LqC8B+NrX0btIiPt2SmN+ek=\n"
CHECKPOINT_15 = f"{ORIGIN}\n15\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n"
LOG_KEY = "AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
LOG_SIGNATURE_1 = (
    "M9e0lhr9kuLxGdAtaUrhm84TQffVsLdcy808sN0a3WyniNlfcr9+bywoiIke1YYciCNjJGkCgIlQ8b16jhsmg/SChAM="
)
LOG_SIGNATURE_15 = (
    "M9e0luh4jTG+UMBqOUo9/q+yAEvx1ilBEniMvjf1zfcBOhg+CKubMt53MvIt/uEWP6zdkdIQzd/fmwlM/dlPWF74ewI="
)
COSIGNATURE_15 = (
    "XmwyHQAAAABkGFDLU8lL/xl41ywuQPE4WNwBRA1vvmUnCQ/yy6aSAjZW42mczmnuBM5L6fhzKnTK9SPHBTn/n3KBl4dSA7KK"
    "7aJFCA=="
)
COSIGNATURE_TIME = 1_679_315_147


def public_key() -> bytes:
    return base64.b64decode(LOG_KEY)[1:]


@pytest.mark.parametrize(
    ("text", "line"), [(CHECKPOINT_1, LOG_SIGNATURE_1), (CHECKPOINT_15, LOG_SIGNATURE_15)]
)
def test_the_published_notes_are_read_and_their_signatures_hold(text: str, line: str) -> None:
    checkpoint = parse_checkpoint(text)
    assert checkpoint.text() == text
    payload = base64.b64decode(line)
    assert payload[:4] == key_id(ORIGIN, 0x01, public_key())
    assert payload[:4].hex() == "33d7b496"
    assert verify(public_key(), checkpoint.text().encode(), payload[4:])


def test_the_golden_cosignature_holds_over_our_message() -> None:
    checkpoint = parse_checkpoint(CHECKPOINT_15)
    payload = base64.b64decode(COSIGNATURE_15)
    assert payload[:4].hex() == "5e6c321d"
    assert payload[:4] == key_id(ORIGIN, COSIGNATURE_V1, public_key())
    assert int.from_bytes(payload[4:12], "big") == COSIGNATURE_TIME
    message = cosignature_message(checkpoint, COSIGNATURE_TIME)
    assert message == f"cosignature/v1\ntime {COSIGNATURE_TIME}\n{CHECKPOINT_15}".encode()
    assert verify(public_key(), message, payload[12:])
    assert not verify(public_key(), cosignature_message(checkpoint, 0), payload[12:])


def test_a_published_witness_key_has_the_key_id_of_our_formula() -> None:
    key = base64.b64decode("BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2")
    assert key_id("remora.n621.de", key[0], key[1:]).hex() == "da77ade7"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n1\n",
        "a\n1\n" + "A" * 43 + "=\nextension\n",
        "\n1\n" + "A" * 43 + "=\n",
        "a b\n1\n" + "A" * 43 + "=\n",
        "a+b\n1\n" + "A" * 43 + "=\n",
        "a\n01\n" + "A" * 43 + "=\n",
        "a\n-1\n" + "A" * 43 + "=\n",
        "a\n1.0\n" + "A" * 43 + "=\n",
        "a\n１\n" + "A" * 43 + "=\n",
        "a\n9007199254740992\n" + "A" * 43 + "=\n",
        "a\n1\n" + "A" * 42 + "B=\n",
        "a\n1\nAAAA\n",
        "a\n1\n" + "A" * 43 + "=\nextension",
        "a\n1\n" + "A" * 43 + "=",
        "a\r\n1\r\n" + "A" * 43 + "=\r\n",
    ],
)
def test_a_text_that_is_no_checkpoint_is_malformed(text: str) -> None:
    with pytest.raises(Malformed, match="checkpoint"):
        parse_checkpoint(text)


@pytest.fixture(scope="module")
def world() -> World:
    return donation_world()


def test_a_certificate_is_written_and_read_as_a_note(world: World) -> None:
    members, certificate = world.genesis.members, world.certificate()
    note = certificate.to_note(members)
    assert Certificate.from_note(note, members) == certificate
    text, block = note.split("\n\n")
    assert text + "\n" == certificate.checkpoint.text()
    assert block.count("\n") == members.q == 3
    for line, cosignature in zip(block.splitlines(), certificate.cosignatures, strict=True):
        dash, name, payload = line.split(" ")
        assert dash == "—"
        assert name == f"{world.genesis.origin}/{cosignature.member}"
        decoded = base64.b64decode(payload)
        assert len(decoded) == 76
        member = members.get(cosignature.member)
        assert member is not None
        name_and_key = name.encode() + b"\n\x04" + member.cosigner_key
        assert decoded[:4] == sha256(name_and_key).digest()[:4]
    verify_certificate(certificate, members, world.genesis.origin)


def with_cosignatures(certificate: Certificate, *cosignatures: Cosignature) -> Certificate:
    return Certificate(certificate.checkpoint, cosignatures)


def test_only_exactly_q_distinct_members_in_order_certify(world: World) -> None:
    """R-LC-2."""
    members, origin, certificate = world.genesis.members, world.genesis.origin, world.certificate()
    a, b, c = certificate.cosignatures
    d = world.cosign(certificate.checkpoint, "m3", a.timestamp)
    for good in ((a, b, c), (a, b, d), (b, c, d)):
        verify_certificate(with_cosignatures(certificate, *good), members, origin)
    for bad in ((), (a, b), (a, b, c, d), (b, a, c), (a, a, b), (a, b, b)):
        with pytest.raises(Malformed):
            verify_certificate(with_cosignatures(certificate, *bad), members, origin)


def test_a_cosignature_binds_member_time_size_root_and_origin(world: World) -> None:
    members, certificate = world.genesis.members, world.certificate()
    checkpoint, (first, *_) = certificate.checkpoint, certificate.cosignatures
    assert verify_cosignature(checkpoint, first, members)
    later = Cosignature(first.member, first.timestamp + 1, first.signature)
    other = Cosignature("m1", first.timestamp, first.signature)
    stranger = Cosignature("m9", first.timestamp, first.signature)
    negative = Cosignature(first.member, -1, first.signature)
    for forged in (later, other, stranger, negative):
        assert not verify_cosignature(checkpoint, forged, members)
    for moved in (
        Checkpoint(checkpoint.origin, checkpoint.size + 1, checkpoint.root),
        Checkpoint(checkpoint.origin, checkpoint.size, bytes(32)),
        Checkpoint("hunan/" + "00" * 32, checkpoint.size, checkpoint.root),
    ):
        assert not verify_cosignature(moved, first, members)


def test_a_cosignature_holds_up_to_the_largest_time(world: World) -> None:
    checkpoint, members = world.checkpoint(), world.genesis.members
    for time, holds in ((0, True), (INTEGER_MAX, True), (INTEGER_MAX + 1, False)):
        signed = world.cosign(checkpoint, "m0", time)
        assert verify_cosignature(checkpoint, signed, members) is holds


def test_a_chain_has_as_many_blocks_as_numbers_reach_and_no_more() -> None:
    text = Checkpoint("a", INTEGER_MAX, bytes(32)).text()
    assert parse_checkpoint(text).size == INTEGER_MAX
    with pytest.raises(Malformed, match=r"checkpoint\.size"):
        parse_checkpoint(Checkpoint("a", INTEGER_MAX + 1, bytes(32)).text())


def test_a_cosignature_with_a_key_of_another_role_is_refused(world: World) -> None:
    checkpoint = world.checkpoint()
    stranger = Ed25519Signer(sha256(b"vote").digest())
    forged = cosign(checkpoint, 1, "m0", stranger)
    assert not verify_cosignature(checkpoint, forged, world.genesis.members)


def test_another_origin_is_another_chain(world: World) -> None:
    with pytest.raises(Malformed, match="another chain"):
        verify_certificate(world.certificate(), world.genesis.members, "hubei/" + "00" * 32)


@pytest.mark.parametrize(
    "change",
    [
        lambda note: note.replace("— ", "- "),
        lambda note: note.replace("— ", "—  "),
        lambda note: note + "\n",
        lambda note: note[:-1],
        lambda note: note.replace("\n\n", "\n"),
        lambda note: note.replace("=\n", "\n"),
        lambda note: note.replace("/m1 ", "/m7 "),
        lambda note: note.replace("/m1 ", "/m2 "),
        lambda note: note.replace("\n— ", "\n— x", 1),
        lambda note: note + note.splitlines(keepends=True)[-1] * 200,
        lambda note: note * 200,
    ],
    ids=range(11),
)
def test_a_note_spelt_otherwise_is_malformed(world: World, change: object) -> None:
    note = world.certificate().to_note(world.genesis.members)
    changed = change(note)  # type: ignore[operator]
    assert changed != note
    with pytest.raises(Malformed):
        Certificate.from_note(changed, world.genesis.members)
