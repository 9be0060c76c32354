"""Chains whose members all lie: certified leaves, transactions and results that no runtime writes.

The proofs hold and the certificates are true, so that a verifier's reading of the content alone
decides. Two verifiers are compared on them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from ledger.assembly import assemble
from ledger.bundle_file import encode_bundle
from ledger.canonical_json import to_base64
from ledger.claims import Accesses, Claim, History, Trace
from ledger.hashing import tag, tagged
from ledger.paths import Path, key
from tests.forger import stories
from tests.forger.stories import ALLOCATION, DATASET, DONATION, LOT_A, LOT_B, PAIRS
from tests.forger.world import GENESIS_TIME, Call, World, signer
from tests.portal_mutations import Case, spell

__all__ = ["certified_lies", "certified_receipts"]

_ENCODER = msgspec.msgpack.Encoder(order="sorted")
_WORDS = ("", "a", "a_b", "a-b", "A", "a" * 32, "a" * 33, "a" * 48, "a" * 49, "1", "a\n")
_HALF_PAIR = "@@@"  # stands for ED A0 80, half of a surrogate pair, which no encoder writes
ACCESSES = Accesses(DATASET, PAIRS)
_PATHS = (["x", "y", "z"], ["x", "Y", "z"], ["x", "y", ""], ["x", "y"], ["x", "y", "z", "w"])

Rewrite = Callable[[list[Any]], None]


def _set(place: int, value: Any) -> Rewrite:
    def rewrite(leaf: list[Any]) -> None:
        leaf[place] = value

    return rewrite


def _nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def _lies() -> Iterator[tuple[str, Rewrite]]:
    allocation = ["supplies", "allocation", "red-cross.A-1"]
    for depth in (13, 14, 15, 16, 17, 40):
        yield f"a body nested {depth} deep", _set(12, {"a": _nested(depth - 1)})
    for number in (2**53 - 1, 2**53, -(2**53 - 1), -(2**53)):
        yield f"a body holding {number}", _set(12, {"a": number})
    for count in (160, 161):
        many = [[["supplies", "lot", f"x{index}"], 1] for index in range(count)]
        yield f"{count} inputs", _set(10, many)
        yield f"{count} outputs", _set(11, many)
    for name, kind in (("kind", 9), ("contract", 6)):
        for word in _WORDS:
            yield f"{name} {word!r}", _set(kind, word)
    for place in (1, 2, 3, 4, 7):
        for value in (-1, 0, 2, 2**53 - 1, 2**53, None, "1", True, 1.0):
            yield f"item {place} is {value!r}", _set(place, value)
    for path in _PATHS:
        yield f"output {path}", _set(11, [[path, 1]])
        yield f"output {path} of itself", _set(10, [[allocation, 1], [path, 1]])
    for quantity in (0, -1, 2**53 - 1, 2**53, None, "1", False):
        yield f"quantity {quantity!r}", _set(11, [[allocation, quantity]])
    yield "a pair of three", _set(11, [[allocation, 1, 1]])
    yield "a body that is no map", _set(12, [])
    yield "a body with a float", _set(12, {"a": [1.5]})
    yield "an unpaired surrogate", _set(12, {"a": _HALF_PAIR})
    yield "fifteen items", lambda leaf: leaf.append(1)
    yield "thirteen items", lambda leaf: leaf.pop()
    yield "a record of 31 bytes", _set(13, bytes(31))
    yield "nothing changed", lambda leaf: None


_GRANTS = (
    Path("other", "grant", "health.g-1"),
    Path("datasharing", "grant", "health.g-0"),
    Path("datasharing", "grant", "health.g-1"),
    Path("datasharing", "lot", "health.g-3"),
)


def _another_grant(path: Path, kind: str, contract: str) -> Case:
    """One more event of the data set that seems to grant something."""
    world = stories.accesses_world()
    granted = stories.event(kind, outputs=((path, 1),), on=(DATASET,))
    world.grow([Call([granted], {DATASET: {"grants": 3}, path: {}}, contract=contract)])
    world.certify()
    data = _shown(world, stories.accesses_world(), Accesses(DATASET, PAIRS))
    return Case(data, world.genesis, name=f"{contract} {kind} {path.text}")


def certified_lies() -> Iterator[Case]:
    """Chains on which every member certified a state with one leaf that no runtime writes."""
    for name, rewrite in _lies():
        yield _told(name, rewrite, stories.donation_world, LOT_B, Trace(DONATION))
        yield _told(name, rewrite, stories.donation_world, ALLOCATION, History(ALLOCATION))
    for path in _GRANTS:
        yield _told("a grant", _set(11, [[path, 1]]), stories.accesses_world, DATASET, ACCESSES, 2)
        yield _another_grant(path, "granted", "datasharing")
        yield _another_grant(path, "granted", "supplies")
        yield _another_grant(path, "given", "datasharing")


def _told(
    name: str,
    rewrite: Rewrite,
    story: Callable[[], World],
    path: Path,
    claim: Claim,
    place: int = -1,
) -> Case:
    """Rewrite one leaf of a log in the state itself, and let every member certify that."""
    world = story()
    life = world.lives[path]
    leaves = list(life.leaves)
    leaf = msgspec.msgpack.decode(leaves[place])
    rewrite(leaf)
    leaves[place] = _ENCODER.encode(leaf).replace(_HALF_PAIR.encode(), b"\xed\xa0\x80")
    life.leaves, life.frontier = [], ()
    for one in leaves:
        life.append(one)
    world.grow([], touched=(path,))
    world.certify()
    return Case(_shown(world, story(), claim), world.genesis, name=f"{name} in {path.text}")


def _shown(world: World, honest: World, claim: Claim) -> bytes:
    """The bundle of a lying chain, made without reading a leaf: the honest one's entities, as they
    lie in the lying state, with proofs that hold.
    """
    value = json.loads(encode_bundle(assemble(honest, claim)))
    height = world.height
    for entity in value["entities"]:
        if "leaves" not in entity:
            continue
        life = world.lives[Path.parse(entity["path"])]
        entity["leaves"] = [to_base64(leaf) for leaf in life.leaves]
        entity["record"] = to_base64(life.record)
    keys = [key(Path.parse(entity["path"])) for entity in value["entities"]]
    value["header"] = to_base64(world.header(height))
    value["inclusion"] = [node.hex() for node in world.inclusion(height, height)]
    value["state"] = to_base64(world.state_proof(keys, height))
    value["checkpoint"] = world.certificate().to_note(world.genesis.members)
    return spell(value)


class LyingWorld(World):
    """A chain whose block holds one transaction or result that no member should have let in."""

    def __init__(self, of: str, rewrite: Callable[[Any], None]) -> None:
        super().__init__()
        self.of, self.rewrite = of, rewrite

    def _close(
        self, height: int, written: set[Path], transactions: list[bytes], results: list[bytes]
    ) -> None:
        if self.of == "result":
            results = [self._changed(results[0])]
        else:
            transactions = [self._signed_again(transactions[0])]
            named = msgspec.msgpack.decode(results[0])
            named["transaction"] = tagged("transaction", msgspec.msgpack.decode(transactions[0])[0])
            results = [_ENCODER.encode(named)]
        super()._close(height, written, transactions, results)

    def _changed(self, data: bytes) -> bytes:
        value = msgspec.msgpack.decode(data)
        self.rewrite(value)
        return _ENCODER.encode(value)

    def _signed_again(self, raw: bytes) -> bytes:
        body = self._changed(msgspec.msgpack.decode(raw)[0])
        signers = msgspec.msgpack.decode(body)["signers"]
        signature = signer("account", "wang").sign(tag("transaction") + body)
        count = len(signers) if isinstance(signers, list) else 1
        return _ENCODER.encode([body, [signature] * count])


def _put(name: str, value: Any) -> Callable[[Any], None]:
    def rewrite(target: Any) -> None:
        target[name] = value

    return rewrite


def _event(place: int, value: Any) -> Callable[[Any], None]:
    def rewrite(target: Any) -> None:
        target["events"][0][place] = value

    return rewrite


def _receipt_lies() -> Iterator[tuple[str, str, Callable[[Any], None]]]:
    key = signer("account", "wang").public
    values: list[Any] = [_nested(depth) for depth in (14, 15, 16, 17)]
    values += [2**53 - 1, 2**53, 1.5, b"\xff", None, {"b": [{}]}]
    for value in values:
        yield "transaction", "arguments", _put("arguments", {"a": value})
        yield "result", "parameters", _put("parameters", {"a": value})
        yield "result", "event body", _event(4, {"a": value})
    for count in (64, 65):
        yield "transaction", "arguments", _put("arguments", {str(n): 1 for n in range(count)})
        yield "result", "events", _put("events", [["a", [], [], [], {}]] * count)
    for count in (160, 161):
        yield "result", "on", _event(3, [["a", "b", "c"]] * count)
        yield "result", "inputs", _event(1, [[["a", "b", "c"], 1]] * count)
    for word in (*_WORDS, 1):
        yield "transaction", "contract", _put("contract", word)
        yield "transaction", "function", _put("function", word)
        yield "result", "code", _put("code", word)
        yield "result", "kind", _event(0, word)
    for account in ("a.b", "a", "a.b.c", "A.b", "a.B", ".b", "a" * 31 + ".b", "a" * 32 + ".b",
                    "a." + "b" * 61, "a." + "b" * 62):  # fmt: skip
        yield "transaction", "account", _put("signers", [[account, key]])
    two = [["a.b", key], ["a.c", key]]
    four = [[f"a.{number}", key] for number in range(4)]
    short: list[Any] = [["a.b", key[:-1]]]
    for signers in ([], two, [two[0]] * 2, four, [*four, ["a.4", key]], short, [["a.b"]]):
        yield "transaction", "signers", _put("signers", signers)
    for name in ("nonce", "chain"):
        for data in (b"", bytes(15), bytes(16), bytes(17), bytes(32), "x"):
            yield "transaction", name, _put(name, data)
    now = GENESIS_TIME + 60_000
    for until in (now - 1, now, now + 1, now + 600_000, now + 600_001, -1, 2**53, 0):
        yield "transaction", "valid_until", _put("valid_until", until)
    for name in ("suite", "version", "contract_version", "extra"):
        for spelt in (1, 2, "ed25519-sha256", "sm2-sm3", None, 1.0, True):
            yield "transaction", name, _put(name, spelt)
            yield "result", name, _put(name, spelt)


def certified_receipts() -> Iterator[Case]:
    """Receipts of transactions and results that are in a certified block, and ought not to be."""
    for of, name, rewrite in _receipt_lies():
        world = LyingWorld(of, rewrite)
        call = Call([stories.event("noted", on=(LOT_A,))], {LOT_A: {}})
        try:
            world.grow([call])
        except (TypeError, OverflowError):
            continue
        world.certify()
        block = world.blocks[0]
        body = msgspec.msgpack.decode(block.transactions[0])[0]
        value = {
            "checkpoint": world.certificate().to_note(world.genesis.members),
            "claim": {"kind": "transaction", "transaction": tagged("transaction", body).hex()},
            "epochs": [],
            "header": to_base64(world.header(1)),
            "inclusion": [],
            "receipt": {
                "result": to_base64(block.results[0]),
                "result_path": [],
                "transaction": to_base64(block.transactions[0]),
                "transaction_path": [],
            },
            "version": 1,
        }
        yield Case(spell(value), world.genesis, name=f"{of} {name}")
