"""The entities that genesis creates: organisations, accounts, installed contracts.

Their leaves have height 0, the chain id as transaction, transaction index 0 and event indices in
the order below. An organisation's log therefore lists all its accounts.
"""

from __future__ import annotations

from typing import Any

from chaincode.appending import Appended, Place, append
from chaincode.entities import Entities
from chaincode.identity.v1.records import ACCOUNT, ORGANISATION, Account, AccountKey, Organisation
from chaincode.kinds import Kind
from chaincode.registry import INSTALLED, Registry
from ledger.block import Event
from ledger.genesis import Genesis
from ledger.paths import Path

__all__ = ["genesis_entities"]


def genesis_entities(entities: Entities, genesis: Genesis, registry: Registry) -> list[Appended]:
    """Create the entities of genesis; returns the leaves."""
    writes: dict[Path, tuple[Kind[Any], Any]] = {}
    events: list[Event] = []
    members = dict.fromkeys((organisation.id for organisation in genesis.organisations), 0)
    for account in genesis.accounts:
        members[account.organisation] += 1
    for organisation in genesis.organisations:
        path = ORGANISATION.path(organisation.id)
        writes[path] = ORGANISATION, Organisation(members[organisation.id], organisation.name)
        events.append(
            Event("organisation_registered", (), (), (path,), {"name": organisation.name})
        )
    for account in genesis.accounts:
        path = ACCOUNT.path(account.id)
        keys = tuple(AccountKey(active=True, key=key) for key in account.keys)
        writes[path] = ACCOUNT, Account(keys, account.organisation, account.roles)
        body = {"keys": list(account.keys), "roles": list(account.roles)}
        on = (path, ORGANISATION.path(account.organisation))
        events.append(Event("account_registered", (), (), on, body))
    for name, installed in registry.installed.items():
        path = INSTALLED.path(name)
        writes[path] = INSTALLED, installed
        body = {"source": installed.source, "version": installed.version}
        events.append(Event("contract_installed", (), (), (path,), body))
    place = Place(0, genesis.time, 0, genesis.chain_id, "identity", 1)
    leaves: list[Appended] = []
    append(entities, place, events, writes, leaves, is_genesis=True)
    return leaves
