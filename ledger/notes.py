"""Signed notes: a text, an empty line, and signature lines that anyone may add to.

The envelope of every checkpoint (formats.md 6.2). This module knows the envelope, the verifier keys
(vkeys) and the two kinds of Ed25519 line used here, plain and cosignature; what the text says is
the business of `checkpoint`.

Rules of a reader: a line whose (name, key id) is unknown is ignored; a known key whose signature
fails refuses the whole note; a note that no known key signed is refused. A second line of the same
key adds nothing.
Source: C2SP signed-note v1.0.0, tlog-cosignature v1.1.0; formats.md 6.2, 6.4.
"""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from ledger.canonical_json import from_base64, from_hex
from ledger.errors import Malformed
from ledger.keys import PUBLIC_KEY_SIZE, SIGNATURE_SIZE, Signer, Verify, verify
from ledger.limits import INTEGER_MAX, NOTE_SIGNATURES_MAX, NOTE_SIZE_MAX

__all__ = [
    "COSIGNATURE_V1",
    "ED25519",
    "KEY_NAME_MAX",
    "Note",
    "NoteLine",
    "VerifierKey",
    "cosign_text",
    "cosigned_text",
    "key_id",
    "line_holds",
    "open_note",
    "parse_note",
    "sign_text",
]

ED25519: Final = 0x01  # type byte of a plain Ed25519 signature over the text
COSIGNATURE_V1: Final = 0x04  # type byte of a timestamped Ed25519 cosignature (tlog-cosignature)
KEY_NAME_MAX: Final = 512  # characters of a key name; ours are below 250

_LINE: Final = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})\Z")
_NAME: Final = re.compile(rf"[^\s+\x00-\x1f\x7f]{{1,{KEY_NAME_MAX}}}\Z")
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A name, a kind of signature and a 32-byte Ed25519 public key: whose lines one believes."""

    name: str
    kind: int
    public: bytes

    @property
    def id(self) -> bytes:
        """The 4-byte key id that signature lines carry."""
        return key_id(self.name, self.kind, self.public)

    def text(self) -> str:
        """Return the vkey: `name+hex(key id)+base64(kind ‖ public key)`."""
        key = base64.b64encode(bytes([self.kind]) + self.public).decode()
        return f"{self.name}+{self.id.hex()}+{key}"

    @classmethod
    def parse(cls, text: str, field: str = "vkey") -> VerifierKey:
        """Read a vkey of one of the two Ed25519 kinds. Raises: Malformed."""
        if len(text) > KEY_NAME_MAX + 128:
            raise Malformed(field, "is too long")
        parts = text.split("+", 2)  # the base64 may hold '+', the name may not
        if len(parts) != 3 or not _NAME.match(parts[0]):
            raise Malformed(field, "must be name+key id+base64")
        data = from_base64(parts[2], field)
        if not data or data[0] not in (ED25519, COSIGNATURE_V1) or len(data) != 1 + PUBLIC_KEY_SIZE:
            raise Malformed(field, "must be an Ed25519 key of type 1 or 4")
        key = cls(parts[0], data[0], data[1:])
        if from_hex(parts[1], field, 4) != key.id:
            raise Malformed(field, "has a key id that is not that of its name and key")
        return key


@dataclass(frozen=True, slots=True)
class NoteLine:
    """One signature line: who says to have signed, and the bytes after the key id."""

    name: str
    key: bytes
    payload: bytes

    def text(self) -> str:
        """Return the line with its newline."""
        return f"— {self.name} {base64.b64encode(self.key + self.payload).decode()}\n"

    @property
    def timestamp(self) -> int:
        """The time in seconds of a cosignature line. Raises: Malformed when there is no room."""
        if len(self.payload) < 8:
            raise Malformed("note", f"the line of {self.name} has no timestamp")
        seconds: int = struct.unpack(">Q", self.payload[:8])[0]
        return seconds


@dataclass(frozen=True, slots=True)
class Note:
    """A text ending in a newline, and the lines that sign it. Nothing in it is verified yet."""

    text: str
    lines: tuple[NoteLine, ...]

    def encode(self) -> str:
        """Return the note as it is carried."""
        return self.text + "\n" + "".join(line.text() for line in self.lines)


def key_id(name: str, kind: int, public: bytes) -> bytes:
    """Return the 4-byte key id of a note key: SHA-256(name LF type public key)[:4]."""
    return sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def parse_note(note: str, field: str = "note", lines_field: str = "note.signatures") -> Note:
    """Split a note at its last empty line. Raises: Malformed, naming `field` or `lines_field`."""
    if len(note) > NOTE_SIZE_MAX:
        raise Malformed(field, f"is larger than {NOTE_SIZE_MAX} characters")
    text, separator, block = note.rpartition("\n\n")
    if not separator or not block.endswith("\n"):
        raise Malformed(field, "must be a text, an empty line and signature lines")
    if _CONTROL.search(note):
        raise Malformed(field, "holds a control character")
    lines = block[:-1].split("\n")
    if len(lines) > NOTE_SIGNATURES_MAX:
        raise Malformed(field, f"has more than {NOTE_SIGNATURES_MAX} signature lines")
    return Note(text + "\n", tuple(_parse_line(line, lines_field) for line in lines))


def _parse_line(line: str, field: str) -> NoteLine:
    match = _LINE.match(line)
    if match is None or len(match[1]) > KEY_NAME_MAX:
        raise Malformed(field, "a line is not a note signature")
    data = from_base64(match[2], field)
    if len(data) < 5:
        raise Malformed(field, "a line has the wrong length")
    return NoteLine(match[1], data[:4], data[4:])


def sign_text(text: str, name: str, signer: Signer) -> NoteLine:
    """Sign a text with a plain Ed25519 key of that name."""
    return NoteLine(name, key_id(name, ED25519, signer.public), signer.sign(text.encode()))


def cosigned_text(text: str, timestamp: int) -> bytes:
    """Return the bytes a cosigner of `text` signs at a time in seconds (tlog-cosignature)."""
    return f"cosignature/v1\ntime {timestamp}\n{text}".encode()


def cosign_text(text: str, timestamp: int, name: str, signer: Signer) -> NoteLine:
    """Cosign a checkpoint's text at a time in seconds with a cosigner key of that name."""
    signature = signer.sign(cosigned_text(text, timestamp))
    payload = struct.pack(">Q", timestamp) + signature
    return NoteLine(name, key_id(name, COSIGNATURE_V1, signer.public), payload)


def open_note(
    note: Note, known: Sequence[VerifierKey], field: str = "note", verify: Verify = verify
) -> tuple[tuple[VerifierKey, NoteLine], ...]:
    """Return the known keys that signed, each once, with their lines, in the order of the lines.

    At most one signature is checked for each known key, whatever the note holds.
    Raises: Malformed when a known key's signature fails, or when no known key signed.
    """
    keys = {(key.name, key.id): key for key in known}
    signed: dict[VerifierKey, NoteLine] = {}
    for line in note.lines:
        key = keys.get((line.name, line.key))
        if key is None or key in signed:
            continue
        if not line_holds(note.text, key, line, verify):
            raise Malformed(field, f"the signature of {key.name} does not verify")
        signed[key] = line
    if not signed:
        raise Malformed(field, "is not signed by any known key")
    return tuple(signed.items())


def line_holds(text: str, key: VerifierKey, line: NoteLine, verify: Verify = verify) -> bool:
    """Say whether a line is this key's signature over a note's text."""
    if key.kind == ED25519:
        return verify(key.public, text.encode(), line.payload)
    if len(line.payload) != 8 + SIGNATURE_SIZE or line.timestamp > INTEGER_MAX:
        return False
    return verify(key.public, cosigned_text(text, line.timestamp), line.payload[8:])
