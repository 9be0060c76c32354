"""Opening a data folder: the engine, and the marker that names it (docs/decisions/0003).

    <folder>/ENGINE        one line, "suyuan store 1 <engine>"
    <folder>/<engine>/     the engine's own files
    <folder>/made/         marks of keys made here, until the running member has taken them in

The engine is the one the marker names; a new folder gets LevelDB where plyvel is installed
(environment markers of pyproject.toml: Python 3.12 and below) and RocksDB elsewhere. The marker is
written once the engine has made its files: without it nothing was ever stored, so what a crash in
between left behind may be opened again; with it, missing files are damage and are never made anew
(a member must not forget its ballots in silence).
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from node.store.engine import Store, StoreCorrupt, StoreMismatch

__all__ = ["ENGINES", "default_engine", "installed_engines", "open_store"]

ENGINES: Final = ("leveldb", "rocksdb")  # in order of preference
MARKER: Final = "ENGINE"
KEY_MARKS: Final = "made"  # node.keyring: of cosigner keys made before a member ran
MARKER_SIZE_MAX: Final = 64  # bytes read of a marker file; anything longer is not ours

_LIBRARY: Final = {"leveldb": "plyvel", "rocksdb": "rocksdict"}


def installed_engines() -> tuple[str, ...]:
    """The engines whose library this environment has, in order of preference."""
    return tuple(engine for engine in ENGINES if find_spec(_LIBRARY[engine]) is not None)


def default_engine(folder: Path) -> str:
    """The engine a new folder gets. Raises StoreMismatch when neither library is installed."""
    for engine in installed_engines():
        return engine
    raise StoreMismatch(folder, "neither plyvel nor rocksdict is installed")


def open_store(folder: Path, engine: str | None = None) -> Store:
    """Opens, or makes, the store in `folder`; `engine` insists on one of ENGINES.

    Raises StoreMismatch (other engine's folder, engine not installed, not a store), StoreLocked,
    StoreCorrupt, StoreFull, StoreError.
    """
    if engine is not None and engine not in ENGINES:
        raise StoreMismatch(folder, f"no engine {engine!r}; there are {' and '.join(ENGINES)}")
    marked = _read_marker(folder)
    if marked is not None and engine not in (None, marked):
        raise StoreMismatch(folder, f"was written by {marked}, and {engine} must not open it")
    chosen = marked or engine or default_engine(folder)
    if chosen not in installed_engines():
        raise StoreMismatch(folder, f"needs {chosen}, whose library {_LIBRARY[chosen]} is missing")
    if marked is None:
        _claim(folder, chosen)
    elif not (folder / chosen).is_dir():
        raise StoreCorrupt(folder, f"is damaged (its marker names {chosen}, whose files are gone)")
    store = _open(folder, chosen, create=marked is None)
    if marked is None:
        _write_marker(folder, chosen)
    return store


def _open(folder: Path, engine: str, *, create: bool) -> Store:
    # Imported here: only one of the two libraries is installed outside development.
    if engine == "leveldb":
        from node.store.leveldb import LevelStore

        return LevelStore(folder / engine, folder, create=create)
    from node.store.rocks import RocksStore

    return RocksStore(folder / engine, folder, create=create)


def _claim(folder: Path, engine: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    # Only what an interrupted first opening by the same engine leaves may stand here, and the
    # marks of keys that were made before it.
    ours = (engine, f"{MARKER}.new", KEY_MARKS)
    foreign = sorted(p.name for p in folder.iterdir() if p.name not in ours)
    if foreign:
        raise StoreMismatch(folder, f"is not a store's: no engine marker, but {foreign[0]}")


def _read_marker(folder: Path) -> str | None:
    try:
        with (folder / MARKER).open("rb") as file:
            line = file.read(MARKER_SIZE_MAX + 1)
    except FileNotFoundError:
        return None
    for engine in ENGINES:
        if line == _marker_line(engine):
            return engine
    raise StoreMismatch(folder, f"has an engine marker this version does not know: {line[:40]!r}")


def _write_marker(folder: Path, engine: str) -> None:
    # The engine's lock is held here, so no second opener of the same engine writes beside us.
    new = folder / f"{MARKER}.new"
    with new.open("wb") as file:
        file.write(_marker_line(engine))
        file.flush()
        os.fsync(file.fileno())
    new.replace(folder / MARKER)
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _marker_line(engine: str) -> bytes:
    return f"suyuan store 1 {engine}\n".encode("ascii")
