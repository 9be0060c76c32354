"""Run seeds until one fails, in whatever copy of the rooms this is started; print what happened.

python -m tests.simulator.mutants.seek COUNT [FIRST]
"""

from __future__ import annotations

import gc
import sys

from tests.simulator.plan import generate
from tests.simulator.world import World

NOTICED = 7  # a schedule failed; 1 is what Python itself returns when this cannot even be run


def main() -> int:
    """Arguments: how many seeds, and the first of them. Returns NOTICED or 0."""
    count = int(sys.argv[1])
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    gc.disable()
    for seed in range(first, first + count):
        try:
            World(generate(seed)).run()
        except (AttributeError, NameError, TypeError):
            raise  # the mutant is no program: that it stops says nothing of who watches
        except Exception as error:  # noqa: BLE001 - whatever a schedule raises has noticed it
            print(f"{seed} {type(error).__name__}: {str(error).splitlines()[0][:90]}")
            return NOTICED
        if seed % 20 == 0:
            gc.collect()
    print(f"none of {count} fails")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
