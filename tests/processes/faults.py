"""A plan of faults for real processes: drawn from a seed, a value that prints, the same every time.

In each round at most f members are hurt, all in one of several ways, while the network between two
more pairs is bad. What members and clients do meanwhile is not decided by the seed: the operating
system has its own order of things. The plan is what can be repeated.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ledger.quorum import faulty
from tests.processes.between import Between
from tests.processes.consortium import Consortium

__all__ = ["Round", "draw", "heal", "hurt"]

HURTS: Final = ("kill", "freeze", "isolate", "clock")
LINKS: Final = ("delay", "swallow", "repeat", "closed")
CLOCKS_MS: Final = (-3_600_000, -20_000, 20_000, 3_600_000)


@dataclass(frozen=True, slots=True)
class Round:
    """Who is hurt and how; which pairs have which fault; how wrong a clock is, in ms."""

    hurt: str
    victims: tuple[str, ...]
    links: tuple[tuple[tuple[str, str], str], ...]
    clock_ms: int


def draw(seed: int, members: Sequence[str], rounds: int) -> list[Round]:
    """Return a plan. Each way to be hurt comes before any comes again."""
    chance = random.Random(f"{seed}/{len(members)}")
    plan: list[Round] = []
    order: list[str] = []
    for _ in range(rounds):
        order = order or chance.sample(HURTS, len(HURTS))
        victims = tuple(chance.sample(members, chance.randint(1, faulty(len(members)))))
        # Bad links all end at one victim or begin there: the others make a whole of n - f.
        pairs = [(one, victims[0]) for one in members if one not in victims]
        pairs += [(to, of) for of, to in pairs]
        links = tuple((pair, chance.choice(LINKS)) for pair in chance.sample(pairs, 2))
        plan.append(Round(order.pop(), victims, links, chance.choice(CLOCKS_MS)))
    return plan


def hurt(consortium: Consortium, between: Between, one: Round) -> None:
    """Begin a round."""
    for pair, fault in one.links:
        between.fault(pair, fault)
    if one.hurt == "kill":
        consortium.kill(*one.victims)
    elif one.hurt == "freeze":
        consortium.pause(*one.victims)
    elif one.hurt == "clock":
        consortium.kill(*one.victims)
        _set_clocks(consortium, one.victims, one.clock_ms)
        consortium.start(*one.victims)
    else:
        for pair in between.ways:
            if set(pair) & set(one.victims):
                between.fault(pair, "closed")


def heal(consortium: Consortium, between: Between, one: Round) -> None:
    """Bring the victims back, clocks right; the bad links stay until `between.heal`."""
    between.heal()
    for pair, fault in one.links:
        between.fault(pair, fault)
    if one.hurt == "clock":
        consortium.kill(*one.victims)
        _set_clocks(consortium, one.victims, 0)
    if one.hurt == "freeze":
        consortium.resume(*one.victims)
    consortium.start()


def _set_clocks(consortium: Consortium, members: Sequence[str], offset_ms: int) -> None:
    for one in members:
        file = consortium.members[one].folder / "member.json"
        told = json.loads(file.read_text())
        file.write_text(json.dumps(told | {"clock_offset_ms": offset_ms}))
