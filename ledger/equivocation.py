"""Blame files of a member that contradicted itself: two statements, one key, nothing else.

The file convicts the holder of a key with no genesis at hand, because what was signed names the
chain; who holds the key, the genesis file says, or the member set of the epoch.

Invariants: one file has one spelling; decoding convicts nobody; only `verify_equivocation` does.
Source: docs/FORMATS.md section 11; R-Q-5.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from ledger.canonical_json import from_base64, from_hex, from_json, to_base64, to_json
from ledger.errors import Malformed
from ledger.keys import SIGNATURE_SIZE, Verify, verify
from ledger.limits import INTEGER_MAX
from ledger.membership import MemberSet
from ledger.votes import COSIGNATURE, STATEMENTS, Statement, conflict

__all__ = [
    "EQUIVOCATION_SIZE_MAX",
    "KIND",
    "Equivocation",
    "decode_equivocation",
    "encode_equivocation",
    "holder",
    "verify_equivocation",
]

EQUIVOCATION_SIZE_MAX: Final = 2_048  # bytes of a file: keys, digests, signatures, an origin
KIND: Final = "suyuan/equivocation/v1"
_ORIGIN: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,61}/[0-9a-f]{64}\Z")
_NAMES: Final = ["epoch", "first", "key", "kind", "origin", "second", "statement"]
_PARTS: Final = ["digest", "sequence", "signature", "view"]


@dataclass(frozen=True, slots=True)
class Equivocation:
    """Two statements under one key (32 bytes) of the chain with that origin."""

    origin: str
    key: bytes
    first: Statement
    second: Statement

    @property
    def chain(self) -> bytes:
        """The chain id, which the origin ends with."""
        return bytes.fromhex(self.origin.rpartition("/")[2])


def encode_equivocation(found: Equivocation) -> bytes:
    """Return the file."""
    value = {
        "epoch": found.first.epoch,
        "first": _parts(found.first),
        "key": found.key.hex(),
        "kind": KIND,
        "origin": found.origin,
        "second": _parts(found.second),
        "statement": found.first.kind,
    }
    return to_json(value) + b"\n"


def _parts(one: Statement) -> dict[str, Any]:
    return {
        "digest": one.digest.hex(),
        "sequence": one.sequence,
        "signature": to_base64(one.signature),
        "view": one.view,
    }


def decode_equivocation(data: bytes) -> Equivocation:
    """Read a file. Raises: Malformed. It convicts nobody before `verify_equivocation`."""
    if len(data) > EQUIVOCATION_SIZE_MAX or not data.endswith(b"\n"):
        raise Malformed("blame", f"must be at most {EQUIVOCATION_SIZE_MAX} bytes, with a newline")
    value = from_json(data[:-1], "blame")
    if not isinstance(value, dict) or sorted(value) != _NAMES or value["kind"] != KIND:
        raise Malformed("blame", f"must be a {KIND} of exactly {', '.join(_NAMES)}")
    origin, kind = value["origin"], value["statement"]
    if not isinstance(origin, str) or not _ORIGIN.match(origin):
        raise Malformed("blame.origin", "must be <name>/<64 hex digits>")
    if kind not in STATEMENTS:
        raise Malformed("blame.statement", f"must be one of {', '.join(STATEMENTS)}")
    epoch = _number(value["epoch"], "blame.epoch")
    return Equivocation(
        origin,
        from_hex(value["key"], "blame.key"),
        _statement(value["first"], kind, epoch, "blame.first"),
        _statement(value["second"], kind, epoch, "blame.second"),
    )


def _statement(value: object, kind: str, epoch: int, field: str) -> Statement:
    if not isinstance(value, dict) or sorted(value) != _PARTS:
        raise Malformed(field, f"must have exactly {', '.join(_PARTS)}")
    signature = from_base64(value["signature"], f"{field}.signature")
    if len(signature) != SIGNATURE_SIZE:
        raise Malformed(f"{field}.signature", f"must be {SIGNATURE_SIZE} bytes")
    return Statement(
        kind,
        epoch,
        _number(value["view"], f"{field}.view"),
        _number(value["sequence"], f"{field}.sequence"),
        from_hex(value["digest"], f"{field}.digest"),
        signature,
    )


def _number(value: object, field: str) -> int:
    if type(value) is not int or not 0 <= value <= INTEGER_MAX:
        raise Malformed(field, "must be a number of 0 to 2^53-1")
    return value


def verify_equivocation(found: Equivocation, verify: Verify = verify) -> None:
    """Return when the two statements convict the key's holder. Raises: Malformed otherwise."""
    reason = conflict(found.first, found.second, found.key, found.chain, found.origin, verify)
    if reason:
        raise Malformed("blame", reason)


def holder(found: Equivocation, origin: str, sets: Sequence[MemberSet]) -> str | None:
    """Return the member whose key convicted it; None where its epoch is later than the sets known,
    which begin with genesis's. A statement counts by the set of its own epoch.

    Raises: Malformed when the file is about another chain, or names no key of its epoch's members.
    """
    if found.origin != origin:
        raise Malformed("blame.origin", "is another chain's")
    epoch = found.first.epoch
    for member in sets[epoch].members if epoch < len(sets) else ():
        key = member.cosigner_key if found.first.kind == COSIGNATURE else member.vote_key
        if key == found.key:
            return member.id
    if epoch < len(sets):
        raise Malformed("blame.key", f"is not such a key of the members of epoch {epoch}")
    return None
