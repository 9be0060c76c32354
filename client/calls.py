"""The seam between what a client wants done and how it reaches the ledger.

An importer or a scenario produces calls (contract, function, arguments, accounts) and reads
results; who signs them and over which wire they travel is the business of a `Submitter`. So both
are pure, and are tested against a fake, or against the real contracts without a network.

Invariant: a submitter answers exactly one result per call, in the order of the calls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

__all__ = ["ACCEPTED", "Call", "ResultLike", "Submitter"]

ACCEPTED = "accepted"


class Call(NamedTuple):
    """One transaction to be signed; `accounts` are the ids of those that sign it, in order."""

    contract: str
    function: str
    arguments: dict[str, Any]
    accounts: tuple[str, ...]


class ResultLike(Protocol):
    """What a submitter tells of one call: "accepted" or a refusal code with its parameters."""

    @property
    def code(self) -> str:
        """The word "accepted", or a refusal code."""
        ...

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What fills the sentence of the code."""
        ...

    @property
    def events(self) -> Sequence[Any]:
        """What happened, where the call was accepted."""
        ...


class Submitter(Protocol):
    """Signs and submits calls, and waits until each is accepted or refused."""

    def submit(self, transactions: Sequence[Call]) -> Sequence[ResultLike]:
        """The results of `transactions`, one each and in their order."""
        ...
