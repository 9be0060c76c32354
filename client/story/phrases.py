"""The plain words of the stories, Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["Phrases"]

_PHRASES: Final[Mapping[str, tuple[str, str]]] = {
    # titles
    "donation": ("捐赠 {id}", "Donation {id}"),
    "donation-from": ("捐赠 {id}（捐赠者编号 {donor}）", "Donation {id} (donor {donor})"),
    "lot": ("{item} {amount}（批次 {id}）", "{item}, {amount} (lot {id})"),
    "lot-unknown": ("批次 {id}", "Lot {id}"),
    "allocation": (
        "分给 {recipient}：{amount}（分配 {id}）",
        "For {recipient}: {amount} (allocation {id})",
    ),
    "shipment": (
        "运往 {recipient}：{amount}（运单 {id}）",
        "On its way to {recipient}: {amount} (shipment {id})",
    ),
    # lines of a donation
    "received": ("{custodian} 收到 {item} {amount}", "{custodian} received {item}, {amount}"),
    "received-packs": ("原始记录 {count} {unit}{label}", "recorded as {count} {unit}{label}"),
    "stated-date": ("原表日期 {date}", "dated {date} in the source"),
    "stated-none": ("原表未注明日期", "no date in the source"),
    "expiry": ("有效期至 {date}", "expires {date}"),
    "earmark": ("指定给 {recipient}", "meant for {recipient}"),
    "republished": (
        "转录自公开公示，未经开箱检验",
        "transcribed from a publication; not inspected",
    ),
    "conformant": ("检验合格", "inspected: conformant"),
    "non_conformant": ("检验不合格", "inspected: not conformant"),
    "proposed": ("提议分配 {amount} 给 {recipient}", "proposed: {amount} for {recipient}"),
    "reason": ("理由：{reason}", "reason: {reason}"),
    "approved": ("由另一人批准", "approved by another person"),
    "rejected": ("分配撤回，{amount} 回到库存", "withdrawn; {amount} returned to stock"),
    "shipped": ("发出 {amount}，承运 {carrier}", "shipped {amount} with {carrier}"),
    "handed-over": ("{recipient} 清点签收 {amount}", "{recipient} counted and signed for {amount}"),
    "handed-short": (
        "{recipient} 清点签收 {amount}，比发出少 {missing}",
        "{recipient} counted and signed for {amount}, {missing} fewer than shipped",
    ),
    "condition": ("到货情况：{condition}", "condition: {condition}"),
    "used": ("已使用 {amount}", "used {amount}"),
    "used-for": ("用途：{purpose}", "for: {purpose}"),
    "lost": ("申报损失 {amount}：{reason}", "declared lost: {amount}: {reason}"),
    "receipt-corrected": ("更正接收：现为 {new}", "receipt corrected: now {new}"),
    "receipt-void": ("更正接收：此批并未收到", "receipt corrected: this lot was never received"),
    "handover-corrected": ("更正签收：现为 {new}", "count corrected: now {new}"),
    "explanation": ("缘由：“{explanation}”", "why: “{explanation}”"),
    "was": ("原为 {old}", "was {old}"),
    "signed": ("签署 {names}", "signed {names}"),
    "source": ("登记：{source}", "register: {source}"),
    "unused-here": ("此处尚未使用 {amount}", "not yet used here: {amount}"),
    "missing-here": ("尚在途中或未到 {amount}", "still on the way or missing: {amount}"),
    # where everything is now
    "now": ("现在", "Now"),
    "in_stock": ("在库未分配 {amount}", "in stock, not allocated: {amount}"),
    "reserved": ("已分配待发 {amount}", "allocated, not yet shipped: {amount}"),
    "in_transit": ("途中 {amount}", "on the way: {amount}"),
    "delivered": ("医院已收、尚未使用 {amount}", "with the recipient, not yet used: {amount}"),
    "used-sum": ("已使用 {amount}", "used: {amount}"),
    "destroyed": ("已销毁 {amount}", "destroyed: {amount}"),
    "declared_loss": ("申报损失 {amount}", "declared lost: {amount}"),
    "transformed_out": ("已改装 {amount}", "repacked: {amount}"),
    "void": ("此批更正为未收到", "this lot was never received"),
    "events": (
        "共 {count} 件事，账本证明无一遗漏",
        "events: {count}; the ledger proves that none is missing",
    ),
    # any other entity
    "history": ("{kind} {id} 的全部记录", "Everything recorded on {kind} {id}"),
    # parts: one of these never says that nothing else happened
    "record": (
        "{kind} {id} 截至区块 {height} 的记录",
        "Record of {kind} {id} as of height {height}",
    ),
    "record-then": (
        "{kind} {id} 在区块 {height} 时的记录",
        "Record of {kind} {id} as it stood at height {height}",
    ),
    "event-at": ("{kind} {id} 的第 {index} 条记录", "Event {index} of {kind} {id}"),
    "period": (
        "{kind} {id} 自 {since} 起、{until} 之前（UTC+8）的记录",
        "What happened to {kind} {id} from {since} until before {until} (UTC+8)",
    ),
    "events-then": (
        "此间 {count} 件事，账本证明此间再无其他",
        "events in this time: {count}; the ledger proves that there is no other in it",
    ),
    "list": ("{kind} {id} 的全部“{event}”", "Every '{event}' of {kind} {id}"),
    "events-listed": (
        "共 {count} 件，账本证明此类再无其他",
        "of this kind: {count}; the ledger proves that there is no other",
    ),
    "transaction": ("交易 {id}", "Transaction {id}"),
    "accepted": ("已接受，产生 {count} 件事", "accepted; events: {count}"),
    "refused": ("被拒绝（{code}）", "refused ({code})"),
    # accesses
    "accesses": ("数据集 {id} 中对您数据的全部访问", "Every access to your data in data set {id}"),
    "dataset-named": (
        "数据集 {name}（{id}）中对您数据的全部访问",
        "Every access to your data in {name} ({id})",
    ),
    "grant": ("授权 {id}", "Grant {id}"),
    "grant-to": ("授权 {id}：给 {user}", "Grant {id}: to {user}"),
    "granted": (
        "授权：字段 {fields}，期限 {start} 至 {end}",
        "granted: {fields}, from {start} to {end}",
    ),
    "revoked": ("授权已撤销", "grant revoked"),
    "accessed": ("{user} 查看了您的 {fields}", "{user} looked at your {fields}"),
    "purpose": ("目的：{purpose}", "purpose: {purpose}"),
    "denied": ("{user} 要求查看 {fields}，被拒绝", "{user} asked for {fields} and was denied"),
    "denied-all": ("要求查看 {fields}，被拒绝", "asked for {fields}; denied"),
    "never": ("没有任何访问（已证明）", "no access at all (proved)"),
    "handles": ("涉及 {count} 人", "{count} persons concerned"),
    "accesses-sum": (
        "共 {permitted} 次访问、{denied} 次被拒绝，涉及 {grants} 份授权",
        "{permitted} accesses, {denied} denied, under {grants} grants",
    ),
    "someone": ("使用部门", "the using department"),
}


class Phrases:
    """The phrases in one language ("zh" or "en")."""

    __slots__ = ("language",)

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, phrase: str, **parameters: Any) -> str:
        """Return a phrase, filled. Raises: KeyError for a phrase nobody wrote (our bug)."""
        return _PHRASES[phrase][self.language == "en"].format(**parameters)

    def list(self, items: list[str]) -> str:
        """Join a list as people do."""
        return ("、" if self.language == "zh" else ", ").join(items)
