"""Which member set may follow which: R-MB-5, and what of it protects R-MB-6.

The rule is asked by whoever executes a change of members, so that no other set is ever named by a
header. Each test tells one set that an attacker, or a tired operator, would like to have.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

import pytest

from ledger.errors import Malformed
from ledger.membership import Member, MemberSet, check_succession


@dataclass(frozen=True)
class Renewed:
    """A member in an epoch: the vote, log and TLS keys of the person, a cosigner key of its own."""

    name: str
    epoch: int
    person: str = ""  # whose keys it has; its own unless told

    def member(self, **instead: bytes) -> Member:
        person = self.person or self.name
        keys = {
            "vote_key": key(person, "vote"),
            "log_key": key(person, "log"),
            "tls_certificate": key(person, "tls"),
            "cosigner_key": key(person, f"cosigner/{self.epoch}"),
        }
        keys.update(instead)
        return Member(id=self.name, **keys)


def key(person: str, role: str) -> bytes:
    return blake2b(f"{person}/{role}".encode(), digest_size=32).digest()


def one(name: str, epoch: int, **instead: bytes) -> Member:
    return Renewed(name, epoch).member(**instead)


def members(epoch: int, *names: str) -> MemberSet:
    return MemberSet(tuple(one(name, epoch) for name in names))


SEVEN = ("a", "b", "c", "d", "e", "f", "g")


def test_the_same_members_with_new_cosigner_keys_may_follow_in_any_order() -> None:
    check_succession(members(0, *SEVEN), members(1, *SEVEN[::-1]))


def test_as_many_may_leave_at_once_as_may_lie_and_not_one_more() -> None:
    """R-MB-5: f of the seven are two; whoever comes does not make up for it."""
    before = members(0, *SEVEN)
    check_succession(before, members(1, *SEVEN[2:]))
    check_succession(before, members(1, *SEVEN[2:], "h", "i"))
    for gone in (3, 4, 7):
        with pytest.raises(Malformed, match=r"members: at most 2 of 7 may leave at once"):
            check_succession(before, members(1, *SEVEN[gone:], "h", "i", "j", "k"))


def test_a_set_does_not_shrink_below_four_but_a_small_one_may_grow() -> None:
    """R-MB-5: three tolerate no fault at all."""
    with pytest.raises(Malformed, match="members: must be at least 4"):
        check_succession(members(0, "a", "b", "c", "d"), members(1, "a", "b", "c"))
    check_succession(members(0, "a"), members(1, "a", "b"))
    check_succession(members(0, "a", "b", "c"), members(1, "a", "b", "c"))
    with pytest.raises(Malformed, match="members: must be at least 3"):
        check_succession(members(0, "a", "b", "c"), members(1, "a", "b"))


def test_an_id_belongs_to_one_vote_key_for_ever() -> None:
    """R-MB-5: identities are never reused, neither at once nor after years outside."""
    before = members(0, "a", "b", "c", "d")
    stranger = Renewed("d", 1, person="x").member()
    after = MemberSet((*members(1, "a", "b", "c").members, stranger))
    with pytest.raises(Malformed, match=r"members\.id: d had another vote key"):
        check_succession(before, after)
    between = members(1, "a", "b", "c", "e")
    late = MemberSet((*members(2, "a", "b", "c", "e").members, stranger))
    with pytest.raises(Malformed, match=r"members\.id: d had another vote key"):
        check_succession(between, late, [before])


def test_who_left_may_come_back_as_itself() -> None:
    before, between = members(0, "a", "b", "c", "d"), members(1, "a", "b", "c", "e")
    check_succession(between, members(2, "a", "b", "c", "d"), [before])


def test_a_cosigner_key_is_used_in_one_epoch_only() -> None:
    """R-MB-6: a key that is kept is a key that can sign the past again; an older one, too."""
    before, between = members(0, "a", "b", "c", "d"), members(1, "a", "b", "c", "d")
    for known, past in ((1, []), (0, [before])):
        kept = MemberSet((one("a", known), *members(2, "b", "c", "d").members))
        with pytest.raises(Malformed, match=r"members\.cosigner_key: that of a is not new"):
            check_succession(between, kept, past)


@pytest.mark.parametrize("role", ["vote_key", "log_key", "tls_certificate"])
def test_no_key_moves_to_another_member_or_role(role: str) -> None:
    """R-MB-5: a member that came with another's key could answer for it."""
    before = members(0, "a", "b", "c", "d")
    borrowed = one("e", 1, **{role: getattr(before.members[3], role)})
    after = MemberSet((*members(1, "a", "b", "c").members, borrowed))
    with pytest.raises(Malformed, match=rf"members\.{role}: that of e had another use before"):
        check_succession(before, after)
    vote_as_log = one("e", 1, log_key=key("d", "vote"))
    after = MemberSet((*members(1, "a", "b", "c").members, vote_as_log))
    with pytest.raises(Malformed, match=r"members\.log_key: that of e had another use before"):
        check_succession(before, after)
