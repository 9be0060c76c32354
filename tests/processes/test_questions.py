"""Every question that a proof answers, asked of live members by the command line and judged by both
verifiers: before and after a change of members, with a pin, with an outside witness.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from client.sdk import Client
from client.story.accesses import access_rows
from ledger.bundle import Absent
from ledger.bundle_file import decode_bundle
from ledger.claims import Accesses, History, Receipt, pair_paths
from ledger.genesis import Genesis
from ledger.paths import Path as EntityPath
from ledger.verify import verify_bundle
from node.ports import free_ports
from tests import portal
from tests.processes.consortium import MEMBERS, ROOT, Consortium, codes, suyuan, until
from tests.processes.sharing import (
    DATASET,
    GRANTS,
    LOT,
    allocate,
    look,
    pairs_file,
    pairs_of,
    share,
)
from tests.processes.test_epochs import RUNNER, certified, change, renewed, seated

pytestmark = pytest.mark.processes

DONOR = "supplies/donor/red-cross.donor-1"
DONATIONS = 20
LONG_AGO, FAR_OFF = "2020-01-01T00:00:00Z", "2100-01-01T08:00:00+08:00"


@pytest.fixture(scope="module")
def consortium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consortium]:
    folder = tmp_path_factory.mktemp("questions")
    with Consortium(folder / "c", "questions.test", RUNNER) as made:
        made.start()
        made.ready()
        assert codes(made.submit("m1", made.define())) == ["accepted"]
        for number in range(DONATIONS):
            assert codes(made.submit("m1", made.receipt(number))) == ["accepted"]
        share(made)
        allocate(made)
        yield made


def questions(consortium: Consortium, pin: Path) -> dict[str, tuple[str, ...]]:
    """What is typed after `suyuan ask` for each kind of question, and its name."""
    last = consortium.receipt("last")
    assert codes(consortium.submit("m2", last)) in (["accepted"], ["already-exists"])
    pairs = {
        person: str(pairs_file(pin.with_name(f"{person}.json"), person))
        for person in ("citizen", "neighbour", "nobody")
    }
    seen_by = {
        f"accesses-{person}": (DATASET, "--kind", "accesses", "--pairs", file)
        for person, file in pairs.items()
    }
    return seen_by | {
        "absence": ("none", "--kind", "absence"),
        "as-of": (DONOR, "--kind", "as-of", "--height", "7"),
        "consistency": (str(pin), "--kind", "consistency"),
        "entity": (DONOR, "--kind", "entity"),
        "event": (DONOR, "--kind", "event", "--index", "17"),
        "history": (DONOR, "--kind", "history"),
        "list": (DONOR, "--kind", "list", "--event", "received"),
        "list-accesses": (f"grant/{GRANTS[0]}", "--kind", "list", "--event", "accessed"),
        "list-allocations": (f"lot/{LOT}", "--kind", "list", "--event", "proposed"),
        "list-rejections": (f"lot/{LOT}", "--kind", "list", "--event", "rejected"),
        "period": (DONOR, "--kind", "period", "--from", LONG_AGO, "--until", FAR_OFF),
        "trace": ("red-cross.D-0",),
        "transaction": (last.id.hex(), "--kind", "transaction"),
    }


def ask_all(consortium: Consortium, at: str, folder: Path, pin: Path) -> dict[str, bytes]:
    """Ask every question, with the pin where a question may have one; verify each offline by the
    commands, and by the TypeScript verifier, whose verdicts are the same sentences.
    """
    folder.mkdir()
    genesis = ("--genesis", str(consortium.genesis_path), "--language", "en")
    answers: dict[str, bytes] = {}
    for name, asked in questions(consortium, pin).items():
        file = folder / f"{name}.json"
        held = () if name == "consistency" else ("--pin", str(pin))
        node = ("--node", consortium.members[at].url, "--out", str(file))
        told = suyuan("ask", *asked, *genesis, *node, *held, "--json")
        assert told.returncode == 0, (name, told.stdout, told.stderr)
        about, *narrowed = asked
        narrowed = narrowed or ["--kind", "trace"]
        said = suyuan("verify", str(file), "--about", about, *narrowed, *genesis, *held)
        assert said.returncode == 0, (name, said.stdout, said.stderr)
        answers[name] = file.read_bytes()
    same_verdicts(consortium.genesis, answers, pin.read_text())
    return answers


def same_verdicts(genesis: Genesis, answers: dict[str, bytes], pin: str) -> None:
    portal.build()
    data = genesis.to_json()
    for held in (None, pin):
        given = {} if held is None else {"pin": held}
        tasks = [portal.task(answer, data, **given) for answer in answers.values()]
        for (name, answer), theirs in zip(answers.items(), portal.judge(tasks), strict=True):
            ours = verify_bundle(answer, genesis, pin=held)
            told = {
                line.name: (line.state, line.code, line.sentence("zh"), line.sentence("en"))
                for line in ours.lines
            }
            lines = {
                line: (one["state"], one["code"], one["zh"], one["en"])
                for line, one in theirs["lines"].items()
            }
            assert lines == told, name
            assert theirs["ok"], name


def proved(consortium: Consortium, pin: str) -> bytes:
    """The history of the donor, asked with a pin by the SDK."""
    with Client([consortium.members["m3"].url], consortium.genesis) as client:
        assert client.checkpoint() == pin, "the SDK walks to the members of today too"
        return client.prove(History(EntityPath.parse(DONOR, "donor")), pin)


def looks(genesis: Genesis, answers: dict[str, bytes]) -> dict[str, int]:
    """How many looks at each person the answers prove; every grant is shown, and under the second
    nobody was looked at.
    """
    found = {}
    for name in (one for one in answers if one.startswith("accesses-")):
        person = name.removeprefix("accesses-")
        report = verify_bundle(answers[name], genesis)
        bundle = decode_bundle(answers[name])
        shown = {one.path: one for one in bundle.entities}
        handles = dict(pair_paths(accesses(person)))
        assert {path.id for path in handles} == set(GRANTS)
        assert isinstance(shown[handles[EntityPath("datasharing", "grant", GRANTS[1])]], Absent)
        rows = access_rows(pairs_of(person), report.logs)
        assert {row["grant"] for row in rows} <= {GRANTS[0]}
        found[person] = len(rows)
    return found


def accesses(person: str) -> Accesses:
    return Accesses(EntityPath("datasharing", "dataset", DATASET), pairs_of(person))


def figures(genesis: Genesis, answer: bytes) -> dict[str, object]:
    """The count and the totals of a list, as its verdict names them."""
    parameters = verify_bundle(answer, genesis).completeness.parameters
    return {name: parameters[name] for name in ("count", "taken", "made")}


def pinned(consortium: Consortium, file: Path) -> Path:
    file.write_bytes(consortium.get("m3", "/v1/checkpoint").content)
    return file


def test_every_question_is_answered_before_and_after_a_change_of_members(
    consortium: Consortium, tmp_path: Path
) -> None:
    pin = pinned(consortium, tmp_path / "pin")
    consortium.agree()
    before = ask_all(consortium, "m2", tmp_path / "before", pin)
    assert {name: decode_bundle(data).epochs for name, data in before.items()} == dict.fromkeys(
        before, ()
    )
    assert looks(consortium.genesis, before) == {"citizen": 2, "neighbour": 1, "nobody": 0}
    done = change(consortium, "m1", renewed(consortium, *MEMBERS))
    certified(consortium, "m1", done)
    seated(consortium, 1, *MEMBERS)
    assert codes(consortium.submit("m4", consortium.receipt("in-epoch-1"))) == ["accepted"]
    assert codes(consortium.submit("m4", look(consortium, "citizen"))) == ["accepted"]
    consortium.agree()
    after = ask_all(consortium, "m4", tmp_path / "after", pin)
    assert [len(decode_bundle(data).epochs) for data in after.values()] == [1] * len(after)
    assert looks(consortium.genesis, after) == {"citizen": 3, "neighbour": 1, "nobody": 0}
    # What was asked about the past is told as before, by members of another epoch.
    for name in ("as-of", "event"):
        then, now = (decode_bundle(answers[name]).entities[0] for answers in (before, after))
        assert (then.leaves[0], then.then) == (now.leaves[0], now.then)  # type: ignore[union-attr]
    reached = {one.path.id for one in decode_bundle(after["trace"]).entities}
    assert reached == {"red-cross.D-0", LOT, *(f"red-cross.A-{n}" for n in (30, 50, 70))}
    told = {name: figures(consortium.genesis, after[name]) for name in after if "list" in name}
    assert told == {
        "list": {"count": DONATIONS + 2, "taken": 0, "made": 0},
        "list-accesses": {"count": 3, "taken": 0, "made": 0},
        "list-allocations": {"count": 3, "taken": 150, "made": 0},
        "list-rejections": {"count": 1, "taken": 0, "made": 0},
    }
    # A pin of the new epoch serves the new answers, and shows up the old ones as older.
    newer = pinned(consortium, tmp_path / "newer").read_text()
    same_verdicts(consortium.genesis, {"newer": proved(consortium, newer)}, newer)
    report = verify_bundle(before["trace"], consortium.genesis, pin=newer)
    assert (report.authority.code, report.exit_ok) == ("pin-newer", False)


def test_receipts_of_what_was_just_submitted_extend_a_pin(
    consortium: Consortium, tmp_path: Path
) -> None:
    pin = pinned(consortium, tmp_path / "pin").read_text()
    size = pin.split("\n")[1]
    one = consortium.receipt("with-a-pin")
    (told,) = consortium.submit("m1", one, query=f"?receipt=true&pin={size}")
    report = verify_bundle(told["receipt"].encode(), consortium.genesis, Receipt(one.id), pin=pin)
    assert (report.authority.code, report.met) == ("quorum-and-pin", True)


def test_one_who_leaves_a_grant_out_is_told_which(consortium: Consortium, tmp_path: Path) -> None:
    """Else a person would take an answer about some grants for all there is."""
    file = tmp_path / "some.json"
    file.write_text(json.dumps(pairs_of("citizen")[:1]))
    node = ("--node", consortium.members["m2"].url, "--genesis", str(consortium.genesis_path))
    asked = ("ask", DATASET, "--kind", "accesses", "--pairs", str(file))
    told = suyuan(*asked, *node, "--language", "en")
    assert told.returncode == 2
    assert GRANTS[1] in told.stderr, told.stderr
    assert GRANTS[0] not in told.stderr


@contextmanager
def witness(folder: Path, genesis: Path, name: str) -> Iterator[tuple[str, str]]:
    """A witness process: its address and its verifier key."""
    (port,) = map(str, free_ports(1))
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "suyuan", "witness", "run", str(folder), "--name", name),
            *("--genesis", str(genesis), "--port", port),
        ],
        cwd=ROOT,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def key() -> str | None:
        assert process.poll() is None
        try:
            return httpx.get(url, trust_env=False).text.split("\n")[0]
        except httpx.HTTPError:
            return None

    try:
        yield url, until(key, "the witness answers")
    finally:
        process.kill()
        process.wait(20)


def test_outside_witnesses_are_attached_and_satisfy_a_policy(
    consortium: Consortium, tmp_path: Path
) -> None:
    genesis = ("--genesis", str(consortium.genesis_path))
    consortium.agree()
    with (
        witness(tmp_path / "w1", consortium.genesis_path, "ngo.test") as (url1, key1),
        witness(tmp_path / "w2", consortium.genesis_path, "law.test") as (url2, key2),
    ):
        file = tmp_path / "bundle.json"
        both = ("--witness", url1, "--witness-key", key1, "--witness", url2, "--witness-key", key2)
        node = ("--node", consortium.members["m2"].url)
        told = suyuan("ask", DONOR, "--kind", "history", *genesis, *node, *both, "--out", str(file))
        assert told.returncode == 0, told.stderr
        wrong = ("--witness", url1, "--witness-key", key2)
        refused = suyuan("ask", DONOR, "--kind", "history", *genesis, *node, *wrong)
        assert refused.returncode == 2, "another witness's signature is not taken"
    member = consortium.genesis.members.members[1]
    log = [line for line in consortium.get("m2", "/tlog/vkeys").text.split("\n") if "/m2+" in line]
    assert member.id == "m2"
    policy = tmp_path / "policy"
    policy.write_text(
        f"log {log[0]}\nwitness ngo {key1}\nwitness law {key2}\n"
        "group both all ngo law\nquorum both\n"
    )
    satisfied = suyuan("verify", str(file), *genesis, "--policy", str(policy), "--json")
    assert satisfied.returncode == 0, satisfied.stdout
    assert json.loads(satisfied.stdout)["lines"]["authority"]["code"] == "quorum-and-witnesses"
    portal.build()
    task = portal.task(file.read_bytes(), consortium.genesis.to_json(), policy=policy.read_text())
    (verdict,) = portal.judge([task])
    assert (verdict["ok"], verdict["lines"]["authority"]["code"]) == (True, "quorum-and-witnesses")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"entities/{DONOR}/events/99999", 400, "no-such-event"),
        (f"entities/{DONOR}/events/-1", 400, "malformed"),
        (f"entities/{DONOR}/events/9007199254740992", 400, "malformed"),
        (f"entities/{DONOR}/period?from=5&until=5", 400, "malformed"),
        (f"entities/{DONOR}/period?from=0", 400, "malformed"),
        (f"entities/{DONOR}/as-of/99999", 400, "height-ahead"),
        (f"entities/{DONOR}/as-of/now", 400, "malformed"),
        (f"entities/{DONOR}/list?event=Received", 400, "malformed"),
        (f"entities/{DONOR}/events/1?pin=99999", 400, "pin-too-new"),
        ("entities/Supplies/donor/x/events/1", 400, "malformed"),
        (f"consistency?size=1&root={'0' * 64}", 400, "not-an-earlier-root"),
        ("consistency?size=1&root=zz", 400, "malformed"),
        (f"consistency?size=99999&root={'0' * 64}", 400, "pin-too-new"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused_by_name(
    consortium: Consortium, path: str, status: int, code: str
) -> None:
    told = consortium.get("m1", f"/v1/{path}", accept_language="en")
    assert (told.status_code, told.json()["code"]) == (status, code), told.text


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ((DONOR, "--kind", "period", "--from", LONG_AGO), "--until: is needed"),
        ((DONOR, "--kind", "period", "--from", "2020-01-01", "--until", FAR_OFF), "with its zone"),
        ((DONOR, "--kind", "period", "--from", FAR_OFF, "--until", LONG_AGO), "after from"),
        ((DONOR, "--kind", "history", "--index", "3"), "--index: does not belong"),
        ((DONOR, "--kind", "event", "--index", "-3"), "claim.index"),
        ((DONOR, "--kind", "list", "--event", "?"), "claim.event"),
        (("xyz", "--kind", "transaction"), "transaction"),
        (("no-such-file", "--kind", "consistency"), "no-such-file"),
        ((DATASET, "--kind", "accesses"), "--pairs: is needed"),
        ((DATASET, "--kind", "accesses", "--pairs", "no-such-file"), "no-such-file"),
        ((DONOR, "--kind", "history", "--pairs", "x"), "--pairs: does not belong"),
        ((DONOR, "--witness", "http://127.0.0.1:1"), "--witness-key"),
    ],
)
def test_a_question_typed_wrongly_is_one_clear_line_and_nobody_is_asked(
    consortium: Consortium, typed: tuple[str, ...], word: str
) -> None:
    nobody = ("--node", "127.0.0.1:1", "--genesis", str(consortium.genesis_path))
    told = suyuan("ask", *typed, *nobody, "--language", "en")
    assert told.returncode == 2
    assert word in told.stderr
    assert told.stderr.count("\n") == 1
