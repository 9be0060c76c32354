"""Two processes with different hash seeds leave the same results, writes and leaves."""

from __future__ import annotations

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from tests.chaincode_story import accepted, access, hand_over, shared, shipped, use
from tests.chaincode_world import World

ROOT = Path(__file__).resolve().parents[2]


def digest_of(world: World) -> str:
    """Hash everything a world holds, in the order in which it came."""
    sums = sha256()
    for each, value in world.values.items():
        sums.update(each + value)
    for path, leaves in world.logs.items():
        sums.update(path.text.encode() + b"".join(leaves))
    for result in world.last.results:
        sums.update(result)
    return sums.hexdigest()


def digests() -> str:
    goods = shipped()
    accepted(hand_over(goods), use(goods, 5))
    data = shared()
    accepted(access(data))
    access(data, nonsense=1, more=2)  # which of the two is named must not depend on the seed
    return f"{digest_of(goods)} {digest_of(data)}"


def test_a_hash_seed_changes_nothing() -> None:
    """R-DT-1."""
    answers = []
    program = "from tests.unit.test_chaincode_determinism import digests; print(digests())"
    for seed in ("1", "4242"):
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
            text=True,
            timeout=60,
        )
        answers.append(done.stdout)
    assert answers[0] == answers[1]
    assert answers[0].strip() == digests()
