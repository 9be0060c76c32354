"""Stories in datasharing: from catalogue to revocation, and every access that a grant does not
cover.
"""

from __future__ import annotations

from typing import Any

import pytest

from chaincode.limits import OPEN_REQUESTS_MAX
from ledger.claims import handle_path
from ledger.hashing import sha256
from tests.chaincode_story import (
    HANDLE,
    accepted,
    access,
    check_all,
    deny,
    grant,
    publish,
    request,
    shared,
)
from tests.chaincode_world import DAY, START, World, genesis, key_of

GRANT = "datasharing/grant/health.G-1"
PERSON = handle_path("health.G-1", HANDLE).text


def revoke(world: World, who: str = "health.data") -> Any:
    return world.call(who, "datasharing.revoke", grant="health.G-1", reason="over")


def test_from_catalogue_to_a_refused_access_after_revocation() -> None:
    world = shared()
    accepted(access(world), deny(world), revoke(world))
    refused = access(world)
    assert (refused.code, refused.parameters) == ("grant-revoked", {"grant": "health.G-1"})
    accepted(deny(world, fields=["name"], reason="revoked"))
    assert world.kinds(PERSON) == ["accessed", "denied", "denied"]
    assert world.kinds(GRANT) == ["granted", "accessed", "denied", "revoked", "denied"]
    assert world.kinds("datasharing/dataset/health.cases") == [
        "published", "requested", "granted", "revoked",
    ]  # fmt: skip
    record = world.record(GRANT)
    assert (record.status, record.accesses, record.denials) == ("revoked", 1, 2)
    assert (world.record(PERSON).accesses, world.record(PERSON).denials) == (1, 2)
    check_all(world)


def test_the_data_sets_log_lists_every_grant() -> None:
    world = World()
    accepted(publish(world))
    for number in range(3):
        accepted(request(world, request=f"police.R-{number}"))
        accepted(grant(world, grant=f"health.G-{number}", request=f"police.R-{number}"))
    granted = [
        path.id
        for leaf in world.log("datasharing/dataset/health.cases")
        for path, _ in leaf.outputs
        if path.kind == "grant"
    ]
    assert granted == ["health.G-0", "health.G-1", "health.G-2"]
    assert world.record("datasharing/dataset/health.cases").grants == 3
    opened = world.record("datasharing/open/request.2020-01-24")
    assert (opened.opened, opened.closed) == (3, 3)


def test_an_access_stands_in_the_log_of_everyone_it_touched_and_of_no_one_else() -> None:
    world = shared()
    handles = [sha256(bytes([n])) for n in range(64)]
    accepted(access(world, handles=handles))
    for handle in handles:
        assert world.kinds(handle_path("health.G-1", handle).text) == ["accessed"]
    assert world.kinds(PERSON) == []
    leaf = world.log(GRANT)[-1]
    assert (leaf.body["by"], leaf.body["user"]) == ("health.data", "police.desk")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"fields": ["result"]}, "outside-fields"),
        ({"fields": ["name", "name"]}, "duplicate-entry"),
        ({"fields": []}, "bad-argument"),
        ({"purpose": "statistics"}, "outside-purpose"),
        ({"purpose": ""}, "bad-argument"),
        ({"grant": "health.G-2"}, "unknown-entity"),
        ({"handles": [HANDLE, HANDLE]}, "duplicate-entry"),
        ({"handles": []}, "bad-argument"),
        ({"handles": [sha256(bytes([n])) for n in range(65)]}, "bad-argument"),
        ({"handles": [b"short"]}, "bad-argument"),
    ],
)
def test_an_access_outside_its_grant_is_refused(changes: dict[str, Any], code: str) -> None:
    world = shared()
    assert access(world, **changes).code == code
    assert world.kinds(PERSON) == []


def test_a_grant_covers_from_its_beginning_until_just_before_its_end() -> None:
    world = World()
    accepted(publish(world), request(world))
    accepted(grant(world, from_=START + DAY, until=START + 2 * DAY))
    early = access(world)
    assert (early.code, early.parameters["from"]) == ("grant-not-started", START + DAY)
    now = START + DAY
    assert world.block([call(world, now)], now)[0].code == "accepted"
    now = START + 2 * DAY - 1
    assert world.block([call(world, now)], now)[0].code == "accepted"
    now = START + 2 * DAY
    late = world.block([call(world, now)], now)[0]
    assert (late.code, late.parameters["until"]) == ("grant-expired", now)


def call(world: World, now: int) -> Any:
    return world.transaction(
        ("health.data", "police.desk"),
        "datasharing.access",
        valid_until=now + 1_000,
        grant="health.G-1",
        handles=[HANDLE],
        fields=["name"],
        purpose="tracing",
    )


@pytest.mark.parametrize(
    ("who", "code"),
    [
        (("health.data", "police.desk"), "accepted"),
        (("police.desk", "health.data"), "accepted"),
        (("police.second", "health.head"), "accepted"),
        (("health.data",), "signer-count"),
        (("police.desk", "police.second"), "wrong-organisation"),
        (("health.data", "health.head"), "wrong-organisation"),
        (("health.data", "renai.door"), "wrong-organisation"),
    ],
)
def test_provider_and_user_both_sign_an_access(who: tuple[str, ...], code: str) -> None:
    assert access(shared(), *who).code == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"who": "health.data"}, "wrong-role"),
        ({"request": "health.R-1"}, "foreign-id"),
        ({"dataset": "health.none"}, "unknown-entity"),
        ({"purpose": "curiosity"}, "outside-purpose"),
        ({"fields": ["name", "income"]}, "outside-fields"),
        ({"fields": ["name", "name"]}, "duplicate-entry"),
        ({"until": START}, "empty-period"),
        ({"legal_basis": ""}, "bad-argument"),
    ],
)
def test_a_request_is_refused(changes: dict[str, Any], code: str) -> None:
    world = World()
    accepted(publish(world))
    assert request(world, **changes).code == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"who": "police.desk"}, "wrong-role"),
        ({"grant": "police.G-1"}, "foreign-id"),
        ({"request": "police.R-2"}, "unknown-entity"),
        ({"fields": ["name", "result"]}, "outside-fields"),
        ({"from": START - 1}, "outside-period"),
        ({"until": START + 10 * DAY + 1}, "outside-period"),
        ({"from": START + DAY, "until": START + DAY}, "empty-period"),
    ],
)
def test_a_grant_beyond_its_request_is_refused(changes: dict[str, Any], code: str) -> None:
    world = World()
    accepted(publish(world), request(world))
    assert grant(world, **changes).code == code


def test_withheld_data_is_not_granted_but_a_refusal_is_recorded() -> None:
    world = World()
    accepted(publish(world, "withheld"), request(world))
    assert grant(world).code == "withheld"
    refuse = {"request": "police.R-1", "reason": "not shared"}
    accepted(world.call("health.data", "datasharing.refuse", **refuse))
    assert world.record("datasharing/request/police.R-1").status == "refused"
    assert world.call("health.data", "datasharing.refuse", **refuse).code == "wrong-state"
    assert grant(world).code == "wrong-state"
    opened = world.record("datasharing/open/request.2020-01-24")
    assert (opened.opened, opened.closed) == (1, 1)


def test_the_requester_does_not_grant() -> None:
    world = World()
    accepted(publish(world), request(world, "health.head", request="health.R-1"))
    assert grant(world, "health.head", request="health.R-1").code == "self-approval"
    accepted(grant(world, "health.data", request="health.R-1"))


def test_a_person_with_two_accounts_does_not_grant_his_own_request() -> None:
    shared_key = key_of("one person")
    keys = {
        "health.head": (key_of("health.head"), shared_key),
        "health.data": (key_of("health.data"), shared_key),
    }
    world = World(genesis(keys=keys))
    accepted(publish(world), request(world, "health.head", request="health.R-1"))
    assert grant(world, "health.data", request="health.R-1").code == "self-approval"


def test_only_the_provider_decides_denies_and_revokes() -> None:
    accounts = {
        "health.data": ("provider",), "tax.data": ("provider",), "police.desk": ("user",),
    }  # fmt: skip
    world = World(genesis(accounts))
    accepted(publish(world), request(world))
    other = {"account": "tax.data", "organisation": "health"}
    foreign = grant(world, "tax.data", grant="tax.G-1")
    assert (foreign.code, foreign.parameters) == ("wrong-organisation", other)
    accepted(grant(world))
    assert deny(world, "tax.data").code == "wrong-organisation"
    assert revoke(world, "tax.data").code == "wrong-organisation"
    assert revoke(world, "police.desk").code == "wrong-role"
    accepted(revoke(world))
    assert revoke(world).code == "wrong-state"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"fields": [["a", "x"], ["a", "y"]]}, "duplicate-entry"),
        ({"purposes": ["p", "p"]}, "duplicate-entry"),
        ({"purposes": []}, "bad-argument"),
        ({"dataset": "police.cases"}, "foreign-id"),
        ({"share_type": "secret"}, "bad-argument"),
    ],
)
def test_a_catalogue_entry_is_refused(changes: dict[str, Any], code: str) -> None:
    assert publish(World(), **changes).code == code


def test_a_handle_named_under_one_grant_does_not_touch_it_under_another() -> None:
    world = shared()
    accepted(request(world, request="police.R-2"))
    accepted(grant(world, grant="health.G-2", request="police.R-2"))
    accepted(deny(world, grant="health.G-2"))  # whoever comes first occupies nothing
    accepted(access(world))
    assert world.kinds(PERSON) == ["accessed"]
    assert world.kinds(handle_path("health.G-2", HANDLE).text) == ["denied"]
    assert world.record(PERSON).grant == "health.G-1"


def test_an_organisation_has_at_most_16_requests_waiting_for_a_data_set() -> None:
    world = World()
    accepted(publish(world), publish(world, dataset="health.other"))
    for number in range(OPEN_REQUESTS_MAX):
        who = ("police.desk", "police.second")[number % 2]
        accepted(request(world, who, request=f"police.R-{number}"))
    refused = request(world, request="police.R-16")
    assert refused.code == "too-many-requests"
    assert refused.parameters == {
        "dataset": "health.cases", "limit": OPEN_REQUESTS_MAX, "organisation": "police",
    }  # fmt: skip
    accepted(
        request(world, dataset="health.other", request="police.R-16"),
        request(world, "health.head", request="health.R-1"),
        grant(world, request="police.R-0"),
        request(world, request="police.R-17"),
    )
    assert request(world, request="police.R-18").code == "too-many-requests"
    refuse = {"request": "police.R-1", "reason": "twice"}
    accepted(world.call("health.data", "datasharing.refuse", **refuse))
    accepted(request(world, request="police.R-18"))
    waiting = {"health": 1, "police": OPEN_REQUESTS_MAX}
    assert world.record("datasharing/dataset/health.cases").waiting == waiting
    check_all(world)


def test_a_denial_may_be_about_no_one_in_particular() -> None:
    world = shared()
    accepted(deny(world, handles=[]))
    assert world.kinds(GRANT)[-1] == "denied"
