"""A kind of entity: the contract that owns it, its name in paths, and the type of its records."""

from __future__ import annotations

from typing import Final, Generic, TypeVar

import msgspec

from ledger.codec import Format
from ledger.paths import Path

__all__ = ["Kind"]

record_type = TypeVar("record_type")


class Kind(Generic[record_type]):
    """Entities `contract/name/<id>` whose records are values of `record`."""

    __slots__ = ("contract", "format", "name", "read")

    def __init__(self, contract: str, name: str, record: type[record_type]) -> None:
        self.contract: Final = contract
        self.name: Final = name
        self.format: Final = Format(record, f"{contract}/{name}")
        # for bytes out of the state, which this program wrote: typed, without a second encoding
        self.read: Final = msgspec.msgpack.Decoder(record).decode

    def path(self, identity: str) -> Path:
        """Return the path of one entity of this kind."""
        return Path(self.contract, self.name, identity)
