"""A member with a real store loses power at a write, with a torn journal, and starts again (T10).

Here some of the writes; `python -m tests.node_power` goes through all of them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.node_power import VICTIMS, scenario


@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize("writes", [0, 4, 9, 13, 18, 23, 27])
async def test_a_power_cut_at_a_write_leaves_a_sound_folder_and_no_second_word(
    victim: str, writes: int, tmp_path: Path
) -> None:
    """R-DW-1, R-DW-2: fsck finds nothing in what was left, and nothing is said in two ways."""
    assert await scenario(tmp_path, victim, writes), "the scenario has more writes than that"
