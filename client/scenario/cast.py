"""Who takes part in the demonstration: four departments that run the ledger, and the hospitals that
receive.

Names and roles only. Keys are made where the demonstration is started, and never stand here. An
account is a person's or a desk's; nobody who proposes an allocation may approve it, and the
warehouse cannot confirm its own deliveries, so the roles are spread over the departments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from client.redcross import Parties

__all__ = [
    "ACCOUNTS",
    "HOSPITALS",
    "IMPORT_PARTIES",
    "MEMBERS",
    "ORGANISATIONS",
    "CastAccount",
    "CastOrganisation",
]


@dataclass(frozen=True, slots=True)
class CastOrganisation:
    """A body on the ledger; `member` says whether it runs one of the four machines."""

    id: str
    name: str
    name_en: str
    member: bool


@dataclass(frozen=True, slots=True)
class CastAccount:
    """Who signs: "<organisation>.<name>" with its roles."""

    id: str
    organisation: str
    roles: tuple[str, ...]
    title: str
    title_en: str


MEMBERS: Final = (
    CastOrganisation("health-commission", "武汉市卫生健康委员会", "Wuhan Health Commission", True),
    CastOrganisation("civil-affairs", "武汉市民政局", "Wuhan Civil Affairs Bureau", True),
    CastOrganisation("red-cross", "武汉市红十字会", "Wuhan Red Cross", True),
    CastOrganisation("audit-office", "武汉市审计局", "Wuhan Audit Office", True),
)

HOSPITALS: Final = (
    CastOrganisation("jinyintan", "武汉市金银潭医院", "Jinyintan Hospital", False),
    CastOrganisation("tongji", "同济医院", "Tongji Hospital", False),
    CastOrganisation("xiehe", "协和医院", "Union Hospital", False),
    CastOrganisation("central", "武汉市中心医院", "Wuhan Central Hospital", False),
    CastOrganisation("pulmonary", "武汉市肺科医院", "Wuhan Pulmonary Hospital", False),
    CastOrganisation("hankou", "武汉市汉口医院", "Hankou Hospital", False),
    CastOrganisation("wuchang", "武汉市武昌医院", "Wuchang Hospital", False),
    CastOrganisation("third", "武汉市第三医院", "Wuhan Third Hospital", False),
    CastOrganisation("children", "武汉市儿童医院", "Wuhan Children's Hospital", False),
    CastOrganisation("huoshenshan", "武汉火神山医院", "Huoshenshan Hospital", False),
    CastOrganisation("renai", "武汉仁爱医院", "Ren'ai Hospital", False),
    CastOrganisation("tianyou", "武汉天佑医院", "Tianyou Hospital", False),
)

ORGANISATIONS: Final = (*MEMBERS, *HOSPITALS)

_OFFICES: Final = (
    CastAccount(
        "health-commission.registrar",
        "health-commission",
        ("registrar",),
        "物资目录管理员",
        "Item registrar",
    ),
    CastAccount(
        "health-commission.dispatch",
        "health-commission",
        ("allocator", "approver"),
        "物资调度员",
        "Dispatcher",
    ),
    CastAccount(
        "health-commission.data",
        "health-commission",
        ("provider",),
        "数据提供责任人",
        "Data steward",
    ),
    CastAccount("civil-affairs.approver", "civil-affairs", ("approver",), "分配审批人", "Approver"),
    CastAccount("civil-affairs.relief", "civil-affairs", ("user",), "救助专员", "Relief officer"),
    CastAccount(
        "civil-affairs.community", "civil-affairs", ("user",), "社区专员", "Community officer"
    ),
    CastAccount("red-cross.reception", "red-cross", ("custodian",), "捐赠接收员", "Reception"),
    CastAccount("red-cross.inspector", "red-cross", ("inspector",), "质检员", "Inspector"),
    CastAccount("red-cross.warehouse", "red-cross", ("custodian",), "仓库发运员", "Warehouse"),
    CastAccount("audit-office.auditor", "audit-office", ("auditor",), "审计员", "Auditor"),
    # The accounts of `suyuan import redcross`: the tables were published by the custodian itself.
    CastAccount(
        "red-cross.registrar", "red-cross", ("registrar",), "目录登记员", "Registrar of imports"
    ),
    CastAccount(
        "red-cross.importer",
        "red-cross",
        ("custodian", "republisher"),
        "公开数据导入员",
        "Importer",
    ),
)

ACCOUNTS: Final = (
    *_OFFICES,
    *(
        CastAccount(
            f"{hospital.id}.stores", hospital.id, ("recipient",), "医院物资库", "Hospital stores"
        )
        for hospital in HOSPITALS
    ),
)

# Who signs `suyuan import redcross` in a consortium of this cast.
IMPORT_PARTIES: Final = Parties(
    registrar="red-cross.registrar",
    custodian="red-cross.importer",
    allocator="health-commission.dispatch",
    approver="civil-affairs.approver",
)
