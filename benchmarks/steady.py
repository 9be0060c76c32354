"""A steady load: workers that each send the next request when the last is answered, and a window.

What is measured lies between two readings of the processors' use; what comes before is warm-up.
A worker's failure ends the run: a figure with errors in it is no figure.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from benchmarks.figures import Sample, Usage, Window

__all__ = ["Measured", "Turn", "alone", "steady"]

Turn = Callable[[], Awaitable[Sample]]


@dataclass(frozen=True, slots=True)
class Measured:
    """A window with what the processors did in it."""

    window: Window
    before: Usage
    after: Usage


async def steady(
    turns: Sequence[Turn],
    warm_up: float,
    seconds: float,
    usage: Callable[[], Awaitable[Usage]],
) -> Measured:
    """Run all turns side by side for `warm_up` and then for `seconds`, and measure the latter."""
    samples: list[Sample] = []
    over = asyncio.Event()

    async def work(turn: Turn) -> None:
        while not over.is_set():
            samples.append(await turn())

    async with asyncio.TaskGroup() as group:
        for turn in turns:
            group.create_task(work(turn))
        await asyncio.sleep(warm_up)
        before = await usage()
        await asyncio.sleep(seconds)
        after = await usage()
        over.set()
    return Measured(Window.of(samples, before.at, after.at), before, after)


async def alone(
    turns: Sequence[Turn], count: int, usage: Callable[[], Awaitable[Usage]]
) -> Measured:
    """Take the turns one at a time, `count` in all: the latency of an idle system."""
    before = await usage()
    samples = [await turns[number % len(turns)]() for number in range(count)]
    after = await usage()
    return Measured(Window.of(samples, before.at, after.at), before, after)
