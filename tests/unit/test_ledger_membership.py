"""Member sets: order, digest, lookups; and the arithmetic of quorums."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from ledger.codec import decode
from ledger.errors import Malformed
from ledger.hashing import tagged
from ledger.membership import MemberSet
from ledger.quorum import faulty, quorum, weak
from tests.forger.world import make_genesis

MEMBERS = make_genesis().members.members


@pytest.mark.parametrize(
    ("n", "f", "q"),
    [
        (1, 0, 1),
        (2, 0, 2),
        (3, 0, 2),
        (4, 1, 3),
        (5, 1, 4),
        (6, 1, 4),
        (7, 2, 5),
        (10, 3, 7),
        (16, 5, 11),
    ],
)
def test_quorums_of_the_table(n: int, f: int, q: int) -> None:
    assert (faulty(n), quorum(n), weak(n)) == (f, q, f + 1)


def test_two_quorums_share_an_honest_member_and_the_honest_make_one() -> None:
    for n in range(1, 200):
        f, q = faulty(n), quorum(n)
        assert 2 * q - n >= f + 1
        assert q <= n - f
        assert 2 * (q - 1) - n < f + 1  # and no smaller q would do


def test_a_set_knows_its_members_in_order() -> None:
    members = MemberSet(MEMBERS)
    assert (members.n, members.f, members.q, members.weak) == (4, 1, 3, 2)
    assert [members.index(one.id) for one in MEMBERS] == [0, 1, 2, 3]
    assert members.get("m2") is MEMBERS[2]
    assert members.get("m9") is None
    assert "m0" in members
    assert "m9" not in members
    assert [members.primary(view).id for view in range(6)] == ["m0", "m1", "m2", "m3", "m0", "m1"]
    with pytest.raises(Malformed, match="m9"):
        members.index("m9")


def test_its_digest_is_the_tagged_hash_of_its_canonical_bytes_and_binds_the_order() -> None:
    members = MemberSet(MEMBERS)
    assert members.digest() == tagged("members", members.encode())
    assert MemberSet.decode(members.encode()) == members
    assert hash(MemberSet.decode(members.encode())) == hash(members)
    backwards = MemberSet(MEMBERS[::-1])
    assert backwards != members
    assert backwards.digest() != members.digest()
    first = decode(members.encode())
    assert isinstance(first, list)
    assert list(first[0]) == ["cosigner_key", "id", "log_key", "tls_certificate", "vote_key"]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "members",
    [
        (),
        (MEMBERS[0], MEMBERS[0]),
        (MEMBERS[0], replace(MEMBERS[1], id="m0")),
        (MEMBERS[0], replace(MEMBERS[1], vote_key=MEMBERS[0].cosigner_key)),
        (replace(MEMBERS[0], log_key=MEMBERS[0].vote_key),),
    ],
    ids=["none", "twice", "an-id-twice", "a-key-across-members", "a-key-across-roles"],
)
def test_a_set_with_something_twice_is_malformed(members: tuple[object, ...]) -> None:
    with pytest.raises(Malformed, match="members"):
        MemberSet(members)  # type: ignore[arg-type]


def test_at_most_sixteen_members() -> None:
    MemberSet(make_genesis(members=16).members.members)
    with pytest.raises(Malformed, match="1 to 16"):
        make_genesis(members=17)
