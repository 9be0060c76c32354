"""R-DW-7: a member that commits and then forgets is named by its own two words, offline."""

from __future__ import annotations

import msgspec
import pytest

from consensus import messages as wire
from consensus.audit import audit
from consensus.epoch import COMMIT, PRE_PREPARE, PREPARE, vote_bytes
from ledger.errors import Malformed
from tests.simulator.stage import EPOCH_MS, Stage
from tests.unit.test_consensus_attacks import new_view_of, view_change

BATCH = wire.Batch(EPOCH_MS, bytes([7]) * 32)
OTHER = wire.Batch(EPOCH_MS, bytes([8]) * 32)


def seal(
    stage: Stage, kind: str, place: int, view: int, digest: bytes, sequence: int = 1
) -> wire.Seal:
    message = vote_bytes(kind, stage.chain_id, 0, view, sequence, digest)
    return wire.Seal(place, stage.signer(f"m{place}").sign(message))


def committed(stage: Stage, view: int = 0, by: tuple[int, ...] = (0, 1, 2)) -> wire.Committed:
    digest = BATCH.digest()
    seals = tuple(seal(stage, COMMIT, place, view, digest) for place in by)
    return wire.Committed(0, view, 1, BATCH, seals)


def prepared(
    stage: Stage, view: int = 0, batch: wire.Batch = BATCH, sequence: int = 1
) -> wire.PreparedCertificate:
    digest = batch.digest()
    backups = [place for place in range(4) if place != view % 4][:2]
    return wire.PreparedCertificate(
        view,
        sequence,
        digest,
        seal(stage, PRE_PREPARE, view % 4, view, digest, sequence).signature,
        tuple(seal(stage, PREPARE, place, view, digest, sequence) for place in backups),
    )


def test_who_leaves_out_what_it_committed_is_named_and_the_honest_are_not() -> None:
    """m1 and m2 said COMMIT and forgot it, m0 says it, m3 never knew of it."""
    stage = Stage()
    changes = (
        view_change(stage, "m1", 1),
        view_change(stage, "m2", 1),
        view_change(stage, "m3", 1),
    )
    found = audit([committed(stage)], [new_view_of(stage, 1, changes)], stage.seat)
    assert [one.member for one in found] == ["m1", "m2"], "2q−n at least: more than f"
    assert found[0].commit == committed(stage).commits[1]
    assert found[0].view_change == changes[0]


@pytest.mark.parametrize("excuse", ["the same", "a later view's", "certified history", "earlier"])
def test_an_honest_word_convicts_nobody(excuse: str) -> None:
    """A certificate of its view, of a later one, a checkpoint; or a promise before the COMMIT."""
    # R-DW-7
    stage = Stage()
    view, commit = 3, committed(stage)
    if excuse == "the same":
        change = view_change(stage, "m1", view, prepared=(prepared(stage),))
    elif excuse == "a later view's":
        change = view_change(stage, "m1", view, prepared=(prepared(stage, 1, OTHER),))
    elif excuse == "certified history":
        stage.submit("m0", 1)
        change = view_change(stage, "m1", view, stable=stage["m0"].replica._stable)
        assert change.stable.height == 1
    else:
        change, commit = view_change(stage, "m1", view), committed(stage, view)
    assert audit([commit], [new_view_of(stage, view, (change,))], stage.seat) == ()


def test_another_batch_of_the_same_view_is_no_excuse() -> None:
    """R-DW-7."""
    stage = Stage()
    change = view_change(stage, "m1", 1, prepared=(prepared(stage, 0, OTHER),))
    found = audit([committed(stage)], [new_view_of(stage, 1, (change,))], stage.seat)
    assert [one.member for one in found] == ["m1"]


@pytest.mark.parametrize("view", [0, 1])
def test_what_was_prepared_at_another_sequence_is_no_excuse(view: int) -> None:
    """R-DW-7: neither in the same view, with the same batch, nor in a later one."""
    stage = Stage()
    change = view_change(stage, "m1", 3, prepared=(prepared(stage, view, BATCH, 2),))
    found = audit([committed(stage)], [new_view_of(stage, 3, (change,))], stage.seat)
    assert [one.member for one in found] == ["m1"]


def test_false_proofs_convict_nobody() -> None:
    """Neither a COMMIT nor a VIEW-CHANGE can be put into a member's mouth."""
    stage = Stage()
    forged = view_change(stage, "m1", 1)
    forged = msgspec.structs.replace(forged, signature=bytes(64))
    with pytest.raises(Malformed, match="signature"):
        audit([committed(stage)], [new_view_of(stage, 1, (forged,))], stage.seat)
    good = committed(stage)
    false = msgspec.structs.replace(
        good, commits=(good.commits[0], wire.Seal(1, bytes(64)), good.commits[2])
    )
    with pytest.raises(Malformed, match="COMMIT"):
        audit([false], [], stage.seat)


def test_what_a_real_view_change_leaves_behind_convicts_nobody() -> None:
    """One member alone has committed; the others carry it into views 1 and 2."""
    stage = Stage()
    stage.lose(lambda _, to, one: isinstance(one, wire.Commit) and to != "m3")
    stage.submit("m1", 1)
    decided = stage["m3"].replica._ordering.log.get(1)
    assert decided is not None
    assert decided.decided is not None
    stage.crash("m0")
    stage.heal()
    stage.submit("m2", 2)
    stage.until(lambda: stage.heights()[1:] == [2, 2, 2])
    new_views = [one for _, _, one in stage.sent if isinstance(one, wire.NewView)]
    assert new_views
    assert audit([decided.decided], new_views, stage.seat) == ()
