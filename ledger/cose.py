"""COSE receipts: one member's word that a header stands in the chain log, for COSE tools.

A COSE_Sign1 whose payload, detached, is the Merkle root; the inclusion proof lies beside it. Export
only: a receipt is the word of one member, and no verdict rests on it (that is a bundle's work).

The standard signs the root and leaves size and index of the proof open: the same root and path fit
several pairs of them. So the protected header names the size, too; under a known size a path leads
from one index only. It also names the issuer, `<chain>/<member>`.

The log key signs notes and these. No byte string is both: a note is UTF-8 text, and a Sig_structure
begins with 0x84, which no UTF-8 text does.

Source: RFC 9942 (vds 1, RFC9162_SHA256), RFC 9052 section 4.4, RFC 9597; formats.md 6.9.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from ledger.cbor import Tag, decode_cbor, encode_cbor
from ledger.errors import Malformed
from ledger.keys import SIGNATURE_SIZE, Signer, Verify, verify
from ledger.limits import INTEGER_MAX, MERKLE_PATH_MAX
from ledger.merkle_log import inclusion_root
from ledger.notes import ED25519, VerifierKey, key_id

__all__ = [
    "RECEIPT_LOG_SIZE_MIN",
    "SignedRoot",
    "encode_cose_receipt",
    "sign_root",
    "verify_cose_receipt",
]

ALGORITHM, KEY_ID, CLAIMS, STRUCTURE, PROOFS = 1, 4, 15, 395, 396  # COSE header labels
EDDSA: Final = -8
RFC9162_SHA256: Final = 1
ISSUER: Final = 1  # CWT claim
INCLUSION: Final = -1
SIZE_LABEL: Final = "suyuan/log-size"  # ours: the size whose root is signed
SIGN1_TAG: Final = 18
RECEIPT_LOG_SIZE_MIN: Final = 2  # an inclusion path has at least one hash there
RECEIPT_SIZE_MAX: Final = 8 * 1024  # bytes; the longest path has 3.6 kB


@dataclass(frozen=True, slots=True)
class SignedRoot:
    """A root of the log at a size, signed once; any leaf's proof may be put beside it."""

    size: int
    protected: bytes
    signature: bytes


def sign_root(issuer: str, size: int, root: bytes, signer: Signer) -> SignedRoot:
    """Sign a root with the log key of the issuer `<chain>/<member>`.

    Raises: Malformed below RECEIPT_LOG_SIZE_MIN.
    """
    if size < RECEIPT_LOG_SIZE_MIN:
        raise Malformed("receipt", f"needs a log of {RECEIPT_LOG_SIZE_MIN} leaves")
    protected = _protected(VerifierKey(issuer, ED25519, signer.public), size)
    return SignedRoot(size, protected, signer.sign(_signed_bytes(protected, root)))


def encode_cose_receipt(signed: SignedRoot, index: int, path: Sequence[bytes]) -> bytes:
    """Return the receipt of the leaf at `index`, whose path leads to the signed root."""
    proof = encode_cbor([signed.size, index, list(path)])
    unprotected = {PROOFS: {INCLUSION: [proof]}}
    return encode_cbor(Tag(SIGN1_TAG, [signed.protected, unprotected, None, signed.signature]))


def verify_cose_receipt(
    data: bytes, leaf: bytes, key: VerifierKey, verify: Verify = verify
) -> tuple[int, int, bytes]:
    """Return index, size and root under which the issuer `key` says that the leaf hash stands.

    The leaf hash comes from the application, the key from a source one trusts. First the proof,
    then the signature over the root it leads to (RFC 9942). Raises: Malformed.
    """
    protected, proof, signature = _read(data)
    index, size, path = _read_proof(proof)
    if protected != _protected(key, size):
        raise Malformed("receipt.protected", "is not this issuer's, or of another size")
    root = inclusion_root(leaf, index, size, path)
    if root is None:
        raise Malformed("receipt.proof", "is no path of this index and size")
    if not verify(key.public, _signed_bytes(protected, root), signature):
        raise Malformed("receipt.signature", "does not verify over the root of this leaf")
    return index, size, root


def _protected(key: VerifierKey, size: int) -> bytes:
    return encode_cbor(
        {
            ALGORITHM: EDDSA,
            KEY_ID: key_id(key.name, key.kind, key.public),
            CLAIMS: {ISSUER: key.name},
            STRUCTURE: RFC9162_SHA256,
            SIZE_LABEL: size,
        }
    )


def _signed_bytes(protected: bytes, root: bytes) -> bytes:
    """The Sig_structure of RFC 9052 with the root as payload."""
    return encode_cbor(["Signature1", protected, b"", root])


def _read(data: bytes) -> tuple[bytes, bytes, bytes]:
    """Return protected header, inclusion proof and signature of a receipt."""
    if len(data) > RECEIPT_SIZE_MAX:
        raise Malformed("receipt", f"is larger than {RECEIPT_SIZE_MAX} bytes")
    value: Any = decode_cbor(data, "receipt")
    match value:
        case Tag(18, [bytes(protected), {396: {-1: [bytes(proof)]}}, None, bytes(signature)]):
            # The patterns of maps let other keys pass: nothing unsigned may stand beside the proof.
            unprotected = value.value[1]
            alone = len(unprotected) == len(unprotected[PROOFS]) == 1
            if alone and len(signature) == SIGNATURE_SIZE:
                return protected, proof, signature
    raise Malformed("receipt", "must be a tagged COSE_Sign1 with one inclusion proof, detached")


def _read_proof(data: bytes) -> tuple[int, int, list[bytes]]:
    value: Any = decode_cbor(data, "receipt.proof")
    match value:
        case [int(size), int(index), [_, *_] as path] if (
            RECEIPT_LOG_SIZE_MIN <= size <= INTEGER_MAX
            and 0 <= index < size
            and len(path) <= MERKLE_PATH_MAX
            and all(isinstance(one, bytes) and len(one) == 32 for one in path)
        ):
            return index, size, path
    raise Malformed("receipt.proof", "must be [size, index, [hash, ...]]")
