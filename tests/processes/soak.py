"""Real members under a plan of faults, and what is asked of them afterwards.

`python -m tests.processes.soak --seconds N [--seed S]` (`make soak SECONDS=N`) goes through plan
after plan, with 4, 5 and 7 members in turn, until the time is up; the plan of a failure is
printed, and `--seed` with `--members` runs it again. The ordinary run takes a short plan of each.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ledger.claims import Receipt
from ledger.verify import verify_bundle
from tests.processes.between import Between
from tests.processes.consortium import Consortium, codes, suyuan, until
from tests.processes.faults import Round, draw, heal, hurt
from tests.processes.load import Load

__all__ = ["SIZES", "Survived", "survive"]

SIZES: Final = (4, 5, 6, 7)
FRESH: Final = 6  # donations certified while somebody is hurt, and again before the next round
ROUNDS: Final = 12  # of a plan of the soak


@dataclass(frozen=True, slots=True)
class Survived:
    """What a plan met: donations certified, blocks, and how often a bad link touched traffic."""

    donations: int
    height: int
    touched: int


def survive(folder: Path, members: tuple[str, ...], plan: Iterable[Round]) -> Survived:
    """Found members, go through the plan under load, and judge.

    Raises: AssertionError when a client was told what is not so, chains differ, a folder has a
    fault, somebody stands accused, or nothing goes on with at most f members hurt.
    """
    with Consortium(folder, "faults.test", members=members) as consortium:
        folders = {one: member.folder for one, member in consortium.members.items()}
        with Between(folders) as between:
            consortium.start()
            consortium.ready()
            assert codes(consortium.submit(members[0], consortium.define())) == ["accepted"]
            with Load(consortium, members) as load:
                for one in plan:
                    load.seats = tuple(each for each in members if each not in one.victims)
                    hurt(consortium, between, one)
                    load.fresh(FRESH)
                    touched = between.met
                    heal(consortium, between, one)
                    until(lambda n=touched: between.met > n, "bad links meet traffic")  # type: ignore[misc]
                    load.fresh(FRESH)
                    between.heal()
                    load.seats = members
                    load.fresh(1)
            consortium.whole()
            height = judge(consortium, load)
            return Survived(len(load.certified), height, between.met)


def judge(consortium: Consortium, load: Load) -> int:
    """One chain, everything that a client was told, provable then and now, and sound folders."""
    members = consortium.founders
    height = consortium.agree()
    assert len({consortium.newest_header(one, height) for one in members}) == 1
    for turn, (identity, place) in enumerate(load.certified.items()):
        for one in members:
            told = consortium.get(one, f"/v1/transactions/{identity}").json()
            assert (told["height"], told["index"]) == place, (one, identity, told)
        asked = members[turn % len(members)]
        now = consortium.get(asked, f"/v1/transactions/{identity}?proof=true").content
        for receipt in (load.receipts[identity].encode(), now):
            about = Receipt(bytes.fromhex(identity))
            report = verify_bundle(receipt, consortium.genesis, about=about)
            assert report.clean, (identity, report.lines)
            assert report.met
    for one in members:
        health = consortium.health(one)
        assert health is not None
        assert health["blamed"] == [], (one, "accuses an honest member")
    assert consortium.stop(*members) == [0] * len(members)
    folders = [str(consortium.members[one].folder) for one in members]
    with ThreadPoolExecutor(2) as pool:
        for done in pool.map(lambda place: suyuan("node", "fsck", place), folders):
            assert done.returncode == 0, done.stdout + done.stderr
    return height


def main() -> None:
    """Soak for a time; the first failure ends it."""
    parser = argparse.ArgumentParser(prog="python -m tests.processes.soak")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1, help="the first plan's")
    parser.add_argument("--members", type=int, choices=SIZES, help="this size alone")
    given = parser.parse_args()
    sizes = itertools.cycle((given.members,) if given.members else SIZES)
    end = time.monotonic() + given.seconds
    for seed in itertools.count(given.seed):
        if time.monotonic() > end:
            break
        members = tuple(f"m{number + 1}" for number in range(next(sizes)))
        plan = draw(seed, members, ROUNDS)
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            try:
                met = survive(Path(folder), members, plan)
            except BaseException:
                print(f"FAILED: --seed {seed} --members {len(members)}", *plan, sep="\n  ")
                raise
        seconds = time.monotonic() - began
        print(f"seed {seed}, {len(members)} members, {ROUNDS} rounds, {seconds:.0f} s: {met}")


if __name__ == "__main__":
    main()
