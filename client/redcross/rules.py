"""Every decision about words that the importer takes, as data with its reason. No code decides
beside it.

The published tables name one thing in several ways and different things alike. A wrong merge hides
a shortage; so whatever is not listed here stays apart: N95 is not KN95, a surgical mask is not a
medical mask, a brand is not its generic name. Each rule is reversible by deleting its line; the
report carries the rules that were applied.

Source: the tables themselves (rows cited by number); domain.md 0.5, 7.1 and 7.10.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = [
    "ALIASES",
    "CARTONS",
    "CARTON_SYNONYMS",
    "NOISE",
    "PIECES",
    "PRODUCT_PIECES",
    "SIZES_OF_CARTON",
    "SLIPS",
    "SPEC_READINGS",
    "UNIT_READINGS",
    "VARIANTS",
    "Alias",
    "Category",
    "Reading",
]


@dataclass(frozen=True, slots=True)
class Alias:
    """Item text `text` means the product `product` (and, where given, its variant)."""

    text: str
    product: str
    variant: str
    reason: str


@dataclass(frozen=True, slots=True)
class Category:
    """Counting words that mean a number of pieces for things whose name contains one of `names`."""

    key: str
    names: tuple[str, ...]
    base: str
    words: dict[str, int]  # counting word -> pieces of `base`
    reason: str


@dataclass(frozen=True, slots=True)
class Reading:
    """A spec that no general rule reads: what one `unit` holds (count 0: nothing certain)."""

    product: str  # "" for every product
    spec: str
    unit: str
    count: int
    word: str
    variant: str
    reason: str


# Slips of the pen or of text recognition: replaced wherever they stand in an item's text.
SLIPS: Final = (
    ("—次性", "一次性", "a dash read for 一"),
    ("口置", "口罩", "置 for 罩: no such thing as 口置"),
    ("口重", "口罩", "重 for 罩: no such thing as 口重"),
    ("消费液", "消毒液", "费 for 毒"),
    ("清毒", "消毒", "清 for 消"),
    ("丁晴", "丁腈", "晴 for 腈 (nitrile)"),
    ("丁睛", "丁腈", "睛 for 腈 (nitrile)"),
    ("次录酸", "次氯酸", "录 for 氯 (hypochlorite)"),
    ("次氧酸", "次氯酸", "氧 for 氯 (hypochlorite)"),
)

_9250 = "爱护佳tm免洗手消毒液9250p"
_ITEM_9250 = "the maker's item number 9250P stands in each"
_LANJU = "same maker, same product words; the longer text adds only the weight of one piece"
ALIASES: Final = (
    Alias("爱护佳tm免洗手消毒液", _9250, "500ml", _ITEM_9250 + " (spec of D00010)"),
    Alias("3m爱护佳免洗手消毒液9250p", _9250, "", _ITEM_9250),
    Alias("榄菊1.868kg护色增艳洗衣液", "榄菊护色增艳洗衣液", "", _LANJU),
    Alias("榄菊护色曾艳洗衣液", "榄菊护色增艳洗衣液", "", "曾 for 增; 1,257 of each, twice"),
    Alias("榄菊600克精亮84除菌液", "榄菊精亮84除菌液", "", _LANJU),
    Alias("榄菊精亮500g*2洁厕液", "榄菊精亮洁厕液", "", _LANJU),
    Alias("榄菊2kg*2全效亮白洗衣液", "榄菊全效亮白洗衣液", "", _LANJU),
    Alias("榄菊102g*2内衣专用浪漫熏香除菌皂", "榄菊内衣专用浪漫熏香除菌皂", "", _LANJU),
    Alias("榄菊102g*3内衣专用除菌皂", "榄菊内衣专用除菌皂", "", _LANJU),
    Alias("榄菊600g白衣漂渍液", "榄菊白衣漂渍液", "", _LANJU),
    Alias("榄菊600g彩衣漂渍液", "榄菊彩衣漂渍液", "", _LANJU),
    Alias("榄菊3kg+送208g全效袋装(柔顺呵护)洗衣液", "榄菊全效袋装(柔顺呵护)洗衣液", "", _LANJU),
    Alias(
        "榄菊全效袋装(柔顺呵护)洗衣液(4装)",
        "榄菊全效袋装(柔顺呵护)洗衣液",
        "4装",
        "the number per carton stands in the text; 8 cartons received, 8 given",
    ),
    Alias(
        "榄菊全效袋装(柔顺呵护)洗衣液(5装)",
        "榄菊全效袋装(柔顺呵护)洗衣液",
        "5装",
        "the number per carton stands in the text; 6 cartons received, 6 given",
    ),
    Alias(
        "榄菊50g精亮(4+1)松木清香双色",
        "榄菊50g精亮(4+1)松木清香双色双效洁厕宝",
        "",
        "text cut off; 241 received (R00572), 241 given (D00267)",
    ),
    Alias(
        "榄菊精亮松木清香双色双效洁厕宝",
        "榄菊50g精亮(4+1)松木清香双色双效洁厕宝",
        "",
        "same maker and words; 16 received (R00573), 16 given (D00282)",
    ),
    Alias(
        "三氯异氰尿酸消毒片(万消灵)",
        "三氯异氰尿酸消毒片",
        "",
        "the brand is not stated at receipt; R00634 to R00637 sum to the 348 given under it",
    ),
    Alias(
        "医用分子筛制氧气机(鱼跃)",
        "医用分子筛制氧气机",
        "",
        "one receipt of 130 (R01404); given 30 without and 100 with the maker's name, 130 in all",
    ),
    Alias("wg-15雾化器", "水神除菌液专用雾化器", "wg-15", "the maker's model number WG-15"),
    Alias("水神除菌专用雾化器wg-15", "水神除菌液专用雾化器", "wg-15", "the model number WG-15"),
    Alias("水神除菌液专用雾化器wg-15", "水神除菌液专用雾化器", "wg-15", "the model number WG-15"),
)

# (product, spec variant) -> variant
VARIANTS: Final = (
    (_9250, "500ml 9250p500ml", "500ml", "the item number and the volume, run together (D00010)"),
    (
        "水神次氯酸水发生器",
        "hg-240",
        "hg-240l",
        "the only model of this product; 90 received, 90 given",
    ),
)

CARTONS: Final = frozenset(("件", "箱", "大箱", "中箱", "小箱"))
CONTAINERS: Final = frozenset((*CARTONS, "盒", "小盒", "包", "袋", "大袋", "小袋", "提", "捆"))
SIZES_OF_CARTON: Final = {"大箱": "大箱", "中箱": "中箱", "小箱": "小箱"}  # spec says which 箱

NOISE: Final = frozenset(
    (
        "/",
        "无",
        "--",
        "-",
        "0",
        "台",
        "桶",
        "罐",
        "通用",
        "均码",
        "规格不一",
        "规格大小不一",
        "(箱子大小不一)",
        "箱子大小不一",
        "灰色编织袋装",
        "白色编织袋装",
        "白色袋装",
        "麻袋装",
        "蛇皮袋",
        "格子袋外包装",
    )
)

PIECES: Final = (
    Category(
        "gloves",
        ("手套",),
        "只",
        {"只": 1, "支": 1, "副": 2, "双": 2, "付": 2},
        "只 and 支 count single gloves (100支/盒 is the trade's box), 副, 双 and 付 a pair of two",
    ),
    Category(
        "masks",
        ("口罩", "mask", "呼吸器"),
        "只",
        {"只": 1, "个": 1, "片": 1, "支": 1},
        "a mask has no smaller part that is counted; the tables use the four words for one mask",
    ),
    Category(
        "goggles",
        ("护目镜", "防护眼镜", "防护镜"),
        "副",
        {"副": 1, "个": 1, "只": 1, "支": 1},
        "goggles are one piece for two eyes; R00029 and R00230 count the same 4,200 as 副 and 个",
    ),
)

# One product's words for one and the same piece: (product, word, meant word, reason).
PRODUCT_PIECES: Final = (
    ("连花清瘟胶囊", "盒", "小盒", "the only boxes its carton names (24粒X10小盒X40/箱)"),
    ("医用分子筛制氧气机", "件", "台", "D00659 counts the machine as 件, the rows beside it as 台"),
    ("居家隔离仓&护目镜", "件", "个", "77 received as 件 (39+19+19), 77 given as 个 (39+19+19)"),
    ("生理性海水鼻腔喷雾器", "件", "台", "105 received as 件, 105 given as 台"),
    ("一次性蓝色丁腈手套", "件", "个", "17 received as 件, 17 given as 个"),
    ("仪器设备", "件", "台", "2 received as 件, 2 given as 台"),
    ("医疗废液收集装置带", "件", "套", "8 received as 件, 8 given as 套"),
)

# Products for which 件 and 箱 both mean the carton in which the goods came.
_CARTON = "fluids and tablets are counted in 瓶 when single, so 件 can only be the carton"
CARTON_SYNONYMS: Final = (
    ("3m爱护佳9200免洗外科手消毒液", _CARTON),
    ("爱护佳tm免洗手消毒液(水剂泵)", _CARTON),
    (_9250, _CARTON),
    ("复方甘草片", _CARTON),
    ("3m9500环境表面湿巾(高效杀菌)", _CARTON),
    ("洗手液", _CARTON),
    ("医用检查手套", "gloves are counted in 只 or 副 when single; 件 can only be the carton"),
)

# A unit that carries more than a counting word: unit -> (unit, variant).
UNIT_READINGS: Final = {"0.5g/支": ("支", "0.5g")}

SPEC_READINGS: Final = (
    Reading("连花清瘟胶囊", "24粒*10小盒*40/箱", "箱", 400, "小盒", "24粒", "10 × 40 boxes of 24"),
    Reading(
        "防疫口罩", "33*30只", "件", 990, "只", "", "D00522 gives 4,950 = 5 × 33 × 30 as pieces"
    ),
    Reading("防疫口罩", "33*30只", "个", 1, "只", "", "the pieces of D00522"),
    Reading("防疫口罩", "1*200", "件", 200, "只", "", "1 × 200, as 1*200只 beside it"),
    Reading("防疫口罩", "1*200只", "件", 200, "只", "", "1 × 200 masks"),
    Reading("防疫口罩", "1*400只", "件", 400, "只", "", "1 × 400 masks"),
    Reading("防疫口罩", "1*400", "只", 1, "只", "", "the pieces of D00472"),
    Reading("防疫口罩", "1*", "只", 1, "只", "", "spec cut off in D00470; the unit is the piece"),
    Reading("防疫口罩", "1*400", "件", 400, "只", "", "1 × 400, as 1*400只 beside it"),
    Reading("防疫口罩", "1*720只", "件", 720, "只", "", "1 × 720 masks"),
    Reading("防疫口罩", "1*600", "件", 600, "只", "", "1 × 600, as 1*200只 beside it"),
    Reading("", "5小箱,12个/箱", "箱", 0, "", "5小箱,12个/箱", "which 箱 holds 12 is not certain"),
)
