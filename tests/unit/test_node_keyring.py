"""Cosigner keys: made for their owner alone, found by their public half, gone when destroyed."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ledger.genesis import Genesis, read_member
from ledger.keys import verify
from ledger.membership import MemberSet, check_succession
from node.archive import Archive
from node.commands import EXIT_UNUSABLE, app
from node.config import load_member
from node.keyring import KEYS_MAX, ConfigError, Keyring
from node.store import open_store
from tests.node_member import founded
from tests.node_world import MEMBERS


@pytest.fixture
def ring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "cosigners", tmp_path / "data")


def test_a_key_is_born_readable_by_its_owner_alone_and_found_by_its_public_half(
    ring: Keyring, tmp_path: Path
) -> None:
    before = os.umask(0)
    try:
        public = ring.make()
    finally:
        os.umask(before)
    file = tmp_path / "cosigners" / public.hex()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    signer = ring.signer(public)
    assert signer is not None
    assert verify(public, b"words", signer.sign(b"words"))
    assert ring.signer(bytes(32)) is None
    assert ring.marks() == [public], "made while this data folder was here"


def test_what_is_destroyed_is_overwritten_before_it_is_unlinked(
    ring: Keyring, tmp_path: Path
) -> None:
    gone, kept = ring.make(), ring.make()
    file = tmp_path / "cosigners" / gone.hex()
    os.link(file, tmp_path / "another name of the same blocks")
    assert ring.destroy([gone, bytes(32)]) == 1
    assert ring.publics() == [kept]
    assert (tmp_path / "another name of the same blocks").read_bytes() == b"0" * 65
    assert ring.destroy([gone]) == 0


def test_what_power_loss_left_half_destroyed_is_destroyed_at_the_next_start(
    ring: Keyring, tmp_path: Path
) -> None:
    half, kept = ring.make(), ring.make()
    (tmp_path / "cosigners" / half.hex()).write_bytes(b"0" * 65)
    ring.check()
    assert ring.publics() == [kept]


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "seed"),
        (b"00" * 31, "seed"),
        (b"00" * 32, "not the key its name says"),
        (b"\xff", "read"),
    ],
)
def test_a_file_that_is_not_the_key_is_refused_by_name(
    ring: Keyring, tmp_path: Path, content: bytes, rule: str
) -> None:
    public = ring.make()
    (tmp_path / "cosigners" / public.hex()).write_bytes(content)
    with pytest.raises(ConfigError, match=rf"{public.hex()}: .*{rule}"):
        ring.check()


def test_a_key_that_others_may_read_is_refused(ring: Keyring, tmp_path: Path) -> None:
    public = ring.make()
    (tmp_path / "cosigners" / public.hex()).chmod(0o640)
    with pytest.raises(ConfigError, match=r"readable by others \(mode 640\); make it 600"):
        ring.signer(public)


def test_keys_that_nobody_used_do_not_pile_up(ring: Keyring) -> None:
    for _ in range(KEYS_MAX):
        ring.make()
    with pytest.raises(ConfigError, match="remove those of proposals that came to nothing"):
        ring.make()


# The commands.


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_next_keys_prints_an_entry_that_may_follow_the_present_one(tmp_path: Path) -> None:
    made = founded(tmp_path / "c")
    genesis = Genesis.from_json(made.genesis.read_bytes())
    entries = [json.loads(run("next-keys", str(made.members[m][0])).output) for m in MEMBERS]
    after = MemberSet(tuple(read_member(entry) for entry in entries))
    check_succession(genesis.members, after)
    for one, entry in zip(MEMBERS, entries, strict=True):
        config = load_member(made.members[one][0])
        assert len(config.cosigners.publics()) == 2
        assert config.cosigners.signer(bytes.fromhex(entry["cosigner_key"])) is not None
        assert "seed" not in str(entry)


def test_next_keys_may_be_made_while_the_member_runs(tmp_path: Path) -> None:
    place = founded(tmp_path / "c").members["m1"][0]
    config = load_member(place)
    store = open_store(config.data)  # as a running member holds it
    Archive(store, config.genesis.chain_id)
    assert run("next-keys", str(place)).exit_code == 0
    store.close()


def test_a_member_to_come_gets_a_folder_and_an_entry(tmp_path: Path) -> None:
    made = founded(tmp_path / "c")
    genesis = Genesis.from_json(made.genesis.read_bytes())
    told = run(*joining(tmp_path / "new", made.genesis))
    assert told.exit_code == 0, told.output
    entry = read_member(json.loads(told.output))
    check_succession(
        genesis.members,
        MemberSet(
            (
                *(
                    read_member(json.loads(run("next-keys", str(made.members[m][0])).output))
                    for m in MEMBERS
                ),
                entry,
            )
        ),
    )
    config = load_member(tmp_path / "new")
    assert (config.id, config.genesis.chain_id) == ("m5", genesis.chain_id)
    assert config.keys.are_of(entry)
    assert str(config.peers["m2"].address) == "10.0.0.2:7000"
    for file in (tmp_path / "new" / "keys.json", *(tmp_path / "new" / "cosigners").iterdir()):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def joining(folder: Path, chain: Path, **changes: str) -> list[str]:
    values = {
        "id": "m5",
        "genesis": str(chain),
        "listen": "10.0.0.5:7000",
        "api": "10.0.0.5:8000",
        "peer": "m2=10.0.0.2:7000",
    } | changes
    return ["join", str(folder), *(x for n, v in values.items() for x in (f"--{n}", v))]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": "m2"}, "m2: is a member in the genesis file; ids are never used again"),
        ({"id": "M 5"}, "cannot be a member's id"),
        ({"genesis": "nowhere.json"}, "nowhere.json: cannot be read"),
        ({"listen": "here"}, "--listen: must be host:port"),
        ({"peer": "m2"}, "'m2' must be ID=host:port"),
        ({"peer": "m2=h:x"}, "--peer m2: must be host:port"),
    ],
)
def test_a_member_that_cannot_come_is_refused_and_nothing_is_written(
    tmp_path: Path, change: dict[str, str], words: str
) -> None:
    made = founded(tmp_path / "c")
    told = run(*joining(tmp_path / "new", made.genesis, **change))
    assert told.exit_code == EXIT_UNUSABLE
    assert words in told.output
    assert not (tmp_path / "new").exists()


def test_a_folder_in_use_is_not_given_to_another_member(tmp_path: Path) -> None:
    made = founded(tmp_path / "c")
    place = made.members["m1"][0]
    told = run(*joining(place, made.genesis))
    assert told.exit_code == EXIT_UNUSABLE
    assert "holds a member already" in told.output
