"""From the plain arguments of a transaction to a typed struct, or a refusal that names field and
rule.

The conversion is msgspec's; the explanation is ours, because a library's text may change between
versions and would then split the chain. The explanation is only computed for arguments that were
refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec import inspect

from chaincode.dates import is_date
from chaincode.limits import BYTES_PER_CHARACTER_MAX
from chaincode.refusal import Refused, quote

__all__ = ["Arguments", "require_date"]

Fault = tuple[str, str]  # field, rule


class Arguments:
    """The argument struct of one function."""

    __slots__ = ("_described", "_texts", "struct")

    def __init__(self, struct: type[msgspec.Struct]) -> None:
        self.struct: Final = struct
        described = inspect.type_info(struct)
        if not isinstance(described, inspect.StructType):
            raise TypeError(f"{struct.__name__} is not a msgspec Struct")
        self._described: Final = described
        self._texts: Final = tuple(_texts(described))

    def read(self, plain: Mapping[str, Any]) -> msgspec.Struct:
        """Return the typed arguments.

        Raises: Refused "unknown-argument", "missing-argument" or "bad-argument", naming the first
        fault.
        """
        try:
            # bytes listed as built in: msgspec would otherwise read base64 out of a text
            typed = msgspec.convert(plain, self.struct, builtin_types=(bytes,))
        except msgspec.ValidationError:
            pass
        else:
            self._require_bytes(plain)
            return typed
        raise self._refusal(plain)

    def _require_bytes(self, plain: Mapping[str, Any]) -> None:
        """Refuse a text of more bytes than its characters may have; their number is checked."""
        for name, limit in self._texts:
            text = plain[name]
            if text is not None and 4 * len(text) > limit and len(text.encode()) > limit:
                raise Refused("bad-argument", {"field": name, "rule": "length"})

    def _refusal(self, plain: Mapping[str, Any]) -> Refused:
        known = [field.encode_name for field in self._described.fields]
        for name in sorted(plain):
            if name not in known:
                return Refused("unknown-argument", {"field": quote(name)})
        for name in known:
            if name not in plain:
                return Refused("missing-argument", {"field": name})
        field, rule = _fault_of_struct(self._described, plain, "") or ("arguments", "shape")
        return Refused("bad-argument", {"field": field, "rule": rule})


def _texts(described: inspect.StructType) -> Iterator[tuple[str, int]]:
    """Give each argument that is a text of bounded length, and its limit in UTF-8 bytes."""
    for field in described.fields:
        kinds = field.type.types if isinstance(field.type, inspect.UnionType) else (field.type,)
        for kind in kinds:
            if isinstance(kind, inspect.StrType) and kind.max_length is not None:
                yield field.encode_name, BYTES_PER_CHARACTER_MAX * kind.max_length


def require_date(text: str | None, field: str) -> None:
    """Refuse a date that no calendar has ("2020-02-30").

    Raises: Refused "bad-argument".
    """
    if text is not None and not is_date(text):
        raise Refused("bad-argument", {"field": field, "rule": "date"})


def _fault(kind: inspect.Type, value: object, field: str) -> Fault | None:
    if isinstance(kind, inspect.StructType):
        return _fault_of_struct(kind, value, field)
    if isinstance(kind, inspect.VarTupleType | inspect.TupleType):
        return _fault_of_list(kind, value, field)
    if isinstance(kind, inspect.UnionType):
        # only "X or null" occurs
        if value is None:
            return None
        return _fault(
            next(t for t in kind.types if not isinstance(t, inspect.NoneType)), value, field
        )
    if isinstance(kind, inspect.LiteralType):
        return None if type(value) is str and value in kind.values else (field, "choice")
    if isinstance(kind, inspect.IntType):
        return _fault_of_integer(kind, value, field)
    if isinstance(kind, inspect.StrType):
        return _fault_of_text(kind, value, field)
    if isinstance(kind, inspect.BytesType):
        if type(value) is not bytes:
            return field, "bytes"
        return _fault_of_length(kind, len(value), field)
    return None


def _fault_of_struct(kind: inspect.StructType, value: object, field: str) -> Fault | None:
    if not isinstance(value, Mapping):
        return field, "map"
    prefix = f"{field}." if field else ""
    names = [known.encode_name for known in kind.fields]
    if any(name not in names for name in value):
        return field, "shape"
    for known in kind.fields:
        if known.encode_name not in value:
            return f"{prefix}{known.encode_name}", "shape"
        fault = _fault(known.type, value[known.encode_name], f"{prefix}{known.encode_name}")
        if fault is not None:
            return fault
    return None


def _fault_of_list(
    kind: inspect.VarTupleType | inspect.TupleType, value: object, field: str
) -> Fault | None:
    if not isinstance(value, list | tuple):
        return field, "list"
    if isinstance(kind, inspect.TupleType):
        if len(value) != len(kind.item_types):
            return field, "length"
        types = list(kind.item_types)
    else:
        fault = _fault_of_length(kind, len(value), field)
        if fault is not None:
            return fault
        types = [kind.item_type] * len(value)
    for index, (item_type, item) in enumerate(zip(types, value, strict=True)):
        fault = _fault(item_type, item, f"{field}[{index}]")
        if fault is not None:
            return fault
    return None


def _fault_of_integer(kind: inspect.IntType, value: object, field: str) -> Fault | None:
    if type(value) is not int:
        return field, "integer"
    too_small = kind.ge is not None and value < kind.ge
    too_large = kind.le is not None and value > kind.le
    return (field, "range") if too_small or too_large else None


def _fault_of_text(kind: inspect.StrType, value: object, field: str) -> Fault | None:
    if type(value) is not str:
        return field, "text"
    if kind.pattern is not None and re.search(kind.pattern, value) is None:
        return field, "characters"
    return _fault_of_length(kind, len(value), field)


def _fault_of_length(
    kind: inspect.StrType | inspect.BytesType | inspect.VarTupleType, length: int, field: str
) -> Fault | None:
    too_short = kind.min_length is not None and length < kind.min_length
    too_long = kind.max_length is not None and length > kind.max_length
    return (field, "length") if too_short or too_long else None
