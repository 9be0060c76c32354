"""Lies about what belongs to an answer: branches dropped, grants hidden, absence, other
questions.
"""

from __future__ import annotations

from msgspec.structs import replace

from ledger.bundle import Absent, Logged
from ledger.claims import Absence, Accesses, Entity, History, ListOf, Trace, handle_path
from ledger.leaf import parse_state_value
from tests.forger import stories
from tests.forger.forging import (
    Attempt,
    accesses,
    attempt,
    donation,
    forgery,
    honest,
    proved,
    with_logs,
    without,
)
from tests.forger.stories import (
    ALLOCATION,
    DATASET,
    DONATION,
    GRANT_1,
    GRANT_2,
    HANDLE_1,
    HANDLE_2,
    LOT_A,
    LOT_B,
    OTHER_DONATION,
    OTHER_LOT,
    PAIRS,
    SHIPMENT,
    STRANGER_PAIR,
)
from tests.forger.world import Call

# -- the graph ------------------------------------------------------------------------------------


@forgery("completeness", "entity-missing")
def a_branch_is_dropped_with_its_proof() -> Attempt:
    bundle = without(honest(donation(), Trace(DONATION)), LOT_B)
    return attempt(proved(bundle, donation()), donation())


@forgery("completeness", "entity-missing")
def what_was_taken_from_an_entity_that_is_still_there_is_dropped() -> Attempt:
    """The lot went in and came out again; the sample came of it (DESIGN 2.3)."""
    world, sample = stories.donation_world(), stories.supply("lot", "L-sample")
    sampled = stories.event("sampled", ((LOT_A, 100),), ((LOT_A, 99), (sample, 1)))
    world.grow([Call([sampled], {LOT_A: {"held": 99}, sample: {"held": 1}})])
    world.certify()
    bundle = without(honest(world, Trace(LOT_A)), sample)
    return attempt(proved(bundle, world), world)


@forgery("integrity", "not-in-state")
def a_branch_is_dropped_and_its_proof_left() -> Attempt:
    return attempt(without(honest(donation(), Trace(DONATION)), LOT_B), donation())


@forgery("completeness", "entity-missing")
def the_graph_ends_at_the_lots() -> Attempt:
    bundle = without(honest(donation(), Trace(DONATION)), ALLOCATION, SHIPMENT)
    return attempt(proved(bundle, donation()), donation())


@forgery("integrity", "not-in-state")
def a_child_is_proved_at_an_older_root_than_its_parent() -> Attempt:
    """The lot as it stood at height 2, before the proposal; the donation of today."""
    world = stories.donation_world()
    then = world.value(LOT_B, 2)
    if then is None:
        raise ValueError(LOT_B)
    old = Logged(LOT_B, parse_state_value(then).record, tuple(world.lives[LOT_B].leaves[:1]))
    bundle = without(honest(world, Trace(DONATION)), LOT_B, ALLOCATION, SHIPMENT)
    entities = tuple(sorted((*bundle.entities, old), key=lambda one: one.path.text))
    return attempt(proved(replace(bundle, entities=entities), world), world)


@forgery("completeness", "entity-superfluous")
def an_unrelated_entity_is_slipped_in() -> Attempt:
    world = donation()
    bundle = honest(world, Trace(DONATION))
    extra = honest(world, History(OTHER_LOT)).entities
    entities = tuple(sorted(bundle.entities + extra, key=lambda one: one.path.text))
    return attempt(proved(replace(bundle, entities=entities), world), world)


@forgery("completeness", "entity-without-log")
def a_branch_is_shown_without_its_log() -> Attempt:
    world = donation()
    outline = honest(world, Entity(LOT_B)).entities
    bundle = without(honest(world, Trace(DONATION)), LOT_B)
    entities = tuple(sorted(bundle.entities + outline, key=lambda one: one.path.text))
    return attempt(
        replace(bundle, entities=entities, state=honest(world, Trace(DONATION)).state), world
    )


@forgery("completeness", "another-question")
def another_entitys_question_is_answered() -> Attempt:
    return attempt(honest(donation(), Trace(OTHER_DONATION)), donation(), about=DONATION)


@forgery("completeness", "another-question")
def the_record_is_shown_where_the_graph_was_asked() -> Attempt:
    return attempt(honest(donation(), Entity(DONATION)), donation(), about=Trace(DONATION))


@forgery("completeness", "another-question")
def the_history_alone_is_shown_where_the_graph_was_asked() -> Attempt:
    """A true answer that stops where the graph begins."""
    return attempt(honest(donation(), History(DONATION)), donation(), about=DONATION)


@forgery("completeness", "another-question")
def the_record_alone_is_shown_where_the_graph_was_asked() -> Attempt:
    return attempt(honest(donation(), Entity(DONATION)), donation(), about=DONATION)


@forgery("completeness", "another-question")
def the_accesses_of_made_up_handles_are_shown_where_a_data_set_was_asked() -> Attempt:
    nobody = tuple((grant, "00" * 32) for grant, _ in PAIRS)
    return attempt(honest(accesses(), Accesses(DATASET, nobody)), accesses(), about=DATASET)


@forgery("completeness", "entity-missing")
def the_claim_is_renamed_to_the_question_asked() -> Attempt:
    bundle = replace(honest(donation(), Trace(OTHER_DONATION)), claim=Trace(DONATION))
    return attempt(bundle, donation(), about=DONATION)


# -- absence --------------------------------------------------------------------------------------


@forgery("integrity", "not-in-state")
def an_entity_is_said_to_be_absent() -> Attempt:
    world = donation()
    bundle = replace(honest(world, Absence(stories.supply("lot", "none"))), claim=Absence(LOT_A))
    return attempt(proved(replace(bundle, entities=(Absent(LOT_A),)), world), world)


@forgery("completeness", "entity-present")
def an_absence_is_claimed_and_the_entity_shown() -> Attempt:
    return attempt(replace(honest(donation(), Entity(LOT_A)), claim=Absence(LOT_A)), donation())


@forgery("completeness", "entity-absent")
def a_history_of_nothing_is_shown() -> Attempt:
    nobody = stories.supply("lot", "none")
    return attempt(replace(honest(donation(), Absence(nobody)), claim=History(nobody)), donation())


@forgery("completeness", "entity-absent")
def a_history_of_a_handle_that_was_never_looked_at_is_shown() -> Attempt:
    """Only beside its grant's record does a handle's absence answer anything."""
    bundle = replace(honest(accesses(), Absence(HANDLE_2)), claim=History(HANDLE_2))
    return attempt(bundle, accesses())


@forgery("completeness", "entity-absent")
def a_total_is_shown_of_a_handle_that_was_never_looked_at() -> Attempt:
    claim = ListOf(HANDLE_2, "accessed")
    return attempt(replace(honest(accesses(), Absence(HANDLE_2)), claim=claim), accesses())


@forgery("integrity", "not-in-state")
def an_entity_is_invented() -> Attempt:
    world = donation()
    ghost = stories.supply("lot", "L-ghost")
    (shown,) = honest(world, Entity(LOT_A)).entities
    bundle = replace(honest(world, Entity(LOT_A)), claim=Entity(ghost))
    entities = (replace(shown, path=ghost),)
    return attempt(proved(replace(bundle, entities=entities), world), world)


# -- accesses -------------------------------------------------------------------------------------


def _asked() -> Accesses:
    return Accesses(DATASET, PAIRS)


@forgery("completeness", "grant-without-handle")
def a_grant_is_hidden_from_the_list() -> Attempt:
    bundle = without(honest(accesses(), _asked()), GRANT_1, HANDLE_1)
    bundle = replace(bundle, claim=Accesses(DATASET, PAIRS[1:]))
    return attempt(proved(bundle, accesses()), accesses())


@forgery("completeness", "grant-of-another-dataset")
def a_grant_of_another_data_set_is_added() -> Attempt:
    foreign = ("health.g-9", "33" * 32)
    bundle = replace(honest(accesses(), _asked()), claim=Accesses(DATASET, (*PAIRS, foreign)))
    return attempt(bundle, accesses())


@forgery("completeness", "entity-missing")
def a_handle_is_left_out_with_its_proof() -> Attempt:
    bundle = without(honest(accesses(), _asked()), HANDLE_1)
    return attempt(proved(bundle, accesses()), accesses())


@forgery("integrity", "not-in-state")
def a_handle_is_said_never_to_have_been_looked_at() -> Attempt:
    bundle = without(honest(accesses(), _asked()), HANDLE_1)
    entities = tuple(sorted((*bundle.entities, Absent(HANDLE_1)), key=lambda one: one.path.text))
    return attempt(proved(replace(bundle, entities=entities), accesses()), accesses())


@forgery("completeness", "entity-missing")
def an_empty_stranger_is_shown_in_place_of_the_asker() -> Attempt:
    bundle = without(honest(accesses(), _asked()), HANDLE_1)
    empty = Absent(handle_path(GRANT_1.id, bytes.fromhex("77" * 32)))
    entities = tuple(sorted((*bundle.entities, empty), key=lambda one: one.path.text))
    return attempt(proved(replace(bundle, entities=entities), accesses()), accesses())


@forgery("completeness", "entity-missing")
def the_handle_of_another_grant_is_paired() -> Attempt:
    """A handle's name binds its grant, so under another grant it is another entity."""
    pairs = ((GRANT_1.id, PAIRS[1][1]), (GRANT_2.id, PAIRS[0][1]))
    return attempt(
        replace(honest(accesses(), _asked()), claim=Accesses(DATASET, pairs)), accesses()
    )


@forgery("completeness", "entity-superfluous")
def the_whole_log_of_a_grant_is_shown() -> Attempt:
    """True, but it tells one person of everybody else, and is a second spelling of the answer."""
    bundle = without(honest(accesses(), _asked()), GRANT_1)
    (whole,) = honest(accesses(), History(GRANT_1)).entities
    entities = tuple(sorted((*bundle.entities, whole), key=lambda one: one.path.text))
    return attempt(proved(replace(bundle, entities=entities), accesses()), accesses())


@forgery("completeness", "entity-without-log")
def of_a_handle_the_record_alone_is_shown() -> Attempt:
    """How often, and not by whom."""
    bundle = without(honest(accesses(), _asked()), HANDLE_1)
    (record,) = honest(accesses(), Entity(HANDLE_1)).entities
    entities = tuple(sorted((*bundle.entities, record), key=lambda one: one.path.text))
    return attempt(proved(replace(bundle, entities=entities), accesses()), accesses())


@forgery("completeness", "entity-missing")
def the_record_of_a_grant_is_left_out() -> Attempt:
    bundle = without(honest(accesses(), _asked()), GRANT_2)
    return attempt(proved(bundle, accesses()), accesses())


@forgery("completeness", "entity-absent")
def a_grant_that_only_the_data_sets_log_knows_is_said_to_be_absent() -> Attempt:
    """What every member certified and no contract may do."""
    ghost = stories.sharing("grant", "health.g-3")
    world = stories.accesses_world()
    granted = stories.event("granted", outputs=((ghost, 1),), on=(DATASET,), purpose="contact")
    world.grow([stories.shared([granted], {DATASET: {"grants": 3}})], skip=[ghost])
    world.certify()
    nobody = handle_path(ghost.id, bytes.fromhex("55" * 32))
    histories = (honest(world, History(path)).entities[0] for path in (DATASET, HANDLE_1))
    records = (honest(world, Entity(path)).entities[0] for path in (GRANT_1, GRANT_2))
    absent = (Absent(path) for path in (HANDLE_2, ghost, nobody))
    shown = sorted((*histories, *records, *absent), key=lambda one: one.path.text)
    claim = Accesses(DATASET, (*PAIRS, (ghost.id, "55" * 32)))
    bundle = replace(honest(world, History(DATASET)), claim=claim, entities=tuple(shown))
    return attempt(proved(bundle, world), world)


@forgery("completeness", "another-question")
def the_accesses_of_a_stranger_are_shown_to_the_asker() -> Attempt:
    """The stranger's own honest bundle: only who knows which handles he asked about can tell."""
    pairs = ((GRANT_1.id, "aa" * 32), STRANGER_PAIR)
    return attempt(honest(accesses(), Accesses(DATASET, pairs)), accesses(), about=_asked())


@forgery("integrity", "not-in-state")
def an_access_is_cut_from_the_handles_log() -> Attempt:
    bundle = honest(accesses(), _asked())
    return attempt(with_logs(bundle, HANDLE_1, lambda leaves: leaves[1:]), accesses())


@forgery("completeness", "entity-missing")
def the_record_of_another_entity_is_shown() -> Attempt:
    bundle = replace(honest(donation(), Entity(LOT_B)), claim=Entity(LOT_A))
    return attempt(bundle, donation(), about=Entity(LOT_A))


@forgery("completeness", "entity-absent")
def the_record_of_nothing_is_shown() -> Attempt:
    nobody = stories.supply("lot", "none")
    return attempt(replace(honest(donation(), Absence(nobody)), claim=Entity(nobody)), donation())


@forgery("completeness", "entity-superfluous")
def a_history_is_shown_as_a_record() -> Attempt:
    """True, but a second spelling of the answer."""
    return attempt(replace(honest(donation(), History(LOT_A)), claim=Entity(LOT_A)), donation())
