"""Every forgery, each with the line of the verdict that must name it."""

from __future__ import annotations

from tests.forger import (
    lies_about_answers,
    lies_about_chain,
    lies_about_epochs,
    lies_about_form,
    lies_about_limits,
    lies_about_logs,
    lies_about_notes,
    lies_about_ranges,
    lies_about_shape,
)
from tests.forger.forging import FORGERIES, Attempt, Forgery

__all__ = [
    "FORGERIES",
    "Attempt",
    "Forgery",
    "lies_about_answers",
    "lies_about_chain",
    "lies_about_epochs",
    "lies_about_form",
    "lies_about_limits",
    "lies_about_logs",
    "lies_about_notes",
    "lies_about_ranges",
    "lies_about_shape",
]
