"""A bundle and its witnesses on a chain that goes on meanwhile: both must be of one size."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from client.exchange import Request, Response
from client.faults import Unusable
from client.transport import FunctionTransport
from client.witness.attaching import ATTEMPTS_MAX, witnessed
from client.witness.judge import Witness
from client.witness.state import Folder
from ledger.assembly import assemble
from ledger.bundle_file import decode_bundle, encode_bundle
from ledger.checkpoint import Checkpoint
from ledger.claims import Trace
from ledger.notes import Note, sign_text
from ledger.tiles import Tile, tile_hashes
from ledger.tlog_policy import member_log_vkey
from ledger.verify import verify_bundle
from tests.forger.stories import DONATION, donation_world
from tests.forger.world import signer


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Folder]:
    held = Folder(tmp_path)
    yield held
    held.close()


class Busy:
    """A member whose own checkpoint is that of a second ago, until so many seconds are waited."""

    def __init__(self, memory: Folder, seconds: float) -> None:
        self.world = donation_world()
        self.seconds, self.waited = seconds, 0.0
        self.origin = f"{self.world.genesis.origin}/m1"
        self.log_signer = signer(f"{self.world.genesis.name}/log", "m1")
        key = member_log_vkey(self.world.genesis.origin, "m1", self.log_signer.public)
        self.witness = Witness("w.example", signer("w", "w"), [key], memory, lambda: 1)
        self.transport = FunctionTransport(self.answer)

    def answer(self, url: str, request: Request) -> Response:
        if url == "http://witness":
            judged = self.witness.add_checkpoint(request.body)
            return Response(judged.status, "text/plain", judged.body)
        if request.path == "/checkpoint":
            behind = int(self.waited < self.seconds)
            size = self.world.height - behind
            text = Checkpoint(self.origin, size, self.world.chain_root(size)).text()
            note = Note(text, (sign_text(text, self.origin, self.log_signer),))
            return Response(200, "text/plain", note.encode().encode())
        tile = Tile.parse(request.path.removeprefix("/"))
        return Response(200, "application/octet-stream", tile_hashes(self.world.chain, tile))

    def wait(self, seconds: float) -> None:
        self.waited += seconds

    def ask(self) -> bytes:
        return witnessed(
            self.transport,
            "http://m1",
            "m1",
            self.world.genesis,
            [("http://witness", self.witness.key)],
            lambda: encode_bundle(assemble(self.world, Trace(DONATION))),
            self.wait,
        )


def test_a_member_that_shows_its_checkpoint_of_a_second_ago_is_asked_again_after_one(
    memory: Folder,
) -> None:
    busy = Busy(memory, seconds=1)
    data = busy.ask()
    assert busy.waited == 1
    (note,) = decode_bundle(data).witnesses
    assert "w.example" in note
    assert verify_bundle(data, busy.world.genesis).authority.code == "witnesses-unchecked"


def test_a_member_whose_checkpoint_never_comes_up_is_named_as_too_busy(memory: Folder) -> None:
    busy = Busy(memory, seconds=1_000)
    with pytest.raises(Unusable, match="never of one size"):
        busy.ask()
    assert busy.waited == ATTEMPTS_MAX
