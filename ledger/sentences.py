"""The catalogue of sentences for codes: Chinese and English, for results in blocks and at the door.

Data, and the one function that fills it. Codes and parameters are what the chain holds; sentences
are made where a person reads them (API, command line, pages), so they may be improved at any time
(DESIGN section 4). Words for events, roles and broken rules stand in `sentences_events`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from ledger.instants import china_time
from ledger.sentences_events import EVENTS, ROLES, RULES

__all__ = ["LANGUAGES", "SENTENCES", "fill", "render", "render_event", "render_role"]

LANGUAGES: Final = ("zh", "en")
_INSTANTS: Final = ("from", "time", "until", "valid_until")  # milliseconds since 1970 UTC
_PLACE: Final = re.compile(r"\{([a-z_]+)\}")
_MISSING: Final = "—"

_OUTCOMES: Final = {
    "accepted": ("已接受。", "Accepted."),
    "pending": ("已收到，尚未确认。", "Received, not yet certified."),
}

_TRANSACTION: Final = {
    "expired": (
        "交易已过期：有效期至 {valid_until}，区块时间为 {time}。",
        "The transaction has expired: it was valid until {valid_until}, the block's time is {time}.",
    ),
    "valid-until-too-far": (
        "交易的有效期 {valid_until} 超出区块时间 {time} 十分钟以上。",
        "The transaction is valid until {valid_until}, over ten minutes after the block's {time}.",
    ),
    "replayed": ("该交易已经执行过一次。", "The transaction has been executed before."),
    "chain": ("该交易属于另一条链。", "The transaction is for another chain."),
    "unknown-contract": ("没有名为 {contract} 的合约。", "There is no contract called {contract}."),
    "unknown-function": (
        "合约 {contract} 没有功能 {function}。",
        "The contract {contract} has no function {function}.",
    ),
    "signer-count": (
        "此功能须由 {expected} 个账户签名，收到 {given} 个。",
        "This function is signed by {expected} accounts, not by {given}.",
    ),
    "repeated-signer": (
        "账户 {account} 或其密钥签名了两次。",
        "The account {account} or its key signs twice.",
    ),
    "unknown-account": ("没有账户 {account}。", "There is no account {account}."),
    "wrong-key": (
        "签名的密钥不是账户 {account} 的有效密钥。",
        "The key that signed is not an active key of {account}.",
    ),
    "wrong-role": (
        "账户 {account} 没有“{role}”这一角色。",
        "The account {account} does not have the role of {role}.",
    ),
    "unknown-argument": ("没有参数 {field}。", "There is no argument {field}."),
    "missing-argument": ("缺少参数 {field}。", "The argument {field} is missing."),
    "bad-argument": ("参数 {field} 不合规则：{rule}。", "The argument {field} is wrong: {rule}."),
}

_CONTRACTS: Final = {
    "unknown-entity": ("没有 {entity}。", "There is no {entity}."),
    "already-exists": ("{entity} 已经存在。", "{entity} exists already."),
    "unnamed-write": (
        "合约有误：改动了 {entity} 而没有记入其日志。",
        "The contract is wrong: it wrote {entity} without an event in its log.",
    ),
    "foreign-write": (
        "合约有误：{entity} 属于另一合约。",
        "The contract is wrong: {entity} belongs to another contract.",
    ),
    "bad-path": (
        "合约有误：{entity} 不是合法的名称。",
        "The contract is wrong: {entity} is not a well-formed name.",
    ),
    "too-many-events": (
        "一笔交易至多 {limit} 个事件。",
        "A transaction has at most {limit} events.",
    ),
    "too-many-entities": (
        "一个事件至多涉及 {limit} 个对象。",
        "An event names at most {limit} entities.",
    ),
    "record-too-large": (
        "{entity} 的记录超过 {limit} 字节。",
        "The record of {entity} would exceed {limit} bytes.",
    ),
    "leaves-too-large": (
        "该交易要写入的记录合计超过 {limit} 字节。",
        "What the transaction would write into logs exceeds {limit} bytes.",
    ),
    "overflow": ("合计超过 {limit}。", "A sum would exceed {limit}."),
    "bad-member-set": (
        "该成员集不能接替现有成员集：{field} 不合规定。",
        "This member set cannot take over from the present one: {field} breaks a rule.",
    ),
    "foreign-id": (
        "编号 {id} 必须以“{organisation}.”开头。",
        "The id {id} must begin with “{organisation}.”.",
    ),
    "wrong-organisation": (
        "账户 {account} 不属于 {organisation}。",
        "The account {account} does not belong to {organisation}.",
    ),
    "wrong-state": (
        "{entity} 目前的状态是“{state}”，不能这样做。",
        "{entity} is “{state}”: this cannot be done now.",
    ),
    "duplicate-entry": ("{field} 中 {entry} 出现了两次。", "{entry} appears twice in {field}."),
    "self-approval": (
        "账户 {account} 不能审批自己提出的事项。",
        "The account {account} may not decide what it proposed itself.",
    ),
}

_SUPPLIES: Final = {
    "wrong-unit": (
        "物品 {item} 没有单位“{unit}”（{label}）的换算。",
        "The item {item} has no pack of unit “{unit}” ({label}).",
    ),
    "mixed-units": (
        "单位不一致：{unit} 与 {other}。",
        "The base units differ: {unit} and {other}.",
    ),
    "quantity-too-large": ("数量超过 {limit}。", "The quantity exceeds {limit}."),
    "more-than-held": (
        "批次 {lot} 只有 {held}，不足 {asked}。",
        "The lot {lot} has {held}, fewer than {asked}.",
    ),
    "lot-expired": ("批次 {lot} 已于 {expiry} 过期。", "The lot {lot} expired on {expiry}."),
    "non-conformant": ("批次 {lot} 检验不合格。", "The lot {lot} did not pass inspection."),
    "not-inspected": ("批次 {lot} 尚未检验。", "The lot {lot} has not been inspected."),
    "earmarked": (
        "批次 {lot} 定向捐赠给 {earmark}。",
        "The lot {lot} is meant for {earmark}.",
    ),
    "wrong-item": (
        "批次 {lot} 的物品是 {item}，与需求或分配不符。",
        "The lot {lot} is of {item}, which is not what the need or the allocation names.",
    ),
    "wrong-recipient": (
        "{entity} 的接收方不是 {recipient}。",
        "{entity} is not of the recipient {recipient}.",
    ),
    "unknown-recipient": (
        "账本上没有接收方 {recipient} 所属的机构。",
        "The organisation of the recipient {recipient} is not on the ledger.",
    ),
    "self-confirmation": (
        "账户 {account} 不能签收自己发出的物资。",
        "The account {account} may not confirm what it shipped itself.",
    ),
    "not-in-donation": (
        "批次 {lot} 不属于捐赠 {donation}。",
        "The lot {lot} is not of the donation {donation}.",
    ),
    "not-in-allocation": (
        "批次 {lot} 不在分配 {allocation} 中。",
        "The lot {lot} is not in the allocation {allocation}.",
    ),
    "not-in-shipment": (
        "批次 {lot} 不在运单 {shipment} 中。",
        "The lot {lot} is not in the shipment {shipment}.",
    ),
    "more-than-shipped": (
        "批次 {lot} 在途 {held}，不能签收 {asked}。",
        "Of the lot {lot} {held} is in transit: {asked} cannot have arrived.",
    ),
    "nothing-corrected": ("更正与原记录相同。", "The correction states what is already recorded."),
    "already-moved": (
        "批次 {lot} 已有分配或发运，不能声明未收到。",
        "Part of the lot {lot} has moved: it cannot be declared not received.",
    ),
    "nothing-changed": (
        "{entity} 已是如此，没有变化。",
        "{entity} is so already: nothing would change.",
    ),
    "too-many-inspections": (
        "批次 {lot} 的检验结论已满 {limit} 次，此后只接受“不合格”。",
        "The lot {lot} has had {limit} verdicts; only “non_conformant” is taken now.",
    ),
}

_SHARING: Final = {
    "withheld": ("数据集 {dataset} 不予共享。", "The data set {dataset} is withheld from sharing."),
    "outside-fields": (
        "信息项 {field} 不在允许范围内。",
        "The field {field} is outside what is allowed.",
    ),
    "outside-purpose": (
        "用途 {purpose} 不在允许范围内。",
        "The purpose {purpose} is outside what is allowed.",
    ),
    "outside-period": (
        "期限超出所申请的 {from} 至 {until}。",
        "The period lies outside what was requested, {from} to {until}.",
    ),
    "empty-period": ("期限为空：{from} 至 {until}。", "The period is empty: {from} to {until}."),
    "grant-revoked": ("授权 {grant} 已撤销。", "The grant {grant} has been revoked."),
    "grant-expired": ("授权 {grant} 已于 {until} 到期。", "The grant {grant} expired at {until}."),
    "too-many-requests": (
        "{organisation} 对数据集 {dataset} 已有 {limit} 份申请待决。",
        "{organisation} has {limit} requests for the data set {dataset} waiting already.",
    ),
    "grant-not-started": (
        "授权 {grant} 自 {from} 起生效。",
        "The grant {grant} begins at {from}.",
    ),
}

_DOOR: Final = {
    # refused before a block, or answers about reading
    "malformed": ("格式有误，{field}：{rule}。", "Not well-formed: {field}: {rule}."),
    "bad-signature": (
        "账户 {account} 的签名无效。",
        "The signature of the account {account} does not hold.",
    ),
    "too-large": ("超过上限 {limit}。", "Larger than the limit of {limit}."),
    "answer-too-large": (
        "回答超过上限 {limit}（{what}）。",
        "The answer would exceed the limit of {limit} ({what}).",
    ),
    "pairs-incomplete": (
        "必须为数据集的每份授权各给一个代号：缺少 {missing}；不属于该数据集 {unknown}。",
        (
            "Every grant of the data set needs one handle: missing {missing}; not of the data set "
            "{unknown}."
        ),
    ),
    "pin-too-new": (
        "所持检查点大小为 {pin}，新于此成员已证明的 {certified}。",
        "The pinned checkpoint of size {pin} is newer than the {certified} certified here.",
    ),
    "already-exists": (
        "{entity} 存在，不能证明其不存在。",
        "{entity} exists; no absence to prove.",
    ),
    "height-ahead": (
        "区块 {height} 尚未证明，此成员已证明到 {certified}。",
        "Height {height} is not certified yet; this member has certified {certified}.",
    ),
    "no-such-event": (
        "没有第 {index} 条记录，共 {size} 条（从 0 起）。",
        "There is no event {index}; the log has {size}, from 0 on.",
    ),
    "not-an-earlier-root": (
        "此账本在大小为 {size} 时不是这个根：它不是那条链的延续。",
        "At size {size} this chain has another root: it does not extend that checkpoint.",
    ),
    "internal": (
        "此成员出了错，已记入其日志；请换一个成员再试。",
        "Something went wrong in this member and is in its log; try another member.",
    ),
    "unsupported-media-type": ("须为 {expected}。", "The media type must be {expected}."),
    "unknown-transaction": ("没有交易 {id}。", "There is no transaction {id}."),
    "unknown-block": ("没有高度为 {height} 的区块。", "There is no block of height {height}."),
    "history-not-held": (
        "此成员由快照加入，尚缺高度 {first} 至 {last} 的历史；请向其他成员查询。",
        (
            "This member joined by a snapshot and still lacks the history of heights {first} to "
            "{last}; ask another member."
        ),
    ),
    "not-found": ("没有这个地址。", "There is nothing at this address."),
    "method-not-allowed": ("此地址不支持该方法。", "The method is not allowed here."),
    "too-many-waiting": (
        "等待中的请求已达 {limit} 个，请稍后再试。",
        "{limit} requests are waiting already; try again later.",
    ),
    "pool-full": (
        "待处理的交易已满，请稍后再试。",
        "Too many transactions are pending; try again later.",
    ),
    "not-certified": (
        "此节点尚无已确认的区块。",
        "This member has no certified block yet.",
    ),
    "halted": ("此节点因内部错误已停止。", "This member has stopped after an error of its own."),
    "stopping": ("此节点正在停止。", "This member is stopping."),
    "epoch-ended": (
        "成员集已更换，此节点不再排序交易；请换一个成员再试。",
        "The members have changed and this node orders no more transactions; ask another member.",
    ),
    "no-seat": (
        "此节点目前不是成员，只供查询；请向成员提交。",
        "This node is not a member at present and only answers questions; submit to a member.",
    ),
}

SENTENCES: Final[dict[str, tuple[str, str]]] = {
    **_OUTCOMES, **_TRANSACTION, **_CONTRACTS, **_SUPPLIES, **_SHARING, **_DOOR,
}  # fmt: skip


def render(code: str, parameters: Mapping[str, Any], language: str) -> str:
    """Return the sentence of a code, "zh" or "en"; an unknown code gives itself and its parameters.

    Parameters are values, never templates: braces in them stay as they are.
    """
    pair = SENTENCES.get(code)
    if pair is None:
        listed = ", ".join(f"{name}={shown(value)}" for name, value in sorted(parameters.items()))
        return f"{code} ({listed})" if listed else code
    spoken = dict(parameters)
    if code == "bad-argument":
        spoken["rule"] = _word(RULES, parameters.get("rule"), language)
    if code == "wrong-role":
        spoken["role"] = _word(ROLES, parameters.get("role"), language)
    return fill(pair[language == "en"], spoken)


def render_event(kind: str, parameters: Mapping[str, Any], language: str) -> str:
    """Return one line that says what an event was, from its body; an unknown kind gives itself.

    A caller may add "quantity" (of inputs or outputs) where the body has none.
    """
    pair = EVENTS.get(kind)
    return kind if pair is None else fill(pair[language == "en"], parameters)


def render_role(role: str, language: str) -> str:
    """Return the name of a role; an unknown role gives itself."""
    return _word(ROLES, role, language)


def fill(template: str, parameters: Mapping[str, Any]) -> str:
    """Return a template with its {names} filled; what is missing is a dash."""

    def value(match: re.Match[str]) -> str:
        name = match[1]
        given = parameters.get(name)
        if name in _INSTANTS and type(given) is int and given >= 0:
            return china_time(given // 1000)
        return shown(given)

    return _PLACE.sub(value, template)


def shown(value: object) -> str:
    """Return a parameter as people read it: lists with commas, bytes in hex, null as a dash."""
    if value is None or value == "":
        return _MISSING
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | tuple):
        return ", ".join(
            " ".join(shown(part) for part in item)
            if isinstance(item, list | tuple)
            else shown(item)
            for item in value
        )
    if isinstance(value, dict):
        return ", ".join(f"{name} {shown(item)}" for name, item in value.items())
    return str(value)


def _word(words: Mapping[str, tuple[str, str]], word: object, language: str) -> str:
    pair = words.get(str(word))
    return str(word) if pair is None else pair[language == "en"]
