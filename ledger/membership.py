"""Who the members are in an epoch, in canonical order, what they sign with, and who may follow.

A member has four keys that are never mixed: vote (PBFT messages), log (its own checkpoint note),
cosigner (certification) and TLS (a pinned self-signed Ed25519 certificate). Addresses are not
membership: they are configuration. The digest of a member set is bound by every header (DESIGN 2.6,
R-MB-2, R-MB-4).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from ledger.codec import Digest, Format
from ledger.errors import Malformed
from ledger.hashing import tagged
from ledger.limits import MEMBERS_MAX
from ledger.quorum import faulty, quorum, weak

__all__ = ["Member", "MemberSet", "check_succession"]

MEMBERS_LEAST: Final = 4  # fewer tolerate no fault; a set that never had so many may still grow
_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\Z")
_MemberId = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,62}\Z")]


class Member(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One member: id and four public identities. Keys are 32 bytes, the certificate is DER."""

    cosigner_key: Digest
    id: _MemberId
    log_key: Digest
    tls_certificate: Annotated[bytes, Meta(min_length=1, max_length=4096)]
    vote_key: Digest


_MEMBERS: Final = Format(tuple[Member, ...], "member set")


class MemberSet:
    """The ordered members of one epoch. Immutable; equal when their digests are equal."""

    __slots__ = ("_digest", "_index", "f", "members", "n", "q", "weak")

    def __init__(self, members: tuple[Member, ...]) -> None:
        """Take the members in their canonical order.

        Raises: Malformed when empty, too many, or when an id or a key appears twice.
        """
        if not 1 <= len(members) <= MEMBERS_MAX:
            raise Malformed("members", f"must be 1 to {MEMBERS_MAX}")
        keys = [key for m in members for key in (m.vote_key, m.log_key, m.cosigner_key)]
        if len(set(keys)) != len(keys):
            raise Malformed("members", "a key appears twice")
        if len({m.id for m in members}) != len(members):
            raise Malformed("members", "an id appears twice")
        if any(not _ID.match(m.id) for m in members):
            raise Malformed("members", "an id is not a lower-case word")
        self.members = members
        self.n = len(members)
        self.f = faulty(self.n)
        self.q = quorum(self.n)
        self.weak = weak(self.n)
        self._index = {member.id: place for place, member in enumerate(members)}
        self._digest = tagged("members", self.encode())

    def encode(self) -> bytes:
        """Return the canonical bytes: an array of member maps in order."""
        return _MEMBERS.encode(self.members)

    @classmethod
    def decode(cls, data: bytes) -> MemberSet:
        """Read canonical bytes. Raises: Malformed."""
        return cls(_MEMBERS.decode(data))

    def digest(self) -> bytes:
        """Return the tagged hash that headers name."""
        return self._digest

    def get(self, member_id: str) -> Member | None:
        """Return the member of that id, or None."""
        place = self._index.get(member_id)
        return None if place is None else self.members[place]

    def index(self, member_id: str) -> int:
        """Return the member's place in the order. Raises: Malformed when it is no member."""
        place = self._index.get(member_id)
        if place is None:
            raise Malformed("member", f"{member_id!r} is not in the member set")
        return place

    def primary(self, view: int) -> Member:
        """Return the primary of a view: members in turn (PBFT section 4)."""
        return self.members[view % self.n]

    def __contains__(self, member_id: object) -> bool:
        return member_id in self._index

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MemberSet) and other._digest == self._digest

    def __hash__(self) -> int:
        return int.from_bytes(self._digest[:8], "big")


def check_succession(before: MemberSet, after: MemberSet, past: Iterable[MemberSet] = ()) -> None:
    """Check that a set may follow another; `past` are the sets before `before`.

    Whoever executes refuses any other: a set that breaks these rules could not be certified
    safely, or would bring the chain to a stand (R-MB-5). At least 4 members, or as many as before;
    at most f of the set before removed at once; an id belongs to one vote key for ever; no key
    moves to another member or role; cosigner keys were never seen before (DESIGN 2.9).
    Raises: Malformed, naming field and rule.
    """
    if after.n < min(MEMBERS_LEAST, before.n):
        raise Malformed("members", f"must be at least {min(MEMBERS_LEAST, before.n)}")
    removed = [member.id for member in before.members if member.id not in after]
    if len(removed) > before.f:
        raise Malformed("members", f"at most {before.f} of {before.n} may leave at once")
    owners: dict[bytes, tuple[str, str]] = {}  # key -> role and member that had it first
    votes: dict[str, bytes] = {}  # id -> its vote key
    for known in (*past, before):
        for member in known.members:
            votes[member.id] = member.vote_key
            for role, key in _keys(member):
                owners[key] = (role, member.id)
    for member in after.members:
        if votes.get(member.id, member.vote_key) != member.vote_key:
            raise Malformed("members.id", f"{member.id} had another vote key: it is not used again")
        if member.cosigner_key in owners:
            raise Malformed("members.cosigner_key", f"that of {member.id} is not new")
        for role, key in _keys(member):
            if owners.get(key, (role, member.id)) != (role, member.id):
                raise Malformed(f"members.{role}", f"that of {member.id} had another use before")


def _keys(member: Member) -> tuple[tuple[str, bytes], ...]:
    return (
        ("vote_key", member.vote_key),
        ("log_key", member.log_key),
        ("cosigner_key", member.cosigner_key),
        ("tls_certificate", member.tls_certificate),
    )
