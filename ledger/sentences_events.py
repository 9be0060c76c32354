"""Words for events, roles and broken rules: Chinese and English. Data only.

Names in braces are keys of the event's body (docs of each contract); see `ledger.sentences` for how
they are filled.
"""

from __future__ import annotations

from typing import Final

__all__ = ["EVENTS", "ROLES", "RULES"]

EVENTS: Final[dict[str, tuple[str, str]]] = {
    # genesis
    "organisation_registered": ("机构登记：{name}", "organisation registered: {name}"),
    "account_registered": ("账户登记，角色：{roles}", "account registered, roles: {roles}"),
    "contract_installed": ("合约安装，第 {version} 版", "contract installed, version {version}"),
    # supplies
    "item_defined": (
        "物品定义：{name}，基本单位 {base_unit}",
        "item defined: {name}, base unit {base_unit}",
    ),
    "need_reported": (
        "报告需求：{item} {quantity} {base_unit}（{urgency}）",
        "need reported: {quantity} {base_unit} of {item} ({urgency})",
    ),
    "received": (
        "接收：{item} {quantity} {base_unit}",
        "received: {quantity} {base_unit} of {item}",
    ),
    "inspected": ("检验：{verdict}（{note}）", "inspected: {verdict} ({note})"),
    "proposed": (
        "拟分配给 {recipient}：{reason}",
        "allocation to {recipient} proposed: {reason}",
    ),
    "approved": ("分配获批准", "allocation approved"),
    "rejected": ("分配被否决：{reason}", "allocation rejected: {reason}"),
    "shipped": (
        "发往 {recipient}，承运 {carrier}：{lots}",
        "shipped to {recipient} by {carrier}: {lots}",
    ),
    "handed_over": (
        "收货方清点签收：{counted}",
        "counted and accepted by the recipient: {counted}",
    ),
    "loss_declared": (
        "申报损失 {quantity} {base_unit}：{reason}",
        "loss declared of {quantity} {base_unit}: {reason}",
    ),
    "used": ("使用 {quantity} {base_unit}：{purpose}", "used {quantity} {base_unit}: {purpose}"),
    "receipt_corrected": (
        "更正接收记录：{old} 改为 {new}；{explanation}",
        "receipt corrected: {old} becomes {new}; {explanation}",
    ),
    "hand_over_corrected": (
        "更正签收数量：{old} 改为 {new}；{explanation}",
        "handover corrected: {old} becomes {new}; {explanation}",
    ),
    # datasharing
    "published": ("目录发布：{name}（{share_type}）", "published: {name} ({share_type})"),
    "requested": (
        "申请共享：{fields}，用途 {purpose}，依据 {legal_basis}",
        "requested: {fields} for {purpose}, on the basis of {legal_basis}",
    ),
    "granted": (
        "授权 {user} 使用 {fields}，用途 {purpose}，{from} 至 {until}",
        "granted to {user}: {fields} for {purpose}, {from} to {until}",
    ),
    "refused": ("不予共享：{reason}", "refused: {reason}"),
    "accessed": (
        "{user} 为 {purpose} 查询了 {fields}",
        "{user} accessed {fields} for {purpose}",
    ),
    "denied": (
        "{user} 为 {purpose} 查询 {fields} 被拒绝：{reason}",
        "{user} was denied {fields} for {purpose}: {reason}",
    ),
    "revoked": ("授权撤销：{reason}", "grant revoked: {reason}"),
}

ROLES: Final[dict[str, tuple[str, str]]] = {
    "registrar": ("登记员", "registrar"),
    "custodian": ("保管方", "custodian"),
    "republisher": ("公开数据转录员", "republisher of published data"),
    "inspector": ("检验员", "inspector"),
    "allocator": ("分配员", "allocator"),
    "approver": ("审批员", "approver"),
    "recipient": ("接收方", "recipient"),
    "provider": ("数据提供方", "data provider"),
    "user": ("数据使用方", "data user"),
    "auditor": ("审计员", "auditor"),
}

RULES: Final[dict[str, tuple[str, str]]] = {
    "integer": ("须为整数", "it must be an integer"),
    "text": ("须为文字", "it must be text"),
    "bytes": ("须为字节串", "it must be bytes"),
    "list": ("须为列表", "it must be a list"),
    "map": ("须为键值表", "it must be a map"),
    "range": ("超出允许的范围", "it lies outside the allowed range"),
    "length": ("长度不合规定", "its length is not allowed"),
    "characters": ("含有不允许的字符或长度不合", "its characters or its length are not allowed"),
    "choice": ("不是可选的值", "it is not one of the choices"),
    "date": ("不是存在的日期", "there is no such date"),
    "shape": ("结构不合规定", "its structure is not allowed"),
}
