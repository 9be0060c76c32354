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
            "What is shown is exactly what the ledger holds at height {height} "
            "(entities: {entities}, events: {events})."
        ),
    ),
    "intact-receipt": (
        "该交易及其结果确在区块 {height} 之中。",
        "The transaction and its result stand in block {height}.",
    ),
    "intact-chain": (
        "区块 {height} 及其之前的链完整无改。",
        "The chain up to height {height} is as certified.",
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
        "Nothing is left out as of height {height} (entities: {entities}, events: {events}).",
    ),
    "complete-list": (
        "截至区块 {height}，{entity} 的“{event}”记录共 {count} 条，已由核验者逐条重新合计：转出 {taken}，转入 {made}（基本单位）。",
        "As of height {height}, the number of events '{event}' of {entity} is {count}, recounted here from all its events; quantity taken from it: {taken}, made: {made} (base units).",
    ),
    "complete-period": (
        "从 {from} 到 {until} 之前，{entity} 有 {events} 条记录，没有遗漏（截至区块 {height}，共 {size} 条）。",
        "From {from} until before {until}, the number of events of {entity} is {events}, and there is no other (as of height {height}; {size} in all).",
    ),
    "complete-period-so-far": (
        "从 {from} 到 {until} 之前，{entity} 至今有 {events} 条记录，没有遗漏；截至区块 {height}（{time}），此时段尚未结束（共 {size} 条）。",
        "From {from} until before {until}, the number of events of {entity} is {events} so far, and there is no other as of height {height}, {time}, when the period was not over ({size} in all).",
    ),
    "complete-as-of": (
        "这是 {entity} 在区块 {past} 时的记录；其后一条记录更晚（截至区块 {height}）。",
        "This is the record of {entity} as it stood at height {past} (seen from height {height}).",
    ),
    "complete-as-of-absent": (
        "在区块 {past} 时，账本中尚无 {entity}（截至区块 {height}）。",
        "At height {past} the ledger held no {entity} (seen from height {height}).",
    ),
    "complete-event": (
        "这是 {entity} 的第 {index} 条记录（从 0 数起，共 {size} 条，截至区块 {height}）。",
        "This is event {index}, counted from 0, of the {size} of {entity} as of height {height}.",
    ),
    "complete-consistency": (
        "截至区块 {height} 的链延续了大小为 {size} 的链，未曾改写。",
        "The chain of height {height} extends the one of size {size}: nothing was rewritten.",
    ),
    "complete-absent": (
        "截至区块 {height}，账本中没有 {entity}。",
        "As of height {height} the ledger holds no {entity}.",
    ),
    "complete-record": (
        "这是 {entity} 截至区块 {height} 的现状；其 {events} 条记录未列出。",
        "This is the record of {entity} as of height {height}; its events ({events}) are not shown.",
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
    "leaf-superfluous": (
        "{entity} 的第 {index} 条记录不属于此问题的答案。",
        "Event {index} of {entity} does not belong to the answer.",
    ),
    "period-open-before": (
        "{entity} 在此时段之前的一条记录未列出：时段之初可能有遗漏。",
        "The event of {entity} before the period is not shown: its beginning may be hidden.",
    ),
    "period-open-after": (
        "{entity} 在此时段之后的一条记录未列出：时段之末可能有遗漏。",
        "The event of {entity} after the period is not shown: its end may be hidden.",
    ),
    "as-of-open": (
        "未列出 {entity} 的相邻记录：区块 {past} 之前可能另有记录。",
        "The neighbouring event of {entity} is not shown: another may stand before height {past}.",
    ),
    "height-ahead": (
        "所问的区块 {past} 晚于凭证所依据的区块 {height}。",
        "Height {past} lies beyond the height {height} that the bundle is of.",
    ),
    "record-of-another-time": (
        "所示旧记录不是 {entity} 当时的记录，或不应列出。",
        "The past record shown is not that of {entity} then, or does not belong here.",
    ),
    "event-of-another-index": (
        "所示为 {entity} 的第 {index} 条记录，并非所问。",
        "It shows event {index} of {entity}, which is not the one asked about.",
    ),
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
}

_TIME: Final = {
    "as-of": (
        "截至 {time}（区块 {height}）。未要求时限，不作“最新”之说。",
        "Complete as of {time}, height {height}; no age was asked for, so it is not said to be the newest.",
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
    "quorum-from-genesis": (
        "第 {epoch} 届 {n} 个成员中的 {q} 个联署：{members}；以创世文件为据，不能排除过往成员合谋。",
        "Cosigned by {q} of the {n} members of epoch {epoch}: {members}; this rests on genesis, and collusion of past members cannot be excluded.",
    ),
    "quorum-and-pin": (
        "第 {epoch} 届 {n} 个成员中的 {q} 个联署：{members}；并且延续了所持的检查点（大小 {size}），其后不能排除过往成员合谋。",
        "Cosigned by {q} of the {n} members of epoch {epoch}: {members}; it extends the pinned checkpoint of size {size}, after which collusion of past members cannot be excluded.",
    ),
    "quorum-and-witnesses": (
        "第 {epoch} 届 {n} 个成员中的 {q} 个联署：{members}；外部见证符合所要求的策略：{witnesses}；过往成员除非握有 {logs} 的日志密钥，不能合谋伪造。",
        "Cosigned by {q} of the {n} members of epoch {epoch}: {members}; witnessed as the policy asks: {witnesses}; past members could have made it up only with the log keys of {logs}.",
    ),
    "quorum-pin-and-witnesses": (
        "第 {epoch} 届 {n} 个成员中的 {q} 个联署：{members}；延续了所持的检查点（大小 {size}）；外部见证符合所要求的策略：{witnesses}；其后过往成员除非握有 {logs} 的日志密钥，不能合谋伪造。",
        "Cosigned by {q} of the {n} members of epoch {epoch}: {members}; it extends the pinned checkpoint of size {size}; witnessed as the policy asks: {witnesses}; after the pin, past members could have made it up only with the log keys of {logs}.",
    ),
    "witnesses-unchecked": (
        "第 {epoch} 届 {n} 个成员中的 {q} 个联署：{members}；以创世文件为据，不能排除过往成员合谋；另附 {unchecked} 份外部见证，未给出策略，无从核对。",
        "Cosigned by {q} of the {n} members of epoch {epoch}: {members}; this rests on genesis, and collusion of past members cannot be excluded; notes of outside witnesses ({unchecked}) were not checked, because no policy was given.",
    ),
    "pin-and-witnesses-unchecked": (
        "第 {epoch} 届 {n} 个成员中的 {q} 个联署：{members}；并且延续了所持的检查点（大小 {size}），其后不能排除过往成员合谋；另附 {unchecked} 份外部见证，未给出策略，无从核对。",
        "Cosigned by {q} of the {n} members of epoch {epoch}: {members}; it extends the pinned checkpoint of size {size}, after which collusion of past members cannot be excluded; notes of outside witnesses ({unchecked}) were not checked, because no policy was given.",
    ),
    "witnesses-unknown": (
        "第 {epoch} 届 {n} 个成员中的 {q} 个联署：{members}；策略已满足，过往成员除非握有 {logs} 的日志密钥，不能合谋伪造；但下列见证不在策略之内，未核对：{witnesses}。",
        "Cosigned by {q} of the {n} members of epoch {epoch}: {members}; the policy is satisfied, and past members could have made it up only with the log keys of {logs}; it does not know these, which were not checked: {witnesses}.",
    ),
    "members-alone": (
        "第 {epoch} 届 {n} 个成员中的 {q} 个联署：{members}；仅凭成员即已满足策略：以创世文件为据，不能排除过往成员合谋。",
        "Cosigned by {q} of the {n} members of epoch {epoch}: {members}; members alone satisfy the policy: this rests on genesis, and collusion of past members cannot be excluded.",
    ),
    "members-alone-and-pin": (
        "第 {epoch} 届 {n} 个成员中的 {q} 个联署：{members}；延续了所持的检查点（大小 {size}）；仅凭成员即已满足策略：其后不能排除过往成员合谋。",
        "Cosigned by {q} of the {n} members of epoch {epoch}: {members}; it extends the pinned checkpoint of size {size}; members alone satisfy the policy: after the pin, collusion of past members cannot be excluded.",
    ),
    "members-alone-and-unknown": (
        "第 {epoch} 届 {n} 个成员中的 {q} 个联署：{members}；仅凭成员即已满足策略，不能排除过往成员合谋；下列见证不在策略之内，未核对：{witnesses}。",
        "Cosigned by {q} of the {n} members of epoch {epoch}: {members}; members alone satisfy the policy, and collusion of past members cannot be excluded; it does not know these, which were not checked: {witnesses}.",
    ),
    "witness-malformed": (
        "外部见证无法读取，{field}：{rule}。",
        "A witness's note cannot be read: {field}: {rule}.",
    ),
    "witness-of-another-chain": (
        "外部见证属于另一条链：{origin}。",
        "A witness's note is of another chain: {origin}.",
    ),
    "witness-signature": (
        "{witness} 在 {origin} 之下的签名无效。",
        "The signature of {witness} under {origin} does not verify.",
    ),
    "witnesses-too-few": (
        "外部见证不足，未达到策略所要求的 {quorum}。",
        "Too few witnesses: the policy's quorum {quorum} is not reached.",
    ),
    "witnesses-too-few-and-unknown": (
        "外部见证不足，未达到策略所要求的 {quorum}；下列日志或见证人不在策略之内（策略没有写它们公钥的 log 或 witness 行），未核对：{witnesses}。",
        "Too few witnesses: the policy's quorum {quorum} is not reached; it has no log or witness line with the keys of these, which were not checked: {witnesses}.",
    ),
    "handover-malformed": (
        "换届证明无法读取，{field}：{rule}。",
        "A handover cannot be read: {field}: {rule}.",
    ),
    "handover-height": (
        "第 {epoch} 届的换届证明中，区块高度 {height} 不是检查点大小 {size}。",
        "The handover of epoch {epoch} has a block of height {height} under a checkpoint of size {size}.",
    ),
    "handover-order": (
        "第 {epoch} 届的换届证明次序不对。",
        "The handover of epoch {epoch} is out of order.",
    ),
    "handover-not-in-chain": (
        "第 {epoch} 届的末块不在其检查点所认证的链上。",
        "The last block of epoch {epoch} does not stand in the chain that its checkpoint certifies.",
    ),
    "handover-not-consistent": (
        "后来的检查点不是第 {epoch} 届末检查点的延续：历史被改写过。",
        "What follows does not extend the last checkpoint of epoch {epoch}: history was rewritten.",
    ),
    "another-chain": (
        "检查点属于另一条链：{origin}。",
        "The checkpoint is of another chain: {origin}.",
    ),
    "another-epoch": (
        "区块属于第 {epoch} 届成员，与凭证所附的换届证明不符。",
        "The block is of epoch {epoch}; the bundle's walk leads elsewhere.",
    ),
    "another-member-set": (
        "区块头所载的成员名单与其届次不符。",
        "The header names a member set other than that of its epoch.",
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
