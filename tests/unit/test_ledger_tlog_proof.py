"""`.tlog-proof`: the published vector, malformed spellings, and the line nobody may believe."""

from __future__ import annotations

import pytest

from ledger.errors import Malformed
from ledger.merkle_log import leaf_hash
from ledger.notes import VerifierKey
from ledger.tlog_policy import Policy, parse_policy
from ledger.tlog_proof import encode_tlog_proof, parse_tlog_proof, verify_tlog_proof

# Entry 4 (the bytes `five`) of tessera's test log at size 15 (formats.md 6.5).
LOG_KEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
VECTOR = """c2sp.org/tlog-proof@v1
index 4
yiM+eia4w1wsk/Ukx7kF56IQVkDW3MWUaUz/VtJu+yU=
nk9gCR+floFqznAPtqjjcnnV64dge2jQB95D5t164Hg=
zY1lN35vrXYAPixXSd59LsU29xUJtuW4o2dNNg5Y2Co=
5jLpqTgjsBDSEX6SgZiRnbTMdTuRd8bQ5tSsAOxe0Ks=

example.com/log/testdata
15
rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=

— example.com/log/testdata M9e0luh4jTG+UMBqOUo9/q+yAEvx1ilBEniMvjf1zfcBOhg+CKubMt53MvIt/uEWP6zdkdIQ\
zd/fmwlM/dlPWF74ewI=
"""
FIVE = leaf_hash(b"five")


@pytest.fixture(scope="module")
def policy() -> Policy:
    return parse_policy(f"log {LOG_KEY}\nquorum none\n")


def test_the_published_vector_verifies_and_is_written_again(policy: Policy) -> None:
    index, checkpoint = verify_tlog_proof(VECTOR, FIVE, policy)
    assert (index, checkpoint.size) == (4, 15)
    proof = parse_tlog_proof(VECTOR)
    assert encode_tlog_proof(proof.index, proof.path, proof.note) == VECTOR


def test_the_extra_line_changes_no_verdict_and_is_given_back_by_nothing(policy: Policy) -> None:
    proof = parse_tlog_proof(VECTOR)
    with_extra = encode_tlog_proof(proof.index, proof.path, proof.note, b"five, they say")
    assert "\nextra Zml2ZSwgdGhleSBzYXk=\nindex 4\n" in with_extra
    assert parse_tlog_proof(with_extra) == proof
    assert verify_tlog_proof(with_extra, FIVE, policy) == verify_tlog_proof(VECTOR, FIVE, policy)
    with pytest.raises(Malformed, match="extra"):
        encode_tlog_proof(4, (), "", bytes(40_000))


def test_another_leaf_index_or_path_leads_nowhere(policy: Policy) -> None:
    lines = VECTOR.split("\n")
    for text, leaf in (
        (VECTOR, leaf_hash(b"six")),
        (VECTOR.replace("index 4", "index 5"), FIVE),
        (VECTOR.replace("index 4", "index 15"), FIVE),
        ("\n".join(lines[:2] + lines[3:]), FIVE),
        ("\n".join([*lines[:2], lines[2], *lines[2:]]), FIVE),
        ("\n".join([*lines[:2], lines[3], lines[2], *lines[4:]]), FIVE),
    ):
        with pytest.raises(Malformed, match="does not lead"):
            verify_tlog_proof(text, leaf, policy)


def test_a_checkpoint_nobody_believed_signed_is_refused() -> None:
    other = VerifierKey("example.com/log/testdata", 1, bytes(32)).text()
    with pytest.raises(Malformed, match="not signed by any known key"):
        verify_tlog_proof(VECTOR, FIVE, parse_policy(f"log {other}\nquorum none\n"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("@v1", "@v2"),
        ("c2sp.org", " c2sp.org"),
        ("index 4", "index"),
        ("index 4", "index 04"),
        ("index 4", "index -4"),
        ("index 4", "index ４"),
        ("index 4", "index 9007199254740992"),
        ("index 4", "extra Zg==\nextra Zg==\nindex 4"),
        ("index 4", "extra Zh==\nindex 4"),
        ("index 4", "extra ?\nindex 4"),
        ("index 4", "index 4\nAAAA"),
        ("index 4", "index 4\n?"),
        ("index 4", "index 4\r"),
        ("index 4", "index 4" + "\nyiM+eia4w1wsk/Ukx7kF56IQVkDW3MWUaUz/VtJu+yU=" * 103),
        ("5jLp", "x" * 200_000),
        ("\n\nexample", "\nexample"),
    ],
)
def test_a_file_spelt_otherwise_is_malformed(policy: Policy, old: str, new: str) -> None:
    assert old in VECTOR
    with pytest.raises(Malformed):
        verify_tlog_proof(VECTOR.replace(old, new, 1), FIVE, policy)
