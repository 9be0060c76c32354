"""One spelling per value, and a refusal of every other; judged by another MessagePack library."""

from __future__ import annotations

import struct
import sys
from typing import Annotated, Any

import msgpack
import msgspec
import pytest
from msgspec import Meta

from ledger.codec import (
    Digest,
    Format,
    Identifier,
    Integer,
    Natural,
    Value,
    check,
    decode,
    encode,
)
from ledger.errors import Malformed
from ledger.limits import DEPTH_MAX, INTEGER_MAX, VALUE_NODES_MAX

SHORTEST = [
    (0, "00"),
    (127, "7f"),
    (128, "cc80"),
    (255, "ccff"),
    (256, "cd0100"),
    (65_535, "cdffff"),
    (65_536, "ce00010000"),
    (2**32 - 1, "ceffffffff"),
    (2**32, "cf0000000100000000"),
    (INTEGER_MAX, "cf001fffffffffffff"),
    (-1, "ff"),
    (-32, "e0"),
    (-33, "d0df"),
    (-128, "d080"),
    (-129, "d1ff7f"),
    (-32_768, "d18000"),
    (-32_769, "d2ffff7fff"),
    (-(2**31), "d280000000"),
    (-(2**31) - 1, "d3ffffffff7fffffff"),
    (-INTEGER_MAX, "d3ffe0000000000001"),
    (None, "c0"),
    (False, "c2"),
    (True, "c3"),
    ("", "a0"),
    ("a" * 31, "bf" + "61" * 31),
    ("a" * 32, "d920" + "61" * 32),
    ("溯源", "a6e6baafe6ba90"),
    (b"", "c400"),
    (b"\xff", "c401ff"),
    ([], "90"),
    ([0] * 15, "9f" + "00" * 15),
    ([0] * 16, "dc0010" + "00" * 16),
    ({}, "80"),
    ({"a": 1, "b": 2}, "82a16101a16202"),
]


@pytest.mark.parametrize(("value", "spelling"), SHORTEST)
def test_a_value_is_written_in_its_shortest_form_and_read_back(value: Value, spelling: str) -> None:
    data = bytes.fromhex(spelling)
    assert encode(value) == data
    assert decode(data) == value
    assert type(decode(data)) is type(value)
    assert msgpack.packb(value, use_bin_type=True) == data


def longer_spellings() -> list[tuple[str, bytes]]:
    """Everything the MessagePack specification allows for a value besides its shortest form."""
    cases: list[tuple[str, bytes]] = []
    unsigned = [(0xCC, ">B"), (0xCD, ">H"), (0xCE, ">I"), (0xCF, ">Q")]
    signed = [(0xD0, ">b"), (0xD1, ">h"), (0xD2, ">i"), (0xD3, ">q")]
    for number in (0, 1, 127, 128, 255, 256, 65_535, 65_536, -1, -32, -33, -128, -129, -32_769):
        for head, layout in unsigned + signed:
            try:
                spelling = bytes([head]) + struct.pack(layout, number)
            except struct.error:
                continue
            if spelling != encode(number):
                cases.append((f"{number} as 0x{head:02x}", spelling))
    cases += [
        ("text as str 8", b"\xd9\x01a"),
        ("text as str 16", b"\xda\x00\x01a"),
        ("text as str 32", b"\xdb\x00\x00\x00\x01a"),
        ("bytes as bin 16", b"\xc5\x00\x01a"),
        ("bytes as bin 32", b"\xc6\x00\x00\x00\x01a"),
        ("array 16", b"\xdc\x00\x01\x00"),
        ("array 32", b"\xdd\x00\x00\x00\x01\x00"),
        ("map 16", b"\xde\x00\x01\xa1a\x00"),
        ("map 32", b"\xdf\x00\x00\x00\x01\xa1a\x00"),
        ("keys unsorted", b"\x82\xa1b\x01\xa1a\x02"),
        ("keys sorted by length", b"\x82\xa1b\x01\xa2aa\x02"),
        ("a key twice", b"\x82\xa1a\x01\xa1a\x01"),
    ]
    return cases


@pytest.mark.parametrize(
    "spelling", [c[1] for c in longer_spellings()], ids=[c[0] for c in longer_spellings()]
)
def test_a_longer_or_unsorted_spelling_is_refused(spelling: bytes) -> None:
    msgpack.unpackb(spelling, strict_map_key=False)  # legal MessagePack all the same
    with pytest.raises(Malformed, match="canonical spelling"):
        decode(spelling)


@pytest.mark.parametrize(
    "spelling",
    [
        b"",
        b"\xc1",
        b"\xca\x00\x00\x00\x00",
        b"\xcb" + bytes(8),
        b"\xca\x7f\xc0\x00\x00",
        b"\xd4\x01\x00",
        b"\xc7\x01\x05\x00",
        b"\xd6\xff" + bytes(4),
        b"\x00\x00",
        b"\xa2a",
        b"\x91",
        b"\x81\xa1a",
        b"\x81\x01\x01",
        b"\x81\xc0\x01",
        b"\x81\xc4\x01a\x01",
        b"\xa1\xff",
        b"\xa3\xed\xa0\x80",
        b"\xa2\xc0\x80",
        b"\xcf\x00\x20\x00\x00\x00\x00\x00\x00",
        b"\xd3\xff\xe0\x00\x00\x00\x00\x00\x00",
        b"\xcf" + b"\xff" * 8,
        b"\xdd\xff\xff\xff\xff",
        b"\xdb\xff\xff\xff\xffa",
    ],
    ids=[
        "nothing",
        "never-used",
        "float32",
        "float64",
        "nan",
        "extension",
        "extension-8",
        "timestamp",
        "bytes-left-over",
        "text-cut",
        "array-cut",
        "map-cut",
        "integer-key",
        "nil-key",
        "bytes-key",
        "not-utf8",
        "surrogate",
        "overlong-utf8",
        "2^53",
        "-2^53",
        "2^64-1",
        "array-of-4-billion",
        "text-of-4-billion",
    ],
)
def test_what_has_no_canonical_form_is_refused(spelling: bytes) -> None:
    with pytest.raises(Malformed):
        decode(spelling)


def nested(depth: int) -> Value:
    value: Value = 0
    for _ in range(depth):
        value = [value]
    return value


def test_nesting_ends_at_sixteen() -> None:
    assert decode(encode(nested(DEPTH_MAX))) == nested(DEPTH_MAX)
    with pytest.raises(Malformed, match="nesting"):
        encode(nested(DEPTH_MAX + 1))
    with pytest.raises(Malformed):
        decode(b"\x91" * (DEPTH_MAX + 1) + b"\x00")
    with pytest.raises(Malformed):
        decode(b"\x91" * 1_000_000 + b"\x00")


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        {1: 2},
        {None: 1},
        object(),
        {1, 2},
        2**53,
        -(2**53),
        bytearray(b"a"),
        "\ud800",
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_canonical_form_is_not_written(value: Any) -> None:
    with pytest.raises(Malformed):
        encode(value)


def test_maps_are_sorted_by_the_utf8_bytes_of_their_keys() -> None:
    """U+FF5E is before U+1F600 in UTF-8, and after it in UTF-16."""
    assert encode({"😀": 1, "～": 2, "a": 3, "B": 4}) == encode({"B": 4, "a": 3, "～": 2, "😀": 1})
    assert list(decode(encode({"😀": 1, "～": 2, "a": 3, "B": 4}))) == ["B", "a", "～", "😀"]  # type: ignore[arg-type]


class Sample(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Identifier
    count: Natural
    change: Integer
    digest: Digest


SAMPLE = Format(Sample, "sample")


def test_a_typed_format_writes_what_the_plain_codec_writes() -> None:
    sample = Sample("red-cross.D-1", 3, -4, bytes(32))
    plain: Value = {"change": -4, "count": 3, "digest": bytes(32), "name": "red-cross.D-1"}
    assert SAMPLE.encode(sample) == encode(plain)
    assert SAMPLE.decode(encode(plain)) == sample


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "a" * 97),
        ("name", "a\n"),
        ("name", "中文"),
        ("name", 1),
        ("count", -1),
        ("count", INTEGER_MAX + 1),
        ("count", True),
        ("change", -INTEGER_MAX - 1),
        ("digest", bytes(31)),
        ("digest", bytes(33)),
        ("digest", "a" * 32),
        ("extra", 1),
    ],
)
def test_a_typed_format_refuses_what_its_type_forbids(field: str, value: Any) -> None:
    plain: dict[str, Any] = {"change": -4, "count": 3, "digest": bytes(32), "name": "red-cross.D-1"}
    with pytest.raises(Malformed) as fault:
        SAMPLE.decode(msgpack.packb(dict(sorted({**plain, field: value}.items()))))
    assert fault.value.field == "sample"


def test_a_typed_format_refuses_a_missing_field_and_another_order() -> None:
    good = SAMPLE.encode(Sample("a", 1, 1, bytes(32)))
    assert SAMPLE.decode(good).name == "a"
    with pytest.raises(Malformed):
        SAMPLE.decode(msgpack.packb({"change": 1, "count": 1, "digest": bytes(32)}))
    unsorted = {"name": "a", "count": 1, "change": 1, "digest": bytes(32)}
    with pytest.raises(Malformed, match="canonical spelling"):
        SAMPLE.decode(msgpack.packb(unsorted))


def test_check_names_the_field_and_the_rule() -> None:
    with pytest.raises(Malformed) as fault:
        check({"a": [1, 2.5]}, "transaction.body")
    assert fault.value.field == "transaction.body"
    assert "float" in fault.value.rule


def test_an_array_format_counts_its_elements() -> None:
    pair: Format[tuple[int, Annotated[str, Meta(max_length=3)]]] = Format(
        tuple[int, Annotated[str, Meta(max_length=3)]], "pair"
    )
    assert pair.decode(encode([1, "abc"])) == (1, "abc")
    for wrong in ([1], [1, "abc", 2], [1, "abcd"], {"a": 1}):
        with pytest.raises(Malformed):
            pair.decode(encode(wrong))  # type: ignore[arg-type]


class Bag(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A typed form with plain values inside, like the arguments of a call."""

    inside: dict[str, Any]


@pytest.mark.parametrize("inside", [{"a": {1: 2}}, {"a": [{None: 1}]}, {"a": {b"k": 1}}])
def test_a_key_that_is_no_string_is_refused_however_deep_it_lies(inside: dict[str, Any]) -> None:
    # Once a TypeError that halted every member a liar sent it to.
    with pytest.raises(Malformed):
        Format(Bag, "bag").decode(msgpack.packb({"inside": inside}))


@pytest.mark.parametrize(
    ("value", "nodes"),
    [(0, 1), ([], 1), ([1, [2, [b""]]], 6), ({"a": 1, "b": [None, "c"]}, 7), (((),) * 9, 10)],
)
def test_a_value_holds_at_most_so_many_values_with_the_names_of_its_maps(
    value: object, nodes: int
) -> None:
    check(value, "value", nodes)
    with pytest.raises(Malformed, match=f"more than {nodes - 1} values"):
        check(value, "value", nodes - 1)


def test_what_holds_too_many_values_is_refused_after_looking_at_no_more_than_allowed() -> None:
    looked: list[int] = []

    def hook(frame: object, event: str, argument: object) -> None:
        if event == "call":
            looked.append(1)

    wide: list[object] = [[[]] * 8 for _ in range(7_000)]
    sys.setprofile(hook)
    try:
        with pytest.raises(Malformed, match="more than 4096"):
            check([wide], "value", 4_096)
    finally:
        sys.setprofile(None)
    assert len(looked) < 2 * 4_096


def test_a_plain_value_above_the_limit_is_neither_written_nor_read() -> None:
    full: list[Value] = [0] * (VALUE_NODES_MAX - 1)
    assert decode(encode(full)) == full
    with pytest.raises(Malformed, match=str(VALUE_NODES_MAX)):
        encode([*full, 0])
    spelling = b"\xdd" + VALUE_NODES_MAX.to_bytes(4, "big") + bytes(VALUE_NODES_MAX)
    with pytest.raises(Malformed, match=str(VALUE_NODES_MAX)):
        decode(spelling)
