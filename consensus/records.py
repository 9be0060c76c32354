"""Durable records: everything a member signed, with what it needs to say it again identically
(R-DW-2).

A machine's records are a log. At start `consensus.recovery` folds them back; a `Base` record holds
what would be lost with the records before it, so that those can be discarded at a stable
checkpoint.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from consensus.messages import (
    NewView,
    PreparedCertificate,
    PrePrepare,
    Signature,
    Stable,
    ViewChange,
)
from ledger.codec import Digest, Format, Natural
from ledger.limits import BLOCK_TRANSACTIONS_MAX

__all__ = [
    "COSIGNED_RECORD",
    "RECORD",
    "Accepted",
    "Base",
    "CosignedRecord",
    "Entered",
    "Lost",
    "Prepared",
    "Promised",
]


class Accepted(
    msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True, tag="accepted"
):
    """A proposal with its bodies, and the own PREPARE; the primary's own proposal has an empty one.

    The bodies are durable before the vote: a prepared batch survives a power cut of everybody.
    """

    pre_prepare: PrePrepare
    raws: Annotated[tuple[bytes, ...], Meta(max_length=BLOCK_TRANSACTIONS_MAX)]
    prepare: Annotated[bytes, Meta(max_length=64)]


class Prepared(
    msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True, tag="prepared"
):
    """A prepared certificate and the own COMMIT (R-DW-5)."""

    certificate: PreparedCertificate
    commit: Signature


class Promised(
    msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True, tag="promised"
):
    """The own VIEW-CHANGE: from here on no older view is voted in (R-VC-14)."""

    view_change: ViewChange


class Entered(
    msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True, tag="entered"
):
    """The NEW-VIEW by which a view was entered, the own one or the primary's."""

    new_view: NewView


class Lost(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True, tag="lost"):
    """Earlier records are gone: nothing is signed until it is known to be harmless (R-DW-4)."""

    lost: bool  # False: it is, from here on


class Base(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True, tag="base"):
    """View, promise and stable checkpoint at one moment."""

    epoch: Natural
    view: Natural
    active: bool
    stable: Stable
    promised: ViewChange | None
    entered: NewView | None


class CosignedRecord(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """The newest cosignature. One log of these spans all epochs: what was said in an earlier one
    binds, too.
    """

    epoch: Natural
    size: Natural
    root: Digest
    timestamp: Natural
    signature: Signature


Record = Accepted | Prepared | Promised | Entered | Lost | Base

RECORD: Final[Format[Record]] = Format(Record, "record")  # type: ignore[arg-type]
COSIGNED_RECORD: Final = Format(CosignedRecord, "cosignature record")
