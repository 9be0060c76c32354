"""The demonstration's scenario, played on the real contracts: each step ends as the story says."""

from __future__ import annotations

from collections import Counter

import pytest

from client.scenario import ACCOUNTS, MEMBERS, ORGANISATIONS, Scenario, build_scenario
from client.scenario.episodes import N95_DONATION
from ledger.claims import handle_path
from tests.chaincode_world import World, genesis

NOW = 1_700_000_000_000


@pytest.fixture(scope="module")
def played() -> tuple[World, Scenario, list[str]]:
    world = World(genesis({account.id: account.roles for account in ACCOUNTS}))
    world.time = NOW
    scenario = build_scenario(NOW)
    wrong: list[str] = []
    for phase in scenario.phases:
        calls = [
            world.transaction(
                list(step.call.accounts),
                f"{step.call.contract}.{step.call.function}",
                **step.call.arguments,
            )
            for step in phase.steps
        ]
        for step, result in zip(phase.steps, world.block(calls), strict=True):
            if result.code != step.expected:
                wrong.append(f"{phase.key}: {step.call} → {result.code} {result.parameters}")
    return world, scenario, wrong


def test_every_step_ends_with_the_code_the_story_expects(
    played: tuple[World, Scenario, list[str]],
) -> None:
    assert played[2] == []


def test_the_story_has_the_size_of_the_real_days() -> None:
    functions = Counter(step.call.function for p in build_scenario(NOW).phases for step in p.steps)
    assert 250 <= functions["receive"] <= 400
    assert functions["define_item"] == 20
    assert functions["report_need"] >= 12
    assert functions["hand_over"] >= 40
    assert functions["declare_loss"] == 1
    assert functions["correct_hand_over"] == 2


def test_the_same_seed_gives_the_same_calls_and_another_seed_does_not() -> None:
    assert build_scenario(NOW) == build_scenario(NOW)
    assert build_scenario(NOW).phases != build_scenario(NOW, seed=1).phases


def test_the_calls_of_a_phase_do_not_depend_on_their_order() -> None:
    world = World(genesis({account.id: account.roles for account in ACCOUNTS}))
    world.time = NOW
    for phase in build_scenario(NOW).phases:
        steps = phase.steps[::-1]
        calls = [
            world.transaction(
                list(s.call.accounts), f"{s.call.contract}.{s.call.function}", **s.call.arguments
            )
            for s in steps
        ]
        codes = [result.code for result in world.block(calls)]
        assert codes == [step.expected for step in steps], phase.key


def test_the_masks_entered_as_n95_are_corrected_and_the_first_entry_stays_in_the_log(
    played: tuple[World, Scenario, list[str]],
) -> None:
    world, scenario, _ = played
    assert scenario.featured_donation == N95_DONATION
    lot = world.record(f"supplies/lot/{N95_DONATION}.1")
    assert lot.item == "health-commission.item-mask-kn95"
    assert (lot.received, lot.in_stock, lot.delivered, lot.used) == (36_000, 0, 31_000, 5_000)
    for hospital in ("renai", "tianyou"):
        shipment = world.record(f"supplies/shipment/red-cross.shipment-n95-{hospital}")
        assert sum(line.counted for line in shipment.lines) == 18_000
        name = f"health-commission.allocation-n95-{hospital}"
        allocation = world.record(f"supplies/allocation/{name}")
        assert [line.quantity for line in allocation.lines] == [18_000]
    kinds = world.kinds(f"supplies/donation/{N95_DONATION}")
    assert kinds == ["received", "receipt_corrected"]


def test_the_citizen_was_looked_at_three_times_under_one_grant_and_never_under_the_other(
    played: tuple[World, Scenario, list[str]],
) -> None:
    world, scenario, _ = played
    (relief, seen), (community, unseen) = scenario.featured_pairs
    assert world.kinds(f"datasharing/grant/{relief}")[-1] == "revoked"
    assert len(world.log(handle_path(relief, seen).text)) == 3
    assert world.log(handle_path(community, unseen).text) == []
    assert world.log(f"datasharing/grant/{community}")


def test_the_regulator_sees_every_kind_of_refusal() -> None:
    refused = {s.expected for p in build_scenario(NOW).phases for s in p.steps} - {"accepted"}
    assert refused >= {
        "self-approval",
        "more-than-held",
        "wrong-unit",
        "wrong-role",
        "wrong-state",
        "earmarked",
        "lot-expired",
        "non-conformant",
        "grant-revoked",
    }


def test_the_cast_is_four_members_and_hospitals_and_every_signer_is_in_it() -> None:
    assert len(MEMBERS) == 4
    organisations = {organisation.id for organisation in ORGANISATIONS}
    accounts = {account.id for account in ACCOUNTS}
    assert len(organisations) == len(ORGANISATIONS)
    assert len(accounts) == len(ACCOUNTS)
    assert {account.organisation for account in ACCOUNTS} <= organisations
    signers = {a for p in build_scenario(NOW).phases for s in p.steps for a in s.call.accounts}
    assert signers <= accounts


def test_every_phase_has_titles_in_both_languages_and_a_key_of_its_own() -> None:
    phases = build_scenario(NOW).phases
    assert len({phase.key for phase in phases}) == len(phases)
    assert all(phase.title_zh and phase.title_en.isascii() and phase.steps for phase in phases)
