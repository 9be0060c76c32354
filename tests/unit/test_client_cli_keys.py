"""The commands for keys and for imports, as a person types them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from client.wallet import SUFFIX
from tests.client_town import Town, built, run


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with built(tmp_path_factory.mktemp("town")) as town:
        yield town


# keys


def test_a_key_is_made_shown_and_listed(tmp_path: Path) -> None:
    file = tmp_path / f"red-cross.li{SUFFIX}"
    made = run(
        "key", "new", "red-cross.li", "--out", file, "--json", SUYUAN_PASSPHRASE="a long secret"
    )
    assert made.status == 0
    assert made.json["encrypted"] is True
    assert run("key", "show", file, "--json").json == made.json
    assert run("key", "list", tmp_path, "--json").json == [made.json]
    assert "已加密" in run("key", "list", tmp_path).out
    again = run("key", "new", "red-cross.li", "--out", file, SUYUAN_PASSPHRASE="a long secret")
    assert again.status == 2
    assert "已存在" in again.err


def test_a_passphrase_comes_from_a_file_or_is_asked_for_twice(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from a file 密码\nignored\n")
    by_file = run(
        "key", "new", "a.b", "--out", tmp_path / "one.key.json", "--passphrase-file", secret
    )
    assert by_file.status == 0
    typed = "typed passphrase\n"
    asked = run("key", "new", "a.b", "--out", tmp_path / "two.key.json", typed=typed * 2)
    assert asked.status == 0
    differ = run(
        "key", "new", "a.b", "--out", tmp_path / "three.key.json", typed=typed + "other one\n"
    )
    assert differ.status == 2
    assert "不一致" in differ.err
    assert not (tmp_path / "three.key.json").exists()


def test_no_terminal_and_no_passphrase_is_one_clear_line(tmp_path: Path) -> None:
    said = run("key", "new", "a.b", "--out", tmp_path / "k.key.json", typed="")
    assert said.status == 2
    assert "SUYUAN_PASSPHRASE" in said.err


def test_an_unencrypted_key_is_marked_as_such(tmp_path: Path) -> None:
    said = run("key", "new", "a.b", "--out", tmp_path / "k.key.json", "--unencrypted")
    assert said.status == 0
    assert "未加密" in said.err


# import

RECEIPTS = (
    "receipt_no,source_sheet,source_row,date,date_raw,donor,donor_kind,donor_cell,item,spec,unit,qty,qty_raw\n"
    "R1,Sheet1,4,2020-01-24,,广州某公司,organisation,explicit,医用口罩,,只,1000,1000\n"
    "R2,Sheet1,5,,,广州某公司,organisation,explicit,,,箱,3,3\n"
)
DISTRIBUTIONS = (
    "dist_no,source_file,source_row,date,recipient,recipient_cell,item,spec,unit,qty\n"
    "D1,f,4,2020-01-30,同济医院,explicit,医用口罩,,只,400\n"
    "D2,f,5,2020-01-30,同济医院,explicit,呼吸机,,台,4\n"
)


def tables(
    folder: Path, receipts: str = RECEIPTS, distributions: str = DISTRIBUTIONS
) -> tuple[str, ...]:
    (folder / "receipts.csv").write_text(receipts)
    (folder / "distributions.csv").write_text(distributions)
    places = str(folder / "receipts.csv"), str(folder / "distributions.csv")
    return "import", "redcross", "--receipts", places[0], "--distributions", places[1]


def test_an_import_accounts_for_every_row_in_its_last_line(town: Town, tmp_path: Path) -> None:
    said = run(
        *tables(tmp_path), *town.chain, "--keys", town.folder / "keys", "--json",
        "--report", tmp_path / "report",
    )  # fmt: skip
    assert said.status == 0
    assert said.json == {
        "receipts": {"rows": 2, "accepted": 1, "refused": {"missing-item": 1}},
        "distributions": {"rows": 2, "accepted": 1, "refused": {"nothing-received": 1}},
        "findings": 1,
    }
    assert sorted(each.name for each in (tmp_path / "report").iterdir()) == [
        "findings.csv", "refused.csv", "report.json",
    ]  # fmt: skip


def test_an_import_for_people_names_the_reasons(town: Town, tmp_path: Path) -> None:
    said = run(*tables(tmp_path), *town.chain, "--keys", town.folder / "keys")
    assert "未写物品 (missing-item)" in said.out
    assert "账上从未接收过此物品" in said.out


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ((), "--genesis"),
        (("--genesis", "{genesis}"), "--keys"),
        (("--scratch", "--keys", "x"), "--scratch"),
    ],
    ids=str,
)
def test_an_import_that_does_not_say_where_to_is_refused(
    town: Town, tmp_path: Path, options: tuple[str, ...], word: str
) -> None:
    genesis = str(town.folder / "genesis.json")
    said = run(*tables(tmp_path), *(each.format(genesis=genesis) for each in options))
    assert said.status == 2
    assert word in said.err


def test_a_table_of_another_form_is_refused_before_anything_is_started(tmp_path: Path) -> None:
    said = run(*tables(tmp_path, receipts="a,b\n1,2\n"), "--scratch")
    assert said.status == 2
    assert "receipts.csv" in said.err
    assert "第 1 行" in said.err
