"""Certification on its own: cosign, collect, certify; never contradict, never go back."""

from __future__ import annotations

from consensus import (
    CertificateReady,
    Certifier,
    CertifierSettings,
    CertifierTick,
    Deliver,
    Epoch,
    Evidence,
    Halt,
    Recollected,
    Report,
    Rooted,
    Send,
    Store,
    Stored,
    verify_evidence,
)
from consensus.effects import CertifierEffect
from consensus.messages import COSIGNED, Cosigned
from ledger.checkpoint import Checkpoint, cosign, verify_certificate
from tests.simulator.keys import Keyring

KEYRING = Keyring()
MEMBERS = KEYRING.members(4)
ORIGIN = "sim/1"
ROOT, OTHER = bytes([1]) * 32, bytes([2]) * 32
NOW = 1_800_000_000


def certifier(
    records: list[tuple[int, bytes]] | None = None, *, recollected: bool = True, now: int = NOW
) -> Certifier:
    signer = KEYRING.signer("m0/cosigner")
    made = Certifier(
        "m0",
        Epoch(0, MEMBERS),
        ORIGIN,
        signer,
        CertifierSettings(interval_s=4),
        records or [],
        KEYRING.verify,
    )
    if recollected:
        made.step(Recollected(True))
    made.step(CertifierTick(1, now))
    return made


def word(member: str, size: int, root: bytes = ROOT, timestamp: int = NOW) -> Deliver:
    one = cosign(
        Checkpoint(ORIGIN, size, root), timestamp, member, KEYRING.signer(f"{member}/cosigner")
    )
    return Deliver(member, COSIGNED.encode(Cosigned(0, size, root, timestamp, one.signature)))


def rooted(
    machine: Certifier, size: int, root: bytes = ROOT, time: int = NOW * 1000
) -> list[CertifierEffect]:
    effects = machine.step(Rooted(size, root, time))
    for effect in list(effects):
        if isinstance(effect, Store):
            effects += machine.step(Stored(effect.number))
    return effects


def certificates(effects: list[CertifierEffect]) -> list[CertificateReady]:
    return [one for one in effects if isinstance(one, CertificateReady)]


def test_q_cosignatures_make_a_certificate_sorted_by_member() -> None:
    machine = certifier()
    machine.step(word("m3", 1))
    machine.step(word("m2", 1))
    (ready,) = certificates(rooted(machine, 1))
    verify_certificate(ready.certificate, MEMBERS, ORIGIN, KEYRING.verify)
    assert [one.member for one in ready.certificate.cosignatures] == ["m0", "m2", "m3"]


def test_a_word_found_on_disk_counts_whatever_the_clock_says_after_the_restart() -> None:
    """R-CP-2: all lose power before a height is certified, and their clocks come back slow."""
    (stored,) = [one for one in rooted(certifier(), 1) if isinstance(one, Store)]
    machine = certifier([(stored.number, stored.record)], now=NOW - 60)
    rooted(machine, 1)
    machine.step(word("m1", 1))
    assert certificates(machine.step(word("m2", 1)))


def test_the_own_word_counts_and_leaves_only_when_it_is_durable() -> None:
    """R-DW-5."""
    machine = certifier()
    machine.step(word("m3", 1))
    machine.step(word("m2", 1))
    effects = machine.step(Rooted(1, ROOT, NOW * 1000))
    assert [type(one) for one in effects] == [Store]
    after = machine.step(Stored(1))
    assert any(isinstance(one, Send) and one.after == 1 for one in after)
    assert certificates(after)


def test_a_lagging_member_certifies_from_the_words_of_others() -> None:
    machine = certifier()
    machine.step(word("m1", 9))
    machine.step(word("m2", 9))
    (ready,) = certificates(machine.step(word("m3", 9)))
    assert ready.height == 9


def test_one_member_counts_once_and_forged_or_foreign_words_not_at_all() -> None:
    """R-CP-2."""
    machine = certifier()
    forged = Deliver("m3", word("m2", 1).data)
    effects = [
        machine.step(one) for one in (word("m1", 1), word("m1", 1, timestamp=NOW + 1), forged)
    ]
    effects.append(machine.step(Deliver("stranger", word("m2", 1).data)))
    effects.append(rooted(machine, 1))
    assert not any(certificates(one) for one in effects)


def test_a_member_that_cosigns_two_roots_is_reported_with_proof() -> None:
    machine = certifier()
    machine.step(word("m1", 5))
    effects = machine.step(word("m1", 5, OTHER, NOW + 3))
    findings = [one.finding for one in effects if isinstance(one, Report)]
    assert len(findings) == 1
    assert isinstance(findings[0], Evidence)
    assert verify_evidence(findings[0], b"", ORIGIN, Epoch(0, MEMBERS), KEYRING.verify)


def test_a_member_whose_root_a_quorum_contradicts_halts_and_signs_no_more() -> None:
    """R-CP-2, R-DT-4."""
    machine = certifier()
    rooted(machine, 1)
    for member in ("m1", "m2"):
        assert not any(isinstance(one, Halt) for one in machine.step(word(member, 1, OTHER)))
    effects = machine.step(word("m3", 1, OTHER))
    assert any(isinstance(one, Halt) for one in effects)
    assert rooted(machine, 2) == []


def test_an_idle_chain_is_cosigned_again_and_certified_afresh() -> None:
    """DESIGN-2, DESIGN-4."""
    machine = certifier()
    machine.step(word("m1", 1))
    machine.step(word("m2", 1))
    rooted(machine, 1)
    assert machine.step(CertifierTick(2, NOW + 3)) == []
    effects = machine.step(CertifierTick(3, NOW + 4))
    (store,) = [one for one in effects if isinstance(one, Store)]
    machine.step(Stored(store.number))
    machine.step(word("m1", 1, timestamp=NOW + 4))
    (ready,) = certificates(machine.step(word("m3", 1, timestamp=NOW + 5)))
    assert min(ready.certificate.timestamps()) == NOW + 4


def test_a_timestamp_never_precedes_the_block_nor_an_earlier_one() -> None:
    """R-CP-2."""
    machine = certifier()
    effects = rooted(machine, 1, time=(NOW + 10) * 1000 + 1)
    sent = [COSIGNED.decode(one.data) for one in effects if isinstance(one, Send)]
    assert [one.timestamp for one in sent] == [NOW + 11]
    effects = rooted(machine, 2, time=NOW * 1000)
    sent = [COSIGNED.decode(one.data) for one in effects if isinstance(one, Send)]
    assert [one.timestamp for one in sent] == [NOW + 11]


def test_after_a_restart_no_smaller_size_and_no_other_root_is_cosigned() -> None:
    first = certifier()
    (store,) = [one for one in first.step(Rooted(5, ROOT, 0)) if isinstance(one, Store)]
    again = certifier([(store.number, store.record)])
    assert rooted(again, 4) == []
    assert any(isinstance(one, Halt) for one in rooted(again, 5, OTHER))


def test_a_flood_of_sizes_is_forgotten_not_kept() -> None:
    """R-RS-1."""
    machine = certifier()
    for size in range(1, 2_000):
        machine.step(word("m1", size))
    assert len(machine._seen[1]) <= 256


def replies(effects: list[CertifierEffect]) -> list[str]:
    return [str(one.finding) for one in effects if isinstance(one, Report)]


def test_a_word_of_a_time_before_its_block_enters_no_certificate() -> None:
    """DESIGN section 4: with one member down, a liar would spoil every bundle's time line."""
    # DESIGN-4
    machine = certifier()
    rooted(machine, 1, time=NOW * 1000 + 1)  # m0 says NOW + 1
    machine.step(word("m1", 1, timestamp=NOW + 1))
    effects = machine.step(word("m2", 1, timestamp=NOW))
    assert certificates(effects) == []
    assert "untimely-cosignature" in replies(effects)[0]
    (ready,) = certificates(machine.step(word("m3", 1, timestamp=NOW + 1)))
    assert min(ready.certificate.timestamps()) == NOW + 1


def test_a_certificate_of_a_block_not_yet_executed_is_replaced_when_its_time_was_a_lie() -> None:
    machine = certifier()
    machine.step(word("m1", 7, timestamp=NOW + 9))
    machine.step(word("m2", 7, timestamp=NOW + 9))
    (first,) = certificates(machine.step(word("m3", 7, timestamp=5)))
    assert min(first.certificate.timestamps()) == 5
    (second,) = certificates(rooted(machine, 7, time=(NOW + 8) * 1000))
    assert min(second.certificate.timestamps()) == NOW + 8
    assert [one.member for one in second.certificate.cosignatures] == ["m0", "m1", "m2"]


def test_words_heard_before_their_block_count_no_more_when_its_time_shows_them_false() -> None:
    """R-DT-3, DESIGN-4, I21: with exactly q words, the lie would be one of them."""
    machine = certifier()
    machine.step(word("m1", 7, timestamp=NOW + 9))
    machine.step(word("m3", 7, timestamp=5))
    assert certificates(rooted(machine, 7, time=(NOW + 8) * 1000)) == []
    (ready,) = certificates(machine.step(word("m2", 7, timestamp=NOW + 9)))
    assert min(ready.certificate.timestamps()) == NOW + 8


def test_a_word_from_the_far_future_enters_no_certificate() -> None:
    """DESIGN-4."""
    machine = certifier()
    rooted(machine, 1)
    machine.step(word("m1", 1))
    effects = machine.step(word("m2", 1, timestamp=NOW + 151))
    assert certificates(effects) == []
    assert "untimely-cosignature" in replies(effects)[0]
    assert certificates(machine.step(word("m2", 1, timestamp=NOW + 150)))


def test_a_late_word_for_an_older_block_is_measured_by_that_block() -> None:
    machine = certifier()
    rooted(machine, 15, time=(NOW + 5) * 1000)
    rooted(machine, 16, time=(NOW + 6) * 1000)
    assert "untimely" in replies(machine.step(word("m3", 15, timestamp=NOW + 4)))[0]
    machine.step(word("m1", 15, timestamp=NOW + 5))
    (ready,) = certificates(machine.step(word("m2", 15, timestamp=NOW + 5)))
    assert ready.height == 15
    assert machine.step(word("m1", 3)) == []
