"""What happened, gathered as it happens and told in few lines.

Things of one round that several members did alike are one line: `m1 m2 m3 → all  prepare v0 s1`. A
round is one delivery of everything under way, so what stands together happened at the same time.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.stories.words import Words

__all__ = ["HIDDEN_AT_FIRST", "Teller"]

COLUMN = 20  # width of who and what they did
HIDDEN_AT_FIRST = ("status", "checks", "repeats")


@dataclass(frozen=True)
class Deed:
    """One thing a member did: `verb` is said of one, `verbs` of several."""

    who: str
    verb: str
    verbs: str
    what: str


class Teller:
    """Collects the deeds of a round, merges them, and keeps the lines until they are asked for."""

    def __init__(self, members: list[str]) -> None:
        self.words = Words()
        self.hidden: dict[str, None] = dict.fromkeys(HIDDEN_AT_FIRST)
        self.members = members
        self._round: list[Deed] = []
        self._lines: list[str] = []
        self._said_at = 0

    def tell(self, kind: str, who: str, verb: str, what: str, verbs: str = "") -> None:
        """A member did something, unless the story hides things of that kind."""
        if kind not in self.hidden:
            self._round.append(Deed(who, verb, verbs or verb, what))

    def say(self, line: str) -> None:
        """A line that is nobody's deed."""
        self._lines.append(line)

    def end_round(self, now: int) -> None:
        """Put the deeds of one round, at `now` ms, into lines."""
        if not self._round:
            return
        if now != self._said_at:
            self._said_at = now
            self._lines.append(f"-- {now / 1000:.2f} s")
        merged: dict[tuple[str, str, str], list[str]] = {}
        for deed in self._round:
            who = merged.setdefault((deed.verb, deed.verbs, deed.what), [])
            if deed.who not in who:
                who.append(deed.who)
        self._round = []
        for (verb, verbs, what), who in merged.items():
            named = self.name(who)
            does = f"{named} {verb if len(who) == 1 else verbs}"
            self._lines.append(f"{does:<{COLUMN}} {what}".rstrip())

    def take(self) -> list[str]:
        """Return the lines since the last call."""
        lines, self._lines = self._lines, []
        return lines

    def name(self, who: list[str] | tuple[str, ...], but: str = "") -> str:
        """Name members in order; `all` for all of them, or all but the one that speaks."""
        if set(who) == {one for one in self.members if one != but} and len(who) > 1:
            return "all"
        return " ".join(sorted(who, key=self.members.index))
