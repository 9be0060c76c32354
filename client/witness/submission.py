"""A member's checkpoint brought to any C2SP witness, with the proof that the member's tiles give.

Anyone may carry: member, donor, journalist. The carrier trusts neither side; the member's tiles are
only as good as the proof they make, which the witness checks, and the witness's cosignature is
checked here before it is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from client.exchange import Request, Transport
from client.faults import Unreachable, Unusable
from client.witness.blame import Blame, convict_by_tiles
from client.witness.protocol import Asked, decode_size, encode_request, monitoring_path
from ledger.checkpoint import parse_checkpoint
from ledger.errors import Malformed
from ledger.notes import Note, NoteLine, VerifierKey, open_note, parse_note
from ledger.tiles import Tile, TileReader

__all__ = ["Log", "Refused", "fetch_log", "fetch_witnessed", "look_for_blame", "submit"]

ATTEMPTS_MAX: Final = 3  # a witness that keeps naming another size is not followed for ever


class Refused(Unusable):
    """A witness refused the checkpoint; says the status and its words."""


@dataclass(frozen=True, slots=True)
class Log:
    """A log as its prefix serves it: the note, its key, and its tiles."""

    prefix: str
    key: VerifierKey
    note: Note
    size: int
    tiles: TileReader


def fetch_log(transport: Transport, prefix: str, key: VerifierKey) -> Log:
    """Fetch the newest checkpoint under a log's prefix.

    Raises: Unreachable, Unusable when the note is not that key's, or there is no such log.
    """
    nothing = "no such log: a member serves the log of its own name only, at its own address"
    answer = _get(transport, prefix, "/checkpoint", nothing)
    try:
        note = parse_note(answer.decode())
        open_note(note, [key])
        checkpoint = parse_checkpoint(note.text)
        if checkpoint.origin != key.name:
            raise Malformed("checkpoint.origin", f"is not {key.name}")
    except (Malformed, UnicodeDecodeError) as error:
        raise Unusable(prefix, str(error)) from None
    return Log(prefix, key, note, checkpoint.size, _tiles(transport, prefix, checkpoint.size))


def _tiles(transport: Transport, prefix: str, size: int) -> TileReader:
    def read(tile: Tile) -> bytes:
        return _get(transport, prefix, f"/{tile.path()}")

    return TileReader(size, read)


def submit(transport: Transport, log: Log, witness: str, witness_key: VerifierKey) -> str:
    """Return the log's note with the witness's cosignature added.

    Raises: Unreachable, Refused (the witness will not cosign), Unusable (it answers nonsense).
    """
    old = 0
    for _ in range(ATTEMPTS_MAX):
        asked = Asked(old, tuple(_proof(log, old)), log.note.encode())
        headers = (("Content-Type", "text/plain; charset=utf-8"),)
        request = Request("POST", "/add-checkpoint", headers, encode_request(asked))
        answer = transport.send(witness, request)
        if answer.status == 200:
            return _cosigned(log.note, answer.body, witness, witness_key)
        if answer.status != 409:
            words = answer.body[:300].decode("utf-8", "replace").strip()
            raise Refused(witness, f"{answer.status} {words}".strip())
        try:
            old = decode_size(answer.body)
        except Malformed as error:
            raise Unusable(witness, str(error)) from None
        if old > log.size:
            raise Refused(witness, f"has cosigned size {old}, this checkpoint is of {log.size}")
    raise Unusable(witness, "names another size each time")


def _proof(log: Log, old: int) -> list[bytes]:
    return log.tiles.consistency(old) if 0 < old < log.size else []


def _cosigned(note: Note, body: bytes, witness: str, key: VerifierKey) -> str:
    """Take the one line of the witness's key; other lines, of its other keys, are left out."""
    try:
        added: tuple[NoteLine, ...] = parse_note(f"{note.text}\n{body.decode()}").lines
        [(_, line)] = open_note(Note(note.text, added), [key])
    except (Malformed, UnicodeDecodeError) as error:
        raise Unusable(witness, str(error)) from None
    return Note(note.text, (*note.lines, line)).encode()


def look_for_blame(transport: Transport, log: Log, earlier: str) -> Blame | None:
    """Return what convicts the log's key by an earlier note and the tiles it serves now, or None
    where these show that the log kept its word.

    Raises: Malformed when the earlier note is not that key's; Unreachable for its tiles, Unusable
    for those that fit neither: what is not shown is never taken for agreement.
    """
    kept = parse_note(earlier, "note")
    open_note(kept, [log.key], "note")
    size = parse_checkpoint(kept.text).size
    # A log that now says less than it signed is asked for the tiles of what it signed.
    tiles = log.tiles if size <= log.size else _tiles(transport, log.prefix, size)
    try:
        return convict_by_tiles(log.key, earlier, log.note.encode(), tiles)
    except (Malformed, Unreachable) as error:
        reason = error.reason if isinstance(error, Unreachable) else str(error)
        signed = f"it signed sizes {size} and {log.size}, and its tiles do not show that they agree"
        raise Unusable(log.prefix, f"{signed}: {reason}") from None


def fetch_witnessed(transport: Transport, witness: str, origin: str) -> str:
    """Return the newest note a witness of ours cosigned for an origin.

    Raises: Unreachable, Unusable when it has cosigned none.
    """
    nothing = f"it has cosigned nothing yet of {origin}"
    return _get(transport, witness, monitoring_path(origin), nothing).decode("utf-8", "replace")


def _get(transport: Transport, prefix: str, path: str, nothing: str = "") -> bytes:
    """Fetch a file. `nothing` says what it means that it is not there."""
    answer = transport.send(prefix, Request("GET", path))
    if answer.status == 404 and nothing:
        raise Unusable(prefix, nothing)
    if answer.status != 200:
        raise Unreachable(prefix, f"{path} answers {answer.status}")
    return answer.body
