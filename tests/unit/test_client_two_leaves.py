"""Two entries at one index under two roots that one member signed convict it, at whatever sizes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from client.cli import app
from client.witness.two_leaves import (
    Included,
    TwoLeaves,
    convict_by_leaves,
    decode_two_leaves,
    encode_two_leaves,
    verify_two_leaves,
)
from ledger.block import HEADER
from ledger.bundle import Bundle
from ledger.bundle_file import decode_bundle
from ledger.checkpoint import Certificate, Checkpoint, cosign
from ledger.errors import Malformed
from ledger.merkle_log import MerkleLog, leaf_hash
from ledger.tlog_policy import cosigner_vkey
from tests.node_world import GENESIS, signer
from tests.processes.consortium import ROOT

MEMBER = GENESIS.members.members[0]
KEY = cosigner_vkey(GENESIS.origin, MEMBER.id, MEMBER.cosigner_key)


def entries(size: int, changed: int | None = None) -> list[bytes]:
    return [b"false" if n == changed else b"entry %d" % n for n in range(size)]


def included(leaves: list[bytes], index: int) -> Included:
    """An entry under the root of a log that the member cosigned."""
    log = MerkleLog([leaf_hash(one) for one in leaves])
    checkpoint = Checkpoint(GENESIS.origin, log.size, log.root())
    line = cosign(checkpoint, 1_600_000_000, MEMBER.id, signer(f"{MEMBER.id}/cosigner"))
    note = Certificate(checkpoint, (line,)).to_note(GENESIS.members)
    return Included(leaves[index], tuple(log.inclusion(index, log.size)), note)


def lie(index: int = 2) -> TwoLeaves:
    return TwoLeaves(KEY, index, included(entries(5), index), included(entries(8, index), index))


@pytest.mark.parametrize("index", range(5))
def test_a_rewritten_entry_convicts_at_every_index(tmp_path: Path, index: int) -> None:
    found = decode_two_leaves(encode_two_leaves(lie(index)))
    assert found == lie(index)
    assert verify_two_leaves(found) == (5, 8)
    file, genesis = tmp_path / "blame.json", tmp_path / "genesis.json"
    file.write_bytes(encode_two_leaves(found))
    genesis.write_bytes(GENESIS.to_json())
    done = CliRunner().invoke(app, ["blame", str(file), "--genesis", str(genesis), "--json"])
    told = json.loads(done.output)
    assert (told["holds"], told["member"], told["height"]) == (True, MEMBER.id, index + 1)


def test_an_honest_member_is_not_convicted() -> None:
    """By the same entry twice, an entry of another index, or what another key signed."""
    honest = included(entries(8), 2)
    other = replace(KEY, public=signer("m2/cosigner").public)
    for found in (
        replace(lie(), second=honest),
        replace(lie(), second=included(entries(8), 3)),
        replace(lie(), second=replace(honest, leaf=b"false")),
        replace(lie(), index=3),
        replace(lie(), key=other),
    ):
        with pytest.raises(Malformed):
            verify_two_leaves(found)


def test_two_bundles_of_one_height_make_the_file() -> None:
    """The headers differ in their time alone; one note of each is the liar's."""
    bundle = decode_bundle((ROOT / "tests/vectors/bundle-entity.json").read_bytes())
    header = HEADER.decode(bundle.header)
    index = header.height - 1
    made: list[Bundle] = []
    for time in (header.time, header.time + 1):
        leaves = entries(index + 3)
        leaves[index] = HEADER.encode(msgspec.structs.replace(header, time=time))
        one = included(leaves, index)
        changed: dict[str, Any] = {
            "header": one.leaf,
            "inclusion": one.inclusion,
            "checkpoint": one.note,
        }
        made.append(msgspec.structs.replace(bundle, **changed))
    innocent = cosigner_vkey(GENESIS.origin, "m2", GENESIS.members.members[1].cosigner_key)
    shown = [Included(one.header, one.inclusion, one.checkpoint) for one in made]
    [found] = convict_by_leaves(shown[0], shown[1], [innocent, KEY])
    assert verify_two_leaves(found) == (index + 3, index + 3)
    assert convict_by_leaves(shown[0], shown[0], [KEY]) == []
