"""The bundle file's reader and writer, and the canonical JSON beneath it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ledger.assembly import assemble
from ledger.bundle import Absent, Bundle, Logged, Outlined
from ledger.bundle_file import decode_bundle, encode_bundle
from ledger.canonical_json import from_base64, from_hex, from_json, to_base64, to_json
from ledger.claims import Absence, Entity, History
from ledger.errors import Malformed
from ledger.genesis import Genesis
from ledger.limits import (
    BUNDLE_ENTITIES_MAX,
    BUNDLE_EVENTS_MAX,
    BUNDLE_SIZE_MAX,
    HANDOVERS_MAX,
    JSON_COMMAS_MAX,
    MERKLE_PATH_MAX,
    WITNESS_NOTES_MAX,
)
from tests.forger.epochs import epochs
from tests.forger.forging import edit
from tests.forger.stories import LOT_A, donation_world, supply

WORLD = donation_world()
HISTORY = assemble(WORLD, History(LOT_A))


def test_an_entity_stands_in_one_of_three_forms() -> None:
    shapes = {}
    for claim in (History(LOT_A), Entity(LOT_A), Absence(supply("lot", "none"))):
        bundle = assemble(WORLD, claim)
        (shown,) = decode_bundle(encode_bundle(bundle)).entities
        shapes[type(shown)] = sorted(json.loads(encode_bundle(bundle))["entities"][0])
    assert shapes == {
        Logged: ["leaves", "path", "record"],
        Outlined: ["frontier", "path", "record", "size"],
        Absent: ["path"],
    }


def test_the_file_has_exactly_the_documented_keys() -> None:
    assert sorted(json.loads(encode_bundle(HISTORY))) == [
        "checkpoint",
        "claim",
        "entities",
        "epochs",
        "header",
        "inclusion",
        "state",
        "version",
    ]
    with_pin = json.loads(encode_bundle(assemble(WORLD, History(LOT_A), 3)))
    assert sorted(with_pin["consistency"]) == ["path", "root", "size"]


def refused(change: Any) -> str:
    with pytest.raises(Malformed) as fault:
        decode_bundle(edit(HISTORY, change))
    return str(fault.value)


def test_limits_are_checked_by_the_reader() -> None:
    def many_entities(value: dict[str, Any]) -> None:
        value["entities"] = [{"path": f"a/b/{n:06d}"} for n in range(BUNDLE_ENTITIES_MAX + 1)]

    def many_events(value: dict[str, Any]) -> None:
        value["entities"][0]["leaves"] = [""] * (BUNDLE_EVENTS_MAX + 1)

    def long_path(value: dict[str, Any]) -> None:
        value["inclusion"] = ["00" * 32] * (MERKLE_PATH_MAX + 1)

    assert str(BUNDLE_ENTITIES_MAX) in refused(many_entities)
    assert str(BUNDLE_EVENTS_MAX) in refused(many_events)
    assert str(MERKLE_PATH_MAX) in refused(long_path)
    with pytest.raises(Malformed, match="larger than"):
        decode_bundle(bytes(BUNDLE_SIZE_MAX + 1))


@pytest.mark.parametrize("name", sorted(json.loads(encode_bundle(HISTORY))))
@pytest.mark.parametrize("wrong", [None, True, 7, 0.5, "?", [1], {"a": 1}], ids=str)
def test_every_field_refuses_values_of_other_types(name: str, wrong: Any) -> None:
    value = json.loads(encode_bundle(HISTORY))
    if type(wrong) is type(value[name]) and name == "checkpoint":
        return  # any text is a text here; the verifier judges it
    value[name] = wrong
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    with pytest.raises(Malformed):
        decode_bundle(text.encode() + b"\n")


@pytest.mark.parametrize("name", sorted(json.loads(encode_bundle(HISTORY))))
def test_every_field_is_needed(name: str) -> None:
    assert refused(lambda value: value.pop(name))


def test_more_handovers_or_notes_than_a_bundle_may_hold_are_not_read() -> None:
    epoch = json.loads(encode_bundle(assemble(epochs(), History(LOT_A))))["epochs"][0]

    def many_handovers(value: dict[str, Any]) -> None:
        value["epochs"] = [epoch] * (HANDOVERS_MAX + 1)

    def many_notes(value: dict[str, Any]) -> None:
        value["witnesses"] = [f"{number:03}\n" for number in range(WITNESS_NOTES_MAX + 1)]

    assert f"more than {HANDOVERS_MAX}" in refused(many_handovers)
    assert f"1 to {WITNESS_NOTES_MAX} notes" in refused(many_notes)


def test_a_bundle_without_entities_answers_nothing() -> None:
    assert "1 to" in refused(lambda value: value.update(entities=[]))


def test_canonical_json_takes_one_spelling() -> None:
    assert from_json(b'{"a":1,"b":"\xe6\xba\xaf"}', "x") == {"a": 1, "b": "溯"}
    for wrong in (
        b'{"b":1,"a":1}',
        b'{"a":1,"a":1}',
        b'{"a":1.0}',
        b'{"a":1e2}',
        b'{"a":NaN}',
        b'{"a":-0}',
        b'{"a": 1}',
        b'{"a":1}\n',
        b'{"a":"\\u6eaf"}',
        b'{"a":9007199254740993}',
        b"\xef\xbb\xbf{}",
        b"{",
        b"",
        b"[" * 100_000,
    ):
        with pytest.raises(Malformed):
            from_json(wrong, "x")
    for wrong_value in ({1: 2}, object(), 2**60, "\ud800"):
        with pytest.raises(Malformed):
            to_json({"a": wrong_value})


def test_base64_and_hex_take_one_spelling() -> None:
    assert from_base64(to_base64(b"\xfb\xff"), "x") == b"\xfb\xff"
    for wrong in ("+/8", "+/9=", "-_8=", "+/8=\n", " +/8=", "+/8==", "é", None, b"+/8="):
        with pytest.raises(Malformed):
            from_base64(wrong, "x")
    assert from_hex("ab" * 32, "x") == b"\xab" * 32
    for wrong_hex in ("AB" * 32, "ab" * 31, "zz" * 32, "ab " * 21 + "a", None, 5, "０" * 64):
        with pytest.raises(Malformed):
            from_hex(wrong_hex, "x")


def test_a_bundle_is_a_value() -> None:
    assert assemble(WORLD, History(LOT_A)) == HISTORY
    assert isinstance(HISTORY, Bundle)
    assert HISTORY.events == 6


def test_a_crowd_of_values_is_refused_before_it_is_parsed() -> None:
    """64 MiB of empty lists would take gigabytes; the portal's reader says the same words."""
    lists = b"[]," * (JSON_COMMAS_MAX + 1)
    head, tail = b'{"checkpoint":"","claim":{"a":[', b'[]]},"epochs":[]}\n'
    with pytest.raises(Malformed, match="bundle: holds more than 4000000 commas"):
        decode_bundle(head + lists + tail)
    with pytest.raises(Malformed, match="genesis: holds more than 4000000 commas"):
        Genesis.from_json(b"[" + lists + b"[]]")
