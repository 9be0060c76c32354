"""tlog-policy: the quorum of departments as a file, and files that break the format's rules."""

from __future__ import annotations

import msgspec
import pytest

from ledger.checkpoint import Checkpoint
from ledger.errors import Malformed
from ledger.keys import Ed25519Signer
from ledger.membership import MemberSet
from ledger.notes import (
    ED25519,
    Note,
    NoteLine,
    cosign_text,
    parse_note,
    sign_text,
)
from ledger.tlog_policy import POLICY_SIZE_MAX, parse_policy, policy_of, vkeys_of
from tests.forger.policies import LINES, LOG, POLICIES, Case, signers, vkey
from tests.forger.stories import donation_world

WORLD = donation_world()
MEMBERS, ORIGIN = WORLD.genesis.members, WORLD.genesis.origin

CHECKPOINT = Checkpoint("log.example", 5, bytes(32))


def note(*cosigners: str, log: bool = True) -> Note:
    text = CHECKPOINT.text()
    lines = [cosign_text(text, 7, f"{name}.example", signers[name]) for name in cosigners]
    return Note(text, (*([sign_text(text, "log.example", LOG)] if log else []), *lines))


def test_groups_any_and_all_decide() -> None:
    policy = parse_policy(LINES)
    for enough in (("court", "press"), ("court", "ngo"), ("court", "press", "ngo")):
        assert policy.check(note(*enough)) == CHECKPOINT
    for few in ((), ("court",), ("press", "ngo")):
        with pytest.raises(Malformed, match="does not satisfy the quorum both"):
            policy.check(note(*few))
    with pytest.raises(Malformed, match="not signed by a log"):
        policy.check(note("court", "press", "ngo", log=False))


def test_a_policy_is_written_as_it_is_read() -> None:
    policy = parse_policy(LINES)
    assert parse_policy(policy.text()) == policy


def test_quorum_none_asks_for_a_log_alone() -> None:
    policy = parse_policy(LINES.replace("quorum both", "quorum none"))
    assert policy.check(note()) == CHECKPOINT


def test_another_origin_is_no_log_of_the_policy() -> None:
    other = Checkpoint("other.example", 5, bytes(32)).text()
    signed = Note(other, (sign_text(other, "log.example", LOG),))
    with pytest.raises(Malformed, match="not a log of this policy"):
        parse_policy(LINES).check(signed)


def test_the_consortium_s_policy_holds_all_logs_and_the_quorum_of_departments() -> None:
    policy = parse_policy(policy_of(ORIGIN, MEMBERS).text())
    assert [key.public for key in policy.logs] == [m.log_key for m in MEMBERS.members]
    assert {key.name for key in policy.logs} == {ORIGIN}
    assert policy.groups[policy.quorum].threshold == MEMBERS.q == 3
    assert list(policy.witnesses) == [m.id for m in MEMBERS.members]
    assert len({key.text() for key in vkeys_of(ORIGIN, MEMBERS)}) == 3 * MEMBERS.n


def test_fewer_than_q_departments_convince_no_reader_of_the_policy() -> None:
    text = WORLD.certificate().to_note(MEMBERS)
    policy = policy_of(ORIGIN, MEMBERS)
    with pytest.raises(Malformed, match="not signed by a log"):
        policy.check(Note(*_parts(text)))
    log = Ed25519Signer(b"z" * 32)
    trusted = parse_policy(f"log {vkey(ORIGIN, ED25519, log)}\n" + policy.text())
    body, lines = _parts(text)
    own = sign_text(body, ORIGIN, log)
    assert trusted.check(Note(body, (own, *lines))).size == WORLD.checkpoint().size
    with pytest.raises(Malformed, match="quorum departments"):
        trusted.check(Note(body, (own, *lines[:2])))
    with pytest.raises(Malformed, match="quorum departments"):
        trusted.check(Note(body, (own, lines[0], lines[0], lines[1])))


def _parts(text: str) -> tuple[str, tuple[NoteLine, ...]]:
    parsed = parse_note(text)
    return parsed.text, parsed.lines


def test_a_department_called_departments_does_not_collide() -> None:
    named = [msgspec.structs.replace(MEMBERS.members[0], id="departments"), *MEMBERS.members[1:]]
    policy = policy_of(ORIGIN, MemberSet(tuple(named)))
    assert parse_policy(policy.text()) == policy
    assert policy.quorum not in policy.witnesses


@pytest.mark.parametrize("one", POLICIES, ids=lambda one: str(one.name))
def test_a_policy_is_read_or_refused_by_line_and_rule(one: Case) -> None:
    """The portal's reader has the same cases: tests/vectors/policies.json."""
    if one.refused is None:
        assert parse_policy(one.text).quorum
        return
    with pytest.raises(Malformed) as refused:
        parse_policy(one.text)
    assert (refused.value.field, refused.value.rule) == one.refused


def test_a_policy_without_end_is_refused() -> None:
    with pytest.raises(Malformed, match="larger"):
        parse_policy("#" * 300_000)


def test_a_policys_size_is_counted_in_characters() -> None:
    """As in the second verifier: not in bytes, not in units of UTF-16."""
    start = "quorum none\n#"
    parse_policy(start + "\U0002070e" * (POLICY_SIZE_MAX - len(start)))
    with pytest.raises(Malformed, match=f"larger than {POLICY_SIZE_MAX} characters"):
        parse_policy(start + "\U0002070e" * (POLICY_SIZE_MAX + 1 - len(start)))
