"""The commands as a person types them, against a member served over real HTTP: answers, refusals,
exit statuses.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.cli.submit import read_arguments
from client.limits import (
    ARGUMENTS_FILE_SIZE_MAX,
    PAIRS_FILE_SIZE_MAX,
    PAIRS_MAX,
    PIN_FILE_SIZE_MAX,
)
from client.sdk import Client
from client.wallet import SUFFIX
from ledger.errors import ClientFault, Malformed
from ledger.paths import Path as EntityPath
from tests.client_town import Said, Town, built, run

DONATION = "red-cross.donation-n95-0130"
REGISTRAR = "red-cross.registrar"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with built(tmp_path_factory.mktemp("town")) as town:
        yield town


# trace and accesses


def test_a_donor_asks_by_the_number_on_the_receipt(town: Town) -> None:
    said = run("trace", DONATION, *town.chain)
    assert said.status == 0
    assert f"捐赠 {DONATION}" in said.out
    assert "运往 武汉天佑医院：18,000 只" in said.out
    assert "收到 医用防护口罩（N95）" in said.out


def test_english_is_spoken_when_asked_for_or_when_the_environment_is_english(town: Town) -> None:
    asked = run("trace", DONATION, *town.chain, "--language", "en")
    assert "with the recipient, not yet used" in asked.out
    assert run("trace", DONATION, *town.chain, LANG="en_GB.UTF-8").out == asked.out
    assert run("trace", DONATION, *town.chain, "--language", "fr").status == 2


def test_a_trace_is_saved_and_verifies_offline(town: Town, tmp_path: Path) -> None:
    bundle = tmp_path / "donation.json"
    assert run("trace", DONATION, *town.chain, "--out", bundle).status == 0
    said = run(
        "verify",
        bundle,
        "--genesis",
        town.folder / "genesis.json",
        "--about",
        f"donation/{DONATION}",
    )
    assert said.status == 0
    assert said.out.count("✓") == 4


def test_a_trace_for_a_program_holds_events_records_and_verdict(town: Town) -> None:
    said = run("trace", f"lot/{DONATION}.1", *town.chain, "--json")
    kinds = [event["kind"] for event in said.json["events"]]
    assert kinds[:2] == ["received", "inspected"]
    assert said.json["records"][f"supplies/lot/{DONATION}.1"]["received"] == 36_000
    assert said.json["verdict"]["clean"] is True


@pytest.mark.parametrize("command", ["trace", "ask", "accesses"])
def test_a_member_that_answers_with_the_past_is_not_believed_by_who_asks_for_an_age(
    town: Town, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, tuple[object, ...]] = {
        "trace": ("trace", DONATION, "--proof"),
        "ask": ("ask", DONATION, "--kind", "entity"),
        "accesses": (
            "accesses",
            "health-commission.dataset-observation",
            "--pairs",
            town.folder / "pairs.json",
        ),
    }
    question = (*asked[command], *town.chain, "--language", "en", "--max-age", 600)
    said = run(*question)
    assert said.status == 0
    assert "within the 600 s asked for" in said.out
    later = time.time() + 1_000
    monkeypatch.setattr("client.verify.time.time", lambda: later)
    said = run(*question)
    assert said.status == 2
    assert "more than the 600 s asked for" in said.err


def test_the_checkpoint_of_another_chain_is_not_asked_about_here(
    town: Town, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    kept.write_text(f"other/chain\n1\n{base64.b64encode(bytes(32)).decode()}\n")
    said = run("ask", kept, "--kind", "consistency", *town.chain)
    assert said.status == 2
    assert "other/chain" in said.err


def test_that_a_donation_is_unknown_is_proved_and_the_status_says_no(town: Town) -> None:
    said = run("trace", "red-cross.nothing", *town.chain)
    assert said.status == 1
    assert "存在吗" in said.out


def test_without_a_genesis_file_the_members_own_is_used_and_the_person_is_told(town: Town) -> None:
    said = run("trace", DONATION, "--node", town.url)
    assert said.status == 0
    assert town.member.genesis.chain_id.hex() in said.err
    assert "未经独立核对" in said.err


def test_a_citizen_sees_every_access(town: Town, tmp_path: Path) -> None:
    dataset = "health-commission.dataset-observation"
    pairs = town.folder / "pairs.json"
    said = run("accesses", dataset, "--pairs", pairs, *town.chain, "--out", tmp_path / "a.json")
    assert said.status == 0
    assert said.out.count("查看了您的") == 3
    assert (tmp_path / "a.json").is_file()
    rows = run("accesses", dataset, "--pairs", pairs, *town.chain, "--json").json["accesses"]
    assert [row["kind"] for row in rows] == ["accessed"] * 3


def test_pairs_that_leave_a_grant_out_are_refused_with_the_grant_named(
    town: Town, tmp_path: Path
) -> None:
    pairs = json.loads((town.folder / "pairs.json").read_text())
    some = tmp_path / "some.json"
    some.write_text(json.dumps(pairs[:1]))
    said = run("accesses", "health-commission.dataset-observation", "--pairs", some, *town.chain)
    assert said.status == 2
    assert pairs[1][0] in said.err


@pytest.mark.parametrize("text", ["", "{}", '[["g"]]', '[["g", "00"]]', "[1]"])
def test_a_pairs_file_of_another_form_is_refused(town: Town, tmp_path: Path, text: str) -> None:
    file = tmp_path / "pairs.json"
    file.write_text(text)
    said = run("accesses", "x.y", "--pairs", file, *town.chain)
    assert said.status == 2
    assert str(file) in said.err


# verify


@pytest.fixture(scope="module")
def bundle(town: Town) -> Path:
    file = town.folder / "donation.json"
    run("trace", DONATION, *town.chain, "--out", file)
    return file


def test_a_pinned_checkpoint_that_the_bundle_does_not_extend_is_not_met(
    town: Town, bundle: Path
) -> None:
    genesis = town.folder / "genesis.json"
    said = run("verify", bundle, "--genesis", genesis, "--pin", town.folder / "pin", "--json")
    assert said.status == 1
    assert said.json["met"] is False
    assert said.json["lines"]["authority"]["code"] == "pin-without-proof"


def test_a_bundle_about_something_else_is_refused(town: Town, bundle: Path) -> None:
    said = run(
        "verify", bundle, "--genesis", town.folder / "genesis.json", "--about", "red-cross.other"
    )
    assert said.status == 1
    assert "所要求的未获满足" in said.out


def test_exactly_the_question_that_was_asked_must_be_answered(
    town: Town, bundle: Path, tmp_path: Path
) -> None:
    genesis = ("--genesis", town.folder / "genesis.json", "--about", DONATION)
    assert run("verify", bundle, *genesis).status == 0
    assert run("verify", bundle, *genesis, "--kind", "trace").status == 0
    for other in ("history", "entity", "absence"):
        assert run("verify", bundle, *genesis, "--kind", other).status == 1
    with Client([town.url], town.member.genesis) as client:
        history = tmp_path / "history.json"
        path = EntityPath("supplies", "donation", DONATION)
        history.write_bytes(client.history(path, proof=True))
    assert run("verify", history, *genesis).status == 1
    assert run("verify", history, *genesis, "--kind", "history").status == 0


def test_whoever_asks_for_an_absence_is_told_where_it_exists_and_the_exit_says_no(
    town: Town, tmp_path: Path
) -> None:
    asked = ("--kind", "absence", *town.chain, "--language", "en")
    none = run("ask", "red-cross.none", *asked)
    assert (none.status, "holds no supplies/donation/red-cross.none" in none.out) == (0, True)
    there = run("ask", DONATION, *asked, "--out", tmp_path / "there.json")
    assert (there.status, "What is the record of donation" in there.out) == (1, True)
    kept = ("verify", tmp_path / "there.json", "--genesis", town.folder / "genesis.json")
    assert run(*kept, "--about", DONATION, "--kind", "absence").status == 1


def test_accesses_are_verified_against_the_handles_of_who_asks(town: Town, tmp_path: Path) -> None:
    dataset, pairs = "health-commission.dataset-observation", town.folder / "pairs.json"
    mine, others = tmp_path / "mine.json", tmp_path / "others.json"
    run("accesses", dataset, "--pairs", pairs, *town.chain, "--out", mine)
    held = json.loads(pairs.read_text())
    strange = tmp_path / "strange.json"
    strange.write_text(json.dumps([[grant, "00" * 32] for grant, _ in held]))
    run("accesses", dataset, "--pairs", strange, *town.chain, "--out", others)
    asked = ("--genesis", town.folder / "genesis.json", "--about", dataset)
    said = run("verify", mine, *asked, "--pairs", pairs)
    assert said.status == 0
    assert all(grant in said.out and handle in said.out for grant, handle in held)
    assert run("verify", others, *asked, "--pairs", pairs).status == 1
    # Without handles to compare with, it answers about the data set and says what is unchecked.
    unpaired = run("verify", others, *asked[:2], "--about", f"dataset/{dataset}")
    assert unpaired.status == 0
    assert "--pairs" in unpaired.out
    assert run("verify", others, *asked[:2], "--about", "dataset/red-cross.other").status == 1
    for wrong in (("--pairs", pairs), ("--kind", "trace"), (*asked[2:], "--kind", "guess")):
        assert run("verify", mine, *asked[:2], *wrong).status == 2
    assert run("verify", mine, *asked, "--kind", "trace", "--pairs", pairs).status == 2
    assert run("verify", mine, *asked[:2], "--about", "lot/x", "--pairs", pairs).status == 2


def test_an_age_that_cannot_be_met_is_not_met(
    town: Town, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    genesis = town.folder / "genesis.json"
    monkeypatch.setattr("client.verify.time.time", lambda: time.monotonic() + 10**10)
    assert run("verify", bundle, "--genesis", genesis, "--max-age", 60).status == 1
    assert run("verify", bundle, "--genesis", genesis).status == 0


def test_verify_can_show_the_answer_too(town: Town, bundle: Path) -> None:
    said = run("verify", bundle, "--genesis", town.folder / "genesis.json", "--show")
    assert "运往 武汉仁爱医院" in said.out


def test_a_changed_byte_fails_and_still_prints_four_lines(town: Town, bundle: Path) -> None:
    data = bytearray(bundle.read_bytes())
    data[len(data) // 2] ^= 1
    changed = town.folder / "changed.json"
    changed.write_bytes(data)
    said = run("verify", changed, "--genesis", town.folder / "genesis.json", "--json")
    assert said.status == 1
    assert set(said.json["lines"]) == {"integrity", "completeness", "time", "authority"}


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("nothing.json", "--genesis", "{genesis}"), "nothing.json"),
        (("{bundle}", "--genesis", "nothing.json"), "nothing.json"),
        (("{bundle}", "--genesis", "{bundle}"), "genesis"),
        (("{bundle}",), "--genesis"),
        (("{bundle}", "--genesis", "{genesis}", "--about", "no/such/path/here"), "entity"),
        (("{bundle}", "--genesis", "{genesis}", "--pin", "{genesis}"), "pin"),
        (("{bundle}", "--genesis", "{genesis}", "--pin", "nothing"), "nothing"),
        (("{bundle}", "--genesis", "{genesis}", "--max-age", "-1"), "max-age"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_used_is_one_clear_line_and_status_two(
    town: Town, bundle: Path, arguments: tuple[str, ...], word: str
) -> None:
    places = {"bundle": str(bundle), "genesis": str(town.folder / "genesis.json")}
    said = run("verify", *(argument.format(**places) for argument in arguments))
    assert said.status == 2
    assert word in said.err


# submit


def submit(town: Town, name: str, *more: object) -> Said:
    arguments = {"item": f"red-cross.{name}", "name": "新物品", "base_unit": "个", "packs": []}
    key = town.folder / "keys" / f"{REGISTRAR}{SUFFIX}"
    given = ("--args", json.dumps(arguments), "--as", REGISTRAR, "--key", key)
    return run("submit", "supplies", "define_item", *given, *town.chain, *more)


def test_a_transaction_is_signed_certified_and_its_receipt_verifies(
    town: Town, tmp_path: Path
) -> None:
    receipt = tmp_path / "receipt.json"
    said = submit(town, "one", "--receipt", receipt)
    assert said.status == 0
    assert "已接受" in said.out
    assert run("verify", receipt, "--genesis", town.folder / "genesis.json").status == 0


def test_a_refused_transaction_says_its_code_and_exits_one(town: Town) -> None:
    submit(town, "two")
    said = submit(town, "two", "--json")
    assert said.status == 1
    assert said.json["code"] == "already-exists"


def test_a_key_of_another_account_is_refused_before_anything_is_sent(town: Town) -> None:
    asked = len(town.member.requests)
    key = town.folder / "keys" / f"red-cross.inspector{SUFFIX}"
    said = run("submit", "supplies", "approve", "--as", REGISTRAR, "--key", key, *town.chain)
    assert said.status == 2
    assert "red-cross.inspector" in said.err
    assert len(town.member.requests) == asked


def test_an_address_where_nobody_answers_is_one_clear_line(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client.sdk.time.sleep", lambda seconds: None)
    said = run(
        "trace", DONATION, "--genesis", town.folder / "genesis.json", "--node", "127.0.0.1:9"
    )
    assert said.status == 2
    assert "联系不上节点 http://127.0.0.1:9" in said.err
    assert len(said.err.strip().splitlines()) == 1


def test_arguments_come_from_text_or_file_and_bytes_are_spelt_as_hex(tmp_path: Path) -> None:
    file = tmp_path / "arguments.json"
    file.write_text('{"handles": [{"$hex": "00ff"}], "n": {"$hex": "0", "b": 1}}')
    assert read_arguments(f"@{file}") == {"handles": [b"\x00\xff"], "n": {"$hex": "0", "b": 1}}
    with pytest.raises(ClientFault, match="not-json"):
        read_arguments("{")
    with pytest.raises(Malformed, match="object"):
        read_arguments("[]")
    with pytest.raises(Malformed, match=r"\$hex"):
        read_arguments('{"a": {"$hex": "0G"}}')


# limits of what a person may hand in


def test_more_pairs_than_one_question_holds_are_refused(town: Town, tmp_path: Path) -> None:
    file = tmp_path / "pairs.json"
    file.write_text(json.dumps([[f"g.{number}", "00" * 32] for number in range(PAIRS_MAX + 1)]))
    said = run("accesses", "x.y", "--pairs", file, *town.chain)
    assert said.status == 2
    assert str(PAIRS_MAX) in said.err


@pytest.mark.parametrize(
    ("limit", "command"),
    [
        (
            ARGUMENTS_FILE_SIZE_MAX,
            ("submit", "a", "b", "--as", "a.b", "--key", "k", "--args", "@{file}"),
        ),
        (PAIRS_FILE_SIZE_MAX, ("accesses", "x.y", "--pairs", "{file}", "--node", "127.0.0.1:9")),
        (PIN_FILE_SIZE_MAX, ("verify", "{bundle}", "--genesis", "{genesis}", "--pin", "{file}")),
    ],
    ids=["arguments", "pairs", "pin"],
)
def test_a_file_above_its_limit_is_refused_by_name(
    town: Town, bundle: Path, tmp_path: Path, limit: int, command: tuple[str, ...]
) -> None:
    file = tmp_path / "large"
    file.write_bytes(b" " * (limit + 1))
    places = {"file": file, "bundle": bundle, "genesis": town.folder / "genesis.json"}
    said = run(*(each.format(**places) for each in command))
    assert said.status == 2
    assert f"larger than {limit}" in said.err
