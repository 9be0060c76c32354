"""C2SP `tlog-policy`: whose signatures make a checkpoint believable, as a file for any tool.

The quorum of departments is a group: each member's cosigner key is a witness, q of them suffice,
and any one of the members' log keys of that origin must have signed. Whoever trusts outside
witnesses too adds lines and a group of their own and changes the quorum line.

Source: C2SP tlog-policy; formats.md 6.8.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from ledger.checkpoint import Checkpoint, parse_checkpoint
from ledger.errors import Malformed
from ledger.keys import Verify, verify
from ledger.membership import MemberSet
from ledger.notes import COSIGNATURE_V1, ED25519, Note, VerifierKey, open_note

__all__ = [
    "POLICY_ITEMS_MAX",
    "POLICY_SIZE_MAX",
    "Group",
    "Policy",
    "cosigner_vkey",
    "log_vkey",
    "member_log_vkey",
    "outsiders_of",
    "parse_policy",
    "policy_of",
    "vkeys_of",
]

POLICY_SIZE_MAX: Final = 256 * 1024  # characters of a policy file
POLICY_ITEMS_MAX: Final = 256  # logs, witnesses and groups each; tlog-policy asks for at least 32
DEPARTMENTS: Final = "departments"
NO_QUORUM: Final = "none"

_NAME: Final = re.compile(r"[^\s#]{1,128}\Z")
_THRESHOLD: Final = re.compile(r"[1-9][0-9]{0,3}\Z")


@dataclass(frozen=True, slots=True)
class Group:
    """A name, how many of its parts must be satisfied, and the parts: witnesses or groups."""

    name: str
    threshold: int
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """Logs, witnesses and groups by name, and the name that must be satisfied (or "none")."""

    logs: tuple[VerifierKey, ...]
    witnesses: dict[str, VerifierKey]
    groups: dict[str, Group]
    quorum: str

    def text(self) -> str:
        """Return the file."""
        lines = [f"log {key.text()}" for key in self.logs]
        lines += [f"witness {name} {key.text()}" for name, key in self.witnesses.items()]
        for group in self.groups.values():
            lines.append(f"group {group.name} {group.threshold} {' '.join(group.parts)}")
        return "\n".join([*lines, f"quorum {self.quorum}"]) + "\n"

    def check(self, note: Note, verify: Verify = verify) -> Checkpoint:
        """Return the checkpoint when a log of its origin signed it and the quorum is satisfied.

        Raises: Malformed.
        """
        checkpoint = parse_checkpoint(note.text)
        logs = [key for key in self.logs if key.name == checkpoint.origin]
        if not logs:
            raise Malformed("checkpoint.origin", "is not a log of this policy")
        known = [*logs, *self.witnesses.values()]
        signers = {key for key, _ in open_note(note, known, "checkpoint", verify)}
        if signers.isdisjoint(logs):
            raise Malformed("checkpoint", "is not signed by a log of this policy")
        if not self.is_satisfied(signers):
            raise Malformed("checkpoint", f"does not satisfy the quorum {self.quorum}")
        return checkpoint

    def is_satisfied(self, signers: set[VerifierKey]) -> bool:
        """Say whether the witnesses among these signers make the quorum."""
        return self.quorum == NO_QUORUM or self._satisfied(self.quorum, signers)

    def _satisfied(self, name: str, signers: set[VerifierKey]) -> bool:
        # Groups name only what stands before them, so this ends; a name is in one group at most,
        # so each is judged once.
        witness = self.witnesses.get(name)
        if witness is not None:
            return witness in signers
        group = self.groups[name]
        held = sum(self._satisfied(part, signers) for part in group.parts)
        return held >= group.threshold


def log_vkey(origin: str, log_key: bytes) -> VerifierKey:
    """Return the verifier key of a member's log key under the chain's own origin."""
    return VerifierKey(origin, ED25519, log_key)


def member_log_vkey(origin: str, member: str, log_key: bytes) -> VerifierKey:
    """Return the verifier key of a member's own origin `<chain>/<member>`, for witnesses."""
    return VerifierKey(f"{origin}/{member}", ED25519, log_key)


def cosigner_vkey(origin: str, member: str, cosigner_key: bytes) -> VerifierKey:
    """Return the verifier key of a member's cosignatures."""
    return VerifierKey(f"{origin}/{member}", COSIGNATURE_V1, cosigner_key)


def policy_of(origin: str, members: MemberSet) -> Policy:
    """Return the policy of a member set: any one log key, and q of n departments."""
    return Policy(
        tuple(log_vkey(origin, member.log_key) for member in members.members),
        {m.id: cosigner_vkey(origin, m.id, m.cosigner_key) for m in members.members},
        {_group_name(members): _departments(members)},
        _group_name(members),
    )


def outsiders_of(
    logs: Sequence[VerifierKey], witnesses: Sequence[VerifierKey], threshold: int
) -> Policy:
    """Return the policy by which so many of these outside witnesses must have signed, under any of
    these logs, members' own origins. The departments are left out: every bundle's certificate is
    checked anyway.

    Raises: Malformed for keys and numbers that no policy file may hold.
    """
    names = [f"witness-{number}" for number in range(1, len(witnesses) + 1)]
    policy = Policy(
        tuple(logs),
        dict(zip(names, witnesses, strict=True)),
        {"outsiders": Group("outsiders", threshold, tuple(names))},
        "outsiders",
    )
    return parse_policy(policy.text())


def vkeys_of(origin: str, members: MemberSet) -> list[VerifierKey]:
    """Return every verifier key of a member set: logs, members' own logs, cosigners."""
    everyone = members.members
    return [
        *(log_vkey(origin, member.log_key) for member in everyone),
        *(member_log_vkey(origin, member.id, member.log_key) for member in everyone),
        *(cosigner_vkey(origin, member.id, member.cosigner_key) for member in everyone),
    ]


def _group_name(members: MemberSet) -> str:
    # A department may be called `departments`: the group then takes a name no member can have.
    return DEPARTMENTS if members.get(DEPARTMENTS) is None else DEPARTMENTS.upper()


def _departments(members: MemberSet) -> Group:
    return Group(_group_name(members), members.q, tuple(m.id for m in members.members))


@dataclass(slots=True)
class _Reading:
    """What has been read of a policy so far."""

    logs: list[VerifierKey] = field(default_factory=list)
    witnesses: dict[str, VerifierKey] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    placed: set[str] = field(default_factory=set)
    quorum: str | None = None


def parse_policy(text: str) -> Policy:
    """Read a policy file. Raises: Malformed, naming the line."""
    if len(text) > POLICY_SIZE_MAX:
        raise Malformed("policy", f"is larger than {POLICY_SIZE_MAX} characters")
    reading = _Reading()
    for number, line in enumerate(text.split("\n"), 1):
        words = line.split("#", 1)[0].split()
        if words:
            _read_line(reading, f"policy, line {number}", words)
    if reading.quorum is None:
        raise Malformed("policy", "has no quorum line")
    return Policy(tuple(reading.logs), reading.witnesses, reading.groups, reading.quorum)


def _read_line(reading: _Reading, place: str, words: list[str]) -> None:
    match words:
        case ["log", vkey, *url] if len(url) <= 1:
            key = VerifierKey.parse(vkey, place)
            _refuse(key.kind != ED25519, place, "a log's key is of type 1")
            _refuse_known(reading.logs, key, place)
            reading.logs.append(key)
        case ["witness", name, vkey, *url] if len(url) <= 1:
            _refuse_name(reading, name, place)
            key = VerifierKey.parse(vkey, place)
            _refuse(key.kind != COSIGNATURE_V1, place, "a witness's key is of type 4")
            _refuse_known(reading.witnesses.values(), key, place)
            reading.witnesses[name] = key
        case ["group", name, threshold, *parts] if parts:
            _refuse_name(reading, name, place)
            reading.groups[name] = _group(reading, name, threshold, tuple(parts), place)
        case ["quorum", name]:
            _refuse(reading.quorum is not None, place, "there is one quorum line")
            known = name == NO_QUORUM or name in reading.witnesses or name in reading.groups
            _refuse(not known, place, f"{name} is not defined before")
            reading.quorum = name
        case _:
            raise Malformed(place, "must be a log, witness, group or quorum line")
    held = (reading.logs, reading.witnesses, reading.groups)
    _refuse(
        max(map(len, held)) > POLICY_ITEMS_MAX, place, f"is beyond {POLICY_ITEMS_MAX} of a kind"
    )


def _group(
    reading: _Reading, name: str, threshold: str, parts: tuple[str, ...], place: str
) -> Group:
    for part in parts:
        known = part in reading.witnesses or part in reading.groups
        _refuse(not known, place, f"{part} is not defined before")
        _refuse(part in reading.placed, place, f"{part} is in a group already")
        reading.placed.add(part)
    if threshold in ("any", "all"):
        return Group(name, 1 if threshold == "any" else len(parts), parts)
    wanted = int(threshold) if _THRESHOLD.match(threshold) else 0
    _refuse(not 1 <= wanted <= len(parts), place, f"the threshold must be 1 to {len(parts)}")
    return Group(name, wanted, parts)


def _refuse(condition: bool, place: str, rule: str) -> None:
    if condition:
        raise Malformed(place, rule)


def _refuse_name(reading: _Reading, name: str, place: str) -> None:
    _refuse(not _NAME.match(name) or name == NO_QUORUM, place, "the name cannot be used")
    taken = name in reading.witnesses or name in reading.groups
    _refuse(taken, place, f"{name} is defined already")


def _refuse_known(keys: Iterable[VerifierKey], key: VerifierKey, place: str) -> None:
    # Lines of notes name keys by name and four bytes, of which two keys are easily made to share.
    known = any(
        other.public == key.public or (other.name, other.id) == (key.name, key.id) for other in keys
    )
    _refuse(known, place, "the same key, or name and key id, stands twice")
