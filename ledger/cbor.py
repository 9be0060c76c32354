"""CBOR in its one deterministic form, as much of it as a COSE receipt holds.

Integers, byte and text strings, arrays, maps, nil and one tag; shortest heads, map keys in the
order of their encodings (RFC 8949 section 4.2.1). Everything else, and every other spelling, is
refused. What it is not: a CBOR library. Ours would have to refuse most of what one accepts (dates,
big numbers, references), and a hundred lines that a test holds against such a library are less for
a verifier to trust than the library.

Source: RFC 8949 sections 3, 4.2.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Final

from ledger.errors import Malformed

__all__ = ["Tag", "decode_cbor", "encode_cbor"]

DEPTH_MAX: Final = 8  # a receipt is four deep; bounds the recursion
ITEMS_MAX: Final = 512  # items of one value: a receipt with the longest path has 130
_HEADS: Final = {24: ">B", 25: ">H", 26: ">I", 27: ">Q"}
_NIL: Final = b"\xf6"


@dataclass(frozen=True, slots=True)
class Tag:
    """A tagged value, such as 18: COSE_Sign1."""

    number: int
    value: Any


def encode_cbor(value: Any) -> bytes:
    """Return the deterministic encoding of a value.

    Raises: Malformed for a type or an integer that has none here.
    """
    if value is None:
        return _NIL
    if isinstance(value, int) and not isinstance(value, bool):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        data = value.encode()
        return _head(3, len(data)) + data
    if isinstance(value, list | tuple):
        return _head(4, len(value)) + b"".join([encode_cbor(one) for one in value])
    if isinstance(value, dict):
        pairs = sorted((encode_cbor(key), encode_cbor(one)) for key, one in value.items())
        return _head(5, len(pairs)) + b"".join([key + one for key, one in pairs])
    if isinstance(value, Tag):
        return _head(6, value.number) + encode_cbor(value.value)
    raise Malformed("cbor", f"has no {type(value).__name__}")


def _head(major: int, argument: int) -> bytes:
    if argument < 24:
        return bytes([major << 5 | argument])
    for additional, form in _HEADS.items():
        if argument < 1 << 8 * struct.calcsize(form):
            return bytes([major << 5 | additional]) + struct.pack(form, argument)
    raise Malformed("cbor", "holds an integer above 64 bits")


def decode_cbor(data: bytes, field: str = "cbor") -> Any:
    """Return the value that `data` spells; arrays become lists. Raises: Malformed."""
    reading = _Reading(data, field)
    value = reading.item(0)
    if reading.at != len(data):
        raise Malformed(field, "goes on after its end")
    if encode_cbor(value) != data:
        raise Malformed(field, "is not in the deterministic form")
    return value


class _Reading:
    """A cursor over bytes that does not trust a single length in them."""

    __slots__ = ("at", "data", "field", "items")

    def __init__(self, data: bytes, field: str) -> None:
        self.data = data
        self.field = field
        self.at = 0
        self.items = 0

    def take(self, count: int) -> bytes:
        """The next bytes."""
        if count > len(self.data) - self.at:
            raise Malformed(self.field, "ends too early")
        self.at += count
        return self.data[self.at - count : self.at]

    def item(self, depth: int) -> Any:
        """The next value."""
        self.items += 1
        if depth > DEPTH_MAX or self.items > ITEMS_MAX:
            raise Malformed(self.field, "is too deep or holds too much")
        first = self.take(1)
        if first == _NIL:
            return None
        major, additional = first[0] >> 5, first[0] & 31
        argument = additional
        if additional in _HEADS:
            form = _HEADS[additional]
            argument = struct.unpack(form, self.take(struct.calcsize(form)))[0]
        elif additional > 23:
            raise Malformed(self.field, "holds what no receipt does")
        return self.body(major, argument, depth)

    def body(self, major: int, argument: int, depth: int) -> Any:
        """The rest of a value whose head is read."""
        if major == 0:
            return argument
        if major == 1:
            return -1 - argument
        if major == 2:
            return self.take(argument)
        if major == 3:
            try:
                return self.take(argument).decode()
            except UnicodeDecodeError:
                raise Malformed(self.field, "holds text that is not UTF-8") from None
        if major == 4:
            self.room(argument)
            return [self.item(depth + 1) for _ in range(argument)]
        if major == 5:
            self.room(2 * argument)
            return self.pairs(argument, depth)
        if major == 6:
            return Tag(argument, self.item(depth + 1))
        raise Malformed(self.field, "holds what no receipt does")

    def room(self, count: int) -> None:
        """Refuse a count of items that cannot follow (R-RS-3)."""
        if count > len(self.data) - self.at:
            raise Malformed(self.field, "ends too early")

    def pairs(self, count: int, depth: int) -> dict[int | str, Any]:
        """A map; its keys are integers or text."""
        result: dict[int | str, Any] = {}
        for _ in range(count):
            key = self.item(depth + 1)
            if not isinstance(key, int | str) or key in result:
                raise Malformed(self.field, "a map has a key twice, or one of another kind")
            result[key] = self.item(depth + 1)
        return result
