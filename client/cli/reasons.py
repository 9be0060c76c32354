"""Why the import refused a row, in words: the importer's own reasons; the ledger's are in
ledger/sentences.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["reason"]

_REASONS: Final[Mapping[str, tuple[str, str]]] = {
    "already-exists": ("账本上已有此行", "the row is on the ledger already"),
    "contradictory-quantity": ("数量与原文不符", "the quantity contradicts the printed cell"),
    "contradictory-unit": ("单位与原文不符", "the unit contradicts the printed cell"),
    "fractional-quantity": ("数量不是整数", "the quantity is not a whole number"),
    "missing-item": ("未写物品", "no item"),
    "missing-quantity": ("未写数量", "no quantity"),
    "missing-recipient": ("未写接收方", "no recipient"),
    "missing-row-number": ("没有行号", "no row number"),
    "missing-unit": ("未写单位", "no unit"),
    "more-than-held": ("发放数量多于所接收", "more is given out than was received"),
    "negative-quantity": ("数量为负", "the quantity is negative"),
    "nothing-received": ("账上从未接收过此物品", "nothing of the kind was received"),
    "quantity-too-large": ("数量过大", "the quantity is too large"),
    "repeated-row-number": ("行号重复", "the row number stands above already"),
    "unreadable-date": ("日期无法辨认", "the date cannot be read"),
    "unreadable-quantity": ("数量无法辨认", "the quantity cannot be read"),
    "wrong-number-of-fields": ("列数不对", "the row has another number of columns"),
    "wrong-unit": ("单位无法换算", "the unit cannot be converted"),
    "zero-quantity": ("数量为零", "the quantity is zero"),
}


def reason(code: str, language: str) -> str:
    """Return the reason in "zh" or "en" with its code; a code without words gives itself."""
    pair = _REASONS.get(code)
    return code if pair is None else f"{pair[language == 'en']} ({code})"
