"""What the keys and words of an ended epoch are worth: nothing, to whoever signs or hears them."""

from __future__ import annotations

from consensus import CertificateReady, Deliver, Installed, Mode, Refused, Report
from consensus import messages as wire
from tests.simulator.member import CERTIFIER
from tests.simulator.stage import Stage

OLD = ("m0", "m1", "m2", "m3")
CHANGE = 900  # the number of the transaction that decides


def stage_between() -> Stage:
    """The boundary, height 1, is executed everywhere and certified nowhere: words are kept back."""
    stage = Stage()
    stage.boundary = 1
    for member in stage.members:
        member.certifier.step = lambda event: []  # type: ignore[method-assign]
    stage.submit("m0", 1)
    assert stage.heights() == [1, 1, 1, 1]
    return stage


def test_the_primary_proposes_nothing_above_the_boundary_it_has_executed() -> None:
    """R-MB-1: neither while it waits for the certificate, nor after it fetched the boundary."""
    stage = stage_between()
    stage.submit("m0", 2, 3)
    stage.ticks(100)
    proposed = [one for _, _, one in stage.sent if isinstance(one, wire.PrePrepare)]
    assert {one.sequence for one in proposed} == {1}
    assert stage["m0"].replica.pending == 2  # they wait for the next epoch


def test_who_fetched_the_boundary_proposes_nothing_above_it() -> None:
    """R-MB-1."""
    stage = stage_between()
    block = stage["m1"].disk.chain[0]
    late = Stage()
    late.boundary = 1
    late.cut("m0")
    member = late["m0"]
    member.append(block)
    member.tell(Installed(1, block.time, None, next_epoch=block.following))
    member.submit((stage.transaction(2),))
    late.ticks(20)
    assert not [one for _, _, one in late.sent if isinstance(one, wire.PrePrepare)]
    assert member.replica.mode is Mode.ACTIVE


def test_q_words_above_the_boundary_certify_nothing() -> None:
    """R-MB-6: whoever kept the old keys cannot certify what comes after with them."""
    stage = Stage()
    stage.boundary = 1
    stage.lose(lambda sender, to, one: isinstance(one, wire.Fetch))  # cosignatures, too
    stage.submit("m0", 1)
    member = stage["m0"]
    assert member.epoch.number == 0
    effects = [
        effect
        for name in ("m1", "m2", "m3")
        for effect in member.certifier.step(Deliver(name, stage.word(name, 0, 0, 2, bytes(32))))
    ]
    assert not [one for one in effects if isinstance(one, CertificateReady)]
    # The boundary itself they do certify.
    root = member.disk.chain[0].root
    for name in ("m1", "m2"):
        member.deliver(CERTIFIER, name, stage.word(name, 0, 0, 1, root))
    assert member.certifier.certified == 1


def test_a_word_of_the_epoch_before_is_no_reason_to_blame_its_sender() -> None:
    """R-MB-6: who is late, and signs with the key of its epoch, has done nothing wrong."""
    stage = Stage()
    stage.boundary = 1
    stage.submit("m0", 1)
    stage.ticks(150)
    assert stage.in_epoch(1, *OLD)
    word = stage.word("m3", 0, 0, 1, stage["m0"].disk.chain[0].root)
    above = stage.word("m3", 0, 0, 9, bytes(32))
    effects = [
        effect
        for data in (word, above)
        for effect in stage["m0"].certifier.step(Deliver("m3", data))
    ]
    assert not [one for one in effects if isinstance(one, Report)]
    # The same key under the new epoch's name is a forgery.
    (report,) = stage["m0"].certifier.step(Deliver("m3", stage.word("m3", 0, 1, 9, bytes(32))))
    assert "bad-cosignature" in str(report)


def test_what_waits_at_a_member_that_leaves_is_refused_not_kept() -> None:
    """R-MB-6: it has no part in the next epoch; its clients must hear so, to ask another."""
    stage = Stage()
    stage.join("m4")
    stage.changes[CHANGE] = stage.set_of(1, "m0", "m1", "m2", "m4")
    seen: list[object] = []
    leaving = stage["m3"]
    step = leaving.replica.step

    def watched(event: object) -> list[object]:
        effects: list[object] = list(step(event))  # type: ignore[arg-type]
        seen.extend(effects)
        return effects

    leaving.replica.step = watched  # type: ignore[method-assign, assignment]
    stage.lose(lambda sender, to, one: isinstance(one, wire.Transactions) and sender == "m3")
    leaving.submit((stage.transaction(5),))
    stage.submit("m1", CHANGE)
    stage.until(lambda: stage.in_epoch(1, "m0", "m1", "m2", "m4"))
    stage.until(lambda: not leaving.seated)
    assert Refused((stage.transaction(5).digest,), "epoch-ended") in seen
