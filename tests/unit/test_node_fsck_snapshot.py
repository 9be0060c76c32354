"""fsck of a folder that a snapshot filled: clean when honest, also half way; whatever is changed is
found, though the blocks that made the state are not there to be executed again.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from ledger.leaf import LEAF
from node.archive import _TRANSFER_FORMAT as TRANSFER
from node.archive import Transfer
from node.commands import app
from node.fsck import check
from node.store import Batch, open_store
from tests.node_snapshot import small_pieces
from tests.node_town import Town
from tests.unit.test_node_fsck import Folder, block_key

FEW = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


async def away(town: Town, one: str, blocks: int) -> None:
    """One member is away for so many blocks, and comes back by a snapshot."""
    town.stop(one)
    await town.blocks(blocks)
    for member in town.members.values():
        member.catch_up.serving.let_go()  # what was held for it last time is below it
    town.start(one)
    member = town.members[one]
    gap = member.archive.gap
    await town.until(lambda: member.archive.gap != gap)
    await town.agree()


async def lived(place: Path, *, twice: bool) -> Town:
    """Members of which one came by a snapshot, or by two, and executed blocks after it."""
    town = Town(place, snapshot_above=1)
    town.start()
    await town.blocks(3)
    for _ in range(2 if twice else 1):
        await away(town, "m4", 8)
        await town.blocks(5)
    await town.agree()
    town.stop()
    return town


@pytest.fixture(scope="module", params=["once", "twice"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Folder:
    place = tmp_path_factory.mktemp("fsck") / "c"
    town = asyncio.run(lived(place, twice=request.param == "twice"))
    config = town.config("m4")
    store = open_store(config.data)
    pairs = dict(store.range())
    store.close()
    return Folder(config, pairs)


def test_a_folder_with_a_gap_is_clean_and_says_what_it_lacks(folder: Folder) -> None:
    seen: list[int] = []
    outcome = check(folder.config, lambda done, of: seen.append(done))
    assert outcome.findings == ()
    assert outcome.missing is not None
    first, last = outcome.missing
    assert 3 < first < last < outcome.height == seen[-1]
    assert len(folder.family(b"h")) == outcome.height == outcome.certified
    assert len(folder.family(b"b")) < outcome.height
    assert block_key(b"b", first) not in folder.pairs


@FEW
@given(data=st.data())
def test_any_byte_of_any_value_that_was_edited_is_found(
    folder: Folder, data: st.DataObject
) -> None:
    family = data.draw(st.sampled_from(sorted({key[:1] for key in folder.pairs})))
    key = data.draw(st.sampled_from([k for k in folder.family(family) if folder.pairs[k]]))
    value = bytearray(folder.pairs[key])
    # of a leaf not the digest of a record, which only execution could tell everywhere
    size = len(value) - (32 if family == b"l" else 0)
    place = data.draw(st.integers(0, size - 1))
    value[place] ^= data.draw(st.integers(1, 255))
    outcome = folder.after({key: bytes(value)})
    assert not outcome.clean, (key, place)


@FEW
@given(data=st.data())
def test_any_key_that_was_edited_is_found(folder: Folder, data: st.DataObject) -> None:
    key = data.draw(st.sampled_from([one for one in sorted(folder.pairs) if one[:1] not in b"ef"]))
    edited = bytearray(key)
    edited[data.draw(st.integers(0, len(key) - 1))] ^= data.draw(st.integers(1, 255))
    moved = bytes(edited)
    if moved in folder.pairs:
        return
    assert not folder.after({moved: folder.pairs[key], key: None}).clean
    assert not folder.after({moved: folder.pairs[key]}).clean


@pytest.mark.parametrize("family", [b"b", b"d", b"h", b"i", b"l", b"m", b"p", b"s", b"t"])
def test_a_key_that_is_gone_is_found(folder: Folder, family: bytes) -> None:
    without = {b"mgap": None, b"mstate": b"\0"}  # below; and state 0 is in force unless it is said
    keys = [k for k in folder.family(family) if without.get(k, b"") not in (None, folder.pairs[k])]
    for key in keys[:: max(1, len(keys) // 12)]:
        assert not folder.after({key: None}).clean, key


def test_the_command_says_what_could_not_be_executed_again(folder: Folder) -> None:
    outcome = check(folder.config)
    assert outcome.missing is not None
    place = str(folder.config.folder)
    told = CliRunner().invoke(app, ["fsck", place, "--json"])
    assert json.loads(told.stdout)["missing"] == list(outcome.missing)
    said = CliRunner().invoke(app, ["fsck", place])
    assert (told.exit_code, said.exit_code) == (0, 0)
    assert "heights {} to {} are not held here".format(*outcome.missing) in said.stdout


def test_a_gap_that_is_denied_or_moved_is_found(folder: Folder) -> None:
    for data in (None, b"", b"\x92\x01\x02", folder.pairs[b"mgap"][:-1] + b"\x7f"):
        assert not folder.after({b"mgap": data}).clean


def test_the_newest_leaf_of_a_log_names_the_record_in_the_state(folder: Folder) -> None:
    key = folder.family(b"l")[-1]
    leaf = LEAF.decode(folder.pairs[key])
    forged = LEAF.encode(msgspec.structs.replace(leaf, record=bytes(32)))
    outcome = folder.after({key: forged})
    assert [one.family for one in outcome.findings] == ["record", "leaf"]


async def test_folders_at_any_moment_of_a_snapshot_are_clean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As loss of power would leave them: while pieces arrive, before and after the change over."""
    small_pieces(monkeypatch)
    town = Town(tmp_path / "c", snapshot_above=1)
    town.start()
    await town.blocks(3)
    town.stop("m4")
    await town.blocks(8)
    town.start("m4")
    archive = town.members["m4"].archive
    store, real = archive._store, archive._store.write
    copies: list[Path] = []

    def write(batch: Batch, *, sync: bool) -> None:
        real(batch, sync=sync)
        if archive.transfer() is not None or any(key[:1] == b"m" for key in batch):
            copies.append(tmp_path / f"copy-{len(copies)}")
            shutil.copytree(town.config("m4").data, copies[-1])

    store.write = write  # type: ignore[method-assign]
    await town.until(lambda: archive.gap is not None)
    await town.agree()
    config = town.config("m4")
    town.stop()
    assert len(copies) > 12
    half_way = 0
    for copy in copies:
        outcome = check(replace(config, data=copy))
        assert outcome.findings == (), copy
        half_way += outcome.missing is None
    assert 0 < half_way < len(copies)


def test_what_a_transfer_leaves_is_checked_as_far_as_it_can_be(folder: Folder) -> None:
    height = max(int.from_bytes(key[1:9], "big") for key in folder.family(b"h"))
    header = folder.pairs[block_key(b"h", height)]
    number = folder.pairs[b"mstate"][0]
    encode = TRANSFER.encode
    good = encode(Transfer(height, header, "", 1 - number))
    assert folder.after({b"mtransfer": good}).clean
    for bad in (
        b"\x80",
        encode(Transfer(height, header, "", number)),
        encode(Transfer(height + 1, header, "", 1 - number)),
        encode(Transfer(height, b"\x80", "", 1 - number)),
    ):
        assert not folder.after({b"mtransfer": bad}).clean
    above = {block_key(b"h", height + 1): header}
    assert not folder.after(above).clean, "a header above the newest block, without a transfer"
    assert not folder.after({b"mforgetting": bytes([number])}).clean
    assert folder.after({b"mforgetting": bytes([1 - number])}).clean
    assert not folder.after({b"s\x05" + bytes(32): b"\x93"}).clean
