"""Seeded mutations of honest bundles: what two verifiers are compared on.

Bytes are changed, JSON is changed and spelt canonically again, and the MessagePack inside leaves,
headers, proofs and receipts is changed and spelt again.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ledger.assembly import assemble
from ledger.bundle_file import encode_bundle
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
from ledger.genesis import Genesis
from ledger.paths import Path
from ledger.tlog_policy import Policy
from ledger.transaction import Transaction
from tests.forger import stories
from tests.forger.epochs import epochs
from tests.forger.stories import DATASET, DONATION, LOT_A, PAIRS, SHIPMENT, STOCK
from tests.forger.world import World

_ENCODER = msgspec.msgpack.Encoder(order="sorted")
_PACKED = ("header", "state", "record", "transaction", "result", "leaves")


@dataclass(frozen=True)
class Case:
    """A file to judge, by which genesis, and what is asked beside its own question."""

    data: bytes
    genesis: Genesis
    about: Path | Claim | None = None
    now_s: int | None = None
    max_age_s: int | None = None
    pin: str | None = None
    policy: Policy | None = None
    name: str = field(default="", compare=False)

    def asked(self) -> dict[str, Any]:
        """What the TypeScript judge takes."""
        about = self.about
        named: dict[str, Any] = {}
        if isinstance(about, Path):
            named["about"] = about.text
        elif about is not None:
            named["claim"] = json.dumps(claim_value(about))
        for name in ("now_s", "max_age_s", "pin"):
            if getattr(self, name) is not None:
                named[name] = getattr(self, name)
        if self.policy is not None:
            named["policy"] = self.policy.text()
        return named


def worlds() -> tuple[World, World]:
    return stories.donation_world(), stories.accesses_world()


def honest(donation: World, accesses: World) -> list[tuple[World, Claim, bytes]]:
    receipt = Receipt(Transaction.decode(donation.blocks[1].transactions[1]).id)
    stock, start = stories.stock_world(), donation.genesis.time
    asked: list[tuple[World, Claim, int | None]] = [
        (donation, Trace(DONATION), None),
        (donation, Trace(DONATION), 3),
        (donation, History(LOT_A), 6),
        (donation, Entity(SHIPMENT), 5),
        (donation, Absence(stories.supply("lot", "none")), 1),
        (donation, receipt, 2),
        (accesses, Accesses(DATASET, PAIRS), None),
        (accesses, Accesses(DATASET, PAIRS), 4),
        (donation, ListOf(LOT_A, "proposed"), 2),
        (donation, Extension(3, donation.chain.root(3)), None),
        (stock, Period(STOCK, start + 10_000, start + 900_000), None),
        (stock, AsOf(STOCK, 12), 4),
        (stock, AsOf(STOCK, 1), None),
        (stock, EventAt(STOCK, 12), None),
        (epochs(), Trace(DONATION), 3),
        (epochs(), Receipt(Transaction.decode(epochs().blocks[1].transactions[1]).id), None),
    ]
    return [(w, claim, encode_bundle(assemble(w, claim, pin))) for w, claim, pin in asked]


# -- changes to values ----------------------------------------------------------------------------

Spot = tuple[Any, Any]


def _spots(value: Any) -> list[Spot]:
    found: list[Spot] = []
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for name, item in list(items):
        found.append((value, name))
        if isinstance(item, dict | list):
            found += _spots(item)
    return found


def _scalar(item: Any, chance: random.Random) -> Any:
    if isinstance(item, bool) or item is None:
        return chance.choice([True, False, None, 0])
    if isinstance(item, int):
        return chance.choice([item + 1, item - 1, -item, 0, 2**53 - 1, 2**53, str(item), 1.0])
    if isinstance(item, bytes):
        place = chance.randrange(len(item) + 1)
        return chance.choice(
            [item[:-1], item + b"\0", item[:place] + b"\x01" + item[place + 1 :], b"", item.hex()]
        )
    if isinstance(item, str):
        place = chance.randrange(len(item) + 1)
        letter = chance.choice("aA0f=/+. \n<>é\u007f\u2028")
        return chance.choice(
            [item[:place] + letter + item[place + 1 :], item[:-1], item + letter, "", 7, None]
        )
    return chance.choice([[], {}, None, 1, "x"])


def _change(value: Any, chance: random.Random) -> None:
    spots = _spots(value)
    if not spots:
        return
    (container, name), (other, place) = chance.choice(spots), chance.choice(spots)
    way = chance.randrange(6)
    if way == 0:
        del container[name]
    elif way == 1 and isinstance(container, list):
        container.insert(name, container[name])
    elif way == 1:
        container[f"{name}2"] = container[name]
    elif way == 2:
        container[name] = json_copy(other[place])
    else:
        container[name] = _scalar(container[name], chance)


def json_copy(value: Any) -> Any:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(value))


def spell(value: Any) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass") + b"\n"


def _packed_spots(value: Any) -> list[Spot]:
    found = []
    for container, name in _spots(value):
        if isinstance(container, dict) and name in _PACKED and isinstance(container[name], str):
            found.append((container, name))
        if name == "leaves" and isinstance(container[name], list):
            found += [(container[name], index) for index in range(len(container[name]))]
    return found


def _change_packed(value: Any, chance: random.Random) -> None:
    container, name = chance.choice(_packed_spots(value))
    try:
        inner = msgspec.msgpack.decode(base64.b64decode(container[name]))
        holder = [inner]
        _change(holder if chance.random() < 0.1 else inner, chance)
        data = _ENCODER.encode(holder[0] if holder else None)
    except (msgspec.MsgspecError, ValueError, AttributeError, TypeError):
        return
    container[name] = base64.b64encode(data).decode()


# -- cases ----------------------------------------------------------------------------------------


def _asked(world: World, claim: Claim, chance: random.Random) -> dict[str, Any]:
    asked: dict[str, Any] = {}
    if chance.random() < 0.3:
        asked["about"] = chance.choice([claim, DONATION, LOT_A, DATASET, Trace(DONATION)])
    if chance.random() < 0.4:
        asked["now_s"] = world.certificate().timestamps()[0] + chance.choice(
            [-400, -300, 0, 60, 9999]
        )
    if chance.random() < 0.3:
        asked["max_age_s"] = chance.choice([0, 62, 600])
    if chance.random() < 0.4:
        size = chance.randint(1, world.height)
        pin = world.checkpoint(size).text()
        changed = [pin, pin, pin, pin + "\n", pin[:-1], pin.replace("h", "g", 1), pin[::-1], ""]
        asked["pin"] = chance.choice(changed)
    return asked


def mutations(seed: int, count: int) -> Iterator[Case]:
    """`count` changed bundles, the same for the same seed."""
    chance = random.Random(seed)
    donation, accesses = worlds()
    files = honest(donation, accesses)
    for number in range(count):
        world, claim, data = chance.choice(files)
        way = chance.randrange(10)
        if way == 0:
            place, end = sorted(chance.randrange(len(data) + 1) for _ in range(2))
            end = min(end, place + chance.randrange(8))
            data = data[:place] + chance.randbytes(chance.randrange(4)) + data[end:]
        elif way == 1:
            place = chance.randrange(len(data))
            data = (
                data[:place] + bytes([data[place] ^ (1 << chance.randrange(8))]) + data[place + 1 :]
            )
        elif way < 9:
            value = json.loads(data)
            for _ in range(chance.choice([1, 1, 1, 2, 3])):
                (_change if way < 6 else _change_packed)(value, chance)
                if not isinstance(value, dict) or not _packed_spots(value):
                    break
            data = spell(value)
        yield Case(data, world.genesis, name=f"{seed}/{number}", **_asked(world, claim, chance))
