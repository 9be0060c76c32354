"""Plays a scenario into a ledger, phase by phase, and says which steps did not end as they must."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from client.protocol import Outcome
from client.scenario import Phase, Scenario, Step
from client.sdk import Client

__all__ = ["Played", "Unexpected", "play"]


@dataclass(frozen=True, slots=True)
class Unexpected:
    """A step that ended otherwise than its story says."""

    phase: Phase
    step: Step
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Played:
    """What became of a scenario. `pin` is a checkpoint note kept after the first phase."""

    steps: int
    accepted: int
    refused: int
    refusals: tuple[tuple[Step, Outcome], ...]
    unexpected: tuple[Unexpected, ...]
    pin: str


def play(client: Client, scenario: Scenario, tell: Callable[[Phase, int], None]) -> Played:
    """Submit each phase in one piece and wait until it is certified; `tell` hears (phase, steps
    done).

    Raises: ClientFault, Unreachable.
    """
    done = accepted = 0
    refusals: list[tuple[Step, Outcome]] = []
    unexpected: list[Unexpected] = []
    pin = ""
    for phase in scenario.phases:
        tell(phase, done)
        outcomes = client.submit([step.call for step in phase.steps], receipts=True)
        for step, outcome in zip(phase.steps, outcomes, strict=True):
            if outcome.code != step.expected:
                unexpected.append(Unexpected(phase, step, outcome))
            accepted += outcome.accepted
            if not outcome.accepted:
                refusals.append((step, outcome))
        done += len(phase.steps)
        if not pin:
            # What a careful donor keeps: everything later must be an extension of this.
            pin = client.checkpoint()
        tell(phase, done)
    return Played(done, accepted, done - accepted, tuple(refusals), tuple(unexpected), pin)
