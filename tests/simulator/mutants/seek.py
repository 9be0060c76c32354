"""Run seeds until one fails, in whatever copy of the rooms this is started; print what happened."""

from __future__ import annotations

import gc
import sys
import time

from tests.simulator.plan import generate
from tests.simulator.world import World

NOTICED = 7  # a schedule failed; 1 is what Python itself returns when this cannot even be run


def main() -> int:
    """Arguments: how many seeds at most, how many seconds at most. Returns NOTICED or 0."""
    most, seconds = int(sys.argv[1]), float(sys.argv[2])
    ends = time.monotonic() + seconds
    gc.disable()
    for seed in range(1, most + 1):
        try:
            World(generate(seed)).run()
        except Exception as error:  # noqa: BLE001 - whatever a schedule raises has noticed it
            print(f"{seed} {type(error).__name__}: {str(error).splitlines()[0][:90]}")
            return NOTICED
        if seed % 20 == 0:
            gc.collect()
        if time.monotonic() > ends:
            print(f"{seed} no failure before the time was over")
            return 0
    print(f"{most} no failure")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
