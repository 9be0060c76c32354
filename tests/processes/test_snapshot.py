"""A fifth member starts with nothing where four have long been at work: it takes the state of a
certified height, is killed meanwhile, meets a liar, votes, and says what it does not know.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.block import HEADER
from node.ports import free_ports
from tests.processes.consortium import MEMBERS, Consortium, codes, until
from tests.processes.load import Load
from tests.processes.test_epochs import (
    FRESH,
    certified,
    change,
    follows,
    fsck,
    prepared,
    renewed,
    seated,
)

pytestmark = pytest.mark.processes

SLOW = ("tests.processes.governed", "slow")
LIAR = ("tests.processes.governed", "liar")
KILLS = 3
BEGUN, DONE = "a snapshot of height", "is in force"
LEFT_OUT = "m2 is asked for no more of a snapshot"


@pytest.fixture
def consortium(tmp_path: Path) -> Iterator[Consortium]:
    """Four members, the second of which lies to whoever fetches the state."""
    with Consortium(tmp_path / "consortium", "snapshot.test", SLOW) as made:
        made.runners["m2"] = LIAR
        made.start()
        made.ready()
        assert codes(made.submit("m1", made.define())) == ["accepted"]
        yield made


def told(consortium: Consortium, one: str, words: str) -> int:
    """How often a member's log says something."""
    log = consortium.members[one].log
    return log.read_text(errors="replace").count(words) if log.exists() else 0


def test_a_member_with_an_empty_folder_joins_from_a_snapshot_and_votes(
    consortium: Consortium,
) -> None:
    with Load(consortium, MEMBERS) as load:
        load.fresh(FRESH)
        done = change(consortium, "m1", renewed(consortium, *MEMBERS))
        certified(consortium, "m1", done)
        seated(consortium, 1, *MEMBERS)
        load.fresh(3 * FRESH)
        old = dict(load.certified)

        # From nothing, over a change of members; killed while pieces arrive, and started again.
        fifth = prepared(consortium, "m5", free_ports(2))
        newcomer = consortium.members["m5"]
        config = json.loads((newcomer.folder / "member.json").read_text())
        (newcomer.folder / "member.json").write_text(json.dumps(config | {"snapshot_above": 10}))
        for kill in range(KILLS):
            consortium.start("m5")
            until(lambda k=kill: told(consortium, "m5", BEGUN) > k, consortium.tail("m5"))  # type: ignore[misc]
            consortium.kill("m5")
            assert told(consortium, "m5", DONE) == 0, "it was killed half way"
            assert fsck(newcomer) == [], "a folder left half way is no damaged one"
        consortium.start("m5")
        until(lambda: follows(consortium, "m5"), f"m5 follows; {consortium.tail('m5')}")
        assert told(consortium, "m5", DONE) >= 1, consortium.tail("m5")
        assert told(consortium, "m5", LEFT_OUT) >= 1, "a wrong piece was shown, and refused"

        # It takes its seat, and its word counts.
        five = [*renewed(consortium, *MEMBERS), fifth]
        change(consortium, "m3", five)
        load.seats = (*MEMBERS, "m5")
        seated(consortium, 2, *load.seats)
        load.seats = ("m2", "m3", "m4", "m5")
        consortium.kill("m1")  # four of five are needed now
        load.fresh(FRESH)
        consortium.start("m1")
        load.seats = (*MEMBERS, "m5")
    everybody = (*MEMBERS, "m5")
    height = consortium.agree(*everybody)
    assert len({consortium.newest_header(one, height) for one in everybody}) == 1
    lacks = says_what_it_lacks(consortium, old)
    for identity, (at, index) in load.certified.items():
        if at > lacks[1]:
            answer = consortium.get("m5", f"/v1/transactions/{identity}").json()
            assert (answer["height"], answer["index"]) == (at, index)
    assert HEADER.decode(consortium.newest_header("m5", height)).epoch == 2
    assert consortium.stop(*everybody) == [0] * len(everybody)
    for one in everybody:
        assert fsck(consortium.members[one]) == [], one


def says_what_it_lacks(consortium: Consortium, old: dict[str, tuple[int, int]]) -> tuple[int, int]:
    """Ask for what happened before it came; the first and last height that it says it lacks."""
    health = consortium.health("m5")
    assert health is not None
    first, last = health["missing"]
    assert first == 1
    assert max(height for height, _ in old.values()) <= last
    identity, (height, _) = next(iter(old.items()))
    for path in (f"/v1/transactions/{identity}?proof=true", f"/v1/blocks/{height}"):
        refused = consortium.get("m5", path)
        assert (refused.status_code, refused.json()["code"]) == (503, "history-not-held")
        assert refused.json()["parameters"] == {"first": first, "last": last}
        assert consortium.get("m3", path).status_code == 200
    return first, last
