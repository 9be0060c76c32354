"""fsck: an honest folder is clean, also a crashed member's; whatever is changed in one is found."""

from __future__ import annotations

import asyncio
import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from chaincode.duplicates import LIVE
from consensus.records import COSIGNED_RECORD, RECORD, Base
from ledger.block import HEADER
from ledger.paths import Path as EntityPath
from ledger.paths import key as path_key
from node.archive import BLOCK, CERTIFIED, StoredBlock
from node.commands import EXIT_FOUND, EXIT_UNUSABLE, app
from node.config import ConfigError, MemberConfig
from node.fsck import Outcome, check
from node.store import Batch, StoreLocked, open_store
from tests.node_member import founded
from tests.node_town import Town

ENGINES = ("leveldb", "rocksdb")
FEW = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@dataclass
class Folder:
    """The data folder of m2 after some blocks, a view change and a stop."""

    config: MemberConfig
    pairs: dict[bytes, bytes]

    def write(self, batch: Batch) -> None:
        store = open_store(self.config.data)
        store.write(batch, sync=False)
        store.close()

    def after(self, batch: Batch) -> Outcome:
        """What is found after a change, which is then taken back."""
        self.write(batch)
        try:
            return check(self.config)
        finally:
            self.write({key: self.pairs.get(key) for key in batch})

    def family(self, prefix: bytes) -> list[bytes]:
        return sorted(key for key in self.pairs if key.startswith(prefix))


async def lived(place: Path, engine: str) -> Town:
    """Members that had blocks, a view change, and one that was away; stopped."""
    town = Town(place, engine)
    town.start()
    await town.blocks(10)
    town.cut = {"m1"}
    await town.blocks(3)
    town.cut = set()
    await town.blocks(20)
    # The donor's log becomes long enough for the root of a subtree.
    driver, donor = (
        town.members["m2"].driver,
        path_key(EntityPath("supplies", "donor", "red-cross.donor")),
    )
    driver.submit([town.donation(number) for number in range(16)])
    await town.until(lambda: driver.executor.value(donor) is not None)
    await town.blocks(5)
    await town.agree()
    town.stop()
    return town


@pytest.fixture(scope="module", params=ENGINES)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Folder:
    town = asyncio.run(lived(tmp_path_factory.mktemp("fsck") / "c", request.param))
    config = town.config("m2")
    store = open_store(config.data)
    pairs = dict(store.range())
    store.close()
    return Folder(config, pairs)


def block_key(family: bytes, height: int) -> bytes:
    return family + height.to_bytes(8, "big")


def test_an_honest_folder_is_clean_and_checking_changes_nothing_in_it(folder: Folder) -> None:
    seen: list[tuple[int, int]] = []
    outcome = check(folder.config, lambda done, of: seen.append((done, of)))
    assert (outcome.findings, outcome.count) == ((), 0)
    assert outcome.height == outcome.certified == seen[-1][0] == len(folder.family(b"b"))
    store = open_store(folder.config.data)
    assert dict(store.range()) == folder.pairs
    store.close()
    assert not list(folder.config.data.parent.glob("fsck-*"))


def test_the_folder_holds_every_family_that_can_be_damaged(folder: Folder) -> None:
    families = {key[:1] for key in folder.pairs}
    assert families == {bytes([one]) for one in b"bcdefhiklmnprst"}


async def test_folders_of_members_that_lost_power_at_any_moment_are_clean(tmp_path: Path) -> None:
    """Each round one member's folder is copied while it runs, as a crash would leave it."""
    town = Town(tmp_path / "c")
    town.start()
    for round_ in range(12):
        one = town.ids[round_ % 4]
        if round_ == 6:
            town.cut = {"m1"}
        await town.blocks(2, at="m3")
        town.members[one].driver.submit([town.transaction()])
        shutil.copytree(town.config(one).data, tmp_path / "copy")
        crashed = replace(town.config(one), data=tmp_path / "copy")
        outcome = check(crashed)
        assert outcome.findings == (), (round_, one)
        shutil.rmtree(tmp_path / "copy")
    town.stop()


@FEW
@given(data=st.data())
def test_any_byte_of_any_value_that_was_edited_is_found(
    folder: Folder, data: st.DataObject
) -> None:
    family = data.draw(st.sampled_from(sorted({key[:1] for key in folder.pairs})))
    key = data.draw(st.sampled_from(folder.family(family)))
    value = bytearray(folder.pairs[key])
    place = data.draw(st.integers(0, len(value) - 1))
    value[place] ^= data.draw(st.integers(1, 255))
    outcome = folder.after({key: bytes(value)})
    assert not outcome.clean, (key, place)


@FEW
@given(data=st.data())
def test_any_key_that_was_edited_is_found(folder: Folder, data: st.DataObject) -> None:
    """The value then stands under another key: one is missing, or left over, or both."""
    family = data.draw(st.sampled_from(sorted({key[:1] for key in folder.pairs})))
    key = data.draw(st.sampled_from(folder.family(family)))
    edited = bytearray(key)
    edited[data.draw(st.integers(0, len(key) - 1))] ^= data.draw(st.integers(1, 255))
    moved = bytes(edited)
    if moved in folder.pairs:
        return
    assert not folder.after({moved: folder.pairs[key], key: None}).clean
    assert not folder.after({moved: folder.pairs[key]}).clean


@pytest.mark.parametrize(
    "family", [b"b", b"d", b"h", b"i", b"l", b"m", b"n", b"p", b"r", b"s", b"t"]
)
def test_a_key_that_is_gone_is_found_and_named(folder: Folder, family: bytes) -> None:
    for key in folder.family(family)[:: max(1, len(folder.family(family)) // 5)]:
        outcome = folder.after({key: None})
        assert not outcome.clean, key
        assert any(one.key == key.hex() or one.height is not None for one in outcome.findings)


def test_a_damaged_state_value_is_named_by_entity_and_part(folder: Folder) -> None:
    key = b"s\0" + path_key(LIVE)
    value = bytearray(folder.pairs[key])
    value[-1] ^= 1
    (found,) = folder.after({key: bytes(value)}).findings
    assert (found.family, found.entity) == ("state", LIVE.text)


def test_a_damaged_leaf_is_named_by_height_and_entity(folder: Folder) -> None:
    key = folder.family(b"l" + (20).to_bytes(8, "big"))[0]
    value = bytearray(folder.pairs[key])
    value[-1] ^= 1
    (found,) = folder.after({key: bytes(value)}).findings
    assert (found.family, found.height) == ("leaf", 20)
    assert str(found.entity).startswith("supplies/item/")


def test_where_execution_ends_early_what_belongs_to_later_heights_is_passed_over(
    folder: Folder,
) -> None:
    """Also subtree roots, whose keys name no height."""
    height = len(folder.family(b"b")) - 8  # before the donations
    outcome = folder.after({block_key(b"b", height): None})
    assert not {"leaf", "record", "subtree"} & {one.family for one in outcome.findings}


def test_a_changed_transaction_is_found_and_the_blocks_above_are_still_linked(
    folder: Folder,
) -> None:
    height = 12
    block = BLOCK.decode(folder.pairs[block_key(b"b", height)])
    other = BLOCK.decode(folder.pairs[block_key(b"b", height + 1)])
    lie = StoredBlock(block.header, other.transactions, block.results)
    above = bytearray(folder.pairs[block_key(b"h", 20)])
    above[-1] ^= 1
    outcome = folder.after(
        {block_key(b"b", height): BLOCK.encode(lie), block_key(b"h", 20): bytes(above)}
    )
    told = {(one.family, one.height) for one in outcome.findings}
    assert ("block", height) in told
    assert told & {("header", 20), ("header", 21), ("block", 20)}
    assert outcome.height == height - 1


def test_a_whole_suffix_made_anew_contradicts_the_certificate(folder: Folder) -> None:
    """Consistent among themselves, so that no single value is wrong: q members signed otherwise."""
    height = len(folder.family(b"b"))
    header = HEADER.decode(folder.pairs[block_key(b"h", height)])
    newer = HEADER.encode(msgspec.structs.replace(header, time=header.time + 1))
    block = BLOCK.decode(folder.pairs[block_key(b"b", height)])
    lie = BLOCK.encode(StoredBlock(newer, block.transactions, block.results))
    outcome = folder.after({block_key(b"b", height): lie, block_key(b"h", height): newer})
    assert not outcome.clean


def test_a_certificate_is_verified_by_the_members_keys(folder: Folder) -> None:
    kept = CERTIFIED.decode(folder.pairs[b"c"])
    lines = kept.note.split("\n")
    for note in (
        kept.note.replace(f"\n{kept.size}\n", f"\n{kept.size + 1}\n"),
        "\n".join(lines[:-2] + lines[-1:]),  # one cosignature less
        "\n".join([*lines[:-3], lines[-2], lines[-3], ""]),  # another order
    ):
        lie = type(kept)(kept.size, note)
        (found,) = folder.after({b"c": CERTIFIED.encode(lie)}).findings
        assert found.family == "certificate"


def test_records_of_another_member_are_not_taken_for_our_own(folder: Folder) -> None:
    (key,) = folder.family(b"f")
    record = COSIGNED_RECORD.decode(folder.pairs[key][8:])
    forged = msgspec.structs.replace(record, signature=bytes(64))
    (found,) = folder.after({key: key[1:] + COSIGNED_RECORD.encode(forged)}).findings
    assert found.family == "certifier-record"
    assert "is not this member's signature" in found.what


def test_a_record_under_another_number_is_found_also_where_it_is_the_only_one(
    folder: Folder,
) -> None:
    """Certifier's records have no neighbours that would show the gap: the number is bound."""
    (key,) = folder.family(b"f")
    moved = key[:-1] + bytes([key[-1] ^ 1])
    (found,) = folder.after({key: None, moved: folder.pairs[key]}).findings
    assert found.family == "certifier-record"
    assert "under another number" in found.what


def test_a_cosigner_key_that_is_not_the_one_of_its_name_is_found(folder: Folder) -> None:
    (public,) = folder.config.cosigners.publics()
    file = folder.config.folder / "cosigners" / public.hex()
    honest = file.read_bytes()
    for lie in (b"1" + honest[1:] if honest[:1] == b"0" else b"0" + honest[1:], b"z" + honest[1:]):
        file.write_bytes(lie)
        try:
            (found,) = check(folder.config).findings
        finally:
            file.write_bytes(honest)
        assert found.family == "cosigner-key"
        assert public.hex() in found.what
        assert lie[:32].decode() not in found.what, "what is told must not tell the seed"
    assert check(folder.config).clean


def test_a_base_record_that_claims_another_view_is_found(folder: Folder) -> None:
    for key in folder.family(b"e"):
        record = RECORD.decode(folder.pairs[key][8:])
        if isinstance(record, Base):
            lies = (
                msgspec.structs.replace(record, view=record.view + 1),
                msgspec.structs.replace(record, active=not record.active),
            )
            for lie in lies:
                outcome = folder.after({key: key[1:] + RECORD.encode(lie)})
                assert [one.family for one in outcome.findings] == ["engine-record"], lie
            return
    raise AssertionError("no base record in the folder")


def test_findings_are_bounded_and_all_counted(folder: Folder) -> None:
    values: Batch = dict.fromkeys(folder.family(b"l"), b"\x00")
    folder.write(values)
    outcome = check(folder.config, limit=5)
    folder.write({key: folder.pairs[key] for key in values})
    assert len(outcome.findings) == 5
    assert outcome.count >= len(values)


@pytest.mark.parametrize("place", [0, 2_000, -2])
def test_bytes_edited_in_the_engines_own_files_are_found(
    folder: Folder, tmp_path: Path, place: int
) -> None:
    """Below the store: its checksums notice, and fsck says so instead of breaking."""
    shutil.copytree(folder.config.data, tmp_path / "data")
    files = [
        one for one in (tmp_path / "data").rglob("*") if one.suffix in (".log", ".sst", ".ldb")
    ]
    victim = max(files, key=lambda one: one.stat().st_size)
    raw = bytearray(victim.read_bytes())
    raw[place] ^= 1
    victim.write_bytes(raw)
    outcome = check(replace(folder.config, data=tmp_path / "data"))
    assert not outcome.clean


def test_a_folder_in_use_or_never_used_is_refused(folder: Folder, tmp_path: Path) -> None:
    store = open_store(folder.config.data)
    with pytest.raises(StoreLocked, match="one member runs on one folder"):
        check(folder.config)
    store.close()
    never = replace(folder.config, data=tmp_path / "never")
    with pytest.raises(ConfigError, match="nothing was ever stored"):
        check(never)
    assert not never.data.exists()


def test_the_command_tells_people_and_programs_and_its_status_says_it_too(folder: Folder) -> None:
    place = str(folder.config.data.parent)
    clean = CliRunner().invoke(app, ["fsck", place])
    assert clean.exit_code == 0, clean.output
    assert "clean" in clean.stdout
    assert "blocks/s" in clean.stderr
    key = folder.family(b"t")[0]
    folder.write({key: None})
    told = CliRunner().invoke(app, ["fsck", place, "--json"])
    said = CliRunner().invoke(app, ["fsck", place])
    folder.write({key: folder.pairs[key]})
    assert told.exit_code == said.exit_code == EXIT_FOUND
    value = json.loads(told.stdout)
    assert (value["clean"], value["count"]) == (False, 1)
    assert value["findings"][0]["family"] == "consumed-id"
    assert "consumed-id: is missing" in said.stdout


def test_the_command_refuses_a_folder_that_is_no_members(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["fsck", str(tmp_path)])
    assert result.exit_code == EXIT_UNUSABLE
    place, _ = founded(tmp_path / "c").members["m1"]
    result = CliRunner().invoke(app, ["fsck", str(place)])
    assert result.exit_code == EXIT_UNUSABLE
    assert "nothing was ever stored" in result.output
