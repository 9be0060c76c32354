"""The paper receipt in a real browser: as it is printed, on one sheet, with a code that is read."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import zxingcpp

from client.receipt.essentials import Essentials, code_text, essentials_of
from client.receipt.page import receipt_page
from ledger.checkpoint import Checkpoint
from ledger.genesis import Genesis
from ledger.verdict import Note
from ledger.verify import verify_bundle
from tests.conftest import ROOT

VECTORS = ROOT / "tests" / "vectors"
BUNDLES = sorted(path.stem for path in VECTORS.glob("bundle-*.json"))
URL = "https://chain.example/verify"

Print = Callable[[bytes], Any]


@pytest.fixture
def opened(chromium: Any, tmp_path: Path) -> Iterator[Print]:
    """Opens a page from disk as it is printed; it may ask for nothing and complain of nothing."""
    context = chromium.new_context(locale="zh-CN", viewport={"width": 794, "height": 1123})
    context.set_offline(True)
    asked: list[str] = []
    complaints: list[str] = []

    def open_page(data: bytes) -> Any:
        path = tmp_path / "receipt.html"
        path.write_bytes(data)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.emulate_media(media="print")
        page.goto(path.as_uri())
        return page

    yield open_page
    context.close()
    assert [url for url in asked if not url.startswith("file:")] == []
    assert complaints == []


def essentials(name: str) -> Essentials:
    data = (VECTORS / f"{name}.json").read_bytes()
    genesis = Genesis.from_json((VECTORS / "genesis.json").read_bytes())
    return essentials_of(data, verify_bundle(data, genesis))


def sheets(page: Any) -> int:
    """How many sheets a printer would use."""
    return len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True)))


def grey(png: bytes) -> memoryview:
    """The pixels of an 8-bit RGB or RGBA PNG as rows of grey (PNG, third edition, section 9)."""
    width, height, depth, colour = struct.unpack(">IIBB", png[16:26])
    step = {2: 3, 6: 4}[colour]
    assert depth == 8
    at, packed = 8, b""
    while at < len(png):
        (size,) = struct.unpack(">I", png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            packed += png[at + 8 : at + 8 + size]
        at += size + 12
    raw, line = zlib.decompress(packed), bytearray(width * step)
    result = bytearray()
    for y in range(height):
        start = y * (width * step + 1)
        line = unfiltered(raw[start], raw[start + 1 : start + 1 + width * step], line, step)
        result += line[0::step]
    return memoryview(bytes(result)).cast("B", (height, width))


def unfiltered(kind: int, data: bytes, above: bytearray, step: int) -> bytearray:
    """One line of a PNG from its difference to the pixels before and above."""
    line = bytearray(len(data))
    for place, value in enumerate(data):
        left = line[place - step] if place >= step else 0
        corner = above[place - step] if place >= step else 0
        up = above[place]
        nearest = min((left, up, corner), key=lambda one: abs(left + up - corner - one))
        add = (0, left, up, (left + up) // 2, nearest)[kind]
        line[place] = (value + add) & 255
    return line


@pytest.mark.parametrize("name", BUNDLES)
@pytest.mark.parametrize("url", [None, URL])
def test_it_prints_on_one_sheet_and_the_code_is_read_from_it(
    opened: Print, name: str, url: str | None
) -> None:
    paper = essentials(name)
    page = opened(receipt_page(paper, url))
    [found] = zxingcpp.read_barcodes(grey(page.locator("svg").screenshot()))
    assert found.text == code_text(paper, url)
    assert sheets(page) == 1
    assert page.inner_text(".asked") == paper.report.question("zh")


def test_the_longest_names_and_most_members_still_fit_on_one_sheet(opened: Print) -> None:
    paper = essentials("bundle-trace")
    members = tuple(f"department-of-health-{place}" for place in range(11))
    report = paper.report
    notes = (*map(Note, ("scope-of-accesses", "scope-of-record")), *[Note("scope-of-receipt")] * 40)
    authority = replace(
        report.authority,
        parameters={"epoch": 4_095, "members": ", ".join(members), "n": 16, "q": 11},
    )
    paper = replace(
        paper,
        report=replace(report, authority=authority, notes=notes),
        claim='{"kind":"trace","path":"supplies/donation/' + "W" * 96 + '"}',
        checkpoint=Checkpoint("w" * 62 + "/" + "e" * 64, 2**53 - 1, bytes([255]) * 32),
        height=2**53 - 1,
    )
    page = opened(receipt_page(paper, URL))
    assert sheets(page) == 1
    # Another font may be a little taller than this machine's: a twentieth of the sheet is spare.
    page.set_viewport_size({"width": 680, "height": 1047})  # within the margins: 180 by 277 mm
    assert page.evaluate("document.body.getBoundingClientRect().height") < 0.95 * 1047
    assert "另有 39 条说明" in page.inner_text("body")
    wide = page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert wide


def test_the_paper_is_black_on_white_and_as_wide_as_the_sheet(opened: Print) -> None:
    page = opened(receipt_page(essentials("bundle-receipt")))
    colours = page.evaluate(
        "[...document.querySelectorAll('body, p, td, li')]"
        ".map(e => getComputedStyle(e)).map(s => s.color + s.backgroundColor)"
    )
    white = {"rgba(0, 0, 0, 0)", "rgb(255, 255, 255)"}
    assert all(one.partition(")")[0] in {"rgb(0, 0, 0", "rgb(51, 51, 51"} for one in colours)
    assert all(one.partition(")")[2] in white for one in colours)
    box = page.locator("svg").bounding_box()
    assert box is not None
    assert box["width"] == pytest.approx(50 * 96 / 25.4, abs=1)  # 50 mm: what phones read
