"""Two bundles that contradict each other convict, offline, whoever signed both; and name them, also
where they are members of a later epoch or have long left.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from client.cli import app
from ledger.assembly import assemble
from ledger.bundle_file import encode_bundle
from ledger.canonical_json import to_json
from ledger.claims import Claim, Receipt, Trace
from ledger.transaction import Transaction
from tests.forger.epochs import epochs, forked_by_retired_keys
from tests.forger.stories import DONATION, LOT_A, donation_blocks, receipt
from tests.forger.world import World


def forked_in_the_last_epoch() -> World:
    """The members of epoch 2 tell two stories of the last block."""
    world = World()
    one, two, three, four, five, _ = donation_blocks()
    world.grow(one)
    world.certify()
    world.hand_over(two, ["m0", "m1", "m2", "m3", "m4"])
    world.grow(three)
    world.hand_over(four, ["m1", "m2", "m3", "m4"])
    world.grow(five)
    world.grow([receipt(DONATION, ((LOT_A, 7),), "a-firm")])
    world.certify()
    return world


class Desk:
    """Somebody with two bundles, the genesis file, and no network."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.genesis = folder / "genesis.json"
        self.genesis.write_bytes(epochs().genesis.to_json())

    def bundle(self, name: str, world: World, height: int | None = None) -> Path:
        file = self.folder / name
        file.write_bytes(encode_bundle(assemble(world, Trace(DONATION), height)))
        return file

    def run(self, *arguments: object) -> tuple[int, str]:
        words = [str(one) for one in (*arguments, "--genesis", self.genesis, "--language", "en")]
        done = CliRunner().invoke(app, words)
        return done.exit_code, done.output

    def accuse(self, first: Path, second: Path) -> list[Path]:
        code, said = self.run("accuse", first, second, "--out", self.folder, "--json")
        files = [Path(one["file"]) for one in json.loads(said)["files"]]
        assert code == (0 if files else 1)
        return files


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_members_of_a_later_epoch_are_convicted_and_named(desk: Desk) -> None:
    honest = desk.bundle("one.json", epochs())
    false = desk.bundle("two.json", forked_in_the_last_epoch())
    files = desk.accuse(honest, false)
    assert [one.name.split("-")[1] for one in files] == ["m1", "m2", "m3"]
    for file in files:
        code, said = desk.run("blame", file)
        assert (code, "not a log key of this chain's members" in said) == (2, True)
        code, said = desk.run("blame", file, "--bundle", honest)
        assert code == 0
        assert f"the member {file.name.split('-')[1]} " in said


def test_members_that_left_are_convicted_by_what_they_signed_as_members(desk: Desk) -> None:
    """Their fork has another size: its block 2, or its root of size 2, is not their handover's."""
    honest = desk.bundle("one.json", epochs())
    false = forked_by_retired_keys()
    second = Receipt(Transaction.decode(false.blocks[1].transactions[0]).id)
    answers: tuple[tuple[str, Claim, int | None], ...] = (
        ("entries at height 2", second, None),
        ("contradictory", Trace(DONATION), 2),
    )
    for number, (expected, claim, pin) in enumerate(answers):
        fork = desk.folder / f"fork-{number}.json"
        fork.write_bytes(encode_bundle(assemble(false, claim, pin)))
        files = desk.accuse(honest, fork)
        assert [one.name.split("-")[1] for one in files] == ["m0", "m1", "m2"]
        for file in files:
            code, said = desk.run("blame", file)
            assert (code, expected in said) == (0, True)
            file.unlink()


def test_two_honest_answers_accuse_nobody(desk: Desk) -> None:
    first = desk.bundle("one.json", epochs())
    second = desk.bundle("two.json", epochs(), 5)
    assert desk.accuse(first, second) == []
    assert desk.run("accuse", first, second) == (
        1,
        "No key contradicts itself in these two bundles\n",
    )


def test_a_bundle_whose_handovers_do_not_follow_from_genesis_names_nobody(desk: Desk) -> None:
    honest = desk.bundle("one.json", epochs())
    value = json.loads(honest.read_bytes())
    value["epochs"][0], value["epochs"][1] = value["epochs"][1], value["epochs"][0]
    forged = desk.folder / "forged.json"
    forged.write_bytes(to_json(value) + b"\n")
    code, said = desk.run("accuse", honest, forged)
    assert code == 2
    assert "do not follow from genesis" in said


def test_nothing_is_written_over(desk: Desk) -> None:
    honest = desk.bundle("one.json", epochs())
    false = desk.bundle("two.json", forked_in_the_last_epoch())
    desk.accuse(honest, false)
    code, said = desk.run("accuse", honest, false, "--out", desk.folder)
    assert (code, "exists already" in said) == (2, True)


def many_epochs(count: int) -> World:
    """A new set of the same members after every block."""
    world = World()
    for _ in range(count):
        world.hand_over([], ["m0", "m1", "m2", "m3"])
    for block in donation_blocks():
        world.grow(block)
    world.certify()
    return world


def test_honest_bundles_of_many_epochs_cost_no_signature_check(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each handover with each other, by each key, would grow with the cube: hours at 1,024."""

    def checked(*_: object) -> None:
        raise AssertionError("what does not contradict was verified")

    monkeypatch.setattr("client.witness.accusation.verify_blame", checked)
    monkeypatch.setattr("client.witness.two_leaves.verify_two_leaves", checked)
    world = many_epochs(20)
    assert desk.accuse(desk.bundle("one.json", world), desk.bundle("two.json", world, 5)) == []
