"""A consortium is founded once, whole, from a cast that is sound."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ledger.genesis import Genesis
from node.config import ConfigError, load_member
from node.founding import found, read_cast
from tests.node_member import founded, make_cast
from tests.node_world import ACCOUNTS, MEMBERS, START, signer


def cast_file(folder: Path, **changes: Any) -> Path:
    value: dict[str, Any] = {
        "name": "node.test",
        "members": list(MEMBERS),
        "organisations": [{"id": "red-cross", "name": "红"}, {"id": "union", "name": "协和"}],
        "accounts": [
            {
                "id": one,
                "organisation": one.split(".")[0],
                "keys": [signer(one).public.hex()],
                "roles": list(roles),
            }
            for one, roles in ACCOUNTS.items()
        ],
        "parameters": {},
    }
    file = folder / "cast.json"
    file.write_text(json.dumps(value | changes))
    return file


def test_what_is_founded_can_be_run_and_every_key_is_another(tmp_path: Path) -> None:
    made = found(tmp_path / "c", read_cast(cast_file(tmp_path)), START, "127.0.0.1", 0)
    genesis = Genesis.from_json(made.genesis.read_bytes())
    assert genesis.time == START
    configs = {one: load_member(place) for one, (place, _) in made.members.items()}
    assert list(configs) == list(MEMBERS)
    keys = [
        key
        for config in configs.values()
        for key in (config.keys.vote.public, config.keys.log.public, *config.cosigners.publics())
    ]
    assert len(set(keys)) == 12
    assert len({config.keys.tls_key for config in configs.values()}) == 4
    ports = [c.api.port for c in configs.values()] + [c.listen.port for c in configs.values()]
    assert len(set(ports)) == 8
    for config in configs.values():
        assert config.genesis.chain_id == genesis.chain_id
        for peer, address in config.peers.items():
            assert address.address == configs[peer].listen


def test_ports_follow_the_base_port(tmp_path: Path) -> None:
    made = founded(tmp_path / "c")
    assert [address.port for _, address in made.members.values()] == [1001, 1003, 1005, 1007]


def test_a_folder_is_founded_once(tmp_path: Path) -> None:
    made = founded(tmp_path / "c")
    before = made.genesis.read_bytes()
    with pytest.raises(ConfigError, match="already founded here"):
        founded(tmp_path / "c")
    assert made.genesis.read_bytes() == before


@pytest.mark.parametrize("base", [65_529, 65_535])
def test_ports_that_do_not_exist_are_refused_before_anything_is_written(
    tmp_path: Path, base: int
) -> None:
    with pytest.raises(ConfigError, match="port"):
        found(tmp_path / "c", make_cast(), START, "127.0.0.1", base)
    assert not (tmp_path / "c" / "members").exists()


@pytest.mark.parametrize(
    "members", [("m1", "m1"), ("M1",), ("../m1",), ("m/1",), (), tuple(f"m{n}" for n in range(17))]
)
def test_members_that_cannot_be_are_refused_before_anything_is_written(
    tmp_path: Path, members: tuple[str, ...]
) -> None:
    with pytest.raises(ConfigError, match="cannot found a consortium"):
        found(tmp_path / "c", make_cast(members), START, "127.0.0.1", 1_000)
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"members": 7},
        {"members": "m1"},
        {"members": [1]},
        {"organisations": [{"id": "x"}]},
        {"organisations": {}},
        {"accounts": [{"id": "a.b"}]},
        {"accounts": [{"id": "a.b", "organisation": "a", "keys": ["zz"], "roles": []}]},
        {"accounts": None},
        {"parameters": []},
        {"name": 1},
    ],
)
def test_a_cast_that_is_not_sound_is_refused_by_file_and_field(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    file = cast_file(tmp_path, **changes)
    with pytest.raises(ConfigError):
        found(tmp_path / "c", read_cast(file), START, "127.0.0.1", 1_000)
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"null", b"{}"])
def test_a_file_that_is_no_cast_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "cast.json"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=r"cast\.json"):
        read_cast(file)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_cast(tmp_path / "none.json")
