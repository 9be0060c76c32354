"""Honest bundles are clean, and say what they say; bytes of any kind never raise."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from client.verify import records_of
from ledger.assembly import assemble, assemble_receipts
from ledger.bundle_file import decode_bundle, encode_bundle
from ledger.claims import Absence, Accesses, Claim, Entity, History, Receipt, Trace
from ledger.errors import ClientFault
from ledger.paths import Path
from ledger.transaction import Transaction
from ledger.verdict import LINES
from ledger.verdict_sentences import SENTENCES
from ledger.verify import verify_bundle
from tests.forger import stories
from tests.forger.edges import EDGES
from tests.forger.forgeries import FORGERIES, Attempt
from tests.forger.stories import (
    ALLOCATION,
    DATASET,
    DAY,
    DONATION,
    GRANT_1,
    GRANT_2,
    HANDLE_1,
    LOT_A,
    LOT_B,
    PAIRS,
    SHIPMENT,
    STRANGER,
    supply,
)
from tests.forger.world import World


@pytest.fixture(scope="module")
def world() -> World:
    return stories.donation_world()


@pytest.fixture(scope="module")
def accesses() -> World:
    return stories.accesses_world()


def bundle_of(world: World, claim: Claim, pin_size: int | None = None) -> bytes:
    return encode_bundle(assemble(world, claim, pin_size))


def receipt_claim(world: World, height: int, index: int) -> Receipt:
    return Receipt(Transaction.decode(world.blocks[height - 1].transactions[index]).id)


@pytest.mark.parametrize(
    ("claim", "code"),
    [
        (Trace(DONATION), "complete"),
        (History(LOT_A), "complete"),
        (History(DAY), "complete"),
        (Entity(LOT_A), "complete-record"),
        (Absence(supply("lot", "none")), "complete-absent"),
    ],
    ids=["trace", "history", "list", "record", "absence"],
)
def test_an_honest_answer_is_clean_in_every_line(world: World, claim: Claim, code: str) -> None:
    report = verify_bundle(bundle_of(world, claim), world.genesis, claim)
    assert report.clean
    assert report.exit_ok
    assert report.completeness.code == code
    assert report.height == 6


def test_a_donation_is_traced_to_its_use_and_no_further(world: World) -> None:
    report = verify_bundle(bundle_of(world, Trace(DONATION)), world.genesis, DONATION)
    assert set(report.logs) == {DONATION, LOT_A, LOT_B, ALLOCATION, SHIPMENT}
    assert [leaf.kind for leaf in report.logs[SHIPMENT]] == ["shipped", "handed_over", "used"]


def test_a_lot_does_not_lead_to_the_other_lots_of_its_donation(world: World) -> None:
    """The event that made it lists no product but itself; and nothing leads back."""
    report = verify_bundle(bundle_of(world, Trace(LOT_B)), world.genesis)
    assert report.clean
    assert set(report.logs) == {LOT_B, ALLOCATION, SHIPMENT}


def test_every_access_of_a_person_is_listed_and_the_empty_handle_proved(accesses: World) -> None:
    claim = Accesses(DATASET, PAIRS)
    report = verify_bundle(bundle_of(accesses, claim), accesses.genesis, claim)
    assert report.clean
    assert [leaf.kind for leaf in report.logs[HANDLE_1]] == ["accessed", "accessed", "denied"]
    assert "revoked" in [leaf.kind for leaf in report.logs[DATASET]]
    assert GRANT_1 not in report.logs  # it would tell of everybody else
    assert records_of(report)[GRANT_1]["status"] == "revoked"
    assert "scope-of-accesses" in [note.code for note in report.notes]
    assert report.bundle is not None
    assert len(report.bundle.entities) == 5


def test_of_a_data_set_that_nobody_was_granted_it_is_proved_that_nobody_looked() -> None:
    world = World()
    published = stories.event("published", on=(DATASET,))
    world.grow([stories.shared([published], {DATASET: {"grants": 0}})])
    world.certify()
    claim = Accesses(DATASET, ())
    assert verify_bundle(bundle_of(world, claim), world.genesis, claim).clean


def test_what_is_told_to_one_person_does_not_grow_with_what_was_done_to_others() -> None:
    sizes = []
    for others in (3, 300):
        world = stories.accesses_world()
        strangers = [
            stories.event("accessed", on=(GRANT_2, STRANGER), purpose="contact")
            for _ in range(others)
        ]
        world.grow([stories.shared(strangers, {GRANT_2: {"accesses": 7}, STRANGER: {"a": others}})])
        world.certify()
        claim = Accesses(DATASET, PAIRS)
        bundle = assemble(world, claim)
        report = verify_bundle(encode_bundle(bundle), world.genesis, claim)
        assert report.clean
        sizes.append((bundle.events, len(encode_bundle(bundle))))
    (few, small), (many, large) = sizes
    assert few == many
    assert large - small < 10 * 70  # the frontier of the grant's log: one hash for a doubling


def test_a_path_that_is_asked_about_is_answered_by_its_trace_or_its_absence_alone(
    world: World, accesses: World
) -> None:
    nobody = supply("lot", "none")
    met = {
        claim: verify_bundle(bundle_of(source, claim), source.genesis, about).met
        for source, claim, about in (
            (world, Trace(DONATION), DONATION),
            (world, History(DONATION), DONATION),
            (world, Entity(DONATION), DONATION),
            (world, Absence(nobody), nobody),
            (accesses, Trace(DATASET), DATASET),
            (accesses, Accesses(DATASET, tuple((grant, "00" * 32) for grant, _ in PAIRS)), DATASET),
        )
    }
    assert list(met.values()) == [True, False, False, True, True, False]


def test_the_handles_that_are_asked_about_are_noted_whole(accesses: World) -> None:
    data = bundle_of(accesses, Accesses(DATASET, PAIRS))
    report = verify_bundle(data, accesses.genesis)
    listed = [dict(note.parameters) for note in report.notes if note.code == "handle-asked"]
    assert listed == [{"grant": grant, "handle": handle} for grant, handle in PAIRS]
    for language in ("zh", "en"):
        told = " ".join(note.sentence(language) for note in report.notes)
        assert all(grant in told and handle in told for grant, handle in PAIRS)


def test_a_receipt_proves_the_transaction_and_its_result(world: World) -> None:
    for height, block in enumerate(world.blocks, 1):
        for index in range(len(block.transactions)):
            claim = receipt_claim(world, height, index)
            report = verify_bundle(bundle_of(world, claim), world.genesis, claim)
            assert report.clean, report.value()
            assert report.height == height
            assert report.time.code == "existed-by"


def test_receipts_of_a_block_of_any_size_are_clean() -> None:
    world = World()
    for count in range(1, 10):
        world.grow(
            [stories.receipt(supply("donation", f"{count}-{i}"), (), "x") for i in range(count)]
        )
    world.certify()
    for height in range(1, 10):
        for bundle in assemble_receipts(world, height, range(height)):
            assert verify_bundle(encode_bundle(bundle), world.genesis).clean


def test_time_is_the_least_of_the_timestamps_and_existence_the_second_smallest(
    world: World,
) -> None:
    report = verify_bundle(bundle_of(world, receipt_claim(world, 1, 0)), world.genesis)
    stamps = sorted(world.certificate().timestamps())
    assert (report.complete_as_of, report.existed_by) == (stamps[0], stamps[1])


def test_without_an_asked_age_nothing_is_called_fresh(world: World) -> None:
    data = bundle_of(world, Trace(DONATION))
    now = min(world.certificate().timestamps()) + 100
    assert verify_bundle(data, world.genesis, now_s=now).time.code == "as-of"
    report = verify_bundle(data, world.genesis, now_s=now, max_age_s=100)
    assert report.time.code == "fresh"
    assert report.time.parameters["age"] == 100
    assert report.exit_ok


@pytest.mark.parametrize("edge", EDGES, ids=lambda one: one.__name__)
def test_what_is_honest_at_the_very_edge_is_clean(edge: Callable[[], Attempt]) -> None:
    attempt = edge()
    report = verify_bundle(attempt.data, attempt.genesis, **attempt.asked)
    assert report.clean, report.value()
    assert report.exit_ok


def test_of_an_older_state_the_time_is_said_of_the_checkpoint() -> None:
    """No line may read as if the state shown were as new as the checkpoint."""
    (forgery,) = (
        one
        for one in FORGERIES
        if one.name == "an_older_state_is_shown_to_a_reader_who_asks_for_the_newest"
    )
    attempt = forgery.make()
    report = verify_bundle(attempt.data, attempt.genesis, **attempt.asked)
    assert report.completeness.parameters == {"height": 5, "size": 6}
    assert (report.time.code, report.time.parameters["height"]) == ("fresh", 6)


def test_an_asked_age_without_a_clock_is_not_met(world: World) -> None:
    report = verify_bundle(bundle_of(world, Trace(DONATION)), world.genesis, max_age_s=100)
    assert report.time.state == "qualified"
    assert not report.exit_ok


def test_a_recertified_idle_chain_is_complete_as_of_later() -> None:
    """R-LC-3."""
    world = stories.donation_world()
    before = verify_bundle(bundle_of(world, Trace(DONATION)), world.genesis)
    world.certify(delays=(3_600, 3_602, 3_601))
    after = verify_bundle(bundle_of(world, Trace(DONATION)), world.genesis)
    assert before.height == after.height
    assert before.complete_as_of is not None
    assert after.complete_as_of == before.complete_as_of + 3_600 - 2


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6])
def test_a_pin_of_any_earlier_size_is_extended(world: World, size: int) -> None:
    data = bundle_of(world, Trace(DONATION), size)
    pin = world.checkpoint(size).text()
    report = verify_bundle(data, world.genesis, pin=pin)
    assert report.authority.code == "quorum-and-pin"
    assert report.exit_ok
    assert verify_bundle(data, world.genesis).clean  # the proof is checked without a pin too


def test_a_signed_note_is_a_pin_as_well(world: World) -> None:
    pin = world.certificate().to_note(world.genesis.members)
    assert verify_bundle(bundle_of(world, Trace(DONATION)), world.genesis, pin=pin).exit_ok


def test_a_fork_by_all_members_is_caught_by_a_pin_and_only_by_a_pin(world: World) -> None:
    """All keys of genesis sign another history: without a pin the verdict says what it rests on."""
    fork = World()
    for _ in range(6):
        fork.grow([stories.receipt(DONATION, ((LOT_A, 5),), "a-firm")])
    fork.certify()
    data = bundle_of(fork, Trace(DONATION), 3)
    alone = verify_bundle(data, world.genesis)
    assert alone.clean
    assert alone.authority.code == "quorum-from-genesis"
    assert "collusion of past members cannot be excluded" in alone.authority.text("en")
    assert "不能排除过往成员合谋" in alone.authority.text("zh")
    pinned = verify_bundle(data, world.genesis, pin=world.checkpoint(3).text())
    assert pinned.authority.code == "pin-contradicted"


def test_a_pin_that_is_no_checkpoint_is_not_met(world: World) -> None:
    report = verify_bundle(bundle_of(world, Trace(DONATION)), world.genesis, pin="hello")
    assert report.authority.code == "pin-malformed"
    assert not report.exit_ok


def test_a_chain_of_one_and_of_sixteen_members_verifies() -> None:
    for members, quorum in ((1, 1), (2, 2), (3, 2), (7, 5), (16, 11)):
        world = World("hubei", members)
        world.grow([stories.receipt(DONATION, ((LOT_A, 5),), "a-firm")])
        world.certify(delays=tuple(range(quorum)))
        assert verify_bundle(bundle_of(world, Trace(DONATION)), world.genesis).clean


def test_the_question_and_every_line_read_in_both_languages(world: World) -> None:
    report = verify_bundle(bundle_of(world, Trace(DONATION)), world.genesis)
    assert report.question("en") == "This bundle answers: Where did donation red-cross.D-1 go?"
    assert "去了哪里" in report.question("zh")
    assert tuple(line.name for line in report.lines) == LINES
    assert report.integrity.text("en").startswith("integrity: clean. What is shown is exactly")
    assert report.authority.text("zh").startswith("背书：通过。")


def test_every_sentence_of_the_catalogue_differs_between_languages() -> None:
    for code, (zh, en) in SENTENCES.items():
        assert zh != en, code
        assert any("一" <= letter <= "鿿" for letter in zh), code


def test_every_code_that_a_forgery_ends_in_has_a_sentence() -> None:
    assert {forgery.code for forgery in FORGERIES} <= set(SENTENCES)


def test_a_report_is_json(world: World) -> None:
    value = verify_bundle(bundle_of(world, Trace(DONATION)), world.genesis).value()
    assert json.loads(json.dumps(value)) == value
    assert value["ok"] is True
    assert value["lines"]["integrity"]["state"] == "clean"


@pytest.mark.parametrize(
    "data",
    [b"", b"\n", b"{}\n", b"[]\n", b"null\n", b"\xff\xfe\n", b'{"a":', b"[" * 200_000 + b"\n"],
    ids=["empty", "newline", "object", "list", "null", "not-utf8", "cut", "deep"],
)
def test_what_is_no_bundle_fails_in_integrity_and_the_rest_is_not_checked(
    world: World, data: bytes
) -> None:
    report = verify_bundle(data, world.genesis, about=DONATION)
    assert [line.state for line in report.lines] == [
        "failed",
        "qualified",
        "qualified",
        "qualified",
    ]
    assert not report.exit_ok
    assert report.question("en") == "This bundle cannot be read."


def flips(data: bytes, every_bit: bool) -> Iterator[bytes]:
    """Each byte with one bit flipped, or (over larger files) one of its bits in turn."""
    for place, byte in enumerate(data):
        for bit in range(8) if every_bit else (place % 8,):
            yield data[:place] + bytes([byte ^ 1 << bit]) + data[place + 1 :]


@pytest.mark.parametrize(
    "claim", [Entity(LOT_A), Absence(supply("lot", "none")), Trace(DONATION), None]
)
def test_a_bit_flipped_anywhere_is_never_clean(world: World, claim: Claim | None) -> None:
    asked = receipt_claim(world, 2, 1) if claim is None else claim
    data = bundle_of(world, asked, pin_size=3)
    assert verify_bundle(data, world.genesis).clean
    for flipped in flips(data, every_bit=not isinstance(claim, Trace)):
        assert not verify_bundle(flipped, world.genesis).clean, flipped


def test_a_member_refuses_to_answer_what_it_cannot_prove(world: World, accesses: World) -> None:
    for source, claim, code in (
        (world, Trace(supply("donation", "none")), "unknown-entity"),
        (world, Entity(supply("lot", "none")), "unknown-entity"),
        (world, Absence(LOT_A), "already-exists"),
        (world, Receipt(bytes(32)), "unknown-transaction"),
        (accesses, Accesses(DATASET, PAIRS[:1]), "pairs-incomplete"),
        (accesses, Accesses(Path("datasharing", "dataset", "x"), ()), "unknown-entity"),
    ):
        with pytest.raises(ClientFault) as fault:
            assemble(source, claim)
        assert fault.value.code == code


def test_a_height_that_is_not_certified_has_no_receipt() -> None:
    world = stories.donation_world()
    world.grow([stories.receipt(supply("donation", "late"), (), "x")])
    with pytest.raises(ClientFault, match="not-certified"):
        assemble_receipts(world, 7, [0])
    with pytest.raises(ClientFault, match="pin-too-new"):
        assemble(world, Trace(DONATION), pin_size=7)


@pytest.mark.parametrize(
    ("limit", "value", "what"),
    [
        ("ledger.assembly.BUNDLE_EVENTS_MAX", 10, "events"),
        ("ledger.assembly.BUNDLE_ENTITIES_MAX", 2, "entities"),
        ("ledger.claims.BUNDLE_ENTITIES_MAX", 2, "entities"),
        ("ledger.assembly.BUNDLE_SIZE_MAX", 2_000, "bytes"),
    ],
)
def test_an_answer_above_a_limit_is_refused_by_the_member(
    monkeypatch: pytest.MonkeyPatch, limit: str, value: int, what: str
) -> None:
    world = stories.donation_world()
    monkeypatch.setattr(limit, value)
    with pytest.raises(ClientFault) as fault:
        assemble(world, Trace(DONATION))
    assert fault.value.code == "answer-too-large"
    assert fault.value.parameters["what"] == what


def test_a_bundle_survives_the_round_trip(world: World, accesses: World) -> None:
    for source, claim in (
        (world, Trace(DONATION)),
        (world, receipt_claim(world, 5, 1)),
        (accesses, Accesses(DATASET, PAIRS)),
    ):
        bundle = assemble(source, claim, 2)
        assert decode_bundle(encode_bundle(bundle)) == bundle
