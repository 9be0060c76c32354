"""The genesis file: canonical, complete, and refused when anything about it is loose."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any

import pytest

from ledger.canonical_json import to_json
from ledger.errors import Malformed
from ledger.genesis import Account, Genesis, Organisation
from tests.forger.world import make_genesis

GENESIS = make_genesis()


def changed(**fields: Any) -> bytes:
    return to_json({**json.loads(GENESIS.to_json()), **fields})


def test_the_chain_id_is_the_hash_of_the_file() -> None:
    data = GENESIS.to_json()
    assert Genesis.from_json(data) == GENESIS
    assert GENESIS.chain_id == hashlib.sha256(data).digest()
    assert GENESIS.origin == f"hubei/{hashlib.sha256(data).hexdigest()}"
    assert not data.endswith(b"\n")


def test_another_name_member_or_account_is_another_chain() -> None:
    assert make_genesis("hunan").chain_id != GENESIS.chain_id
    assert make_genesis(members=5).chain_id != GENESIS.chain_id
    assert dataclasses.replace(GENESIS, accounts=()).chain_id != GENESIS.chain_id


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        GENESIS.to_json() + b"\n",
        b" " + GENESIS.to_json(),
        GENESIS.to_json().replace(b'"version":1', b'"version":1.0'),
        GENESIS.to_json().replace(b'"version":1', b'"version":1,"version":1'),
        changed(version=2),
        changed(extra=1),
        changed(name="Hubei"),
        changed(name="a/b"),
        changed(name=""),
        changed(name=3),
        changed(time=-1),
        changed(time=True),
        changed(time="0"),
        changed(parameters=[]),
        changed(members=[]),
        changed(members={}),
        changed(organisations=[{"id": "red-cross", "name": ""}]),
        changed(organisations=[{"id": "red-cross", "name": "x", "more": 1}]),
        changed(organisations=[{"id": "Red", "name": "x"}]),
        changed(organisations=[]),
    ],
)
def test_a_file_that_is_not_exactly_a_genesis_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        Genesis.from_json(data)


KEY = bytes(range(32))
GOOD = Account("red-cross.li", "red-cross", (KEY,), ("approver", "custodian"))


def test_a_second_account_is_taken() -> None:
    genesis = dataclasses.replace(GENESIS, accounts=(*GENESIS.accounts, GOOD))
    assert Genesis.from_json(genesis.to_json()).accounts[-1] == GOOD


@pytest.mark.parametrize(
    "account",
    [
        dataclasses.replace(GOOD, id="red-cross"),
        dataclasses.replace(GOOD, id="other.li"),
        dataclasses.replace(GOOD, id="red-cross.Li"),
        dataclasses.replace(GOOD, id="red-cross.wang"),
        dataclasses.replace(GOOD, organisation="other"),
        dataclasses.replace(GOOD, keys=()),
        dataclasses.replace(GOOD, keys=(KEY, KEY)),
        dataclasses.replace(GOOD, keys=(KEY[1:],)),
        dataclasses.replace(GOOD, keys=tuple(bytes([n]) * 32 for n in range(9))),
        dataclasses.replace(GOOD, roles=("custodian", "approver")),
        dataclasses.replace(GOOD, roles=("approver", "approver")),
        dataclasses.replace(GOOD, roles=("Approver",)),
    ],
)
def test_an_account_that_breaks_a_rule_is_malformed(account: Account) -> None:
    with pytest.raises(Malformed, match="accounts"):
        dataclasses.replace(GENESIS, accounts=(*GENESIS.accounts, account))


def test_an_organisation_twice_is_malformed() -> None:
    twice = (*GENESIS.organisations, Organisation("red-cross", "Another"))
    with pytest.raises(Malformed, match="organisations"):
        dataclasses.replace(GENESIS, organisations=twice)
