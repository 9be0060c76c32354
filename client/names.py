"""The names of items that a story speaks of, fetched with proof: ids are for ledgers, names for
people.
"""

from __future__ import annotations

from client.faults import Unreachable
from client.sdk import Client
from client.verify import records_of, verify_now
from ledger.claims import Entity
from ledger.errors import ClientFault
from ledger.paths import Path
from ledger.verdict import Report

__all__ = ["item_names"]

ITEMS_NAMED_MAX = 64  # a donation holds at most as many lots; further items are shown by id


def item_names(client: Client, report: Report) -> dict[str, str]:
    """Return the proved names of the items of a report's lots. A name that cannot be had is left
    out.
    """
    wanted: dict[str, None] = {}
    for leaves in report.logs.values():
        for leaf in leaves:
            for state in (leaf.body, leaf.body.get("old"), leaf.body.get("new")):
                if isinstance(state, dict) and isinstance(state.get("item"), str):
                    wanted[state["item"]] = None
    found: dict[str, str] = {}
    for item in list(wanted)[:ITEMS_NAMED_MAX]:
        path = Path("supplies", "item", item)
        try:
            data = client.entity(path, proof=True)
        except (ClientFault, Unreachable):
            continue
        record = records_of(verify_now(data, client.session.genesis, Entity(path))).get(path, {})
        if isinstance(record.get("name"), str):
            found[item] = record["name"]
    return found
