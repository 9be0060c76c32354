"""A small world for tests of chaincode: a genesis, a state in memory, and one-line calls.

Accounts are "<organisation>.<name>"; every account's key is derived from its id, and nothing is
really signed, because the runtime does not check signatures.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from chaincode.contract import Contract
from chaincode.duplicates import bucket_of
from chaincode.registry import CONTRACTS
from chaincode.runtime import Outcome, Runtime
from ledger.block import RESULT, Result
from ledger.genesis import Account, Genesis, Organisation
from ledger.leaf import LEAF, Leaf, parse_state_value
from ledger.membership import Member, MemberSet
from ledger.paths import Path, key
from ledger.transaction import SUITE, VERSION, Body, Transaction, signed

START = 1_579_852_800_000  # 2020-01-24 08:00 UTC = 16:00 at UTC+8
SECOND = 1_000
DAY = 86_400_000

ACCOUNTS: dict[str, tuple[str, ...]] = {
    "redcross.registry": ("registrar",),
    "redcross.store": ("custodian",),
    "redcross.clerk": ("custodian",),
    "redcross.web": ("custodian", "republisher"),
    "redcross.carrier": ("custodian", "recipient"),
    "inspection.li": ("inspector",),
    "command.plan": ("allocator",),
    "command.chief": ("allocator", "approver"),
    "command.deputy": ("approver",),
    "renai.door": ("recipient",),
    "tianyou.door": ("recipient",),
    "other.store": ("custodian",),
    "health.data": ("provider",),
    "health.head": ("provider", "user"),
    "police.desk": ("user",),
    "police.second": ("user",),
}


class Stamp:
    """A signer that signs nothing."""

    def __init__(self, name: str) -> None:
        self.public = key_of(name)

    def sign(self, message: bytes) -> bytes:
        return bytes(64)


def key_of(name: str) -> bytes:
    return sha256(name.encode()).digest()


def genesis(
    accounts: Mapping[str, tuple[str, ...]] | None = None,
    keys: Mapping[str, tuple[bytes, ...]] | None = None,
) -> Genesis:
    roles = ACCOUNTS if accounts is None else accounts
    organisations = sorted({account.split(".")[0] for account in roles})
    member = Member(
        cosigner_key=key_of("cosigner"),
        id="one",
        log_key=key_of("log"),
        tls_certificate=b"certificate",
        vote_key=key_of("vote"),
    )
    return Genesis(
        name="test",
        time=START,
        parameters={},
        organisations=tuple(Organisation(each, each.title()) for each in organisations),
        accounts=tuple(
            Account(
                account,
                account.split(".")[0],
                (keys or {}).get(account, (key_of(account),)),
                tuple(sorted(roles[account])),
            )
            for account in roles
        ),
        members=MemberSet((member,)),
    )


class World:
    """A chain of one: executes blocks and keeps everything they leave."""

    def __init__(
        self,
        made: Genesis | None = None,
        contracts: Iterable[type[Contract]] = CONTRACTS,
    ) -> None:
        self.genesis = made or genesis()
        self.runtime = Runtime(self.genesis, contracts)
        self.values: dict[bytes, bytes] = {}
        self.ids: dict[int, set[bytes]] = {}
        self.logs: dict[Path, list[bytes]] = {}
        self.paths: dict[bytes, Path] = {}
        self.height = 0
        self.time = START
        self._nonce = 0
        self.keep(self.runtime.genesis_outcome())

    # the State protocol
    def value(self, key: bytes) -> bytes | None:
        return self.values.get(key)

    def consumed(self, bucket: int, transaction_id: bytes) -> bool:
        return transaction_id in self.ids.get(bucket, ())

    def keep(self, outcome: Outcome) -> None:
        """Apply an outcome as a node does."""
        for each, value in outcome.writes.items():
            if value is None:
                assert (self.paths[each].contract, self.paths[each].kind) == ("runtime", "dup")
                self.ids.pop(int(self.paths[each].id))
                del self.values[each]
                del self.paths[each]
            else:
                self.values[each] = value
                self.paths[each] = outcome.paths[each]
        for path, index, leaf in outcome.leaves:
            log = self.logs.setdefault(path, [])
            assert index == len(log)
            log.append(leaf)
        for bucket, identity in outcome.consumed:
            assert identity not in self.ids.setdefault(bucket, set())
            self.ids[bucket].add(identity)

    def transaction(
        self,
        who: str | Sequence[str],
        call: str,
        *,
        valid_until: int | None = None,
        keys: Sequence[str] | None = None,
        chain: bytes | None = None,
        **arguments: Any,
    ) -> Transaction:
        """Return a signed call; `call` is "contract.function"; `from_` stands for "from"."""
        contract, _, function = call.partition(".")
        if "from_" in arguments:
            arguments["from"] = arguments.pop("from_")
        self._nonce += 1
        accounts = [who] if isinstance(who, str) else list(who)
        stamps = [Stamp(name) for name in (keys or accounts)]
        body = Body(
            arguments=arguments,
            chain=self.genesis.chain_id if chain is None else chain,
            contract=contract,
            function=function,
            nonce=self._nonce.to_bytes(16, "big"),
            signers=tuple((a, s.public) for a, s in zip(accounts, stamps, strict=True)),
            suite=SUITE,
            valid_until=self.time + 60 * SECOND if valid_until is None else valid_until,
            version=VERSION,
        )
        return signed(body, stamps)

    def block(self, transactions: Sequence[Transaction], time: int | None = None) -> list[Result]:
        """Execute a block one second later, or at `time`."""
        self.height += 1
        self.time = self.time + SECOND if time is None else time
        outcome = self.runtime.execute(self, self.height, self.time, transactions)
        self.keep(outcome)
        self.last = outcome
        return [RESULT.decode(result) for result in outcome.results]

    def call(self, who: str | Sequence[str], call: str, **arguments: Any) -> Result:
        """Execute a block of one call; returns its result."""
        return self.block([self.transaction(who, call, **arguments)])[0]

    def ok(self, who: str | Sequence[str], call: str, **arguments: Any) -> Result:
        """As `call`, and it must be accepted."""
        result = self.call(who, call, **arguments)
        assert result.code == "accepted", (result.code, result.parameters)
        return result

    def record(self, path: str) -> Any:
        """Return the record of "contract/kind/id"."""
        parsed = Path.parse(path)
        kind = self.runtime.registry.kinds[parsed.contract, parsed.kind]
        return kind.format.decode(parse_state_value(self.values[key(parsed)]).record)

    def log(self, path: str) -> list[Leaf]:
        """Return the leaves of an entity, decoded."""
        return [LEAF.decode(leaf) for leaf in self.logs.get(Path.parse(path), [])]

    def kinds(self, path: str) -> list[str]:
        """Return the kinds of the events in an entity's log."""
        return [leaf.kind for leaf in self.log(path)]

    def pass_time(self, time: int) -> None:
        """Execute an empty block at a time."""
        self.block([], time)


def bucket(time: int) -> int:
    return bucket_of(time)
