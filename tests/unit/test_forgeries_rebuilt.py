"""Rebuilt chains: a lie told without a flaw fails by the missing keys, and by nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ledger.bundle_file import decode_bundle, encode_bundle
from ledger.checkpoint import Certificate, cosignature_message
from ledger.claims import Trace
from ledger.keys import verify
from ledger.leaf import LEAF
from ledger.verdict import Report
from ledger.verify import verify_bundle
from tests.forger.forging import (
    HONEST,
    STOLEN,
    Attempt,
    donation,
    honest,
    rebuilt,
    replayed,
)
from tests.forger.lies_about_logs import (
    world_inspected_after_the_proposal,
    world_without_the_proposal,
)
from tests.forger.stories import LOT_A
from tests.forger.world import World

FIRST_HONEST = next(name for name in HONEST if name not in STOLEN)
LIES = [world_without_the_proposal, world_inspected_after_the_proposal]


def lines(report: Report) -> dict[str, tuple[str, str]]:
    return {line.name: (line.state, line.code) for line in report.lines}


def kinds(world: World) -> list[str]:
    return [LEAF.decode(leaf).kind for leaf in world.lives[LOT_A].leaves]


def test_the_rebuilt_logs_tell_what_did_not_happen() -> None:
    later = ["shipped", "handed_over", "used"]
    assert kinds(donation()) == ["received", "inspected", "proposed", *later]
    assert kinds(world_without_the_proposal()) == ["received", "inspected", *later]
    reordered = world_inspected_after_the_proposal()
    assert kinds(reordered) == ["received", "proposed", "inspected", *later]
    assert reordered.lives[LOT_A].record == donation().lives[LOT_A].record


@pytest.mark.parametrize("lie", LIES, ids=lambda one: one.__name__)
def test_a_quorum_of_keys_would_have_made_the_rebuilt_chain_true(lie: Callable[[], World]) -> None:
    """The control: all that the forger could recompute is without a flaw."""
    world = lie()
    assert world.genesis == donation().genesis
    report = verify_bundle(encode_bundle(honest(world, Trace(LOT_A))), donation().genesis, LOT_A)
    assert report.clean, report.value()


@pytest.mark.parametrize("fill", [rebuilt, replayed])
@pytest.mark.parametrize("lie", LIES, ids=lambda one: one.__name__)
def test_a_rebuilt_chain_fails_at_the_first_line_whose_key_was_not_stolen(
    lie: Callable[[], World], fill: Callable[[World, Trace], Attempt]
) -> None:
    attempt = fill(lie(), Trace(LOT_A))
    report = verify_bundle(attempt.data, donation().genesis, LOT_A)
    assert lines(report) == {
        "integrity": ("clean", "intact"),
        "completeness": ("clean", "complete"),
        "authority": ("failed", "not-certified"),
        "time": ("qualified", "not-checked"),
    }
    rule = f"that of {FIRST_HONEST} does not verify"
    assert report.authority.parameters == {"field": "checkpoint.cosignatures", "rule": rule}
    assert not report.exit_ok


def test_replayed_lines_are_the_honest_members_true_words_about_another_checkpoint() -> None:
    """Same size, same origin, true signatures: only the root under them is another."""
    world, true = world_without_the_proposal(), donation()
    note = decode_bundle(replayed(world, Trace(LOT_A)).data).checkpoint
    members = true.genesis.members
    shown = Certificate.from_note(note, members)
    theirs = true.certificate().checkpoint
    assert (shown.checkpoint.size, shown.checkpoint.origin) == (theirs.size, theirs.origin)
    assert shown.checkpoint.root != theirs.root
    for one in shown.cosignatures:
        signed = shown.checkpoint if one.member in STOLEN else theirs
        member = members.get(one.member)
        assert member is not None
        message = cosignature_message(signed, one.timestamp)
        assert verify(member.cosigner_key, message, one.signature)
    assert tuple(one.member for one in shown.cosignatures) == HONEST
