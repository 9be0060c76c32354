"""What a witness must not forget, in a folder: its key, the newest note of each origin, blame, and
what it refused.

    witness.json             name and seed, readable by its owner alone
    logs/<sha256 origin>     the newest note cosigned for that origin
    blame/<log>-<sha256 file>.json   what convicts a log; <log>: the first 16 digits of that hash
    refused/<log>-<sha256 file>.note   what it signed and was not shown to follow

A note is written whole, synced, and its folder synced, before the cosignature is given out: after a
loss of power the witness never knows less than it has said. One process at a time holds the folder.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import IO, Final

from client.files import read_file, read_json_file, write_atomically
from client.witness.blame import Blame, encode_blame
from ledger.canonical_json import from_hex, to_json
from ledger.errors import ClientFault, Malformed
from ledger.keys import Ed25519Signer
from ledger.limits import NOTE_SIZE_MAX
from ledger.notes import COSIGNATURE_V1, VerifierKey, parse_note

__all__ = ["BLAME_FILES_MAX", "REFUSED_FILES_MAX", "Folder", "own_key"]

KEY_FILE_SIZE_MAX: Final = 4 * 1024  # bytes of witness.json: about 200
# Of one log: one that contradicts itself endlessly must not fill the disk, nor take others' places.
BLAME_FILES_MAX: Final = 100
# Of one log: anyone can send its honest notes with bad proofs, so the oldest make place.
REFUSED_FILES_MAX: Final = 100


class Folder:
    """A witness's folder, held by this process until `close`. A `client.witness.judge.Memory`."""

    def __init__(self, folder: Path, say: Callable[[str, Path], None] = lambda *_: None) -> None:
        """Hold the folder, made if need be; `say` is told of each file: "convicted" or "refused".

        Raises: ClientFault "folder-held" when another process holds it, "file-unwritable".
        """
        self._folder = folder
        self._say = say
        self._newest: dict[str, str] = {}
        try:
            for part in (folder / "logs", folder / "blame", folder / "refused"):
                part.mkdir(parents=True, exist_ok=True)
            self._lock: IO[str] = (folder / "lock").open("w")
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise ClientFault("file-unwritable", file=str(folder), reason=reason) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            reason = "another witness runs here"
            raise ClientFault("file-unwritable", file=str(folder), reason=reason) from None

    def close(self) -> None:
        """Let the folder go."""
        self._lock.close()

    def newest(self, origin: str) -> str | None:
        """Return the newest note cosigned for an origin, or None.

        Raises: Malformed for a file that is no note of that origin: damage is not "nothing yet".
        """
        if origin not in self._newest:
            file = self._file(origin)
            if not file.exists():
                return None
            note = read_file(file, 4 * NOTE_SIZE_MAX).decode("utf-8", "replace")
            if parse_note(note, str(file)).text.partition("\n")[0] != origin:
                raise Malformed(str(file), f"is not of the origin {origin}")
            self._newest[origin] = note
        return self._newest[origin]

    def remember(self, origin: str, note: str) -> None:
        """Keep the note; durable on return."""
        file = self._file(origin)
        write_atomically(file, note.encode())
        _sync(file.parent)
        self._newest[origin] = note

    def blame(self, blame: Blame) -> None:
        """Write what convicts a log, once, and no more than so many files of each log."""
        data = encode_blame(blame)
        file = self._evidence("blame", blame.key.name, data, "json")
        if not file.exists() and len(_of_same_log(file)) < BLAME_FILES_MAX:
            write_atomically(file, data)
            _sync(file.parent)
            self._say("convicted", file)

    def refused(self, origin: str, note: str) -> None:
        """Keep what a log signed and was not shown to follow, the newest so many of each log."""
        data = note.encode()
        file = self._evidence("refused", origin, data, "note")
        if file.exists():
            return
        for oldest in _of_same_log(file)[: 1 - REFUSED_FILES_MAX]:
            oldest.unlink()
        write_atomically(file, data)
        _sync(file.parent)
        self._say("refused", file)

    def _evidence(self, part: str, origin: str, data: bytes, ending: str) -> Path:
        whose = sha256(origin.encode()).hexdigest()[:16]
        return self._folder / part / f"{whose}-{sha256(data).hexdigest()}.{ending}"

    def _file(self, origin: str) -> Path:
        return self._folder / "logs" / sha256(origin.encode()).hexdigest()


def own_key(folder: Path, name: str | None) -> tuple[str, Ed25519Signer]:
    """Return a witness's name and key, made on the first run under `name`.

    Raises: Malformed when the file is damaged or of another name, when none is there and no name is
    given; ClientFault for a file that cannot be read or written.
    """
    file = folder / "witness.json"
    if not file.exists():
        if name is None:
            raise Malformed("--name", "is needed on the first run: the witness's name, as a URL")
        signer = Ed25519Signer(seed := os.urandom(32))
        key = VerifierKey(name, COSIGNATURE_V1, signer.public)
        VerifierKey.parse(key.text(), "--name")
        write_atomically(file, to_json({"name": name, "seed": seed.hex()}) + b"\n", 0o600, False)
        _sync(folder)
        return name, signer
    value = read_json_file(file, KEY_FILE_SIZE_MAX)
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        raise Malformed(str(file), "must hold name and seed")
    if name not in (None, value["name"]):
        raise Malformed("--name", f"this folder's witness is {value['name']}")
    return value["name"], Ed25519Signer(from_hex(value.get("seed"), str(file)))


def _of_same_log(file: Path) -> list[Path]:
    """Return the files beside it that are of the same log, the oldest first."""
    whose = file.name.partition("-")[0]
    return sorted(file.parent.glob(f"{whose}-*"), key=lambda one: (one.stat().st_mtime_ns, one))


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
