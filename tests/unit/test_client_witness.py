"""A witness of our own: what it cosigns, refuses and never forgets, and whom it convicts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from client.exchange import Request, Response
from client.faults import Unusable
from client.transport import FunctionTransport
from client.witness.blame import (
    verify_blame,
)
from client.witness.judge import Witness
from client.witness.protocol import REQUEST_SIZE_MAX, Asked, encode_request, monitoring_path
from client.witness.service import application
from client.witness.state import BLAME_FILES_MAX, REFUSED_FILES_MAX, Folder, own_key
from client.witness.submission import Refused, fetch_log, fetch_witnessed, look_for_blame, submit
from client.words import sentence_of
from ledger.checkpoint import Checkpoint
from ledger.errors import ClientFault, Malformed
from ledger.keys import Ed25519Signer
from ledger.merkle_log import EMPTY_ROOT, MerkleLog, leaf_hash
from ledger.notes import ED25519, Note, VerifierKey, open_note, parse_note, sign_text
from ledger.tiles import Tile, tile_hashes
from tests.client_logs import HONEST, KEY1, KEY2, M1, M2, OWN, REWRITTEN, Desk, body, note_of


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.memory.close()


def test_a_growing_log_is_cosigned_step_by_step(desk: Desk) -> None:
    for old, new in ((0, 5), (5, 8), (8, 8), (8, 40)):
        answer = desk.add(body(HONEST, old, new))
        assert (answer.status, answer.kind) == (200, "text/plain; charset=utf-8")
        text = Checkpoint(KEY1.name, new, HONEST.root(new)).text()
        cosigned = parse_note(text + "\n" + answer.body.decode())
        [(key, line)] = open_note(cosigned, [desk.witness.key])
        assert (key.name, line.timestamp) == ("witness.example", desk.time)
        kept = desk.witness.newest(KEY1.name)
        assert kept is not None
        assert len(open_note(parse_note(kept), [KEY1, desk.witness.key])) == 2


def test_each_wrong_request_is_answered_with_the_status_of_the_protocol(desk: Desk) -> None:
    stranger = Ed25519Signer(b"s" * 32)
    unknown = VerifierKey("other.example", ED25519, stranger.public)
    assert desk.add(body(HONEST, 0, 8)).status == 200
    before = desk.witness.newest(KEY1.name)
    size_zero = Checkpoint(KEY1.name, 0, bytes(32)).text()
    wrong_empty = Note(size_zero, (sign_text(size_zero, KEY1.name, M1),)).encode()
    cases: list[tuple[bytes, int]] = [
        (b"", 400),
        (b"old 8\n", 400),
        (b"old -8\n\n" + note_of(HONEST, 9).encode(), 400),
        (b"old 08\n\n" + note_of(HONEST, 9).encode(), 400),
        (b"old 8\nAAAA\n\n" + note_of(HONEST, 9).encode(), 400),
        (b"old 8\n" + b"A" * 43 + b"=\n" * 64 + b"\n" + note_of(HONEST, 9).encode(), 400),
        (b"old 8\n\n\xff\xfe", 400),
        (b"old 8\n\nnot a note\n", 400),
        (b"x" * (REQUEST_SIZE_MAX + 1), 400),
        (encode_request(Asked(8, (), note_of(HONEST, 9, stranger, unknown))), 404),
        (encode_request(Asked(8, (), note_of(HONEST, 9, stranger))), 403),
        (encode_request(Asked(8, (), note_of(HONEST, 9, M2))), 403),
        (body(HONEST, 12, 9, []), 400),
        (body(HONEST, 0, 9, []), 409),
        (body(HONEST, 7, 9), 409),
        (body(HONEST, 8, 9, []), 422),
        (body(HONEST, 8, 9, HONEST.consistency(8, 10)), 422),
        (body(HONEST, 8, 8, [bytes(32)]), 422),
        (encode_request(Asked(0, (), wrong_empty)), 409),
    ]
    for request, status in cases:
        assert desk.add(request).status == status, request[:60]
    assert desk.add(body(HONEST, 7, 9)).body == b"8\n"
    assert desk.add(body(HONEST, 7, 9)).kind == "text/x.tlog.size"
    assert desk.witness.newest(KEY1.name) == before
    [blame] = desk.blames()  # the one thing here that a log's own signature contradicts
    assert [checkpoint.size for checkpoint in verify_blame(blame)] == [0, 8]


def test_an_empty_log_may_be_cosigned_and_then_anything_after_it(desk: Desk) -> None:
    empty = Checkpoint(KEY1.name, 0, EMPTY_ROOT).text()
    note = Note(empty, (sign_text(empty, KEY1.name, M1),)).encode()
    assert desk.add(encode_request(Asked(0, (), note))).status == 200
    assert desk.add(encode_request(Asked(0, (bytes(32),), note))).status == 422
    assert desk.add(body(HONEST, 0, 5, [bytes(32)])).status == 422
    assert desk.add(body(HONEST, 0, 5)).status == 200


def test_two_roots_for_one_size_are_refused_and_convict(desk: Desk) -> None:
    assert desk.add(body(HONEST, 0, 8)).status == 200
    assert desk.add(body(REWRITTEN, 8, 8)).status == 422
    [blame] = desk.blames()
    first, second = verify_blame(blame)
    assert (first.size, second.size, blame.key) == (8, 8, KEY1)
    assert first.root != second.root
    assert desk.said == [("convicted", next((desk.folder / "blame").iterdir()))]
    assert desk.refused() == []


def test_the_proof_of_a_rewritten_log_convicts_it(desk: Desk) -> None:
    assert desk.add(body(HONEST, 0, 7)).status == 200
    assert desk.add(body(REWRITTEN, 7, 40)).status == 422
    [blame] = desk.blames()
    assert [checkpoint.size for checkpoint in verify_blame(blame)] == [7, 40]
    assert blame.prefix == REWRITTEN.root(7) != HONEST.root(7)
    assert desk.add(body(REWRITTEN, 7, 40)).status == 422
    assert len(desk.blames()) == 1


def test_nobody_is_convicted_by_a_proof_that_somebody_invented(desk: Desk) -> None:
    assert desk.add(body(HONEST, 0, 7)).status == 200
    invented = [bytes(32)] * len(HONEST.consistency(7, 40))
    for proof in (invented, [], REWRITTEN.consistency(7, 40), HONEST.consistency(7, 39)):
        assert desk.add(body(HONEST, 7, 40, proof)).status == 422
    assert desk.blames() == []
    assert desk.refused() == [note_of(HONEST, 40)]  # once: it may yet turn out to be a fork's
    assert [word for word, _ in desk.said] == ["refused"]
    assert desk.add(body(HONEST, 7, 40)).status == 200


def test_a_fork_submitted_with_a_worthless_proof_is_kept_and_convicts_by_the_tiles(
    desk: Desk,
) -> None:
    assert desk.add(body(HONEST, 0, 7)).status == 200
    assert desk.add(body(REWRITTEN, 7, 20, [])).status == 422
    assert desk.blames() == []  # as far as the witness can tell, anybody may have sent it
    [kept] = desk.refused()
    served = Served(desk, HONEST, 40)
    log = fetch_log(served.transport, "http://m1/tlog/m1", KEY1)
    blame = look_for_blame(served.transport, log, kept)
    assert blame is not None
    assert [checkpoint.size for checkpoint in verify_blame(blame)] == [20, 40]


def test_what_was_refused_last_is_kept_and_no_more_of_it_than_may_be(desk: Desk) -> None:
    assert desk.add(body(HONEST, 0, 7)).status == 200
    notes = []
    for number in range(REFUSED_FILES_MAX + 5):
        text = Checkpoint(KEY1.name, 8, number.to_bytes(32, "big")).text()
        notes.append(Note(text, (sign_text(text, KEY1.name, M1),)).encode())
        assert desk.add(encode_request(Asked(7, (), notes[-1]))).status == 422
    assert sorted(desk.refused()) == sorted(notes[5:])


def test_a_member_that_submits_garbage_poisons_its_own_origin_alone(desk: Desk) -> None:
    garbage = MerkleLog([*(HONEST.leaf(n) for n in range(8)), leaf_hash(b"garbage")])
    for signer, key in ((M1, KEY1), (M2, KEY2)):
        first = encode_request(Asked(0, (), note_of(HONEST, 8, signer, key)))
        assert desk.add(first).status == 200
    assert desk.add(body(garbage, 8, 9)).status == 200  # consistent, and nobody's block
    assert desk.add(body(HONEST, 9, 10, HONEST.consistency(8, 10))).status == 422
    grown = encode_request(
        Asked(8, tuple(HONEST.consistency(8, 10)), note_of(HONEST, 10, M2, KEY2))
    )
    assert desk.add(grown).status == 200


def test_a_log_that_contradicts_itself_endlessly_takes_no_other_logs_place(desk: Desk) -> None:
    for key, signer in ((KEY1, M1), (KEY2, M2)):
        first = encode_request(Asked(0, (), note_of(HONEST, 8, signer, key)))
        assert desk.add(first).status == 200
    for number in range(BLAME_FILES_MAX + 5):
        text = Checkpoint(KEY1.name, 8, number.to_bytes(32, "big")).text()
        note = Note(text, (sign_text(text, KEY1.name, M1),))
        assert desk.add(encode_request(Asked(8, (), note.encode()))).status == 422
    assert len(desk.blames()) == BLAME_FILES_MAX
    other = encode_request(Asked(8, (), note_of(REWRITTEN, 8, M2, KEY2)))
    assert desk.add(other).status == 422
    assert [blame.key for blame in desk.blames()].count(KEY2) == 1


def test_after_a_restart_nothing_is_forgotten(desk: Desk) -> None:
    assert desk.add(body(HONEST, 0, 8)).status == 200
    desk.restart()
    assert desk.add(body(REWRITTEN, 0, 8)).status == 409
    assert desk.add(body(HONEST, 8, 12)).status == 200


def test_a_timestamp_never_falls_even_when_the_clock_does(desk: Desk) -> None:
    assert desk.add(body(HONEST, 0, 8)).status == 200
    noon = desk.time
    desk.time -= 3_600
    desk.restart()
    answer = desk.add(body(HONEST, 8, 8))
    assert parse_note("x\n\n" + answer.body.decode()).lines[0].timestamp == noon


def test_a_damaged_memory_is_not_taken_for_an_empty_one(desk: Desk) -> None:
    assert desk.add(body(HONEST, 0, 8)).status == 200
    [file] = (desk.folder / "logs").iterdir()
    for damage in ("", "nonsense", note_of(HONEST, 8, M2, KEY2)):
        file.write_text(damage)
        desk.restart()
        with pytest.raises(Malformed):
            desk.add(body(HONEST, 0, 8))
        assert call(desk.witness, "POST", "/add-checkpoint", body(HONEST, 0, 8))[0] == 500


def test_one_folder_serves_one_witness_at_a_time(desk: Desk) -> None:
    with pytest.raises(ClientFault, match="file-unwritable"):
        Folder(desk.folder)


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match="first run"):
        own_key(tmp_path, None)
    with pytest.raises(Malformed, match="--name"):
        own_key(tmp_path, "a name with spaces")
    name, signer = own_key(tmp_path, "witness.example")
    assert (tmp_path / "witness.json").stat().st_mode & 0o777 == 0o600
    again = own_key(tmp_path, None)
    assert (again[0], again[1].public) == (name, signer.public)
    with pytest.raises(Malformed, match=r"witness is witness\.example"):
        own_key(tmp_path, "other.example")


def test_two_keys_of_one_origin_are_not_both_believed(desk: Desk) -> None:
    other = VerifierKey(KEY1.name, ED25519, M2.public)
    with pytest.raises(Malformed, match="two keys of one origin"):
        Witness("w.example", OWN, [KEY1, other], desk.memory, lambda: 0)
    with pytest.raises(Malformed, match="not a log's"):
        Witness("w.example", OWN, [desk.witness.key], desk.memory, lambda: 0)


# Behind HTTP.


def call(witness: Witness, method: str, path: str, content: bytes = b"") -> tuple[int, bytes]:
    sent: list[Any] = []
    parts = [content[at : at + 50_000] for at in range(0, len(content), 50_000)] or [b""]

    async def receive() -> Any:
        part = parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path}
    asyncio.run(application(witness)(scope, receive, send))
    return sent[0]["status"], sent[1]["body"]


def test_the_service_knows_three_addresses(desk: Desk) -> None:
    status, shown = call(desk.witness, "GET", "/")
    assert (status, shown.decode().split("\n")[0]) == (200, desk.witness.key.text())
    assert call(desk.witness, "GET", monitoring_path(KEY1.name))[0] == 404
    assert call(desk.witness, "POST", "/add-checkpoint", body(HONEST, 0, 8))[0] == 200
    kept = desk.witness.newest(KEY1.name)
    assert kept is not None
    assert call(desk.witness, "GET", monitoring_path(KEY1.name)) == (200, kept.encode())
    assert call(desk.witness, "HEAD", monitoring_path(KEY1.name)) == (200, b"")
    assert call(desk.witness, "GET", "/add-checkpoint")[0] == 405
    assert call(desk.witness, "DELETE", "/")[0] == 405
    assert call(desk.witness, "GET", "/../../witness.json")[0] == 404
    assert call(desk.witness, "POST", "/add-checkpoint", b"x" * 200_000)[0] == 413


# The carrier.


class Served:
    """A member's log under one address and a witness under another."""

    def __init__(self, desk: Desk, log: MerkleLog, size: int) -> None:
        self.desk, self.log, self.size = desk, log, size
        self.asked: list[str] = []
        self.transport = FunctionTransport(self.answer)

    def answer(self, url: str, request: Request) -> Response:
        self.asked.append(f"{url}{request.path}")
        if url == "http://witness":
            status, content = call(self.desk.witness, request.method, request.path, request.body)
            return Response(status, "text/plain", content)
        if request.path == "/checkpoint":
            if url != "http://m1/tlog/m1":
                return Response(404)
            return Response(200, "text/plain", note_of(self.log, self.size).encode())
        tile = Tile.parse(request.path.removeprefix("/"))
        if not tile.within(self.size):
            return Response(404)
        return Response(200, "application/octet-stream", tile_hashes(self.log, tile))


def carry(served: Served) -> str:
    log = fetch_log(served.transport, "http://m1/tlog/m1", KEY1)
    return submit(served.transport, log, "http://witness", served.desk.witness.key)


def test_a_carrier_discovers_what_the_witness_has_and_brings_the_proof(desk: Desk) -> None:
    assert parse_note(carry(Served(desk, HONEST, 7))).lines[-1].name == "witness.example"
    served = Served(desk, HONEST, 40)
    note = parse_note(carry(served))
    assert [line.name for line in note.lines] == [KEY1.name, "witness.example"]
    assert served.asked.count("http://witness/add-checkpoint") == 2
    assert fetch_witnessed(served.transport, "http://witness", KEY1.name).startswith(note.text)


def test_a_carrier_of_a_rewritten_log_is_refused_and_an_auditor_finds_the_proof(desk: Desk) -> None:
    carry(Served(desk, HONEST, 8))
    served = Served(desk, REWRITTEN, 40)
    with pytest.raises(Refused, match="422"):
        carry(served)
    assert desk.blames() == []  # at a power of two the log's proof does not hold its old root
    log = fetch_log(served.transport, "http://m1/tlog/m1", KEY1)
    earlier = fetch_witnessed(served.transport, "http://witness", KEY1.name)
    blame = look_for_blame(served.transport, log, earlier)
    assert blame is not None
    assert [checkpoint.size for checkpoint in verify_blame(blame)] == [8, 40]


def test_an_auditor_of_a_log_that_hides_behind_tiles_of_another_is_told_that_nothing_is_shown(
    desk: Desk,
) -> None:
    earlier = note_of(HONEST, 7)
    served = Served(desk, REWRITTEN, 40)
    log = fetch_log(served.transport, "http://m1/tlog/m1", KEY1)
    served.log = HONEST
    with pytest.raises(Unusable, match="sizes 7 and 40, and its tiles do not show"):
        look_for_blame(served.transport, log, earlier)


def test_an_auditor_of_a_log_that_says_less_than_it_signed_asks_for_what_it_signed(
    desk: Desk,
) -> None:
    """A member behind its own word: late, put back to an old copy, or lying."""
    signed = note_of(HONEST, 40)
    served = Served(desk, HONEST, 8)
    log = fetch_log(served.transport, "http://m1/tlog/m1", KEY1)
    with pytest.raises(Unusable, match=r"sizes 40 and 8, and its tiles .* answers 404"):
        look_for_blame(served.transport, log, signed)
    served.size = 40
    assert look_for_blame(served.transport, log, signed) is None
    rewritten = Served(desk, REWRITTEN, 8)
    log = fetch_log(rewritten.transport, "http://m1/tlog/m1", KEY1)
    rewritten.log, rewritten.size = HONEST, 40
    blame = look_for_blame(rewritten.transport, log, signed)
    assert blame is not None
    assert [checkpoint.size for checkpoint in verify_blame(blame)] == [8, 40]


def test_a_carrier_with_an_old_checkpoint_is_refused(desk: Desk) -> None:
    carry(Served(desk, HONEST, 40))
    with pytest.raises(Refused, match="has cosigned size 40"):
        carry(Served(desk, HONEST, 8))


def test_a_carrier_believes_only_the_keys_it_was_given(desk: Desk) -> None:
    served = Served(desk, HONEST, 8)
    with pytest.raises(Unusable, match="not signed"):
        fetch_log(served.transport, "http://m1/tlog/m1", KEY2)
    log = fetch_log(served.transport, "http://m1/tlog/m1", KEY1)
    other = VerifierKey("witness.example", 4, M2.public)
    with pytest.raises(Unusable, match="not signed"):
        submit(served.transport, log, "http://witness", other)


def test_who_asks_the_wrong_member_or_a_witness_that_saw_nothing_is_told_so(desk: Desk) -> None:
    served = Served(desk, HONEST, 8)
    with pytest.raises(Unusable, match="a member serves the log of its own name only") as raised:
        fetch_log(served.transport, "http://m2/tlog/m1", KEY1)
    assert sentence_of(raised.value, "en").startswith(
        "no usable answer from http://m2/tlog/m1: no "
    )
    with pytest.raises(Unusable, match="has cosigned nothing yet of"):
        fetch_witnessed(served.transport, "http://witness", KEY1.name)
