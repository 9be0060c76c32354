"""What may be tuned, and every limit of this room, each with its reason; validated at construction.

Times are in ticks; the driver gives a tick every 10 ms, the simulator when it likes. All members
of a chain should run the same settings, but safety depends on none of them.

Source: consensus.md R-TL-1, R-CP-1, R-RS-1 to R-RS-3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ledger.errors import InvariantViolated
from ledger.limits import BLOCK_SIZE_MAX, BLOCK_TRANSACTIONS_MAX

__all__ = ["CertifierSettings", "Settings"]

WINDOW_MAX: Final = (
    256  # sequences above the stable checkpoint; bounds slots and a VIEW-CHANGE's size
)
PREPARED_MAX: Final = 2 * WINDOW_MAX  # prepared certificates in one VIEW-CHANGE
MESSAGE_SIZE_MAX: Final = 8 * 1024 * 1024  # bytes of any message: a NEW-VIEW of 16 members fits
SPREAD_SIZE_MAX: Final = 1024 * 1024  # bytes of transactions put into one message
SPREAD_COUNT_MAX: Final = 2_048  # transactions in one message
FETCH_MAX: Final = 1_024  # digests asked for in one message
BATCHES_MAX: Final = 64  # batches sent in one answer
REPORTS_MAX: Final = 64  # findings against one member reported by one run; the first tell all
FORWARD_MAX: Final = 256  # oldest pending transactions spread again when the primary leaves them


@dataclass(frozen=True, slots=True)
class Settings:
    """Tunables of a Replica. Times in ticks (10 ms), drift in ms, sizes in bytes."""

    window: int = 64  # sequences ordered beyond the certified height (R-CP-1)
    pipeline: int = 4  # sequences in flight at the primary: proposed and not yet executed
    batch_count: int = 1_000  # transactions of one batch at most
    batch_size: int = 1024 * 1024  # bytes of one batch's transactions at most
    batch_fill: int = 400  # with sequences in flight, propose only so many at once ...
    batch_wait_ticks: int = 3  # ... or when the oldest has waited so long
    timeout_ticks: int = 200  # patience with a primary that makes no progress
    censor_factor: int = 5  # patience with one request that waits while others are ordered
    timeout_cap_ticks: int = 6_400  # doubling ends here (R-TL-1)
    # R-TL-7: an idle primary names a request within a few ms, a busy one within its pipeline. One
    # that lets requests lie for longer than a quarter of the least timeout is slow for that time,
    tenure_factor: int = 10  # and is replaced after so many least timeouts of it (20 s) ...
    tenure_cap_factor: int = 320  # ... doubled where its successors were slow, up to this (11 min)
    resend_ticks: int = 50  # VIEW-CHANGE and open votes are sent again after this
    status_ticks: int = 25  # status gossip (R-TL-8)
    fetch_ticks: int = 4  # a missing body is asked of the next member after this
    lag_ticks: int = 30  # behind the certified height for so long: fetch blocks
    drift_ms: int = 10_000  # a fresh proposal's time may differ so much from ours (R-DT-3)
    pool_count: int = 40_000  # pending transactions in all
    pool_size: int = 64 * 1024 * 1024  # bytes of pending transactions in all
    pool_source_count: int = 10_000  # pending transactions brought by one other member (R-RS-2),
    pool_source_size: int = 16 * 1024 * 1024  # and their bytes; never above its n-th of the pool
    remembered: int = 60_000  # digests of ordered transactions not taken in again
    serve_size: int = 4 * 1024 * 1024  # bytes of bodies given to one member per status period

    def __post_init__(self) -> None:
        """Raises: InvariantViolated when a value makes no sense."""
        for name in self.__slots__:
            if getattr(self, name) < 1:
                raise InvariantViolated(f"setting {name} must be at least 1")
        _need(2 <= self.window <= WINDOW_MAX, f"window must be 2 to {WINDOW_MAX}")
        _need(self.pipeline <= self.window, "pipeline must not exceed window")
        _need(self.batch_count <= BLOCK_TRANSACTIONS_MAX, "batch_count exceeds a block")
        _need(self.batch_size <= BLOCK_SIZE_MAX, "batch_size exceeds a block")
        _need(self.timeout_ticks <= self.timeout_cap_ticks, "timeout exceeds its cap")
        _need(self.tenure_factor <= self.tenure_cap_factor, "tenure exceeds its cap")
        _need(self.pool_source_count <= self.pool_count, "a source's share exceeds the pool")
        _need(self.pool_source_size <= self.pool_size, "a source's share exceeds the pool")


@dataclass(frozen=True, slots=True)
class CertifierSettings:
    """Tunables of a Certifier. `interval_s`: an idle chain is cosigned afresh so often."""

    interval_s: int = 5
    every: int = 1  # cosign at once each height divisible by this, others when idle for a tick
    heights_kept: int = (
        256  # own roots and foreign cosignatures remembered above the certified height
    )
    resend_ticks: int = 50  # a cosignature that certifies nothing yet is sent again after this

    def __post_init__(self) -> None:
        """Raises: InvariantViolated when a value makes no sense."""
        for name in self.__slots__:
            if getattr(self, name) < 1:
                raise InvariantViolated(f"setting {name} must be at least 1")


def _need(holds: bool, rule: str) -> None:
    if not holds:
        raise InvariantViolated(f"settings: {rule}")
