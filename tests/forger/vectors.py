"""The documented vectors of `tests/vectors`: files on which every verifier must agree.

    python -m tests.forger.vectors      writes them anew

They change only when a format changes. Layout: docs/FORMATS.md, section 9.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path as File
from typing import Any

from ledger.assembly import assemble
from ledger.block import EVENT, HEADER
from ledger.bundle_file import encode_bundle
from ledger.checkpoint import cosignature_message
from ledger.claims import (
    Absence,
    Accesses,
    AsOf,
    Claim,
    Entity,
    EventAt,
    Extension,
    History,
    ListOf,
    Period,
    Receipt,
    Trace,
    claim_value,
)
from ledger.codec import Value, encode
from ledger.leaf import LEAF, state_value
from ledger.merkle_log import frontier_of, frontier_root, leaf_hash
from ledger.paths import Path, key
from ledger.transaction import Transaction
from ledger.verify import verify_bundle
from tests.forger import stories
from tests.forger.epochs import epochs
from tests.forger.forgeries import FORGERIES
from tests.forger.policies import POLICIES
from tests.forger.stories import (
    DATASET,
    DONATION,
    HANDLE_1,
    HANDLE_2,
    LOT_A,
    PAIRS,
    SHIPMENT,
    STOCK,
    supply,
)
from tests.forger.trusts import TRUSTS
from tests.forger.world import Call, World

FOLDER = File(__file__).resolve().parent.parent / "vectors"

GOOD_VALUES: list[tuple[str, Value]] = [
    ("nil", None),
    ("true", True),
    ("largest integer", 2**53 - 1),
    ("smallest integer", -(2**53 - 1)),
    ("integer of 8 bits", 200),
    ("negative of 16 bits", -200),
    ("text", "溯源"),
    ("text of 32 bytes", "a" * 32),
    ("bytes", b"\x00\xff"),
    ("array of 16", list(range(16))),
    ("map in UTF-8 order", {"😀": 1, "～": 2, "a": 3, "B": 4}),
    ("path", ["supplies", "donation", "red-cross.D-1"]),
]
BAD_SPELLINGS = [
    ("1 in 8 bits", "cc01"),
    ("1 in 64 bits", "cf0000000000000001"),
    ("-1 as signed 8 bits", "d0ff"),
    ("1.0", "cb3ff0000000000000"),
    ("2^53", "cf0020000000000000"),
    ("extension", "d40100"),
    ("text as str 8", "d90161"),
    ("text that is no UTF-8", "a1ff"),
    ("bytes as bin 16", "c5000161"),
    ("array 16 of one", "dc000100"),
    ("keys out of order", "82a16201a16102"),
    ("a key twice", "82a16101a16101"),
    ("integer key", "810101"),
    ("bytes after the value", "0000"),
    ("cut short", "a261"),
    ("nesting of 17", "91" * 17 + "00"),
]


def encoding() -> dict[str, Any]:
    """Canonical MessagePack: spellings that are read, and spellings that are refused."""
    good = [{"name": name, "spelling": encode(value).hex()} for name, value in GOOD_VALUES]
    return {"bad": [{"name": n, "spelling": s} for n, s in BAD_SPELLINGS], "good": good}


def hashes(world: World) -> dict[str, Any]:
    """Keys of paths, logs with their frontiers, and state values."""
    logs = []
    for size in (0, 1, 2, 3, 4, 7, 8, 11):
        leaves = [leaf_hash(str(index).encode()) for index in range(size)]
        frontier = frontier_of(leaves)
        logs.append(
            {
                "frontier": [peak.hex() for peak in frontier],
                "root": frontier_root(frontier).hex(),
                "size": size,
                "state_value": state_value(b"record", size, frontier).hex(),
            }
        )
    paths = (DONATION, LOT_A, Path("a", "b", "c"))
    return {
        "chain_id": world.genesis.chain_id.hex(),
        "keys": [{"key": key(path).hex(), "path": path.text} for path in paths],
        "handles": [
            {"grant": grant, "handle": handle, "path": path.text}
            for (grant, handle), path in zip(PAIRS, (HANDLE_1, HANDLE_2), strict=True)
        ],
        "logs": logs,
        "members": world.genesis.members.digest().hex(),
        "origin": world.genesis.origin,
    }


def block(world: World) -> dict[str, Any]:
    """One block from its transaction to its checkpoint, each in its canonical bytes."""
    transaction = Transaction.decode(world.blocks[4].transactions[1])
    leaf, header = world.lives[SHIPMENT].leaves[1], world.blocks[4].header
    checkpoint, timestamp = world.checkpoint(), world.certificate().timestamps()[0]
    return {
        "checkpoint": {
            "cosigned_message": cosignature_message(checkpoint, timestamp).decode(),
            "note": world.certificate().to_note(world.genesis.members),
            "text": checkpoint.text(),
        },
        "event": EVENT.encode(stories.event("noted", ((LOT_A, 5),), (), (DONATION,), a=1)).hex(),
        "header": {
            "bytes": header.hex(),
            "height": HEADER.decode(header).height,
            "leaf_hash": leaf_hash(header).hex(),
        },
        "leaf": {
            "bytes": leaf.hex(),
            "leaf_hash": leaf_hash(leaf).hex(),
            "position": list(LEAF.decode(leaf).position),
        },
        "result": world.blocks[4].results[1].hex(),
        "transaction": {
            "bytes": transaction.raw.hex(),
            "digest": transaction.digest.hex(),
            "id": transaction.id.hex(),
        },
    }


def bundles() -> dict[str, tuple[bytes, bytes]]:
    """Honest bundles: name -> (bundle file, genesis file)."""
    donation, accesses = stories.donation_world(), stories.accesses_world()
    stock, start = stories.stock_world(), donation.genesis.time
    receipt = Receipt(Transaction.decode(donation.blocks[1].transactions[1]).id)
    asked: list[tuple[str, World, Claim, int | None]] = [
        ("trace", donation, Trace(DONATION), None),
        ("trace-with-consistency", donation, Trace(DONATION), 3),
        ("history", donation, History(LOT_A), None),
        ("entity", donation, Entity(LOT_A), None),
        ("absence", donation, Absence(supply("lot", "none")), None),
        ("receipt", donation, receipt, None),
        ("accesses", accesses, Accesses(DATASET, PAIRS), None),
        ("list", donation, ListOf(LOT_A, "proposed"), None),
        ("period", stock, Period(STOCK, start + 10_000, start + 900_000), None),
        ("as-of", stock, AsOf(STOCK, 12), None),
        ("as-of-absent", stock, AsOf(STOCK, 1), None),
        ("event", stock, EventAt(STOCK, 12), None),
        ("consistency", donation, Extension(3, donation.chain.root(3)), None),
        ("epochs", epochs(), Trace(DONATION), 3),
    ]
    return {
        name: (encode_bundle(assemble(world, claim, pin)), world.genesis.to_json())
        for name, world, claim, pin in asked
    }


def not_final() -> bytes:
    """An honest receipt that is not the last word: the block refused it as expired."""
    world = World()
    world.grow([Call([], {}, code="expired")])
    world.certify()
    transaction = Transaction.decode(world.blocks[0].transactions[0])
    return encode_bundle(assemble(world, Receipt(transaction.id)))


def judged(data: bytes, world_genesis: Any, asked: dict[str, Any]) -> dict[str, Any]:
    report = verify_bundle(data, world_genesis, **asked)
    return {line.name: [line.state, line.code] for line in report.lines}


def forged() -> list[dict[str, Any]]:
    """Every forgery as text with the verdict it must get. Those that ask something say what."""
    found = []
    for forgery in FORGERIES:
        attempt = forgery.make()
        if len(attempt.data) > 50_000:
            continue  # made by rule in the tests: deep nesting, huge numbers
        if attempt.genesis != stories.donation_world().genesis:
            raise ValueError(f"{forgery.name} is judged by another genesis than genesis.json")
        asked = dict(attempt.asked)
        about = asked.pop("about", None)
        if isinstance(about, Path):
            asked["about"] = about.text
        elif about is not None:
            asked["claim"] = claim_value(about)
        if "policy" in asked:
            asked["policy"] = asked["policy"].text()
        found.append(
            {
                "asked": asked,
                "bundle": attempt.data.decode(),
                "name": forgery.name,
                "verdict": judged(attempt.data, attempt.genesis, attempt.asked),
            }
        )
    return found


def trusts() -> list[dict[str, Any]]:
    """What a verdict says to readers with and without pins and policies: whole lines."""
    found = []
    for trusting in TRUSTS:
        data, asked = trusting.bundle(), trusting.asked()
        report = verify_bundle(data, stories.donation_world().genesis, **asked)
        if "policy" in asked:
            asked["policy"] = asked["policy"].text()
        found.append(
            {
                "asked": asked,
                "bundle": data.decode(),
                "lines": {
                    language: [line.text(language) for line in report.lines]
                    for language in ("en", "zh")
                },
                "met": report.met,
                "name": trusting.name,
                "ok": report.exit_ok,
                "verdict": {line.name: [line.state, line.code] for line in report.lines},
            }
        )
    return found


def policies() -> list[dict[str, Any]]:
    """Policy files, with what refuses them."""
    return [{"name": one.name, "refused": one.refused, "text": one.text} for one in POLICIES]


def spell(value: Any) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def files() -> dict[str, bytes]:
    """Every vector file: name -> content."""
    world = stories.donation_world()
    written = {
        "encoding.json": spell(encoding()),
        "hashes.json": spell(hashes(world)),
        "block.json": spell(block(world)),
        "genesis.json": world.genesis.to_json(),
        "forgeries.json": spell(forged()),
        "policies.json": spell(policies()),
        "trusts.json": spell(trusts()),
        "receipt-not-final.json": not_final(),
    }
    for name, (bundle, _) in bundles().items():
        written[f"bundle-{name}.json"] = bundle
    return written


def write(say: Callable[[str], None]) -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, content in files().items():
        (FOLDER / name).write_bytes(content)
        say(f"{name}: {len(content)} bytes")


if __name__ == "__main__":
    write(print)
