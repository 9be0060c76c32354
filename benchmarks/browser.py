"""The offline page in a real Chromium: how long it takes for a bundle, by its own clock.

Needs Playwright, a Chromium and Node (the page is built if need be); without them there is no
figure.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any, Final

from ledger.genesis import Genesis
from tests import portal

__all__ = ["verify_ms"]

ROUNDS: Final = 9
CHROMIUM_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")


def verify_ms(bundle: bytes, genesis: Genesis) -> float | None:
    """Return the median of some verifications after a first one, in milliseconds, or None."""
    program = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if program is None or shutil.which("node") is None:
        return None
    from playwright.sync_api import sync_playwright

    portal.build(page=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        files = {"bundle": bundle, "genesis": genesis.to_json()}
        for name, data in files.items():
            Path(folder, name).write_bytes(data)
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = chromium.new_context(locale="en-GB", offline=True).new_page()
        page.goto(portal.PAGE.as_uri())
        page.set_input_files("#file-genesis", str(Path(folder, "genesis")))
        times = [_once(page, str(Path(folder, "bundle"))) for _ in range(1 + ROUNDS)]
        chromium.close()
    return round(statistics.median(times[1:]), 1)


def _once(page: Any, bundle: str) -> float:
    """Open the bundle again and read what the page says it took."""
    page.evaluate("document.querySelectorAll('.took').forEach(each => each.remove())")
    page.set_input_files("#file-bundle", bundle)
    took = float(page.wait_for_selector(".took").get_attribute("data-ms"))
    states = [each.get_attribute("data-state") for each in page.query_selector_all("[data-line]")]
    if states != ["clean"] * 4:
        raise RuntimeError(f"the page says {states}")
    return took
