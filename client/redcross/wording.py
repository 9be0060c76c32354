"""Item, spec and party texts brought to one spelling, by rules that need no judgement.

Full-width signs become ASCII (by the fixed offset of their code block, so that no Unicode version
matters), letters lower case, spaces vanish from item texts, and a pack or a measure printed at the
end of an item text moves to its spec (护目镜48副/箱; 84消毒液1.25L). Judgements stand in `rules`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from client.redcross.rules import ALIASES, SLIPS

__all__ = ["COUNTERS", "Named", "fold", "fold_spec", "read_item"]

COUNTERS: Final = "大盒|中盒|小盒|人份|小袋|大袋|只|个|副|付|双|套|支|枚|片|张|块|条|根|卷|粒|瓶|桶|壶|罐|袋|包|盒|组|板|提|台|件|床"
_WIDE: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {
    0x3000: " ",
    ord("×"): "*",
    ord("【"): "(",
    ord("】"): ")",
    ord("。"): ".",
}
_SPACE = re.compile(r"\s+")
_TAIL_PACK = re.compile(rf"(?P<spec>(?<!\d)\d+(?:{COUNTERS})/(?:箱|件|盒|袋|包|桶))\Z")
_TAIL_MEASURE = re.compile(r"(?P<spec>(?<![\d.*])\d+(?:\.\d+)?(?:kg|g|ml|l|公斤|升|克))\Z")
_TIMES = re.compile(r"(?<=[0-9a-z\u4e00-\u9fff])x(?=\d)")
_ALIASES: Final = {alias.text: alias for alias in ALIASES}


@dataclass(frozen=True, slots=True)
class Named:
    """A product's key with the spec and the variant that its text carried, and the rule applied (""
    if none).
    """

    product: str
    spec: str
    variant: str
    rule: str


def fold(text: str) -> str:
    """`text` in one spelling: ASCII signs, lower case, no spaces."""
    return _SPACE.sub("", text.translate(_WIDE)).lower()


def fold_spec(text: str) -> str:
    """A spec in one spelling; single spaces stay where they separate words, × and x between factors
    become *.
    """
    text = _SPACE.sub(" ", text.translate(_WIDE).strip()).lower().replace("公斤", "kg")
    text = re.sub(r"\s*([/*,])\s*", r"\1", text)
    return re.sub(r",{2,}", ",", _TIMES.sub("*", text))


def read_item(text: str) -> Named:
    """The product named by an item's text, after the recorded slips, aliases and trailing packs."""
    folded = fold(text)
    rules: list[str] = []
    for wrong, right, _ in SLIPS:
        if wrong in folded:
            folded = folded.replace(wrong, right)
            rules.append(f"slip {wrong}→{right}")
    spec = ""
    for pattern in (_TAIL_PACK, _TAIL_MEASURE):
        match = pattern.search(folded)
        if match is not None and match.start() > 0:
            spec, folded = match["spec"], folded[: match.start()].rstrip(",-(")
            rules.append("pack or measure at the end of the text is its spec")
            break
    alias = _ALIASES.get(folded)
    if alias is None:
        return Named(folded, spec, "", "; ".join(rules))
    rules.append(f"alias {alias.text}→{alias.product}: {alias.reason}")
    return Named(alias.product, spec, alias.variant, "; ".join(rules))
