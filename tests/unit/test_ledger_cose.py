"""COSE receipts: their exact bytes, what they say, and everything else refused."""

from __future__ import annotations

from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.cbor import Tag, decode_cbor, encode_cbor
from ledger.cose import encode_cose_receipt, sign_root, verify_cose_receipt
from ledger.errors import Malformed
from ledger.keys import Ed25519Signer, verify
from ledger.merkle_log import MerkleLog, leaf_hash, verify_inclusion
from ledger.notes import ED25519, VerifierKey

SIGNER = Ed25519Signer(bytes(range(32)))
ISSUER = f"hubei/{'ab' * 32}/m1"
KEY = VerifierKey(ISSUER, ED25519, SIGNER.public)
LEAVES = [leaf_hash(b"header %d" % height) for height in range(1, 10)]
LOG = MerkleLog(LEAVES)


def receipt(index: int = 4, size: int = 9) -> bytes:
    signed = sign_root(ISSUER, size, LOG.root(size), SIGNER)
    return encode_cose_receipt(signed, index, LOG.inclusion(index, size))


def forged(change: Any, index: int = 4, size: int = 9) -> bytes:
    """A receipt taken apart by another library, changed, and put together again."""
    tagged = cbor2.loads(receipt(index, size))
    protected, unprotected, payload, signature = tagged.value
    proofs = {kind: list(ones) for kind, ones in unprotected[396].items()}
    parts = [protected, {396: proofs}, payload, signature]
    change(parts)
    return cbor2.dumps(cbor2.CBORTag(tagged.tag, parts), canonical=True)


# CBOR.

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers(-(2**64), 2**64 - 1) | st.binary(max_size=40) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.integers(-500, 500) | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(VALUES)
def test_the_encoding_is_what_another_library_writes_and_reads(value: Any) -> None:
    data = encode_cbor(value)
    assert cbor2.loads(data) == value
    if not holds_map(value):  # its "canonical" orders keys by length first (RFC 7049)
        assert cbor2.dumps(value, canonical=True) == data


def holds_map(value: Any) -> bool:
    if isinstance(value, list):
        return any(holds_map(one) for one in value)
    return isinstance(value, dict)


def depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(depth, inner), default=0)


@given(VALUES.filter(lambda value: depth(value) <= 8))
def test_what_is_encoded_is_decoded_again(value: Any) -> None:
    assert decode_cbor(encode_cbor(value)) == value


@given(st.binary(max_size=60))
def test_any_bytes_are_refused_or_spelt_in_the_one_way(data: bytes) -> None:
    try:
        value = decode_cbor(data)
    except Malformed:
        return
    assert encode_cbor(value) == data


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        ("", "ends too early"),
        ("1817", "deterministic"),  # 23 in two bytes
        ("1900ff", "deterministic"),  # 255 in three
        ("5f4101ff", "no receipt"),  # of indefinite length
        ("9f01ff", "no receipt"),
        ("a201020102", "key twice"),
        ("a202010101", "deterministic"),  # keys out of order
        ("a1810102", "another kind"),  # an array as key
        ("61ff", "UTF-8"),
        ("f5", "no receipt"),  # true
        ("f93c00", "no receipt"),  # a float
        ("fb3ff0000000000000", "no receipt"),
        ("0100", "after its end"),
        ("5b7fffffffffffffff00", "too early"),  # a length from nowhere
        ("9b7fffffffffffffff00", "too early"),
        ("bb7fffffffffffffff00", "too early"),
        ("81" * 9 + "00", "too deep"),
        ("99" + "0300" + "00" * 0x300, "too much"),
    ],
)
def test_other_spellings_are_refused_by_name(data: str, rule: str) -> None:
    with pytest.raises(Malformed, match=rule):
        decode_cbor(bytes.fromhex(data))


@pytest.mark.parametrize("value", [True, 1.5, 2**64, -(2**64) - 1, {b"k": 1.0}, object()])
def test_what_has_no_form_is_not_encoded(value: Any) -> None:
    with pytest.raises(Malformed):
        encode_cbor(value)


# Receipts.


def test_a_receipt_has_the_bytes_of_the_standard() -> None:
    tagged = cbor2.loads(receipt())
    protected, unprotected, payload, signature = tagged.value
    assert tagged.tag == 18
    assert payload is None  # detached: a reader must compute the root
    header = cbor2.loads(protected)
    assert header == {1: -8, 4: KEY.id, 15: {1: ISSUER}, 395: 1, "suyuan/log-size": 9}
    assert set(unprotected) == {396}
    [proof] = unprotected[396][-1]
    assert set(unprotected[396]) == {-1}
    size, index, path = cbor2.loads(proof)
    assert (size, index) == (9, 4)
    assert verify_inclusion(LEAVES[4], index, size, path, LOG.root(9))
    structure = cbor2.dumps(["Signature1", protected, b"", LOG.root(9)])
    assert verify(SIGNER.public, structure, signature)


@pytest.mark.parametrize("size", range(2, 10))
def test_every_leaf_of_every_size_verifies(size: int) -> None:
    for index in range(size):
        data = receipt(index, size)
        assert verify_cose_receipt(data, LEAVES[index], KEY) == (index, size, LOG.root(size))


def test_a_log_of_one_leaf_has_no_receipt() -> None:
    with pytest.raises(Malformed, match="2 leaves"):
        sign_root(ISSUER, 1, LOG.root(1), SIGNER)


def test_a_receipt_is_of_one_leaf_one_key_and_one_issuer() -> None:
    data = receipt()
    with pytest.raises(Malformed, match=r"receipt\.signature"):
        verify_cose_receipt(data, LEAVES[5], KEY)
    other = Ed25519Signer(bytes(32)).public
    for key in (
        VerifierKey(ISSUER, ED25519, other),
        VerifierKey(f"{ISSUER}x", ED25519, KEY.public),
    ):
        with pytest.raises(Malformed, match=r"receipt\.protected"):
            verify_cose_receipt(data, LEAVES[4], key)


def test_index_and_size_cannot_be_moved_although_the_path_would_fit() -> None:
    """The last leaf of 3 has a path of the last leaf of 2; only the signed size tells which."""

    def move(parts: list[Any]) -> None:
        size, index, path = cbor2.loads(parts[1][396][-1][0])
        assert (size, index, len(path)) == (3, 2, 1)
        parts[1][396][-1][0] = cbor2.dumps([2, 1, path])

    data = forged(move, index=2, size=3)
    with pytest.raises(Malformed, match=r"receipt\.protected"):
        verify_cose_receipt(data, LEAVES[2], KEY)


CHANGES: dict[str, Any] = {
    "payload attached": lambda parts: parts.__setitem__(2, LOG.root(9)),
    "signature short": lambda parts: parts.__setitem__(3, parts[3][:-1]),
    "signature changed": lambda parts: parts.__setitem__(3, bytes(64)),
    "a fifth part": lambda parts: parts.append(b""),
    "an unsigned word beside the proof": lambda parts: parts[1].__setitem__("note", "fresh"),
    "a second kind of proof": lambda parts: parts[1][396].__setitem__(-2, [b""]),
    "two inclusion proofs": lambda parts: parts[1][396][-1].append(parts[1][396][-1][0]),
    "no proof": lambda parts: parts[1][396].__setitem__(-1, []),
    "proof without path": lambda parts: put_proof(parts, [9, 4, []]),
    "path of a short hash": lambda parts: put_proof(parts, [9, 4, [bytes(31)]]),
    "path too long": lambda parts: put_proof(parts, [9, 4, [bytes(32)] * 107]),
    "path of another shape": lambda parts: put_proof(parts, [9, 4, [bytes(32)]]),
    "index at the size": lambda parts: put_proof(parts, [9, 9, [bytes(32)]]),
    "negative index": lambda parts: put_proof(parts, [9, -1, [bytes(32)]]),
    "a size beyond all integers": lambda parts: put_proof(parts, [2**53, 4, [bytes(32)]]),
    "another algorithm": lambda parts: put_header(parts, 1, -7),
    "another structure": lambda parts: put_header(parts, 395, 2),
    "a header more": lambda parts: put_header(parts, 3, "text/plain"),
    "another size signed": lambda parts: put_header(parts, "suyuan/log-size", 8),
}


def put_proof(parts: list[Any], proof: list[Any]) -> None:
    parts[1][396][-1] = [cbor2.dumps(proof)]


def put_header(parts: list[Any], label: Any, value: Any) -> None:
    header = cbor2.loads(parts[0])
    header[label] = value
    parts[0] = encode_cbor(header)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_receipt_is_refused(change: Any) -> None:
    assert forged(lambda parts: None) == receipt()
    with pytest.raises(Malformed, match="receipt"):
        verify_cose_receipt(forged(change), LEAVES[4], KEY)


def test_an_untagged_a_longer_and_a_huge_file_are_refused() -> None:
    data = receipt()
    untagged = encode_cbor(decode_cbor(data).value)
    assert data == encode_cbor(Tag(18, decode_cbor(data).value))
    for bad in (untagged, data + b"\x00", data[:-1], bytes(9_000), b""):
        with pytest.raises(Malformed, match="receipt"):
            verify_cose_receipt(bad, LEAVES[4], KEY)


def test_a_signed_note_is_never_a_receipt_s_signature_nor_the_other_way() -> None:
    """One log key signs both: what it signs for one can never be read as the other."""
    from ledger.cose import _protected, _signed_bytes

    signed = _signed_bytes(_protected(KEY, 9), LOG.root(9))
    assert signed[0] == 0x84
    with pytest.raises(UnicodeDecodeError):
        signed.decode()
