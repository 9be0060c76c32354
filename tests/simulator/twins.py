"""Twins: every small schedule in which liars are two honest machines with one name and one key.

A scenario is a number. Its digits say which members have a twin and, for each round, how the
instances are split into two groups, and which messages are lost between them: all, all from
PREPARE on, or only what decides (COMMIT). In each round both groups get requests of their own, and
time enough for a view change; so a leader and its twin propose different things in one view, and
vote for both. After the last round all links work: what was asked must be executed, everywhere,
in one order. The checkers of the simulator watch every event.

After: Bano et al., "Twins: BFT Systems Made Robust" (OPODIS'21).

python -m tests.simulator.twins [--n 4|7] [--rounds R] [--from INDEX] [--count N] [--stride S]
"""

from __future__ import annotations

import argparse
import gc
import itertools
import time
from dataclasses import dataclass

from consensus import Evidence, Send, Settings
from consensus import messages as wire
from ledger.checkpoint import Certificate
from ledger.quorum import faulty
from tests.simulator.chain import REPLICA, Block, certified_after
from tests.simulator.checkers import Violation
from tests.simulator.member import SimMember
from tests.simulator.stage import Stage

ROUND_TICKS = 9  # a timeout, a view change and a round of votes
HEAL_TICKS = 400
SETTINGS = Settings(
    window=8,
    pipeline=4,
    batch_count=1,
    batch_fill=1,
    timeout_ticks=6,
    timeout_cap_ticks=24,
    resend_ticks=3,
    status_ticks=3,
    fetch_ticks=1,
    lag_ticks=3,
)
# What is lost between the groups of a round: everything, or the messages of these kinds.
DECIDING = (wire.Commit, wire.Committed, wire.Batches)
LOST: tuple[tuple[type, ...], ...] = ((), (wire.Prepare, *DECIDING), DECIDING)


@dataclass(frozen=True)
class Round:
    """How the instances are split: a bit each; `lost` is a place in LOST."""

    groups: int
    lost: int


@dataclass(frozen=True)
class Scenario:
    """Who has a twin, and the rounds."""

    n: int
    twins: tuple[int, ...]
    rounds: tuple[Round, ...]

    def __str__(self) -> str:
        kinds = ("all", "from PREPARE on", "what decides")
        rounds = "; ".join(
            f"{one.groups:0{self.n + len(self.twins)}b} loses {kinds[one.lost]}"
            for one in self.rounds
        )
        return f"n={self.n}, twins of {self.twins}: {rounds}"


def pairs(n: int) -> list[tuple[int, ...]]:
    """All choices of exactly f members."""
    return list(itertools.combinations(range(n), faulty(n)))


def count(n: int, rounds: int) -> int:
    """How many scenarios there are."""
    splits = 1 << (n + faulty(n) - 1)  # the first instance is always in group 0
    return int(len(pairs(n)) * (splits * len(LOST)) ** rounds)


def scenario(n: int, rounds: int, index: int) -> Scenario:
    """The scenario of a number below `count`."""
    rest, who = divmod(index, len(pairs(n)))
    made = []
    for _ in range(rounds):
        rest, lost = divmod(rest, len(LOST))
        rest, groups = divmod(rest, 1 << (n + faulty(n) - 1))
        made.append(Round(groups << 1, lost))
    return Scenario(n, pairs(n)[who], tuple(made))


class Town(Stage):
    """The stage of a scenario: instances n, n+1, ... are the twins."""

    def __init__(self, plan: Scenario) -> None:
        self._round: Round | None = None
        super().__init__(plan.n, SETTINGS)
        for place in plan.twins:
            self.members[place].strategy = "twin"
            self.members.append(SimMember(self, place, "twin", 0))
            self.members[-1].start()
        self.settle()
        self.honest = [one for one in self.members if one.honest]
        self._asked: set[int] = set()
        self._plan = plan

    def _is_lost(self, sender: SimMember, target: SimMember, kind: type | None) -> bool:
        if self._round is None or self._group(sender) == self._group(target):
            return False
        kinds = LOST[self._round.lost]
        return not kinds or kind in kinds

    def _group(self, member: SimMember) -> int:
        assert self._round is not None, "asked in a round only"
        return self._round.groups >> self.members.index(member) & 1

    def transmit(self, member: SimMember, machine: str, send: Send) -> None:
        message = wire.decode(send.data) if machine == REPLICA else None
        kind = None if message is None else type(message)
        for target in self.members:
            if target.id in send.to and not self._is_lost(member, target, kind):
                if isinstance(message, wire.ViewChange):
                    self.checkers.on_view_change_heard(target.who, message.member, message.view)
                self._queue.append(
                    lambda target=target: target.deliver(  # type: ignore[misc]
                        machine, member.id, send.data
                    )
                )

    def blocks_for(self, member: SimMember, height: int) -> tuple[list[Block], Certificate | None]:
        for other in self.honest:
            if other is not member and not self._is_lost(other, member, wire.Batches):
                blocks, certificate = certified_after(other.disk, height, other.proven)
                if certificate is not None:
                    return blocks, certificate
        return [], None

    def on_evidence(self, member: SimMember, finding: Evidence) -> None:
        super().on_evidence(member, finding)
        if finding.member not in {f"m{place}" for place in self._plan.twins}:
            raise Violation(f"C5: evidence against the honest {finding.member}")
        self.checkers.mark(f"evidence/{finding.first.kind}")

    def play(self) -> None:
        """All rounds, then healing. Raises: Violation."""
        for number, one in enumerate(self._plan.rounds):
            self._round = one
            for group in (0, 1):
                asked = 10 * number + group
                for member in self.members:
                    if self._group(member) == group:
                        member.submit((self.transaction(asked),))
                        self._asked.add(asked)
            self.settle()
            self.ticks(ROUND_TICKS)
        self._round = None
        for tick in range(HEAL_TICKS):
            if tick % 50 == 25:  # a client that hears nothing asks everybody again
                for member in self.members:
                    member.submit(tuple(self.transaction(one) for one in sorted(self._asked)))
            self.ticks(1)
            if self._is_done():
                return
        raise Violation(f"C12: not converged, at {self.heights()}")

    def _is_done(self) -> bool:
        heights = {member.height for member in self.honest}
        return len(heights) == 1 and all(
            set(self.executed_numbers(member.id)) == self._asked for member in self.honest
        )


def play(plan: Scenario) -> dict[str, int]:
    """Run a scenario; the marks that it met. Raises: Violation."""
    town = Town(plan)
    town.play()
    return town.checkers.marks


def main() -> int:
    """Return 0 when every scenario held."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulator.twins", description=__doc__)
    parser.add_argument("--n", type=int, default=4, choices=(4, 7))
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--from", dest="first", type=int, default=0, help="first number")
    parser.add_argument("--count", type=int, help="how many; default: all")
    parser.add_argument("--stride", type=int, default=1, help="from one number to the next")
    arguments = parser.parse_args()
    n, rounds = arguments.n, arguments.rounds
    numbers = range(arguments.first, count(n, rounds), arguments.stride)[: arguments.count]
    began, failed, marks = time.monotonic(), 0, dict[str, int]()
    gc.disable()
    for place, index in enumerate(numbers):
        plan = scenario(n, rounds, index)
        try:
            for name in play(plan):
                marks[name] = marks.get(name, 0) + 1
        except Exception as error:  # noqa: BLE001 - whatever a scenario raises is its failure
            failed += 1
            print(f"FAILED {index}: {plan}: {type(error).__name__}: {error}", flush=True)
        if place % 32 == 0:
            gc.collect()
    spent = max(time.monotonic() - began, 0.001)
    print(f"{len(numbers)} of {count(n, rounds)} scenarios, {len(numbers) / spent:.0f}/s")
    for name in sorted(marks):
        print(f"  {marks[name]:>7} {name}")
    print(f"failed: {failed or 'none'}")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
