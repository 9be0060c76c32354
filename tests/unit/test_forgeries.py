"""The forger's whole trade: each lie is refused, by the line of the verdict that names it."""

from __future__ import annotations

import pytest

from ledger.verify import verify_bundle
from tests.forger.forgeries import FORGERIES, Forgery


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda one: one.name)
def test_the_forgery_is_refused_by_the_line_that_names_it(forgery: Forgery) -> None:
    """R-LC-1."""
    attempt = forgery.make()
    report = verify_bundle(attempt.data, attempt.genesis, **attempt.asked)
    failed = [line.name for line in report.lines if line.state == "failed"]
    assert failed == [forgery.line], report.value()
    line = next(line for line in report.lines if line.name == forgery.line)
    assert line.code == forgery.code
    assert not report.exit_ok
    assert line.sentence("zh") != line.sentence("en")
