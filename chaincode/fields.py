"""The types of contract arguments: each carries its own bounds: a typed call is a checked call.

Patterns end where the text ends (a `$` would let a trailing newline through) and use ASCII classes
only, because what Python calls a digit differs between its versions.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from chaincode.limits import (
    CODE_LENGTH_MAX,
    COUNT_MAX,
    FACTOR_MAX,
    LABEL_LENGTH_MAX,
    NAME_LENGTH_MAX,
    QUANTITY_MAX,
    TEXT_LENGTH_MAX,
    UNIT_LENGTH_MAX,
)
from ledger.codec import Digest, Identifier, Natural

__all__ = [
    "Code",
    "Count",
    "Date",
    "Digest",
    "Factor",
    "Identifier",
    "Label",
    "Milliseconds",
    "Name",
    "Quantity",
    "QuantityOrNone",
    "Text",
    "TextOrEmpty",
    "Unit",
]

Name = Annotated[str, Meta(min_length=1, max_length=NAME_LENGTH_MAX)]
Text = Annotated[str, Meta(min_length=1, max_length=TEXT_LENGTH_MAX)]
TextOrEmpty = Annotated[str, Meta(max_length=TEXT_LENGTH_MAX)]
Unit = Annotated[str, Meta(min_length=1, max_length=UNIT_LENGTH_MAX)]
Label = Annotated[str, Meta(max_length=LABEL_LENGTH_MAX)]
Code = Annotated[str, Meta(pattern=rf"^[A-Za-z0-9._-]{{1,{CODE_LENGTH_MAX}}}\Z")]
Date = Annotated[str, Meta(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])\Z")]
Quantity = Annotated[int, Meta(ge=1, le=QUANTITY_MAX)]  # base units
# base units; 0 = nothing, or not stated
QuantityOrNone = Annotated[int, Meta(ge=0, le=QUANTITY_MAX)]
Count = Annotated[int, Meta(ge=1, le=COUNT_MAX)]  # packs
Factor = Annotated[int, Meta(ge=1, le=FACTOR_MAX)]  # base units in a pack
Milliseconds = Natural  # since 1970 UTC
