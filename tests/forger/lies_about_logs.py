"""Lies about what happened to an entity: events changed, left out, reordered, cut, bypassed."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from ledger.bundle import Logged
from ledger.claims import History, Trace
from ledger.leaf import LEAF, parse_state_value
from ledger.paths import Path
from tests.forger import stories
from tests.forger.forging import (
    Attempt,
    attempt,
    donation,
    false_world,
    false_world_of,
    forgery,
    honest,
    rebuilt,
    replayed,
    with_logs,
)
from tests.forger.stories import (
    DONATION,
    LOT_A,
    LOT_B,
    SHIPMENT,
    event,
)
from tests.forger.world import Call, World

# -- the log --------------------------------------------------------------------------------------


@forgery("integrity", "not-in-state")
def an_event_is_changed() -> Attempt:
    """The lot was received from somebody else: the first event names another donor."""

    def another_donor(leaves: list[bytes]) -> list[bytes]:
        leaf = LEAF.decode(leaves[0])
        leaves[0] = LEAF.encode(replace(leaf, body={**leaf.body, "donor": "somebody-else"}))
        return leaves

    return attempt(with_logs(honest(donation(), History(LOT_A)), LOT_A, another_donor), donation())


@forgery("integrity", "events-disagree")
def an_event_is_changed_in_one_of_its_logs_by_the_whole_chain() -> Attempt:
    """All members certified a state in which two logs tell one event differently."""
    world = stories.donation_world()
    life = world.lives[LOT_B]
    leaf = LEAF.decode(life.leaves[-1])
    other = stories.supply("lot", "L-B2")
    call = Call(
        [event("split", ((LOT_A, 1),), ((LOT_B, 1),))], {LOT_A: {"held": 99}, LOT_B: {"held": 1}}
    )
    world.grow([call, Call([event("noted", on=(other,))], {other: {}})])
    leaf = LEAF.decode(life.leaves[-1])
    lie = LEAF.encode(replace(leaf, body={"quantity": 2}))
    _rewrite_last(world, LOT_B, lie)
    return attempt(honest(world, Trace(LOT_A)), world)


@forgery("integrity", "events-disagree")
def two_events_of_one_block_are_dated_apart() -> Attempt:
    """Two logs, no event in common: only their block binds them to one time."""
    world = stories.donation_world()
    world.grow([Call([event("noted", on=(lot,))], {lot: {"held": 0}}) for lot in (LOT_A, LOT_B)])
    leaf = LEAF.decode(world.lives[LOT_B].leaves[-1])
    _rewrite_last(world, LOT_B, LEAF.encode(replace(leaf, time=leaf.time - 1)))
    return attempt(honest(world, Trace(DONATION)), world)


def _two_events_of_one_call(**lie: Any) -> Attempt:
    """One transaction leaves two events; all members certified the second as of another call."""
    world = stories.donation_world()
    twice = [event("noted", on=(LOT_A,)), event("noted", on=(LOT_A,))]
    world.grow([Call(twice, {LOT_A: {"held": 100}})])
    leaf = LEAF.decode(world.lives[LOT_A].leaves[-1])
    _rewrite_last(world, LOT_A, LEAF.encode(replace(leaf, **lie)))
    return attempt(honest(world, History(LOT_A)), world)


@forgery("integrity", "events-disagree")
def two_events_of_one_transaction_name_two_transactions() -> Attempt:
    return _two_events_of_one_call(transaction=bytes(32))


@forgery("integrity", "events-disagree")
def two_events_of_one_transaction_name_two_contracts() -> Attempt:
    return _two_events_of_one_call(contract="datasharing")


@forgery("integrity", "events-disagree")
def two_events_of_one_transaction_name_two_contract_versions() -> Attempt:
    return _two_events_of_one_call(contract_version=2)


def _rewrite_last(world: World, path: Path, leaf: bytes) -> None:
    """Replace the last leaf of a log in the state itself, and let every member certify it in a next
    block.
    """
    life = world.lives[path]
    leaves = [*life.leaves[:-1], leaf]
    life.leaves, life.frontier = [], ()
    for one in leaves:
        life.append(one)
    world.grow([], touched=(path,))
    world.certify()


@forgery("authority", "not-certified")
def an_event_is_changed_and_the_chain_rebuilt() -> Attempt:
    def story(world: World) -> None:
        world.grow([stories.receipt(DONATION, ((LOT_A, 5),), "a-firm")])

    return rebuilt(false_world(story), Trace(DONATION))


@forgery("integrity", "not-in-state")
def an_event_is_left_out() -> Attempt:
    bundle = honest(donation(), History(LOT_A))
    return attempt(with_logs(bundle, LOT_A, lambda leaves: leaves[:2] + leaves[3:]), donation())


def world_without_the_proposal() -> World:
    """The donation's chain as if nothing had been proposed: what came later is one block earlier,
    an empty block keeps the size, and every position, frontier, root and header follows.
    """
    blocks = stories.donation_blocks()
    return false_world_of([*blocks[:2], *blocks[3:], []])


@forgery("authority", "not-certified")
def an_event_is_left_out_and_the_chain_rebuilt() -> Attempt:
    return rebuilt(world_without_the_proposal(), Trace(LOT_A))


@forgery("authority", "not-certified")
def an_event_is_left_out_and_the_chain_rebuilt_with_replayed_cosignatures() -> Attempt:
    return replayed(world_without_the_proposal(), Trace(LOT_A))


@forgery("integrity", "leaf-order")
def history_is_reordered() -> Attempt:
    bundle = honest(donation(), History(LOT_A))
    return attempt(
        with_logs(bundle, LOT_A, lambda leaves: [leaves[1], leaves[0], *leaves[2:]]), donation()
    )


def world_inspected_after_the_proposal() -> World:
    """The donation's chain with two blocks exchanged, and the lot's record as it then stood at the
    inspection; the last records are the true ones.
    """
    blocks = stories.donation_blocks()
    other_received, inspected = blocks[1]
    late = Call(inspected.events, {LOT_A: {"held": 100}})
    return false_world_of([blocks[0], blocks[2], [other_received, late], *blocks[3:]])


@forgery("authority", "not-certified")
def history_is_reordered_and_the_chain_rebuilt() -> Attempt:
    return rebuilt(world_inspected_after_the_proposal(), Trace(LOT_A))


@forgery("authority", "not-certified")
def history_is_reordered_and_the_chain_rebuilt_with_replayed_cosignatures() -> Attempt:
    return replayed(world_inspected_after_the_proposal(), Trace(LOT_A))


@forgery("integrity", "leaf-order")
def an_event_is_told_twice() -> Attempt:
    bundle = honest(donation(), History(LOT_A))
    return attempt(with_logs(bundle, LOT_A, lambda leaves: [leaves[0], *leaves]), donation())


@forgery("integrity", "record-without-event")
def the_tail_is_cut() -> Attempt:
    bundle = honest(donation(), History(SHIPMENT))
    return attempt(with_logs(bundle, SHIPMENT, lambda leaves: leaves[:-1]), donation())


@forgery("integrity", "not-in-state")
def the_tail_is_cut_where_the_last_event_left_the_record_as_it_was() -> Attempt:
    bundle = honest(donation(), History(LOT_A))
    return attempt(with_logs(bundle, LOT_A, lambda leaves: leaves[:-1]), donation())


@forgery("integrity", "not-in-state")
def the_tail_is_cut_and_the_record_of_that_time_shown() -> Attempt:
    """The record agrees with the last leaf shown: only the frontier betrays the cut."""
    bundle = honest(donation(), History(SHIPMENT))
    (shown,) = bundle.entities
    if not isinstance(shown, Logged):
        raise TypeError(shown)
    earlier = donation().value(SHIPMENT, 5)
    if earlier is None:
        raise ValueError(SHIPMENT)
    record = parse_state_value(earlier).record
    cut = replace(shown, record=record, leaves=shown.leaves[:-1])
    return attempt(replace(bundle, entities=(cut,)), donation())


@forgery("completeness", "older-state")
def the_tail_is_cut_by_an_older_state_under_the_newest_checkpoint() -> Attempt:
    return _older_state()


@forgery("completeness", "older-state")
def an_older_state_is_shown_to_a_reader_who_asks_for_the_newest() -> Attempt:
    now = donation().certificate().timestamps()[1] + 1
    return _older_state(now_s=now, max_age_s=600)


def _older_state(**asked: Any) -> Attempt:
    """Header 5 truly stands in the chain, and the shipment had not been used then."""
    world = donation()
    world_then = stories.donation_world()
    world_then.certify(size=5)
    del world_then.certificates[6]
    bundle = honest(world_then, History(SHIPMENT))
    bundle = replace(
        bundle,
        checkpoint=world.certificate().to_note(world.genesis.members),
        inclusion=tuple(world.inclusion(5, 6)),
    )
    return attempt(bundle, world, **asked)


@forgery("authority", "not-certified")
def the_tail_is_cut_and_the_chain_rebuilt() -> Attempt:
    world = stories.donation_world()
    world.certify(size=5)
    del world.certificates[6]
    return rebuilt(world, Trace(DONATION))


@forgery("integrity", "log-empty")
def all_events_are_left_out() -> Attempt:
    return attempt(with_logs(honest(donation(), History(LOT_A)), LOT_A, lambda _: []), donation())


@forgery("integrity", "leaf-of-another-entity")
def the_log_of_another_entity_is_shown() -> Attempt:
    world = donation()
    leaves = world.lives[LOT_B].leaves
    return attempt(with_logs(honest(world, History(LOT_A)), LOT_A, lambda _: leaves), world)


@forgery("integrity", "record-without-event")
def the_record_is_changed() -> Attempt:
    bundle = honest(donation(), History(LOT_A))
    (shown,) = bundle.entities
    lie = replace(shown, record=donation().lives[LOT_B].record)
    return attempt(replace(bundle, entities=(lie,)), donation())


@forgery("integrity", "record-without-event")
def a_write_bypassed_its_log() -> Attempt:
    """Every member certified it; the last event of the lot left another record."""
    world = stories.donation_world()
    world.grow([], bypass={LOT_A: {"held": 0}})
    world.certify()
    return attempt(honest(world, History(LOT_A)), world)


@forgery("integrity", "event-missing-in-log")
def an_event_bypassed_the_log_of_an_entity_it_names() -> Attempt:
    """Every member certified a state in which the lot's log lacks the proposal that took from
    it.
    """
    world = stories.donation_world()
    call = Call(
        [event("split", ((LOT_A, 1),), ((LOT_B, 1),))], {LOT_A: {"held": 9}, LOT_B: {"held": 1}}
    )
    world.grow([call], skip=(LOT_B,))
    world.certify()
    return attempt(honest(world, Trace(LOT_A)), world)


def _moved(height: int = 0, time: int = 0) -> Attempt:
    """All members certified the lot's last event at another height or time, so much later."""
    world = stories.donation_world()
    leaf = LEAF.decode(world.lives[LOT_A].leaves[-1])
    moved = replace(leaf, height=leaf.height + height, time=leaf.time + time)
    _rewrite_last(world, LOT_A, LEAF.encode(moved))
    return attempt(honest(world, History(LOT_A)), world)


@forgery("integrity", "leaf-after-header")
def an_event_from_the_future_is_certified() -> Attempt:
    return _moved(height=99)


@forgery("integrity", "leaf-time")
def an_event_is_backdated() -> Attempt:
    return _moved(time=-86_400_000)


@forgery("integrity", "leaf-time")
def an_event_is_dated_after_the_newest_block() -> Attempt:
    return _moved(time=86_400_000)


@forgery("integrity", "leaf-time")
def an_event_of_the_newest_block_is_dated_before_it() -> Attempt:
    return _moved(height=1)  # used in block 6, and certified by block 7


@forgery("integrity", "leaf-time")
def two_events_of_one_block_are_dated_apart_in_one_log() -> Attempt:
    world = stories.donation_world()
    twice = [event("noted", on=(LOT_A,)), event("noted", on=(LOT_A,))]
    world.grow([Call(twice, {LOT_A: {"held": 100}})])
    leaf = LEAF.decode(world.lives[LOT_A].leaves[-1])
    _rewrite_last(world, LOT_A, LEAF.encode(replace(leaf, time=leaf.time + 1)))
    return attempt(honest(world, History(LOT_A)), world)


def _of_genesis(**lie: Any) -> Attempt:
    """An entity that is said to be of genesis, and that genesis does not have."""
    world = stories.donation_world()
    other = stories.supply("lot", "L-0")
    world.grow([Call([event("noted", on=(other,))], {other: {}})])
    leaf = LEAF.decode(world.lives[other].leaves[-1])
    first = replace(leaf, height=0, transaction_index=0, event_index=0, time=world.genesis.time)
    _rewrite_last(world, other, LEAF.encode(replace(first, **lie)))
    return attempt(honest(world, History(other)), world)


@forgery("integrity", "leaf-of-another-genesis")
def an_entity_of_genesis_comes_from_elsewhere() -> Attempt:
    return _of_genesis()


@forgery("integrity", "leaf-of-another-genesis")
def an_entity_of_genesis_is_older_than_genesis() -> Attempt:
    genesis = donation().genesis
    return _of_genesis(transaction=genesis.chain_id, time=genesis.time - 1)
