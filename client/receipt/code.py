"""A QR code as a drawing: one SVG path, the same for the same text.

Error correction M (15 %): paper is folded and stained, and a code of H would be too fine to read.
"""

from __future__ import annotations

from typing import Final

import segno

from ledger.errors import Malformed

__all__ = ["code_svg"]

QUIET: Final = 4  # modules of white around the code, as the standard asks
VERSION_MAX: Final = 27  # 125 modules: on 50 mm a module is 0.4 mm, which phones still read


def code_svg(text: str, label: str) -> str:
    """Return an SVG element without a size of its own. Raises: Malformed for too long a text."""
    code = segno.make_qr(text, error="m", mode="byte", encoding="iso-8859-1", boost_error=False)
    if int(code.version) > VERSION_MAX:
        raise Malformed("--url", "is too long for a code that can be read from paper")
    rows = [bytes(row) for row in code.matrix]
    side = len(rows) + 2 * QUIET
    strokes = "".join(_strokes(y + QUIET, row) for y, row in enumerate(rows))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" role="img" '
        f'aria-label="{label}" shape-rendering="crispEdges">'
        f'<rect width="{side}" height="{side}" fill="#fff"/>'
        f'<path fill="#000" d="{strokes}"/></svg>'
    )


def _strokes(y: int, row: bytes) -> str:
    """The dark runs of a row as rectangles."""
    result = []
    x = 0
    while x < len(row):
        end = x
        while end < len(row) and row[end]:
            end += 1
        if end > x:
            result.append(f"M{x + QUIET} {y}h{end - x}v1h-{end - x}z")
        x = max(end, x + 1)
    return "".join(result)
