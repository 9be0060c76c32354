"""The catalogue of verdict sentences, Chinese and English, keyed by code. Data only.

Every verifier renders these; codes are stable, sentences may be improved. Times in parameters are
rendered texts.
"""

from __future__ import annotations

from typing import Final

__all__ = ["LINE_NAMES", "SENTENCES", "STATE_WORDS"]

LINE_NAMES: Final[dict[str, tuple[str, str]]] = {
    "integrity": ("完整无改", "integrity"),
    "completeness": ("无遗漏", "completeness"),
    "time": ("时间", "time"),
    "authority": ("背书", "authority"),
}

STATE_WORDS: Final[dict[str, tuple[str, str]]] = {
    "clean": ("通过", "clean"),
    "qualified": ("有保留", "qualified"),
    "failed": ("不通过", "failed"),
}

_GENERAL: Final = {
    "answers": ("此凭证回答：{question}", "This bundle answers: {question}"),
    "no-question": ("无法读取此凭证。", "This bundle cannot be read."),
    "malformed": ("格式有误，{field}：{rule}。", "Not well-formed: {field}: {rule}."),
    "not-checked": (
        "未能核验，因为“{because_zh}”一项未通过。",
        "Could not be checked, because {because} failed.",
    ),
}

_INTEGRITY: Final = {
    "intact": (
        "所示 {entities} 个对象、{events} 条记录与区块 {height} 的账本完全一致。",
        (
            "The {entities} entities and {events} events shown are exactly those of the ledger "
            "at height {height}."
        ),
    ),
    "intact-receipt": (
        "该交易及其结果确在区块 {height} 之中。",
        "The transaction and its result stand in block {height}.",
    ),
    "leaf-of-another-entity": (
        "{entity} 的第 {index} 条记录属于另一对象 {other}。",
        "Event {index} in the log of {entity} belongs to {other}.",
    ),
    "leaf-order": (
        "{entity} 的第 {index} 条记录次序不对。",
        "Event {index} in the log of {entity} is out of order.",
    ),
    "leaf-time": (
        "{entity} 的第 {index} 条记录的时间与区块不符。",
        "Event {index} in the log of {entity} has a time that does not fit its block.",
    ),
    "leaf-after-header": (
        "{entity} 的第 {index} 条记录晚于所依据的区块。",
        "Event {index} in the log of {entity} is later than the block it is proved by.",
    ),
    "leaf-of-another-genesis": (
        "{entity} 的第 {index} 条记录来自另一创世文件。",
        "Event {index} in the log of {entity} comes from another genesis.",
    ),
    "log-empty": ("{entity} 没有任何记录。", "The log of {entity} is empty."),
    "record-without-event": (
        ("{entity} 的现状不是其最后一条记录所留下的：有人绕过记录改动了它。"),
        ("The record of {entity} is not what its last event left: something wrote past its log."),
    ),
    "not-in-state": (
        "所示内容与区块 {height} 的账本状态不符（{rule}）。",
        "What is shown is not what the ledger held at height {height} ({rule}).",
    ),
    "events-disagree": (
        "同一事件（区块 {height}）在 {entity} 与 {other} 中说法不一。",
        "The same event (height {height}) reads differently in the logs of {entity} and {other}.",
    ),
    "event-missing-in-log": (
        "{entity} 的一条记录（区块 {height}）涉及 {other}，后者的记录中却没有。",
        "An event of {entity} (height {height}) names {other}, in whose log it does not stand.",
    ),
    "header-above-checkpoint": (
        "区块 {height} 超出了检查点的范围 {size}。",
        "Block {height} lies beyond the checkpoint's size {size}.",
    ),
    "header-not-in-chain": (
        "区块头不在检查点所认证的链上。",
        "The block header does not stand in the chain that the checkpoint certifies.",
    ),
    "not-consistent": (
        "检查点并非大小为 {size} 的旧检查点的延续。",
        "The checkpoint does not extend the earlier chain of size {size}.",
    ),
    "transaction-not-in-block": (
        "该交易不在区块 {height} 之中。",
        "The transaction does not stand in block {height}.",
    ),
    "transaction-of-another-chain": (
        "该交易属于另一条链。",
        "The transaction belongs to another chain.",
    ),
    "transaction-unsigned": (
        "该交易的签名无效。",
        "A signature of the transaction does not verify.",
    ),
    "transaction-outside-window": (
        "该交易在其有效期之外被执行。",
        "The transaction was executed outside its period of validity.",
    ),
    "result-not-in-block": (
        "该结果不在区块 {height} 之中。",
        "The result does not stand in block {height}.",
    ),
    "result-of-another-transaction": (
        "该结果属于另一交易。",
        "The result belongs to another transaction.",
    ),
}

_COMPLETENESS: Final = {
    "complete": (
        "截至区块 {height}，没有遗漏：共 {entities} 个对象、{events} 条记录。",
        "Nothing is left out as of height {height}: {entities} entities, {events} events.",
    ),
    "complete-absent": (
        "截至区块 {height}，账本中没有 {entity}。",
        "As of height {height} the ledger holds no {entity}.",
    ),
    "complete-record": (
        "这是 {entity} 截至区块 {height} 的现状；其 {events} 条记录未列出。",
        "This is the record of {entity} as of height {height}; its {events} events are not shown.",
    ),
    "complete-receipt": (
        "交易 {transaction} 及其全部事件均已列出。",
        "Transaction {transaction} is shown with all its events.",
    ),
    "not-final": (
        "此区块以“{code}”拒绝了交易 {transaction}，其编号未被消耗：它可能另有一份结果不同的回执。",
        (
            "This block refused transaction {transaction} ({code}) without consuming its id: "
            "another receipt of it, with another result, may exist."
        ),
    ),
    "another-question": (
        "此凭证答非所问；所问的是：{asked}",
        "It answers another question than the one asked: {asked}",
    ),
    "older-state": (
        ("所示为区块 {height} 的旧状态，而检查点已到 {size}：其间的变动可能被隐去。"),
        (
            "It shows the older state of height {height} under a checkpoint of size {size}: "
            "what happened between may be hidden."
        ),
    ),
    "entity-missing": (
        "答案应当包括 {entity}，却没有列出。",
        "The answer must include {entity}, which is not shown.",
    ),
    "entity-superfluous": (
        "{entity} 不属于此问题的答案。",
        "{entity} does not belong to the answer.",
    ),
    "entity-without-log": (
        "{entity} 未附全部记录。",
        "{entity} is shown without its whole log.",
    ),
    "entity-absent": ("{entity} 并不存在。", "{entity} does not exist."),
    "entity-present": (
        "称 {entity} 不存在，它却存在。",
        "{entity} is said not to exist, and it does.",
    ),
    "grant-without-handle": (
        ("数据集 {entity} 的授权 {grant} 未给出主体代号：其访问可能被隐去。"),
        (
            "Grant {grant} of {entity} has no handle in the question: "
            "accesses under it may be hidden."
        ),
    ),
    "grant-of-another-dataset": (
        "授权 {grant} 不属于数据集 {entity}。",
        "Grant {grant} is not one of {entity}.",
    ),
    "handle-of-another-grant": (
        "{entity} 有不属于授权 {grant} 的访问：它不是该授权之下的代号。",
        ("{entity} has an access that is not under grant {grant}: it is no handle of that grant."),
    ),
}

_TIME: Final = {
    "as-of": (
        "截至 {time}（区块 {height}）。未要求时限，不作“最新”之说。",
        "Complete as of {time}, height {height}.",
    ),
    "certified-at": (
        "检查点签于 {time}（区块 {height}）。",
        "The checkpoint was certified at {time}, height {height}.",
    ),
    "fresh": (
        (
            "截至 {time}（区块 {height}），按核验者的时钟 {now} 为 {age} 秒之前，"
            "在所容许的 {limit} 秒以内。"
        ),
        (
            "As of {time}, height {height}: {age} s old by the verifier's clock {now}, "
            "within the {limit} s asked for."
        ),
    ),
    "existed-by": (
        "最迟在 {time} 已记入账本（区块 {height}，区块时间 {block_time}）。",
        "On the ledger by {time} at the latest (height {height}, block time {block_time}).",
    ),
    "too-old": (
        "截至 {time}，已过 {age} 秒，超过所容许的 {limit} 秒。",
        "As of {time} only: {age} s old, more than the {limit} s asked for.",
    ),
    "no-clock": (
        "截至 {time}（区块 {height}）；没有时钟，无法核对所要求的时限。",
        ("As of {time}, height {height}; without a clock the asked age cannot be checked."),
    ),
    "in-the-future": (
        "检查点时间 {time} 晚于核验者的时钟 {now}。",
        "The checkpoint's time {time} is ahead of the verifier's clock {now}.",
    ),
    "before-block": (
        "{member} 的签名时间早于区块时间。",
        "The timestamp of {member} precedes the block's time.",
    ),
}

_AUTHORITY: Final = {
    "quorum": (
        "创世文件所列 {n} 个成员中的 {q} 个联署：{members}。",
        "Cosigned by {q} of the {n} members that genesis names: {members}.",
    ),
    "quorum-and-pin": (
        (
            "创世文件所列 {n} 个成员中的 {q} 个联署：{members}；并且延续了所持的检查点（大小 {size}）。"
        ),
        (
            "Cosigned by {q} of the {n} members that genesis names: {members}; "
            "and it extends the pinned checkpoint of size {size}."
        ),
    ),
    "another-chain": (
        "检查点属于另一条链：{origin}。",
        "The checkpoint is of another chain: {origin}.",
    ),
    "another-epoch": (
        "区块属于第 {epoch} 届成员，凭证未附换届证明。",
        "The block is of epoch {epoch}; the bundle has no walk to it.",
    ),
    "another-member-set": (
        "区块头所载的成员名单与创世文件不符。",
        "The header names a member set other than that of genesis.",
    ),
    "not-certified": (
        "联署无效，{field}：{rule}。",
        "The cosignatures do not certify: {field}: {rule}.",
    ),
    "pin-malformed": (
        "所持的检查点无法读取，{field}：{rule}。",
        "The pin cannot be read: {field}: {rule}.",
    ),
    "pin-of-another-chain": (
        "所持的检查点属于另一条链：{origin}。",
        "The pin is of another chain: {origin}.",
    ),
    "pin-newer": (
        "所持的检查点（大小 {pin}）比凭证（大小 {size}）新，无法核对。",
        "The pin (size {pin}) is newer than the bundle (size {size}).",
    ),
    "pin-without-proof": (
        "凭证未附与所持检查点（大小 {pin}）的一致性证明。",
        "The bundle has no consistency proof from the pin (size {pin}).",
    ),
    "pin-contradicted": (
        "链与所持的检查点（大小 {pin}）相矛盾：历史被改写过。",
        "The chain contradicts the pin (size {pin}): history was rewritten.",
    ),
}

_NOTES: Final = {
    "handle-asked": (
        "所问代号：授权 {grant} 之下的 {handle}。",
        "Asked about: handle {handle} under grant {grant}.",
    ),
    "rests-on-genesis": (
        "以创世文件为据；不能排除过往成员合谋。",
        "Rests on genesis; collusion of past members cannot be excluded.",
    ),
    "scope-of-accesses": (
        (
            "所证为“网关记录的每一次访问”；绕过网关读取数据库、"
            "提供方与使用方合谋，不在其内。代号是否属于您本人，须另行核对。"
        ),
        (
            "It says: every access recorded by the gateway. Reading the database behind it, "
            "and collusion of owner and user, are outside. "
            "That the handles are yours is checked elsewhere."
        ),
    ),
    "scope-of-record": (
        "记录中的计数与合计未从事件重新计算，以经认证的执行为据。",
        (
            "Counts and sums in the record were not recounted from events; "
            "they rest on certified execution."
        ),
    ),
    "scope-of-receipt": (
        "回执只说这一笔交易，不说此后发生的事。",
        "A receipt speaks of one transaction, not of what happened after it.",
    ),
}

SENTENCES: Final[dict[str, tuple[str, str]]] = {
    **_GENERAL,
    **_INTEGRITY,
    **_COMPLETENESS,
    **_TIME,
    **_AUTHORITY,
    **_NOTES,
}
