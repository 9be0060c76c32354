"""Domain tags keep hashes of different kinds apart."""

from __future__ import annotations

import hashlib

from ledger.hashing import EMPTY_DIGEST, sha256, tag, tagged


def test_a_tagged_hash_is_sha256_of_tag_and_data() -> None:
    assert tag("path") == b"suyuan/path/v1\0"
    assert tagged("path", b"x") == hashlib.sha256(b"suyuan/path/v1\0x").digest()
    assert sha256(b"abc").hex() == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    assert bytes(32) == EMPTY_DIGEST


def test_no_kind_is_the_beginning_of_another_kinds_hash() -> None:
    """The NUL ends the kind: data cannot move into it."""
    assert tagged("vote", b"x") != tagged("vot", b"ex")
    assert tagged("path", b"") != tagged("members", b"")
