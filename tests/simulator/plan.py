"""A Plan: everything that will happen to a simulated consortium, as a value. A seed only generates
one.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from ledger.quorum import faulty
from tests.simulator.dice import Dice

CHAOS_MS = 12_000
LOST_KINDS = (
    "pre-prepare",
    "pre-prepare",
    "prepare",
    "prepare",
    "commit",
    "commit",
    "commit",
    "committed",
    "view-change",
    "new-view",
    "transactions",
    "cosigned",
)
STRATEGIES = ("equivocate", "silent", "selective", "mutate", "censor", "replay", "flood", "stale")


@dataclass(frozen=True)
class Partition:
    """From start to end (ms), members pass messages only within their group; a group number per
    member.
    """

    start: int
    end: int
    groups: tuple[int, ...]


@dataclass(frozen=True)
class Loss:
    """From start to end (ms), messages of a kind to some members (a bit each) are lost, so often
    in a thousand.
    """

    start: int
    end: int
    kind: str
    targets: int
    permille: int


@dataclass(frozen=True)
class Crash:
    """A member loses power at a time (ms), with what was not synced, and comes back later."""

    at: int
    member: int
    down: int


@dataclass(frozen=True)
class Request:
    """At a time (ms), a client submits some transactions to a member."""

    at: int
    member: int
    count: int


@dataclass(frozen=True)
class Plan:
    """One schedule. Probabilities in permille, times in ms of simulated time."""

    seed: int
    n: int
    drop: int
    duplicate: int
    delay_most: int
    store_most: int
    window: int
    pipeline: int
    every: int
    partitions: tuple[Partition, ...]
    losses: tuple[Loss, ...]
    crashes: tuple[Crash, ...]
    requests: tuple[Request, ...]
    byzantine: tuple[tuple[int, str], ...]  # member, strategy
    offsets: tuple[int, ...]  # ms by which each member's clock is wrong
    chaos: int = CHAOS_MS

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """The plan of such a line."""
        value = json.loads(text)
        return cls(
            **{
                **value,
                "partitions": tuple(
                    Partition(one["start"], one["end"], tuple(one["groups"]))
                    for one in value["partitions"]
                ),
                "losses": tuple(Loss(**one) for one in value["losses"]),
                "crashes": tuple(Crash(**one) for one in value["crashes"]),
                "requests": tuple(Request(**one) for one in value["requests"]),
                "byzantine": tuple((member, kind) for member, kind in value["byzantine"]),
                "offsets": tuple(value["offsets"]),
            }
        )


def generate(seed: int) -> Plan:
    """The plan of a seed. Swarm: each kind of fault is fully off in some runs."""
    dice = Dice(seed, "plan")
    n = dice.pick((4, 4, 4, 5, 6, 7, 7))
    losses = _losses(dice, n)
    delay_most = dice.pick((5, 30, 120))
    return Plan(
        seed=seed,
        n=n,
        drop=dice.pick((0, 0, 20, 100)),
        duplicate=dice.pick((0, 50)),
        delay_most=delay_most,
        store_most=dice.pick((2, 20, 60)),
        window=dice.pick((4, 8, 32)),
        pipeline=dice.pick((1, 2, 4)),
        every=dice.pick((1, 1, 3)),
        partitions=_partitions(dice, n),
        losses=losses,
        crashes=_crashes(dice, n, losses),
        requests=_requests(dice, n),
        byzantine=_byzantine(dice, n),
        offsets=tuple(dice.between(-300, 300) for _ in range(n)),
    )


def _partitions(dice: Dice, n: int) -> tuple[Partition, ...]:
    if dice.chance(400):
        return ()
    made = []
    for _ in range(dice.between(1, 3)):
        start = dice.below(CHAOS_MS)
        length = dice.between(200, 4_000)
        groups = tuple(dice.below(2) for _ in range(n))
        made.append(Partition(start, min(start + length, CHAOS_MS), groups))
    return tuple(made)


def _losses(dice: Dice, n: int) -> tuple[Loss, ...]:
    """What leaves values prepared here, decided there: a phase that reaches only some."""
    if dice.chance(300):
        return ()
    made = []
    for _ in range(dice.between(1, 6)):
        start = dice.below(CHAOS_MS)
        end = min(start + dice.between(100, 3_000), CHAOS_MS)
        kind = dice.pick(LOST_KINDS)
        made.append(Loss(start, end, kind, dice.below(1 << n), dice.pick((300, 700, 950, 1_000))))
    return tuple(made)


def _crashes(dice: Dice, n: int, losses: tuple[Loss, ...]) -> tuple[Crash, ...]:
    if dice.chance(350):
        return ()
    if dice.chance(150):  # the power fails everywhere at once
        at = dice.between(500, CHAOS_MS - 1_000)
        return tuple(
            Crash(at + dice.below(5), member, dice.between(50, 900)) for member in range(n)
        )
    made = [
        Crash(dice.below(CHAOS_MS), dice.below(n), dice.between(50, 4_000))
        for _ in range(dice.between(1, 6))
    ]
    # Just when messages have been lost, so that what they left half done is carried into another
    # view.
    made += [
        Crash(one.end - dice.below(60), dice.below(n), dice.between(500, 4_000))
        for one in losses
        if dice.chance(600)
    ]
    return tuple(made)


def _requests(dice: Dice, n: int) -> tuple[Request, ...]:
    """Thirty or more, some in bursts, so that several sequences are in flight."""
    made: list[Request] = []
    while len(made) < 30:
        at = dice.below(CHAOS_MS)
        burst = dice.pick((1, 1, 4, 8))
        made += [
            Request(at + dice.below(40), dice.below(n), dice.between(1, 3)) for _ in range(burst)
        ]
    return tuple(made)


def _byzantine(dice: Dice, n: int) -> tuple[tuple[int, str], ...]:
    if dice.chance(450):
        return ()
    members = dice.shuffled(range(n))[: faulty(n)]
    return tuple((member, dice.pick(STRATEGIES)) for member in sorted(members))
