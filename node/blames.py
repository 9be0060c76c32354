"""What convicts other members, kept as files that anyone verifies: `suyuan blame FILE`.

The engine reports evidence once and forgets it; here it becomes a file beside the data folder, so
that it outlives the store it was seen with. One file for each place a member contradicted itself
at; the first stays as it is. Nothing is written that the verifier would not believe.

Invariants: so many files a member, so that one liar's many lies hide no other's; a disk that takes
no file costs the file and never the member. Source: R-Q-5, R-RS-1; docs/FORMATS.md section 11.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Final

from consensus.evidence import Evidence
from ledger.equivocation import (
    EQUIVOCATION_SIZE_MAX,
    Equivocation,
    decode_equivocation,
    encode_equivocation,
    verify_equivocation,
)
from ledger.errors import Malformed
from ledger.membership import MemberSet
from ledger.votes import COSIGNATURE

__all__ = ["FILES_PER_MEMBER_MAX", "Blames"]

log = logging.getLogger(__name__)

FILES_PER_MEMBER_MAX: Final = 64  # one convicts; more tell how often


class Blames:
    """The blame files of one member's folder, by name."""

    def __init__(self, folder: Path, origin: str) -> None:
        """Read what is there; a file that convicts nobody is passed over and said to be so."""
        self._folder = folder
        self._origin = origin
        self._files: dict[str, Equivocation] = {}
        for file in sorted(folder.glob("*.json")) if folder.is_dir() else []:
            try:
                found = decode_equivocation(_read(file))
                verify_equivocation(found)
            except (Malformed, OSError) as error:
                log.warning("%s convicts nobody: %s", file, error)
                continue
            self._files[file.stem] = found

    def __len__(self) -> int:
        return len(self._files)

    @property
    def names(self) -> list[str]:
        """The names of all files, in order; each begins with the member's id."""
        return sorted(self._files)

    @property
    def members(self) -> list[str]:
        """The members that are convicted of something, in order."""
        return sorted({_member_of(name) for name in self._files})

    def file(self, name: str) -> bytes | None:
        """Return a file's bytes, or None when there is none of that name."""
        found = self._files.get(name)
        return None if found is None else encode_equivocation(found)

    def take(self, evidence: Evidence, members: MemberSet) -> Path | None:
        """Keep evidence against a member of that set, synced; the file, None when it is known.

        Raises nothing: what cannot be kept is logged.
        """
        member, one = members.get(evidence.member), evidence.first
        if member is None:
            return None
        key = member.cosigner_key if one.kind == COSIGNATURE else member.vote_key
        found = Equivocation(self._origin, key, evidence.first, evidence.second)
        name = _name(evidence)
        held = sum(1 for each in self._files if _member_of(each) == evidence.member)
        if name in self._files or held >= FILES_PER_MEMBER_MAX:
            return None
        file = self._folder / f"{name}.json"
        try:
            verify_equivocation(found)
            _write(file, encode_equivocation(found))
        except (Malformed, OSError) as error:
            log.error("evidence against %s is not kept: %s", evidence.member, error)
            return None
        self._files[name] = found
        log.error("member %s contradicted itself (%s): %s", evidence.member, one.kind, file)
        return file


def _name(evidence: Evidence) -> str:
    one = evidence.first
    # Of a cosignature the place is the size alone; its view is a time.
    places = [one.sequence] if one.kind == COSIGNATURE else [one.view, one.sequence]
    return ".".join([evidence.member, one.kind, *map(str, [one.epoch, *places])])


def _member_of(name: str) -> str:
    return name.partition(".")[0]  # no member id holds a dot


def _read(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(EQUIVOCATION_SIZE_MAX + 1)


def _write(file: Path, data: bytes) -> None:
    file.parent.mkdir(exist_ok=True)
    new = file.with_suffix(".new")
    with new.open("wb") as opened:
        opened.write(data)
        opened.flush()
        os.fsync(opened.fileno())
    new.replace(file)
    for folder in (file.parent, file.parent.parent):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
