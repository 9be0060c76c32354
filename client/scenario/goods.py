"""The item master, the donors and the needs of the demonstration: our own, written from what was
needed then.

Pack factors are what the trade sells (a box of 50 masks, a carton of 24 bottles). Donors are groups
and bodies by place and kind; no natural person is named anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["DONOR_KINDS", "DONOR_PLACES", "GOODS", "NEEDS", "Good", "NeedStated"]


@dataclass(frozen=True, slots=True)
class Good:
    """An item: packs are (unit, label, factor); `usual` is how many of its largest pack a donation
    has at most.
    """

    key: str
    name: str
    base_unit: str
    packs: tuple[tuple[str, str, int], ...]
    weight: int  # how often it was given
    usual: int

    @property
    def item(self) -> str:
        """The id of the item in the master."""
        return f"health-commission.item-{self.key}"


@dataclass(frozen=True, slots=True)
class NeedStated:
    """What a hospital reported; quantity 0 is "needed, amount not stated"."""

    hospital: str
    good: str
    quantity: int
    urgency: str


GOODS: Final = (
    Good(
        "mask-surgical", "医用外科口罩", "只", (("盒", "50只", 50), ("箱", "2000只", 2000)), 16, 12
    ),
    Good(
        "mask-n95", "医用防护口罩（N95）", "只", (("盒", "20只", 20), ("箱", "400只", 400)), 10, 20
    ),
    Good(
        "mask-kn95", "KN95口罩（非医用）", "只", (("盒", "50只", 50), ("箱", "1000只", 1000)), 6, 10
    ),
    Good(
        "mask-disposable",
        "一次性使用医用口罩",
        "只",
        (("盒", "50只", 50), ("箱", "2500只", 2500)),
        12,
        10,
    ),
    Good("suit", "医用一次性防护服", "套", (("箱", "50套", 50),), 10, 20),
    Good("gown", "一次性使用隔离衣", "件", (("箱", "100件", 100),), 5, 10),
    Good("goggles", "医用护目镜", "副", (("箱", "200副", 200),), 9, 6),
    Good("face-shield", "医用防护面罩", "个", (("箱", "100个", 100),), 4, 8),
    Good(
        "gloves-exam", "一次性医用检查手套", "双", (("盒", "50双", 50), ("箱", "500双", 500)), 8, 20
    ),
    Good("gloves-sterile", "一次性灭菌橡胶外科手套", "双", (("箱", "400双", 400),), 5, 12),
    Good("cap", "一次性医用帽", "只", (("包", "100只", 100), ("箱", "2000只", 2000)), 3, 6),
    Good("shoe-cover", "一次性医用鞋套", "双", (("箱", "500双", 500),), 4, 8),
    Good("disinfectant-84", "84消毒液 500毫升", "瓶", (("箱", "30瓶", 30),), 8, 60),
    Good("alcohol-75", "75%医用酒精 500毫升", "瓶", (("箱", "24瓶", 24),), 6, 50),
    Good("hand-sanitiser", "免洗手消毒液 500毫升", "瓶", (("箱", "12瓶", 12),), 6, 50),
    Good("wipes", "环境表面消毒湿巾", "包", (("箱", "24包", 24),), 4, 30),
    Good("thermometer", "红外体温计", "支", (("箱", "20支", 20),), 4, 10),
    Good("oxygen", "医用分子筛制氧机", "台", (), 2, 30),
    Good("ventilator", "无创呼吸机", "台", (), 2, 10),
    Good("monitor", "病人监护仪", "台", (), 2, 12),
)

DONOR_PLACES: Final = (
    "温州",
    "宁波",
    "绍兴",
    "苏州",
    "南通",
    "无锡",
    "泉州",
    "厦门",
    "佛山",
    "东莞",
    "深圳",
    "青岛",
    "潍坊",
    "洛阳",
    "长沙",
    "南昌",
    "成都",
    "重庆",
    "西安",
    "宜昌",
    "襄阳",
    "旅日",
    "旅韩",
    "旅德",
    "旅加",
    "旅法",
    "新加坡",
)
DONOR_KINDS: Final = (
    "湖北商会",
    "武汉校友会",
    "劳保用品行业协会",
    "医疗器械商会",
    "慈善会",
    "志愿服务队",
    "纺织企业联合会",
    "华人华侨联谊会",
    "民营企业家协会",
)

NEEDS: Final = (
    NeedStated("jinyintan", "mask-n95", 20_000, "stat"),
    NeedStated("jinyintan", "suit", 3_000, "stat"),
    NeedStated("jinyintan", "goggles", 1_500, "asap"),
    NeedStated("jinyintan", "oxygen", 60, "urgent"),
    NeedStated("tongji", "mask-surgical", 60_000, "asap"),
    NeedStated("tongji", "suit", 2_000, "stat"),
    NeedStated("tongji", "gloves-exam", 20_000, "urgent"),
    NeedStated("xiehe", "mask-n95", 12_000, "stat"),
    NeedStated("xiehe", "mask-disposable", 40_000, "asap"),
    NeedStated("xiehe", "gown", 3_000, "urgent"),
    NeedStated("central", "mask-surgical", 40_000, "stat"),
    NeedStated("central", "goggles", 1_200, "stat"),
    NeedStated("central", "monitor", 20, "urgent"),
    NeedStated("pulmonary", "mask-n95", 6_000, "asap"),
    NeedStated("pulmonary", "alcohol-75", 2_000, "routine"),
    NeedStated("pulmonary", "ventilator", 15, "stat"),
    NeedStated("hankou", "suit", 1_500, "stat"),
    NeedStated("hankou", "mask-surgical", 30_000, "asap"),
    NeedStated("hankou", "disinfectant-84", 3_000, "routine"),
    NeedStated("wuchang", "gloves-sterile", 8_000, "urgent"),
    NeedStated("wuchang", "mask-disposable", 0, "asap"),
    NeedStated("wuchang", "face-shield", 1_000, "urgent"),
    NeedStated("third", "hand-sanitiser", 1_200, "routine"),
    NeedStated("third", "shoe-cover", 6_000, "routine"),
    NeedStated("third", "thermometer", 150, "urgent"),
    NeedStated("children", "mask-surgical", 0, "asap"),
    NeedStated("children", "wipes", 800, "routine"),
    NeedStated("huoshenshan", "mask-n95", 10_000, "stat"),
    NeedStated("huoshenshan", "suit", 4_000, "stat"),
    NeedStated("huoshenshan", "cap", 12_000, "urgent"),
    NeedStated("renai", "mask-surgical", 4_000, "routine"),
    NeedStated("tianyou", "disinfectant-84", 1_000, "routine"),
)
