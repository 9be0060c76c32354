"""The witness's judgement: cosign a checkpoint only if it follows from the one cosigned before.

For each origin it knows one key and remembers the newest note it cosigned. The order of the checks
is tlog-witness's; the state is durable before the answer leaves. A log that contradicts itself is
refused, and where its own signatures convict it, a blame file is written; where they do not yet,
the note it signed is kept, for whoever reads the log's tiles.

Invariants: sizes never fall, timestamps never fall, two roots of one size are never both cosigned.
Source: C2SP tlog-witness v1.0.0; formats.md 6.7.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from client.witness.blame import Blame, convict
from client.witness.protocol import SIZE_TYPE, TEXT_TYPE, Asked, decode_request
from ledger.checkpoint import Checkpoint, parse_checkpoint
from ledger.errors import Malformed
from ledger.keys import Signer
from ledger.merkle_log import EMPTY_ROOT, verify_consistency
from ledger.notes import (
    COSIGNATURE_V1,
    ED25519,
    Note,
    VerifierKey,
    cosign_text,
    open_note,
    parse_note,
)

__all__ = ["Answer", "Memory", "Witness"]


class Memory(Protocol):
    """What a witness must not forget (client.witness.state)."""

    def newest(self, origin: str) -> str | None:
        """Return the newest note cosigned for an origin, the witness's own line last, or None."""
        ...

    def remember(self, origin: str, note: str) -> None:
        """Keep it; durable on return."""
        ...

    def blame(self, blame: Blame) -> None:
        """Write what convicts a log; a conviction that stands there already stays as it is."""
        ...

    def refused(self, origin: str, note: str) -> None:
        """Keep a note, signed by the log, that was not shown to follow and convicts nobody yet."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: status, content type, body."""

    status: int
    kind: str = TEXT_TYPE
    body: bytes = b""


def _refusal(status: int, reason: str) -> Answer:
    return Answer(status, TEXT_TYPE, f"{reason}\n".encode())


class Witness:
    """One witness: its name and key, the logs it follows, its memory and its clock."""

    def __init__(
        self,
        name: str,
        signer: Signer,
        logs: Iterable[VerifierKey],
        memory: Memory,
        clock: Callable[[], int],
    ) -> None:
        """Take the logs' keys, one per origin (the key's name), and a clock in seconds since 1970.

        Raises: Malformed for a second key of an origin: which of the two to believe is not ours.
        """
        self.key = VerifierKey(name, COSIGNATURE_V1, signer.public)
        self._signer = signer
        self._memory = memory
        self._clock = clock
        self._logs: dict[str, VerifierKey] = {}
        for key in logs:
            if key.kind != ED25519:
                raise Malformed("logs", f"the key of {key.name} is not a log's")
            if self._logs.setdefault(key.name, key) != key:
                raise Malformed("logs", f"two keys of one origin {key.name}")

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins this witness follows."""
        return tuple(self._logs)

    def newest(self, origin: str) -> str | None:
        """Return the newest note cosigned for an origin, or None."""
        return self._memory.newest(origin)

    def add_checkpoint(self, body: bytes) -> Answer:
        """Judge a request; a 200 carries the cosignature line, and is remembered before."""
        try:
            asked = decode_request(body)
            note = parse_note(asked.note)
            checkpoint = parse_checkpoint(note.text)
        except Malformed as error:
            return _refusal(400, str(error))
        key = self._logs.get(checkpoint.origin)
        if key is None:
            return _refusal(404, "this origin is not followed here")
        try:
            open_note(note, [key])
        except Malformed as error:
            return _refusal(403, str(error))
        if asked.old > checkpoint.size:
            return _refusal(400, "the old size is larger than the checkpoint's")
        return self._follow(key, asked, note, checkpoint)

    def _follow(self, key: VerifierKey, asked: Asked, note: Note, checkpoint: Checkpoint) -> Answer:
        kept = self._memory.newest(checkpoint.origin)
        if kept is None:
            held = Checkpoint(checkpoint.origin, 0, EMPTY_ROOT)
        else:
            held = parse_checkpoint(parse_note(kept).text)
        if asked.old != held.size:
            self._blame(key, kept, asked)  # a stale submission may still show two roots
            return Answer(409, SIZE_TYPE, f"{held.size}\n".encode())
        if not _follows(held, checkpoint, asked.proof):
            if not self._blame(key, kept, asked):
                self._memory.refused(checkpoint.origin, asked.note)
            return _refusal(422, "does not follow from what was cosigned before")
        return self._cosign(note, checkpoint.origin, kept)

    def _cosign(self, note: Note, origin: str, kept: str | None) -> Answer:
        before = 0 if kept is None else parse_note(kept).lines[-1].timestamp
        line = cosign_text(note.text, max(self._clock(), before), self.key.name, self._signer)
        log = self._logs[origin]
        signed = next(each for each in note.lines if (each.name, each.key) == (log.name, log.id))
        self._memory.remember(origin, Note(note.text, (signed, line)).encode())
        return Answer(200, TEXT_TYPE, line.text().encode())

    def _blame(self, key: VerifierKey, kept: str | None, asked: Asked) -> bool:
        """Write what convicts the log, and say whether anything does."""
        blame = None if kept is None else convict(key, kept, asked.note, asked.proof)
        if blame is None:
            return False
        self._memory.blame(blame)
        return True


def _follows(held: Checkpoint, new: Checkpoint, proof: tuple[bytes, ...]) -> bool:
    """Say whether `new` follows from `held`, whose size the submitter named."""
    if new.size == 0:
        return new.root == EMPTY_ROOT and not proof
    if held.size == 0:
        return not proof
    return verify_consistency(held.size, new.size, held.root, new.root, proof)
