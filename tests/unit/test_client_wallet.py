"""Key files: what opens, what does not, and what a file may make of the machine that opens it."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from client.limits import KDF_MEMORY_MAX, KEY_FILE_SIZE_MAX
from client.wallet import SUFFIX, create, list_keys, load_keys, read_key, save
from ledger.errors import ClientFault, Malformed
from ledger.keys import verify

ACCOUNT = "red-cross.zhang"
PASSPHRASE = "疫情期间的密码 2020"


def never() -> str:
    raise AssertionError("no passphrase was needed")


def test_an_encrypted_key_opens_with_its_passphrase_and_signs(tmp_path: Path) -> None:
    file = tmp_path / "zhang.key.json"
    made = create(ACCOUNT, PASSPHRASE)
    save(made, file)
    signer = read_key(file).unlock(lambda: PASSPHRASE)
    assert signer.public == made.public
    assert verify(made.public, b"message", signer.sign(b"message"))


def test_a_wrong_passphrase_is_refused_by_name() -> None:
    key = create(ACCOUNT, PASSPHRASE)
    with pytest.raises(ClientFault) as caught:
        key.unlock(lambda: PASSPHRASE + "!")
    assert caught.value.code == "wrong-passphrase"
    assert caught.value.parameters == {"account": ACCOUNT}


def test_a_saved_key_is_for_its_owner_alone_and_holds_no_seed_in_clear(tmp_path: Path) -> None:
    seed = bytes(range(32))
    file = tmp_path / "deep" / "zhang.key.json"
    save(create(ACCOUNT, PASSPHRASE, seed), file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert seed.hex() not in file.read_text()
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "zhang.key.json"
    save(create(ACCOUNT, None), file)
    before = file.read_bytes()
    with pytest.raises(ClientFault) as caught:
        save(create(ACCOUNT, None), file)
    assert caught.value.code == "file-exists"
    assert file.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_an_unencrypted_key_says_so_in_the_file_and_asks_nothing(tmp_path: Path) -> None:
    file = tmp_path / "zhang.key.json"
    save(create(ACCOUNT, None), file)
    assert "not encrypted" in json.loads(file.read_text())["protection"]["warning"]
    key = read_key(file)
    assert not key.encrypted
    assert key.unlock(never).public == key.public


def test_two_keys_under_one_passphrase_share_neither_salt_nor_nonce() -> None:
    one, two = (create(ACCOUNT, PASSPHRASE, bytes(32)).protection for _ in range(2))
    assert one["salt"] != two["salt"]
    assert one["nonce"] != two["nonce"]
    assert one["sealed"] != two["sealed"]


@pytest.mark.parametrize("passphrase", ["", "short", "x" * 1025])
def test_a_passphrase_outside_its_length_makes_no_key(passphrase: str) -> None:
    with pytest.raises(Malformed, match="passphrase"):
        create(ACCOUNT, passphrase)


@pytest.mark.parametrize("account", ["", "zhang", "Red.zhang", "red-cross.", "../x.y", "a.b/c"])
def test_an_account_that_is_none_gets_no_key(account: str) -> None:
    with pytest.raises(Malformed, match="account"):
        create(account, None)


def changed(path: Path, **changes: Any) -> Path:
    value = json.loads(create(ACCOUNT, PASSPHRASE).to_json())
    for name, change in changes.items():
        holder = value["protection"] if name in value["protection"] else value
        holder[name] = change
    path.write_text(json.dumps(value))
    return path


@pytest.mark.parametrize(
    "changes",
    [
        {"memory": KDF_MEMORY_MAX + 1},
        {"memory": 1},
        {"memory": True},
        {"memory": "67108864"},
        {"operations": 10**6},
        {"operations": 0},
        {"kdf": "md5"},
        {"seal": "none"},
        {"public": "00"},
        {"account": "nobody"},
        {"format": "suyuan-key/v2"},
        {"protection": []},
    ],
    ids=str,
)
def test_a_key_file_that_breaks_its_form_is_refused_before_any_work(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    with pytest.raises(Malformed):
        read_key(changed(tmp_path / "k.key.json", **changes))


@pytest.mark.parametrize("name", ["salt", "nonce", "sealed"])
def test_a_changed_byte_of_the_seal_opens_nothing(tmp_path: Path, name: str) -> None:
    value = json.loads(create(ACCOUNT, PASSPHRASE).to_json())
    text = value["protection"][name]
    other = ("0" if text[0] != "0" else "1") + text[1:]
    file = tmp_path / "k.key.json"
    value["protection"][name] = other
    file.write_text(json.dumps(value))
    with pytest.raises(ClientFault, match="wrong-passphrase"):
        read_key(file).unlock(lambda: PASSPHRASE)


def test_a_key_whose_public_half_is_another_one_is_refused(tmp_path: Path) -> None:
    file = changed(tmp_path / "k.key.json", public=create(ACCOUNT, None).public.hex())
    with pytest.raises(Malformed, match=r"key\.public"):
        read_key(file).unlock(lambda: PASSPHRASE)


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b"[" * 100_000], ids=len)
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "k.key.json"
    file.write_bytes(data)
    with pytest.raises(Malformed):
        read_key(file)


def test_a_file_too_large_for_a_key_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "k.key.json"
    file.write_bytes(b" " * (KEY_FILE_SIZE_MAX + 1))
    with pytest.raises(Malformed, match="larger"):
        read_key(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ClientFault) as caught:
        read_key(tmp_path / "none.key.json")
    assert caught.value.code == "file-unreadable"
    assert "none.key.json" in str(caught.value.parameters["file"])


def test_a_folder_of_keys_asks_for_its_passphrase_once(tmp_path: Path) -> None:
    for account in ("red-cross.a", "red-cross.b"):
        save(create(account, PASSPHRASE), tmp_path / f"{account}{SUFFIX}")
    asked: list[str] = []

    def ask() -> str:
        asked.append("once")
        return PASSPHRASE

    assert sorted(load_keys(tmp_path, ask)) == ["red-cross.a", "red-cross.b"]
    assert asked == ["once"]
    assert [key.account for _, key in list_keys(tmp_path)] == ["red-cross.a", "red-cross.b"]
