"""A Plan: everything that will happen to a simulated consortium, as a value. A seed only generates
one.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

from ledger.quorum import faulty
from tests.simulator import faults
from tests.simulator.dice import Dice
from tests.simulator.faults import (
    CHAOS_MS,
    Crash,
    Jump,
    Loss,
    Outside,
    Partition,
    Pause,
    Slow,
)

EPOCH_MS = 1_800_000_000_000  # the wall clock when a run begins
TICK_MS = 40  # coarser than a node's: all patience is in ticks, and a schedule costs less
# How often which number of members: cost grows with its square.
SIZES = (4,) * 20 + (5,) * 6 + (6,) * 5 + (7,) * 7 + (10, 13)
STRATEGIES = (
    "censor",
    "double",
    "equivocate",
    "flood",
    "forge",
    "hush",
    "mutate",
    "replay",
    "restless",
    "selective",
    "silent",
    "slow",
    "stale",
    "untimely",
)
GRAFT = "graft"  # half of the stale: NEW-VIEWs on spoiled words of others
LINGER = "linger"  # who left, or has new keys, goes on with the old ones: where sets change


@dataclass(frozen=True)
class Request:
    """At a time (ms), a client submits some transactions to a member."""

    at: int
    member: int
    count: int


@dataclass(frozen=True)
class Change:
    """From a time on (ms), and once the one before is decided, a client submits a change of the
    member set: places that leave and that join, by how many places the order turns.

    Without any of these only the cosigner keys are new. `bad`: the set keeps the old cosigner keys,
    or removes too many at once, and must be refused.
    """

    at: int
    removed: tuple[int, ...] = ()
    added: tuple[int, ...] = ()
    turn: int = 0
    bad: bool = False


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
    load: bool = False  # requests go on after chaos, until all of before are executed
    changes: tuple[Change, ...] = ()  # of the member set; who is added has a place from n on
    pauses: tuple[Pause, ...] = ()
    jumps: tuple[Jump, ...] = ()
    slow: tuple[Slow, ...] = ()
    outside: tuple[Outside, ...] = ()  # who is not of the core that is healed

    @property
    def people(self) -> int:
        """How many are a member at some time."""
        return max([self.n, *[place + 1 for one in self.changes for place in one.added]])

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
                    Partition(**{**one, "groups": tuple(one["groups"])})
                    for one in value["partitions"]
                ),
                "losses": tuple(Loss(**one) for one in value["losses"]),
                "crashes": tuple(Crash(**one) for one in value["crashes"]),
                "requests": tuple(Request(**one) for one in value["requests"]),
                "byzantine": tuple((member, kind) for member, kind in value["byzantine"]),
                "offsets": tuple(value["offsets"]),
                "pauses": tuple(Pause(**one) for one in value.get("pauses", ())),
                "jumps": tuple(Jump(**one) for one in value.get("jumps", ())),
                "slow": tuple(Slow(**one) for one in value.get("slow", ())),
                "outside": tuple(Outside(**one) for one in value.get("outside", ())),
                "changes": tuple(
                    Change(
                        **{**one, "removed": tuple(one["removed"]), "added": tuple(one["added"])}
                    )
                    for one in value.get("changes", ())
                ),
            }
        )


def generate(seed: int) -> Plan:
    """The plan of a seed. Swarm: each kind of fault is fully off in some runs."""
    dice = Dice(seed, "plan")
    n = dice.pick(SIZES)
    fatal, fall = faults.fall(dice, n)
    losses = faults.losses(dice, n)
    # Above about 300 a round takes longer than the least patience: only doubling helps.
    delay_most = dice.pick((450, 1_500)) if dice.chance(60) else dice.pick((5, 30, 120))
    byzantine = _byzantine(dice, n)
    crashes = faults.crashes(dice, n, losses) + fall
    if len(byzantine) < faulty(n) and dice.chance(350):
        # One that loses all it ever said is one of the f: nobody may need it for what was decided.
        # So is one that gets an old copy of its disk, and does not know what it said since.
        at = dice.below(CHAOS_MS - 1_000)
        member, down = dice.below(n), dice.between(50, 900)
        copies = Dice(seed, "old")
        old = min(at, copies.between(100, 4_000)) if copies.chance(400) else 0
        lost = (Crash(at, member, down, wiped=not old, old=old),)
        crashes = tuple(one for one in crashes if dice.chance(500)) + lost
    more = Dice(seed, "more")
    later = Dice(seed, "changes")
    liars = {member for member, _ in byzantine}
    liars |= {one.member for one in crashes if one.wiped or one.old}
    changes = _changes(later, n, liars)
    if changes:
        byzantine = tuple((one, LINGER if later.chance(200) else kind) for one, kind in byzantine)
    graft = Dice(seed, "graft")
    byzantine = tuple(
        (one, GRAFT if kind == "stale" and graft.chance(500) else kind) for one, kind in byzantine
    )
    plan = Plan(
        seed=seed,
        n=n,
        drop=dice.pick((0, 0, 20, 100)),
        duplicate=dice.pick((0, 50)),
        delay_most=delay_most,
        store_most=dice.pick((2, 20, 60)),
        window=dice.pick((4, 8, 32)),
        pipeline=dice.pick((1, 2, 4)),
        every=dice.pick((1, 1, 3)),
        partitions=tuple(
            replace(one, one_way=more.chance(300)) for one in faults.partitions(dice, n)
        ),
        losses=losses + fatal,
        crashes=crashes,
        requests=_requests(dice, n),
        byzantine=byzantine,
        load=dice.chance(300) and delay_most <= 300,
        offsets=tuple(dice.between(-300, 300) for _ in range(n)),
        changes=changes,
        pauses=faults.pauses(more, n),
        jumps=faults.jumps(more, n),
    )
    wider = Dice(seed, "faults")
    plan = replace(plan, partitions=plan.partitions + faults.swizzle(wider, n))
    plan = replace(plan, slow=faults.slow_members(wider, n))
    twice = Dice(seed, "twice")
    if twice.chance(70):
        plan = _prepared_twice(twice, plan)
    elif twice.chance(40):
        plan = _censored_under_load(plan)
    return _with_a_core(Dice(seed, "outside"), plan)


def _with_a_core(dice: Dice, plan: Plan) -> Plan:
    """Where none of the f is a liar or has forgotten what it said, some may stay away for ever."""
    forgetful = any(one.wiped or one.old for one in plan.crashes)
    if plan.byzantine or forgetful or plan.changes or dice.chance(600):
        return plan
    return replace(plan, outside=faults.outsiders(dice, plan.n))


def _prepared_twice(dice: Dice, plan: Plan) -> Plan:
    """The first primary alone prepares a value and is cut off; the others prepare another one in
    the next view, which it misses; nothing is decided, and the view after has both to choose from.
    """
    everybody = (1 << plan.n) - 1
    start = dice.between(300, 2_000)
    cut, end = start + dice.between(60, 200), start + dice.between(3_500, 4_500)
    losses = (
        Loss(start, start + dice.between(600, 900), "prepare", everybody & ~1, 1_000),
        Loss(start, end, "commit", everybody, 1_000),
        Loss(start, end, "committed", everybody, 1_000),
        Loss(cut, end, "new-view", 1, 1_000),
        Loss(cut, end, "prepare", 1, 1_000),
    )
    alone = Partition(cut, start + dice.between(1_500, 2_000), (1, *[0] * (plan.n - 1)))
    first = tuple(Request(start + dice.below(30), 0, 1) for _ in range(3))
    return replace(
        plan,
        drop=0,
        delay_most=dice.pick((5, 30)),
        partitions=(alone,),
        losses=losses,
        crashes=(),
        requests=plan.requests + first,
        byzantine=(),
        changes=(),
        slow=(),
    )


def _censored_under_load(plan: Plan) -> Plan:
    """Nothing is wrong but the first primary, which orders all but what it censors: progress alone
    must not save it (R-TL-6).
    """
    liars = ((0, "censor"),)
    requests = tuple(Request(at, at // 200 % plan.n, 4) for at in range(0, CHAOS_MS, 200))
    plan = replace(plan, drop=0, delay_most=min(plan.delay_most, 120), byzantine=liars, load=True)
    plan = replace(plan, requests=requests, partitions=(), losses=(), crashes=(), pauses=())
    return replace(plan, changes=(), slow=())


def _changes(dice: Dice, n: int, liars: set[int]) -> tuple[Change, ...]:
    """Members come, go, change places and renew keys; no set has more than its f liars."""
    if n > 7 or dice.chance(800):
        return ()
    made: list[Change] = []
    now, newcomer = list(range(n)), n
    at = 0
    for _ in range(dice.between(1, 3)):
        at += dice.between(100, CHAOS_MS // 3)
        if dice.chance(150):
            made.append(Change(at, bad=True))
            continue
        gone = tuple(dice.shuffled(now)[: dice.below(faulty(len(now)) + 1)])
        # Who left may come back, with new cosigner keys.
        outside = [place for place in range(newcomer) if place not in now] + [newcomer]
        come = tuple(dice.shuffled(outside)[: dice.below(3)])
        change = Change(at, gone, come, dice.below(len(now)))
        after = [place for place in now if place not in gone] + list(come)
        if len(after) < 4 or len(liars & set(after)) > faulty(len(after)):
            change, after = Change(at, turn=change.turn), now
        now, newcomer = after, max([newcomer, *[place + 1 for place in after]])
        made.append(change)
    return tuple(made)


def _requests(dice: Dice, n: int) -> tuple[Request, ...]:
    """Thirty or more, some in bursts, so that several sequences are in flight."""
    made: list[Request] = []
    while len(made) < 30:
        at = dice.below(CHAOS_MS)
        burst = dice.pick((1, 1, 4, 8))
        made += [
            Request(at + dice.below(40), dice.below(n), dice.pick((1, 1, 1, 2)))
            for _ in range(burst)
        ]
    return tuple(made)


def _byzantine(dice: Dice, n: int) -> tuple[tuple[int, str], ...]:
    if dice.chance(450):
        return ()
    members = dice.shuffled(range(n))[: faulty(n)]
    if dice.chance(400) and members and 1 not in members:
        members[0] = 1  # who leads the view after the first
    return tuple((member, dice.pick(STRATEGIES)) for member in sorted(members))
