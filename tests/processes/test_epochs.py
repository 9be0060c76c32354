"""Members come, go and renew their keys while donations are made and members die.

Real processes, with one contract more that decides who the members are. Nothing certified is lost,
the chains are one, receipts of every epoch lead back to genesis, no retired key is left on a disk.
"""

from __future__ import annotations

import base64
import json
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from ledger.block import HEADER
from ledger.bundle_file import decode_bundle
from ledger.claims import Receipt
from ledger.genesis import read_member
from ledger.membership import Member, MemberSet
from ledger.verify import verify_bundle
from node.ports import free_ports
from tests.processes.consortium import (
    MEMBERS,
    ROOT,
    Consortium,
    Running,
    codes,
    suyuan,
    until,
)
from tests.processes.load import Load

pytestmark = pytest.mark.processes

RUNNER = ("tests.processes.governed", "run")
SEED = 20200309
FRESH = 12  # donations that must be certified before a story goes on


@pytest.fixture
def governed(tmp_path: Path) -> Iterator[Consortium]:
    """Four members under load-to-come, one item defined."""
    with Consortium(tmp_path / "consortium", "epochs.test", RUNNER) as consortium:
        consortium.start()
        consortium.ready()
        assert codes(consortium.submit("m1", consortium.define())) == ["accepted"]
        yield consortium


def entry(told: subprocess.CompletedProcess[str]) -> Member:
    assert told.returncode == 0, told.stderr
    return read_member(json.loads(told.stdout))


def renewed(consortium: Consortium, *ids: str) -> list[Member]:
    """The entries of members that stay, with cosigner keys made by their operators."""
    folders = [str(consortium.members[one].folder) for one in ids]
    with ThreadPoolExecutor(2) as pool:
        return [entry(told) for told in pool.map(lambda f: suyuan("node", "next-keys", f), folders)]


def joining(consortium: Consortium, one: str, ports: list[int]) -> Member:
    """A member to come: its folder, its address at the others, its process; it follows."""
    told = prepared(consortium, one, ports)
    consortium.start(one)
    until(lambda: follows(consortium, one), f"{one} follows; {consortium.tail(one)}")
    return told


def prepared(consortium: Consortium, one: str, ports: list[int]) -> Member:
    """A member to come that does not run yet: its folder, its address at the others."""
    folder = consortium.genesis_path.parent / "members" / one
    listen, api = (f"127.0.0.1:{port}" for port in ports)
    peers: list[str] = []
    for member in consortium.members.values():
        config = json.loads((member.folder / "member.json").read_text())
        peers += ["--peer", f"{member.id}={config['listen']}"]
    told = entry(
        suyuan(
            *("node", "join", str(folder), "--id", one, "--listen", listen, "--api", api),
            *("--genesis", str(consortium.genesis_path), *peers),
        )
    )
    certificate = base64.b64encode(told.tls_certificate).decode()
    for member in consortium.members.values():
        introduce(member, one, {"address": listen, "tls_certificate": certificate})
    consortium.members[one] = Running(one, folder, f"http://{api}")
    return told


def introduce(member: Running, one: str, peer: object) -> None:
    """What an operator does: an address more in member.json, and a signal to read it."""
    file = member.folder / "member.json"
    config = json.loads(file.read_text())
    config["peers"][one] = peer
    file.write_text(json.dumps(config))
    assert member.process is not None
    member.process.send_signal(signal.SIGHUP)


def follows(consortium: Consortium, one: str) -> bool:
    """Whether a member without a seat has executed as much as the first member had certified."""
    first, health = consortium.health("m1"), consortium.health(one)
    if first is None or health is None or health["status"] != "following":
        return False
    height: int = health["height"]
    return height + 10 >= int(first["certified"])


def seated(consortium: Consortium, number: int, *ids: str) -> None:
    """Wait until members sit in an epoch and have a certificate of it."""

    def there(one: str) -> bool:
        health = consortium.health(one)
        if health is None or health["status"] not in ("ok", "catching-up"):
            return False
        told = consortium.get(one, f"/v1/blocks/{health['certified']}")
        if told.status_code != 200:
            return False  # it lags so far behind what is certified that it proves nothing yet
        header = HEADER.decode(base64.b64decode(told.json()["header_bytes"]))
        return (health["epoch"], header.epoch) == (number, number)

    for one in ids:
        until(lambda one=one: there(one), f"{one} in epoch {number}; {consortium.tail(one)}")  # type: ignore[misc]


def change(consortium: Consortium, at: str, members: list[Member]) -> bytes:
    """Put a set in force; the transaction's id, as soon as a member took it."""
    transaction = consortium.transaction(
        "union.clerk", "governance", "change", {"members": MemberSet(tuple(members)).encode()}
    )
    consortium.submit(at, transaction, query="?wait=none")
    return transaction.id


def certified(consortium: Consortium, at: str, identity: bytes) -> None:
    """Wait until a member answers for a transaction: its block is certified there."""
    path = f"/v1/transactions/{identity.hex()}"

    def there() -> bool:
        try:
            return consortium.get(at, path).status_code == 200
        except httpx.ConnectError:
            return False  # it is being started

    until(there, f"{path} at {at}")


def cosigners(member: Running) -> list[str]:
    return sorted(file.name for file in (member.folder / "cosigners").iterdir())


def fsck(member: Running) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.processes.governed", "fsck", str(member.folder)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout, done.stderr
    findings: list[str] = json.loads(done.stdout)
    return findings


def test_members_come_go_and_renew_their_keys_under_load_and_kills(governed: Consortium) -> None:
    chance = random.Random(SEED)
    fifth = joining(governed, "m5", free_ports(2))
    with Load(governed, MEMBERS) as load:
        load.fresh(FRESH)
        # A fifth member; one of the four is killed as the change is on its way.
        five = [*renewed(governed, *MEMBERS), fifth]
        done = change(governed, "m1", five)
        governed.kill("m3")
        governed.start("m3")
        certified(governed, "m1", done)
        load.seats = (*MEMBERS, "m5")
        seated(governed, 1, *load.seats)
        load.fresh(FRESH)

        # The second is replaced; one is killed as soon as the boundary is certified at another.
        sixth = joining(governed, "m6", free_ports(2))
        stay = ("m1", "m3", "m4", "m5")
        left = [*renewed(governed, *stay), sixth]
        load.seats = stay
        done = change(governed, "m4", left)
        certified(governed, "m4", done)
        governed.kill("m1")
        governed.start("m1")
        load.seats = (*stay, "m6")
        seated(governed, 2, *load.seats)
        load.fresh(FRESH)

        # All renew their keys, three times; one dies as the first of the others has gone on.
        for number in (3, 4, 5):
            done = change(governed, "m5", renewed(governed, *load.seats))
            seen, victim = chance.sample(load.seats, 2)
            until(lambda n=number, one=seen: gone_on(governed, one, n), f"epoch {number} at {seen}")  # type: ignore[misc]
            governed.kill(victim)
            governed.start(victim)
            seated(governed, number, *load.seats)
            load.fresh(FRESH)
    judge(governed, load, former=("m2",))


def test_all_members_killed_at_the_boundary_go_on_in_the_next_epoch(governed: Consortium) -> None:
    with Load(governed, MEMBERS) as load:
        load.fresh(FRESH)
        for number in (1, 2):
            done = change(governed, "m2", renewed(governed, *MEMBERS))
            if number == 1:
                certified(governed, "m2", done)
            else:
                until(lambda: gone_on(governed, "m3", 2), "epoch 2 at m3")
            governed.kill(*MEMBERS)
            governed.start()
            if number == 1:
                certified(governed, "m2", done)  # before the kill it was: it is still there
            seated(governed, number, *MEMBERS)
            load.fresh(FRESH)
    judge(governed, load)


def gone_on(consortium: Consortium, one: str, number: int) -> bool:
    health = consortium.health(one)
    return health is not None and health["epoch"] == number


def judge(consortium: Consortium, load: Load, former: tuple[str, ...] = ()) -> None:
    """One chain, all that was certified in it, provable; folders without a fault."""
    seats = load.seats
    height = consortium.agree(*seats)
    for one in former:  # who has left follows
        until(lambda one=one: (consortium.health(one) or {}).get("height") == height, one)  # type: ignore[misc]
    everybody = (*seats, *former)
    assert len({consortium.newest_header(one, height) for one in everybody}) == 1
    epochs = set()
    for turn, (identity, place) in enumerate(load.certified.items()):
        path = f"/v1/transactions/{identity}"
        told = consortium.get(everybody[turn % len(everybody)], path).json()
        assert (told["height"], told["index"]) == place, identity
        then = load.receipts[identity].encode()
        now = consortium.get(seats[turn % len(seats)], path + "?proof=true").content
        for receipt in (then, now):
            report = verify_bundle(
                receipt, consortium.genesis, about=Receipt(bytes.fromhex(identity))
            )
            assert report.clean, (identity, report.lines)
            assert report.met
        epochs.add(HEADER.decode(decode_bundle(now).header).epoch)
    health = consortium.health(seats[0])
    assert health is not None
    assert epochs == set(range(health["epoch"] + 1)), "donations were certified in every epoch"
    assert [len(cosigners(consortium.members[one])) for one in seats] == [1] * len(seats)
    assert [cosigners(consortium.members[one]) for one in former] == [[]] * len(former)
    assert consortium.stop(*everybody) == [0] * len(everybody)
    for one in everybody:
        assert fsck(consortium.members[one]) == [], one
