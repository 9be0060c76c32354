"""The one kind of error the client adds to the tree of ledger/errors: a member that gives no usable
answer.
"""

from __future__ import annotations

from ledger.errors import SuyuanError

__all__ = ["Unreachable", "Unusable"]


class Unreachable(SuyuanError):
    """A member, or every member asked, gave no answer; says which address and why."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"{url}: {reason}")
        self.url = url
        self.reason = reason


class Unusable(Unreachable):
    """A member answered, but that it cannot now, not in the form it must, or with a proof that
    fails: as good as no answer, and yet it can be reached.
    """
