"""A period of more events than a bundle holds: asked page by page, and the pages judged together.

A bundle holds seven events here instead of 10,000: five of a page, and its two neighbours.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path as File

import pytest

from client.calls import Call
from client.exchange import Request, Response
from client.paging import Together
from client.sdk import Client
from client.transport import FunctionTransport
from ledger.bundle_file import decode_bundle
from ledger.claims import Claim, History, Period
from ledger.errors import ClientFault
from ledger.paths import Path
from tests.client_member import SIGNERS, URL, PretendMember
from tests.client_server import served
from tests.client_town import run

DONOR = Path("supplies", "donor", "red-cross.donor-1")
ITEM = "red-cross.mask"
LIMIT = 7
EVER = Period(DONOR, 0, 4_102_444_800_000)
TYPED = ("--kind", "period", "--from", "1970-01-01T00:00Z", "--until", "2100-01-01T00:00Z")


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.assembly.BUNDLE_EVENTS_MAX", LIMIT)
    monkeypatch.setattr("client.paging.BUNDLE_EVENTS_MAX", LIMIT)


class Donor:
    """One member and one donor, who gives from time to time."""

    def __init__(self) -> None:
        self.member = PretendMember()
        transport = FunctionTransport(self.member.answer)
        self.client = Client([URL], self.member.genesis, SIGNERS, transport=transport)
        self.given = 0
        packs = {"base_unit": "只", "packs": []}
        item: dict[str, object] = {"item": ITEM, "name": "口罩", **packs}
        self._call("define_item", "red-cross.registrar", [item])

    def _call(self, function: str, account: str, all_given: list[dict[str, object]]) -> None:
        calls = [Call("supplies", function, given, (account,)) for given in all_given]
        now = time.time_ns() // 1_000_000
        while time.time_ns() // 1_000_000 == now:  # each block has a time of its own
            pass
        assert {outcome.code for outcome in self.client.submit(calls)} == {"accepted"}

    def gives(self, times: int = 1, at_once: int = 1) -> None:
        for _ in range(times):
            self._call("receive", "red-cross.reception", [self._gift() for _ in range(at_once)])

    def _gift(self) -> dict[str, object]:
        self.given += 1
        lot = {"lot": f"red-cross.L-{self.given}", "item": ITEM, "unit": "只", "label": ""}
        return {
            "donation": f"red-cross.D-{self.given}",
            "donor": DONOR.id,
            "earmark": None,
            "attestation": "custodian",
            "stated_date": None,
            "source": "paging",
            "lots": [{**lot, "count": 5, "expiry": None}],
        }


@pytest.fixture
def donor() -> Donor:
    return Donor()


def judged(donor: Donor, pages: list[bytes], pin: str | None = None) -> Together:
    together = Together(donor.member.genesis, pin)
    for page in pages:
        together.add(page)
    return together


def test_seventeen_events_are_four_pages_that_prove_the_whole_period(donor: Donor) -> None:
    donor.gives(3)
    pin = donor.client.checkpoint()
    donor.gives(14)
    pages = list(donor.client.pages(EVER, pin))
    together = judged(donor, pages, pin)
    assert (together.fault, together.claim, together.events) == (None, EVER, 17)
    assert len(pages) == 4


def test_what_fits_is_one_bundle_and_no_event_is_asked_for(donor: Donor) -> None:
    donor.gives(LIMIT)
    (page,) = donor.client.pages(EVER)
    assert decode_bundle(page).claim == EVER
    assert not any("/events/" in one.path for one in donor.member.requests)


def test_events_that_come_while_one_reads_are_in_the_last_page(donor: Donor) -> None:
    donor.gives(9)
    pages = []
    for page in donor.client.pages(EVER):
        pages.append(page)
        if len(pages) < 3:
            donor.gives(4)
    together = judged(donor, pages)
    assert (together.fault, together.claim, together.events) == (None, EVER, 17)


def test_blocks_of_several_events_are_never_cut_in_two(donor: Donor) -> None:
    donor.gives(6, at_once=3)
    together = judged(donor, list(donor.client.pages(EVER)))
    assert (together.fault, together.events) == (None, 18)


def test_an_instant_of_more_events_than_a_bundle_holds_is_refused(donor: Donor) -> None:
    donor.gives(1)
    donor.gives(1, at_once=LIMIT + 2)
    with pytest.raises(ClientFault, match="answer-too-large"):
        list(donor.client.pages(EVER))


def test_pages_too_large_in_bytes_are_halved(donor: Donor, monkeypatch: pytest.MonkeyPatch) -> None:
    donor.gives(11)
    size = len(donor.member.logs[DONOR][3])
    monkeypatch.setattr("ledger.assembly.BUNDLE_SIZE_MAX", 9 * size)  # four and a half events
    pages = list(donor.client.pages(EVER))
    together = judged(donor, pages)
    assert (together.fault, together.events) == (None, 11)
    assert len(pages) >= 5


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda pages: [pages[0], *pages[2:]], "page-not-next"),
        (lambda pages: [pages[1], pages[0]], "page-not-next"),
        (lambda pages: [pages[0], pages[0]], "page-not-next"),
        (lambda pages: [pages[0], b"{}"], "page-not-clean"),
        (lambda pages: [pages[0], pages[1].replace(b'"period"', b'"history"')], "page-not-clean"),
    ],
)
def test_pages_left_out_swapped_or_spoilt_prove_nothing_together(
    donor: Donor, spoil: Callable[[list[bytes]], list[bytes]], code: str
) -> None:
    donor.gives(17)
    fault = judged(donor, spoil(list(donor.client.pages(EVER)))).fault
    assert fault is not None
    assert fault[0] == code


def test_a_first_page_left_out_leaves_a_shorter_period(donor: Donor) -> None:
    donor.gives(17)
    pages = list(donor.client.pages(EVER))
    extended = decode_bundle(pages[0]).checkpoint
    together = judged(donor, pages[1:], extended)
    assert together.fault is None
    assert together.claim != EVER


def test_honest_answers_that_are_not_pages_of_one_period_are_named(donor: Donor) -> None:
    donor.gives(4)
    middle = Period(DONOR, 0, time.time_ns() // 1_000_000 + 60_000)  # ends after the last event
    first = donor.client.prove(middle)
    donor.gives(2)
    pin = decode_bundle(first).checkpoint
    found = {}
    other = Path("supplies", "donation", "red-cross.D-1")
    others: dict[str, Claim] = {
        "page-of-no-period": History(DONOR),
        "page-of-another": Period(other, middle.until, EVER.until),
        "page-not-next": Period(DONOR, middle.until + 1, EVER.until),
        # Honest both, and between them two gifts entered before the time where the first ended.
        "page-leaves-out": Period(DONOR, middle.until, EVER.until),
    }
    for name, claim in others.items():
        fault = judged(donor, [first, donor.client.prove(claim, pin)]).fault
        found[name] = fault
    assert [fault and fault[0] for fault in found.values()] == list(found)
    assert found["page-leaves-out"] == ("page-leaves-out", {"page": 2, "events": 2})


def test_a_member_that_ends_a_page_where_it_likes_is_not_believed(donor: Donor) -> None:
    """It answers another event than was asked for, so that the reader gets pages of one event."""
    donor.gives(12)

    def lie(request: Request, response: Response) -> Response:
        if "/events/" not in request.path:
            return response
        head, _ = request.path.split("/events/")
        return donor.member._route(Request("GET", f"{head}/events/1", request.headers))

    donor.member.change = lie
    with pytest.raises(Exception, match="another question"):
        list(donor.client.pages(EVER))


def test_the_commands_keep_pages_as_files_and_verify_them_together(
    donor: Donor, tmp_path: File
) -> None:
    donor.gives(17)
    (tmp_path / "genesis.json").write_bytes(donor.member.genesis.to_json())
    chain = ("--genesis", tmp_path / "genesis.json", "--language", "en")
    with served(donor.member) as url:
        ask = ("ask", DONOR.text, "--node", url, *chain, "--out", tmp_path / "gifts.json")
        told = run(*ask, *TYPED)
        refused = run("ask", DONOR.text, "--kind", "history", "--node", url, *chain)
    assert told.status == 0, told.err
    assert "the 4 pages together: all 17 events of supplies/donor" in told.out
    files = sorted(tmp_path.glob("gifts-*.json"))
    assert [file.name for file in files] == [f"gifts-00{n}.json" for n in (1, 2, 3, 4)]
    assert refused.status == 2
    assert "7 (events). Ask with --kind period" in refused.err
    asked = ("--about", DONOR.text, *TYPED)
    assert run("verify", *files, *chain).status == 0
    said = run("verify", *files, *chain, *asked, "--max-age", 60, "--json")
    assert (said.status, said.json["together"]["events"]) == (0, 17)
    assert len(said.json["pages"]) == 4
    assert run("verify", *files[:3], *chain).status == 0, "three pages prove a shorter period"
    short = run("verify", *files[:3], *chain, *asked)
    assert (short.status, "what was asked for is not met" in short.out) == (1, True)
    gap = run("verify", files[0], *files[2:], *chain, "--json")
    assert (gap.status, gap.json["together"]["ok"]) == (1, False)
    assert json.loads(files[0].read_text())["claim"]["kind"] == "period"
