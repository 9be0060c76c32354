"""Fast signers for simulation: keyed BLAKE2b behind the Signer and Verify seams.

Who lacks the secret cannot sign: the adversary is given the secrets of its own members and no
others.
"""

from __future__ import annotations

from hashlib import blake2b

from ledger.membership import Member, MemberSet


class FakeSigner:
    """Signs with a secret that only the keyring can check."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self.public = blake2b(secret, digest_size=32).digest()

    def sign(self, message: bytes) -> bytes:
        return blake2b(message, key=self._secret, digest_size=64).digest()


class Keyring:
    """Makes signers by name, and verifies whatever they signed."""

    def __init__(self) -> None:
        self._signers: dict[bytes, FakeSigner] = {}
        self._names: dict[str, FakeSigner] = {}

    def signer(self, name: str) -> FakeSigner:
        """The signer of that name, always the same."""
        if name not in self._names:
            signer = FakeSigner(blake2b(name.encode(), digest_size=32).digest())
            self._names[name] = signer
            self._signers[signer.public] = signer
        return self._names[name]

    def verify(self, public: bytes, message: bytes, signature: bytes) -> bool:
        signer = self._signers.get(public)
        return signer is not None and signer.sign(message) == signature

    def cosigner(self, member: str, epoch: int) -> FakeSigner:
        """A member's cosigner key of an epoch: another one in each."""
        return self.signer(f"{member}/cosigner/{epoch}" if epoch else f"{member}/cosigner")

    def member(self, name: str, epoch: int = 0) -> Member:
        """A member as the set of an epoch names it."""
        return Member(
            cosigner_key=self.cosigner(name, epoch).public,
            id=name,
            log_key=self.signer(f"{name}/log").public,
            tls_certificate=b"certificate of " + name.encode(),
            vote_key=self.signer(f"{name}/vote").public,
        )

    def members(self, n: int) -> MemberSet:
        """A member set of n, ids m0, m1, ..."""
        return MemberSet(tuple(self.member(f"m{place}") for place in range(n)))
