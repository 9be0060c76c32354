"""Cosigner keys on disk: a file for each, new in every epoch, destroyed after it.

`FOLDER/cosigners/<64 hex of the public key>` holds the 64 hex digits of the seed, mode 600. The
next epoch's is made before the change is proposed, because the proposal names it; the member takes
whichever fits the set of its epoch. Once the next epoch has its first certificate the old file is
overwritten, unlinked, and the folder synced: who breaks in later finds no key with which the past
could be certified again (DESIGN 2.9). What a file system or a drive keeps of overwritten blocks,
and what backups hold, is the operator's to know: this folder does not belong into backups.

Beside a new key goes a mark into the member's data folder: "made while this store was here". Who
finds a store without the mark of the key its epoch names has lost its ballots, and may have spoken
in this epoch before (R-DW-4). The running member takes marks into its store; deleting the data
folder deletes both.

Invariants: seed and mark are durable before the public key is told to anybody; what is destroyed is
never one that the present or a coming epoch could ask for.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from ledger.canonical_json import from_hex
from ledger.errors import Malformed, SuyuanError
from ledger.keys import SEED_SIZE, Ed25519Signer
from node.store.opening import KEY_MARKS

__all__ = ["KEYS_MAX", "ConfigError", "Keyring", "require_private", "write_private"]

KEYS_MAX: Final = 16  # seeds kept at once: the present one, the next, and proposals that failed
_NAME: Final = re.compile(r"[0-9a-f]{64}\Z")

OVERWRITTEN: Final = b"0" * (2 * SEED_SIZE + 1)  # over a seed in hex and its newline


class ConfigError(SuyuanError):
    """A member's folder cannot be used as it is; names the file and what is wrong."""


class Keyring:
    """One member's cosigner keys."""

    def __init__(self, folder: Path, data: Path) -> None:
        """Take the folder that holds them and the data folder; neither need exist yet."""
        self._folder = folder
        self._marks = data / KEY_MARKS

    def make(self, seed: bytes | None = None) -> bytes:
        """Make a key, durable when this returns; returns its public half.

        Raises: ConfigError when there are too many already.
        """
        held = self.publics()
        if len(held) >= KEYS_MAX:
            raise ConfigError(
                f"{self._folder}: holds {len(held)} keys already; remove those of proposals that "
                "came to nothing"
            )
        seed = secrets.token_bytes(SEED_SIZE) if seed is None else seed
        public = Ed25519Signer(seed).public
        self._folder.mkdir(mode=0o700, exist_ok=True)
        write_private(self._folder / public.hex(), (seed.hex() + "\n").encode())
        sync_folder(self._folder.parent)
        self._marks.mkdir(parents=True, exist_ok=True)
        write_private(self._marks / public.hex(), b"")
        sync_folder(self._marks.parent)
        return public

    def check(self) -> None:
        """Make sure of all keys here; what power loss left half destroyed is destroyed.

        Raises: ConfigError when one of them cannot be used. That one is missing is no error: who
        lost its data walks again through epochs whose keys are destroyed, and follows until it
        comes to one whose key it holds.
        """
        half_gone = [public for public in self.publics() if self._is_overwritten(public)]
        self.destroy(half_gone)
        for public in self.publics():
            self.signer(public)

    def faults(self) -> list[str]:
        """Say of each key here that cannot be used why, and change nothing."""
        found = []
        for public in self.publics():
            try:
                if not self._is_overwritten(public):
                    self.signer(public)
            except ConfigError as error:
                found.append(str(error))
        return found

    def _is_overwritten(self, public: bytes) -> bool:
        """Say whether a seed was overwritten, and not yet unlinked, when the power was lost."""
        try:
            written = (self._folder / public.hex()).read_bytes()
        except OSError:
            return False  # `signer` says what is wrong with it
        return written == OVERWRITTEN

    def marks(self) -> list[bytes]:
        """Return the public keys made here whose marks are not yet in the store."""
        return _named(self._marks)

    def unmark(self, publics: Iterable[bytes]) -> None:
        """Remove marks that the store holds now."""
        for public in publics:
            (self._marks / public.hex()).unlink(missing_ok=True)

    def publics(self) -> list[bytes]:
        """Return the public keys whose seeds are here, in order of their hex."""
        return _named(self._folder)

    def signer(self, public: bytes) -> Ed25519Signer | None:
        """Return the key of that public half, None when it is not here.

        Raises: ConfigError when its file is readable by others or is not that key.
        """
        path = self._folder / public.hex()
        try:
            text = path.read_text("ascii")
            require_private(path)
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: cannot be read ({type(error).__name__})") from None
        try:
            found = Ed25519Signer(from_hex(text.removesuffix("\n"), "seed"))
        except Malformed as error:
            raise ConfigError(f"{path}: {error}") from None
        if found.public != public:
            raise ConfigError(f"{path}: is not the key its name says")
        return found

    def destroy(self, publics: Iterable[bytes]) -> int:
        """Destroy those of the keys that are here, durably; returns how many there were."""
        gone = 0
        for public in publics:
            path = self._folder / public.hex()
            try:
                # Without truncation: the same blocks are written again, where the disk allows it.
                descriptor = os.open(path, os.O_WRONLY)
            except FileNotFoundError:
                continue
            try:
                os.write(descriptor, OVERWRITTEN)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            path.unlink()
            gone += 1
        if gone:
            sync_folder(self._folder)
        return gone


def _named(folder: Path) -> list[bytes]:
    try:
        names = sorted(each.name for each in folder.iterdir())
    except FileNotFoundError:
        return []
    return [bytes.fromhex(name) for name in names if _NAME.match(name)]


def write_private(path: Path, content: bytes) -> None:
    """Write a new file that its owner alone may read, durable with its name when this returns.

    Raises: FileExistsError.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path.parent)


def require_private(path: Path) -> None:
    """Raises: ConfigError when others than the owner may use the file; OSError."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise ConfigError(f"{path}: is readable by others (mode {mode:o}); make it 600")


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
