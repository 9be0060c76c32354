"""The certificates that answers rest on: of each executed height the freshest, the newest kept.

The others may certify a height before this member executes it: nothing can be answered as of that
height yet, so its certificate waits here until execution has come so far. Source: DESIGN section 4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ledger.checkpoint import Certificate
from node.archive import Archive
from node.execution import Executor
from node.waiting import Waiting

__all__ = ["Certificates"]

AHEAD_MAX: Final = 128  # certificates of heights not executed here yet; two windows


class Certificates:
    """The newest certificate of an executed height, and those of heights to come."""

    def __init__(self, archive: Archive, executor: Executor, waiting: Waiting) -> None:
        self._archive = archive
        self._executor = executor
        self._waiting = waiting
        self._ahead: dict[int, Certificate] = {}
        self.newest: Certificate | None = None
        self.on_certified: list[Callable[[Certificate], None]] = []

    def adopt(self, certificate: Certificate) -> None:
        """Make a certificate the newest, or keep it until its height is executed here."""
        size, newest = certificate.checkpoint.size, self.newest
        if size > self._executor.height:
            self._ahead[size] = certificate
            if len(self._ahead) > AHEAD_MAX:
                del self._ahead[min(self._ahead)]
            return
        if newest is not None and _freshness(certificate) <= _freshness(newest):
            return
        self.newest = certificate
        note = certificate.to_note(self._executor.epochs.members(size))
        self._archive.write_certificate(size, note)
        self._waiting.certified(size)
        for hook in self.on_certified:
            hook(certificate)

    def adopt_reached(self) -> None:
        """Make the newest certificate of what is executed by now the newest of all."""
        reached = [size for size in self._ahead if size <= self._executor.height]
        if reached:
            newest = self._ahead[max(reached)]
            for size in reached:
                del self._ahead[size]
            self.adopt(newest)

    def provable(self, shown: Certificate | None) -> Certificate | None:
        """Return the certificate of the greatest executed height that this member can prove.

        Not only its own certifier's: the engine may have been `shown` a proof of a checkpoint below
        which nobody votes any more, and who lags behind that can only be served with it (R-CP-4).
        """
        own = self.newest
        if shown is None or shown.checkpoint.size > self._executor.height:
            return own
        is_newer = own is None or own.checkpoint.size < shown.checkpoint.size
        return shown if is_newer else own


def _freshness(certificate: Certificate) -> tuple[int, int]:
    return certificate.checkpoint.size, min(certificate.timestamps())
