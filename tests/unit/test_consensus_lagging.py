"""Members whose checkpoints differ, or lie behind the others': neither a view nor a vote waits."""

from __future__ import annotations

from consensus import messages as wire
from tests.simulator.stage import SETTINGS, Stage

WORD_OF_A_CERTIFIER = wire.Fetch  # how the stage shows a cosignature to a rule


def votes(stage: Stage, name: str, sequence: int) -> list[type[wire.Message]]:
    """The kinds of a member's votes for a sequence, each once."""
    said = [
        type(one)
        for sender, to, one in stage.sent
        if sender == name and isinstance(one, wire.Prepare | wire.Commit)
        if one.sequence == sequence
    ]
    return sorted(set(said), key=str)


def test_checkpoints_2_1_and_0_do_not_keep_a_new_view_from_starting() -> None:
    """R-VC-8: no two of the q VIEW-CHANGEs name the same checkpoint, and one proof is enough.

    The case of {10, 20}, {0, 10} and {0} in which others demanded q identical checkpoints and stood
    still for ever. Who lies behind the chosen checkpoint fetches what it proves.
    """
    stage = Stage()
    stage.cut("m3")
    stage.submit("m0", 1)
    stage.heal()
    proofs = (wire.StableProof, wire.Committed, WORD_OF_A_CERTIFIER)
    stage.lose(lambda _, to, one: to in {"m2", "m3"} and isinstance(one, proofs))
    stage.lose(lambda _, to, one: to == "m3" and isinstance(one, wire.Commit))
    stage.submit("m0", 2)
    assert [stage[name].replica.stable for name in ("m1", "m2", "m3")] == [2, 1, 0]
    stage.crash("m0")
    stage.submit("m1", 3)
    survivors = [stage[name] for name in ("m1", "m2", "m3")]
    stage.until(lambda: all(one.replica.view == 1 for one in survivors))
    new_view = next(one for _, _, one in stage.sent if isinstance(one, wire.NewView))
    assert [one.stable.height for one in new_view.view_changes] == [2, 1, 0]
    stage.heal()
    stage.until(lambda: stage.heights()[1:] == [3, 3, 3])
    assert stage.executed_numbers("m3") == [1, 2, 3]
    assert {one.replica.view for one in survivors} == {1}, "without another view change"


def test_proposals_above_a_lagging_watermark_are_kept_and_voted_for_once_it_rises() -> None:
    """R-TL-9: nobody says them again, and without this member's votes there is no quorum."""
    stage = Stage()
    proofs = (wire.StableProof, WORD_OF_A_CERTIFIER)
    stage.lose(lambda _, to, one: to == "m3" and isinstance(one, proofs))
    stage.crash("m2")
    window = SETTINGS.window
    stage.submit("m0", *range(window))
    assert stage.heights() == [window, window, 0, window]
    assert [stage[name].replica.stable for name in ("m0", "m1", "m3")] == [window, window, 0]
    stage.submit("m0", *range(window, window + SETTINGS.pipeline))
    assert stage.heights()[3] == window, "above its high mark it does not vote"
    assert votes(stage, "m3", window + 1) == []
    stage.sent.clear()
    stage.heal()
    stage.inject("m0", "m3", wire.StableProof(0, stage["m0"].replica._stable))
    assert not any(isinstance(one, wire.PrePrepare) for _, _, one in stage.sent)
    assert votes(stage, "m3", window + 1) == [wire.Commit, wire.Prepare]
    assert stage.heights()[3] == window + SETTINGS.pipeline
    assert {stage[name].replica.view for name in ("m0", "m1", "m3")} == {0}


def test_on_an_idle_chain_who_missed_the_last_checkpoint_learns_of_it_from_gossip() -> None:
    """R-TL-8: no request comes, no cosignature is sent again, and it still catches up."""
    stage = Stage()
    stage.cut("m3")
    stage.submit("m0", 1)
    stage.heal()
    stage.lose(lambda _, to, one: to == "m3" and isinstance(one, WORD_OF_A_CERTIFIER))
    stage.until(lambda: stage.heights() == [1, 1, 1, 1])
    assert stage["m3"].replica.stable == 1


def test_above_two_windows_nothing_is_kept() -> None:
    """R-TL-9, R-CP-1, R-RS-1: one window to vote in, one to keep for a lagging mark."""
    log = Stage()["m1"].replica._ordering.log
    log.raise_low(10)
    top = 10 + SETTINGS.window
    assert log.high == top
    assert [log.holds(one) for one in (10, 11, top, top + 1)] == [False, True, True, True]
    assert [log.holds(one) for one in (top + SETTINGS.window, top + SETTINGS.window + 1)] == [
        True,
        False,
    ]
