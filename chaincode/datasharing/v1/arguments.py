"""What each function of datasharing takes. Times are milliseconds since 1970 UTC; [from, until)
is half open.

Ids of entities that a call creates begin with the caller's organisation and a dot. Every argument
must be given. No personal data: a person appears only as a handle of 32 opaque bytes.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from chaincode.fields import Code, Digest, FieldName, Identifier, Milliseconds, Name, Text
from chaincode.limits import (
    FIELDS_PER_DATASET_MAX,
    HANDLES_PER_ACCESS_MAX,
    PURPOSES_PER_DATASET_MAX,
)

# 无条件共享 / 有条件共享 / 不予共享
ShareType = Literal["unconditional", "conditional", "withheld"]

Fields = Annotated[tuple[FieldName, ...], Meta(min_length=1, max_length=FIELDS_PER_DATASET_MAX)]


class Publish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Role provider. `fields` are [name, sensitivity code]; `purposes` are the codes a request may
    name.
    """

    dataset: Identifier
    fields: Annotated[
        tuple[tuple[FieldName, Code], ...], Meta(min_length=1, max_length=FIELDS_PER_DATASET_MAX)
    ]
    name: Name
    purposes: Annotated[tuple[Code, ...], Meta(min_length=1, max_length=PURPOSES_PER_DATASET_MAX)]
    share_type: ShareType


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Role user. Asks for some fields of a data set, for one purpose of its list and a period."""

    dataset: Identifier
    fields: Fields
    from_: Milliseconds = msgspec.field(name="from")
    legal_basis: Text
    purpose: Code
    request: Identifier
    until: Milliseconds


class Grant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Role provider, of the data set's organisation; never the requester. At most what was
    requested.
    """

    fields: Fields
    from_: Milliseconds = msgspec.field(name="from")
    grant: Identifier
    request: Identifier
    until: Milliseconds


class Refuse(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Role provider, of the data set's organisation. A refusal needs a reason."""

    reason: Text
    request: Identifier


class Access(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Signed by a provider's account and a user's account of the grant, in any order; before the
    data leaves.
    """

    fields: Fields
    grant: Identifier
    handles: Annotated[tuple[Digest, ...], Meta(min_length=1, max_length=HANDLES_PER_ACCESS_MAX)]
    purpose: Code


class Deny(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Role provider, of the grant's organisation. What was asked and denied; it need not lie
    inside the grant.
    """

    fields: Fields
    grant: Identifier
    handles: Annotated[tuple[Digest, ...], Meta(max_length=HANDLES_PER_ACCESS_MAX)]
    purpose: Code
    reason: Text


class Revoke(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Role provider, of the grant's organisation."""

    grant: Identifier
    reason: Text
