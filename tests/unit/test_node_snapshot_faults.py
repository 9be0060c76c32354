"""A snapshot interrupted: by loss of power at any write, by servers slow, silent or gone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import node.snapshot.joining as joining_module
import node.snapshot.sources as sources_module
from ledger.errors import InvariantViolated
from node.archive import CERTIFIER_RECORD, ENGINE_RECORD, Gap
from node.snapshot.messages import (
    AskChunk,
    AskOffer,
    Gone,
    Headers,
    Holding,
    Ids,
    Message,
    Offer,
    Piece,
)
from node.snapshot.sources import STRIKES_MAX, Sources
from node.store import Batch
from tests.node_snapshot import SERVERS, Town, contents, small_pieces, states_of
from tests.node_world import Node, define


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    small_pieces(monkeypatch)


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    made = Town(tmp_path)
    yield made
    made.close()


class PowerLost(Exception):
    """The store is not there any more."""


def lose_power(node: Node, writes: int) -> None:
    """Let `writes` more batches reach the disk, and nothing after them."""
    store, real = node.store, node.store.write
    left = writes

    def write(batch: Batch, *, sync: bool) -> None:
        nonlocal left
        if left == 0:
            raise PowerLost
        left -= 1
        real(batch, sync=sync)

    store.write = write  # type: ignore[method-assign]


async def test_power_lost_at_any_write_leaves_the_old_state_or_the_new_one(tmp_path: Path) -> None:
    """R-CP-6; and the start anew goes on with what was fetched and ends the same."""
    town = Town(tmp_path)
    town.mature()
    height = town.server.executor.height
    before = len(town.joiner.store.batches)
    await town.join()
    writes = len(town.joiner.store.batches) - before
    town.close()
    assert writes > 20
    reached = set()
    for survived in range(writes):
        town = Town(tmp_path / str(survived))
        town.mature()
        old = contents(town.joiner)
        lose_power(town.joiner, survived)
        await town.join()
        assert "PowerLost" in str(town.joiner.driver.halted)
        joiner = town.open("m1")  # checks the state in force against its header
        reached.add(joiner.executor.height)
        if joiner.executor.height == 0:
            assert contents(joiner) == old
            assert joiner.archive.gap is None
        else:
            assert contents(joiner) == contents(town.server)
            assert joiner.archive.gap == Gap(1, height)
        town.asked.clear()
        await town.join()
        assert joiner.driver.halted is None
        assert states_of(joiner) == {joiner.archive.state.number}, "nothing is left behind"
        assert joiner.executor.height == height
        assert contents(joiner) == contents(town.server)
        batch = town.consumed, define("new")
        theirs = [town.nodes[name].block(*batch) for name in SERVERS]
        assert joiner.block(*batch).header == theirs[0].header
        town.close()
    assert reached == {0, height}


async def test_what_was_fetched_before_a_stop_is_not_fetched_again(town: Town) -> None:
    town.mature()
    await town.join()
    pieces = [one for _, one in town.asked if isinstance(one, AskChunk)]
    town.open("m1")  # as it was; then a member that loses power half way
    other = Town(town.folder / "again")
    other.mature()
    count = len(other.joiner.store.batches)
    lose_power(other.joiner, 12)
    await other.join()
    joiner = other.open("m1")
    transfer = joiner.archive.transfer()
    assert count
    assert transfer is not None
    done = joiner.archive.state_of(transfer.state).last_key()
    assert done is not None
    other.asked.clear()
    await other.join()
    assert not [one for _, one in other.asked if isinstance(one, AskOffer)]
    asked = [one.first for _, one in other.asked if isinstance(one, AskChunk)]
    assert asked
    assert min(asked) > done
    assert len(asked) < len(pieces)
    other.close()


async def test_promises_and_the_certifiers_records_are_what_they_were(town: Town) -> None:
    """R-CP-5: ballots are no part of the state, and a snapshot leaves them alone."""
    town.mature()
    archive = town.joiner.archive
    records = [(ENGINE_RECORD, 1, b"promised"), (CERTIFIER_RECORD, 1, b"cosigned")]
    archive.write_records(records)
    await town.join()
    assert archive.executed == town.server.executor.height
    for kind, number, record in records:
        assert archive.records(kind) == [(number, record)]


async def test_a_snapshot_never_moves_a_member_backward(town: Town) -> None:
    """R-CP-5: what was begun and is overtaken by blocks is forgotten; nothing older is taken."""
    town.mature()
    lose_power(town.joiner, 8)
    await town.join()
    joiner = town.open("m1")
    transfer = joiner.archive.transfer()
    assert transfer is not None
    joiner.catch_up._snapshot_above = 100
    await town.join()
    assert joiner.catch_up.installed == joiner.executor.height == transfer.height
    joiner.catch_up._snapshot_above = 0
    for name in SERVERS:
        town.nodes[name].catch_up.serving.let_go()  # what is held goes to those below it first
    town.grow(1)
    await town.join()
    assert joiner.executor.height == transfer.height + 1
    assert joiner.archive.gap == Gap(transfer.height + 1, transfer.height + 1)
    with pytest.raises(InvariantViolated, match="snapshot of height"):
        joiner.executor.change_over()
    old = town.open("m1")
    assert old.executor.height == transfer.height + 1
    assert old.archive.transfer() is None


async def test_a_chain_that_does_not_continue_ours_halts_us(town: Town) -> None:
    """More than f members signed two chains: nothing may be put in force over ours (R-DT-4)."""
    town.mature()
    town.joiner.block(define("another history"))
    await town.join()
    assert "does not continue ours" in str(town.joiner.driver.halted)
    assert town.joiner.archive.executed == 1


# Servers that are slow, silent or gone.


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining_module, "ANSWER_SECONDS", 0.05)
    monkeypatch.setattr(joining_module, "OFFER_SECONDS", 0.05)


@pytest.mark.usefixtures("impatient")
async def test_a_server_that_answers_nothing_is_not_waited_for(town: Town) -> None:
    town.mature()
    town.tamper = lambda sender, receiver, message: None if sender == "m2" else message
    await town.join()
    assert contents(town.joiner) == contents(town.server)
    assert town.joiner.executor.height == town.server.executor.height


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("kind", [Headers, Piece, Ids])
async def test_who_promises_and_gives_nothing_is_left_out(town: Town, kind: type) -> None:
    town.mature()
    silent = 0

    def tamper(sender: str, receiver: str, message: Message) -> Message | None:
        nonlocal silent
        if sender == "m2" and isinstance(message, kind):
            silent += 1
            return None
        return message

    town.tamper = tamper
    await town.join()
    assert contents(town.joiner) == contents(town.server)
    assert 1 <= silent <= STRIKES_MAX
    if silent == STRIKES_MAX:
        assert "snapshot: m2: does not answer" in town.joiner.driver.reports


@pytest.mark.parametrize("kind", [Headers, Piece, Ids])
async def test_servers_that_let_go_half_way_are_done_without(town: Town, kind: type) -> None:
    town.mature()
    gone: set[str] = set()

    def tamper(sender: str, receiver: str, message: Message) -> Message:
        if isinstance(message, Headers | Piece | Ids) and type(message) is kind and sender != "m4":
            gone.add(sender)
            town.nodes[sender].catch_up.serving.let_go()
            return Gone(message.height)
        return message

    town.tamper = tamper
    await town.join()
    assert gone
    assert contents(town.joiner) == contents(town.server)
    assert not town.joiner.driver.reports, "to hold a height no longer is no lie"


async def test_when_nobody_holds_the_height_any_more_another_is_fetched(town: Town) -> None:
    town.mature()
    begun = town.server.executor.height
    forgotten = False

    def tamper(sender: str, receiver: str, message: Message) -> Message:
        nonlocal forgotten
        if isinstance(message, Piece) and not forgotten:
            forgotten = True
            town.grow(100, items=0)  # out of the window of recent roots
            for name in SERVERS:
                town.nodes[name].catch_up.serving.let_go()
        return message

    town.tamper = tamper
    await town.join()
    assert town.server.executor.height == begun + 100
    assert town.joiner.executor.height == begun + 100
    assert town.joiner.archive.gap == Gap(1, begun + 100)
    assert contents(town.joiner) == contents(town.server)
    assert states_of(town.joiner) == {town.joiner.archive.state.number}, "nothing is left behind"


async def test_a_server_that_promises_and_then_has_nothing_cannot_go_on_for_ever(
    town: Town,
) -> None:
    town.mature()
    asked = 0

    def tamper(sender: str, receiver: str, message: Message) -> Message:
        nonlocal asked
        if isinstance(message, Headers | Piece | Ids):
            asked += 1
            return Gone(message.height)
        return message

    town.tamper = tamper
    await town.join()
    assert asked <= joining_module.ROUNDS_MAX * len(SERVERS)
    assert town.joiner.catch_up.installed == town.server.executor.height, "blocks did it"


async def test_an_old_offer_of_one_member_is_not_what_is_chosen(town: Town) -> None:
    """Who alone holds an old height could take its time."""
    town.mature()
    old: list[Offer] = []

    def tamper(sender: str, receiver: str, message: Message) -> Message:
        if isinstance(message, Offer) and sender == "m2":
            return old[0] if old else message
        return message

    town.tamper = tamper
    serving = town.server.catch_up.serving
    offer = serving._offer(0, 0.0)
    assert isinstance(offer, Offer)
    old.append(offer)
    town.grow(3)
    await town.join()
    assert town.joiner.executor.height == offer.height + 3
    assert town.joiner.catch_up.installed == 0


async def test_members_that_are_away_cost_no_time(town: Town) -> None:
    town.mature()
    town.away = {"m2", "m3"}
    await town.join()
    assert contents(town.joiner) == contents(town.server)


async def test_when_all_are_away_the_engine_hears_it_and_the_next_start_goes_on(town: Town) -> None:
    town.mature()

    def cut(sender: str, receiver: str, message: Message) -> Message:
        if isinstance(message, Ids):
            town.away = set(SERVERS)
        return message

    town.tamper = cut
    await town.join()
    assert town.joiner.executor.height == 0
    town.away, town.tamper = set(), lambda sender, receiver, message: message
    town.asked.clear()
    await town.join()
    assert town.joiner.executor.height == town.server.executor.height
    assert not [one for _, one in town.asked if isinstance(one, AskOffer)]
    assert len([one for _, one in town.asked if isinstance(one, AskChunk)]) == 1  # nothing is left


async def test_what_was_not_asked_for_is_not_looked_at(town: Town) -> None:
    town.mature()

    def tamper(sender: str, receiver: str, message: Message) -> Message:
        joining = town.joiner.catch_up.joining
        for stranger in ("m3", "m4"):
            for late in (
                Gone(message.height + 1 if isinstance(message, Piece) else 0),
                Holding(1),
                Headers(1, 5, (b"\x80",)),
                Ids(1, 1, 1, b""),
            ):
                if isinstance(message, Piece | Headers | Ids):
                    joining.deliver(stranger, late)
        return message

    town.tamper = tamper
    await town.join()
    assert contents(town.joiner) == contents(town.server)
    assert not town.joiner.driver.reports


def test_the_slow_are_asked_less_and_nobody_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    patience = sources_module.PATIENCE
    sources = Sources(lambda peer, why: None)
    for peer in ("quick", "quicker", "slow"):
        sources.add(peer)
    took = {"quick": 0.02, "quicker": 0.01, "slow": 4.0}
    asked = dict.fromkeys(took, 0)
    spent = dict.fromkeys(took, 0.0)
    now = 100.0
    while now < 1_100.0:
        peer = sources.by_turn()[0]
        sources.answered(peer, now, now + took[peer])
        asked[peer] += 1
        spent[peer] += took[peer]
        now += took[peer]
    assert spent["slow"] <= 1_000 / (patience - 1)
    assert asked["slow"] >= 1_000 / (patience * took["slow"]) - 1
    assert asked["quicker"] > asked["quick"] > 100 * asked["slow"]
