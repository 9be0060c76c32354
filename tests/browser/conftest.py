"""A real Chromium. Without one these tests are skipped by name, and fail where CI=true."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests import portal
from tests.conftest import in_ci

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")


def _unavailable(reason: str) -> NoReturn:
    if in_ci():
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def offline_page() -> Path:
    """The built page."""
    portal.build(page=True)
    return portal.PAGE


# Of a module and not of the session: while Playwright runs, its thread has a running event loop, in
# which no other test of the same worker could start one.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser; its own sandbox is off, because tests may run as root in a container."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _unavailable("no Playwright: install the test requirements")
    program = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if program is None:
        _unavailable("no Chromium on PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()
