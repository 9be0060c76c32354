"""The questions a bundle answers, and which entities an answer must show.

What it is: the kinds of claim, their one spelling in a bundle, and the walk that says which
entities belong to the answer. The verifier derives the first entity from the user's question and
makes the walk itself: a server never says what its answer has to contain (DESIGN 2.3).
What it is not: the answer, or any proof of it (`bundle`, `verify`).

The walk of a trace. In the log of an entity E, every event in which E is not merely a product (it
went in, or the event concerns it) leads on to all its outputs; an event that lists E among its
outputs only is how E came to be, and its other products are not E's descendants. Whatever is
reached is walked in turn.

The walk of accesses. The data set's log lists every grant (outputs of "granted" events); the answer
shows the data set, of each grant its record, and for each grant the log of the citizen's handle or
its absence (DESIGN section 5). Of the grants' own logs it shows nothing: these hold everybody's
accesses, and what is told to one must not grow with what was done to others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ledger.canonical_json import from_hex
from ledger.codec import encode
from ledger.errors import Malformed
from ledger.hashing import tagged
from ledger.leaf import Leaf
from ledger.limits import BUNDLE_ENTITIES_MAX, INTEGER_MAX
from ledger.paths import Path

__all__ = [
    "DATASHARING",
    "EVENT_KIND",
    "Absence",
    "Accesses",
    "AsOf",
    "Claim",
    "Entity",
    "EventAt",
    "Extension",
    "History",
    "ListOf",
    "LogOf",
    "Period",
    "Ranging",
    "Receipt",
    "Trace",
    "claim_value",
    "entities_of",
    "first_entity",
    "grants_of",
    "grants_paired",
    "handle_path",
    "onward",
    "pair_paths",
    "parse_claim",
]

DATASHARING: Final = "datasharing"
GRANTED: Final = "granted"  # the kind of event whose outputs are the grants of a data set
EVENT_KIND: Final = re.compile(r"[a-z][a-z0-9_-]{0,47}\Z")
_HANDLE: Final = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class Trace:
    """Where did this entity go? Its whole history, and that of everything that came of it."""

    path: Path


@dataclass(frozen=True, slots=True)
class History:
    """What has ever happened to this entity?"""

    path: Path


@dataclass(frozen=True, slots=True)
class Entity:
    """What is the record of this entity now? Without its history."""

    path: Path


@dataclass(frozen=True, slots=True)
class Absence:
    """Is there such an entity? No."""

    path: Path


@dataclass(frozen=True, slots=True)
class Accesses:
    """Who looked at the data of this person in this data set?

    `pairs` are (grant id, the person's handle under that grant in 64 hex digits), strictly
    ascending by grant id: one per grant of the data set.
    """

    dataset: Path
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of this transaction? `transaction` is its 32-byte id."""

    transaction: bytes


@dataclass(frozen=True, slots=True)
class ListOf:
    """Which events of this kind, of the entity's own contract, and how much in all?

    The total is recounted by the verifier from the whole log.
    """

    path: Path
    event: str


@dataclass(frozen=True, slots=True)
class Period:
    """What happened to this entity from `since` until before `until`? Block times in ms."""

    path: Path
    since: int
    until: int


@dataclass(frozen=True, slots=True)
class AsOf:
    """What was the record of this entity as of a past height?"""

    path: Path
    height: int


@dataclass(frozen=True, slots=True)
class EventAt:
    """What is the event of this number, from 0, in the entity's log?"""

    path: Path
    index: int


@dataclass(frozen=True, slots=True)
class Extension:
    """Does the chain log extend that of this size and 32-byte root? (claim kind "consistency")"""

    size: int
    root: bytes


Ranging = Period | AsOf | EventAt  # answered by part of a log
Claim = (
    Trace
    | History
    | Entity
    | Absence
    | Accesses
    | Receipt
    | ListOf
    | Period
    | AsOf
    | EventAt
    | Extension
)
LogOf = Callable[
    [Path], Sequence[Leaf] | None
]  # the whole log of an entity; None: it does not exist

_OF_ONE_PATH: Final[Mapping[str, type[Trace] | type[History] | type[Entity] | type[Absence]]] = {
    "absence": Absence,
    "entity": Entity,
    "history": History,
    "trace": Trace,
}
_KIND_OF_CLASS: Final = {kind: name for name, kind in _OF_ONE_PATH.items()}


def claim_value(claim: Claim) -> dict[str, Any]:
    """Return the JSON object that stands for a claim in a bundle."""
    if isinstance(claim, Accesses):
        pairs = [[grant, handle] for grant, handle in claim.pairs]
        return {"dataset": claim.dataset.text, "kind": "accesses", "pairs": pairs}
    if isinstance(claim, Receipt):
        return {"kind": "transaction", "transaction": claim.transaction.hex()}
    if isinstance(claim, Extension):
        return {"kind": "consistency", "root": claim.root.hex(), "size": claim.size}
    if isinstance(claim, ListOf):
        return {"event": claim.event, "kind": "list", "path": claim.path.text}
    if isinstance(claim, Period):
        bounds = {"from": claim.since, "until": claim.until}
        return {**bounds, "kind": "period", "path": claim.path.text}
    if isinstance(claim, AsOf):
        return {"height": claim.height, "kind": "as-of", "path": claim.path.text}
    if isinstance(claim, EventAt):
        return {"index": claim.index, "kind": "event", "path": claim.path.text}
    return {"kind": _KIND_OF_CLASS[type(claim)], "path": claim.path.text}


def parse_claim(value: object) -> Claim:
    """Read the JSON object of a claim. Raises: Malformed, naming the field and the rule."""
    if not isinstance(value, dict):
        raise Malformed("claim", "must be an object")
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in _READERS:
        raise Malformed("claim.kind", f"must be one of {', '.join(_READERS)}")
    names, read = _READERS[kind]
    _exactly(value, names)
    return read(value)


def _read_path(value: dict[str, Any]) -> Path:
    if not isinstance(value["path"], str):
        raise Malformed("claim.path", "must be text")
    return Path.parse(value["path"], "claim.path")


def _read_natural(value: dict[str, Any], name: str, least: int = 0) -> int:
    number = value[name]
    # A bool is an int in Python and none in JSON.
    if type(number) is not int or not least <= number <= INTEGER_MAX:
        raise Malformed(f"claim.{name}", f"must be {least} to 2^53−1")
    return number


def _read_list(value: dict[str, Any]) -> ListOf:
    path, event = _read_path(value), value["event"]
    if not isinstance(event, str) or not EVENT_KIND.match(event):
        raise Malformed("claim.event", "must be a lower-case word")
    return ListOf(path, event)


def _read_period(value: dict[str, Any]) -> Period:
    since, until = _read_natural(value, "from"), _read_natural(value, "until")
    if since >= until:
        raise Malformed("claim.until", "must be after from")
    return Period(_read_path(value), since, until)


def _reader_of(
    build: type[Trace] | type[History] | type[Entity] | type[Absence],
) -> Callable[[dict[str, Any]], Claim]:
    return lambda value: build(_read_path(value))


_READERS: Final[dict[str, tuple[set[str], Callable[[dict[str, Any]], Claim]]]] = {
    **{kind: ({"kind", "path"}, _reader_of(build)) for kind, build in _OF_ONE_PATH.items()},
    "accesses": (
        {"dataset", "kind", "pairs"},
        lambda value: Accesses(parse_dataset(value["dataset"]), parse_pairs(value["pairs"])),
    ),
    "as-of": (
        {"height", "kind", "path"},
        lambda value: AsOf(_read_path(value), _read_natural(value, "height")),
    ),
    "consistency": (
        {"kind", "root", "size"},
        lambda value: Extension(
            _read_natural(value, "size", 1), from_hex(value["root"], "claim.root")
        ),
    ),
    "event": (
        {"index", "kind", "path"},
        lambda value: EventAt(_read_path(value), _read_natural(value, "index")),
    ),
    "list": ({"event", "kind", "path"}, _read_list),
    "period": ({"from", "kind", "path", "until"}, _read_period),
    "transaction": (
        {"kind", "transaction"},
        lambda value: Receipt(from_hex(value["transaction"], "claim.transaction")),
    ),
}


def parse_dataset(value: object) -> Path:
    """Read the path of a data set, datasharing/dataset/<id>. Raises: Malformed."""
    if not isinstance(value, str):
        raise Malformed("claim.dataset", "must be text")
    path = Path.parse(value, "claim.dataset")
    if (path.contract, path.kind) != (DATASHARING, "dataset"):
        raise Malformed("claim.dataset", "must be datasharing/dataset/<id>")
    return path


def parse_pairs(value: object) -> tuple[tuple[str, str], ...]:
    """Read [[grant id, handle hex]...], strictly ascending by grant id. Raises: Malformed."""
    if not isinstance(value, list | tuple) or 2 * len(value) >= BUNDLE_ENTITIES_MAX:
        raise Malformed("claim.pairs", f"must be a list of fewer than {BUNDLE_ENTITIES_MAX // 2}")
    pairs: list[tuple[str, str]] = []
    for item in value:
        if not isinstance(item, list | tuple) or len(item) != 2:
            raise Malformed("claim.pairs", "must hold [grant id, handle] pairs")
        grant, handle = item
        if not isinstance(grant, str) or not isinstance(handle, str):
            raise Malformed("claim.pairs", "must hold text")
        Path(DATASHARING, "grant", grant).check("claim.pairs")
        if not _HANDLE.match(handle):
            raise Malformed("claim.pairs", "a handle must be 64 lower-case hex digits")
        if pairs and grant <= pairs[-1][0]:
            raise Malformed("claim.pairs", "must be strictly ascending by grant id")
        pairs.append((grant, handle))
    return tuple(pairs)


def _exactly(value: dict[str, Any], names: set[str]) -> None:
    if value.keys() != names:
        raise Malformed("claim", f"must be an object of exactly {', '.join(sorted(names))}")


def first_entity(claim: Claim) -> Path | None:
    """Return the entity a claim starts from; None for a transaction, or the chain as a whole."""
    if isinstance(claim, Accesses):
        return claim.dataset
    return None if isinstance(claim, Receipt | Extension) else claim.path


def onward(path: Path, leaves: Sequence[Leaf]) -> Iterator[Path]:
    """Give the entities that a trace reaches from the log of `path`, with repetitions."""
    for leaf in leaves:
        outputs = leaf.outputs
        if not outputs:
            continue
        merely_product = any(product == path for product, _ in outputs) and not any(
            source == path for source, _ in leaf.inputs
        )
        if not merely_product:
            for product, _ in outputs:
                yield product


def grants_of(dataset_leaves: Sequence[Leaf]) -> list[Path]:
    """Return the grants that a data set's log lists, in the order of granting, each once."""
    return list(
        dict.fromkeys(
            product
            for leaf in dataset_leaves
            if leaf.contract == DATASHARING and leaf.kind == GRANTED
            for product, _ in leaf.outputs
            if product.kind == "grant"
        )
    )


def handle_path(grant: str, handle: bytes) -> Path:
    """Return the entity of a person's 32-byte handle under a grant.

    The name binds the grant, so that whoever holds one grant cannot write into, or occupy, what
    stands under another.
    """
    return Path(DATASHARING, "handle", tagged("handle", encode([grant, handle])).hex())


def pair_paths(claim: Accesses) -> list[tuple[Path, Path]]:
    """Return the (grant, handle) paths of an accesses claim."""
    return [
        (Path(DATASHARING, "grant", grant), handle_path(grant, bytes.fromhex(handle)))
        for grant, handle in claim.pairs
    ]


def grants_paired(claim: Claim) -> frozenset[Path]:
    """Return the grants of an accesses claim: entities of which the record alone is shown."""
    if not isinstance(claim, Accesses):
        return frozenset()
    return frozenset(grant for grant, _ in pair_paths(claim))


def entities_of(claim: Claim, log_of: LogOf) -> list[Path]:
    """Return every entity that the answer to a claim must show, in the order of the walk.

    `log_of` is asked for each entity in that order (and knows those of which the record alone is
    shown, `grants_paired`); what it raises passes through.
    Raises: Malformed when there are more than BUNDLE_ENTITIES_MAX.
    """
    if isinstance(claim, Receipt | Extension):
        return []
    if isinstance(claim, Entity | Absence | Period | AsOf | EventAt):
        return [claim.path]
    if isinstance(claim, Accesses):
        waiting = [claim.dataset, *(path for pair in pair_paths(claim) for path in pair)]
    else:
        waiting = [claim.path]
    reached = dict.fromkeys(waiting)
    for path in waiting:  # grows while it is walked: breadth first
        leaves = log_of(path)
        if not isinstance(claim, Trace) or leaves is None:
            continue
        for product in onward(path, leaves):
            if product not in reached:
                reached[product] = None
                waiting.append(product)
        if len(reached) > BUNDLE_ENTITIES_MAX:
            raise Malformed("claim", f"leads to more than {BUNDLE_ENTITIES_MAX} entities")
    return list(reached)
