"""What an author of contracts sees of the world: callers, block time, height, entities, events,
refusals.

There is nothing else: no clock, no randomness, no scan over the state (lists exist only as index
entities). What a call writes and says here is kept aside until it ends; a refusal throws it all
away. Every written entity must be named by an event of the same call, and only the runtime
appends events to logs (DESIGN 2.2, section 5).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import permutations
from typing import Any, Final, TypeVar

from chaincode.entities import Entities
from chaincode.kinds import Kind
from chaincode.refusal import Refused, refuse
from ledger.block import Event
from ledger.codec import Value
from ledger.paths import Path

__all__ = ["Caller", "Context", "Party", "Position"]

record_type = TypeVar("record_type")

Position = tuple[int, int, int]  # height, transaction index, event index
Party = tuple[str, str | None]  # role, organisation (None = any)


@dataclass(frozen=True, slots=True)
class Caller:
    """A signer of the transaction: its account, the key it signed with, and all keys of the
    account.
    """

    account: str
    organisation: str
    roles: tuple[str, ...]
    key: bytes
    keys: tuple[bytes, ...]

    def same_person(self, account: str, keys: Iterable[bytes]) -> bool:
        """Say whether an account, or any holder of one of its keys, is this caller."""
        return account == self.account or any(key in self.keys for key in keys)


class Context:
    """The view of one call. `height`, `time` (ms since 1970 UTC) and `today` (date at UTC+8) are
    the block's.
    """

    __slots__ = (
        "_entities",
        "callers",
        "contract",
        "events",
        "height",
        "time",
        "today",
        "transaction_index",
        "writes",
    )

    def __init__(
        self,
        entities: Entities,
        contract: str,
        callers: tuple[Caller, ...],
        block: tuple[int, int, str],
        transaction_index: int,
    ) -> None:
        """Take the block's entities and its (height, time, today)."""
        self._entities: Final = entities
        self.contract: Final = contract
        self.callers: Final = callers
        self.height, self.time, self.today = block
        self.transaction_index: Final = transaction_index
        self.events: list[Event] = []
        self.writes: dict[Path, tuple[Kind[Any], Any]] = {}

    @property
    def caller(self) -> Caller:
        """The first signer; the only one of a call that asks for one signer."""
        return self.callers[0]

    def find(self, kind: Kind[record_type], identity: str) -> record_type | None:
        """Return the record of an entity as this call has left it, or None when there is none."""
        path = kind.path(identity)
        written = self.writes.get(path)
        if written is not None:
            return written[1]  # type: ignore[no-any-return]
        entity = self._entities.find(path)
        return None if entity is None else entity.record

    def get(self, kind: Kind[record_type], identity: str) -> record_type:
        """Return the record of an entity.

        Raises: Refused "unknown-entity".
        """
        record = self.find(kind, identity)
        if record is None:
            refuse("unknown-entity", entity=kind.path(identity).text)
        return record

    def absent(self, kind: Kind[Any], identity: str) -> None:
        """Refuse when the entity exists.

        Raises: Refused "already-exists".
        """
        if self.find(kind, identity) is not None:
            refuse("already-exists", entity=kind.path(identity).text)

    def put(self, kind: Kind[record_type], identity: str, record: record_type) -> None:
        """Write an entity's record; an event of this call must name it.

        Raises: Refused "foreign-write" for a kind of another contract.
        """
        path = kind.path(identity)
        if kind.contract != self.contract:
            refuse("foreign-write", entity=path.text)
        self.writes[path] = (kind, record)

    def event(
        self,
        kind: str,
        body: dict[str, Any],
        inputs: Iterable[tuple[Path, int]] = (),
        outputs: Iterable[tuple[Path, int]] = (),
        on: Iterable[Path] = (),
    ) -> Position:
        """Say that something happened; returns where the event stands if the call is accepted."""
        self.events.append(Event(kind, tuple(inputs), tuple(outputs), tuple(on), body))
        return self.height, self.transaction_index, len(self.events) - 1

    def next_position(self) -> Position:
        """Return where the next event of this call will stand, for a record that must name it."""
        return self.height, self.transaction_index, len(self.events)

    def require(self, condition: bool, code: str, parameters: dict[str, Value]) -> None:
        """Refuse unless a condition holds.

        Raises: Refused.
        """
        if not condition:
            raise Refused(code, parameters)

    def parties(self, *wanted: Party) -> tuple[Caller, ...]:
        """Return the signers who act as each (role, organisation), in whichever order they signed;
        organisation None means any. There are as many signers as parties.

        Raises: Refused "signer-count", "wrong-organisation" or "wrong-role".
        """
        self.require_signers(len(wanted))
        for order in permutations(self.callers):
            if all(_acts(caller, *party) for caller, party in zip(order, wanted, strict=True)):
                return order
        idle = [
            caller for caller in self.callers if not any(_acts(caller, *party) for party in wanted)
        ]
        for role, organisation in wanted:
            if any(_acts(caller, role, organisation) for caller in self.callers):
                continue
            colleagues = [c for c in self.callers if organisation in (None, c.organisation)]
            if colleagues:
                chosen = next((c for c in colleagues if c in idle), colleagues[0])
                refuse("wrong-role", account=chosen.account, role=role)
            if organisation is not None:
                first = self.callers[0].account
                refuse("wrong-organisation", account=first, organisation=organisation)
        # each party has somebody, but one signer would have to be two of them
        other = idle[0] if idle else self.callers[-1]
        raise Refused("wrong-role", {"account": other.account, "role": wanted[-1][0]})

    def require_signers(self, expected: int) -> None:
        """Refuse a call that this many accounts have not signed.

        Raises: Refused "signer-count".
        """
        if len(self.callers) != expected:
            refuse("signer-count", expected=expected, given=len(self.callers))

    def require_own(self, identity: str, caller: Caller) -> None:
        """Refuse to create an id outside the caller's organisation.

        Raises: Refused "foreign-id".
        """
        if not identity.startswith(caller.organisation + "."):
            refuse("foreign-id", id=identity, organisation=caller.organisation)


def _acts(caller: Caller, role: str, organisation: str | None) -> bool:
    return organisation in (None, caller.organisation) and role in caller.roles
