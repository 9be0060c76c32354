"""A member's log, honest and rewritten, its signed notes, and a witness over a folder."""

from __future__ import annotations

from pathlib import Path

from client.witness.blame import Blame, decode_blame
from client.witness.judge import Answer, Witness
from client.witness.protocol import Asked, encode_request
from client.witness.state import Folder
from ledger.checkpoint import Checkpoint
from ledger.keys import Ed25519Signer
from ledger.merkle_log import MerkleLog, leaf_hash
from ledger.notes import ED25519, Note, VerifierKey, sign_text

CHAIN = "chain.example"
M1, M2 = Ed25519Signer(b"1" * 32), Ed25519Signer(b"2" * 32)
KEY1 = VerifierKey(f"{CHAIN}/m1", ED25519, M1.public)
KEY2 = VerifierKey(f"{CHAIN}/m2", ED25519, M2.public)
OWN = Ed25519Signer(b"w" * 32)

HONEST = MerkleLog([leaf_hash(bytes([n])) for n in range(40)])
# The same log with its leaf 3 replaced, as a member would like it to have been.
REWRITTEN = MerkleLog([leaf_hash(b"rewritten" if n == 3 else bytes([n])) for n in range(40)])


def note_of(log: MerkleLog, size: int, signer: Ed25519Signer = M1, key: VerifierKey = KEY1) -> str:
    text = Checkpoint(key.name, size, log.root(size)).text()
    return Note(text, (sign_text(text, key.name, signer),)).encode()


def body(log: MerkleLog, old: int, size: int, proof: list[bytes] | None = None) -> bytes:
    given = (log.consistency(old, size) if 0 < old < size else []) if proof is None else proof
    return encode_request(Asked(old, tuple(given), note_of(log, size)))


class Desk:
    """A witness over a folder, with a clock in hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.time = 1_700_000_000
        self.said: list[tuple[str, Path]] = []
        self.open()

    def open(self) -> None:
        self.memory = Folder(self.folder, lambda word, file: self.said.append((word, file)))
        self.witness = Witness("witness.example", OWN, [KEY1, KEY2], self.memory, lambda: self.time)

    def restart(self) -> None:
        self.memory.close()
        self.open()

    def add(self, request: bytes) -> Answer:
        return self.witness.add_checkpoint(request)

    def refused(self) -> list[str]:
        return [file.read_text() for file in (self.folder / "refused").iterdir()]

    def blames(self) -> list[Blame]:
        return [decode_blame(file.read_bytes()) for file in (self.folder / "blame").iterdir()]
