"""A snapshot of a later epoch: the walk over all changes of members before it, and a seat after it.

Real members in one loop, without sockets; who is asked may lie about who followed whom.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

import node.snapshot.serving as serving_module
from chaincode.registry import CONTRACTS
from ledger.block import HEADER
from ledger.errors import InvariantViolated
from ledger.membership import Member, MemberSet
from node.archive import ENGINE_RECORD
from node.epoch_store import EpochStore, StoredHandover
from node.snapshot.messages import AskWalk, Offer, Question
from tests.node_snapshot import contents_of
from tests.node_town import Town, entered
from tests.node_world import MEMBERS
from tests.toys.governance import Dictator


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    made = Town(tmp_path / "c", contracts=(*CONTRACTS, Dictator))
    made.start()
    made.snapshot_above = 1
    yield made
    made.stop()


async def renew(town: Town, number: int, *more: Member, who: tuple[str, ...] = MEMBERS) -> None:
    """All of `who` renew their keys and `more` come; wait until those who run are in the epoch."""
    after = MemberSet((*town.renewed(*who), *more))
    town.members["m2"].driver.submit([town.change(after)])
    await entered(town, number, *(one for one in who if one in town.members and one != "m1"))


def told_of(epochs: EpochStore) -> list[tuple[int, bytes, tuple[bytes, ...], bytes]]:
    """What the handovers say, whoever signed them."""
    return [(at, one.header, one.inclusion, one.members) for at, one in epochs.handovers()]


async def grown(town: Town, epochs: int) -> Member:
    """A chain of so many changes of members, the fifth among them; its entry."""
    entry = town.newcomer("m5")
    await town.blocks(2)
    await renew(town, 1, entry)
    for number in range(2, epochs + 1):
        await renew(town, number, who=(*MEMBERS, "m5"))
        await town.blocks(1)
    return entry


async def test_a_member_with_nothing_takes_the_state_of_a_later_epoch_and_votes(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving_module, "HANDOVERS_AT_ONCE", 2)  # the walk takes several answers
    await grown(town, 5)
    town.start("m5")
    newcomer = town.members["m5"]
    await entered(town, 5, "m5")
    await town.agree()
    gap = newcomer.archive.gap
    assert gap is not None
    assert gap.first == 1
    boundary = newcomer.executor.epochs.handover(5)
    assert boundary is not None
    assert gap.last > boundary.height, "no block of an earlier epoch was executed"
    ours, theirs = newcomer.archive.epochs, town.members["m3"].archive.epochs
    # Each keeps the words of some q members for a boundary, not always of the same ones.
    assert told_of(ours) == told_of(theirs)
    assert newcomer.driver.is_seated
    town.cut = {"m1"}  # now the newcomer's word is needed: four of five
    await town.blocks(2, at="m5")
    await town.agree("m2", "m3", "m4", "m5")
    certificate = newcomer.driver.certificate
    assert certificate is not None
    assert "m5" in {line.member for line in certificate.cosignatures}
    assert contents_of(newcomer.archive) == contents_of(town.members["m2"].archive)


async def test_a_member_that_slept_over_several_epochs_takes_its_seat_in_the_newest(
    town: Town,
) -> None:
    """Its promises of the old epoch go with the handovers: both or neither."""
    await town.blocks(1)
    town.stop("m1")
    town.start("m1")
    town.cut = {"m1"}
    sleeper = town.members["m1"]
    assert sleeper.driver.is_seated
    await town.blocks(3)
    for number in (1, 2, 3):
        await renew(town, number)
    await town.blocks(2)
    old = sleeper.archive.records(ENGINE_RECORD)
    assert old
    slept_at = sleeper.executor.height
    town.cut = set()
    await entered(town, 3, "m1")
    await town.agree()
    assert sleeper.archive.gap is not None
    assert sleeper.archive.gap.first == slept_at + 1
    assert sleeper.driver.is_seated
    for record in old:
        assert record not in sleeper.archive.records(ENGINE_RECORD)
    town.cut = {"m4"}
    await town.blocks(2, at="m1")
    await town.agree("m1", "m2", "m3")


async def test_stopped_between_change_over_and_seat_it_starts_in_the_new_epoch(town: Town) -> None:
    await grown(town, 2)
    town.start("m5")
    newcomer = town.members["m5"]
    await town.until(lambda: newcomer.archive.gap is not None)
    town.stop("m5")
    town.start("m5")
    assert town.members["m5"].executor.epochs.current.number == 2
    await entered(town, 2, "m5")
    town.cut = {"m1"}
    await town.blocks(1, at="m5")


# Lies.


def another_set(one: StoredHandover, former: StoredHandover) -> StoredHandover:
    return replace(one, members=former.members)


def set_and_header(one: StoredHandover, former: StoredHandover) -> StoredHandover:
    """A header that names the set shown: only the certified root speaks against it."""
    members = MemberSet.decode(former.members)
    header = replace(HEADER.decode(one.header), members=members.digest())
    return replace(one, header=HEADER.encode(header), members=former.members)


def few_signatures(one: StoredHandover, former: StoredHandover) -> StoredHandover:
    return replace(one, note="\n".join(one.note.split("\n")[:-2]) + "\n")


LIES: dict[str, Callable[[StoredHandover, StoredHandover], StoredHandover]] = {
    "another set": another_set,
    "another set and a header to it": set_and_header,
    "the handover before it": lambda one, former: former,
    "the certificate of another boundary": lambda one, former: replace(one, note=former.note),
    "too few signatures": few_signatures,
    "no inclusion": lambda one, former: replace(one, inclusion=()),
    "no header": lambda one, former: replace(one, header=b"\x80"),
    "no set": lambda one, former: replace(one, members=b"\x80"),
}


def lying(town: Town, one: str, lie: str) -> None:
    serving = town.members[one].catch_up.serving
    honest, epochs = serving._walk, town.members[one].executor.epochs
    first = epochs.handover(1)
    assert first is not None

    def walk(after: int) -> tuple[StoredHandover, ...]:
        told = honest(after)
        if lie == "nothing":
            return ()
        return (*told[:-1], LIES[lie](told[-1], first.stored())) if told else told

    serving._walk = walk  # type: ignore[method-assign]


@pytest.mark.parametrize("lie", [*LIES, "nothing"])
async def test_who_lies_about_who_followed_whom_is_left_out(town: Town, lie: str) -> None:
    await grown(town, 2)
    lying(town, "m2", lie)
    lying(town, "m4", lie)
    take, held = town.members["m3"].catch_up.serving.take, []

    def later(peer: str, question: Question) -> None:
        if isinstance(question, AskWalk):
            held.append((peer, question))  # the honest one answers last
        else:
            take(peer, question)

    town.members["m3"].catch_up.serving.take = later  # type: ignore[method-assign]
    town.cut = {"m1"}
    town.start("m5")
    newcomer = town.members["m5"]
    await town.until(lambda: held and len(newcomer.driver.reports) == 2)
    assert {report.split(": ")[1] for report in newcomer.driver.reports} == {"m2", "m4"}
    take(*held[0])
    await town.until(lambda: newcomer.archive.gap is not None)
    town.cut = set()
    await entered(town, 2, "m5")
    await town.agree()


@pytest.mark.parametrize("lie", LIES)
async def test_when_all_lie_blocks_lead_over_the_boundaries(town: Town, lie: str) -> None:
    await grown(town, 2)
    for one in MEMBERS:
        lying(town, one, lie)
    town.start("m5")
    newcomer = town.members["m5"]
    await entered(town, 2, "m5")
    assert newcomer.archive.gap is None
    assert newcomer.catch_up.installed >= 2


async def test_two_boundaries_of_one_epoch_halt_the_member(town: Town) -> None:
    """More than f members signed both: what they sign now is worth no more (R-DT-4)."""
    await grown(town, 2)
    town.start("m5")
    newcomer = town.members["m5"]
    town.doomed = {"m5"}
    joining = newcomer.catch_up.joining
    finish, archive = joining._install, newcomer.archive

    def install(transfer: object) -> None:
        boundary = town.members["m2"].executor.epochs.handover(1)
        assert boundary is not None
        archive.write_headers([(boundary.height, boundary.header[:-1] + b"\x00")])
        finish(transfer)  # type: ignore[arg-type]

    joining._install = install  # type: ignore[method-assign]
    await town.until(lambda: newcomer.driver.halted)
    assert InvariantViolated.__name__ in str(newcomer.driver.halted)
    assert archive.gap is None


async def test_a_boundary_is_not_offered(town: Town) -> None:
    """Whoever took it would not know who certifies the next block."""
    await grown(town, 1)
    member = town.members["m2"]
    boundary = member.executor.epochs.handover(1)
    assert boundary is not None
    serving = member.catch_up.serving
    serving.let_go()
    member.driver.certificates.newest = member.executor.epochs.certificate(1)
    offer = serving._offer(0, 0.0)
    assert isinstance(offer, Offer)
    assert offer.height != boundary.height
