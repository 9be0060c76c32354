"""tlog-policy: the quorum of departments as a file, and files that break the format's rules."""

from __future__ import annotations

import msgspec
import pytest

from ledger.checkpoint import Checkpoint
from ledger.errors import Malformed
from ledger.keys import Ed25519Signer
from ledger.membership import MemberSet
from ledger.notes import (
    COSIGNATURE_V1,
    ED25519,
    Note,
    NoteLine,
    VerifierKey,
    cosign_text,
    parse_note,
    sign_text,
)
from ledger.tlog_policy import parse_policy, policy_of, vkeys_of
from tests.forger.stories import donation_world

WORLD = donation_world()
MEMBERS, ORIGIN = WORLD.genesis.members, WORLD.genesis.origin

LOG = Ed25519Signer(b"l" * 32)
COURT, PRESS, NGO = (Ed25519Signer(letter * 32) for letter in (b"c", b"p", b"n"))
CHECKPOINT = Checkpoint("log.example", 5, bytes(32))


def vkey(name: str, kind: int, signer: Ed25519Signer) -> str:
    return VerifierKey(name, kind, signer.public).text()


LINES = f"""
# whom we believe
log {vkey("log.example", ED25519, LOG)} https://log.example/

witness court {vkey("court.example", COSIGNATURE_V1, COURT)} https://court.example/witness
witness press {vkey("press.example", COSIGNATURE_V1, PRESS)}   # daily
witness ngo {vkey("ngo.example", COSIGNATURE_V1, NGO)}
group public any press ngo
group both all court public
quorum both
"""


def note(*cosigners: str, log: bool = True) -> Note:
    text = CHECKPOINT.text()
    signers = {"court": COURT, "press": PRESS, "ngo": NGO}
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


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("quorum both", "one quorum line"),
        ("quorum", "must be a log, witness, group or quorum line"),
        ("nonsense x", "must be a log, witness, group or quorum line"),
        (f"witness court {vkey('x.example', COSIGNATURE_V1, LOG)}", "defined already"),
        (f"witness both {vkey('x.example', COSIGNATURE_V1, LOG)}", "defined already"),
        (f"witness other {vkey('other.example', COSIGNATURE_V1, COURT)}", "stands twice"),
        (f"witness none {vkey('x.example', COSIGNATURE_V1, LOG)}", "cannot be used"),
        (f"witness x {vkey('x.example', ED25519, LOG)}", "of type 4"),
        (f"log {vkey('x.example', COSIGNATURE_V1, PRESS)}", "of type 1"),
        (f"log {vkey('x.example', ED25519, LOG)}", "stands twice"),
        ("group late constructor both", "threshold must be 1 to 1"),
        ("group late any nobody", "not defined before"),
        ("group late any court", "in a group already"),
        ("group late any late", "not defined before"),
        ("group late 2 both", "threshold must be 1 to 1"),
        ("group late 0 both", "threshold must be 1 to 1"),
        ("group late 01 both", "threshold must be 1 to 1"),
        ("group late", "must be a log, witness, group or quorum line"),
    ],
)
def test_a_line_that_breaks_a_rule_is_named(line: str, rule: str) -> None:
    with pytest.raises(Malformed, match=rule) as refused:
        parse_policy(LINES + line + "\n")
    assert refused.value.field == "policy, line 11"


def test_two_keys_that_lines_could_not_tell_apart_are_refused() -> None:
    # Made to share name and key id, four bytes: a line of one would be judged by the other.
    first = "ngo.example+e70e5e4d+BI4d/M9/iIGcS+0HGPyXk94HPjmKwl8onZhTVcWSdJni"
    second = "ngo.example+e70e5e4d+BIpRKs+5G0s1RX/J40U3JebKluntsKYLXDWbA/G46axO"
    text = f"witness w1 {first}\nwitness w2 {second}\nquorum w1\n"
    with pytest.raises(Malformed, match="stands twice"):
        parse_policy(text)


def test_a_policy_without_quorum_or_without_end_is_refused() -> None:
    with pytest.raises(Malformed, match="no quorum"):
        parse_policy(LINES.replace("quorum both", ""))
    with pytest.raises(Malformed, match="larger"):
        parse_policy("#" * 300_000)
    keys = [Ed25519Signer(n.to_bytes(32, "big")) for n in range(257)]
    many = "".join(
        f"witness w{n} {vkey(f'w{n}.example', COSIGNATURE_V1, key)}\n" for n, key in enumerate(keys)
    )
    with pytest.raises(Malformed, match="beyond 256"):
        parse_policy(many)
