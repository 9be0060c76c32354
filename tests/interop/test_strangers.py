"""Judged by strangers: tools that others wrote, unmodified, read what a live member serves.

golang.org/x/mod/sumdb/note and transparency-dev/formats open the checkpoint and its cosignatures;
transparency-dev/tessera and /merkle check inclusion and consistency from the tiles; torchwood
verifies an exported .tlog-proof by the quorum of departments; transparency-dev/witness cosigns the
log and notices a rewritten one; and its client is served by our witness.
"""

from __future__ import annotations

import base64
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn

from client.exchange import Request
from client.transport import HttpTransport
from client.witness.blame import convict_by_tiles, verify_blame
from client.witness.judge import Witness
from client.witness.protocol import Asked, encode_request
from client.witness.service import application
from client.witness.state import Folder
from client.witness.submission import Refused, fetch_log, submit
from ledger.checkpoint import Checkpoint, parse_checkpoint
from ledger.keys import Ed25519Signer
from ledger.merkle_log import MerkleLog, leaf_hash
from ledger.notes import (
    COSIGNATURE_V1,
    ED25519,
    Note,
    VerifierKey,
    key_id,
    open_note,
    parse_note,
    sign_text,
)
from ledger.tiles import Tile, TileReader, entries_of, tile_hashes, tile_of_entries
from ledger.tlog_policy import (
    cosigner_vkey,
    log_vkey,
    member_log_vkey,
    parse_policy,
    policy_of,
    vkeys_of,
)
from ledger.tlog_proof import verify_tlog_proof
from tests.interop.strangers import Strangers, build
from tests.processes.consortium import MEMBERS, Consortium, codes, until

pytestmark = pytest.mark.processes

BLOCKS = 262  # above 256, so that there is a full tile, and one above it


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Strangers:
    return build(tmp_path_factory.mktemp("strangers"))


@pytest.fixture(scope="module")
def chain(strangers: Strangers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consortium]:
    """A running consortium of 262 blocks or more; built after the judges, so that none waits."""
    with Consortium(tmp_path_factory.mktemp("chain"), "strangers.test") as consortium:
        consortium.start()
        consortium.ready()
        assert codes(consortium.submit("m1", consortium.define())) == ["accepted"]
        grow(consortium, BLOCKS)
        yield consortium


def grow(chain: Consortium, height: int) -> int:
    """Make blocks until all members have certified at least `height`."""
    number = 0
    while (certified := size_of(chain, "m1")) < height:
        answers = chain.submit("m1", chain.receipt(f"t{certified}-{number}"))
        assert codes(answers) == ["accepted"]
        number += 1
    until(lambda: min(size_of(chain, one) for one in MEMBERS) >= height, f"height {height}")
    return height


def size_of(chain: Consortium, one: str) -> int:
    health = chain.health(one)
    return 0 if health is None else int(health["certified"] or 0)


def log_key(chain: Consortium, one: str) -> VerifierKey:
    member = chain.genesis.members.get(one)
    assert member is not None
    return log_vkey(chain.genesis.origin, member.log_key)


def own_log_key(chain: Consortium, one: str) -> VerifierKey:
    member = chain.genesis.members.get(one)
    assert member is not None
    return member_log_vkey(chain.genesis.origin, one, member.log_key)


def cosigners(chain: Consortium) -> list[VerifierKey]:
    origin = chain.genesis.origin
    return [cosigner_vkey(origin, m.id, m.cosigner_key) for m in chain.genesis.members.members]


def prefix(chain: Consortium, one: str | None = None) -> str:
    """The prefix of the chain's log at m1, or of a member's own at that member."""
    return f"{chain.members[one or 'm1'].url}/tlog" + ("" if one is None else f"/{one}")


def headers_of(chain: Consortium, size: int) -> list[bytes]:
    """The entries of the chain's log, read from its bundles."""
    entries: list[bytes] = []
    while len(entries) < size:
        tile = tile_of_entries(len(entries), size)
        answer = chain.get("m1", f"/tlog/{tile.path()}")
        assert answer.status_code == 200
        entries += entries_of(answer.content, tile.width)
    return entries


# The checkpoint.


def test_the_judges_are_what_their_authors_published(strangers: Strangers) -> None:
    """Go writes into a program of which module versions it is made, and `=>` where another folder
    or module stood in for one.
    """
    for name in ("checkpoint", "tiles", "proof", "receipt", "run", "feed"):
        done = subprocess.run(
            ["go", "version", "-m", strangers.program(name)],
            capture_output=True,
            text=True,
            check=True,
        )
        assert "\tdep\t" in done.stdout
        assert "=>" not in done.stdout, name


@pytest.mark.parametrize("one", ["m1", "m3"])
def test_note_and_formats_open_the_checkpoint_and_its_cosignatures(
    chain: Consortium, strangers: Strangers, one: str
) -> None:
    url = f"{chain.members[one].url}/tlog/checkpoint"
    vkeys = [key.text() for key in cosigners(chain)]
    said, *signed = strangers.accept("checkpoint", url, log_key(chain, one).text(), *vkeys)
    origin, size, root = said.split(" ")
    assert origin == chain.genesis.origin
    assert int(size) >= BLOCKS
    assert len(base64.b64decode(root)) == 32
    assert signed[0] == f"log {origin}"
    names = [line.split(" ")[1] for line in signed[1:]]
    assert len(set(names)) == len(names) == chain.genesis.members.q
    assert set(names) <= {f"{origin}/{m}" for m in MEMBERS}
    now = time.time()
    assert all(now - 600 < int(line.split(" ")[2]) < now + 60 for line in signed[1:])
    # No private key is shared: another member's log key opens nothing here.
    other = log_key(chain, "m2").text()
    assert strangers.run("checkpoint", url, other, *vkeys).returncode != 0


def test_a_member_s_own_checkpoint_has_the_size_and_root_of_the_chain_s(
    chain: Consortium, strangers: Strangers
) -> None:
    chain.agree()
    time_to_sign = until(lambda: _equal_pair(chain), "both checkpoints of one size")
    shared, own = time_to_sign
    assert (shared.size, shared.root) == (own.size, own.root)
    assert own.origin == f"{shared.origin}/m1"
    [line] = strangers.accept(
        "checkpoint", f"{prefix(chain, 'm1')}/checkpoint", own_log_key(chain, "m1").text()
    )[1:]
    assert line == f"log {own.origin}"
    assert chain.get("m1", "/tlog/m2/checkpoint").status_code == 404


def _equal_pair(chain: Consortium) -> tuple[Checkpoint, Checkpoint] | None:
    shared, own = (
        parse_checkpoint(parse_note(chain.get("m1", f"/tlog{path}/checkpoint").text).text)
        for path in ("", "/m1")
    )
    return (shared, own) if shared.size == own.size else None


# Tiles.


@pytest.mark.parametrize("one", [None, "m2"])
def test_tessera_and_merkle_check_inclusion_and_consistency_from_the_tiles(
    chain: Consortium, strangers: Strangers, one: str | None
) -> None:
    size = size_of(chain, "m1")
    log = MerkleLog([leaf_hash(header) for header in headers_of(chain, size)])
    key = log_key(chain, "m1") if one is None else own_log_key(chain, one)
    for earlier in (1, 100, 256):
        root = base64.b64encode(log.root(earlier)).decode()
        said = strangers.accept("tiles", prefix(chain, one), key.text(), str(earlier), root)
        assert said[-1].endswith(f"consistent with {earlier}")
        assert int(said[-1].split(" ")[1]) >= BLOCKS
    wrong = base64.b64encode(log.root(99)).decode()
    assert strangers.run("tiles", prefix(chain, one), key.text(), "100", wrong).returncode != 0


def test_files_are_cacheable_for_as_long_as_they_stay_true(chain: Consortium) -> None:
    for path, caching in (
        ("tile/0/000", "public, max-age=31536000, immutable"),
        ("tile/0/000.p/3", "public, max-age=31536000, immutable"),
        ("tile/0/001.p/5", "public, max-age=31536000, immutable"),
        ("tile/1/000.p/1", "public, max-age=31536000, immutable"),
        ("tile/entries/000", "public, max-age=31536000, immutable"),
        ("checkpoint", "public, max-age=1"),
        ("m1/checkpoint", "public, max-age=1"),
        ("policy", "public, max-age=3600"),
        ("vkeys", "public, max-age=3600"),
    ):
        answer = chain.get("m1", f"/tlog/{path}")
        assert (answer.status_code, answer.headers["cache-control"]) == (200, caching), path
        head = chain.http.head(f"{chain.members['m1'].url}/tlog/{path}")
        assert (head.status_code, head.content) == (200, b"")
    assert len(chain.get("m1", "/tlog/tile/0/000").content) == 8_192
    third = chain.get("m1", "/tlog/tile/0/000.p/3").content
    assert chain.get("m1", "/tlog/tile/0/000").content[:96] == third


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/001",
        "tile/0/001.p/200",
        "tile/0/002.p/1",
        "tile/1/000.p/2",
        "tile/1/000",
        "tile/2/000.p/1",
        "tile/entries/001",
        "tile/entries/x001/000",
        "tile/0/0",
        "tile/0/000.p/256",
        "tile/0/%2e%2e/%2e%2e/checkpoint",
        "tile/0/000%0a",
        "tile%2F0/000",
        "til%65/0/000",
        "tile/" + "x001/" * 2_000 + "000",
        "tile/64/000",
        "tile/",
        "proof/0.tlog-proof",
        "proof/" + "9" * 5_000 + ".tlog-proof",
        "proof/1",
        "m9/checkpoint",
        "m1/tile/0/001",
    ],
)
def test_what_is_not_certified_or_not_a_tile_is_not_there_and_not_cached(
    chain: Consortium, path: str
) -> None:
    answer = chain.get("m1", f"/tlog/{path}")
    assert answer.status_code == 404
    assert answer.headers["cache-control"] == "no-store"


# Keys, policy, proofs.


def test_keys_and_policy_are_those_of_the_genesis_file(chain: Consortium) -> None:
    origin, members = chain.genesis.origin, chain.genesis.members
    vkeys = chain.get("m3", "/tlog/vkeys").text
    assert vkeys.splitlines() == [key.text() for key in vkeys_of(origin, members)]
    policy = parse_policy(chain.get("m4", "/tlog/policy").text)
    assert policy == policy_of(origin, members)
    for one in MEMBERS:
        note = parse_note(chain.get(one, "/tlog/checkpoint").text)
        assert policy.check(note).origin == origin


def test_torchwood_verifies_an_exported_proof_by_the_quorum_of_departments(
    chain: Consortium, strangers: Strangers, tmp_path: Path
) -> None:
    height = 77
    header = headers_of(chain, 100)[height - 1]
    text = chain.get("m2", f"/tlog/proof/{height}.tlog-proof").text
    policy = policy_of(chain.genesis.origin, chain.genesis.members)
    assert verify_tlog_proof(text, leaf_hash(header), policy)[0] == height - 1

    def judged(name: str, proof: str, quorum: str) -> subprocess.CompletedProcess[str]:
        files = {"proof": proof.encode(), "policy": quorum.encode(), "leaf": header}
        for part, data in files.items():
            (tmp_path / f"{name}.{part}").write_bytes(data)
        return strangers.run("proof", *(str(tmp_path / f"{name}.{part}") for part in files))

    # This reader wants every log of a policy to sign, so it is given the one that did.
    lines = policy.text().splitlines(keepends=True)
    own = f"log {log_key(chain, 'm2').text()}\n"
    quorum = "".join(line for line in lines if not line.startswith("log ") or line == own)
    assert quorum.count("log ") == 1
    good = judged("good", text, quorum)
    assert (good.returncode, good.stdout) == (0, f"index {height - 1}\n"), good.stderr
    assert judged("moved", text.replace("index 76", "index 75"), quorum).returncode != 0
    fewer = "".join(text.splitlines(keepends=True)[:-1])
    assert judged("fewer", fewer, quorum).returncode != 0
    assert judged("all", text, quorum.replace(" 3 m1", " all m1")).returncode != 0


# Witnesses.


@pytest.fixture
def their_witness(chain: Consortium, strangers: Strangers) -> Iterator[tuple[str, VerifierKey]]:
    """transparency-dev/witness, running; its address and key."""
    signer = Ed25519Signer(b"w" * 32)
    name = "witness.test"
    hint = key_id(name, ED25519, signer.public).hex()
    secret = base64.b64encode(bytes([ED25519]) + b"w" * 32).decode()
    process = subprocess.Popen(
        [
            strangers.program("run"),
            f"PRIVATE+KEY+{name}+{hint}+{secret}",
            *(own_log_key(chain, one).text() for one in MEMBERS),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), VerifierKey(name, COSIGNATURE_V1, signer.public)
    finally:
        process.kill()
        process.communicate()


def carry(chain: Consortium, one: str, witness: tuple[str, VerifierKey]) -> Checkpoint:
    """Bring a member's checkpoint to a witness; what it cosigned."""
    with HttpTransport() as transport:
        log = fetch_log(transport, prefix(chain, one), own_log_key(chain, one))
        note = parse_note(submit(transport, log, *witness))
    opened = open_note(note, [own_log_key(chain, one), witness[1]])
    assert [key.name for key, _ in opened] == [own_log_key(chain, one).name, "witness.test"]
    return parse_checkpoint(note.text)


def false_note(chain: Consortium, one: str, log: MerkleLog) -> str:
    """What a member can sign with its own key, and never would."""
    seeds = json.loads((chain.members[one].folder / "keys.json").read_text())
    signer, key = Ed25519Signer(bytes.fromhex(seeds["log"])), own_log_key(chain, one)
    text = Checkpoint(key.name, log.size, log.root()).text()
    return Note(text, (sign_text(text, key.name, signer),)).encode()


def offer(witness: str, old: int, log: MerkleLog, note: str) -> int:
    proof = log.consistency(old) if 0 < old < log.size else []
    request = Request("POST", "/add-checkpoint", (), encode_request(Asked(old, tuple(proof), note)))
    with HttpTransport() as transport:
        return transport.send(witness, request).status


def fresh(chain: Consortium, one: str, above: int) -> None:
    """Let the chain grow, and wait until the member's own checkpoint shows it."""
    grow(chain, above + 1)

    def shown() -> bool:
        note = parse_note(chain.get(one, f"/tlog/{one}/checkpoint").text)
        return parse_checkpoint(note.text).size > above

    until(shown, f"{one} signs a size above {above}")


def test_their_witness_cosigns_a_growing_log_and_notices_a_rewritten_one(
    chain: Consortium, their_witness: tuple[str, VerifierKey]
) -> None:
    first = carry(chain, "m1", their_witness)
    fresh(chain, "m1", first.size)
    second = carry(chain, "m1", their_witness)
    assert second.size > first.size

    headers = headers_of(chain, second.size)
    rewritten = MerkleLog(
        [leaf_hash(b"rewritten" if n == 3 else header) for n, header in enumerate(headers)]
    )
    false = false_note(chain, "m1", rewritten)
    assert offer(their_witness[0], second.size, rewritten, false) == 422
    rewritten.append(leaf_hash(b"one more"))
    false = false_note(chain, "m1", rewritten)
    assert offer(their_witness[0], second.size, rewritten, false) == 422
    assert carry(chain, "m1", their_witness).root == second.root

    reader = TileReader(rewritten.size, lambda tile: tile_hashes(rewritten, tile))
    honest = chain.get("m1", "/tlog/m1/checkpoint").text
    blame = convict_by_tiles(own_log_key(chain, "m1"), honest, false, reader)
    assert blame is not None
    assert verify_blame(blame)[0].root != rewritten.root(verify_blame(blame)[0].size)


def test_a_member_that_signs_garbage_loses_its_own_origin_and_no_other(
    chain: Consortium, their_witness: tuple[str, VerifierKey]
) -> None:
    before = {one: carry(chain, one, their_witness) for one in MEMBERS}
    size = before["m1"].size
    headers = headers_of(chain, size)
    garbage = MerkleLog([*map(leaf_hash, headers), leaf_hash(b"garbage")])
    assert offer(their_witness[0], size, garbage, false_note(chain, "m1", garbage)) == 200
    for one in MEMBERS:
        fresh(chain, one, size + 1)
    with pytest.raises(Refused):
        carry(chain, "m1", their_witness)
    for one in ("m2", "m3", "m4"):
        assert carry(chain, one, their_witness).size > before[one].size


def test_our_witness_serves_their_client(
    chain: Consortium, strangers: Strangers, tmp_path: Path
) -> None:
    memory = Folder(tmp_path)
    keys = [own_log_key(chain, one) for one in MEMBERS]
    signer = Ed25519Signer(b"o" * 32)
    witness = Witness("ours.test", signer, keys, memory, lambda: int(time.time()))
    server = uvicorn.Server(
        uvicorn.Config(application(witness), port=0, lifespan="off", log_config=None)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started, "our witness serves")
        url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        arguments = (prefix(chain, "m4"), own_log_key(chain, "m4").text(), url)
        [said] = strangers.accept("feed", *arguments, witness.key.text())
        old, first = map(int, said.split(" "))
        assert (old, first >= BLOCKS) == (0, True)
        fresh(chain, "m4", first)
        [said] = strangers.accept("feed", *arguments, witness.key.text())
        old, second = map(int, said.split(" "))
        assert (old, second > first) == (first, True)
        shown = httpx.get(f"{url}/", trust_env=False).text
        assert shown.splitlines()[0] == witness.key.text()
    finally:
        server.should_exit = True
        thread.join()
        memory.close()


def test_the_largest_tile_path_a_log_can_have_is_answered_like_any_other(
    chain: Consortium,
) -> None:
    path = Tile(63, 2**53 - 1, 255).path()
    assert chain.get("m1", f"/tlog/{path}").status_code == 404
