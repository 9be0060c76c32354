"""--policy: a reader who trusts outside witnesses more than all departments together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec.structs import replace

from client.holders import followed_logs, member_sets
from ledger.assembly import assemble
from ledger.bundle_file import encode_bundle
from ledger.checkpoint import Checkpoint
from ledger.claims import Extension, Trace
from ledger.notes import COSIGNATURE_V1, ED25519, VerifierKey, cosign_text, sign_text
from ledger.tlog_policy import parse_policy
from tests.client_town import Said, run
from tests.forger.epochs import epochs
from tests.forger.stories import DONATION as STORY
from tests.forger.stories import receipt, supply
from tests.forger.world import World, signer

DONATION = supply("donation", "D-1")
NGO, COURT = "witness.ngo.example", "court.example"


@dataclass
class Files:
    """A bundle that the NGO has witnessed, the same without, and policies that ask for some."""

    world: World
    folder: Path

    def __post_init__(self) -> None:
        bundle = assemble(self.world, Trace(DONATION))
        (self.folder / "genesis.json").write_bytes(self.world.genesis.to_json())
        (self.folder / "plain.json").write_bytes(encode_bundle(bundle))
        witnessed = replace(bundle, witnesses=(self.note(),))
        (self.folder / "witnessed.json").write_bytes(encode_bundle(witnessed))
        (self.folder / "ngo").write_text(self.policy(NGO))
        (self.folder / "court").write_text(self.policy(COURT))
        (self.folder / "notepad").write_bytes(
            b"\xef\xbb\xbf" + self.policy(NGO).replace("\n", "\r\n").encode()
        )

    @property
    def origin(self) -> str:
        return f"{self.world.genesis.origin}/m1"

    def note(self) -> str:
        true = self.world.checkpoint()
        text = Checkpoint(self.origin, true.size, true.root).text()
        time = self.world.certificate().timestamps()[0] + 30
        log = sign_text(text, self.origin, signer("hubei/log", "m1"))
        line = cosign_text(text, time, NGO, signer("witness", NGO))
        return text + "\n" + log.text() + line.text()

    def policy(self, witness: str) -> str:
        log = VerifierKey(self.origin, ED25519, signer("hubei/log", "m1").public)
        key = VerifierKey(witness, COSIGNATURE_V1, signer("witness", witness).public)
        return f"log {log.text()}\nwitness w {key.text()}\nquorum w\n"

    def say(self, command: str, bundle: str, *options: object) -> Said:
        genesis = self.folder / "genesis.json"
        return run(command, self.folder / bundle, "--genesis", genesis, *options)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    world = World()
    world.grow([receipt(DONATION, ((supply("lot", "L-1"), 10),), "a-firm")])
    world.certify()
    return Files(world, tmp_path)


@pytest.mark.parametrize(
    ("bundle", "policy", "state", "code"),
    [
        ("witnessed.json", "ngo", "clean", "quorum-and-witnesses"),
        ("witnessed.json", "notepad", "clean", "quorum-and-witnesses"),
        ("witnessed.json", None, "qualified", "witnesses-unchecked"),
        ("witnessed.json", "court", "failed", "witnesses-too-few-and-unknown"),
        ("plain.json", "ngo", "failed", "witnesses-too-few"),
        ("plain.json", None, "clean", "quorum-from-genesis"),
    ],
)
def test_a_bundle_is_held_against_the_witnesses_that_its_reader_trusts(
    files: Files, bundle: str, policy: str | None, state: str, code: str
) -> None:
    options = () if policy is None else ("--policy", files.folder / policy)
    said = files.say("verify", bundle, "--json", *options)
    line = said.json["lines"]["authority"]
    assert (line["state"], line["code"]) == (state, code)
    assert said.status == (1 if state == "failed" else 0)


def test_a_receipt_names_the_witnesses_and_is_refused_without_them(files: Files) -> None:
    out = files.folder / "receipt.html"
    asked = ("--policy", files.folder / "ngo", "--out", out)
    assert files.say("receipt", "plain.json", *asked).status == 1
    assert not out.exists()
    assert files.say("receipt", "witnessed.json", *asked).status == 0
    page = out.read_text("utf-8")
    assert NGO in page
    assert "collusion of past members" not in page


def test_a_policy_that_cannot_be_read_is_a_wrong_file_and_no_verdict(files: Files) -> None:
    wrong = files.folder / "wrong"
    for content, word in ((b"log x\n", "policy"), (b"\xff\xfe", "wrong")):
        wrong.write_bytes(content)
        said = files.say("verify", "witnessed.json", "--policy", wrong)
        assert said.status == 2
        assert word in said.err
    assert files.say("verify", "witnessed.json", "--policy", files.folder / "none").status == 2


def test_who_forgot_a_line_in_the_policy_is_told_whose(files: Files) -> None:
    """The policy that a member serves has the logs of the chain's own origin only: it lacks a line
    for the origin that witnesses cosign.
    """
    ngo = (files.folder / "ngo").read_text()
    (files.folder / "forgotten").write_text(
        "".join(line for line in ngo.splitlines(True) if not line.startswith("log "))
    )
    asked = ("--policy", files.folder / "forgotten", "--language", "en")
    said = files.say("verify", "witnessed.json", *asked)
    assert said.status == 1
    told = " ".join(said.out.split())
    assert "has no log or witness line with the keys of these" in told
    assert f"which were not checked: {files.origin}" in told


def test_one_command_writes_the_policy_that_a_witnessed_bundle_meets(files: Files) -> None:
    """By hand one would leave out the members' own origins, and nothing a witness signs counts."""
    genesis = ("--genesis", files.folder / "genesis.json")
    keys = {
        name: VerifierKey(name, COSIGNATURE_V1, signer("witness", name).public).text()
        for name in (NGO, COURT)
    }
    both = ("--witness-key", keys[NGO], "--witness-key", keys[COURT])
    wanted = files.folder / "wanted"
    for one, bundle, status in (
        (("--witness-key", keys[NGO]), "witnessed.json", 0),
        (("--witness-key", keys[NGO]), "plain.json", 1),
        (both, "witnessed.json", 1),
        ((*both, "--quorum", "1"), "witnessed.json", 0),
    ):
        assert run("witness", "policy", *genesis, *one, "--out", wanted).status == 0
        assert files.say("verify", bundle, "--policy", wanted).status == status
    written = wanted.read_text()
    assert run("witness", "policy", *genesis, *both, "--quorum", "1").out == written
    assert "--quorum" in run("witness", "policy", *genesis, *both, "--quorum", "3").err


def test_a_policy_of_today_knows_who_joined_and_not_who_has_left(tmp_path: Path) -> None:
    """m0 left with epoch 2 and m4 came: what m0's log key signs from then on counts for nothing."""
    world = epochs()
    genesis, recent = tmp_path / "genesis.json", tmp_path / "recent.json"
    genesis.write_bytes(world.genesis.to_json())
    recent.write_bytes(encode_bundle(assemble(world, Trace(STORY))))
    court = VerifierKey(COURT, COSIGNATURE_V1, signer("witness", COURT).public).text()
    asked = ("witness", "policy", "--genesis", genesis, "--witness-key", court)
    then = parse_policy(run(*asked).out)
    now = parse_policy(run(*asked, "--bundle", recent).out)
    origin = world.genesis.origin
    assert {key.name for key in then.logs} - {key.name for key in now.logs} == {f"{origin}/m0"}
    assert {key.name for key in now.logs} - {key.name for key in then.logs} == {f"{origin}/m4"}


def test_an_origin_keeps_the_first_key_it_ever_had() -> None:
    """A witness believes one key per origin: whoever came with another gets none of its trust."""
    world = epochs()
    honest = assemble(world, Trace(STORY))
    *_, last = member_sets(world.genesis, honest)
    kept = followed_logs(world.genesis, honest)
    assert [key.name.rpartition("/")[2] for key in kept] == [one.id for one in last.members]
    renewed = World()
    renewed.grow([])
    renewed.hand_over([], ["m0", "m1", "m2", "m3"], renewed=["m2"])
    renewed.grow([])
    renewed.certify()
    left = followed_logs(renewed.genesis, assemble(renewed, Extension(1, renewed.chain_root(1))))
    assert [key.name.rpartition("/")[2] for key in left] == ["m0", "m1", "m3"]
