"""Ids of what a row creates: deterministic, so that a second import meets "already-exists" and
doubles nothing.

Ids hold ASCII only, so a Chinese name becomes the hash of its text, and the text itself stands in
the source of the record. One text is one id: 武汉市中心医院 and 中心医院 stay two until somebody
merges them on record. A donor whom the table calls an individual is not named at all: the id comes
from the place of his cell, since a hash of a short name can be guessed, and 王** may be many
people.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from client.redcross.limits import SOURCE_LENGTH_MAX
from client.redcross.tables import Row
from client.redcross.wording import fold
from ledger.codec import Value, encode
from ledger.hashing import sha256

__all__ = ["donation_id", "donors", "party_id", "source_of"]

_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,24}\Z")


def donation_id(organisation: str, row: Row) -> str:
    """The id of a row: its number and a hash of its cells, so that another table's R00001 is
    another one.
    """
    cells: list[Value] = [
        row.table,
        row.number,
        row.sheet,
        row.sheet_row,
        row.date,
        row.date_raw,
        row.party,
    ]
    cells += [row.item, row.spec, row.unit, str(row.quantity)]
    number = row.number if _PLAIN.match(row.number) else "row"
    return f"{organisation}.{number}-{sha256(encode(cells)).hex()[:16]}"


def party_id(organisation: str, kind: str, text: str) -> str:
    """The id of a donor or recipient named by `text` ("" is "not stated")."""
    if not text:
        return f"{organisation}.{kind}-not-stated"
    return f"{organisation}.{kind}-{sha256(fold(text).encode()).hex()[:24]}"


def donors(organisation: str, rows: Iterable[Row]) -> dict[int, str]:
    """The donor id of each receipt by line; a merged cell belongs to the explicit one above it."""
    found: dict[int, str] = {}
    cell = ("", "", 0)  # sheet, text, line of the explicit cell
    for row in rows:
        if row.party_cell != "merged" or cell[:2] != (row.sheet, row.party):
            cell = (row.sheet, row.party, row.line)
        if row.party_kind == "individual":
            place = f"{row.table}/{row.sheet}/{cell[2]}"
            digest = sha256(place.encode()).hex()[:24]
            found[row.line] = f"{organisation}.donor-cell-{digest}"
        else:
            found[row.line] = party_id(organisation, "donor", row.party)
    return found


def source_of(row: Row) -> str:
    """What the printed row says, without the name of an individual."""
    party = row.party if row.party_kind != "individual" else "an individual"
    words = [
        row.source,
        party or "party not stated",
        row.item,
        row.spec,
        f"{row.quantity}{row.unit}",
    ]
    if not row.date:
        words.append(f"date: {row.date_raw or 'not stated'}")
    return " | ".join(words)[:SOURCE_LENGTH_MAX]
