"""A member that contradicts itself leaves a file at whoever saw it; anyone checks it offline."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from client.cli import app
from consensus.effects import Report
from consensus.evidence import Evidence, Suspicion
from ledger.equivocation import decode_equivocation, holder, verify_equivocation
from ledger.errors import Malformed
from ledger.genesis import Genesis
from ledger.keys import Ed25519Signer
from ledger.votes import COSIGNATURE, STATEMENTS, VIEW_CHANGE, Statement, statement_bytes
from node.blames import FILES_PER_MEMBER_MAX, Blames
from node.config import load_member
from tests.node_member import Served, serving

A, B = bytes([1]) * 32, bytes([2]) * 32


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path) as one:
        yield one


def signed_by(served: Served, liar: str, one: Statement) -> Statement:
    """The statement as that member signs it, with the key it was founded with."""
    genesis = served.member.config.genesis
    founded = load_member(served.folder / "members" / liar)
    signer: Ed25519Signer | None = founded.keys.vote
    if one.kind == COSIGNATURE:
        signer = founded.cosigners.signer(founded.cosigners.publics()[0])
    assert signer is not None
    return replace(
        one, signature=signer.sign(statement_bytes(one, genesis.chain_id, genesis.origin))
    )


def lie(served: Served, kind: str, sequence: int = 7, liar: str = "m3") -> Evidence:
    """Two statements of one kind at one place; a cosigner may let time pass between them."""
    first = Statement(kind, 0, 2, sequence, A, b"")
    second = replace(first, digest=B, view=3 if kind == COSIGNATURE else 2)
    return Evidence(liar, signed_by(served, liar, first), signed_by(served, liar, second))


def report(served: Served, *findings: Evidence | Suspicion) -> None:
    """As the engine does."""
    served.member.driver._carry_out(0, [Report(one) for one in findings])


def convicted(data: bytes, genesis: Genesis) -> str | None:
    """Whom a file convicts. A vote signs the chain's id and not its name; genesis has both."""
    found = decode_equivocation(data)
    verify_equivocation(found)
    return holder(found, genesis.origin, (genesis.members,))


def judged(file: Path, genesis: Path, *more: str) -> tuple[int, str]:
    """What `suyuan blame` answers to somebody who has the file and the genesis, and no network."""
    done = CliRunner().invoke(app, ["blame", str(file), "--genesis", str(genesis), *more])
    return done.exit_code, done.output


@pytest.mark.parametrize("kind", STATEMENTS)
async def test_each_kind_of_lie_becomes_a_file_that_a_third_party_verifies(
    served: Served, kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """R-Q-5."""
    with caplog.at_level(logging.ERROR, "node.blames"):
        report(served, lie(served, kind), Suspicion("m2", "silent"))
    assert f"member m3 contradicted itself ({kind})" in caplog.text

    listed = (await served.http.get("/v1/blame")).json()
    [name] = listed["files"]
    assert name.startswith(f"m3.{kind}.0.")
    assert (listed["count"], listed["next"]) == (1, None)
    fetched = tmp_path / "fetched.json"
    fetched.write_bytes((await served.http.get(f"/v1/blame/{name}")).content)
    told = json.loads(judged(fetched, served.folder / "genesis.json", "--json")[1])
    assert (told["holds"], told["member"], told["statement"]) == (True, "m3", kind)

    assert "suyuan_blame_files 1.0" in (await served.http.get("/metrics")).text
    assert (await served.http.get("/v1/health")).json()["blamed"] == ["m3"]


async def test_the_files_outlive_the_store_and_the_process(served: Served) -> None:
    report(served, lie(served, VIEW_CHANGE))
    [name] = served.member.blames.names
    config = served.member.config
    again = Blames(config.data.parent / "blame", config.genesis.origin)
    assert again.names == [name]
    assert again.file(name) == served.member.blames.file(name)


async def test_what_a_third_party_would_not_believe_is_not_kept(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    """A finding that another's signature, an equal digest or another place spoils."""
    held = lie(served, "prepare")
    report(
        served,
        replace(held, member="m2"),
        replace(held, second=held.first),
        replace(held, second=signed_by(served, "m3", replace(held.second, sequence=8))),
        replace(held, member="stranger"),
    )
    assert len(served.member.blames) == 0
    assert (await served.http.get("/v1/blame/m3.prepare.0.2.7")).status_code == 404
    assert "not kept" in caplog.text


async def test_one_liars_many_lies_hide_no_others(served: Served) -> None:
    """R-RS-1: so many files a member; a place is filed once."""
    flood = [lie(served, "commit", number) for number in range(FILES_PER_MEMBER_MAX + 5)]
    report(served, *flood, flood[0], lie(served, "commit", liar="m4"))
    assert len(served.member.blames) == FILES_PER_MEMBER_MAX + 1
    first = (await served.http.get("/v1/blame?limit=60")).json()
    rest = (await served.http.get(f"/v1/blame?limit=60&after={first['next']}")).json()
    assert len(first["files"]) + len(rest["files"]) == FILES_PER_MEMBER_MAX + 1
    assert rest["next"] is None
    assert served.member.blames.members == ["m3", "m4"]


async def test_a_disk_that_takes_no_file_costs_the_file_and_not_the_member(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    (served.member.config.data.parent / "blame").write_text("in the way")
    report(served, lie(served, "commit"))
    assert "not kept" in caplog.text
    assert (await served.http.get("/v1/blame")).json()["files"] == []


async def test_a_file_edited_anywhere_convicts_nobody(served: Served, tmp_path: Path) -> None:
    """Neither at the command nor at the member's next start."""
    report(served, lie(served, "pre-prepare"))
    [name] = served.member.blames.names
    whole = served.member.blames.file(name)
    assert whole is not None
    edited = tmp_path / "edited.json"
    for at in range(0, len(whole), 3):
        data = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        with pytest.raises(Malformed):
            convicted(data, served.member.config.genesis)
    edited.write_bytes(whole.replace(b'"view":2', b'"view":3'))
    status, words = judged(edited, served.folder / "genesis.json", "--language", "en")
    assert (status, "does not hold" in words) == (1, True)

    kept = served.member.config.data.parent / "blame" / f"{name}.json"
    kept.write_bytes(edited.read_bytes())
    assert len(Blames(kept.parent, served.member.config.genesis.origin)) == 0


async def test_a_file_of_another_chain_is_refused_by_name(served: Served, tmp_path: Path) -> None:
    report(served, lie(served, "prepare"))
    [name] = served.member.blames.names
    file = served.member.config.data.parent / "blame" / f"{name}.json"
    genesis = served.folder / "genesis.json"
    other = Genesis.from_json(genesis.read_bytes())
    elsewhere = tmp_path / "other.json"
    elsewhere.write_bytes(replace(other, time=other.time + 1).to_json())
    assert judged(file, genesis)[0] == 0
    assert judged(file, elsewhere)[0] == 2
