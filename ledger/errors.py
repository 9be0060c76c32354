"""Every error of the system, as a tree. Three kinds are never mixed.

    SuyuanError
    ├── Malformed           bytes from outside break a format; the door they came through says whose
    ├── PeerFault           a member broke the protocol: refuse, count, report; never stop
    ├── ClientFault         a client asked for what the rules refuse: answer with a code; never stop
    └── InvariantViolated   our own bug, or a broken disk: stop loudly, sign nothing false

A bare `assert` is never used for any of these, because `python -O` removes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ledger.codec import Value

__all__ = ["ClientFault", "InvariantViolated", "Malformed", "PeerFault", "SuyuanError"]


class SuyuanError(Exception):
    """Root of all errors raised on purpose."""


class Malformed(SuyuanError):
    """Bytes or text that break a format; names the field and the rule it breaks."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field
        self.rule = rule


class PeerFault(SuyuanError):
    """A member's message broke the protocol."""

    def __init__(self, member: str, reason: str) -> None:
        super().__init__(f"{member}: {reason}")
        self.member = member
        self.reason = reason


class ClientFault(SuyuanError):
    """A client's request was refused: `code` is a word of the sentence catalogue."""

    def __init__(self, code: str, **parameters: Value) -> None:
        super().__init__(code if not parameters else f"{code} {parameters}")
        self.code = code
        self.parameters: dict[str, Value] = dict(parameters)


class InvariantViolated(SuyuanError):
    """Something that cannot happen did: our own bug or a damaged store."""
