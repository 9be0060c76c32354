"""What a verifier says: four lines that never blur, notes on their scope, and what was asked.

    integrity      is everything shown exactly what stands under the checkpoint's root?
    completeness   is it the whole answer to the question, as of that root?
    time           as of when?
    authority      who vouches for the root?

A line is clean, qualified (it could not be checked, and why) or failed. Each carries a machine code
and parameters; its sentence comes from the catalogue (zh, en), so that every verifier prints the
same. Source: DESIGN 2.10.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from ledger.bundle import Bundle
from ledger.claims import Claim
from ledger.errors import SuyuanError
from ledger.leaf import Leaf
from ledger.paths import Path
from ledger.questions import question
from ledger.verdict_sentences import LINE_NAMES, SENTENCES, STATE_WORDS

__all__ = ["LINES", "Failed", "Line", "LineName", "Note", "Report", "State"]

State = Literal["clean", "qualified", "failed"]
LineName = Literal["integrity", "completeness", "time", "authority"]
LINES: Final[tuple[LineName, ...]] = ("integrity", "completeness", "time", "authority")


class Failed(SuyuanError):
    """A step of verification found something false; it makes its line failed with this code."""

    def __init__(self, code: str, **parameters: Any) -> None:
        super().__init__(f"{code} {parameters}")
        self.code = code
        self.parameters = parameters


def _sentence(code: str, parameters: Mapping[str, Any], language: str) -> str:
    zh, en = SENTENCES[code]
    return (zh if language == "zh" else en).format(**parameters)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a verdict."""

    name: LineName
    state: State
    code: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def sentence(self, language: str = "en") -> str:
        """Return the sentence in "zh" or "en"."""
        return _sentence(self.code, self.parameters, language)

    def text(self, language: str = "en") -> str:
        """Return the whole printed line: name, state, sentence."""
        chinese = language == "zh"
        place = 0 if chinese else 1
        name, state = LINE_NAMES[self.name][place], STATE_WORDS[self.state][place]
        words = self.sentence(language)
        return f"{name}：{state}。{words}" if chinese else f"{name}: {state}. {words}"


@dataclass(frozen=True, slots=True)
class Note:
    """What a verdict does not say: the scope of a line that is clean as far as it goes."""

    code: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def sentence(self, language: str = "en") -> str:
        """Return the sentence in "zh" or "en"."""
        return _sentence(self.code, self.parameters, language)


@dataclass(frozen=True)
class Report:
    """The verdict on a bundle.

    `met`: what was asked for (question, age, pin), where asked, is met. `bundle` is None when the
    file could not be read. `logs` holds the decoded leaves of every entity shown with its log:
    believe them only when integrity is clean. `complete_as_of` is T, the least of the q timestamps;
    `existed_by` the (f+1)-th smallest (both in seconds since 1970 UTC, None until authority is
    established); `height` is the header's.
    """

    integrity: Line
    completeness: Line
    time: Line
    authority: Line
    met: bool
    notes: tuple[Note, ...] = ()
    bundle: Bundle | None = None
    logs: Mapping[Path, tuple[Leaf, ...]] = field(default_factory=dict)
    height: int | None = None
    block_time: int | None = None  # milliseconds
    complete_as_of: int | None = None
    existed_by: int | None = None

    @property
    def lines(self) -> tuple[Line, Line, Line, Line]:
        """The four lines in the order in which they are printed."""
        return self.integrity, self.completeness, self.time, self.authority

    @property
    def claim(self) -> Claim | None:
        """The question that the bundle says it answers."""
        return None if self.bundle is None else self.bundle.claim

    @property
    def clean(self) -> bool:
        """Whether every line is clean."""
        return all(line.state == "clean" for line in self.lines)

    @property
    def exit_ok(self) -> bool:
        """Whether a verifier exits 0: no line failed, and what was asked for is met (DESIGN section
        4).
        """
        return self.met and all(line.state != "failed" for line in self.lines)

    def question(self, language: str = "en") -> str:
        """Return the question in words, or that the file cannot be read."""
        claim = self.claim
        if claim is None:
            return _sentence("no-question", {}, language)
        return _sentence("answers", {"question": question(claim, language)}, language)

    def value(self) -> dict[str, Any]:
        """Return the verdict as a JSON object for those who pipe it (codes and parameters, no
        sentences).
        """
        return {
            "clean": self.clean,
            "complete_as_of": self.complete_as_of,
            "existed_by": self.existed_by,
            "height": self.height,
            "lines": {
                line.name: {
                    "code": line.code,
                    "parameters": dict(line.parameters),
                    "state": line.state,
                }
                for line in self.lines
            },
            "met": self.met,
            "notes": [{"code": n.code, "parameters": dict(n.parameters)} for n in self.notes],
            "ok": self.exit_ok,
        }
