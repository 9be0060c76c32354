"""Signed notes: the published sample, what a reader ignores, and what it refuses."""

from __future__ import annotations

import pytest

from ledger.errors import Malformed
from ledger.keys import Ed25519Signer, verify
from ledger.limits import INTEGER_MAX
from ledger.notes import (
    COSIGNATURE_V1,
    ED25519,
    Note,
    NoteLine,
    VerifierKey,
    cosign_text,
    line_holds,
    open_note,
    parse_note,
    sign_text,
)

# The sample note and verifier key of C2SP signed-note, and a checkpoint of tessera's test log.
SAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
LOG_KEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
COSIGNER_KEY = "example.com/log/testdata+5e6c321d+BOHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
NOTE = (
    "example.com/log/testdata\n15\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n\n"
    "— example.com/log/testdata M9e0luh4jTG+UMBqOUo9/q+yAEvx1ilBEniMvjf1zfcBOhg+CKubMt53MvIt/uEWP6z"
    "dkdIQzd/fmwlM/dlPWF74ewI=\n"
    "— example.com/log/testdata XmwyHQAAAABkGFDLU8lL/xl41ywuQPE4WNwBRA1vvmUnCQ/yy6aSAjZW42mczmnuBM5"
    "L6fhzKnTK9SPHBTn/n3KBl4dSA7KK7aJFCA==\n"
)

ALICE, BOB = Ed25519Signer(b"a" * 32), Ed25519Signer(b"b" * 32)
ALICE_KEY = VerifierKey("alice.example", ED25519, ALICE.public)
BOB_KEY = VerifierKey("bob.example", COSIGNATURE_V1, BOB.public)
TEXT = "one\n\ntwo\n"


@pytest.mark.parametrize("text", [SAMPLE_KEY, LOG_KEY, COSIGNER_KEY])
def test_published_verifier_keys_are_read_and_written_again(text: str) -> None:
    assert VerifierKey.parse(text).text() == text


def test_a_published_note_opens_with_both_kinds_of_line() -> None:
    note = parse_note(NOTE)
    assert note.encode() == NOTE
    log, cosigner = VerifierKey.parse(LOG_KEY), VerifierKey.parse(COSIGNER_KEY)
    opened = open_note(note, [cosigner, log])
    assert [key for key, _ in opened] == [log, cosigner]
    assert opened[1][1].timestamp == 1_679_315_147


def test_the_text_ends_at_the_last_empty_line() -> None:
    note = Note(TEXT, (sign_text(TEXT, "alice.example", ALICE),))
    parsed = parse_note(note.encode())
    assert parsed.text == TEXT
    assert open_note(parsed, [ALICE_KEY]) == ((ALICE_KEY, note.lines[0]),)


def test_lines_of_unknown_keys_are_ignored_even_when_they_are_false() -> None:
    false = sign_text("another\n", "mallory.example", Ed25519Signer(b"m" * 32))
    renamed = sign_text(TEXT, "alice.example", BOB)  # her name, another key id
    note = Note(TEXT, (false, renamed, sign_text(TEXT, "alice.example", ALICE)))
    assert [key for key, _ in open_note(note, [ALICE_KEY, BOB_KEY])] == [ALICE_KEY]


def test_one_false_line_of_a_known_key_refuses_the_note() -> None:
    good = sign_text(TEXT, "alice.example", ALICE)
    for false in (
        sign_text("another\n", "alice.example", ALICE),
        cosign_text("another\n", 7, "bob.example", BOB),
    ):
        lines = (good, false) if false.name == "bob.example" else (false, good)
        with pytest.raises(Malformed, match="does not verify"):
            open_note(Note(TEXT, lines), [ALICE_KEY, BOB_KEY])


def test_a_note_that_no_known_key_signed_is_refused() -> None:
    note = Note(TEXT, (sign_text(TEXT, "alice.example", ALICE),))
    with pytest.raises(Malformed, match="not signed by any known key"):
        open_note(note, [BOB_KEY])


def test_a_signature_of_one_kind_is_none_of_the_other() -> None:
    plain = VerifierKey("bob.example", ED25519, BOB.public)
    line = cosign_text(TEXT, 7, "bob.example", BOB)
    with pytest.raises(Malformed, match="not signed"):
        open_note(Note(TEXT, (line,)), [plain])
    assert plain.id != BOB_KEY.id


def test_a_hundred_lines_of_one_key_cost_one_verification() -> None:
    line = sign_text(TEXT, "alice.example", ALICE)
    counted = 0

    def counting(public: bytes, message: bytes, signature: bytes) -> bool:
        nonlocal counted
        counted += 1
        return verify(public, message, signature)

    opened = open_note(Note(TEXT, (line,) * 100), [ALICE_KEY], "note", counting)
    assert len(opened) == counted == 1


@pytest.mark.parametrize(
    "note",
    [
        "",
        "text\n",
        "text\n\n",
        "text\n\n— alice.example AAAAAAAA",
        "text\n\n— alice.example AAAAAAAAA",
        "— alice.example AAAAAAAA\n",
        "text\n\n- alice.example AAAAAAAA\n",
        "text\n\n— alice.example  AAAAAAAA\n",
        "text\n\n— alice+example AAAAAAAA\n",
        "text\n\n— alice\u3000example AAAAAAAA\n",
        "text\n\n— alice.example AAAA\n",
        "text\n\n— alice.example AAAAAAB=\n",
        "text\n\n— alice.example A\n",
        "te\txt\n\n— alice.example AAAAAAAA\n",
        "text\r\n\n— alice.example AAAAAAAA\n",
        "te\ud800xt\n\n— alice.example AAAAAAAA\n",
        "text\n\n" + "— alice.example AAAAAAAA\n" * 101,
        "x" * 70_000 + "\n\n— alice.example AAAAAAAA\n",
        "text\n\n— " + "a" * 600 + " AAAAAAAA\n",
    ],
)
def test_what_is_no_note_is_malformed(note: str) -> None:
    with pytest.raises(Malformed):
        parse_note(note)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com/foo",
        "example.com/foo+530d903a",
        "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "a b+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+Aeky",
        "example.com/foo+530d903a+",
        "e" * 2_000 + "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    ],
)
def test_what_is_no_verifier_key_is_malformed(text: str) -> None:
    with pytest.raises(Malformed, match="vkey"):
        VerifierKey.parse(text)


@pytest.mark.parametrize(
    ("key", "rule"),
    [
        (VerifierKey("a b", ED25519, ALICE.public), "name"),
        (VerifierKey("a\u3000b", ED25519, ALICE.public), "name"),
        (VerifierKey("a\0b", ED25519, ALICE.public), "name"),
        (VerifierKey("a" * 513, ED25519, ALICE.public), "name"),
        (VerifierKey("a", 2, ALICE.public), "type 1 or 4"),
        (VerifierKey("a", 6, ALICE.public), "type 1 or 4"),
        (VerifierKey("a", ED25519, ALICE.public[:-1]), "type 1 or 4"),
        (VerifierKey("a", ED25519, ALICE.public + b"a"), "type 1 or 4"),
    ],
    ids=repr,
)
def test_a_verifier_key_of_another_kind_is_refused_though_its_key_id_is_right(
    key: VerifierKey, rule: str
) -> None:
    with pytest.raises(Malformed, match=rule):
        VerifierKey.parse(key.text())


def test_a_note_has_a_hundred_lines_and_no_more() -> None:
    line = sign_text(TEXT, "alice.example", ALICE)
    assert len(parse_note(Note(TEXT, (line,) * 100).encode()).lines) == 100
    with pytest.raises(Malformed, match="more than 100"):
        parse_note(Note(TEXT, (line,) * 101).encode())


def test_a_line_without_room_for_a_time_has_none() -> None:
    assert NoteLine("bob.example", BOB_KEY.id, INTEGER_MAX.to_bytes(8, "big")).timestamp
    with pytest.raises(Malformed, match="no timestamp"):
        _ = NoteLine("bob.example", BOB_KEY.id, b"1234567").timestamp


def test_a_cosignature_holds_up_to_the_largest_time_and_at_its_one_length() -> None:
    last = cosign_text(TEXT, INTEGER_MAX, "bob.example", BOB)
    assert line_holds(TEXT, BOB_KEY, last)
    later = cosign_text(TEXT, INTEGER_MAX + 1, "bob.example", BOB)
    assert not line_holds(TEXT, BOB_KEY, later)

    def believes_anything(public: bytes, message: bytes, signature: bytes) -> bool:
        return True

    assert line_holds(TEXT, BOB_KEY, last, believes_anything)
    for payload in (last.payload[:-1], last.payload + b"a", last.payload[8:], b""):
        line = NoteLine(last.name, last.key, payload)
        assert not line_holds(TEXT, BOB_KEY, line, believes_anything)
