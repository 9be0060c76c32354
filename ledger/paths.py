"""Names of entities: [contract, kind, id], and their 32-byte keys in the state tree.

A path is written "contract/kind/id". Ids are `[A-Za-z0-9._-]{1,96}`, prefixed by the organisation
that issues them ("red-cross.D-17"), so nobody can squat on another's names. Source: DESIGN 2.5.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated, Final, NamedTuple

from msgspec import Meta

from ledger.codec import Identifier, encode
from ledger.errors import Malformed
from ledger.hashing import tagged

__all__ = ["Path", "key"]

_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,96}\Z")
_WORD: Final = re.compile(r"[a-z][a-z0-9-]{0,31}\Z")
_Word = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,31}\Z")]


class Path(NamedTuple):
    """The name of an entity; a canonical array of three strings on the wire."""

    contract: _Word
    kind: _Word
    id: Identifier

    @property
    def text(self) -> str:
        """The path as people write it: contract/kind/id."""
        return f"{self.contract}/{self.kind}/{self.id}"

    @classmethod
    def parse(cls, text: str, field: str = "path") -> Path:
        """Read contract/kind/id.

        Raises: Malformed.
        """
        parts = text.split("/")
        if len(parts) != 3:
            raise Malformed(field, "must be contract/kind/id")
        path = cls(*parts)
        path.check(field)
        return path

    def check(self, field: str = "path") -> None:
        """Raise Malformed unless each part is well-formed."""
        if not _WORD.match(self.contract):
            raise Malformed(field, "contract must be a lower-case word")
        if not _WORD.match(self.kind):
            raise Malformed(field, "kind must be a lower-case word")
        if not _ID.match(self.id):
            raise Malformed(field, "id must be 1 to 96 of A-Z a-z 0-9 . _ -")


@lru_cache(maxsize=65_536)
def key(path: Path) -> bytes:
    """Return the 32-byte key of a path in the state tree: tagged hash of the canonical path."""
    return tagged("path", encode([path.contract, path.kind, path.id]))
