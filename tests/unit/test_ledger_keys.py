"""Ed25519 by libsodium's rule: RFC 8032 vectors, and the edge cases on which libraries differ."""

from __future__ import annotations

import pytest

from ledger.errors import Malformed
from ledger.keys import SIGNATURE_SIZE, Ed25519Signer, verify

ORDER = 2**252 + 27742317777372353535851937790883648493
# RFC 8032 section 7.1: seed, public key, message, signature.
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
]
# Points of small order (1, 2, 4, 8), canonical or not: a key or an R among them proves nothing.
SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]


@pytest.mark.parametrize(("seed", "public", "message", "signature"), RFC_8032)
def test_the_vectors_of_rfc_8032(seed: str, public: str, message: str, signature: str) -> None:
    signer = Ed25519Signer(bytes.fromhex(seed))
    assert signer.public.hex() == public
    assert signer.sign(bytes.fromhex(message)).hex() == signature
    assert verify(signer.public, bytes.fromhex(message), bytes.fromhex(signature))


def test_a_changed_bit_anywhere_is_refused() -> None:
    signer = Ed25519Signer(bytes(32))
    message, signature = b"donation", signer.sign(b"donation")
    for place in range(SIGNATURE_SIZE):
        for bit in range(8):
            bad = bytearray(signature)
            bad[place] ^= 1 << bit
            assert not verify(signer.public, message, bytes(bad))
    assert not verify(signer.public, b"donatioN", signature)
    assert not verify(Ed25519Signer(b"1" * 32).public, message, signature)


def test_a_signature_whose_s_is_not_reduced_is_refused() -> None:
    """S + L satisfies the equation too; accepting it would give a signature two spellings."""
    signer = Ed25519Signer(bytes(32))
    signature = signer.sign(b"x")
    response = int.from_bytes(signature[32:], "little")
    for multiple in range(1, 16):
        larger = response + multiple * ORDER
        if larger < 2**256:
            twin = signature[:32] + larger.to_bytes(32, "little")
            assert not verify(signer.public, b"x", twin)


@pytest.mark.parametrize("point", SMALL_ORDER)
def test_keys_and_commitments_of_small_order_are_refused(point: str) -> None:
    small = bytes.fromhex(point)
    signer = Ed25519Signer(bytes(32))
    signature = signer.sign(b"x")
    assert not verify(small, b"x", signature)
    assert not verify(small, b"x", small + bytes(32))
    assert not verify(signer.public, b"x", small + signature[32:])
    assert not verify(small, b"x", bytes(64))


@pytest.mark.parametrize("public", ["ff" * 32, "02" + "00" * 31, "f0" + "ff" * 30 + "7f"])
def test_a_key_that_is_no_point_is_refused(public: str) -> None:
    assert not verify(bytes.fromhex(public), b"x", Ed25519Signer(bytes(32)).sign(b"x"))


@pytest.mark.parametrize(
    ("key_size", "signature_size"), [(31, 64), (33, 64), (32, 63), (32, 65), (0, 0)]
)
def test_other_lengths_are_refused_without_an_error(key_size: int, signature_size: int) -> None:
    assert not verify(bytes(key_size), b"", bytes(signature_size))


def test_a_seed_of_another_length_is_malformed() -> None:
    for size in (0, 31, 33, 64):
        with pytest.raises(Malformed, match="seed"):
            Ed25519Signer(bytes(size))
