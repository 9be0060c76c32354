"""What executing one transaction costs, by function: no signatures, no disk, no state tree.

Four thousand chains of receive, inspect, propose, approve, ship, hand over and use, each function
in blocks of 500, on a state in memory. Prints the machine and microseconds a transaction;
`--profile` shows where they go.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import platform
import pstats
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from chaincode.runtime import Outcome, Runtime
from ledger.block import RESULT
from ledger.genesis import Account, Genesis, Organisation
from ledger.membership import Member, MemberSet
from ledger.transaction import SUITE, VERSION, Body, Transaction, signed

BLOCK = 500
START = 1_579_852_800_000
ACCOUNTS = 1_000


def digest(text: str) -> bytes:
    return sha256(text.encode()).digest()


class Stamp:
    """A signer that signs nothing: the runtime does not check signatures."""

    def __init__(self, account: str) -> None:
        self.public = digest(account)

    def sign(self, message: bytes) -> bytes:
        return bytes(64)


class Memory:
    """The state and the duplicate table in dictionaries."""

    def __init__(self) -> None:
        self.values: dict[bytes, bytes] = {}
        self.ids: dict[int, set[bytes]] = {}

    def value(self, key: bytes) -> bytes | None:
        return self.values.get(key)

    def consumed(self, bucket: int, transaction_id: bytes) -> bool:
        return transaction_id in self.ids.get(bucket, ())

    def keep(self, outcome: Outcome) -> None:
        for key, value in outcome.writes.items():
            if value is None:
                self.ids.pop(int(outcome.paths[key].id))
                del self.values[key]
            else:
                self.values[key] = value
        for bucket, identity in outcome.consumed:
            self.ids.setdefault(bucket, set()).add(identity)


def genesis() -> Genesis:
    roles = ("allocator", "approver", "custodian", "inspector", "recipient", "registrar")
    names = ["org.registry"]
    for role in roles[:-1]:
        names += [f"org.{role}{number}" for number in range(ACCOUNTS // 5)]
    member = Member(digest("c"), "one", digest("l"), b"certificate", digest("v"))
    accounts = tuple(
        Account(name, "org", (digest(name),), (name[4:].rstrip("0123456789"),))
        if name != "org.registry"
        else Account(name, "org", (digest(name),), ("registrar",))
        for name in names
    )
    return Genesis(
        "bench", START, {}, (Organisation("org", "Org"),), accounts, MemberSet((member,))
    )


def calls(number: int) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Give one donation's life: role, function, arguments."""
    lot, allocation, shipment = f"org.L{number}", f"org.A{number}", f"org.S{number}"
    received = {
        "count": 20, "expiry": "2022-01-01", "item": "org.mask", "label": "50/box", "lot": lot,
        "unit": "box",
    }  # fmt: skip
    yield "custodian", "receive", {
        "attestation": "first_hand", "donation": f"org.D{number}", "donor": f"donor-{number % 500}",
        "earmark": None, "lots": [received], "source": "", "stated_date": None,
    }  # fmt: skip
    yield "inspector", "inspect", {"lot": lot, "note": "", "verdict": "conformant"}
    yield "allocator", "propose", {
        "allocation": allocation, "lots": [[lot, 600]], "need": None, "reason": "by need",
        "recipient": f"org.hospital{number % 50}",
    }  # fmt: skip
    yield "approver", "approve", {"allocation": allocation}
    yield "custodian", "ship", {
        "allocation": allocation, "carrier": "truck 7", "lots": [[lot, 600]], "shipment": shipment,
    }  # fmt: skip
    yield "recipient", "hand_over", {
        "condition": "dry", "counted": [[lot, 600]], "shipment": shipment,
    }  # fmt: skip
    yield "recipient", "use", {
        "lot": lot, "purpose": "ward 3", "quantity": 100, "shipment": shipment,
    }  # fmt: skip


class Bench:
    """One chain in memory."""

    def __init__(self) -> None:
        self.genesis = genesis()
        self.runtime = Runtime(self.genesis)
        self.state = Memory()
        self.state.keep(self.runtime.genesis_outcome())
        self.height = 0
        self.nonce = 0

    def transaction(self, account: str, function: str, arguments: dict[str, Any]) -> Transaction:
        self.nonce += 1
        stamp = Stamp(account)
        body = Body(
            arguments=arguments, chain=self.genesis.chain_id, contract="supplies",
            function=function, nonce=self.nonce.to_bytes(16, "big"),
            signers=((account, stamp.public),), suite=SUITE,
            valid_until=START + 60_000 + self.height * 100, version=VERSION,
        )  # fmt: skip
        return signed(body, [stamp])

    def execute(self, transactions: list[Transaction]) -> tuple[float, Outcome]:
        self.height += 1
        for each in transactions:
            _ = each.id  # the pool has computed it before
        gc.collect()
        gc.freeze()  # as a member does over its long-lived data
        started = time.process_time()
        now = START + self.height * 100
        outcome = self.runtime.execute(self.state, self.height, now, transactions)
        spent = time.process_time() - started
        for result in outcome.results:
            decoded = RESULT.decode(result)
            if decoded.code != "accepted":
                raise SystemExit(f"refused: {decoded.code} {decoded.parameters}")
        self.state.keep(outcome)
        return spent, outcome


def machine() -> str:
    model = platform.processor() or platform.machine()
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
            model = next(line.split(":", 1)[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        pass
    return f"Python {platform.python_version()}, {model}"


def run(count: int, observe: Callable[[str, float, int, Outcome], None]) -> None:
    bench = Bench()
    packs = [["box", "50/box", 50]]
    master = {"base_unit": "piece", "item": "org.mask", "name": "Mask", "packs": packs}
    bench.execute([bench.transaction("org.registry", "define_item", master)])
    lives = [list(calls(number)) for number in range(count)]
    for stage in range(len(lives[0])):
        for first in range(0, count, BLOCK):
            batch = []
            for number in range(first, first + BLOCK):
                role, function, arguments = lives[number][stage]
                account = f"org.{role}{number % (ACCOUNTS // 5)}"
                batch.append(bench.transaction(account, function, arguments))
            spent, outcome = bench.execute(batch)
            observe(lives[0][stage][1], spent, len(batch), outcome)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=4_000, help="donations, a multiple of 500")
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    print(machine())
    spent: dict[str, list[float]] = {}
    leaves: dict[str, float] = {}
    size: dict[str, float] = {}

    def observe(function: str, seconds: float, count: int, outcome: Outcome) -> None:
        spent.setdefault(function, []).append(seconds / count * 1e6)
        leaves[function] = len(outcome.leaves) / count
        written = sum(len(leaf) for _, _, leaf in outcome.leaves) + sum(map(len, outcome.results))
        size[function] = written / count

    if options.profile:
        profiler = cProfile.Profile()
        profiler.runcall(run, options.count, observe)
        pstats.Stats(profiler).sort_stats("tottime").print_stats(35)
        return
    run(options.count, observe)
    print(f"{'function':<12}{'cpu µs':>10}{'least':>10}{'leaves':>8}{'bytes':>8}")
    for function, times in spent.items():
        ordered = sorted(times)
        print(
            f"{function:<12}{ordered[len(ordered) // 2]:>10.1f}{ordered[0]:>10.1f}"
            f"{leaves[function]:>8.1f}{size[function]:>8.0f}"
        )
    everything = sum(sorted(times)[len(times) // 2] for times in spent.values()) / len(spent)
    print(f"{'mean':<12}{everything:>10.1f}")


if __name__ == "__main__":
    main()
