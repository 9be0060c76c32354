"""Canonical JSON (RFC 8785) for the files people carry: genesis, bundles, pins.

The strict reader parses, writes again and compares, so that every byte of a file is either checked
or refused: no duplicate or unordered keys, no floats, no spare white space.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, NoReturn

import rfc8785

from ledger.errors import Malformed
from ledger.limits import JSON_COMMAS_MAX

__all__ = ["from_base64", "from_hex", "from_json", "refuse_crowds", "to_base64", "to_json"]


def to_json(value: Any) -> bytes:
    """Return RFC 8785 bytes, without a newline.

    Raises: Malformed for what JSON cannot say and for floats, which `from_json` refuses too.
    """
    _refuse_floats(value)
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as error:
        raise Malformed("JSON", str(error)) from None


def refuse_crowds(data: bytes, field: str) -> None:
    """Count the commas before anything is parsed: no file within the counts of FORMATS 7 comes near
    the limit, and 64 MiB of "[]," would take gigabytes and seconds.

    Raises: Malformed.
    """
    if data.count(b",") > JSON_COMMAS_MAX:
        raise Malformed(field, f"holds more than {JSON_COMMAS_MAX} commas")


def from_json(data: bytes, field: str) -> Any:
    """Read canonical JSON. Raises: Malformed for every other spelling."""
    refuse_crowds(data, field)
    try:
        value = json.loads(data, parse_float=_no_floats, parse_constant=_no_floats)
        canonical = rfc8785.dumps(value)
    except (ValueError, RecursionError, rfc8785.CanonicalizationError) as error:
        raise Malformed(field, f"not canonical JSON ({str(error)[:200]})") from None
    if canonical != data:
        raise Malformed(field, "not the canonical spelling of JSON (RFC 8785)")
    return value


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise Malformed("JSON", "numbers must be integers")
    if isinstance(value, dict):
        for item in value.values():
            _refuse_floats(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_floats(item)


def _no_floats(_text: str) -> NoReturn:
    raise ValueError("numbers must be integers")


def to_base64(data: bytes) -> str:
    """Return standard base64 with padding (RFC 4648 section 4)."""
    return base64.b64encode(data).decode()


def from_base64(text: object, field: str) -> bytes:
    """Read standard base64 strictly, spare bits included. Raises: Malformed."""
    if not isinstance(text, str):
        raise Malformed(field, "must be base64 text")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed(field, "is not base64") from None
    if base64.b64encode(data).decode() != text:
        raise Malformed(field, "is not the canonical base64")
    return data


def from_hex(text: object, field: str, size: int = 32) -> bytes:
    """Read lower-case hex of `size` bytes. Raises: Malformed."""
    if not isinstance(text, str) or len(text) != 2 * size:
        raise Malformed(field, f"must be {2 * size} lower-case hex digits")
    try:
        data = bytes.fromhex(text)
    except ValueError:
        raise Malformed(field, "is not hex") from None
    if data.hex() != text:
        raise Malformed(field, "is not lower-case hex")
    return data
