"""How often each member may be caught in one second before it is not listened to for the rest.

What an invalid message costs is one signature check, or up to q where a certificate's last line is
the bad one; a sender of nothing else would hold a core all the same (R-RS-4). An honest member
passes on only what it has checked, and is never caught. Whoever is, is deaf to nobody for long: the
next second begins with a clean sheet, its votes sent again count, and no quorum is any smaller.
"""

from __future__ import annotations

from typing import Final

from consensus.evidence import Suspicion
from ledger.errors import Malformed, PeerFault

__all__ = ["OFFENCES_MAX", "OFFENCES_PERIOD", "Offences"]

OFFENCES_PERIOD: Final = 100  # ticks
OFFENCES_MAX: Final = 16  # invalid messages of one sender in a period; more are not even decoded


class Offences:
    """Invalid messages of each sender in the current period."""

    __slots__ = ("_counts", "_period")

    def __init__(self) -> None:
        self._period = 0
        self._counts: dict[str, int] = {}  # only of members: at most n

    def silenced(self, sender: str, tick: int) -> bool:
        """Say whether this sender is not listened to for the rest of the period."""
        if tick // OFFENCES_PERIOD != self._period:
            self._period = tick // OFFENCES_PERIOD
            self._counts.clear()
        return self._counts.get(sender, 0) >= OFFENCES_MAX

    def add(self, sender: str, fault: Malformed | PeerFault) -> Suspicion:
        """Count one more invalid message of this period; return what is reported of it."""
        if isinstance(fault, Malformed):
            found = Suspicion(sender, f"malformed-{fault.field}")
        else:
            found = Suspicion(fault.member, fault.reason)
        if found.code != "untimely-proposal":  # a clock that is off is no lie
            self._counts[sender] = self._counts.get(sender, 0) + 1
        return found
