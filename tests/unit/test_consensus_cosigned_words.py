"""Cosignatures: the first of two words counts, the last of an earlier epoch binds, and how often a
certificate is worth making anew.
"""

from __future__ import annotations

import pytest

from consensus import (
    Certifier,
    CertifierSettings,
    CertifierTick,
    Epoch,
    Evidence,
    Recollected,
    Report,
    Store,
)
from consensus.ballots import CosignatureBallots
from consensus.epoch import Seat
from consensus.messages import Cosigned
from consensus.records import COSIGNED_RECORD, CosignedRecord
from ledger.checkpoint import Checkpoint, cosign
from ledger.errors import InvariantViolated
from tests.unit.test_consensus_certifier import (
    KEYRING,
    MEMBERS,
    NOW,
    ORIGIN,
    OTHER,
    ROOT,
    certificates,
    certifier,
    rooted,
    word,
)


def test_of_two_roots_of_one_member_the_first_counts() -> None:
    """R-CP-2, C13: else a liar would take its word back from a certificate nearly made."""
    machine = certifier()
    machine.step(word("m1", 1))
    reports = [one for one in machine.step(word("m1", 1, OTHER)) if isinstance(one, Report)]
    assert [type(one.finding) for one in reports] == [Evidence]
    machine.step(word("m2", 1))
    (ready,) = certificates(rooted(machine, 1))
    assert [one.member for one in ready.certificate.cosignatures] == ["m0", "m1", "m2"]


def test_a_word_of_an_earlier_epoch_binds_the_time_of_those_that_follow() -> None:
    """R-MB-2, DESIGN-4: the clock was set back between two epochs; times fall in neither."""
    earlier, later = NOW + 60, KEYRING.cosigner("m0", 1)
    one = cosign(Checkpoint(ORIGIN, 1, ROOT), earlier, "m0", KEYRING.signer("m0/cosigner"))
    record = COSIGNED_RECORD.encode(CosignedRecord(0, 1, ROOT, earlier, one.signature))
    members = type(MEMBERS)(tuple(KEYRING.member(one.id, 1) for one in MEMBERS.members))
    settings = CertifierSettings(interval_s=4)
    epoch = Epoch(1, members, 1)
    machine = Certifier("m0", epoch, ORIGIN, later, settings, [(7, record)], KEYRING.verify)
    machine.step(Recollected(complete=True))
    machine.step(CertifierTick(1, NOW))
    (stored,) = [each for each in rooted(machine, 2, OTHER) if isinstance(each, Store)]
    said = COSIGNED_RECORD.decode(stored.record)
    assert (said.epoch, said.size, said.timestamp) == (1, 2, earlier)


def test_a_certificate_is_not_made_anew_for_every_second() -> None:
    """DESIGN-2: fresher by half an interval, or whoever cosigns often makes work for all."""
    machine = certifier()
    machine.step(word("m1", 1))
    machine.step(word("m2", 1))
    assert certificates(rooted(machine, 1))
    for later in (1, 2):
        machine.step(CertifierTick(later, NOW + later))
        made = [
            certificates(machine.step(word(one, 1, timestamp=NOW + later)))
            for one in ("m1", "m2", "m3")
        ]
        assert any(made) == (later == 2)


def test_a_word_for_the_same_size_and_time_is_the_same_word() -> None:
    """R-RS-4: said again it costs no check."""
    machine, checked = certifier(), []
    verify = machine._seat.verify

    def counted(key: bytes, message: bytes, signature: bytes) -> bool:
        checked.append(message)
        return verify(key, message, signature)

    object.__setattr__(machine._seat, "verify", counted)
    for _ in range(5):
        machine.step(word("m1", 1))
    assert len(checked) == 1
    assert isinstance(machine._seen[1][1], Cosigned)


def test_of_too_many_sizes_the_newest_are_kept() -> None:
    """R-RS-1, R-CP-2: what is certified next lies above, not below."""
    machine = certifier()
    kept = CertifierSettings().heights_kept
    for size in range(1, kept + 11):
        machine.step(word("m1", size))
    assert list(machine._seen[1]) == list(range(11, kept + 11))


def test_no_size_of_an_earlier_epoch_is_signed_whoever_asks() -> None:
    """R-MB-2: the key of an epoch signs for its heights alone."""
    seat = Seat.take("m0", Epoch(0, MEMBERS, 5), b"", ORIGIN, KEYRING.verify)
    ballots = CosignatureBallots(seat, KEYRING.signer("m0/cosigner"))
    with pytest.raises(InvariantViolated, match="belongs to an earlier epoch"):
        ballots.sign(Checkpoint(ORIGIN, 5, ROOT), NOW)
    ballots.sign(Checkpoint(ORIGIN, 6, ROOT), NOW)
