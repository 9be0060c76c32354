"""The types of contract arguments: each carries its own bounds: a typed call is a checked call.

Patterns end where the text ends (a `$` would let a trailing newline through) and name code points
one by one: what Python calls a digit or a control character differs between its versions. Texts
that people read hold no code point of `UNSEEN`: nothing may steer a terminal, forge a line, or
make two different texts look alike by what cannot be seen.
"""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta

from chaincode.limits import (
    CODE_LENGTH_MAX,
    COUNT_MAX,
    FACTOR_MAX,
    FIELD_LENGTH_MAX,
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
    "FieldName",
    "Identifier",
    "Label",
    "Milliseconds",
    "Name",
    "Quantity",
    "QuantityOrNone",
    "Text",
    "SEEN",
    "UNSEEN",
    "TextOrEmpty",
    "Unit",
]

UNSEEN: Final = (
    (0x0000, 0x001F),  # C0 controls: line breaks, tab, escape
    (0x007F, 0x009F),  # DEL and the C1 controls
    (0x00AD, 0x00AD),  # soft hyphen
    (0x034F, 0x034F),  # combining grapheme joiner
    (0x061C, 0x061C),  # Arabic letter mark
    (0x115F, 0x1160),  # Hangul fillers
    (0x17B4, 0x17B5),  # Khmer inherent vowels
    (0x180B, 0x180F),  # Mongolian selectors and vowel separator
    (0x200B, 0x200F),  # zero-width space and joiners, directional marks
    (0x2028, 0x202E),  # line and paragraph separator, directional embeddings and overrides
    (0x2060, 0x206F),  # word joiner, invisible operators, directional isolates, deprecated
    (0x3164, 0x3164),  # Hangul filler
    (0xD800, 0xDFFF),  # surrogates: no UTF-8 has them
    (0xFEFF, 0xFEFF),  # byte order mark
    (0xFFA0, 0xFFA0),  # halfwidth Hangul filler
    (0xFFF0, 0xFFFB),  # unassigned specials, interlinear annotation
    (0xFFFE, 0xFFFF),  # noncharacters
    (0x1D173, 0x1D17A),  # musical controls
    (0xE0000, 0xE007F),  # tags
)
_CLASS: Final = "".join(rf"\U{first:08x}-\U{last:08x}" for first, last in UNSEEN)
SEEN: Final = rf"^[^{_CLASS}]*\Z"  # a text without them

Name = Annotated[str, Meta(min_length=1, max_length=NAME_LENGTH_MAX, pattern=SEEN)]
Text = Annotated[str, Meta(min_length=1, max_length=TEXT_LENGTH_MAX, pattern=SEEN)]
TextOrEmpty = Annotated[str, Meta(max_length=TEXT_LENGTH_MAX, pattern=SEEN)]
Unit = Annotated[str, Meta(min_length=1, max_length=UNIT_LENGTH_MAX, pattern=SEEN)]
Label = Annotated[str, Meta(max_length=LABEL_LENGTH_MAX, pattern=SEEN)]
FieldName = Annotated[str, Meta(min_length=1, max_length=FIELD_LENGTH_MAX, pattern=SEEN)]
Code = Annotated[str, Meta(pattern=rf"^[A-Za-z0-9._-]{{1,{CODE_LENGTH_MAX}}}\Z")]
Date = Annotated[str, Meta(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])\Z")]
Quantity = Annotated[int, Meta(ge=1, le=QUANTITY_MAX)]  # base units
# base units; 0 = nothing, or not stated
QuantityOrNone = Annotated[int, Meta(ge=0, le=QUANTITY_MAX)]
Count = Annotated[int, Meta(ge=1, le=COUNT_MAX)]  # packs
Factor = Annotated[int, Meta(ge=1, le=FACTOR_MAX)]  # base units in a pack
Milliseconds = Natural  # since 1970 UTC
