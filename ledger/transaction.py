"""A transaction: what one to four accounts ask a contract to do, signed.

On the wire it is the canonical array [body bytes, signatures]; the body lists its signers [account,
public key], so no signature moves between accounts. The key id of DESIGN section 4 *is* the 32-byte
public key: the validity of a signature is then a fact about bytes alone, which every member decides
alike whatever it has executed so far; whether the key belongs to the account is decided by the
runtime (docs/decisions/0004).

Two names: `id` (of the body: what is consumed exactly once) and `digest` (of the bytes with
signatures: what batches list and the transactions root covers).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from ledger.codec import Digest, Format, Natural, check
from ledger.errors import Malformed
from ledger.hashing import tag, tagged
from ledger.keys import SIGNATURE_SIZE, Signer, Verify, verify
from ledger.limits import (
    ARGUMENTS_LENGTH_MAX,
    ARGUMENTS_NODES_MAX,
    SIGNERS_MAX,
    TRANSACTION_SIZE_MAX,
)
from ledger.merkle_log import leaf_hash

__all__ = ["NONCE_SIZE", "SUITE", "VERSION", "Body", "Transaction", "signed"]

VERSION: Final = 1
SUITE: Final = "ed25519-sha256"
NONCE_SIZE: Final = 16
_SIGNED_TAG: Final = tag("transaction")

_Word = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,31}\Z")]
_Function = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,47}\Z")]
_AccountId = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,30}\.[a-z0-9][a-z0-9-]{0,60}\Z")]
_Signature = Annotated[bytes, Meta(min_length=SIGNATURE_SIZE, max_length=SIGNATURE_SIZE)]


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is signed. `valid_until` is in milliseconds since 1970 UTC; `chain` is the chain id."""

    arguments: Annotated[dict[str, Any], Meta(max_length=ARGUMENTS_LENGTH_MAX)]
    chain: Digest
    contract: _Word
    function: _Function
    nonce: Annotated[bytes, Meta(min_length=NONCE_SIZE, max_length=NONCE_SIZE)]
    signers: Annotated[
        tuple[tuple[_AccountId, Digest], ...], Meta(min_length=1, max_length=SIGNERS_MAX)
    ]
    suite: str
    valid_until: Natural
    version: int


class _Envelope(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    body: bytes
    signatures: Annotated[tuple[_Signature, ...], Meta(min_length=1, max_length=SIGNERS_MAX)]


_BODY: Final = Format(Body, "transaction.body")
_ENVELOPE: Final = Format(_Envelope, "transaction")


class Transaction:
    """A transaction of checked form; its signatures are not, until `check_signatures`."""

    __slots__ = ("_digest", "_id", "body", "body_bytes", "raw", "signatures")

    def __init__(
        self, raw: bytes, body_bytes: bytes, body: Body, signatures: tuple[bytes, ...]
    ) -> None:
        self.raw = raw
        self.body_bytes = body_bytes
        self.body = body
        self.signatures = signatures
        self._id: bytes | None = None
        self._digest: bytes | None = None

    @classmethod
    def decode(cls, raw: bytes) -> Transaction:
        """Read canonical bytes.

        Raises: Malformed, naming the field and the rule.
        """
        if len(raw) > TRANSACTION_SIZE_MAX:
            raise Malformed("transaction", f"is larger than {TRANSACTION_SIZE_MAX} bytes")
        envelope = _ENVELOPE.decode(raw)
        body = _BODY.decode(envelope.body)
        check(body.arguments, "transaction.body.arguments", ARGUMENTS_NODES_MAX)
        if body.version != VERSION:
            raise Malformed("transaction.body.version", f"must be {VERSION}")
        if body.suite != SUITE:
            raise Malformed("transaction.body.suite", f"must be {SUITE}")
        if len(envelope.signatures) != len(body.signers):
            raise Malformed("transaction.signatures", "must be one for each signer")
        if len(body.signers) > 1 and len({account for account, _ in body.signers}) != len(
            body.signers
        ):
            raise Malformed("transaction.body.signers", "an account signs twice")
        return cls(raw, envelope.body, body, envelope.signatures)

    @property
    def id(self) -> bytes:
        """The 32-byte tagged hash of the body: consumed exactly once."""
        if self._id is None:
            self._id = tagged("transaction", self.body_bytes)
        return self._id

    @property
    def digest(self) -> bytes:
        """The 32-byte RFC 6962 leaf hash of the whole bytes, under the transactions root."""
        if self._digest is None:
            self._digest = leaf_hash(self.raw)
        return self._digest

    def check_signatures(self, verify: Verify = verify) -> bool:
        """Say whether every signer's signature holds (about 40 to 60 µs each)."""
        message = _SIGNED_TAG + self.body_bytes
        return all(
            verify(public, message, signature)
            for (_, public), signature in zip(self.body.signers, self.signatures, strict=True)
        )


def signed(body: Body, signers: Sequence[Signer]) -> Transaction:
    """Sign a body with the keys of its signers, in their order.

    Raises: Malformed when the body has no canonical form or the signers are not those it names.
    """
    if [signer.public for signer in signers] != [public for _, public in body.signers]:
        raise Malformed("transaction.body.signers", "are not the keys that sign")
    body_bytes = _BODY.encode(body)
    message = _SIGNED_TAG + body_bytes
    envelope = _Envelope(body_bytes, tuple(signer.sign(message) for signer in signers))
    return Transaction.decode(_ENVELOPE.encode(envelope))
