"""Policy files that are read, or refused by line and rule: the cases of both readers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ledger.keys import Ed25519Signer
from ledger.notes import COSIGNATURE_V1, ED25519, VerifierKey

__all__ = ["LINES", "LOG", "POLICIES", "Case", "signers", "vkey"]

LOG: Final = Ed25519Signer(b"l" * 32)
COURT, PRESS, NGO = (Ed25519Signer(letter * 32) for letter in (b"c", b"p", b"n"))
signers: Final = {"court": COURT, "press": PRESS, "ngo": NGO}


def vkey(name: str, kind: int, signer: Ed25519Signer) -> str:
    return VerifierKey(name, kind, signer.public).text()


LINES: Final = f"""
# whom we believe
log {vkey("log.example", ED25519, LOG)} https://log.example/

witness court {vkey("court.example", COSIGNATURE_V1, COURT)} https://court.example/witness
witness press {vkey("press.example", COSIGNATURE_V1, PRESS)}   # daily
witness ngo {vkey("ngo.example", COSIGNATURE_V1, NGO)}
group public any press ngo
group both all court public
quorum both
"""
# Made to share name and key id, four bytes: a line of one would be judged by the other.
_TWINS: Final = (
    "ngo.example+e70e5e4d+BI4d/M9/iIGcS+0HGPyXk94HPjmKwl8onZhTVcWSdJni",
    "ngo.example+e70e5e4d+BIpRKs+5G0s1RX/J40U3JebKluntsKYLXDWbA/G46axO",
)
_OTHER: Final = vkey("x.example", COSIGNATURE_V1, LOG)
_KIND: Final = "must be a log, witness, group or quorum line"
_THRESHOLD: Final = "the threshold must be 1 to 1"
_TWICE: Final = "the same key, or name and key id, stands twice"


@dataclass(frozen=True, slots=True)
class Case:
    """A policy file, and what refuses it: a field and a rule; none where it is read."""

    name: str
    text: str
    refused: tuple[str, str] | None = None


def _late(name: str, line: str, rule: str) -> Case:
    """All is well but for one more line."""
    return Case(name, f"{LINES}{line}\n", ("policy, line 11", rule))


def _many() -> str:
    keys = [Ed25519Signer(number.to_bytes(32, "big")) for number in range(257)]
    lines = (vkey(f"w{n}.example", COSIGNATURE_V1, key) for n, key in enumerate(keys))
    return "".join(f"witness w{n} {line}\n" for n, line in enumerate(lines))


POLICIES: Final = (
    Case("logs, witnesses, groups", LINES),
    Case("no quorum asked for", LINES.replace("quorum both", "quorum none")),
    Case("other white space", f"witness\u00a0w\t{_OTHER} # a comment\nquorum w\n"),
    Case("a threshold in digits", LINES.replace("any press", "1 press")),
    _late("two quorum lines", "quorum both", "there is one quorum line"),
    _late("a quorum without a name", "quorum", _KIND),
    _late("a line of another kind", "nonsense x", _KIND),
    _late("a group without parts", "group late any", _KIND),
    _late("a group without anything", "group late", _KIND),
    _late("a word too many", f"witness w {_OTHER} https://x.example/ more", _KIND),
    _late("a witness's name twice", f"witness court {_OTHER}", "court is defined already"),
    _late("a group's name again", f"witness both {_OTHER}", "both is defined already"),
    _late("the name none", f"witness none {_OTHER}", "the name cannot be used"),
    _late("one key twice", f"witness w {vkey('w.example', COSIGNATURE_V1, COURT)}", _TWICE),
    _late("a log's key twice", f"log {vkey('x.example', ED25519, LOG)}", _TWICE),
    _late(
        "a log's key at a witness",
        f"witness w {vkey('w', ED25519, LOG)}",
        "a witness's key is of type 4",
    ),
    _late(
        "a witness's key at a log",
        f"log {vkey('w', COSIGNATURE_V1, PRESS)}",
        "a log's key is of type 1",
    ),
    _late("a part that nobody is", "group late any nobody", "nobody is not defined before"),
    _late("a group of itself", "group late any late", "late is not defined before"),
    _late("a part of two groups", "group late any court", "court is in a group already"),
    *(
        _late(f"the threshold {word}", f"group late {word} both", _THRESHOLD)
        for word in ("0", "2", "01", "1e0", "-1", "1.0", "constructor", "toString", "__proto__")
    ),
    Case(
        "two keys that lines cannot tell apart",
        f"witness w1 {_TWINS[0]}\nwitness w2 {_TWINS[1]}\nquorum w1\n",
        ("policy, line 2", _TWICE),
    ),
    Case("no quorum line", LINES.replace("quorum both", ""), ("policy", "has no quorum line")),
    Case("more than 256 witnesses", _many(), ("policy, line 257", "is beyond 256 of a kind")),
)
