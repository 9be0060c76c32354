"""The forger's world on the real runtime: the same chain, but the contracts decide what happens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

from chaincode.runtime import Outcome, Runtime
from ledger.block import RESULT
from ledger.genesis import Account, Genesis, Organisation
from ledger.paths import Path, key
from ledger.state_tree import StateTree
from ledger.transaction import SUITE, Body, Transaction, signed
from tests.chaincode_world import ACCOUNTS
from tests.forger.world import Life, World, make_genesis, signer

Step = tuple[str | Sequence[str], str, dict[str, Any]]  # accounts, contract.function, arguments


def real_genesis() -> Genesis:
    """The members of the forger's world, with the accounts of the contracts' tests."""
    organisations = sorted({account.split(".")[0] for account in ACCOUNTS})
    return replace(
        make_genesis(),
        organisations=tuple(Organisation(one, one.title()) for one in organisations),
        accounts=tuple(
            Account(name, name.split(".")[0], (signer("real", name).public,), tuple(sorted(roles)))
            for name, roles in ACCOUNTS.items()
        ),
    )


class RealWorld(World):
    """A chain of four members whose blocks the runtime executes."""

    def __init__(self) -> None:
        super().__init__()
        self.genesis = real_genesis()
        self.chain_of_transactions = self.genesis.chain_id
        self.runtime = Runtime(self.genesis)
        self.state: dict[bytes, bytes] = {}
        self.ids: dict[int, set[bytes]] = {}
        self.results: list[str] = []
        outcome = self.runtime.genesis_outcome()
        self._keep(outcome)
        entries = [(name, sha256(value).digest()) for name, value in self.state.items()]
        self.tree = StateTree.build(0, entries)
        self.values = [
            {outcome.paths[name]: value for name, value in outcome.writes.items() if value}
        ]

    def consumed(self, bucket: int, transaction_id: bytes) -> bool:
        return transaction_id in self.ids.get(bucket, ())

    def _keep(self, outcome: Outcome) -> None:
        for name, value in outcome.writes.items():
            if value is None:
                del self.state[name]
            else:
                self.state[name] = value
        for path, _, leaf in outcome.leaves:
            self.lives.setdefault(path, Life()).append(leaf)
        for bucket, identity in outcome.consumed:
            self.ids.setdefault(bucket, set()).add(identity)

    def run(self, *calls: Step) -> list[str]:
        """Execute (accounts, "contract.function", arguments) in one block; return the result
        codes.
        """
        self._time += 1_000
        return self.execute([self._signed(*call) for call in calls])

    def execute(self, transactions: Sequence[Transaction], step_ms: int = 0) -> list[str]:
        """Execute transactions in one block, whatever was done with them before; return the result
        codes.
        """
        self._time += step_ms
        height = self.height + 1
        outcome = self.runtime.execute(_State(self), height, self._time, transactions)
        self._keep(outcome)
        root = self.tree.update(
            height,
            {
                name: None if value is None else sha256(value).digest()
                for name, value in outcome.writes.items()
            },
        )
        values = dict(self.values[-1])
        for name, value in outcome.writes.items():
            path = outcome.paths[name]
            if value is None:
                del values[path]
            else:
                values[path] = value
        self.values.append(values)
        self._append(height, root, [one.raw for one in transactions], list(outcome.results))
        return [RESULT.decode(result).code for result in outcome.results]

    def _signed(
        self, who: str | Sequence[str], call: str, arguments: dict[str, Any]
    ) -> Transaction:
        self._nonce += 1
        contract, _, function = call.partition(".")
        accounts = [who] if isinstance(who, str) else list(who)
        signers = [signer("real", account) for account in accounts]
        body = Body(
            arguments=arguments,
            chain=self.genesis.chain_id,
            contract=contract,
            function=function,
            nonce=self._nonce.to_bytes(16, "big"),
            signers=tuple((a, s.public) for a, s in zip(accounts, signers, strict=True)),
            suite=SUITE,
            valid_until=self._time + 60_000,
            version=1,
        )
        return signed(body, signers)


class _State:
    """The state before a block, as the runtime asks for it."""

    def __init__(self, world: RealWorld) -> None:
        self._world = world

    def value(self, key: bytes) -> bytes | None:
        return self._world.state.get(key)

    def consumed(self, bucket: int, transaction_id: bytes) -> bool:
        return self._world.consumed(bucket, transaction_id)


DONATION = Path("supplies", "donation", "redcross.D-1")
DATASET = Path("datasharing", "dataset", "health.tests")
HANDLE = bytes(range(32))
STORE = "redcross.store"


MOVED = {"lots": [["redcross.L-1", 60]]}
LOT = {
    "lot": "redcross.L-1",
    "item": "redcross.N95",
    "unit": "box",
    "label": "",
    "count": 5,
    "expiry": None,
}
RECEIPT = {
    "donation": "redcross.D-1",
    "donor": "a-firm",
    "earmark": None,
    "attestation": "first_hand",
    "stated_date": None,
    "source": "",
    "lots": [LOT],
}
ITEM = {
    "item": "redcross.N95",
    "name": "N95",
    "base_unit": "piece",
    "packs": [["box", "", 20]],
}
PROPOSAL = {
    "allocation": "command.A-1",
    "recipient": "renai",
    "need": None,
    "reason": "first",
    **MOVED,
}
SHIPPING = {
    "shipment": "redcross.S-1",
    "allocation": "command.A-1",
    "carrier": "truck",
    **MOVED,
}
COUNTED = {"shipment": "redcross.S-1", "counted": [["redcross.L-1", 58]], "condition": "good"}
RECOUNTED = {
    "shipment": "redcross.S-1",
    "counted": [["redcross.L-1", 60]],
    "reason": "incorrect_data",
    "explanation": "counted again",
}
USED = {"lot": "redcross.L-1", "shipment": "redcross.S-1", "quantity": 7, "purpose": "ward"}
DONATION_STEPS: list[Step] = [
    ("redcross.registry", "supplies.define_item", ITEM),
    (STORE, "supplies.receive", RECEIPT),
    (
        "inspection.li",
        "supplies.inspect",
        {"lot": "redcross.L-1", "verdict": "conformant", "note": ""},
    ),
    ("command.plan", "supplies.propose", PROPOSAL),
    ("command.plan", "supplies.approve", {"allocation": "command.A-1"}),  # refused: no approver
    ("command.chief", "supplies.approve", {"allocation": "command.A-1"}),
    (STORE, "supplies.ship", SHIPPING),
    ("renai.door", "supplies.hand_over", COUNTED),
    ((STORE, "renai.door"), "supplies.correct_hand_over", RECOUNTED),
    ("renai.door", "supplies.use", USED),
]


def real_donation_world() -> RealWorld:
    """A donation from receipt to use, with a correction and a refusal on the way."""
    world = RealWorld()
    world.results = [code for step in DONATION_STEPS for code in world.run(step)]
    world.certify()
    return world


def real_accesses_world() -> RealWorld:
    """A grant, an access, a denial, a revocation, and an access refused after it."""
    world = RealWorld()
    terms = {"fields": ["result"], "from": 0, "until": 2_000_000_000_000}
    steps: list[Step] = [
        (
            "health.data",
            "datasharing.publish",
            {
                "dataset": "health.tests",
                "name": "Tests",
                "share_type": "conditional",
                "fields": [["result", "high"]],
                "purposes": ["tracing"],
            },
        ),
        (
            "police.desk",
            "datasharing.request",
            {
                "request": "police.R-1",
                "dataset": "health.tests",
                "purpose": "tracing",
                "legal_basis": "law",
                **terms,
            },
        ),
        (
            "health.data",
            "datasharing.grant",
            {"grant": "health.G-1", "request": "police.R-1", **terms},
        ),
    ]
    asked = {"grant": "health.G-1", "handles": [HANDLE], "fields": ["result"], "purpose": "tracing"}
    access = (("health.data", "police.desk"), "datasharing.access", asked)
    steps += [
        access,
        ("health.data", "datasharing.deny", {**asked, "reason": "no"}),
        ("health.data", "datasharing.revoke", {"grant": "health.G-1", "reason": "over"}),
        access,
    ]
    world.results = [code for step in steps for code in world.run(step)]
    world.certify()
    return world


def account_path(account: str) -> Path:
    return Path("identity", "account", account)


def known(world: RealWorld, path: Path) -> bool:
    return key(path) in world.state
