"""Three etcd members under a comparable stream of puts, where etcd is installed.

What is compared: replicated, synced writes of values as large as our transactions, in the same
window on the same machine, over the same lean connections, through etcd's own JSON gateway
(`/v3/kv/put`), once one put a request and once `etcd_batch` puts in one etcd transaction
(`/v3/kv/txn`). What is not: these puts are unsigned, follow no rules, tolerate crashes and no lies,
and come back with no proof. etcd runs with its defaults, on the loopback.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import shutil
import subprocess
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from benchmarks.figures import Sample, Usage, per_piece
from benchmarks.machine import Fleet, disk_bytes
from benchmarks.settings import Settings
from benchmarks.steady import Measured, Turn, alone, steady
from benchmarks.wire import Wire
from node.ports import free_ports

__all__ = ["installed", "measure"]

MEMBERS: Final = ("e1", "e2", "e3")
READY_SECONDS: Final = 30.0
VALUES: Final = 256  # distinct random values, used in turn


def installed() -> str | None:
    """The version of the etcd that is installed, or None."""
    path = shutil.which("etcd")
    if path is None:
        return None
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    return said.splitlines()[0].removeprefix("etcd Version:").strip() if said else None


def measure(
    folder: Path, settings: Settings, value_size: int, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Start three members in `folder`, load them, and return the figures.

    Raises: RuntimeError when anything goes wrong.
    """
    import uvloop

    ports = free_ports(2 * len(MEMBERS))
    clients, peers = ports[: len(MEMBERS)], ports[len(MEMBERS) :]
    with Fleet(_commands(folder, clients, peers), folder / "logs") as fleet:
        cluster = _Cluster(fleet, folder, [f"127.0.0.1:{port}" for port in clients])
        return uvloop.run(_run(cluster, settings, value_size, tell))


def _commands(folder: Path, clients: list[int], peers: list[int]) -> dict[str, list[str]]:
    cluster = ",".join(
        f"{name}=http://127.0.0.1:{port}" for name, port in zip(MEMBERS, peers, strict=True)
    )
    return {
        name: [
            "etcd",
            f"--name={name}",
            f"--data-dir={folder / name}",
            f"--listen-client-urls=http://127.0.0.1:{client}",
            f"--advertise-client-urls=http://127.0.0.1:{client}",
            f"--listen-peer-urls=http://127.0.0.1:{peer}",
            f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
            f"--initial-cluster={cluster}",
            "--log-level=error",
        ]
        for name, client, peer in zip(MEMBERS, clients, peers, strict=True)
    }


class _Cluster:
    """The three members and what they use."""

    def __init__(self, fleet: Fleet, folder: Path, addresses: list[str]) -> None:
        self._fleet = fleet
        self._folder = folder
        self.addresses = addresses

    async def ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        for address in self.addresses:
            while not await _is_healthy(address):
                self._fleet.check()
                if time.monotonic() > deadline:
                    raise RuntimeError(f"etcd at {address} is not ready")
                await asyncio.sleep(0.1)

    async def usage(self) -> Usage:
        return Usage(time.perf_counter(), self._fleet.processor_seconds(), time.process_time())

    def disk(self) -> float:
        return sum(disk_bytes(self._folder / name) for name in MEMBERS) / len(MEMBERS)


async def _is_healthy(address: str) -> bool:
    wire = Wire(address)
    try:
        status, body = await wire.ask("GET", "/health")
    except OSError:
        return False
    finally:
        wire.close()
    return status == 200 and json.loads(body).get("health") == "true"


class _Puts:
    """The puts: fresh 32-byte keys, values of one size from a small store of random ones."""

    def __init__(self, value_size: int) -> None:
        self._values = [b64encode(os.urandom(value_size)).decode() for _ in range(VALUES)]
        self._numbers = itertools.count()
        self.count = 0

    def _pairs(self, count: int) -> Iterator[dict[str, str]]:
        for number in itertools.islice(self._numbers, count):
            key = b64encode(sha256(number.to_bytes(8, "big")).digest()).decode()
            yield {"key": key, "value": self._values[number % VALUES]}

    async def put(self, wire: Wire) -> Sample:
        """One put in one request."""
        begun = time.perf_counter()
        (pair,) = self._pairs(1)
        return await self._send(wire, "/v3/kv/put", pair, begun, 1)

    async def transaction(self, wire: Wire, count: int) -> Sample:
        """`count` puts in one etcd transaction."""
        begun = time.perf_counter()
        puts = {"success": [{"request_put": pair} for pair in self._pairs(count)]}
        return await self._send(wire, "/v3/kv/txn", puts, begun, count)

    async def _send(self, wire: Wire, path: str, value: Any, begun: float, count: int) -> Sample:
        status, body = await wire.ask("POST", path, json.dumps(value).encode())
        if status != 200:
            raise RuntimeError(f"etcd answered {status}: {body[:300]!r}")
        ended = time.perf_counter()
        self.count += count
        return Sample(ended, ended - begun, count)


@contextmanager
def _wires(cluster: _Cluster, count: int) -> Iterator[list[Wire]]:
    """Connections spread over all members."""
    addresses = cluster.addresses
    found = [Wire(addresses[n % len(addresses)]) for n in range(count)]
    try:
        yield found
    finally:
        for wire in found:
            wire.close()


async def _run(
    cluster: _Cluster, settings: Settings, value_size: int, tell: Callable[[str], None]
) -> dict[str, Any]:
    tell("starting three etcd members")
    await cluster.ready()
    puts = _Puts(value_size)
    batches = -(-settings.entities // settings.etcd_batch)
    tell(f"etcd: loading {batches * settings.etcd_batch:,} keys")
    with _wires(cluster, len(MEMBERS)) as few:
        for number in range(batches):
            await puts.transaction(few[number % len(few)], settings.etcd_batch)
        tell(f"etcd: low load, {settings.low} puts, one at a time")
        low = await alone([_put(puts, each) for each in few], settings.low, cluster.usage)
    disk, counted = cluster.disk(), puts.count
    with _wires(cluster, settings.etcd_connections) as many:
        tell(f"etcd: {settings.seconds:g} s, one put a request")
        turns = [_put(puts, each) for each in many]
        single = await steady(turns, settings.warm_up, settings.seconds, cluster.usage)
        tell(f"etcd: {settings.seconds:g} s, {settings.etcd_batch} puts a request")
        turns = [_transaction(puts, each, settings.etcd_batch) for each in many[: settings.flows]]
        batched = await steady(turns, settings.warm_up, settings.seconds, cluster.usage)
    return {
        "members": len(MEMBERS),
        "version": installed(),
        "entities": batches * settings.etcd_batch,
        "value_bytes": value_size,
        "low": asdict(low.window),
        "full": _figures(single),
        "batched": _figures(batched),
        "disk_bytes_per_put": (cluster.disk() - disk) / (puts.count - counted),
    }


def _put(puts: _Puts, wire: Wire) -> Turn:
    return lambda: puts.put(wire)


def _transaction(puts: _Puts, wire: Wire, count: int) -> Turn:
    return lambda: puts.transaction(wire, count)


def _figures(measured: Measured) -> dict[str, Any]:
    count, before, after = measured.window.count, measured.before, measured.after
    members = per_piece(after.servers - before.servers, count)
    clients = per_piece(after.clients - before.clients, count)
    return {
        **asdict(measured.window),
        "cpu_us_per_transaction": {
            "all": members + clients, "members": members, "clients": clients,
        },
        "cores_used": (after.servers - before.servers + after.clients - before.clients)
        / measured.window.seconds,
    }  # fmt: skip
