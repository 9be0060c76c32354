"""The table of modes and messages, walked whole."""

from __future__ import annotations

from typing import get_args

import pytest

from consensus import Mode, Replica
from consensus import messages as wire
from consensus.legality import LEGAL

KINDS: list[type[wire.Message]] = list(get_args(wire.Message))

# What this member hears in each mode; everything else is refused.
HEARD: dict[Mode, set[type[wire.Message]]] = {
    Mode.ACTIVE: set(KINDS),
    Mode.CHANGING: set(KINDS) - {wire.PrePrepare},
    Mode.ENDED: {wire.Status},
    Mode.HALTED: set(),
}


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("kind", KINDS)
def test_every_pair_of_mode_and_message_is_decided(mode: Mode, kind: type[wire.Message]) -> None:
    handler = LEGAL.get((mode, kind))
    assert (handler is not None) == (kind in HEARD[mode])
    if handler is not None:
        assert callable(getattr(Replica, f"_{handler}"))


def test_the_table_names_nothing_else() -> None:
    assert {kind for _, kind in LEGAL} == set(KINDS)
    assert len(LEGAL) == sum(len(kinds) for kinds in HEARD.values())
