"""A scenario of our own from the facts of Wuhan, 24 January to 11 February 2020, for the
demonstration.

`build_scenario(now)` gives titled phases of calls with the code each must end with; `cast` names
the organisations and accounts the genesis needs. It does no IO and holds no keys.
"""

from __future__ import annotations

from client.scenario.cast import ACCOUNTS, HOSPITALS, IMPORT_PARTIES, MEMBERS, ORGANISATIONS
from client.scenario.model import Phase, Scenario, Step
from client.scenario.story import build_scenario

__all__ = [
    "ACCOUNTS",
    "HOSPITALS",
    "IMPORT_PARTIES",
    "MEMBERS",
    "ORGANISATIONS",
    "Phase",
    "Scenario",
    "Step",
    "build_scenario",
]
