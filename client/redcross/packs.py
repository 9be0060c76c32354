"""Reads pack factors out of specs in words: "80副/件", "100支/盒 10盒/箱", "500ml*30瓶", "1只/袋
50只/盒 40/箱".

A factor is taken only where the text says how many of what one named container holds, or where the
whole spec is a count and the unit is a container. "12*25只/箱" (how many 25s?), "10ml*10支" for a
carton (it is the strength of one box) and dimensions are left alone: an unread spec is a variant,
never a guess.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from client.redcross.rules import CARTONS, CONTAINERS, NOISE, SIZES_OF_CARTON
from client.redcross.wording import COUNTERS

__all__ = ["UNNAMED", "Pack", "read_pack"]

_EDGE = re.compile(rf"(?<![\d.])(?<!\d\*)(\d{{1,7}})({COUNTERS})?/1?({COUNTERS}|箱)")
# A whole spec such as 120盒. Not 粒, 片, 支, 袋: "8粒" for a carton is what one of its boxes holds.
_CONTENT = re.compile(r"(\d{1,7})(人份|只|个|副|付|双|套|瓶|盒|包|提|张)装?\Z")
_TRAILING = re.compile(
    rf"\*\d+(?:{COUNTERS})\s*\Z"
)  # 100张/包*8包: what the last factor counts is not said
_BOTTLES = re.compile(r"(\d+(?:\.\d+)?(?:ml|l|kg|g))\*(\d{1,5})瓶\Z")
_DIMENSIONS = re.compile(r"\d+(?:\.\d+)?\*\d+(?:\.\d+)?\*\d+(?:\.\d+)?(?:cm)?\Z")
UNNAMED: Final = "?piece"  # "2000/箱": two thousand of what one calls a piece of this thing
_PIECE: Final = "单件"  # 件 counted inside a carton is one garment; 件 as a unit may be the carton
_FACTOR_MAX: Final = 1_000_000  # pieces of one container; beyond this the text was misread


@dataclass(frozen=True, slots=True)
class Pack:
    """What one `unit` holds: `factor` of `word` (1 of the unit itself where nothing is stated)."""

    unit: str
    word: str
    factor: int
    stated: bool
    variant: str


def read_pack(spec: str, unit: str) -> Pack:
    """How `spec` (folded) describes one `unit`; what is no pack is the variant."""
    if unit == "箱" and spec in SIZES_OF_CARTON:
        return Pack(SIZES_OF_CARTON[spec], SIZES_OF_CARTON[spec], 1, stated=False, variant="")
    edges = {container: (int(n), word) for n, word, container in _EDGE.findall(spec)}
    rest = _variant(_EDGE.sub(" ", spec), unit)
    if edges:
        factor, word = _follow(edges, unit)
        trailing = _TRAILING.search(_EDGE.sub(" ", spec)) is not None
        if word == "?" or factor > _FACTOR_MAX or trailing or (word == unit and unit in CARTONS):
            return Pack(unit, unit, 1, stated=False, variant=spec)
        return Pack(unit, word, factor, stated=word != unit, variant=rest)
    content = _CONTENT.match(spec)
    if content is not None and unit in CONTAINERS and content[2] != unit and int(content[1]) > 0:
        return Pack(unit, _counted(content[2]), int(content[1]), stated=True, variant="")
    bottles = _BOTTLES.match(spec)
    if bottles is not None and unit in CARTONS and int(bottles[2]) > 0:
        return Pack(unit, "瓶", int(bottles[2]), stated=True, variant=bottles[1])
    return Pack(unit, unit, 1, stated=False, variant=_variant(spec, unit))


def _follow(edges: dict[str, tuple[int, str]], unit: str) -> tuple[int, str]:
    """Multiply from the unit down to the smallest thing named; ("?") where the chain is not
    certain.
    """
    start = unit
    if unit in CARTONS and unit not in edges:
        # 24包/箱 beside the unit 件: both words mean the carton which the spec describes.
        others = [name for name in edges if name in CARTONS]
        if len(others) != 1:
            return 1, unit
        start = others[0]
    factor, word, seen = 1, start, {start}
    while word in edges:
        count, inner = edges[word]
        if not inner:
            inner = _named_before(edges, word)
        if count == 0 or inner in seen:
            return 1, "?"
        factor *= count
        seen.add(inner)
        word = inner
    return (factor, _counted(word)) if word != start else (1, unit)


def _named_before(edges: dict[str, tuple[int, str]], container: str) -> str:
    """What "40/箱" counts: the container named just before it; UNNAMED where none is."""
    before = list(edges)[: list(edges).index(container)]
    return before[-1] if before else UNNAMED


def _counted(word: str) -> str:
    return _PIECE if word == "件" else word


def _variant(text: str, unit: str) -> str:
    text = " ".join(text.split()).strip(" ,*-/;")
    if text in NOISE or text == unit or _DIMENSIONS.match(text):
        return ""
    return text
