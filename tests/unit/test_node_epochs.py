"""Members come, go and renew their keys: real members in one loop, without sockets."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chaincode.registry import CONTRACTS
from ledger.block import HEADER
from ledger.checkpoint import Certificate, verify_certificate
from ledger.membership import MemberSet
from ledger.merkle_log import leaf_hash, verify_inclusion
from node.archive import CERTIFIER_RECORD, ENGINE_RECORD
from node.epochs import Handover
from node.fsck import check
from node.keyring import ConfigError
from node.member import Member
from tests.node_power import Power
from tests.node_town import Town, entered
from tests.node_world import MEMBERS
from tests.toys.governance import Dictator


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    made = Town(tmp_path / "c", contracts=(*CONTRACTS, Dictator))
    made.start()
    yield made
    made.stop()


def epoch(member: Member) -> int:
    return member.executor.epochs.current.number


def cosigners(town: Town, one: str) -> list[bytes]:
    return town.config(one).cosigners.publics()


async def test_all_members_renew_their_cosigner_keys_and_go_on(town: Town) -> None:
    await town.blocks(2)
    before = {one: cosigners(town, one) for one in MEMBERS}
    after = MemberSet(tuple(town.renewed(*MEMBERS)))
    town.members["m2"].driver.submit([town.change(after)])
    await entered(town, 1)
    assert len({member.executor.epochs.current.base for member in town.members.values()}) == 1
    await town.blocks(3)
    height = await town.agree()
    headers = {m.archive.header(height) for m in town.members.values()}
    assert len(headers) == 1
    for one, member in town.members.items():
        (boundary,) = member.executor.epochs.handovers(height)
        verify_walk(town, member, height)
        assert boundary.members == after.encode()
        (key,) = cosigners(town, one)
        entry = after.get(one)
        assert entry is not None
        assert key == entry.cosigner_key
        assert before[one] != [key], "the old key is gone from disk"


def verify_walk(town: Town, member: Member, size: int) -> None:
    """From genesis to the set that certifies `size`, as a stranger would check it."""
    genesis = member.config.genesis
    members = genesis.members
    for number, one in enumerate(member.executor.epochs.handovers(size)):
        assert isinstance(one, Handover)
        certificate = Certificate.from_note(one.note, members)
        verify_certificate(certificate, members, genesis.origin)
        header, root = HEADER.decode(one.header), certificate.checkpoint.root
        assert (header.epoch, header.height) == (number, certificate.checkpoint.size)
        assert verify_inclusion(
            leaf_hash(one.header), one.height - 1, one.height, one.inclusion, root
        )
        members = MemberSet.decode(one.members)
        assert header.members == members.digest()
    newest = member.driver.certificate
    assert newest is not None
    verify_certificate(newest, members, genesis.origin)


async def test_a_fifth_member_follows_before_it_has_a_seat_and_takes_it_at_the_boundary(
    town: Town,
) -> None:
    await town.blocks(2)
    entry = town.newcomer("m5")
    town.start("m5")
    newcomer = town.members["m5"]
    await town.until(lambda: newcomer.executor.height >= 2)
    assert newcomer.health()["status"] == "following"
    assert newcomer.health()["reason"] == "m5 is not a member in epoch 0"
    after = MemberSet((*town.renewed(*MEMBERS), entry))
    town.members["m2"].driver.submit([town.change(after)])
    await entered(town, 1)
    assert newcomer.driver.is_seated
    town.cut = {"m1"}  # now the newcomer's word is needed: four of five
    await town.blocks(2, at="m5")
    await town.agree("m2", "m3", "m4", "m5")
    certificate = newcomer.driver.certificate
    assert certificate is not None
    assert "m5" in {line.member for line in certificate.cosignatures}


async def test_a_member_that_joins_late_walks_over_all_boundaries_from_genesis(town: Town) -> None:
    entry = town.newcomer("m5")
    await town.blocks(1)
    town.members["m1"].driver.submit([town.change(MemberSet((*town.renewed(*MEMBERS), entry)))])
    await entered(town, 1)
    for number in (2, 3):
        # A new key for all who run; m5's is made by its operator, though it does not run yet.
        after = MemberSet(tuple(town.renewed(*MEMBERS, "m5")))
        town.members["m3"].driver.submit([town.change(after)])
        await entered(town, number)
    town.start("m5")
    await entered(town, 3, "m5")
    height = await town.agree()
    verify_walk(town, town.members["m5"], height)
    assert len(cosigners(town, "m5")) == 1, "keys of epochs it never sat in are gone, too"
    await town.blocks(1, at="m5")


async def test_a_replaced_member_signs_nothing_more_and_still_serves(town: Town) -> None:
    entry = town.newcomer("m6")
    await town.blocks(1)
    town.start("m6")
    after = MemberSet((*town.renewed("m1", "m3", "m4"), entry))
    town.members["m1"].driver.submit([town.change(after)])
    await entered(town, 1)
    left = town.members["m2"]
    assert left.driver._certifier is None
    assert not left.archive.records(ENGINE_RECORD)
    assert cosigners(town, "m2") == [], "its key is destroyed though it has no new one"
    height = left.executor.height
    await town.blocks(2, at="m6")
    await town.until(lambda: left.executor.height >= height + 2)
    assert left.health()["status"] == "following"
    mine = town.transaction()
    waiter = left.waiting.wait(mine)
    left.driver.submit([mine])
    assert waiter.result() == "no-seat"
    # A member that lost everything can still catch up from the one that left.
    town.stop("m3")
    shutil.rmtree(town.config("m3").data)
    town.cut = {"m1", "m4", "m6"}
    town.start("m3")
    await town.until(lambda: town.members["m3"].executor.height >= height + 2)
    assert epoch(town.members["m3"]) == 1


async def test_who_loses_all_in_a_later_epoch_walks_there_and_stays_silent_in_it(
    town: Town,
) -> None:
    """The keys of the epochs it walks through are destroyed; of this one it may have spoken."""
    await town.blocks(1)
    town.members["m1"].driver.submit([town.change(MemberSet(tuple(town.renewed(*MEMBERS))))])
    await entered(town, 1)
    town.stop("m4")
    shutil.rmtree(town.config("m4").data)
    town.start("m4")
    await entered(town, 1, "m4")
    lost = town.members["m4"].driver._replica
    assert lost is not None
    assert lost.lost
    assert not town.members["m4"].archive.records(CERTIFIER_RECORD)
    # A key made after the loss proves that nothing was said with it.
    town.members["m1"].driver.submit([town.change(MemberSet(tuple(town.renewed(*MEMBERS))))])
    await entered(town, 2)
    again = town.members["m4"].driver._replica
    assert again is not None
    assert not again.lost


async def test_a_member_that_left_restarts_without_a_seat_and_may_come_back(town: Town) -> None:
    await town.blocks(1)
    first = town.newcomer("m5")
    town.start("m5")
    stay = ("m1", "m3", "m4")
    town.members["m1"].driver.submit([town.change(MemberSet((*town.renewed(*stay), first)))])
    await entered(town, 1)
    town.stop("m2")
    town.start("m2")
    await town.until(lambda: town.members["m2"].health()["status"] == "following")
    back = MemberSet(tuple(town.renewed("m1", "m2", "m3", "m4", "m5")))
    town.members["m1"].driver.submit([town.change(back)])
    await entered(town, 2)
    assert town.members["m2"].driver.is_seated
    await town.blocks(1, at="m2")


async def test_a_member_several_epochs_behind_reaches_its_seat_step_by_step(town: Town) -> None:
    await town.blocks(2)
    town.stop("m4")
    for number in (1, 2, 3):
        after = MemberSet(tuple(town.renewed(*MEMBERS)))
        town.members["m2"].driver.submit([town.change(after)])
        await entered(town, number)
        await town.blocks(1)
    town.start("m4")
    await entered(town, 3, "m4")
    verify_walk(town, town.members["m4"], await town.agree())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda town, entries: entries[:2],
        lambda town, entries: [*entries[:3], town.members["m4"].config.genesis.members.get("m4")],
        lambda town, entries: [*entries[:2], *town_strangers(town)],
    ],
    ids=["too few", "an old cosigner key", "two of four leave at once"],
)
async def test_a_set_that_could_not_take_over_is_refused_and_the_chain_goes_on(
    town: Town, spoil: object
) -> None:
    await town.blocks(1)
    entries = spoil(town, town.renewed(*MEMBERS))  # type: ignore[operator]
    bad = town.change(MemberSet(tuple(entries)))
    member = town.members["m2"]
    waiter = member.waiting.wait(bad)
    member.driver.submit([bad])
    await town.until(waiter.done)
    outcome = waiter.result()
    assert isinstance(outcome, tuple)
    result = member.blocks.result(*outcome)
    assert result.code == "bad-member-set"
    await town.blocks(1)
    assert epoch(member) == 0
    assert member.executor.next_epoch is None


def town_strangers(town: Town) -> list[object]:
    return [town.newcomer("m8"), town.newcomer("m9")]


async def test_of_two_changes_in_one_block_the_last_accepted_one_counts(town: Town) -> None:
    """Both follow the set in force; that of the first was never in force."""
    await town.blocks(1)
    first, second = (MemberSet(tuple(town.renewed(*MEMBERS))) for _ in range(2))
    changes = [town.change(first), town.change(second)]
    for one in MEMBERS:
        town.members[one].driver.submit(changes)
    await entered(town, 1)
    member = town.members["m1"]
    places = [member.archive.place(one.id) for one in changes]
    assert places[0] is not None
    current = member.executor.epochs.current
    if places[1] is not None and places[1][0] == places[0][0]:
        assert current.members == second
    assert current.base == places[0][0]


@pytest.mark.parametrize("writes", range(14))
async def test_a_member_that_dies_at_any_write_around_the_boundary_comes_back(
    town: Town, writes: int
) -> None:
    await town.blocks(1)
    await town.agree()
    victim = town.members["m3"]
    store = Power(victim.archive._store, writes)
    victim.archive._store = store  # type: ignore[assignment]
    victim.archive.epochs._store = store  # type: ignore[assignment]
    town.doomed = {"m3"}
    after = MemberSet(tuple(town.renewed(*MEMBERS)))
    town.members["m2"].driver.submit([town.change(after)])
    await town.until(lambda: victim.driver.halted is not None or epoch(victim) == 1)
    await entered(town, 1, "m1", "m2", "m4")
    town.stop("m3")
    town.doomed = set()
    outcome = check(town.config("m3"), contracts=town.contracts)
    assert outcome.findings == ()
    town.start("m3")
    await entered(town, 1)
    await town.blocks(1, at="m3")
    height = await town.agree()
    assert len({m.archive.header(height) for m in town.members.values()}) == 1
    assert len(cosigners(town, "m3")) == 1


async def test_all_die_between_the_boundary_and_its_certificate_and_go_on(town: Town) -> None:
    """Cosignatures were on their way to nobody; whoever comes back says them again."""
    await town.blocks(1)
    await town.agree()
    after = MemberSet(tuple(town.renewed(*MEMBERS)))
    for member in town.members.values():
        member.driver._certified = lambda *_: None  # type: ignore[method-assign]
    town.members["m2"].driver.submit([town.change(after)])
    await town.until(lambda: all(m.executor.next_epoch is not None for m in town.members.values()))
    town.stop()
    town.start()
    await entered(town, 1)
    await town.blocks(1)


async def test_a_member_without_the_key_its_epoch_names_follows_and_says_why(town: Town) -> None:
    await town.blocks(1)
    entries = town.renewed(*MEMBERS)
    key = town.places["m4"] / "cosigners" / entries[3].cosigner_key.hex()
    saved = key.read_bytes()
    key.unlink()
    town.members["m2"].driver.submit([town.change(MemberSet(tuple(entries)))])
    await entered(town, 1)
    member = town.members["m4"]
    assert not member.driver.is_seated
    assert f"no key {key.name}" in member.health()["reason"]
    town.stop("m4")
    key.write_bytes(saved)
    key.chmod(0o644)
    with pytest.raises(ConfigError, match=r"readable by others \(mode 644\); make it 600"):
        town.start("m4")
    town.opened["m4"].close()
    key.chmod(0o600)
    town.start("m4")
    await town.blocks(1)
    assert town.members["m4"].driver.is_seated


async def test_folders_that_saw_changes_of_members_are_checked_like_any_other(town: Town) -> None:
    for number in (1, 2):
        await town.blocks(2)
        after = MemberSet(tuple(town.renewed(*MEMBERS)))
        town.members["m2"].driver.submit([town.change(after)])
        await entered(town, number)
    await town.agree()
    store = town.members["m1"].archive._store
    key = b"g" + (1).to_bytes(8, "big")
    kept = store.get(key)
    assert kept is not None
    town.stop()
    for one in MEMBERS:
        outcome = check(town.config(one), contracts=town.contracts)
        assert outcome.findings == (), one
