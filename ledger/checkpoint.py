"""C2SP checkpoints over the chain log, and the members' timestamped cosignatures that certify them.

A checkpoint is the text `<origin> LF <size> LF <base64 root> LF`. Each member that executed the
block signs `cosignature/v1 LF time <seconds> LF <text>` with its cosigner key; q of them, sorted in
the order of the member set, are a certificate. Unmodified C2SP tools read the notes (formats.md 6.2
to 6.4; R-Q-4's exception). The Ed25519 message does not name the cosigner: therefore one key per
member and role.
"""

from __future__ import annotations

import base64
import itertools
import re
import struct
from dataclasses import dataclass
from typing import Final

from ledger.canonical_json import from_base64
from ledger.errors import Malformed
from ledger.keys import SIGNATURE_SIZE, Signer, Verify, verify
from ledger.limits import INTEGER_MAX
from ledger.membership import MemberSet
from ledger.notes import COSIGNATURE_V1, NoteLine, cosigned_text, key_id, parse_note

__all__ = [
    "COSIGNATURE_V1",
    "Certificate",
    "Checkpoint",
    "Cosignature",
    "cosign",
    "cosignature_line",
    "cosignature_message",
    "key_id",
    "parse_checkpoint",
    "verify_certificate",
    "verify_cosignature",
]

_DECIMAL: Final = re.compile(r"(0|[1-9][0-9]{0,15})\Z")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A size and root of the chain log of one origin."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Return the note text, ending in a newline."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


@dataclass(frozen=True, slots=True)
class Cosignature:
    """One member's word for a checkpoint at a time (seconds since 1970 UTC)."""

    member: str
    timestamp: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class Certificate:
    """A checkpoint with the cosignatures of members, sorted in the order of their set."""

    checkpoint: Checkpoint
    cosignatures: tuple[Cosignature, ...]

    def timestamps(self) -> list[int]:
        """Return the timestamps in seconds, in the order of the lines."""
        return [cosignature.timestamp for cosignature in self.cosignatures]

    def to_note(self, members: MemberSet) -> str:
        """Return the signed note. Raises: Malformed for a cosigner outside the set."""
        lines = []
        for cosignature in self.cosignatures:
            place = members.index(cosignature.member)
            lines.append(
                cosignature_line(
                    self.checkpoint.origin, members.members[place].cosigner_key, cosignature
                )
            )
        return self.checkpoint.text() + "\n" + "".join(lines)

    @classmethod
    def from_note(cls, note: str, members: MemberSet) -> Certificate:
        """Read a note whose every line is a member's cosignature, exactly as `to_note` writes it.

        Raises: Malformed.
        """
        parsed = parse_note(note, "checkpoint", "checkpoint.cosignatures")
        checkpoint = parse_checkpoint(parsed.text)
        certificate = cls(
            checkpoint,
            tuple(_cosignature(line, checkpoint.origin, members) for line in parsed.lines),
        )
        if certificate.to_note(members) != note:
            raise Malformed("checkpoint", "is not the canonical note")
        return certificate


def parse_checkpoint(text: str) -> Checkpoint:
    """Read a checkpoint's text (three lines, no extensions). Raises: Malformed."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        raise Malformed("checkpoint", "must be origin, size and root, one a line")
    origin, size, root = lines[:3]
    if not origin or " " in origin or "+" in origin:
        raise Malformed("checkpoint.origin", "must be non-empty, without spaces or '+'")
    if not _DECIMAL.match(size) or int(size) > INTEGER_MAX:
        raise Malformed("checkpoint.size", "must be a decimal number")
    digest = from_base64(root, "checkpoint.root")
    if len(digest) != 32:
        raise Malformed("checkpoint.root", "must be 32 bytes")
    return Checkpoint(origin, int(size), digest)


def cosignature_message(checkpoint: Checkpoint, timestamp: int) -> bytes:
    """Return the bytes a cosigner signs (tlog-cosignature, Ed25519)."""
    return cosigned_text(checkpoint.text(), timestamp)


def cosign(checkpoint: Checkpoint, timestamp: int, member: str, signer: Signer) -> Cosignature:
    """Sign a checkpoint at a time in seconds with a cosigner key."""
    return Cosignature(member, timestamp, signer.sign(cosignature_message(checkpoint, timestamp)))


def cosignature_line(origin: str, public: bytes, cosignature: Cosignature) -> str:
    """Return the note line of a cosignature, key name `<origin>/<member id>`, with its newline."""
    name = f"{origin}/{cosignature.member}"
    payload = struct.pack(">Q", cosignature.timestamp) + cosignature.signature
    return NoteLine(name, key_id(name, COSIGNATURE_V1, public), payload).text()


def verify_cosignature(
    checkpoint: Checkpoint, cosignature: Cosignature, members: MemberSet, verify: Verify = verify
) -> bool:
    """Say whether a member of the set cosigned the checkpoint at that time."""
    member = members.get(cosignature.member)
    if member is None or not 0 <= cosignature.timestamp <= INTEGER_MAX:
        return False
    message = cosignature_message(checkpoint, cosignature.timestamp)
    return verify(member.cosigner_key, message, cosignature.signature)


def verify_certificate(
    certificate: Certificate, members: MemberSet, origin: str, verify: Verify = verify
) -> None:
    """Check exactly q distinct valid cosignatures in the order of the set, over this origin.

    Cheap checks come first, signatures last (R-LC-2).
    Raises: Malformed, naming what is wrong.
    """
    if certificate.checkpoint.origin != origin:
        raise Malformed("checkpoint.origin", "is another chain's")
    if len(certificate.cosignatures) != members.q:
        raise Malformed(
            "checkpoint.cosignatures",
            f"must be exactly {members.q} of {members.n}, not {len(certificate.cosignatures)}",
        )
    places = [members.index(cosignature.member) for cosignature in certificate.cosignatures]
    if any(later <= earlier for earlier, later in itertools.pairwise(places)):
        raise Malformed(
            "checkpoint.cosignatures", "must be distinct, in the order of the member set"
        )
    for cosignature in certificate.cosignatures:
        if not verify_cosignature(certificate.checkpoint, cosignature, members, verify):
            raise Malformed(
                "checkpoint.cosignatures", f"that of {cosignature.member} does not verify"
            )


def _cosignature(line: NoteLine, origin: str, members: MemberSet) -> Cosignature:
    prefix = origin + "/"
    member = members.get(line.name[len(prefix) :]) if line.name.startswith(prefix) else None
    if member is None:
        raise Malformed("checkpoint.cosignatures", f"{line.name!r} is not a member of this chain")
    if len(line.payload) != 8 + SIGNATURE_SIZE:
        raise Malformed("checkpoint.cosignatures", "a line has the wrong length")
    if line.key != key_id(line.name, COSIGNATURE_V1, member.cosigner_key):
        raise Malformed("checkpoint.cosignatures", f"the key of {member.id} is not the member's")
    return Cosignature(member.id, line.timestamp, line.payload[8:])
