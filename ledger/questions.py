"""The questions in words (zh, en), and what a person types to ask about an entity.

What it is: the one place where a claim becomes a sentence, for every verifier and every page. What
it is not: the claims themselves (`claims`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ledger.claims import (
    DATASHARING,
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
)
from ledger.errors import Malformed
from ledger.instants import utc_time
from ledger.paths import Path

__all__ = ["KIND_WORDS", "QUESTIONS", "parse_subject", "question"]

_CONTRACT_OF_KIND: Final = {
    **dict.fromkeys(
        ("allocation", "day", "donation", "donor", "item", "lot", "need", "recipient", "shipment"),
        "supplies",
    ),
    **dict.fromkeys(("dataset", "grant", "handle", "request"), DATASHARING),
    **dict.fromkeys(("account", "organisation"), "identity"),
}
KIND_WORDS: Final = {
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

# Of each claim: its templates, and what fills them beside the entity's {kind} and {id}.
QUESTIONS: Final[dict[type[Any], tuple[str, str]]] = {
    Absence: ("{kind} {id} 存在吗？", "Does {kind} {id} exist?"),
    Accesses: (
        "在数据集 {id} 中，谁查看过持有这 {count} 个代号的人的数据？",
        "Who looked at the data of the holder of these {count} handles in data set {id}?",
    ),
    AsOf: (
        "{kind} {id} 在区块 {height} 时的记录是什么？",
        "What was the record of {kind} {id} as of height {height}?",
    ),
    Entity: ("{kind} {id} 的记录是什么？", "What is the record of {kind} {id}?"),
    EventAt: (
        "{kind} {id} 的第 {index} 条记录是什么？",
        "What is event {index} in the log of {kind} {id}?",
    ),
    Extension: (
        "账本是否延续了大小为 {size}、根为 {root} 的那条链？",
        "Does the ledger extend the chain of size {size} and root {root}?",
    ),
    History: ("{kind} {id} 经历过什么？", "What has ever happened to {kind} {id}?"),
    ListOf: (
        "{kind} {id} 有哪些“{event}”记录，合计多少？",
        "Which events '{event}' does {kind} {id} have, and how much in all?",
    ),
    Period: (
        "{kind} {id} 从 {from} 到 {until} 之前经历过什么？",
        "What happened to {kind} {id} from {from} until before {until}?",
    ),
    Receipt: ("交易 {id} 的结果是什么？", "What became of transaction {id}?"),
    Trace: ("{kind} {id} 去了哪里？", "Where did {kind} {id} go?"),
}

_VALUES: Final[dict[type[Any], Callable[[Any], dict[str, Any]]]] = {
    Accesses: lambda claim: {"id": claim.dataset.id, "count": len(claim.pairs)},
    AsOf: lambda claim: {"height": claim.height},
    EventAt: lambda claim: {"index": claim.index},
    Extension: lambda claim: {"root": claim.root.hex(), "size": claim.size},
    ListOf: lambda claim: {"event": claim.event},
    Period: lambda claim: {
        "from": utc_time(claim.since // 1000),
        "until": utc_time(claim.until // 1000),
    },
    Receipt: lambda claim: {"id": claim.transaction.hex()},
}


def question(claim: Claim, language: str = "en") -> str:
    """Return the question in words; `language` is "zh" or "en".

    Of an accesses claim it tells how many handles are asked about; which they are, a verdict's
    notes list whole.
    """
    chosen = 0 if language == "zh" else 1
    values: dict[str, Any] = {}
    path = getattr(claim, "path", None)
    if path is not None:
        words = KIND_WORDS.get(path.kind, (path.kind, path.kind))
        values = {"kind": words[chosen], "id": path.id}
    values.update(_VALUES.get(type(claim), lambda _: {})(claim))
    return QUESTIONS[type(claim)][chosen].format(**values)


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
