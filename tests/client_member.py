"""A member in one process, behind the client's transport seam: real contracts, real proofs, no
network, no consensus.

It executes each submission as one block, certifies it with q of four cosigners, and answers the
paths of the HTTP API that the client asks. A test may make it silent, broken or lying.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from chaincode.runtime import Outcome, Runtime
from client.exchange import Request, Response
from client.faults import Unreachable
from client.scenario import ACCOUNTS, MEMBERS, ORGANISATIONS
from ledger.assembly import assemble
from ledger.block import HEADER, RESULT, Header
from ledger.bundle_file import encode_bundle
from ledger.checkpoint import Certificate, Checkpoint, cosign
from ledger.claims import (
    Absence,
    Accesses,
    AsOf,
    Claim,
    Entity,
    EventAt,
    History,
    ListOf,
    Period,
    Receipt,
    Trace,
)
from ledger.codec import decode
from ledger.errors import ClientFault
from ledger.genesis import Account, Genesis, Organisation
from ledger.keys import Ed25519Signer
from ledger.leaf import LEAF, parse_state_value
from ledger.membership import Member, MemberSet
from ledger.merkle_log import MerkleLog, leaf_hash, root_of
from ledger.merkle_ranges import subtree_roots
from ledger.paths import Path, key
from ledger.state_tree import StateTree
from ledger.transaction import SUITE, Transaction

URL = "http://member.test:1"


def signer(role: str, name: str) -> Ed25519Signer:
    return Ed25519Signer(sha256(f"client/{role}/{name}".encode()).digest())


SIGNERS = {account.id: signer("account", account.id) for account in ACCOUNTS}


def make_genesis(name: str = "wuhan-test") -> Genesis:
    return Genesis(
        name=name,
        time=(int(time.time()) - 60) * 1000,
        parameters={},
        organisations=tuple(Organisation(one.id, one.name) for one in ORGANISATIONS),
        accounts=tuple(
            Account(a.id, a.organisation, (SIGNERS[a.id].public,), tuple(sorted(a.roles)))
            for a in ACCOUNTS
        ),
        members=MemberSet(
            tuple(
                Member(
                    cosigner_key=signer(f"{name}/cosigner", one.id).public,
                    id=one.id,
                    log_key=signer(f"{name}/log", one.id).public,
                    tls_certificate=one.id.encode(),
                    vote_key=signer(f"{name}/vote", one.id).public,
                )
                for one in MEMBERS
            )
        ),
    )


class PretendMember:
    """Answers `answer(url, request)` as a member does; see the module."""

    def __init__(self, genesis: Genesis | None = None) -> None:
        self.genesis = genesis or make_genesis()
        self.runtime = Runtime(self.genesis)
        self.values: dict[bytes, bytes] = {}
        self.ids: dict[int, set[bytes]] = {}
        self.logs: dict[Path, list[bytes]] = {}
        self.records: dict[bytes, bytes] = {}  # by digest, as leaves name them
        self.tree = StateTree()
        self.chain = MerkleLog()
        self.headers: list[bytes] = []
        self.blocks: list[tuple[list[bytes], list[bytes]]] = []
        self.places: dict[bytes, tuple[int, int]] = {}
        self.note_time = 0
        self.requests: list[Request] = []
        self.urls: list[str] = []  # every address tried, in order
        self.silent: set[str] = set()
        self.change: Callable[[Request, Response], Response] = lambda _, response: response
        self._kept: dict[bytes, bytes | None] = {}
        self._keep(self.runtime.genesis_outcome())

    # the State protocol of the runtime
    def value_of(self, name: bytes) -> bytes | None:
        return self.values.get(name)

    def consumed(self, bucket: int, transaction_id: bytes) -> bool:
        return transaction_id in self.ids.get(bucket, ())

    def _keep(self, outcome: Outcome) -> None:
        for name, value in outcome.writes.items():
            self._kept[name] = None if value is None else sha256(value).digest()
            if value is None:
                self.ids.pop(int(outcome.paths[name].id))
                del self.values[name]
            else:
                self.values[name] = value
        for path, _, leaf in outcome.leaves:
            self.logs.setdefault(path, []).append(leaf)
            record = parse_state_value(self.values[key(path)]).record
            self.records[sha256(record).digest()] = record
        for bucket, identity in outcome.consumed:
            self.ids.setdefault(bucket, set()).add(identity)

    def execute(self, raws: Sequence[bytes]) -> None:
        """Execute transactions as the next block."""
        height = len(self.headers) + 1
        now = int(time.time() * 1000)
        transactions = [Transaction.decode(raw) for raw in raws]
        outcome = self.runtime.execute(_State(self), height, now, transactions)
        self._keep(outcome)
        root = self.tree.update(height, self._kept)
        self._kept = {}
        header = HEADER.encode(
            Header(
                epoch=0,
                height=height,
                members=self.genesis.members.digest(),
                parent=leaf_hash(self.headers[-1]) if self.headers else self.genesis.chain_id,
                results=root_of([leaf_hash(one) for one in outcome.results]),
                state=root,
                suite=SUITE,
                time=now,
                transactions=root_of([leaf_hash(raw) for raw in raws]),
                version=1,
            )
        )
        self.chain.append(leaf_hash(header))
        self.headers.append(header)
        self.blocks.append((list(raws), list(outcome.results)))
        for index, transaction in enumerate(transactions):
            self.places[transaction.id] = (height, index)
        self.note_time = now // 1000 + 1

    # ProofSource
    def certificate(self) -> Certificate:
        if not self.headers:
            raise ClientFault("not-certified")
        members = self.genesis.members
        checkpoint = Checkpoint(self.genesis.origin, len(self.headers), self.chain.root())
        return Certificate(
            checkpoint,
            tuple(
                cosign(
                    checkpoint,
                    self.note_time,
                    one.id,
                    signer(f"{self.genesis.name}/cosigner", one.id),
                )
                for one in members.members[: members.q]
            ),
        )

    def member_set(self, size: int) -> MemberSet:
        return self.genesis.members

    def header(self, height: int) -> bytes:
        return self.headers[height - 1]

    def inclusion(self, height: int, size: int) -> Sequence[bytes]:
        return self.chain.inclusion(height - 1, size)

    def consistency(self, size1: int, size2: int) -> Sequence[bytes]:
        return self.chain.consistency(size1, size2)

    def chain_root(self, size: int) -> bytes:
        return self.chain.root(size)

    def value(self, path: Path, height: int) -> bytes | None:
        return self.values.get(key(path))

    def leaves(self, path: Path, start: int, stop: int) -> Sequence[bytes]:
        return self.logs[path][start:stop]

    def subtrees(self, path: Path, start: int, stop: int) -> Sequence[bytes]:
        return subtree_roots([leaf_hash(leaf) for leaf in self.leaves(path, start, stop)], start)

    def record_after(self, path: Path, index: int) -> bytes:
        return self.records[LEAF.decode(self.logs[path][index]).record]

    def epoch_ends(self, size: int) -> Sequence[tuple[int, str, bytes]]:
        return ()

    def state_proof(self, keys: Sequence[bytes], height: int) -> bytes:
        return self.tree.prove(keys, height)

    def position(self, transaction: bytes) -> tuple[int, int] | None:
        return self.places.get(transaction)

    def block(self, height: int) -> tuple[Sequence[bytes], Sequence[bytes]]:
        return self.blocks[height - 1]

    # the API
    def answer(self, url: str, request: Request) -> Response:
        """Answer a request sent to `url`; silent addresses cannot be reached."""
        self.urls.append(url)
        if url in self.silent:
            raise Unreachable(url, "connection refused")
        self.requests.append(request)
        try:
            response = self._route(request)
        except ClientFault as fault:
            body = {"code": fault.code, "parameters": fault.parameters, "status": 400}
            response = Response(400, "application/problem+json", json.dumps(body).encode())
        return self.change(request, response)

    def _route(self, request: Request) -> Response:
        split = urlsplit(request.path)
        query = {name: values[0] for name, values in parse_qs(split.query).items()}
        parts = [unquote(part) for part in split.path.split("/")[2:]]
        pin = int(query["pin"]) if "pin" in query else None
        if parts == ["transactions"]:
            return self._submit(request, query, pin)
        if parts == ["accesses"]:
            asked = json.loads(request.body)
            pairs = tuple(sorted((grant, handle) for grant, handle in asked["pairs"]))
            path = Path("datasharing", "dataset", asked["dataset"])
            return self._bundle(Accesses(path, pairs), pin)
        if parts == ["checkpoint"]:
            note = self.certificate().to_note(self.genesis.members)
            return Response(200, "text/plain", note.encode())
        if parts == ["genesis"]:
            return Response(200, "application/json", self.genesis.to_json())
        if parts == ["health"]:
            return _json({"status": "ok", "height": len(self.headers)})
        if parts[0] == "transactions":
            return self._bundle(Receipt(bytes.fromhex(parts[1])), pin)
        return self._about(parts, query, pin)

    def _about(self, parts: list[str], query: dict[str, str], pin: int | None) -> Response:
        path = Path(*parts[1:4])
        claim: Claim = Trace(path) if parts[0] == "trace" else Entity(path)
        if parts[4:] == ["history"]:
            claim = History(path)
        if parts[4:] == ["period"]:
            return self._bundle(Period(path, int(query["from"]), int(query["until"])), pin)
        if parts[4:] == ["list"]:
            return self._bundle(ListOf(path, query["event"]), pin)
        if parts[4:5] == ["as-of"]:
            return self._bundle(AsOf(path, int(parts[5])), pin)
        if parts[4:5] == ["events"]:
            return self._bundle(EventAt(path, int(parts[5])), pin)
        data = self.value(path, len(self.headers))
        if "proof" in query:
            return self._bundle(Absence(path) if data is None else claim, pin)
        if data is None:
            raise ClientFault("unknown-entity", entity=path.text)
        value = parse_state_value(data)
        return _json({"path": list(path), "record": decode(value.record), "events": value.size})

    def _bundle(self, claim: Claim, pin: int | None) -> Response:
        return Response(200, "application/json", encode_bundle(assemble(self, claim, pin)))

    def _submit(self, request: Request, query: dict[str, str], pin: int | None) -> Response:
        raws = decode(request.body)
        assert isinstance(raws, list)
        known = [Transaction.decode(raw) for raw in raws if isinstance(raw, bytes)]
        assert all(transaction.check_signatures() for transaction in known)
        fresh = {t.id: t.raw for t in known if t.id not in self.places}
        if fresh:
            self.execute(list(fresh.values()))
        told = [self._told(transaction, "receipt" in query, pin) for transaction in known]
        return _json({"transactions": told})

    def _told(self, transaction: Transaction, receipt: bool, pin: int | None) -> dict[str, Any]:
        height, index = self.places[transaction.id]
        result = RESULT.decode(self.blocks[height - 1][1][index])
        told: dict[str, Any] = {
            "id": transaction.id.hex(),
            "status": "certified",
            "height": height,
            "index": index,
            "result": {"code": result.code, "parameters": result.parameters, "events": []},
            "sentence": result.code,
        }
        if receipt:
            bundle = encode_bundle(assemble(self, Receipt(transaction.id), pin))
            told["receipt"] = bundle.decode()
        return told


class _State:
    """The state as the runtime sees it."""

    def __init__(self, member: PretendMember) -> None:
        self._member = member

    def value(self, name: bytes) -> bytes | None:
        return self._member.value_of(name)

    def consumed(self, bucket: int, transaction_id: bytes) -> bool:
        return self._member.consumed(bucket, transaction_id)


def _json(value: Any) -> Response:
    return Response(200, "application/json", json.dumps(value).encode())
