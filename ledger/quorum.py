"""Quorum arithmetic for n members: how many may be faulty, how many decide.

Invariants, for every n ≥ 1 (R-Q-1): two quorums share at least f+1 members (2q − n ≥ f + 1), so at
least one honest one; a quorum can be met without the faulty (q ≤ n − f). Never "2f+1", never "n−f":
both are wrong for n ≠ 3f+1, and five shipped systems had the bug.
"""

from __future__ import annotations

__all__ = ["faulty", "quorum", "weak"]


def faulty(n: int) -> int:
    """Return f, the largest number of arbitrarily faulty members that n members tolerate."""
    return (n - 1) // 3


def quorum(n: int) -> int:
    """Return q, the number of members whose word decides."""
    return (n + faulty(n)) // 2 + 1


def weak(n: int) -> int:
    """Return f + 1: among so many members at least one is honest."""
    return faulty(n) + 1
