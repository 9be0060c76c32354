"""Lies in the envelope of notes: where a text ends, which names a line may carry.

Readers of signed notes part at these corners. Source: C2SP signed-note; docs/FORMATS.md 6, 7.5.
"""

from __future__ import annotations

from msgspec.structs import replace

from ledger.bundle import Absent, Shown
from ledger.claims import Period, Trace
from ledger.notes import cosign_text, parse_note
from ledger.paths import key
from tests.forger.epochs import epochs, spelt, text_of, witness_note
from tests.forger.forging import Attempt, attempt, donation, forgery, honest
from tests.forger.lies_about_epochs import walked, witnessed
from tests.forger.lies_about_ranges import ranged, stock, time_of
from tests.forger.stories import DONATION, STOCK, supply
from tests.forger.world import signer


@forgery("integrity", "malformed")
def a_checkpoint_without_the_empty_line_that_ends_its_text() -> Attempt:
    bundle = honest(donation(), Trace(DONATION))
    text = parse_note(bundle.checkpoint).text
    return attempt(replace(bundle, checkpoint=text), donation())


@forgery("authority", "handover-malformed")
def a_handover_without_the_empty_line_that_ends_its_text() -> Attempt:
    first, *others = walked().epochs
    bare = replace(first, checkpoint=parse_note(first.checkpoint).text)
    return attempt(replace(walked(), epochs=(bare, *others)), epochs())


@forgery("authority", "pin-malformed")
def a_pin_with_two_empty_lines() -> Attempt:
    pin = donation().certificate().to_note(donation().genesis.members) + "\n\n"
    return attempt(honest(donation(), Trace(DONATION)), donation(), pin=pin)


@forgery("authority", "pin-malformed")
def a_pin_as_long_as_a_book() -> Attempt:
    pin = donation().checkpoint().text() + "\n" + "x" * 65_536
    return attempt(honest(donation(), Trace(DONATION)), donation(), pin=pin)


def _named(name: str) -> Attempt:
    """A note whose witness's line carries this name, truly signed under it."""
    read = parse_note(witness_note(epochs(), "m1"))
    line = cosign_text(read.text, read.lines[1].timestamp, name, signer("witness", "any"))
    return attempt(
        replace(walked(), witnesses=(spelt(read.text, [read.lines[0], line]),)), epochs()
    )


@forgery("authority", "witness-malformed")
def a_witness_whose_name_holds_a_plus() -> Attempt:
    return _named("witness+ngo")


@forgery("authority", "witness-malformed")
def a_witness_whose_name_holds_a_wide_space() -> Attempt:
    return _named("witness\u3000ngo")


@forgery("authority", "witness-malformed")
def a_witness_whose_name_holds_a_next_line() -> Attempt:
    return _named("witness\u0085ngo")


@forgery("authority", "witness-malformed")
def a_witness_whose_name_holds_a_nul() -> Attempt:
    return _named("witness\0ngo")


@forgery("authority", "witness-malformed")
def a_witness_whose_name_is_as_long_as_a_page() -> Attempt:
    return _named("w" * 513)


@forgery("authority", "witness-malformed")
def a_witness_note_of_another_origin_with_a_control_character() -> Attempt:
    text = text_of(epochs(), "m1").replace("/m1", "\t/m1", 1)
    return witnessed(witness_note(epochs(), "m1", text=text))


@forgery("authority", "witness-malformed")
def two_witness_notes_without_a_second_line() -> Attempt:
    return witnessed("a", "b")


@forgery("authority", "witness-malformed")
def two_witness_notes_whose_origins_part_at_a_tab() -> Attempt:
    return witnessed("a\n", "a\tb\n")


@forgery("completeness", "entity-superfluous")
def a_period_is_answered_with_more_than_its_entity() -> Attempt:
    claim = Period(STOCK, time_of(2), time_of(5))
    other = supply("lot", "none")
    entities: list[Shown] = [ranged(1, 6), Absent(other)]
    shown = sorted(entities, key=lambda one: one.path.text)
    proof = stock().state_proof([key(STOCK), key(other)], stock().height)
    bundle = replace(honest(stock(), claim), entities=tuple(shown), state=proof)
    return attempt(bundle, stock(), about=claim)
