"""What a story is told from: the verified logs of entities, each event once, and the names people
know.

An event stands in the log of every entity it names; it is one fact. Facts are ordered as they stand
on the chain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from ledger.genesis import Genesis
from ledger.leaf import Leaf
from ledger.paths import Path

__all__ = ["CHINA", "Branch", "Line", "Logs", "Names", "amount", "day", "events_on", "moment"]

CHINA: Final = timezone(timedelta(hours=8), "UTC+8")

Logs = Mapping[Path, Sequence[Leaf]]


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened, in words. `old` is what a correction replaced; it is shown struck
    through.

    `time` is the block's, in milliseconds since 1970 UTC, None for a line that is a sum and no
    event. `tone` is plain, good, bad, warn or dim.
    """

    text: str
    time: int | None = None
    signers: tuple[str, ...] = ()
    old: str = ""
    note: str = ""
    tone: str = "plain"


@dataclass(frozen=True, slots=True)
class Branch:
    """A part of the story with a title: a lot, an allocation, a shipment, a grant."""

    title: str
    lines: tuple[Line, ...] = ()
    branches: tuple[Branch, ...] = ()


@dataclass(frozen=True, slots=True)
class Names:
    """The names people know: of organisations from genesis, of items from the item master where
    asked.
    """

    organisations: Mapping[str, str] = field(default_factory=dict)
    items: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, genesis: Genesis, items: Mapping[str, str] | None = None) -> Names:
        """Take the organisations of a genesis file and the item names known."""
        return cls({one.id: one.name for one in genesis.organisations}, items or {})

    def item(self, identity: str) -> str:
        """The item's name, else its id."""
        return self.items.get(identity, identity)

    def party(self, identity: str) -> str:
        """The name of an organisation or of something an organisation named; else the id."""
        if identity in self.organisations:
            return self.organisations[identity]
        head, _, rest = identity.partition(".")
        known = self.organisations.get(head)
        return f"{known}·{rest}" if known and rest else identity

    def account(self, identity: str) -> str:
        """An account with the organisation it signs for: "organisation name"."""
        head, _, rest = identity.partition(".")
        known = self.organisations.get(head)
        return f"{known} {rest}" if known and rest else identity


def events_on(logs: Logs, paths: Iterable[Path]) -> list[Leaf]:
    """Return the distinct events in the logs of `paths`, in the order of the chain."""
    found = {leaf.position: leaf for path in paths for leaf in logs.get(path, ())}
    return [found[position] for position in sorted(found)]


def amount(quantity: int, unit: str) -> str:
    """Write a quantity with its unit: 36,000 只."""
    return f"{quantity:,} {unit}".rstrip()


def moment(time_ms: int) -> str:
    """Write a block time as date and minute at UTC+8."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).astimezone(CHINA).strftime("%Y-%m-%d %H:%M")


def day(time_ms: int) -> str:
    """Write a time as its date at UTC+8."""
    return moment(time_ms)[:10]


def pairs(value: Any) -> list[tuple[str, int]]:
    """Read [lot, quantity] pairs of an event's body."""
    return [(str(name), int(quantity)) for name, quantity in value or ()]
