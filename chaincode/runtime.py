"""Executing a block: transactions in order over the state, to results, writes and leaves. Pure
and deterministic.

Of each transaction: is it in its window and new (otherwise refused with nothing written); for
this chain; for a known contract and function; signed by known accounts with active keys of
theirs; its arguments typed; then the contract's own rules. A refusal leaves only the consumed id.
Signatures are not checked here: no member prepares a batch that holds an invalid one (DESIGN
section 4). An exception that is no refusal is our own bug and stops the member.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from chaincode.appending import Appended, Place, append
from chaincode.context import Caller, Context
from chaincode.contract import Contract, Function
from chaincode.dates import date_at
from chaincode.duplicates import Duplicates
from chaincode.entities import Entities, State
from chaincode.genesis_state import genesis_entities
from chaincode.identity.v1.records import ACCOUNT
from chaincode.membership import next_set
from chaincode.refusal import Refused, refuse
from chaincode.registry import CONTRACTS, Registry
from ledger.block import ACCEPTED, RESULT, Result
from ledger.codec import Format, encode
from ledger.errors import InvariantViolated
from ledger.genesis import Genesis
from ledger.limits import INTEGER_MAX
from ledger.membership import MemberSet
from ledger.paths import Path, key
from ledger.transaction import Body, Transaction

__all__ = ["Outcome", "Runtime", "State"]

_PARTS: Final[Format[Any]] = Format(object, "parts of a result")
# The parts of an accepted result around its events and its transaction id, in canonical order of
# keys.
_RESULT_HEAD: Final = b"\x85" + encode("code") + encode(ACCEPTED) + encode("contract_version")
_RESULT_EVENTS: Final = encode("events")
_RESULT_END: Final = encode("parameters") + encode({}) + encode("transaction") + b"\xc4\x20"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a block does. `writes` maps keys of the state tree to state values, None where one is
    removed.
    """

    results: tuple[bytes, ...] = ()  # canonical Result of each transaction
    writes: dict[bytes, bytes | None] = field(default_factory=dict)
    paths: dict[bytes, Path] = field(default_factory=dict)  # of every key in writes
    leaves: list[Appended] = field(default_factory=list)  # entity, index in its log, leaf bytes
    consumed: list[tuple[int, bytes]] = field(default_factory=list)  # bucket, transaction id
    members: MemberSet | None = None  # the set that follows this block, where it changes


class _Nothing:
    """The state before genesis."""

    def value(self, key: bytes) -> bytes | None:
        return None

    def consumed(self, bucket: int, transaction_id: bytes) -> bool:
        return False


class Runtime:
    """The runtime of one chain. It holds no state between blocks."""

    def __init__(self, genesis: Genesis, contracts: Iterable[type[Contract]] = CONTRACTS) -> None:
        """Take the genesis of the chain and the contracts this program has."""
        self._genesis: Final = genesis
        self._chain: Final = genesis.chain_id
        self.registry: Final = Registry(contracts)

    def genesis_outcome(self) -> Outcome:
        """Return the state that genesis makes: organisations, accounts, installed contracts
        (height 0).
        """
        entities = Entities(_Nothing(), self.registry.kinds)
        leaves = genesis_entities(entities, self._genesis, self.registry)
        return _outcome((), entities, leaves, None)

    def execute(
        self,
        state: State,
        height: int,
        time: int,
        transactions: Sequence[Transaction],
        sets: Sequence[MemberSet] = (),
    ) -> Outcome:
        """Execute a block on the state before it; `time` is the block's, in milliseconds since
        1970 UTC; `sets` are the member sets of all epochs up to the block's own, if there is any
        after genesis's.

        Raises: InvariantViolated when the chain names sources that are not installed here, when
        the state is damaged, or when a contract breaks.
        """
        known = sets or (self._genesis.members,)
        block = _Block(self._chain, self.registry, state, height, time, known)
        results = tuple(block.run(index, each) for index, each in enumerate(transactions))
        return _outcome(results, block.entities, block.leaves, block.duplicates, block.members)


class _Block:
    """One block while it is executed."""

    def __init__(
        self,
        chain: bytes,
        registry: Registry,
        state: State,
        height: int,
        time: int,
        sets: Sequence[MemberSet],
    ) -> None:
        if not (0 < height <= INTEGER_MAX and 0 <= time <= INTEGER_MAX):
            raise InvariantViolated(f"a block of height {height} and time {time}")
        self.entities: Final = Entities(state, registry.kinds)
        self.duplicates: Final = Duplicates(state, time)
        self.leaves: Final[list[Appended]] = []
        self.members: MemberSet | None = None  # what the last accepted call that names a set wrote
        self._sets: Final = sets
        self._chain: Final = chain
        self._registry: Final = registry
        self._height: Final = height
        self._time: Final = time
        self._block: Final = (height, time, date_at(time))
        self._contracts: dict[str, Contract | None] = {}
        self._callers: dict[tuple[str, bytes], tuple[Any, Caller]] = {}

    def run(self, index: int, transaction: Transaction) -> bytes:
        """Execute one transaction; returns its canonical result."""
        body = transaction.body
        contract: Contract | None = None
        try:
            self.duplicates.consume(transaction.id, body.valid_until)
            if body.chain != self._chain:
                refuse("chain")
            contract = self._contract(body.contract)
            events = self._call(contract, index, transaction)
        except Refused as refusal:
            version = 0 if contract is None else contract.version
            return RESULT.encode(
                Result(refusal.code, version, (), refusal.parameters, transaction.id)
            )
        return b"".join(
            (
                _RESULT_HEAD,
                _PARTS.encode(contract.version),
                _RESULT_EVENTS,
                _PARTS.encode((0,) * len(events))[: -len(events) or None],  # the head of an array
                *events,
                _RESULT_END,
                transaction.id,
            )
        )

    def _call(self, contract: Contract, index: int, transaction: Transaction) -> list[bytes]:
        body = transaction.body
        function = contract.functions.get(body.function)
        if function is None:
            refuse("unknown-function", contract=body.contract, function=body.function)
        callers = self._signers(body, function)
        arguments = function.arguments.read(body.arguments)
        context = Context(self.entities, contract.name, callers, self._block, index)
        try:
            function.call(contract, context, arguments)
            place = Place(
                self._height, self._time, index, transaction.id, contract.name, contract.version
            )
            members = next_set(context.writes, self._sets)
            events = append(self.entities, place, context.events, context.writes, self.leaves)
            self.members = members or self.members
            return events
        except Refused:
            raise
        except Exception as error:
            raise InvariantViolated(
                f"{body.contract}.{body.function} broke at height {self._height}, "
                f"transaction {index} ({transaction.id.hex()}): {error!r}"
            ) from error

    def _contract(self, name: str) -> Contract:
        if name not in self._contracts:
            self._contracts[name] = self._registry.find(self.entities, name)
        contract = self._contracts[name]
        if contract is None:
            refuse("unknown-contract", contract=name)
        return contract

    def _signers(self, body: Body, function: Function) -> tuple[Caller, ...]:
        signers = body.signers
        fewest, most = function.signers
        if not fewest <= len(signers) <= most:
            expected = fewest if len(signers) < fewest else most
            refuse("signer-count", expected=expected, given=len(signers))
        if len(signers) == 1:
            caller = self._caller(*signers[0])
            if function.role is not None and function.role not in caller.roles:
                refuse("wrong-role", account=caller.account, role=function.role)
            return (caller,)
        callers: list[Caller] = []
        for account, public in signers:
            caller = self._caller(account, public)
            # one person with two accounts does not sign for two
            if any(other.same_person(account, caller.keys) for other in callers):
                refuse("repeated-signer", account=account)
            callers.append(caller)
        return tuple(callers)

    def _caller(self, account: str, public: bytes) -> Caller:
        entity = self.entities.find(ACCOUNT.path(account))
        if entity is None:
            refuse("unknown-account", account=account)
        cached = self._callers.get((account, public))
        if cached is not None and cached[0] is entity.record:
            return cached[1]
        record = entity.record
        if not any(known.active and known.key == public for known in record.keys):
            refuse("wrong-key", account=account)
        keys = tuple(known.key for known in record.keys)
        caller = Caller(account, record.organisation, record.roles, public, keys)
        self._callers[account, public] = record, caller
        return caller


def _outcome(
    results: tuple[bytes, ...],
    entities: Entities,
    leaves: list[Appended],
    duplicates: Duplicates | None,
    members: MemberSet | None = None,
) -> Outcome:
    outcome = Outcome(results=results, leaves=leaves, members=members)
    for entity, value in entities.changed():
        outcome.writes[entity.key] = value
        outcome.paths[entity.key] = entity.path
    if duplicates is not None:
        for path, entry in duplicates.writes().items():
            outcome.writes[key(path)] = entry
            outcome.paths[key(path)] = path
        outcome.consumed.extend(duplicates.consumed)
    return outcome
