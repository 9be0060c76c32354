"""A member that has lived long holds no more than one that has lived a little (R-RS-1, C9).

`tests/simulator/inspection.py` names the collections and their limits; here every collection that a
machine reaches is counted, whatever its name, so that one added tomorrow is counted, too.
"""

from __future__ import annotations

import gc
from collections import Counter
from dataclasses import replace
from types import FunctionType, MethodType, ModuleType

import pytest

from tests.simulator.member import SimMember
from tests.simulator.stage import SETTINGS, Stage

COLLECTIONS = (dict, list, set)
SHORT = 10 * SETTINGS.window  # blocks: more than anything remembers


def held(machine: object) -> Counter[str]:
    """Count the elements of each collection that a machine reaches, by who holds it."""
    counted: Counter[str] = Counter()
    seen: set[int] = set()
    waiting: list[tuple[str, object]] = [("", machine)]
    while waiting:
        owner, one = waiting.pop()
        if id(one) in seen or isinstance(one, SimMember | type | ModuleType | FunctionType):
            continue
        seen.add(id(one))
        if isinstance(one, COLLECTIONS):
            counted[owner] += len(one)
        elif type(one).__module__.startswith("consensus."):
            owner = type(one).__qualname__
        if not isinstance(one, MethodType):
            waiting += [(owner, each) for each in gc.get_referents(one)]
    return counted


def lives(stage: Stage, until: int) -> None:
    """Blocks up to that height."""
    for number in range(max(stage.heights()), until):
        stage.submit(f"m{number % 4}", number)
        stage.ticks(2)
    stage.ticks(3 * SETTINGS.timeout_ticks)
    assert stage.heights() == [until] * 4


@pytest.mark.parametrize("machine", ["replica", "certifier"])
def test_a_long_life_holds_no_more_than_a_short_one(machine: str) -> None:
    """R-RS-1, C9: five times the blocks, and not one element more in any collection."""
    stage = Stage(settings=replace(SETTINGS, remembered=2 * SETTINGS.window))
    lives(stage, SHORT)
    before = [held(getattr(member, machine)) for member in stage.members]
    lives(stage, 5 * SHORT)
    for member, less in zip(stage.members, before, strict=True):
        more = held(getattr(member, machine)) - less
        assert len(less) > 3, "the count reaches what it should count"
        assert not more, f"{member.id} holds more than before: {dict(more)}"
