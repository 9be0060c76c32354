"""Verification, step 9, its last part: outside witnesses that saw the chain at this size and root.

A note of a member's own origin `<chain>/<member>` carries the member's log signature and the lines
of witnesses that cosigned it. Quorum and witnesses are tied by equal size and root. The reader's
policy (C2SP tlog-policy) says whose lines count and how many suffice; what it does not know is not
checked, and the verdict says so. Failures are raised as Failed.
Source: DESIGN 2.7; formats.md 6.4, 6.8; docs/FORMATS.md 7.5 and 8; docs/TLOG.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from ledger.checkpoint import Certificate, Checkpoint, parse_checkpoint
from ledger.errors import Malformed
from ledger.keys import SIGNATURE_SIZE, Verify
from ledger.limits import INTEGER_MAX, WITNESS_LINES_MAX
from ledger.membership import MemberSet
from ledger.notes import Note, NoteLine, VerifierKey, line_holds, parse_note
from ledger.tlog_policy import Policy, cosigner_vkey
from ledger.verdict import Failed

__all__ = ["Witnessed", "check_witnesses", "read_witnesses"]

_FIELD: Final = "bundle.witnesses"
_MEMBER: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\Z")


@dataclass(frozen=True, slots=True)
class Witnessed:
    """Names of the witness lines that count, the members in whose logs they saw this root, and
    names of lines and logs that the policy does not know; and whether the members' own keys were
    enough, so that retired ones would have been.

    A witness holds each origin to its own past alone, so whoever holds the log key of an origin
    that it has not seen since a fork has another past cosigned: the verdict names the members.
    """

    counted: tuple[str, ...]
    logs: tuple[str, ...]
    unknown: tuple[str, ...]
    are_members_alone: bool


def read_witnesses(notes: Sequence[str], checkpoint: Checkpoint) -> list[Note]:
    """Read the notes and tie each to the bundle's checkpoint. Raises: Failed."""
    read = []
    for text in notes:
        try:
            note = _read(text)
            seen = parse_checkpoint(note.text)
            if (seen.size, seen.root) != (checkpoint.size, checkpoint.root):
                raise Malformed(_FIELD, "must be of the checkpoint's size and root")
        except Malformed as error:
            raise Failed("witness-malformed", field=error.field, rule=error.rule) from None
        chain, _, member = seen.origin.rpartition("/")
        if chain != checkpoint.origin or not _MEMBER.match(member):
            raise Failed("witness-of-another-chain", origin=seen.origin)
        read.append(note)
    return read


def _read(text: str) -> Note:
    note = parse_note(text, _FIELD, _FIELD)
    log, *witnesses = note.lines
    if log.name != note.text.partition("\n")[0] or len(log.payload) != SIGNATURE_SIZE:
        raise Malformed(_FIELD, "must begin with the line of the log's own key")
    if not 1 <= len(witnesses) <= WITNESS_LINES_MAX:
        raise Malformed(_FIELD, f"must have 1 to {WITNESS_LINES_MAX} lines of witnesses")
    for line in witnesses:
        if len(line.payload) != 8 + SIGNATURE_SIZE or line.timestamp > INTEGER_MAX:
            raise Malformed(_FIELD, "a line is not a timestamped cosignature")
    names = [line.name.encode() for line in witnesses]
    if any(later <= earlier for earlier, later in pairwise(names)):
        raise Malformed(_FIELD, "must be strictly ascending by the witness's name")
    return note


def check_witnesses(
    notes: Sequence[Note],
    policy: Policy,
    certificate: Certificate,
    members: MemberSet,
    origin: str,
    verify: Verify,
) -> Witnessed:
    """Check what the policy knows, and that it suffices. Raises: Failed."""
    cosigned = {one.member for one in certificate.cosignatures}
    signers = {
        cosigner_vkey(origin, member.id, member.cosigner_key)
        for member in members.members
        if member.id in cosigned
    }
    counted: list[str] = []
    seen_in: dict[str, None] = {}
    unknown: list[str] = []
    logs = {(key.name, key.id): key for key in policy.logs}
    witnesses = {(key.name, key.id): key for key in policy.witnesses.values()}
    for note in notes:
        log, *lines = note.lines
        log_key = logs.get((log.name, log.key))
        if log_key is None:
            unknown.append(log.name)
            continue
        _check_line(note, log_key, log, log.name, verify)
        for line in lines:
            key = witnesses.get((line.name, line.key))
            if key is None:
                unknown.append(line.name)
                continue
            _check_line(note, key, line, log.name, verify)
            signers.add(key)
            counted.append(line.name)
            seen_in[log.name.rpartition("/")[2]] = None
    if not policy.is_satisfied(signers):
        raise _too_few(policy, unknown)
    are_members_alone = _are_members_alone(policy, signers, origin)
    return Witnessed(tuple(counted), tuple(seen_in), tuple(unknown), are_members_alone)


def _too_few(policy: Policy, unknown: Sequence[str]) -> Failed:
    # Whoever wrote the policy is told which line it lacks: else nothing points to a forgotten log.
    if not unknown:
        return Failed("witnesses-too-few", quorum=policy.quorum)
    told = {"quorum": policy.quorum, "witnesses": ", ".join(unknown)}
    return Failed("witnesses-too-few-and-unknown", **told)


def _are_members_alone(policy: Policy, signers: set[VerifierKey], origin: str) -> bool:
    """Say whether keys of the chain's own members satisfy the policy, and outsiders do not."""
    own = {key for key in signers if key.name.startswith(f"{origin}/")}
    by_outsiders = policy.is_satisfied(signers - own) and not policy.is_satisfied(set())
    return policy.is_satisfied(own) and not by_outsiders


def _check_line(note: Note, key: VerifierKey, line: NoteLine, origin: str, verify: Verify) -> None:
    if not line_holds(note.text, key, line, verify):
        raise Failed("witness-signature", origin=origin, witness=line.name)
