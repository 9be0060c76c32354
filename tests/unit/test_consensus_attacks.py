"""What a lying member may try against the memory, the processor or the good name of the others."""

from __future__ import annotations

import msgspec
import pytest

from consensus import Deliver, Evidence, Installed, Report, Settings, Suspicion, new_view
from consensus import messages as wire
from consensus.bodies import Bodies
from consensus.catch_up import CatchUp
from consensus.effects import Send
from consensus.epoch import NEW_VIEW, PRE_PREPARE, PREPARE, VIEW_CHANGE, vote_bytes
from consensus.evidence import Findings
from consensus.pool import Pool
from consensus.settings import REPORTS_MAX
from consensus.slots import SlotLog
from consensus.view_change import JUDGED_MAX, JUDGED_PERIOD
from ledger.errors import Malformed
from ledger.limits import BLOCK_SIZE_MAX, BLOCK_TRANSACTIONS_MAX
from tests.simulator.stage import SETTINGS, Stage

NO_SIGNATURE = bytes(64)


def view_change(
    stage: Stage,
    name: str,
    view: int,
    stable: wire.Stable = wire.GENESIS_STABLE,
    prepared: tuple[wire.PreparedCertificate, ...] = (),
) -> wire.ViewChange:
    """A VIEW-CHANGE that a member really signed."""
    place = stage.epoch.members.index(name)
    blank = wire.ViewChange(0, view, place, stable, prepared, NO_SIGNATURE)
    message = vote_bytes(VIEW_CHANGE, stage.chain_id, 0, view, stable.height, blank.digest())
    return msgspec.structs.replace(blank, signature=stage.signer(name).sign(message))


def new_view_of(stage: Stage, view: int, view_changes: tuple[wire.ViewChange, ...]) -> wire.NewView:
    """A NEW-VIEW that proposes nothing, signed by the view's primary."""
    blank = wire.NewView(0, view, view_changes, (), NO_SIGNATURE)
    primary = stage.epoch.members.members[stage.seat.primary(view)].id
    message = vote_bytes(NEW_VIEW, stage.chain_id, 0, view, 0, blank.digest())
    return msgspec.structs.replace(blank, signature=stage.signer(primary).sign(message))


@pytest.mark.parametrize("signed", [False, True])
def test_a_sequence_from_nowhere_in_a_new_view_computes_nothing(
    signed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-RS-3: the choice reaches to the highest sequence named, so names are judged before it.

    One message with a sequence of 2^52, signed by nobody or by a lying primary alone, would fill
    the memory of whoever computed what follows from it.
    """
    # R-VC-5
    stage = Stage()
    certificate = wire.PreparedCertificate(0, 2**52, bytes(32), NO_SIGNATURE, ())
    changes = tuple(
        view_change(stage, f"m{place}", 1, prepared=(certificate,)) for place in range(3)
    )
    message = new_view_of(stage, 1, changes)
    if not signed:
        message = msgspec.structs.replace(message, signature=NO_SIGNATURE)

    def computed(_: object) -> None:
        raise AssertionError("the choice was computed from what nobody checked")

    monkeypatch.setattr(new_view, "choose", computed)
    effects = stage["m2"].replica.step(Deliver("m1", wire.encode(message)))
    assert [one.finding for one in effects if isinstance(one, Report)] == [
        Suspicion("m1", "malformed-view-change" if signed else "malformed-new-view")
    ]


def test_a_flood_of_view_changes_costs_only_so_many_checks_in_a_period() -> None:
    """R-RS-4: each of them is properly signed and names a later view than the last."""
    stage = Stage()
    target = stage["m1"].replica
    collected = target._views._collected
    for view in range(1, 200):
        target.step(Deliver("m3", wire.encode(view_change(stage, "m3", view))))
    assert collected[3].view == JUDGED_MAX
    stage.ticks(JUDGED_PERIOD)
    target.step(Deliver("m3", wire.encode(view_change(stage, "m3", 500))))
    assert collected[3].view == 500, "an honest word sent again is heard"


def test_one_word_signed_in_two_ways_is_no_lie() -> None:
    stage = Stage()
    word = view_change(stage, "m3", 5)
    stage.inject("m3", "m1", word)
    stage.inject("m3", "m1", msgspec.structs.replace(word, signature=bytes([1]) * 64))
    assert stage.evidence == []


def test_a_primary_that_starts_a_view_in_two_ways_is_reported_with_proof() -> None:
    """C13: both NEW-VIEWs are valid; which q VIEW-CHANGEs they hold differs."""
    stage = Stage(6)
    changes = tuple(view_change(stage, f"m{place}", 1) for place in (0, 1, 3, 4, 5))
    stage.inject("m1", "m2", new_view_of(stage, 1, changes[:4]))
    assert stage["m2"].replica.view == 1
    stage.inject("m1", "m2", new_view_of(stage, 1, changes[:4]))
    assert stage.evidence == []
    stage.inject("m3", "m2", new_view_of(stage, 1, changes[1:]))  # whoever passes it on
    assert [one.member for one in stage.evidence if isinstance(one, Evidence)] == ["m1"]


def test_one_liars_findings_do_not_hide_anothers() -> None:
    findings = Findings()
    for number in range(10 * REPORTS_MAX):
        findings.add(Suspicion("m1", f"code-{number}"))
    findings.add(Suspicion("m2", "silent"))
    taken = findings.take()
    assert len(taken) == REPORTS_MAX + 1
    assert taken[-1] == Suspicion("m2", "silent")


def test_large_transactions_of_one_member_do_not_fill_the_pool() -> None:
    """R-RS-2: a share in bytes, too, and never more than the n-th of the pool."""
    stage = Stage()
    raws = [stage.transaction(number).raw for number in range(100)]
    settings = Settings(pool_size=40 * len(raws[0]), pool_source_size=40 * len(raws[0]))
    pool = Pool(settings, members=4)
    for place in range(1, 4):
        assert len(pool.take_in(raws[place * 20 :][:20], f"m{place}", 1, {})) == 10
    new, refused = pool.submit([stage.transaction(number) for number in range(10)], "m0", 1)
    assert (len(new), len(refused)) == (10, 0), "an n-th is left for the own clients"


def test_a_batch_that_is_too_large_is_known_before_all_its_bodies_are_here() -> None:
    """R-RS-3: or 2,000 bodies of 64 kB would be fetched and held for each sequence."""
    stage = Stage()
    transactions = [stage.transaction(number) for number in range(100)]
    log = SlotLog(0, 8)
    bodies = Bodies(log, Pool(Settings()))
    names = b"".join([one.digest for one in transactions])
    slot = log.open(1, 0)
    content = bodies.add(slot, wire.Batch(1, names), bytes(32))
    content.size = BLOCK_SIZE_MAX - 10 * len(transactions[0].raw)
    settled = [one for one in transactions if bodies.supply(one.digest, one)]
    assert len(settled) == 1
    assert content.invalid
    assert len(content.bodies) == 11
    assert not bodies.wanted
    assert BLOCK_TRANSACTIONS_MAX > 100  # such a batch is of legal form


def test_a_member_far_behind_a_checkpoint_is_not_made_to_hold_all_in_between() -> None:
    """R-RS-1: genuine commit certificates of a hundred heights, replayed to one that starts."""
    # DESIGN-4, R-CP-2, R-DW-1, R-Q-2, R-Q-3
    stage = Stage()
    stage.cut("m3")
    genuine = []
    for number in range(60):
        stage.submit("m0", number)
        slot = stage["m0"].replica._ordering.log.get(number + 1)
        if slot is not None and slot.decided is not None:
            genuine.append(slot.decided)
        for sender, _, one in stage.sent:
            if isinstance(one, wire.Committed) and sender == "m0":
                genuine.append(one)
    commits: dict[int, dict[int, wire.Commit]] = {}
    batches: dict[int, wire.Batch] = {}
    for sender, _, one in stage.sent:
        if isinstance(one, wire.Commit):
            commits.setdefault(one.sequence, {})[stage.epoch.members.index(sender)] = one
        elif isinstance(one, wire.PrePrepare):
            batches[one.sequence] = one.batch
    certificate = stage["m0"].disk.certificate
    assert certificate is not None
    stage.heal()
    target = stage["m3"].replica
    stable = wire.Stable.of(certificate, stage.epoch.members)
    target.step(Deliver("m2", wire.encode(wire.StableProof(0, stable))))
    assert target.stable == 60
    for sequence, batch in batches.items():
        seals = tuple(
            wire.Seal(place, commits[sequence][place].signature)
            for place in sorted(commits[sequence])
        )
        whole = wire.Committed(0, 0, sequence, batch, seals)
        target.step(Deliver("m2", wire.encode(whole)))
    assert 0 < len(target._ordering.log) <= 4 * SETTINGS.window


def test_who_claims_to_lag_is_shown_the_new_view_only_so_often() -> None:
    stage = Stage()
    stage.crash("m0")
    stage.submit("m1", 1)
    stage.until(lambda: stage.heights()[1:] == [1, 1, 1])
    target = stage["m1"].replica
    catch_up: CatchUp = target._catch_up
    shown = 0
    for tick in range(1, SETTINGS.resend_ticks * 3):
        catch_up.on_status("m3", wire.Status(0, 0, True, 1, 1), 10_000 + tick, target._stable)
        effects = target._outbox.take()
        shown += sum(
            isinstance(one, Send) and isinstance(wire.decode(one.data), wire.NewView)
            for one in effects
        )
    assert shown == 3


def test_a_certificate_whose_pre_prepare_the_primary_never_signed_is_refused() -> None:
    """R-Q-3: the PREPAREs alone are not enough."""
    stage = Stage()
    digest = bytes([7]) * 32

    def sign(name: str, kind: str) -> bytes:
        return stage.signer(name).sign(vote_bytes(kind, stage.chain_id, 0, 0, 1, digest))

    seals = tuple(wire.Seal(place, sign(f"m{place}", PREPARE)) for place in (1, 2))
    whole = wire.PreparedCertificate(0, 1, digest, sign("m0", PRE_PREPARE), seals)
    new_view.check_prepared(whole, stage.seat)
    for false in (sign("m3", PRE_PREPARE), sign("m0", PREPARE), NO_SIGNATURE):
        with pytest.raises(Malformed):
            new_view.check_prepared(msgspec.structs.replace(whole, signature=false), stage.seat)


def test_what_fetched_blocks_hold_is_waited_for_no_longer() -> None:
    """R-VC-11: or a member that was behind would blame the primary for what is done."""
    stage = Stage()
    stage.lose(lambda sender, target, one: not isinstance(one, wire.Transactions))
    stage.submit("m0", 1)
    target = stage["m3"].replica
    assert target.pending == 1
    target._ordering.held = True  # as after NeedState
    target.step(Installed(1, 5, None, (stage.transaction(1).digest,)))
    assert target.pending == 0
