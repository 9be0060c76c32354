"""The episodes a regulator asks about: the N95 erratum, an earmarked gift, and attempts that must
be refused.

The erratum is the published one of 31 January 2020 (domain.md 2.6): 36,000 N95 masks entered,
16,000 given to each of two hospitals, 4,000 unaccounted for; corrected to KN95, 18,000 and 18,000.
Here the first entry, the count at the doors and the correction all stay visible, and nobody makes
the correction alone: the inspector looks at the masks again and signs that they are KN95, and an
approver signs for the 2,000 more that each hospital had.
"""

from __future__ import annotations

from typing import Any, Final

from client.calls import Call
from client.scenario.flow import APPROVER, DISPATCH, INSPECTOR, RECEPTION, WAREHOUSE
from client.scenario.model import Phase, Step, supplies

__all__ = ["N95_DONATION", "earmarked", "n95_case", "refused_attempts"]

N95_DONATION: Final = "red-cross.donation-n95-0130"
_N95_LOT: Final = f"{N95_DONATION}.1"
_EARMARKED: Final = "red-cross.donation-earmarked-0201"
_EXPIRED: Final = "red-cross.donation-expired-0202"
_ATTEMPTED: Final = f"{_EXPIRED}.1"
_EXPIRED_LOT: Final = f"{_EXPIRED}.2"
_ALLOCATION: Final = "health-commission.allocation-attempt"
_ITEM: Final = "health-commission.item-"


def _lot(
    lot: str, good: str, count: int, unit: str, label: str, expiry: str | None = None
) -> dict[str, Any]:
    return {
        "lot": lot,
        "item": _ITEM + good,
        "unit": unit,
        "label": label,
        "count": count,
        "expiry": expiry,
    }


def _receive(
    donation: str,
    donor: str,
    day: str,
    source: str,
    lots: list[dict[str, Any]],
    earmark: str | None,
) -> Step:
    return supplies(
        "receive",
        RECEPTION,
        donation=donation,
        donor=donor,
        earmark=earmark,
        attestation="custodian",
        stated_date=day,
        source=source,
        lots=lots,
    )


def _give(key: str, hospital: str, lot: str, quantity: int, reason: str) -> list[Step]:
    """Propose, approve, ship and hand over one lot's share, in this order."""
    allocation, shipment = f"health-commission.allocation-{key}", f"red-cross.shipment-{key}"
    lots = [[lot, quantity]]
    return [
        supplies(
            "propose",
            DISPATCH,
            allocation=allocation,
            recipient=hospital,
            need=None,
            lots=lots,
            reason=reason,
        ),
        supplies("approve", APPROVER, allocation=allocation),
        supplies(
            "ship",
            WAREHOUSE,
            shipment=shipment,
            allocation=allocation,
            carrier="红十字会志愿车队",
            lots=lots,
        ),
        supplies(
            "hand_over", f"{hospital}.stores", shipment=shipment, counted=lots, condition="完好"
        ),
    ]


def _phases(key: str, zh: str, en: str, chains: list[list[Step]]) -> list[Phase]:
    """Chains of dependent steps as phases: the nth steps of all chains together."""
    longest = max(len(chain) for chain in chains)
    return [
        Phase(
            f"{key}-{index + 1}",
            f"{zh}（{index + 1}/{longest}）",
            f"{en} ({index + 1}/{longest})",
            tuple(chain[index] for chain in chains if index < len(chain)),
        )
        for index in range(longest)
    ]


def n95_case() -> list[Phase]:
    """36,000 masks entered as N95, 16,000 + 16,000 counted; corrected to KN95, 18,000 each."""
    reason = "物资使用情况公布表（1月30日）第14行"
    given = [_give(f"n95-{to}", to, _N95_LOT, 16_000, reason) for to in ("renai", "tianyou")]
    used = supplies(
        "use",
        "tianyou.stores",
        lot=_N95_LOT,
        shipment="red-cross.shipment-n95-tianyou",
        quantity=5_000,
        purpose="非隔离区域职工领用",
    )
    entered = ("36,000 只口罩按 N95 登记", "36,000 masks entered as N95")
    counted = ("两家医院各收 16,000 只，余 4,000 只去向不明", "16,000 each; 4,000 open")
    corrected = ("更正：KN95，各 18,000 只", "Corrected: KN95, 18,000 each")
    return [
        *_phases("n95-entry", *entered, [_n95_entry()]),
        *_phases("n95-given", *counted, given),
        *_phases("n95-corrected", *corrected, [[step] for step in _n95_correction()]),
        Phase("n95-used", "更正后的领用", "Use after the correction", (used,)),
    ]


def _n95_entry() -> list[Step]:
    return [
        _receive(
            N95_DONATION,
            "red-cross.donor-senggenbiya",
            "2020-01-30",
            "接收登记 0130-n95，捐赠方：北京森根比亚生物工程技术有限公司",
            [_lot(_N95_LOT, "mask-n95", 90, "箱", "400只")],
            None,
        ),
        supplies(
            "inspect",
            INSPECTOR,
            lot=_N95_LOT,
            verdict="conformant",
            note="数量 90 箱；型号标签待复核",
        ),
    ]


def _n95_correction() -> list[Step]:
    why = "更正说明：所列 N95 口罩实为 KN95 口罩，不用于一线医护；两家医院实收各 18,000 只。"
    item = supplies(
        "correct_receipt",
        WAREHOUSE,
        INSPECTOR,
        donation=N95_DONATION,
        lot=_N95_LOT,
        item=_ITEM + "mask-kn95",
        quantity=None,
        reason="incorrect_data",
        explanation=why,
        verdict="conformant",
    )
    counts = [
        supplies(
            "correct_hand_over",
            WAREHOUSE,
            f"{hospital}.stores",
            APPROVER,
            shipment=f"red-cross.shipment-n95-{hospital}",
            counted=[[_N95_LOT, 18_000]],
            reason="incorrect_data",
            explanation=why,
        )
        for hospital in ("renai", "tianyou")
    ]
    return [item, *counts]


def earmarked() -> list[Phase]:
    """A gift meant for one hospital: refused elsewhere, delivered where it was meant for."""
    lot = f"{_EARMARKED}.1"
    entry = [
        _receive(
            _EARMARKED,
            "red-cross.donor-alumni",
            "2020-02-01",
            "接收登记 0201-定向，捐赠方：旅美校友会，定向同济医院",
            [_lot(lot, "suit", 6, "箱", "50套")],
            "tongji",
        ),
        supplies("inspect", INSPECTOR, lot=lot, verdict="conformant", note="符合"),
        _refused(
            "earmarked",
            "propose",
            DISPATCH,
            allocation="health-commission.allocation-diverted",
            recipient="xiehe",
            need=None,
            lots=[[lot, 100]],
            reason="拟调剂定向物资",
        ),
    ]
    return [
        *_phases(
            "earmark",
            "定向捐赠：改投他院被拒",
            "An earmarked gift: diverting it is refused",
            [entry],
        ),
        *_phases(
            "earmark-given",
            "定向捐赠送达指定医院",
            "The earmarked gift reaches its hospital",
            [_give("earmarked", "tongji", lot, 300, "定向捐赠")],
        ),
    ]


def refused_attempts(failed_lot: str) -> list[Phase]:
    """What must not pass, each refused with its code; `failed_lot` failed inspection."""
    zh, en = "准备：一笔待审批的分配", "Prepared: an allocation that awaits approval"
    attempts = (*_attempts_to_allocate(failed_lot), *_attempts_on_duty())
    return [
        *_phases("attempts", zh, en, [_prepared()]),
        Phase("refused", "必须被拒绝的七次尝试", "Seven attempts that must be refused", attempts),
    ]


def _prepared() -> list[Step]:
    lots = [
        _lot(_ATTEMPTED, "goggles", 2, "箱", "200副"),
        _lot(_EXPIRED_LOT, "alcohol-75", 10, "箱", "24瓶", "2020-02-05"),
    ]
    source = "接收登记 0202-099，捐赠方：旅欧华人联谊会"
    return [
        _receive(_EXPIRED, "red-cross.donor-attempts", "2020-02-02", source, lots, None),
        supplies("inspect", INSPECTOR, lot=_ATTEMPTED, verdict="conformant", note="符合"),
        supplies(
            "propose",
            DISPATCH,
            allocation=_ALLOCATION,
            recipient="third",
            need=None,
            lots=[[_ATTEMPTED, 100]],
            reason="发热门诊",
        ),
    ]


def _attempts_to_allocate(failed_lot: str) -> list[Step]:
    """More than is held, expired, and not fit for use."""
    cases = (
        ("more-than-held", _ATTEMPTED, 5_000),
        ("lot-expired", _EXPIRED_LOT, 24),
        ("non-conformant", failed_lot, 1),
    )
    return [
        _refused(
            code,
            "propose",
            DISPATCH,
            allocation=f"health-commission.allocation-{code}",
            recipient="third",
            need=None,
            lots=[[lot, quantity]],
            reason="发热门诊",
        )
        for code, lot, quantity in cases
    ]


def _attempts_on_duty() -> list[Step]:
    """Approving one's own proposal, or without the role; shipping unapproved; an unknown pack."""
    donation = "red-cross.donation-attempt"
    return [
        _refused("self-approval", "approve", DISPATCH, allocation=_ALLOCATION),
        _refused("wrong-role", "approve", WAREHOUSE, allocation=_ALLOCATION),
        _refused(
            "wrong-state",
            "ship",
            WAREHOUSE,
            shipment="red-cross.shipment-attempt",
            allocation=_ALLOCATION,
            carrier="无手续车辆",
            lots=[[_ATTEMPTED, 100]],
        ),
        _refused(
            "wrong-unit",
            "receive",
            RECEPTION,
            donation=donation,
            donor="red-cross.donor-attempts",
            earmark=None,
            attestation="custodian",
            stated_date="2020-02-02",
            source="接收登记 0202-100：装量不详的箱",
            lots=[_lot(f"{donation}.1", "goggles", 3, "箱", "装量不详")],
        ),
    ]


def _refused(code: str, function: str, account: str, /, **arguments: Any) -> Step:
    return Step(Call("supplies", function, arguments, (account,)), code)
