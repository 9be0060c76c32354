"""Verification, steps 3 to 6: are the entities shown exactly what the state root holds?

    3  logs       each leaf decodes canonically, is of its entity, in the order of the chain
    4  records    the frontier is recomputed over all leaves; the record is what the last leaf left
    5  state      every state value is recomputed and proved, present or absent, by ONE proof
    6  agreement  one event reads alike in every log; what an event names has it in its log

A cut tail, a left-out, changed or reordered event changes the frontier and fails step 5; a write
that bypassed the log fails step 4; a child entity of an older height than its parent fails step 5,
because there is only one root. All failures are raised as Failed, or Malformed for bytes that break
a format. Source: DESIGN 2.1 to 2.5.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from ledger.block import EVENT, Event, Header
from ledger.bundle import Absent, Bundle, Logged, Ranged, Shown
from ledger.claims import EVENT_KIND
from ledger.codec import check
from ledger.errors import Malformed
from ledger.genesis import Genesis
from ledger.hashing import sha256
from ledger.leaf import LEAF, VERSION, Leaf, state_value
from ledger.merkle_log import frontier_of, leaf_hash
from ledger.merkle_ranges import frontier_with
from ledger.paths import Path, key
from ledger.state_proof import verify_state_proof
from ledger.verdict import Failed

__all__ = ["Logs", "check_agreement", "check_entities"]

Logs = dict[Path, tuple[Leaf, ...]]
_CONTRACT: Final = re.compile(r"[a-z][a-z0-9-]{0,31}\Z")


def check_entities(bundle: Bundle, header: Header, genesis: Genesis) -> Logs:
    """Check steps 3 to 5 against the header's state root; return the decoded logs."""
    logs: Logs = {}
    expected: dict[bytes, bytes | None] = {}
    for shown in bundle.entities:
        value = _state_value(shown, header, genesis, logs)
        expected[key(shown.path)] = None if value is None else sha256(value)
    try:
        verify_state_proof(header.state, bundle.state, expected)
    except Malformed as error:
        raise Failed("not-in-state", height=header.height, rule=error.rule) from None
    return logs


def _state_value(shown: Shown, header: Header, genesis: Genesis, logs: Logs) -> bytes | None:
    if isinstance(shown, Absent):
        return None
    if not isinstance(shown, Logged | Ranged):
        return state_value(shown.record, shown.size, shown.frontier)
    path = shown.path
    first = shown.first if isinstance(shown, Ranged) else 0
    leaves = tuple(
        _leaf(data, f"{path.text} leaf {index}") for index, data in enumerate(shown.leaves, first)
    )
    if not leaves:
        raise Failed("log-empty", entity=path.text)
    _check_order(path, leaves, first, header, genesis)
    reaches_end = isinstance(shown, Logged) or shown.stop == shown.size
    if reaches_end and leaves[-1].record != sha256(shown.record):
        raise Failed("record-without-event", entity=path.text)
    logs[path] = leaves
    hashes = [leaf_hash(data) for data in shown.leaves]
    if isinstance(shown, Logged):
        return state_value(shown.record, len(leaves), frontier_of(hashes))
    frontier = frontier_with(first, hashes, shown.size, shown.before, shown.after)
    return state_value(shown.record, shown.size, frontier)


def _leaf(data: bytes, field: str) -> Leaf:
    """Decode one leaf with everything its type does not say."""
    try:
        leaf = LEAF.decode(data)
    except Malformed as error:
        raise Malformed(field, error.rule) from None
    if leaf.version != VERSION:
        raise Malformed(field, f"version must be {VERSION}")
    if not _CONTRACT.match(leaf.contract):
        raise Malformed(field, "contract must be a lower-case word")
    if not EVENT_KIND.match(leaf.kind):
        raise Malformed(field, "kind must be a lower-case word")
    check(leaf.body, field)
    return leaf


def _check_order(
    path: Path, leaves: tuple[Leaf, ...], first: int, header: Header, genesis: Genesis
) -> None:
    """Check path, position and time of every leaf of one log, cheap and in order."""
    position, time = (-1, -1, -1), -1
    for index, leaf in enumerate(leaves, first):
        if leaf.path != path:
            raise _at("leaf-of-another-entity", path, index, other=leaf.path.text)
        if leaf.position <= position:
            raise _at("leaf-order", path, index)
        same_block = leaf.height == position[0]
        if leaf.time < time or (same_block and leaf.time != time):
            raise _at("leaf-time", path, index)
        if leaf.height > header.height:
            raise _at("leaf-after-header", path, index)
        if leaf.time > header.time or (leaf.height == header.height and leaf.time != header.time):
            raise _at("leaf-time", path, index)
        if leaf.height == 0 and (leaf.transaction != genesis.chain_id or leaf.time != genesis.time):
            raise _at("leaf-of-another-genesis", path, index)
        position, time = leaf.position, leaf.time


def _at(code: str, path: Path, index: int, **more: Any) -> Failed:
    return Failed(code, entity=path.text, index=index, **more)


def check_agreement(logs: Mapping[Path, tuple[Leaf, ...]]) -> None:
    """Check step 6 over all logs shown: they tell one history of one chain."""
    events: dict[tuple[int, int, int], Leaf] = {}
    transactions: dict[tuple[int, int], Leaf] = {}
    blocks: dict[int, Leaf] = {}
    positions = {path: {leaf.position for leaf in leaves} for path, leaves in logs.items()}
    for path, leaves in logs.items():
        for leaf in leaves:
            block = blocks.setdefault(leaf.height, leaf)
            if block.time != leaf.time:
                raise _disagreement(leaf, block)
            first = transactions.setdefault((leaf.height, leaf.transaction_index), leaf)
            if _call(first) != _call(leaf):
                raise _disagreement(leaf, first)
            event = events.setdefault(leaf.position, leaf)
            if event is not leaf and _story(event) != _story(leaf):
                raise _disagreement(leaf, event)
            for named, _ in (*leaf.inputs, *leaf.outputs):
                if named in positions and leaf.position not in positions[named]:
                    raise Failed(
                        "event-missing-in-log",
                        entity=path.text,
                        height=leaf.height,
                        other=named.text,
                    )


def _call(leaf: Leaf) -> tuple[bytes, str, int]:
    return leaf.transaction, leaf.contract, leaf.contract_version


def _story(leaf: Leaf) -> bytes:
    """Everything that a leaf says beyond path and record, as bytes: in Python, True equals 1."""
    return EVENT.encode(Event(leaf.kind, leaf.inputs, leaf.outputs, (), leaf.body))


def _disagreement(leaf: Leaf, other: Leaf) -> Failed:
    return Failed(
        "events-disagree", entity=leaf.path.text, height=leaf.height, other=other.path.text
    )
