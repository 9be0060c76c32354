"""The questions a bundle answers, and which entities an answer must show.

What it is: the kinds of claim, their one spelling in a bundle, the question each stands for in
words (zh, en), and the walk that says which entities belong to the answer. The verifier derives the
first entity from the user's question and makes the walk itself: a server never says what its answer
has to contain (DESIGN 2.3).
What it is not: the answer, or any proof of it (`bundle`, `verify`).

The walk of a trace. In the log of an entity E, every event in which E is not merely a product (it
went in, or the event concerns it) leads on to all its outputs; an event that lists E among its
outputs only is how E came to be, and its other products are not E's descendants. Whatever is
reached is walked in turn.

The walk of accesses. The data set's log lists every grant (outputs of "granted" events); the answer
shows the data set, each grant, and for each grant the citizen's handle or its absence (DESIGN
section 5).
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
from ledger.limits import BUNDLE_ENTITIES_MAX
from ledger.paths import Path

__all__ = [
    "Absence",
    "Accesses",
    "Claim",
    "Entity",
    "History",
    "LogOf",
    "Receipt",
    "Trace",
    "claim_value",
    "entities_of",
    "first_entity",
    "grants_of",
    "handle_path",
    "onward",
    "pair_paths",
    "parse_claim",
    "parse_subject",
    "question",
]

DATASHARING: Final = "datasharing"
GRANTED: Final = "granted"  # the kind of event whose outputs are the grants of a data set
_HANDLE: Final = re.compile(r"[0-9a-f]{64}\Z")
_CONTRACT_OF_KIND: Final = {
    **dict.fromkeys(
        ("allocation", "day", "donation", "donor", "item", "lot", "need", "recipient", "shipment"),
        "supplies",
    ),
    **dict.fromkeys(("dataset", "grant", "handle", "request"), DATASHARING),
    **dict.fromkeys(("account", "organisation"), "identity"),
}
_KIND_WORDS: Final = {
    "account": ("账户", "account"),
    "allocation": ("分配", "allocation"),
    "dataset": ("数据集", "data set"),
    "day": ("日期", "day"),
    "donation": ("捐赠", "donation"),
    "donor": ("捐赠者", "donor"),
    "grant": ("授权", "grant"),
    "handle": ("主体代号", "handle"),
    "item": ("物资", "item"),
    "lot": ("批次", "lot"),
    "need": ("需求", "need"),
    "open": ("未结清单", "open list"),
    "organisation": ("机构", "organisation"),
    "recipient": ("接收方", "recipient"),
    "request": ("申请", "request"),
    "shipment": ("运单", "shipment"),
}


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


Claim = Trace | History | Entity | Absence | Accesses | Receipt
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
    return {"kind": _KIND_OF_CLASS[type(claim)], "path": claim.path.text}


def parse_claim(value: object) -> Claim:
    """Read the JSON object of a claim. Raises: Malformed, naming the field and the rule."""
    if not isinstance(value, dict):
        raise Malformed("claim", "must be an object")
    kind = value.get("kind")
    if kind == "accesses":
        _exactly(value, {"dataset", "kind", "pairs"})
        return Accesses(parse_dataset(value["dataset"]), parse_pairs(value["pairs"]))
    if kind == "transaction":
        _exactly(value, {"kind", "transaction"})
        return Receipt(from_hex(value["transaction"], "claim.transaction"))
    build = _OF_ONE_PATH.get(kind) if isinstance(kind, str) else None
    if build is None:
        raise Malformed("claim.kind", f"must be accesses, transaction, {', '.join(_OF_ONE_PATH)}")
    _exactly(value, {"kind", "path"})
    path = value["path"]
    if not isinstance(path, str):
        raise Malformed("claim.path", "must be text")
    return build(Path.parse(path, "claim.path"))


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


def parse_subject(text: str) -> Path:
    """Read what a person types: contract/kind/id, or kind/id where the kind is of one contract
    only.

    Raises: Malformed.
    """
    parts = text.split("/")
    if len(parts) == 2:
        contract = _CONTRACT_OF_KIND.get(parts[0])
        if contract is None:
            raise Malformed("entity", "must be contract/kind/id: this kind is of no one contract")
        parts = [contract, *parts]
    return Path.parse("/".join(parts), "entity")


def first_entity(claim: Claim) -> Path | None:
    """Return the entity a claim starts from; None for a receipt, which is about a transaction."""
    if isinstance(claim, Accesses):
        return claim.dataset
    return None if isinstance(claim, Receipt) else claim.path


def question(claim: Claim, language: str = "en") -> str:
    """Return the question in words; `language` is "zh" or "en".

    Of an accesses claim it tells how many handles are asked about; which they are, a verdict's
    notes list whole.
    """
    chinese = language == "zh"
    if isinstance(claim, Receipt):
        identity = claim.transaction.hex()
        english = f"What became of transaction {identity}?"
        return f"交易 {identity} 的结果是什么？" if chinese else english
    if isinstance(claim, Accesses):
        name, count = claim.dataset.id, len(claim.pairs)
        if chinese:
            return f"在数据集 {name} 中，谁查看过持有这 {count} 个代号的人的数据？"
        return f"Who looked at the data of the holder of these {count} handles in data set {name}?"
    zh, en = _KIND_WORDS.get(claim.path.kind, (claim.path.kind, claim.path.kind))
    name = f"{zh if chinese else en} {claim.path.id}"
    if isinstance(claim, Trace):
        return f"{name} 去了哪里？" if chinese else f"Where did {name} go?"
    if isinstance(claim, History):
        return f"{name} 经历过什么？" if chinese else f"What has ever happened to {name}?"
    if isinstance(claim, Entity):
        return f"{name} 现在的记录是什么？" if chinese else f"What is the record of {name} now?"
    return f"{name} 存在吗？" if chinese else f"Does {name} exist?"


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


def entities_of(claim: Claim, log_of: LogOf) -> list[Path]:
    """Return every entity that the answer to a claim must show, in the order of the walk.

    `log_of` is asked for each entity whose events lead on or belong to the answer; what it raises
    passes through. Raises: Malformed when there are more than BUNDLE_ENTITIES_MAX.
    """
    if isinstance(claim, Receipt):
        return []
    if isinstance(claim, Entity | Absence):
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
