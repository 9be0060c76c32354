"""Questions: their spelling, their words, and the walk from a question to its answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ledger.claims import (
    Absence,
    Accesses,
    AsOf,
    Claim,
    Entity,
    EventAt,
    Extension,
    History,
    ListOf,
    Period,
    Receipt,
    Trace,
    claim_value,
    entities_of,
    first_entity,
    grants_of,
    handle_path,
    pair_paths,
    parse_claim,
)
from ledger.codec import encode
from ledger.errors import Malformed
from ledger.hashing import tagged
from ledger.leaf import Leaf
from ledger.limits import BUNDLE_ENTITIES_MAX, INTEGER_MAX
from ledger.paths import Path
from ledger.questions import parse_subject, question
from tests.forger.stories import DATASET, DONATION, GRANT_1, GRANT_2, PAIRS, supply

CLAIMS: list[Claim] = [
    Trace(DONATION),
    History(DONATION),
    Entity(DONATION),
    Absence(DONATION),
    Accesses(DATASET, PAIRS),
    Accesses(DATASET, ()),
    AsOf(DONATION, 0),
    EventAt(DONATION, INTEGER_MAX),
    Extension(1, bytes(32)),
    ListOf(DONATION, "received"),
    Period(DONATION, 0, INTEGER_MAX),
    Receipt(bytes(32)),
]


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: type(claim).__name__)
def test_a_claim_is_written_and_read_back_and_asks_in_two_languages(claim: Claim) -> None:
    assert parse_claim(claim_value(claim)) == claim
    zh, en = question(claim, "zh"), question(claim, "en")
    assert zh != en
    assert zh.endswith("？")
    assert en.endswith("?")
    assert first_entity(claim) in (DONATION, DATASET, None)


def test_the_words_of_a_donors_question() -> None:
    assert question(Trace(DONATION), "zh") == "捐赠 red-cross.D-1 去了哪里？"
    assert question(Trace(DONATION), "en") == "Where did donation red-cross.D-1 go?"


GRANT, HANDLE = "health.g-1", "ab" * 32


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"kind": "trace"},
        {"kind": "trace", "path": 1},
        {"kind": "trace", "path": "a/b"},
        {"kind": "trace", "path": "supplies/donation/D", "more": 1},
        {"kind": ["trace"], "path": "supplies/donation/D"},
        {"kind": "transaction", "transaction": "AB" * 32},
        {"kind": "transaction", "transaction": "ab" * 31},
        {"kind": "accesses", "dataset": "supplies/dataset/x", "pairs": []},
        {"kind": "accesses", "dataset": 1, "pairs": []},
        {"kind": "accesses", "dataset": DATASET.text, "pairs": {}},
        {"kind": "accesses", "dataset": DATASET.text, "pairs": [[GRANT]]},
        {"kind": "accesses", "dataset": DATASET.text, "pairs": [[GRANT, HANDLE.upper()]]},
        {"kind": "accesses", "dataset": DATASET.text, "pairs": [[GRANT, HANDLE[:-1]]]},
        {"kind": "accesses", "dataset": DATASET.text, "pairs": [[GRANT, 1]]},
        {"kind": "accesses", "dataset": DATASET.text, "pairs": [["a/b", HANDLE]]},
        {"kind": "accesses", "dataset": DATASET.text, "pairs": [[GRANT, HANDLE], [GRANT, HANDLE]]},
        {"kind": "accesses", "dataset": DATASET.text, "pairs": [["g-2", HANDLE], ["g-1", HANDLE]]},
        {"kind": "accesses", "dataset": DATASET.text, "pairs": [[GRANT, HANDLE]] * 5_000},
    ],
)
def test_a_claim_spelt_otherwise_is_malformed(value: object) -> None:
    with pytest.raises(Malformed, match="claim"):
        parse_claim(value)


NUMBERED: list[tuple[Claim, str]] = [
    (AsOf(DONATION, 7), "height"),
    (EventAt(DONATION, 7), "index"),
    (Extension(7, bytes(32)), "size"),
    (Period(DONATION, 7, 8), "from"),
    (Period(DONATION, 7, 8), "until"),
]


@pytest.mark.parametrize("number", [-1, -INTEGER_MAX, INTEGER_MAX + 1, 7.0, "7", True, None, [7]])
@pytest.mark.parametrize(("claim", "name"), NUMBERED, ids=lambda one: str(one)[:9])
def test_a_number_of_a_claim_has_its_range_and_one_spelling(
    claim: Claim, name: str, number: object
) -> None:
    """Else two bundles that mean one question would have two ids."""
    value = claim_value(claim)
    assert parse_claim(value) == claim
    with pytest.raises(Malformed, match=rf"claim\.{name}"):
        parse_claim({**value, name: number})


def test_of_an_empty_log_nothing_can_be_an_extension_and_no_period_is_empty() -> None:
    with pytest.raises(Malformed, match=r"claim\.size"):
        parse_claim({**claim_value(Extension(1, bytes(32))), "size": 0})
    with pytest.raises(Malformed, match=r"claim\.until"):
        parse_claim({**claim_value(Period(DONATION, 7, 8)), "until": 7})
    with pytest.raises(Malformed, match=r"claim\.event"):
        parse_claim({**claim_value(ListOf(DONATION, "received")), "event": "Received"})


def test_people_may_leave_out_the_contract_where_it_is_clear() -> None:
    assert parse_subject("donation/red-cross.D-1") == DONATION
    assert parse_subject("supplies/donation/red-cross.D-1") == DONATION
    assert parse_subject("dataset/health.tests") == DATASET
    for wrong in ("D-1", "open/x.2020-01-24", "thing/x", "a/b/c/d", "", "donation/中"):
        with pytest.raises(Malformed, match="entity"):
            parse_subject(wrong)


def leaf(
    path: Path,
    kind: str,
    inputs: Sequence[Path] = (),
    outputs: Sequence[Path] = (),
    contract: str = "supplies",
) -> Leaf:
    return Leaf(
        1,
        1,
        0,
        0,
        0,
        bytes(32),
        contract,
        1,
        path,
        kind,
        tuple((one, 1) for one in inputs),
        tuple((one, 1) for one in outputs),
        {},
        bytes(32),
    )


def walk(claim: Claim, logs: dict[Path, list[Leaf]]) -> list[Path]:
    return entities_of(claim, lambda path: logs[path])


A, B, C, D = (supply("lot", name) for name in "ABCD")


def test_a_trace_follows_outputs_breadth_first_and_each_entity_once() -> None:
    logs = {
        A: [leaf(A, "split", [A], [B, C])],
        B: [leaf(B, "split", [A], [B, C]), leaf(B, "merged", [B, C], [D])],
        C: [leaf(C, "split", [A], [B, C]), leaf(C, "merged", [B, C], [D])],
        D: [leaf(D, "merged", [B, C], [D])],
    }
    assert walk(Trace(A), logs) == [A, B, C, D]
    assert walk(History(A), logs) == [A]
    assert walk(Entity(A), logs) == [A]
    assert walk(Receipt(bytes(32)), logs) == []


def test_a_trace_does_not_lead_to_the_siblings_of_a_product() -> None:
    logs = {B: [leaf(B, "split", [A], [B, C])]}
    assert walk(Trace(B), logs) == [B]


def test_an_entity_that_an_event_only_concerns_leads_on_to_its_outputs() -> None:
    logs = {A: [leaf(A, "received", [], [B])], B: [leaf(B, "received", [], [B])]}
    assert walk(Trace(A), logs) == [A, B]


def test_an_entity_that_went_in_and_came_out_leads_on_to_what_came_out_beside_it() -> None:
    """A lot that was sampled is still there, and the sample came of it."""
    logs = {A: [leaf(A, "sampled", [A], [A, B])], B: [leaf(B, "sampled", [A], [A, B])]}
    assert walk(Trace(A), logs) == [A, B]
    assert walk(Trace(B), logs) == [B]


def test_a_cycle_ends() -> None:
    logs = {A: [leaf(A, "turned", [A], [B])], B: [leaf(B, "turned", [B], [A])]}
    assert walk(Trace(A), logs) == [A, B]


def test_a_graph_above_the_limit_is_refused() -> None:
    many = [supply("lot", f"N-{index}") for index in range(BUNDLE_ENTITIES_MAX)]
    logs: dict[Path, list[Leaf]] = {A: [leaf(A, "split", [A], many)]}
    with pytest.raises(Malformed, match="more than"):
        walk(Trace(A), logs)


def test_what_the_source_raises_passes_through() -> None:
    def nothing(path: Path) -> Any:
        raise LookupError(path)

    with pytest.raises(LookupError):
        entities_of(Trace(A), nothing)


def test_a_handle_is_another_entity_under_another_grant() -> None:
    one, two = handle_path("health.g-1", bytes(32)), handle_path("health.g-2", bytes(32))
    assert one == handle_path("health.g-1", bytes(32))
    assert one != two != handle_path("health.g-2", b"\1" * 32)
    assert (one.contract, one.kind, len(one.id)) == ("datasharing", "handle", 64)
    assert one.id == tagged("handle", encode(["health.g-1", bytes(32)])).hex()
    claim = Accesses(DATASET, (("health.g-1", "00" * 32),))
    assert pair_paths(claim) == [(GRANT_1, one)]


def test_grants_are_the_outputs_of_granted_events_of_the_sharing_contract() -> None:
    granted = [leaf(DATASET, "granted", [], [grant], "datasharing") for grant in (GRANT_2, GRANT_1)]
    lookalikes = [
        leaf(DATASET, "granted", [], [GRANT_1], "supplies"),
        leaf(DATASET, "requested", [], [GRANT_1], "datasharing"),
        leaf(DATASET, "granted", [], [A], "datasharing"),
    ]
    assert grants_of([*granted, *granted, *lookalikes]) == [GRANT_2, GRANT_1]
    assert grants_of(lookalikes) == []
