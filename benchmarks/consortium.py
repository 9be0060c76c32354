"""Four members as four processes under the load: founded, loaded, measured at low and full load.

What it is: the order of a run, the reading of processors and stores, and the figures.
What it is not: the load (`load`), the way a client submits and what counts (`submitting`).
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks import load
from benchmarks.figures import Sample, Usage, per_piece, split
from benchmarks.machine import Fleet, disk_bytes
from benchmarks.settings import Settings
from benchmarks.steady import Measured, Turn, alone, steady
from benchmarks.submitting import Client, Tally
from benchmarks.wire import Wire
from client.demo.consortium import command, environment
from ledger.genesis import Genesis
from ledger.keys import Ed25519Signer
from node.store import open_store

__all__ = ["measure"]

MEMBERS: Final = ("civil-affairs", "health-commission", "red-cross", "audit-office")
PRELOAD_REQUEST: Final = 25  # large donations of one request: 800 events
PRELOAD_FLOWS: Final = 4
READY_SECONDS: Final = 60.0
VERIFY_EVERY: Final = 100  # one receipt in a hundred
KINDS: Final = {  # first byte of a key (node/archive.py, entity_logs.py, state_store.py)
    b"b": "blocks",
    b"h": "blocks",
    b"l": "entity logs",
    b"i": "places in the logs",
    b"n": "places in the logs",
    b"r": "past records",
    b"s": "state",
    b"p": "state",
    b"t": "transaction index",
    b"d": "duplicate table",
}
OTHER: Final = "ballots, certificates"
Tell = Callable[[str], None]
_STAGE: Final = re.compile(r"^suyuan_stage_(\w+)_seconds (\S+)$", re.MULTILINE)


class Consortium:
    """The members of one run, and the ways to them."""

    def __init__(self, fleet: Fleet, info: dict[str, Any]) -> None:
        self._fleet = fleet
        self.genesis = Genesis.from_json(Path(info["genesis"]).read_bytes())
        self.addresses = [info["members"][name]["api"] for name in MEMBERS]
        self._watches = [Wire(address) for address in self.addresses]

    async def ready(self) -> None:
        """Wait until every member takes part. Raises: RuntimeError."""
        deadline = time.monotonic() + READY_SECONDS
        for address in self.addresses:
            while not await _is_ready(address):
                self._fleet.check()
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{address} is not ready after {READY_SECONDS:.0f} s")
                await asyncio.sleep(0.1)

    async def usage(self) -> Usage:
        """Read the processor time of members (with stages) and of this process, the client."""
        at = time.perf_counter()
        servers, clients = self._fleet.processor_seconds(), time.process_time()
        answers = [await watch.ask("GET", "/metrics") for watch in self._watches]
        stages: dict[str, float] = {}
        for _, text in answers:
            for stage, seconds in _STAGE.findall(text.decode()):
                stages[stage] = stages.get(stage, 0.0) + float(seconds)
        return Usage(at, servers, clients, stages)


def measure(folder: Path, settings: Settings, tell: Tell) -> dict[str, Any]:
    """Found and start four members in `folder`, load them, and return the figures.

    `tell(text)` hears what is being done. Raises: RuntimeError when anything goes wrong.
    """
    import uvloop

    keys = {account: load.signer(account) for account, _ in load.accounts()}
    info = _found(folder, keys)
    commands = {
        name: [*command(), "node", "run", info["members"][name]["folder"]] for name in MEMBERS
    }
    folders = [Path(info["members"][name]["folder"]) / "data" for name in MEMBERS]
    donations = -(-settings.entities // load.ENTITIES_PER_PRELOAD)
    with Fleet(commands, folder / "logs", environment()) as fleet:
        tell("starting four members")
        loaded = uvloop.run(_load(Consortium(fleet, info), keys, donations, tell))
    # Stopped in between: a store is read by one process, and members that have run for long have
    # begun with what they hold.
    tell("reading the stores; starting the members again")
    stored, disk = stored_bytes(folders[0]), _disk(folders)
    with Fleet(commands, folder / "logs", environment()) as fleet:
        figures = uvloop.run(_run(Consortium(fleet, info), keys, settings, donations, tell))
    count = figures.pop("transactions")
    after = stored_bytes(folders[0])
    return {
        "members": len(MEMBERS),
        "store": store_engine(folders[0]),
        "entities": donations * load.ENTITIES_PER_PRELOAD,
        "accounts": len(keys),
        "preload": loaded,
        **figures,
        "stored_bytes_per_transaction": {
            kind: (size - stored.get(kind, 0)) / count for kind, size in after.items()
        },
        "disk_bytes_per_transaction": (_disk(folders) - disk) / count,
    }


def _disk(folders: Sequence[Path]) -> float:
    return sum(map(disk_bytes, folders)) / len(folders)


def store_engine(folder: Path) -> str:
    """The engine of a stopped member's store, as its folder says."""
    store = open_store(folder)
    try:
        return store.engine
    finally:
        store.close()


def stored_bytes(folder: Path) -> dict[str, int]:
    """Bytes of keys and values in a member's store, by what they are; the member must be stopped.

    It is what the member keeps, whatever the engine's compression and garbage make of it on disk.
    """
    sizes = dict.fromkeys((*KINDS.values(), OTHER), 0)
    store = open_store(folder)
    try:
        for key, value in store.range():
            sizes[KINDS.get(key[:1], OTHER)] += len(key) + len(value)
    finally:
        store.close()
    return sizes


def _found(folder: Path, keys: dict[str, Ed25519Signer]) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    cast = folder / "cast.json"
    cast.write_text(json.dumps(load.cast(MEMBERS, keys)))
    done = subprocess.run(
        [*command(), "node", "found", str(folder / "consortium"), "--cast", str(cast), "--json"],
        capture_output=True,
        env=environment(),
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"founding failed: {done.stderr.decode('utf-8', 'replace')[-500:]}")
    info: dict[str, Any] = json.loads(done.stdout)
    return info


async def _is_ready(address: str) -> bool:
    wire = Wire(address)
    try:
        # A chain without a block has nothing certified yet and says so with 503.
        _, body = await wire.ask("GET", "/v1/health")
    except OSError:
        return False
    finally:
        wire.close()
    return json.loads(body).get("status") in ("ok", "starting")


@contextmanager
def _clients(
    consortium: Consortium,
    keys: dict[str, Ed25519Signer],
    tally: Tally,
    addresses: Sequence[str],
    verify_every: int = VERIFY_EVERY,
) -> Iterator[list[Client]]:
    """One client to each of the addresses, in order; an address may come more than once."""
    clients = [
        Client(address, consortium.genesis, keys, tally, verify_every) for address in addresses
    ]
    try:
        yield clients
    finally:
        for client in clients:
            client.wire.close()


async def _load(
    consortium: Consortium, keys: dict[str, Ed25519Signer], donations: int, tell: Tell
) -> dict[str, float]:
    await consortium.ready()
    tell(f"loading {donations * load.ENTITIES_PER_PRELOAD:,} entities")
    return await _preload(consortium, keys, donations)


async def _run(
    consortium: Consortium,
    keys: dict[str, Ed25519Signer],
    settings: Settings,
    donations: int,
    tell: Tell,
) -> dict[str, Any]:
    await consortium.ready()
    numbers = itertools.count()
    tally, low_tally = Tally(), Tally()
    tell(f"low load: {settings.low} transactions, one at a time")
    low = await _low(consortium, keys, low_tally, settings, numbers, donations)
    tell(f"full load: {settings.seconds:g} s after {settings.warm_up:g} s of warm-up")
    full = await _full(consortium, keys, tally, settings, numbers, donations)
    return {
        "low": {
            **asdict(low.window),
            "verify_ms": low_tally.verify_seconds / low_tally.verified * 1e3,
        },
        "full": _figures(full, tally),
        "transactions": tally.transactions + low_tally.transactions,
        "raw_bytes_per_transaction": tally.raw_bytes / tally.transactions,
        "sent_bytes_per_transaction": tally.sent_bytes / tally.transactions,
        "answer_bytes_per_transaction": tally.answer_bytes / tally.transactions,
    }


def _figures(full: Measured, tally: Tally) -> dict[str, Any]:
    count, before, after = full.window.count, full.before, full.after
    members = per_piece(after.servers - before.servers, count)
    clients = per_piece(after.clients - before.clients, count)
    return {
        **asdict(full.window),
        "cpu_us_per_transaction": {
            "all": members + clients,
            "members": members,
            "clients": clients,
            "stages_of_all_members": split(before, after, count),
        },
        "cores_used": (after.servers - before.servers + after.clients - before.clients)
        / full.window.seconds,
        "receipts_verified": tally.verified,
    }


async def _preload(
    consortium: Consortium, keys: dict[str, Ed25519Signer], donations: int
) -> dict[str, float]:
    """Put the item master and the large donations on the ledger; receipts are not asked for."""
    addresses = [consortium.addresses[n % len(MEMBERS)] for n in range(PRELOAD_FLOWS)]
    with _clients(consortium, keys, Tally(), addresses) as clients:
        await clients[0].submit(load.master(), receipts=False)
        calls = load.preload(donations)
        begun = time.perf_counter()

        async def work(client: Client) -> None:
            while batch := list(itertools.islice(calls, PRELOAD_REQUEST)):
                await client.submit(batch, receipts=False)

        async with asyncio.TaskGroup() as group:
            for client in clients:
                group.create_task(work(client))
        seconds = time.perf_counter() - begun
    return {"seconds": seconds, "entities_per_second": donations * 33 / seconds}


async def _low(
    consortium: Consortium,
    keys: dict[str, Ed25519Signer],
    tally: Tally,
    settings: Settings,
    numbers: Iterable[int],
    donations: int,
) -> Measured:
    """One transaction at a time, member after member, through whole chains."""
    calls = (
        load.call(chain, step, donations) for chain in numbers for step in range(len(load.STEPS))
    )
    with _clients(consortium, keys, tally, consortium.addresses, 1) as clients:

        async def one(client: Client) -> Sample:
            return await client.submit([next(calls)])

        return await alone([partial(one, c) for c in clients], settings.low, consortium.usage)


async def _full(
    consortium: Consortium,
    keys: dict[str, Ed25519Signer],
    tally: Tally,
    settings: Settings,
    numbers: Iterable[int],
    donations: int,
) -> Measured:
    """Many flows side by side; each flow holds the six kinds in equal parts once it is primed."""
    doors = consortium.addresses[: 1 if settings.through == "one" else None]
    addresses = [doors[n % len(doors)] for n in range(settings.flows)]
    fresh = iter(numbers)
    with _clients(consortium, keys, tally, addresses) as clients:
        turns = [_turn(client, load.Flow(fresh, settings.cohort, donations)) for client in clients]
        await asyncio.gather(*(_prime(turn) for turn in turns))
        return await steady(turns, settings.warm_up, settings.seconds, consortium.usage)


def _turn(client: Client, flow: load.Flow) -> Turn:
    async def turn() -> Sample:
        return await client.submit(flow.request())

    return turn


async def _prime(turn: Turn) -> None:
    for _ in range(len(load.STEPS) - 1):
        await turn()
