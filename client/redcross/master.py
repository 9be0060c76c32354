"""Derives the item master: which thing a row speaks of, in which base unit, at which pack factor.

An item is (product, variant, base unit). Where a spec states what a container holds, the container
converts; where it does not, the container itself is the base unit of an item of its own, so that
nothing converts by a factor that nobody stated. Items of one product with other variants (strength,
size, model) stay apart.

Invariant: the master is a function of the rows alone; the same tables give the same ids. Source:
domain.md 0.5 and 7.1; rules in `rules`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from client.redcross.limits import (
    LABEL_LENGTH_MAX,
    NAME_LENGTH_MAX,
    PACKS_PER_ITEM_MAX,
    PLACED_CACHE,
    UNIT_LENGTH_MAX,
)
from client.redcross.packs import UNNAMED, Pack, read_pack
from client.redcross.rules import (
    CARTON_SYNONYMS,
    NOISE,
    PIECES,
    PRODUCT_PIECES,
    SPEC_READINGS,
    UNIT_READINGS,
    VARIANTS,
    Category,
)
from client.redcross.tables import Row
from client.redcross.wording import Named, fold, fold_spec, read_item
from ledger.codec import encode
from ledger.hashing import sha256

__all__ = ["Item", "Master", "Placed", "derive_master", "place", "same_words"]

_READINGS: Final = {(r.product, r.spec, r.unit): r for r in SPEC_READINGS}
_PRODUCT_PIECES: Final = {(p, word): meant for p, word, meant, _ in PRODUCT_PIECES}
_CARTON_SYNONYMS: Final = frozenset(product for product, _ in CARTON_SYNONYMS)
_VARIANTS: Final = {
    (product, text): variant for product, text, variant in ((p, a, b) for p, a, b, _ in VARIANTS)
}
_CARTON_WORDS: Final = frozenset(("件", "箱"))


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a row stands: one `unit` with `label` is `factor` of `base` of (product, variant)."""

    product: str
    variant: str
    base: str
    unit: str
    label: str
    factor: int
    stated: bool  # the row says what a unit holds
    rule: str  # the rules applied to its words, "" where none was needed

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes an item: product, variant, base unit."""
        return self.product, self.variant, self.base


@dataclass(slots=True)
class Item:
    """An entry of the master being gathered: packs in the order in which they first appear."""

    name: str
    base: str
    packs: dict[tuple[str, str], int] = field(default_factory=dict)
    identity: str = ""


@dataclass(frozen=True, slots=True)
class Master:
    """The items by key, with ids of the organisation `organisation`."""

    organisation: str
    items: dict[tuple[str, str, str], Item]

    def arguments(self) -> list[dict[str, Any]]:
        """The arguments of one define_item per item, in the order of first appearance."""
        return [
            {
                "item": item.identity,
                "name": item.name,
                "base_unit": item.base,
                "packs": [[unit, label, factor] for (unit, label), factor in item.packs.items()],
            }
            for item in self.items.values()
        ]


def derive_master(rows: Iterable[Row], organisation: str) -> Master:
    """The item master of all sound rows; ids are "<organisation>.item-<hash of the definition>"."""
    items: dict[tuple[str, str, str], Item] = {}
    for row in rows:
        if row.fault:
            continue
        placed = place(row)
        item = items.get(placed.key)
        if item is None:
            name = f"{row.item} {placed.variant}".strip()[: NAME_LENGTH_MAX - 20]
            item = items[placed.key] = Item(f"{name} [{placed.base}]", placed.base)
        pack = (placed.unit, placed.label)
        if pack != (item.base, "") and len(item.packs) < PACKS_PER_ITEM_MAX:
            item.packs.setdefault(pack, placed.factor)
    for key, item in items.items():
        packs = sorted((unit, label, factor) for (unit, label), factor in item.packs.items())
        digest = sha256(encode((key, tuple(packs)))).hex()
        item.identity = f"{organisation}.item-{digest[:24]}"
    return Master(organisation, items)


def place(row: Row) -> Placed:
    """Which item a row speaks of and what one of its units is. `row` must have no fault."""
    return _place(row.item, row.spec, row.unit)


@lru_cache(maxsize=PLACED_CACHE)
def _place(item_text: str, spec_text: str, unit_text: str) -> Placed:
    named = read_item(item_text)
    unit, unit_variant = UNIT_READINGS.get(fold(unit_text), (fold(unit_text), ""))
    spec = _spec(spec_text, named)
    pack = _pack(named.product, spec, unit)
    base, pieces, rule = _pieces(named.product, pack)
    variant = " ".join(dict.fromkeys(v for v in (named.variant, unit_variant, pack.variant) if v))
    variant = _VARIANTS.get((named.product, variant), variant)
    label = f"{pack.factor}{pack.word if pack.word != UNNAMED else ''}" if pack.stated else ""
    return Placed(
        product=named.product,
        variant=variant,
        base=base[:UNIT_LENGTH_MAX],
        unit=pack.unit[:UNIT_LENGTH_MAX],
        label=label[:LABEL_LENGTH_MAX],
        factor=pack.factor * pieces,
        stated=pack.stated,
        rule="; ".join(text for text in (named.rule, rule) if text),
    )


def same_words(product: str, unit: str) -> frozenset[str]:
    """The words that mean the same container as `unit` for `product`, `unit` among them."""
    if product in _CARTON_SYNONYMS and unit in _CARTON_WORDS:
        return _CARTON_WORDS
    return frozenset((unit,))


def _spec(text: str, named: Named) -> str:
    spec = fold_spec(text)
    if spec in NOISE:
        spec = ""
    return ",".join(text for text in (spec, named.spec) if text)


def _pack(product: str, spec: str, unit: str) -> Pack:
    reading = _READINGS.get((product, spec, unit)) or _READINGS.get(("", spec, unit))
    if reading is None:
        return read_pack(spec, unit)
    if reading.count == 0:
        return Pack(unit, unit, 1, stated=False, variant=reading.variant)
    stated = reading.count != 1
    return Pack(unit, reading.word, reading.count, stated=stated, variant=reading.variant)


def _pieces(product: str, pack: Pack) -> tuple[str, int, str]:
    """The base unit, how many of it one `pack.word` is, and the rule that says so."""
    word = _PRODUCT_PIECES.get((product, pack.word), pack.word)
    if product in _CARTON_SYNONYMS and word in _CARTON_WORDS:
        return "箱", 1, "件 and 箱 both mean the carton of this product" if word == "件" else ""
    category = _category(product)
    if word == UNNAMED:
        return (category.base, 1, category.key) if category else ("枚", 1, "")
    if category is not None and word in category.words:
        rule = "" if word == category.base else f"{category.key}: {category.reason}"
        return category.base, category.words[word], rule
    return word, 1, "" if word == pack.word else f"{pack.word} means {word} for this product"


def _category(product: str) -> Category | None:
    """The one category that a product's name falls in; none where it names two (a mixed parcel)."""
    found = [c for c in PIECES if any(name in product for name in c.names)]
    return found[0] if len(found) == 1 else None
