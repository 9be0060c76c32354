"""For all values: one spelling, read back alike, and no other spelling is taken."""

from __future__ import annotations

from typing import Any

import msgpack
from hypothesis import given
from hypothesis import strategies as st

from ledger.codec import Value, decode, encode
from ledger.errors import Malformed
from ledger.limits import INTEGER_MAX

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-INTEGER_MAX, INTEGER_MAX)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.binary()
)
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=6)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=6)
    ),
    max_leaves=25,
).filter(lambda value: depth(value) <= 16)


def depth(value: Any) -> int:
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 0


def ordered(value: Any) -> Any:
    """The value with its maps in the order of their keys' UTF-8 bytes."""
    if isinstance(value, list):
        return [ordered(item) for item in value]
    if isinstance(value, dict):
        return {name: ordered(value[name]) for name in sorted(value, key=str.encode)}
    return value


@given(values)
def test_every_value_is_read_back_as_it_was_written(value: Value) -> None:
    assert decode(encode(value)) == value


@given(values)
def test_another_library_writes_the_same_bytes_for_ordered_maps(value: Value) -> None:
    assert encode(value) == msgpack.packb(ordered(value), use_bin_type=True)


@given(values, values)
def test_two_values_have_one_spelling_only_if_they_are_one_value(one: Value, other: Value) -> None:
    """Compared by another library's bytes, because in Python True equals 1."""
    alike = msgpack.packb(ordered(one)) == msgpack.packb(ordered(other))
    assert (encode(one) == encode(other)) == alike


@given(st.binary(max_size=60))
def test_bytes_are_refused_or_are_the_spelling_of_what_they_say(data: bytes) -> None:
    try:
        value = decode(data)
    except Malformed:
        return
    assert encode(value) == data
    assert msgpack.unpackb(data) == value


@given(values, st.data())
def test_a_changed_byte_changes_the_value_or_is_refused(value: Value, data: st.DataObject) -> None:
    good = encode(value)
    place = data.draw(st.integers(0, len(good) - 1))
    bad = good[:place] + bytes([good[place] ^ data.draw(st.integers(1, 255))]) + good[place + 1 :]
    try:
        other = decode(bad)
    except Malformed:
        return
    assert encode(other) == bad
