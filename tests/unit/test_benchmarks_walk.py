"""The chain that the walk is measured on has as many handovers as it says, and verifies."""

from __future__ import annotations

import pytest

from benchmarks.walk import ABSENT, main, walked
from ledger.assembly import assemble
from ledger.bundle_file import decode_bundle, encode_bundle
from ledger.verify import verify_bundle


@pytest.mark.parametrize("handovers", [0, 1, 5])
def test_so_many_handovers_are_in_the_bundle_and_are_walked(handovers: int) -> None:
    world = walked(handovers)
    bundle = encode_bundle(assemble(world, ABSENT))
    assert len(decode_bundle(bundle).epochs) == handovers
    assert verify_bundle(bundle, world.genesis).clean


def test_the_command_prints_a_line_for_each_number(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--handovers", "0", "2", "--no-browser"]) == 0
    printed = capsys.readouterr().out
    assert "python_ms" in printed
    assert "| 2 " in printed
