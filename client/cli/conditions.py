"""What a reader asks for besides genesis, as options: an age, a kept checkpoint, witnesses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from client.files import read_file
from client.limits import PIN_FILE_SIZE_MAX
from client.verify import pin_size
from ledger.errors import Malformed
from ledger.tlog_policy import POLICY_SIZE_MAX, Policy, parse_policy

__all__ = ["MaxAgeOption", "PinOption", "PolicyOption", "open_pin", "open_policy"]

MaxAgeOption = Annotated[
    int | None,
    typer.Option(
        "--max-age", min=0, help="最长时限（秒）。Tolerated age in seconds.", show_default=False
    ),
]
PinOption = Annotated[
    Path | None,
    typer.Option("--pin", help="以前保存的检查点。A checkpoint kept earlier.", show_default=False),
]
PolicyOption = Annotated[
    Path | None,
    typer.Option(
        "--policy",
        help="须有哪些外部见证（tlog-policy）。Which outside witnesses must have signed.",
        show_default=False,
    ),
]


def open_pin(path: Path | None) -> str | None:
    """Read a checkpoint, a signed note or its text alone. Raises: ClientFault, Malformed."""
    if path is None:
        return None
    note = _text(path, PIN_FILE_SIZE_MAX)
    # Typed from a paper receipt into an editor that does not end the last line.
    note += "" if note.endswith("\n") else "\n"
    pin_size(note)  # a file that is no checkpoint at all is a wrong file, not a verdict
    return note


def open_policy(path: Path | None) -> Policy | None:
    """Read a policy. Raises: ClientFault, Malformed."""
    return None if path is None else parse_policy(_text(path, POLICY_SIZE_MAX))


def _text(path: Path, most: int) -> str:
    """A text file, whichever editor saved it."""
    try:
        return read_file(path, most).decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise Malformed(str(path), "is not text") from None
