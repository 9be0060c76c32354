"""What `ask` and `verify` print besides the verdict: each part of a log under a title that says
what part it is, what became of a transaction, and where to look when nothing was found.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.wallet import SUFFIX
from tests.client_town import Said, Town, built, run

DONATION = "red-cross.donation-n95-0130"
LOT = f"lot/{DONATION}.1"
NONE_MISSING = "none is missing"
REGISTRAR = "red-cross.registrar"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with built(tmp_path_factory.mktemp("town")) as town:
        yield town


def asked(town: Town, *more: object) -> Said:
    """Ask, keep the bundle, and show it twice: when it is asked for, and offline."""
    file = town.folder / "asked.json"
    said = run("ask", *more, *town.chain, "--out", file, "--show", "--language", "en")
    genesis = ("--genesis", town.folder / "genesis.json")
    assert said.out, said.err
    again = run("verify", file, *genesis, "--show", "--language", "en")
    assert again.out == said.out
    return said


def test_a_whole_history_says_that_none_is_missing(town: Town) -> None:
    said = asked(town, LOT, "--kind", "history").out
    assert f"Everything recorded on {LOT.replace('/', ' ')}" in said
    assert NONE_MISSING in said


@pytest.mark.parametrize(
    ("question", "title"),
    [
        (("event", "--index", 0), f"Event 0 of lot {DONATION}.1"),
        (("as-of", "--height", 10_000), f"Record of lot {DONATION}.1 as it stood at height"),
        (("entity",), f"Record of lot {DONATION}.1 as of height"),
        (("list", "--event", "proposed"), f"Every 'proposed' of lot {DONATION}.1"),
        (
            ("period", "--from", "2020-01-01T00:00Z", "--until", "2099-01-01T00:00Z"),
            f"What happened to lot {DONATION}.1 from 2020-01-01 08:00 until before",
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_part_is_called_a_part_and_never_everything(
    town: Town, question: tuple[str, ...], title: str
) -> None:
    if question[0] == "as-of":
        height = run("ask", LOT, "--kind", "entity", *town.chain, "--json").json["height"]
        question = (*question[:-1], height)
    said = asked(town, LOT, "--kind", *question).out
    assert title in said
    assert NONE_MISSING not in said
    assert "Everything" not in said


def test_a_list_and_a_period_show_what_they_count_and_nothing_else(town: Town) -> None:
    said = asked(town, LOT, "--kind", "list", "--event", "proposed").out
    assert "of this kind: 2; the ledger proves that there is no other" in said
    assert said.count("proposed: 物资使用情况公布表") == 2
    assert "counted and accepted" not in said
    long_ago = ("--from", "2020-01-01T00:00Z", "--until", "2020-01-02T00:00Z")
    said = asked(town, LOT, "--kind", "period", *long_ago).out
    assert "events in this time: 0" in said
    assert "received" not in said, "the neighbour that bounds the period is no part of it"


def test_a_record_is_shown_field_by_field_and_what_was_not_there_is_not_told(town: Town) -> None:
    said = asked(town, DONATION, "--kind", "entity").out
    assert "donor: red-cross.donor-senggenbiya" in said
    before = asked(town, DONATION, "--kind", "as-of", "--height", 0).out
    assert "Record of" not in before
    assert "At height 0 the ledger held no" in before


def test_four_clean_lines_of_a_refused_transaction_come_with_the_refusal(
    town: Town, tmp_path: Path
) -> None:
    key = town.folder / "keys" / f"{REGISTRAR}{SUFFIX}"
    given = ("--as", REGISTRAR, "--key", key, *town.chain, "--json")
    item = {"item": "red-cross.once", "name": "新物品", "base_unit": "个", "packs": []}
    define = ("submit", "supplies", "define_item", "--args", json.dumps(item), *given)
    first, second = run(*define).json, run(*define).json
    assert (first["code"], second["code"]) == ("accepted", "already-exists")
    said = run("ask", first["id"], "--kind", "transaction", *town.chain, "--language", "en")
    assert "accepted; events: 1" in said.out
    file, paper = tmp_path / "refused.json", tmp_path / "refused.html"
    told = ("ask", second["id"], "--kind", "transaction", *town.chain, "--out", file)
    said = run(*told, "--language", "en")
    assert (said.status, "refused (already-exists)" in said.out) == (0, True)
    assert run(*told, "--json").json["outcome"]["code"] == "already-exists"
    genesis = ("--genesis", town.folder / "genesis.json")
    assert "被拒绝（already-exists）" in run("verify", file, *genesis).out
    assert run("verify", file, *genesis, "--json").json["outcome"]["code"] == "already-exists"
    assert run("receipt", file, *genesis, "--out", paper).status == 0
    page = paper.read_text(encoding="utf-8")
    assert "被拒绝（already-exists）" in page
    assert "refused (already-exists)" in page


def test_who_finds_nothing_is_told_how_the_question_was_read(town: Town) -> None:
    bare = run("ask", "health-commission.grant-relief", *town.chain, "--language", "en")
    assert bare.status == 1
    assert "was taken as donation/health-commission.grant-relief" in bare.err
    spelt = run("ask", "lot/none", *town.chain, "--language", "en")
    assert (spelt.status, "was taken as" in spelt.err) == (1, False)
    kinds = ("--kind", "list", "--event", "allocated", *town.chain, "--language", "en")
    said = run("ask", LOT, *kinds)
    assert "the kinds of events there are:" in said.err
    assert "proposed" in said.err.split("there are:")[1]


def test_a_trace_asked_for_with_a_pin_satisfies_who_holds_it(town: Town, tmp_path: Path) -> None:
    pin, genesis = ("--pin", town.folder / "pin"), ("--genesis", town.folder / "genesis.json")
    plain, pinned = tmp_path / "plain.json", tmp_path / "pinned.json"
    assert run("trace", DONATION, *town.chain, "--out", plain).status == 0
    refused = run("verify", plain, *genesis, *pin, "--language", "en")
    assert (refused.status, "ask again with that checkpoint" in refused.err) == (1, True)
    assert run("trace", DONATION, *town.chain, *pin, "--out", pinned).status == 0
    assert run("verify", pinned, *genesis, *pin).status == 0
    dataset, pairs = "health-commission.dataset-observation", town.folder / "pairs.json"
    looked = ("accesses", dataset, "--pairs", pairs, *town.chain, *pin, "--out", pinned)
    assert run(*looked).status == 0
    assert run("verify", pinned, *genesis, *pin).status == 0
