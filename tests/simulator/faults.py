"""What may go wrong with machines and lines in a plan: values, and how a seed draws them."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.quorum import faulty
from tests.simulator.dice import Dice

CHAOS_MS = 8_000
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


@dataclass(frozen=True)
class Partition:
    """From start to end (ms), members pass messages only within their group; a group number per
    member. One-way: what group 0 says reaches group 1. Ring: only to the two beside them.
    """

    start: int
    end: int
    groups: tuple[int, ...]
    one_way: bool = False
    ring: bool = False


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
class Outside:
    """A member that chaos leaves outside for good: dead, cut off, or deaf (it speaks, and hears
    nothing). The others must do without it.
    """

    member: int
    kind: str


@dataclass(frozen=True)
class Crash:
    """A member loses power at a time (ms), with what was not synced, and comes back later.

    `wiped`: with an empty disk, and knowing it. `old`: with a copy of its disk made so many ms
    before, and not knowing it.
    """

    at: int
    member: int
    down: int
    wiped: bool = False
    old: int = 0


@dataclass(frozen=True)
class Pause:
    """At a time (ms), a member stops for some ms, as on SIGSTOP; what arrives waits for it."""

    at: int
    member: int
    length: int


@dataclass(frozen=True)
class Slow:
    """A member is slow from beginning to end: it executes a block, and syncs a record, within so
    many ms, and all it says is so many ms late.
    """

    member: int
    execute: int
    store: int
    late: int


@dataclass(frozen=True)
class Jump:
    """At a time (ms), a member's clock is set to another offset (ms)."""

    at: int
    member: int
    offset: int


def fall(dice: Dice, n: int) -> tuple[tuple[Loss, ...], tuple[Crash, ...]]:
    """The first primary falls, often just when its COMMITs were lost: values to carry over."""
    if dice.chance(500):
        return (), ()
    at = dice.between(600, CHAOS_MS // 2)
    crash = (Crash(at, 0, dice.between(500, 3_000)),)
    if dice.chance(300):
        return (), crash
    kinds = ("commit", dice.pick(("commit", "committed", "prepare")))
    spared = dice.pick((0, 0, 1 << dice.below(n)))  # one member may decide alone
    everybody = ((1 << n) - 1) & ~spared
    start = at - dice.between(100, 500)
    end = at + dice.between(0, 800)
    return tuple(Loss(start, end, kind, everybody, 1_000) for kind in kinds), crash


def partitions(dice: Dice, n: int) -> tuple[Partition, ...]:
    if dice.chance(400):
        return ()
    made = []
    for _ in range(dice.between(1, 3)):
        start = dice.below(CHAOS_MS)
        length = dice.between(200, 3_000)
        groups = tuple(dice.below(2) for _ in range(n))
        made.append(Partition(start, min(start + length, CHAOS_MS), groups))
    return tuple(made)


def swizzle(dice: Dice, n: int) -> tuple[Partition, ...]:
    """For a while a ring; or members cut off one after the other, and let in again in another
    order.
    """
    kind = dice.below(100)
    start, length = dice.below(CHAOS_MS - 1_000), dice.between(400, 3_000)
    end = min(start + length, CHAOS_MS)
    if kind < 8:
        return (Partition(start, end, (0,) * n, ring=True),)
    if kind >= 16:
        return ()
    out = [place for place in range(n) if dice.chance(600)]
    gaps = sorted(dice.between(start, end) for _ in range(2 * len(out)))
    cuts, cures = gaps[: len(out)], gaps[len(out) :]
    made = []
    for place in out:
        cured = cures.pop(dice.below(len(cures)))
        made.append(Partition(cuts.pop(0), cured, tuple(int(one == place) for one in range(n))))
    return tuple(made)


def slow_members(dice: Dice, n: int) -> tuple[Slow, ...]:
    if dice.chance(850):
        return ()
    places = {dice.below(n) for _ in range(dice.between(1, 2))}
    return tuple(
        Slow(place, dice.pick((3, 60, 250)), dice.pick((2, 60, 250)), dice.pick((0, 0, 100)))
        for place in sorted(places)
    )


def losses(dice: Dice, n: int) -> tuple[Loss, ...]:
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


def crashes(dice: Dice, n: int, losses: tuple[Loss, ...]) -> tuple[Crash, ...]:
    if dice.chance(350):
        return ()
    if dice.chance(150):  # the power fails everywhere at once
        at = dice.between(500, CHAOS_MS - 1_000)
        return tuple(
            Crash(at + dice.below(5), member, dice.between(50, 900)) for member in range(n)
        )
    made = [
        Crash(dice.below(CHAOS_MS), dice.below(n), dice.between(50, 3_000))
        for _ in range(dice.between(1, 6))
    ]
    # Just when messages have been lost, so that what they left half done is carried into another
    # view.
    made += [
        Crash(one.end - dice.below(60), dice.below(n), dice.between(500, 3_000))
        for one in losses
        if dice.chance(600)
    ]
    return tuple(made)


def pauses(dice: Dice, n: int) -> tuple[Pause, ...]:
    if dice.chance(650):
        return ()
    return tuple(
        Pause(dice.below(CHAOS_MS), dice.below(n), dice.between(100, 2_500))
        for _ in range(dice.between(1, 3))
    )


def jumps(dice: Dice, n: int) -> tuple[Jump, ...]:
    """Clocks that are set, within what the members bear with (drift)."""
    if dice.chance(800):
        return ()
    return tuple(
        Jump(dice.below(CHAOS_MS), dice.below(n), dice.between(-600, 600))
        for _ in range(dice.between(1, 3))
    )


def outsiders(dice: Dice, n: int) -> tuple[Outside, ...]:
    """One or more, f at most."""
    places = dice.shuffled(range(n))[: dice.between(1, faulty(n))]
    return tuple(Outside(place, dice.pick(("dead", "cut", "deaf"))) for place in sorted(places))
