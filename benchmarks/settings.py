"""What a run may be told, with the defaults that the published figures use."""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True)
class Settings:
    """Sizes and durations of a run; times in seconds."""

    seconds: float = 20.0  # measured at full load
    warm_up: float = 3.0
    low: int = 300  # transactions one at a time: three beyond the 99th percentile
    entities: int = 100_000  # on the ledger before
    flows: int = 12  # requests under way at once
    cohort: int = 30  # chains at each of the six steps in one request: 180 transactions
    through: str = "all"  # which members clients speak to: all, or one (the first primary)
    etcd_connections: int = 64  # puts under way at once
    etcd_batch: int = 100  # puts of one etcd transaction in the batched run; etcd allows 128

    def quick(self) -> Settings:
        """A run of a few seconds that shows that everything works; its figures mean nothing."""
        return replace(
            self, seconds=1.5, warm_up=0.5, low=12, entities=1_000, flows=4, cohort=5,
            etcd_connections=8,
        )  # fmt: skip
