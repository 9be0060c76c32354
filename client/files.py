"""Reading and writing the client's files: bounded reads, atomic writes, one clear fault for what
fails.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from ledger.errors import ClientFault, Malformed

__all__ = ["read_file", "read_json_file", "write_atomically"]


def read_file(path: Path, limit: int) -> bytes:
    """Return a file's bytes. Raises: ClientFault "file-unreadable"; Malformed when larger than
    `limit` bytes.
    """
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ClientFault("file-unreadable", file=str(path), reason=reason) from None
    if len(data) > limit:
        raise Malformed(str(path), f"is larger than {limit} bytes")
    return data


def read_json_file(path: Path, limit: int) -> Any:
    """Return a file's JSON value, however spelt. Raises: ClientFault, Malformed."""
    data = read_file(path, limit)
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Malformed(str(path), f"is not JSON ({error})") from None


def write_atomically(path: Path, data: bytes, mode: int = 0o644, replace: bool = True) -> None:
    """Write a file so that it appears whole or not at all, synced, with exactly `mode`.

    Raises: ClientFault "file-exists" unless `replace`, "file-unwritable".
    """
    scratch = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        scratch = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            scratch.replace(path)
        else:
            os.link(scratch, path)  # fails where a name exists: nobody's key is overwritten
            scratch.unlink()
        scratch = None
    except FileExistsError:
        raise ClientFault("file-exists", file=str(path)) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ClientFault("file-unwritable", file=str(path), reason=reason) from None
    finally:
        if scratch is not None:
            scratch.unlink(missing_ok=True)
