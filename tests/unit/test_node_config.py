"""A member's folder is read as it is, or refused with a sentence that names the file."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import Malformed
from node.config import Address, ConfigError, load_member
from tests.node_member import founded

Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return founded(tmp_path / "c").members["m1"][0]


def test_a_founded_folder_is_read_back(place: Path) -> None:
    config = load_member(place)
    assert config.id == "m1"
    assert set(config.peers) == {"m2", "m3", "m4"}
    assert str(config.api) == "127.0.0.1:1001"
    assert config.data == place / "data"
    own = config.genesis.members.get("m1")
    assert own is not None
    assert config.keys.vote.public == own.vote_key


def changed(file: Path, change: Change) -> None:
    value = json.loads(file.read_text())
    change(value)
    mode = stat.S_IMODE(file.stat().st_mode)
    file.write_text(json.dumps(value))
    file.chmod(mode)


MEMBER_FILE: dict[str, Change] = {
    "id: must be text": lambda v: v.update(id=7),
    "genesis: must be text": lambda v: v.pop("genesis"),
    "listen: must be host:port": lambda v: v.update(listen="127.0.0.1"),
    "api: must be host:port": lambda v: v.update(api="127.0.0.1:0"),
    "api": lambda v: v.update(api="127.0.0.1:65536"),
    "peers: must give addresses by id": lambda v: v.update(peers=["h:1"]),
    "and not one's own": lambda v: v["peers"].update(m1="h:1"),
    "peers.m9: must be host:port, or an object": lambda v: v["peers"].update(m9={"address": "h:1"}),
    "peers.m9.tls_certificate": lambda v: v["peers"].update(
        m9={"address": "h:1", "tls_certificate": "?"}
    ),
    "peers.m9.address": lambda v: v["peers"].update(m9={"address": "h", "tls_certificate": ""}),
    "peers.m3: must be host:port": lambda v: v["peers"].update(m3=3),
    "data: must be text": lambda v: v.update(data=""),
    "store: must be text": lambda v: v.update(store=["leveldb"]),
    "clock_offset_ms: must be an integer": lambda v: v.update(clock_offset_ms="soon"),
    "clock_offset_ms": lambda v: v.update(clock_offset_ms=1.5),
}


@pytest.mark.parametrize("named", MEMBER_FILE)
def test_a_wrong_member_file_is_refused_by_field(place: Path, named: str) -> None:
    changed(place / "member.json", MEMBER_FILE[named])
    with pytest.raises(ConfigError, match=f"member.json: .*{named}"):
        load_member(place)


KEYS_FILE: dict[str, Change] = {
    "vote": lambda v: v.update(vote="00"),
    "log": lambda v: v.pop("log"),
    "tls_certificate": lambda v: v.update(tls_certificate="Z"),
    "tls_key": lambda v: v.pop("tls_key"),
    "not the keys of m1": lambda v: v.update(vote="11" * 32),
    "these are not the keys": lambda v: v.update(vote=v["log"], log=v["vote"]),
}


@pytest.mark.parametrize("named", KEYS_FILE)
def test_wrong_keys_are_refused_and_never_shown(place: Path, named: str) -> None:
    secret = json.loads((place / "keys.json").read_text())["log"]
    changed(place / "keys.json", KEYS_FILE[named])
    with pytest.raises(ConfigError, match=f"keys.json: .*{named}") as caught:
        load_member(place)
    assert secret not in str(caught.value)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o601])
def test_keys_that_others_may_read_are_refused(place: Path, mode: int) -> None:
    (place / "keys.json").chmod(mode)
    with pytest.raises(ConfigError, match=rf"readable by others \(mode {mode:o}\); make it 600"):
        load_member(place)


@pytest.mark.parametrize("name", ["member.json", "keys.json", "../../genesis.json"])
@pytest.mark.parametrize("content", [None, b"", b"[]", b"\xff", b'{"a":1}'])
def test_a_missing_or_foreign_file_is_refused_by_name(
    place: Path, name: str, content: bytes | None
) -> None:
    file = place / name
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=Path(name).name):
        load_member(place)


def test_the_genesis_of_another_chain_does_not_fit_the_keys(place: Path, tmp_path: Path) -> None:
    other = founded(tmp_path / "other")
    (place / "../../genesis.json").write_bytes(other.genesis.read_bytes())
    with pytest.raises(ConfigError, match="not the keys of m1 in the genesis file"):
        load_member(place)


@pytest.mark.parametrize(("text", "host", "port"), [("h:1", "h", 1), ("[::1]:65535", "::1", 65535)])
def test_addresses_are_read_and_written(text: str, host: str, port: int) -> None:
    assert Address.parse(text, "f") == Address(host, port)
    assert str(Address.parse(text, "f")) == text


@pytest.mark.parametrize("text", ["", "h", "h:", ":1", "h:0", "h:65536", "h:-1", "h:x", None, 7])
def test_what_is_no_address_is_refused(text: object) -> None:
    with pytest.raises(Malformed, match="must be host:port"):
        Address.parse(text, "f")


def test_keys_are_born_readable_by_their_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        made = founded(tmp_path / "c")
    finally:
        os.umask(before)
    for place, _ in made.members.values():
        assert stat.S_IMODE((place / "keys.json").stat().st_mode) == 0o600
