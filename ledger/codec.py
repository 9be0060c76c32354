"""Canonical MessagePack: one spelling per value, and a decoder that refuses every other.

What it is: the bytes that are hashed and signed. Maps are sorted by the UTF-8 bytes of their keys,
integers take their shortest form and stay within ±(2^53−1), there are no floats, no extension types
and no other keys than strings; nesting ends at 16 (DESIGN section 4). What it is not: a general
serializer. The strict decoder decodes, encodes again and compares: a spelling that differs in any
byte is refused, so that nobody can make two byte strings of one meaning.

Source: MessagePack specification; msgspec's encoder with `order="sorted"` writes shortest forms.
"""

from __future__ import annotations

from typing import Annotated, Final, Generic, TypeVar

import msgspec
from msgspec import Meta

from ledger.errors import Malformed
from ledger.limits import DEPTH_MAX, IDENTIFIER_LENGTH_MAX, INTEGER_MAX, VALUE_NODES_MAX

__all__ = [
    "Digest",
    "Format",
    "Identifier",
    "Integer",
    "Natural",
    "Value",
    "check",
    "decode",
    "encode",
]

type_ = TypeVar("type_")

Value = None | bool | int | str | bytes | list["Value"] | tuple["Value", ...] | dict[str, "Value"]

Natural = Annotated[int, Meta(ge=0, le=INTEGER_MAX)]
Integer = Annotated[int, Meta(ge=-INTEGER_MAX, le=INTEGER_MAX)]
Digest = Annotated[bytes, Meta(min_length=32, max_length=32)]
Identifier = Annotated[str, Meta(pattern=rf"^[A-Za-z0-9._-]{{1,{IDENTIFIER_LENGTH_MAX}}}\Z")]

_ENCODER: Final = msgspec.msgpack.Encoder(order="sorted")
_DECODER: Final = msgspec.msgpack.Decoder()


def check(value: object, field: str = "value", nodes_max: int = VALUE_NODES_MAX) -> None:
    """Refuse what has no canonical form (floats, foreign types, huge integers, deep nesting), and
    what holds more than `nodes_max` values, names of maps included.

    The cost is bounded by `nodes_max`, whatever the value. Raises: Malformed, naming `field` and
    the rule.
    """
    if _count(value, field, 0, nodes_max - 1) < 0:
        raise Malformed(field, f"holds more than {nodes_max} values")


def _count(value: object, field: str, depth: int, left: int) -> int:
    """Check one value; return how many more there may be, below 0 as soon as there are too many."""
    if value is None or value is True or value is False or type(value) is bytes:
        return left
    if type(value) is str:
        if not value.isascii():
            _check_text(value, field)
        return left
    if type(value) is int:
        if not -INTEGER_MAX <= value <= INTEGER_MAX:
            raise Malformed(field, "an integer lies outside ±(2^53−1)")
        return left
    if depth >= DEPTH_MAX:
        raise Malformed(field, f"nesting is deeper than {DEPTH_MAX}")
    if type(value) is dict:
        left -= 2 * len(value)
        for key, item in value.items():
            if left < 0:
                return left
            if type(key) is not str:
                raise Malformed(field, "a map key is not a string")
            if not key.isascii():
                _check_text(key, field)
            left = _count(item, field, depth + 1, left)
        return left
    if type(value) is list or type(value) is tuple:
        left -= len(value)
        for item in value:
            if left < 0:
                return left
            left = _count(item, field, depth + 1, left)
        return left
    raise Malformed(field, f"{type(value).__name__} has no canonical form")


def _check_text(text: str, field: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Malformed(field, "text is not valid Unicode") from None


def encode(value: Value) -> bytes:
    """Return the canonical bytes of a plain value.

    Raises: Malformed when the value has no canonical form.
    """
    check(value)
    return _ENCODER.encode(value)


def decode(data: bytes, field: str = "value") -> Value:
    """Return the plain value that `data` spells canonically (arrays as lists).

    Raises: Malformed for every other spelling.
    """
    try:
        value = _DECODER.decode(data)
        check(value, field)
        canonical = _ENCODER.encode(value)
    except (msgspec.MsgspecError, TypeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(field, f"not canonical MessagePack ({_first_line(error)})") from None
    if canonical != data:
        raise Malformed(field, "not the canonical spelling")
    return value  # type: ignore[no-any-return]


class Format(Generic[type_]):
    """A typed canonical format: a msgspec type and the name its errors carry.

    Structs are written as maps, or as arrays when declared `array_like`. Fields of type `dict` hold
    plain values and are checked like plain values by whoever owns them: the bytes are canonical
    either way.
    """

    __slots__ = ("_decoder", "field")

    def __init__(self, kind: type[type_], field: str) -> None:
        self._decoder: msgspec.msgpack.Decoder[type_] = msgspec.msgpack.Decoder(kind)
        self.field = field

    def encode(self, value: type_) -> bytes:
        """Return canonical bytes. The caller vouches that `value` was built from checked parts."""
        return _ENCODER.encode(value)

    def decode(self, data: bytes) -> type_:
        """Return the typed value.

        Raises: Malformed for anything that is not exactly its canonical spelling.
        """
        try:
            value = self._decoder.decode(data)
            canonical = _ENCODER.encode(value)
        except (msgspec.MsgspecError, TypeError, UnicodeDecodeError, RecursionError) as error:
            raise Malformed(self.field, f"not the format ({_first_line(error)})") from None
        if canonical != data:
            raise Malformed(self.field, "not the canonical spelling")
        return value


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0][:200]
