"""What is wrong with a data folder, in words and in fields; so many, and the rest counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["FAMILIES", "FINDINGS_MAX", "Finding", "Findings"]

FINDINGS_MAX: Final = 200  # told one by one unless asked otherwise; one torn file breaks thousands

# first byte of a key -> what the family is called
FAMILIES: Final = {
    b"b": "block",
    b"c": "certificate",
    b"d": "consumed-ids",
    b"e": "engine-record",
    b"f": "certifier-record",
    b"g": "handover",
    b"h": "header",
    b"i": "leaf-place",
    b"k": "key-mark",
    b"l": "leaf",
    b"m": "mark",
    b"n": "subtree",
    b"p": "path",
    b"r": "record",
    b"s": "state",
    b"t": "consumed-id",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: the family of keys, what, and where as far as it is known."""

    family: str
    what: str
    height: int | None = None
    entity: str | None = None
    key: str | None = None

    def text(self) -> str:
        """One line for people."""
        place = [f"height {self.height}"] if self.height is not None else []
        place += [self.entity] if self.entity is not None else []
        place += [f"key {self.key}"] if self.key is not None else []
        return f"{self.family}: {self.what}" + (f" ({', '.join(place)})" if place else "")

    def fields(self) -> dict[str, str | int | None]:
        """The same for programs."""
        return {
            "entity": self.entity,
            "family": self.family,
            "height": self.height,
            "key": self.key,
            "what": self.what,
        }


class Findings:
    """Findings in the order they were made; above the limit they are only counted."""

    def __init__(self, limit: int = FINDINGS_MAX) -> None:
        self._limit = limit
        self.told: list[Finding] = []
        self.count = 0

    def add(
        self,
        family: str,
        what: str,
        *,
        height: int | None = None,
        entity: str | None = None,
        key: bytes | None = None,
    ) -> None:
        """Take a finding; `key` is shown in hex."""
        self.count += 1
        if len(self.told) < self._limit:
            spelt = None if key is None else key.hex()
            self.told.append(Finding(family, what, height, entity, spelt))
