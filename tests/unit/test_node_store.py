"""One conformance test for both storage engines, and the rules of opening (docs/decisions/0003)."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledger.errors import InvariantViolated
from node.store import (
    Store,
    StoreClosed,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreLocked,
    StoreMismatch,
    installed_engines,
    open_store,
    prefix_stop,
)
from node.store.engine import KEY_LENGTH_MAX
from node.store.opening import ENGINES, MARKER

ROOT = Path(__file__).resolve().parents[2]
Open = Callable[[], Store]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if name not in installed_engines():
        assert name == "leveldb", "rocksdict is a test dependency everywhere"
        assert sys.version_info >= (3, 13), "plyvel has wheels for this Python"
        pytest.skip("plyvel has no wheel for this Python")
    return name


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "member"


@pytest.fixture
def store(engine: str, folder: Path) -> Iterator[Store]:
    opened = open_store(folder, engine)
    yield opened
    opened.close()


def fill(store: Store, *keys: bytes) -> None:
    store.write({key: b"value of " + key for key in keys}, sync=False)


def keys(pairs: Iterator[tuple[bytes, bytes]]) -> list[bytes]:
    return [key for key, _ in pairs]


def test_a_new_store_is_empty_and_names_its_engine_and_folder(
    store: Store, engine: str, folder: Path
) -> None:
    assert store.get(b"anything") is None
    assert list(store.range()) == []
    assert (store.engine, store.folder) == (engine, folder)


def test_what_is_written_is_read_back_empty_values_and_every_byte_included(store: Store) -> None:
    batch: dict[bytes, bytes | None] = {bytes([n]): bytes([n]) * n for n in range(256)}
    store.write(batch, sync=False)
    assert {key: store.get(key) for key in batch} == batch
    assert dict(store.range()) == batch


def test_keys_come_in_the_order_of_their_bytes_whatever_order_they_were_written_in(
    store: Store,
) -> None:
    fill(store, b"b", b"\xff", b"a\x00", b"a", b"\x00", b"ab", b"a\xff")
    assert keys(store.range()) == [b"\x00", b"a", b"a\x00", b"ab", b"a\xff", b"b", b"\xff"]


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [
        (None, None, [b"b", b"d", b"f"]),
        (b"b", None, [b"b", b"d", b"f"]),
        (None, b"f", [b"b", b"d"]),
        (b"b", b"f", [b"b", b"d"]),
        (b"d", b"d\x00", [b"d"]),
        (b"d", b"d", []),
        (b"f", b"b", []),
    ],
)
def test_a_range_holds_its_start_and_not_its_stop_in_both_directions(
    store: Store, start: bytes | None, stop: bytes | None, expected: list[bytes]
) -> None:
    fill(store, b"b", b"d", b"f")
    assert keys(store.range(start, stop)) == expected
    assert keys(store.range(start, stop, reverse=True)) == expected[::-1]
    for limit in range(4):
        assert keys(store.range(start, stop, limit=limit)) == expected[:limit]
        assert keys(store.range(start, stop, reverse=True, limit=limit)) == expected[::-1][:limit]


def test_every_range_over_a_small_alphabet_is_that_of_a_sorted_list(store: Store) -> None:
    letters = (b"\x00", b"a", b"\xff")
    words = [*letters, *(first + second for first in letters for second in letters)]
    held = sorted(words)[::2]
    fill(store, *held)
    for start in (None, *words):
        for stop in (None, *words):
            expected = [
                key
                for key in held
                if (start is None or start <= key) and (stop is None or key < stop)
            ]
            assert keys(store.range(start, stop)) == expected
            assert keys(store.range(start, stop, reverse=True)) == expected[::-1]


def test_the_stop_of_a_prefix_bounds_exactly_the_keys_that_begin_with_it(store: Store) -> None:
    fill(store, b"a", b"b", b"b\x00", b"b\xff\xff", b"c", b"\xff\xff", b"\xff\xffz")
    assert keys(store.range(b"b", prefix_stop(b"b"))) == [b"b", b"b\x00", b"b\xff\xff"]
    assert keys(store.range(b"b\xff", prefix_stop(b"b\xff"))) == [b"b\xff\xff"]
    assert keys(store.range(b"\xff\xff", prefix_stop(b"\xff\xff"))) == [b"\xff\xff", b"\xff\xffz"]


def test_one_batch_puts_replaces_and_removes_together(store: Store) -> None:
    fill(store, b"kept", b"replaced", b"removed")
    store.write({b"new": b"1", b"replaced": b"2", b"removed": None, b"absent": None}, sync=True)
    assert dict(store.range()) == {b"kept": b"value of kept", b"new": b"1", b"replaced": b"2"}


def test_a_batch_with_a_key_out_of_bounds_changes_nothing(store: Store) -> None:
    for bad in (b"", b"k" * (KEY_LENGTH_MAX + 1)):
        with pytest.raises(InvariantViolated, match="store key"):
            store.write({b"good": b"1", bad: b"2"}, sync=False)
    assert list(store.range()) == []
    fill(store, b"k" * KEY_LENGTH_MAX)
    assert len(list(store.range())) == 1


def test_a_snapshot_shows_the_moment_it_was_taken(store: Store) -> None:
    fill(store, b"a", b"b")
    with store.snapshot() as then:
        store.write({b"a": b"changed", b"b": None, b"c": b"new"}, sync=False)
        assert then.get(b"a") == b"value of a"
        assert then.get(b"b") == b"value of b"
        assert then.get(b"c") is None
        assert keys(then.range()) == [b"a", b"b"]
        assert keys(then.range(reverse=True, limit=1)) == [b"b"]
    assert keys(store.range()) == [b"a", b"c"]


def test_a_range_shows_the_moment_of_the_call_and_not_of_the_first_step(store: Store) -> None:
    fill(store, b"a", b"b")
    pairs = store.range()
    store.write({b"a": None, b"c": b"new"}, sync=False)
    assert keys(pairs) == [b"a", b"b"]


def test_a_reopened_store_holds_what_was_written(engine: str, folder: Path) -> None:
    with_all = {b"%06d" % n: os.urandom(200) for n in range(2000)}
    store = open_store(folder, engine)
    store.write(with_all, sync=False)
    store.close()
    store.close()
    again = open_store(folder, engine)
    assert dict(again.range()) == with_all
    again.close()


def test_a_closed_store_is_refused_by_name_and_its_folder_is_free_again(
    engine: str, folder: Path
) -> None:
    store = open_store(folder, engine)
    fill(store, b"a", b"b")
    snapshot, begun, fresh = store.snapshot(), store.range(), store.range()
    next(begun)
    store.close()
    uses: list[Callable[[], object]] = [
        lambda: store.get(b"a"),
        lambda: store.range(),
        lambda: store.snapshot(),
        lambda: next(begun),
        lambda: next(fresh),
        lambda: snapshot.get(b"a"),
        lambda: snapshot.range(),
        lambda: store.write({b"a": b""}, sync=False),
    ]
    for use in uses:
        with pytest.raises(StoreClosed, match="is closed"):
            use()
    open_store(folder, engine).close()


def test_a_second_opener_is_refused_with_the_folder_named(store: Store, folder: Path) -> None:
    with pytest.raises(StoreLocked, match="open elsewhere") as refused:
        open_store(folder)
    assert str(folder) in str(refused.value)
    fill(store, b"still", b"works")


def test_a_second_process_is_refused_too(store: Store, folder: Path) -> None:
    """R-DW-6."""
    done = python("open_store(folder)", folder, store.engine)
    assert done.returncode != 0
    assert b"StoreLocked" in done.stderr
    assert os.fsencode(folder) in done.stderr


def test_a_folder_of_one_engine_is_never_opened_by_the_other(engine: str, folder: Path) -> None:
    store = open_store(folder, engine)
    fill(store, b"a")
    store.close()
    before = listing(folder)
    other = next(name for name in ENGINES if name != engine)
    with pytest.raises(StoreMismatch, match=f"written by {engine}, and {other} must not"):
        open_store(folder, other)
    assert listing(folder) == before
    again = open_store(folder)
    assert (again.engine, again.get(b"a")) == (engine, b"value of a")
    again.close()


def test_a_folder_of_something_else_is_refused_and_left_alone(engine: str, folder: Path) -> None:
    folder.mkdir()
    (folder / "photo.jpg").write_bytes(b"not ours")
    with pytest.raises(StoreMismatch, match=r"photo\.jpg"):
        open_store(folder, engine)
    assert [p.name for p in folder.iterdir()] == ["photo.jpg"]


def test_an_unknown_marker_or_engine_is_refused(engine: str, folder: Path) -> None:
    open_store(folder, engine).close()
    with pytest.raises(StoreMismatch, match="no engine 'sqlite'"):
        open_store(folder, "sqlite")
    (folder / MARKER).write_bytes(b"suyuan store 2 " + engine.encode() + b"\n")
    with pytest.raises(StoreMismatch, match="does not know"):
        open_store(folder)


def test_a_marked_engine_that_is_not_installed_is_named(
    engine: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(folder, engine).close()
    monkeypatch.setattr("node.store.opening.find_spec", lambda name: None)
    with pytest.raises(StoreMismatch, match=f"needs {engine}"):
        open_store(folder)


def test_a_first_opening_cut_short_before_the_marker_is_taken_up_again(
    engine: str, folder: Path
) -> None:
    open_store(folder, engine).close()
    (folder / MARKER).rename(folder / f"{MARKER}.new")
    store = open_store(folder, engine)
    fill(store, b"a")
    store.close()
    assert (folder / MARKER).read_bytes() == f"suyuan store 1 {engine}\n".encode()


def test_a_marked_folder_whose_files_are_gone_is_damage_and_not_a_new_store(
    engine: str, folder: Path
) -> None:
    open_store(folder, engine).close()
    (folder / engine / "CURRENT").unlink()
    with pytest.raises(StoreCorrupt):
        open_store(folder)
    for path in (folder / engine).iterdir():
        path.unlink()
    with pytest.raises(StoreCorrupt):
        open_store(folder)
    shutil.rmtree(folder / engine)
    with pytest.raises(StoreCorrupt, match="files are gone"):
        open_store(folder)


def test_damage_in_the_log_is_an_error_of_ours_when_the_folder_is_opened(
    engine: str, folder: Path
) -> None:
    written_and_killed(engine, folder)
    log = largest(folder / engine, "*.log")
    flip(log, log.stat().st_size // 2)
    with pytest.raises(StoreCorrupt, match="damaged"):
        open_store(folder)


def test_a_record_torn_at_the_end_of_the_log_is_dropped_and_the_rest_kept(
    engine: str, folder: Path
) -> None:
    count = written_and_killed(engine, folder)
    log = largest(folder / engine, "*.log")
    os.truncate(log, log.stat().st_size - 7)
    store = open_store(folder)
    left = len(list(store.range()))
    assert left >= 2 * (count - 1)
    store.close()


def test_damage_in_a_table_is_reported_by_get_and_by_a_range_and_never_read_over(
    engine: str, folder: Path
) -> None:
    store = open_store(folder, engine)
    whole = {b"%08d" % n: os.urandom(100) for n in range(250_000)}
    store.write(whole, sync=False)
    fill(store, b"after")
    store.close()
    open_store(folder).close()
    table = largest(folder / engine, "*.sst" if engine == "rocksdb" else "*.ldb")
    flip(table, table.stat().st_size // 2)
    store = open_store(folder)
    with pytest.raises(StoreCorrupt):
        list(store.range())
    with pytest.raises(StoreCorrupt):
        list(store.range(reverse=True))
    with store.snapshot() as snapshot, pytest.raises(StoreCorrupt):
        list(snapshot.range())
    with pytest.raises(StoreCorrupt):
        all(store.get(key) for key in whole)
    store.close()


def test_everything_acknowledged_survives_a_sigkill_in_the_middle_of_writing(
    engine: str, folder: Path
) -> None:
    acknowledged = written_and_killed(engine, folder, stop_after=300)
    assert acknowledged >= 300
    store = open_store(folder)
    found = dict(store.range())
    count = len(found) // 2
    assert count >= acknowledged, "a write that had returned is lost"
    # Each batch puts a number and its square: never one without the other.
    assert found == {
        key: value
        for n in range(count)
        for key, value in ((b"n%08d" % n, b"%d" % n), (b"s%08d" % n, b"%d" % (n * n)))
    }
    store.close()


def test_a_full_disk_is_its_own_error_stops_all_writing_and_loses_nothing_acknowledged(
    engine: str, folder: Path
) -> None:
    done = python(FILL_UP, folder, engine, limit=8 * 1024 * 1024)
    assert done.returncode == 0, done.stderr.decode()
    acknowledged = int(done.stdout)
    store = open_store(folder)
    found = [int(key) for key in keys(store.range())]
    assert acknowledged > 0
    assert found[:acknowledged] == list(range(acknowledged))
    fill(store, b"writes", b"again")
    store.close()


def test_every_store_error_stops_a_member_like_any_broken_invariant() -> None:
    for kind in (StoreClosed, StoreCorrupt, StoreFull, StoreLocked, StoreMismatch):
        assert issubclass(kind, StoreError)
        assert issubclass(kind, InvariantViolated)


NUMBERED = """
import os
store = open_store(folder, engine)
n = 0
while True:
    store.write({b"n%08d" % n: b"%d" % n, b"s%08d" % n: b"%d" % (n * n)}, sync=True)
    n += 1
    os.write(1, b"%d\\n" % n)
"""

# A file size limit stands for a full disk: EFBIG is met in the same call as ENOSPC.
FILL_UP = """
import os
from node.store import StoreFull
store = open_store(folder, engine)
written = 0
try:
    while True:
        store.write({b"%08d" % written: os.urandom(100_000)}, sync=True)
        written += 1
except StoreFull:
    pass
for _ in range(2):
    try:
        store.write({b"99999999": b"small"}, sync=False)
    except StoreFull:
        continue
    raise SystemExit("a write after a failed one was taken")
print(written)
"""


def command(script: str, folder: Path, engine: str) -> list[str]:
    opening = (
        "import sys; from pathlib import Path; from node.store import open_store;"
        "folder, engine = Path(sys.argv[1]), sys.argv[2]\n"
    )
    return [sys.executable, "-c", opening + script, str(folder), engine]


def python(
    script: str, folder: Path, engine: str, limit: int | None = None
) -> subprocess.CompletedProcess[bytes]:
    def bound() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.run(
        command(script, folder, engine),
        cwd=ROOT, capture_output=True, check=False, timeout=60, preexec_fn=bound,
    )  # fmt: skip


def written_and_killed(engine: str, folder: Path, stop_after: int = 100) -> int:
    """Kills a process in the middle of synced writes; how many it had acknowledged."""
    with subprocess.Popen(
        command(NUMBERED, folder, engine), cwd=ROOT, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if int(line) >= stop_after:
                break
        child.send_signal(signal.SIGKILL)
        rest = [int(line) for line in child.stdout if line.endswith(b"\n")]
    assert child.returncode == -signal.SIGKILL
    return max([stop_after, *rest])


def listing(folder: Path) -> list[tuple[str, int]]:
    return sorted((str(p.relative_to(folder)), p.stat().st_size) for p in folder.rglob("*"))


def largest(folder: Path, pattern: str) -> Path:
    return max(folder.glob(pattern), key=lambda path: path.stat().st_size)


def flip(path: Path, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 0xFF]))
