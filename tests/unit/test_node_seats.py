"""What a starting member's machines are told of the chain that it holds."""

from __future__ import annotations

from pathlib import Path

from ledger.limits import VALIDITY_MS_MAX
from node.seats import ordered_lately
from tests.node_world import START, Ledger, define


def test_who_starts_is_told_what_its_newest_blocks_hold_oldest_first(tmp_path: Path) -> None:
    """R-TL-4: or it would wait for a request that is done, and blame the primary for it."""
    ledger = Ledger(tmp_path)
    first, second = define("a"), define("b")
    ledger.block(first, time=START + 1_000)
    ledger.block(second, time=START + 2_000)
    told = ordered_lately(ledger.archive, ledger.executor.height)
    assert told == (first.digest, second.digest)


def test_what_is_valid_no_more_is_not_told(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    first, second = define("a"), define("b")
    ledger.block(first, time=START + 1_000)
    ledger.block(time=START + 1_000 + VALIDITY_MS_MAX)
    ledger.block(second, time=START + 2_000 + VALIDITY_MS_MAX)
    assert ordered_lately(ledger.archive, ledger.executor.height) == (second.digest,)
