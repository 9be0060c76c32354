"""The load: who signs, what stands on the ledger before, and the endless mix of six kinds.

Pure: the same numbers give the same calls, so a run can be repeated and a test can put the load to
the contracts without a network. Nothing in it is ever refused; the benchmark stops if something is.

A chain is the life of one piece of business: receive, inspect, propose, approve, ship, hand over.
`receive` brings a new donation of one lot and `inspect` looks at it (a lot is not inspected twice
with one verdict); the four others work on a lot that was loaded before, republished and so in no
need of inspection, chosen by a multiplicative walk over all of them, so that neither the cache of
values nor the newest corner of the state tree serves them all. A `Flow` keeps six cohorts of
chains, each one step behind the one before: every request holds the six kinds in equal parts, and
each chain waits for its certificate before its next step.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any, Final

from client.calls import Call
from ledger.keys import Ed25519Signer

__all__ = [
    "ENTITIES_PER_PRELOAD",
    "STEPS",
    "Flow",
    "accounts",
    "call",
    "cast",
    "master",
    "preload",
    "signer",
]

STEPS: Final = ("receive", "inspect", "propose", "approve", "ship", "hand_over")
LOTS_PER_DONATION: Final = 32  # the most one `receive` may bring
ENTITIES_PER_PRELOAD: Final = LOTS_PER_DONATION + 1  # its donation and its lots

DEPOTS: Final = tuple(f"depot-{n}" for n in range(5))
HOSPITALS: Final = tuple(f"hospital-{n:02d}" for n in range(20))
STAFF: Final = ("custodian", "inspector", "allocator", "approver")
STAFF_PER_ROLE: Final = 40  # accounts of a role at a depot: 5 x 4 x 40 = 800 ...
WARDS: Final = 10  # ... and accounts of a hospital: 20 x 10 = 200, with the registrar 1,001
REGISTRAR: Final = "depot-0.registrar"
ITEMS: Final = 40
DONORS: Final = 500

PACKS: Final = 20  # packs of a lot, of FACTOR base units each
FACTOR: Final = 50
TAKEN: Final = 10  # base units that a chain moves: a lot serves a hundred chains
WALK: Final = 48_271  # prime: visits every lot once before it visits one again


def accounts() -> Iterator[tuple[str, str]]:
    """Every account and its role."""
    yield REGISTRAR, "registrar"
    for depot in DEPOTS:
        for role in STAFF:
            for number in range(STAFF_PER_ROLE):
                yield f"{depot}.{role}-{number}", role
    for hospital in HOSPITALS:
        for ward in range(WARDS):
            yield f"{hospital}.ward-{ward}", "recipient"


def signer(account: str) -> Ed25519Signer:
    """The key of an account of the benchmark: derived from its name, so worth nothing elsewhere."""
    return Ed25519Signer(sha256(b"suyuan benchmark " + account.encode()).digest())


def cast(members: Sequence[str], keys: dict[str, Ed25519Signer]) -> dict[str, Any]:
    """What `suyuan node found` reads."""
    return {
        "name": "suyuan.benchmark",
        "members": list(members),
        "organisations": [{"id": name, "name": name} for name in (*DEPOTS, *HOSPITALS)],
        "accounts": [
            {
                "id": name,
                "organisation": name.split(".", 1)[0],
                "keys": [keys[name].public.hex()],
                "roles": ["custodian", "republisher"] if role == "custodian" else [role],
            }
            for name, role in accounts()
        ],
        "parameters": {},
    }


def master() -> list[Call]:
    """The item master: must be certified before anything is received."""
    return [
        Call(
            "supplies",
            "define_item",
            {
                "base_unit": "piece",
                "item": _item(number),
                "name": f"Item {number}",
                "packs": [["box", "box of 50", FACTOR]],
            },
            (REGISTRAR,),
        )
        for number in range(ITEMS)
    ]


def preload(donations: int) -> Iterator[Call]:
    """Large donations: 33 entities each."""
    for donation in range(donations):
        depot = _depot_of_donation(donation)
        first = donation * LOTS_PER_DONATION
        lots = [_lot(f"{depot}.L{n:07d}", n) for n in range(first, first + LOTS_PER_DONATION)]
        by = f"{depot}.custodian-{donation % STAFF_PER_ROLE}"
        arguments = _receipt(f"{depot}.D{donation:06d}", donation, lots, "republished")
        yield Call("supplies", "receive", arguments, (by,))


def call(chain: int, step: int, donations: int) -> Call:
    """Step 0 to 5 of a chain, over `donations` large donations loaded before."""
    if step == 0:
        return _receive(chain)
    lots = donations * LOTS_PER_DONATION
    number = chain * WALK % lots
    depot = _depot_of_donation(number // LOTS_PER_DONATION)
    lot = f"{depot}.L{number:07d}"
    allocation, shipment = f"{depot}.A{chain:08d}", f"{depot}.S{chain:08d}"
    hospital = HOSPITALS[chain % len(HOSPITALS)]
    ward = f"{hospital}.ward-{chain // len(HOSPITALS) % WARDS}"
    moved = [[lot, TAKEN]]
    arguments: dict[str, Any]
    match STEPS[step]:
        case "inspect":
            role = "inspector"
            arguments = {"lot": _new_lot(chain), "note": "sealed and dry", "verdict": "conformant"}
        case "propose":
            role = "allocator"
            arguments = {
                "allocation": allocation,
                "lots": moved,
                "need": None,
                "reason": "by reported need",
                "recipient": ward,
            }
        case "approve":
            role, arguments = "approver", {"allocation": allocation}
        case "ship":
            role = "custodian"
            arguments = {
                "allocation": allocation,
                "carrier": "city post, van 7",
                "lots": moved,
                "shipment": shipment,
            }
        case _:
            arguments = {"condition": "intact", "counted": moved, "shipment": shipment}
            return Call("supplies", "hand_over", arguments, (ward,))
    by = f"{depot}.{role}-{chain % STAFF_PER_ROLE}"
    return Call("supplies", STEPS[step], arguments, (by,))


class Flow:
    """An endless row of requests, each of `cohort` chains at each of the six steps.

    `numbers` gives fresh chain numbers and is shared by all flows of a run. The next request may be
    sent only when the one before is certified. The first five hold fewer kinds: warm-up.
    """

    def __init__(self, numbers: Iterator[int], cohort: int, donations: int) -> None:
        self._numbers = numbers
        self._cohort = cohort
        self._donations = donations
        self._cohorts: deque[list[int]] = deque(maxlen=len(STEPS))

    def request(self) -> list[Call]:
        """The calls of the next request."""
        self._cohorts.appendleft([next(self._numbers) for _ in range(self._cohort)])
        return [
            call(chain, step, self._donations)
            for step, chains in enumerate(self._cohorts)
            for chain in chains
        ]


def _receive(chain: int) -> Call:
    depot = DEPOTS[chain % len(DEPOTS)]
    by = f"{depot}.custodian-{chain // len(DEPOTS) % STAFF_PER_ROLE}"
    arguments = _receipt(f"{depot}.N{chain:08d}", chain, [_lot(_new_lot(chain), chain)])
    return Call("supplies", "receive", arguments, (by,))


def _new_lot(chain: int) -> str:
    return f"{DEPOTS[chain % len(DEPOTS)]}.N{chain:08d}-1"


def _receipt(
    donation: str, number: int, lots: list[dict[str, Any]], attestation: str = "custodian"
) -> dict[str, Any]:
    return {
        "attestation": attestation,
        "donation": donation,
        "donor": f"donor-{number % DONORS}",
        "earmark": None,
        "lots": lots,
        "source": "delivery note",
        "stated_date": "2020-01-24",
    }


def _lot(lot: str, number: int) -> dict[str, Any]:
    return {
        "count": PACKS,
        "expiry": None,
        "item": _item(number % ITEMS),
        "label": "box of 50",
        "lot": lot,
        "unit": "box",
    }


def _item(number: int) -> str:
    return f"depot-0.item-{number}"


def _depot_of_donation(donation: int) -> str:
    return DEPOTS[donation % len(DEPOTS)]
