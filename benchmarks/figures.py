"""The arithmetic of the figures: percentiles, rates, processor time and bytes per transaction.

Pure. Times are in seconds, processor time in seconds of CPU, sizes in bytes, unless a name says
otherwise; what is printed is in milliseconds and microseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["Sample", "Usage", "Window", "per_piece", "percentile", "split"]

REST = "loop, HTTP, TLS"  # what no stage claims; background compaction of the store is in it


@dataclass(frozen=True, slots=True)
class Sample:
    """One answered request: when it ended, how long all in it waited, how many were in it."""

    ended: float
    waited: float
    count: int


@dataclass(frozen=True, slots=True)
class Usage:
    """Processor time used so far, at one instant: by process and, for members, by stage."""

    at: float
    servers: float
    clients: float
    stages: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Window:
    """What happened between two instants of a steady load."""

    seconds: float
    count: int
    rate: float
    p50_ms: float
    p99_ms: float

    @classmethod
    def of(cls, samples: Iterable[Sample], begun: float, ended: float) -> Window:
        """Count the answers that came between the two instants.

        Raises: ValueError when there were none.
        """
        seconds = ended - begun
        within = [sample for sample in samples if begun <= sample.ended < ended]
        count = sum(sample.count for sample in within)
        waits = [(sample.waited, sample.count) for sample in within]
        return cls(
            seconds=seconds,
            count=count,
            rate=count / seconds,
            p50_ms=percentile(waits, 50) * 1e3,
            p99_ms=percentile(waits, 99) * 1e3,
        )


def percentile(values: Sequence[tuple[float, int]], percent: int) -> float:
    """The nearest-rank percentile of weighted values: the least value that `percent` of 100 of all
    do not exceed. Each value comes with how many times it occurred.

    Raises: ValueError for no values, or a percent outside 1 to 100.
    """
    total = sum(weight for _, weight in values)
    if total <= 0:
        raise ValueError("no values")
    if not 1 <= percent <= 100:
        raise ValueError("percent must be 1 to 100")
    rank = -(-total * percent // 100)  # rounded up
    seen = 0
    for value, weight in sorted(values):
        seen += weight
        if seen >= rank:
            return value
    raise ValueError("weights must not be negative")


def per_piece(total: float, count: int) -> float:
    """Millionths of `total` a piece: microseconds of seconds, or 0 where nothing was done."""
    return total / count * 1e6 if count else 0.0


def split(before: Usage, after: Usage, count: int) -> dict[str, float]:
    """Microseconds of processor time a transaction by stage, over all members together; what no
    stage claims comes last, under REST.
    """
    spent = {stage: after.stages[stage] - before.stages.get(stage, 0.0) for stage in after.stages}
    rest = after.servers - before.servers - sum(spent.values())
    return {stage: per_piece(seconds, count) for stage, seconds in (*spent.items(), (REST, rest))}
