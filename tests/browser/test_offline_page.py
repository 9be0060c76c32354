"""The page that verifies bundles, opened from disk in a real browser without a network."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.assembly import assemble
from ledger.bundle_file import encode_bundle
from ledger.claims import Trace
from ledger.genesis import Genesis
from ledger.paths import Path as EntityPath
from ledger.verify import verify_bundle
from tests.conftest import ROOT
from tests.forger import stories
from tests.forger.world import Call, World

VECTORS = ROOT / "tests" / "vectors"
GENESIS = VECTORS / "genesis.json"
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1180, "height": 900}

OpenPage = Callable[..., Any]


@pytest.fixture
def open_page(chromium: Any, offline_page: Path) -> Iterator[OpenPage]:
    """Opens the page as a reader of a language does. It may ask for nothing but its own file."""
    contexts, asked, complaints = [], [], []

    def opened(locale: str = "zh-CN", viewport: dict[str, int] = DESK) -> Any:
        context = chromium.new_context(locale=locale, viewport=viewport, offline=True)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(offline_page.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert complaints == []


def show(page: Any, bundle: Path, genesis: Path = GENESIS) -> None:
    page.set_input_files("#file-genesis", str(genesis))
    page.set_input_files("#file-bundle", str(bundle))
    page.wait_for_selector("[data-line=authority]")


def lines(page: Any) -> dict[str, list[str]]:
    found = page.query_selector_all("[data-line]")
    names = ("data-line", "data-state", "data-code")
    rows = [[line.get_attribute(name) for name in names] for line in found]
    return {name: [state, code] for name, state, code in rows}


def sentences(page: Any) -> list[str]:
    return [one.inner_text() for one in page.query_selector_all(".line .sentence")]


@pytest.mark.parametrize("name", [path.stem for path in sorted(VECTORS.glob("bundle-*.json"))])
def test_an_honest_bundle_is_clean_in_the_browser_and_reads_as_on_the_command_line(
    open_page: OpenPage, name: str
) -> None:
    page, bundle = open_page(), VECTORS / f"{name}.json"
    show(page, bundle)
    genesis = Genesis.from_json(GENESIS.read_bytes())
    # The page has a clock and no tolerated age: the same sentences as with the clock alone.
    report = verify_bundle(bundle.read_bytes(), genesis, now_s=2**33)
    for language in ("zh", "en"):
        assert page.inner_text("#asked") == report.question(language)
        assert sentences(page) == [line.sentence(language) for line in report.lines]
        page.click("#language")
    assert page.query_selector(".banner.clean") is not None


def test_every_forgery_is_refused_with_the_line_that_names_it(
    open_page: OpenPage, tmp_path: Path
) -> None:
    page = open_page()
    page.set_input_files("#file-genesis", str(GENESIS))
    tried = 0
    for forgery in json.loads((VECTORS / "forgeries.json").read_bytes()):
        if forgery["asked"]:
            continue  # those ask with a clock or pin of their own
        forged = tmp_path / f"{forgery['name']}.json"
        forged.write_text(forgery["bundle"], encoding="utf-8")
        page.set_input_files("#file-bundle", str(forged))
        page.wait_for_selector(f"#hint-bundle:text-is('{forged.name}')")
        page.wait_for_selector("[data-line=authority]")
        assert lines(page) == forgery["verdict"], forgery["name"]
        assert page.query_selector(".banner.failed") is not None
        tried += 1
    assert tried > 80


def test_what_a_forged_bundle_says_happened_is_not_shown(
    open_page: OpenPage, tmp_path: Path
) -> None:
    forged = tmp_path / "forged.json"
    forgeries = json.loads((VECTORS / "forgeries.json").read_bytes())
    [text] = [one["bundle"] for one in forgeries if one["name"] == "an_event_is_changed"]
    forged.write_text(text, encoding="utf-8")
    page = open_page()
    show(page, forged)
    assert page.query_selector(".withheld") is not None
    assert page.query_selector(".timeline") is None
    assert "somebody-else" not in page.inner_text("body")


def test_files_dropped_together_find_their_places(open_page: OpenPage) -> None:
    page = open_page("en-GB")
    dropped = {
        name: (VECTORS / name).read_text(encoding="utf-8")
        for name in ("bundle-trace.json", "genesis.json")
    }
    page.evaluate(
        """files => {
            const carried = new DataTransfer();
            for (const [name, text] of Object.entries(files)) {
                carried.items.add(new File([text], name));
            }
            const happened = { dataTransfer: carried, cancelable: true };
            document.dispatchEvent(new DragEvent('drop', happened));
        }""",
        dropped,
    )
    page.wait_for_selector("[data-line=authority]")
    assert {state for state, _ in lines(page).values()} == {"clean"}
    assert page.inner_text(".banner strong") == "All four lines hold"


def test_a_kept_checkpoint_betrays_a_rewritten_history(open_page: OpenPage, tmp_path: Path) -> None:
    forgeries = json.loads((VECTORS / "forgeries.json").read_bytes())
    name = "a_history_rewritten_by_all_members_before_the_pin"
    [forgery] = [one for one in forgeries if one["name"] == name]
    bundle, pin = tmp_path / "bundle.json", tmp_path / "kept.txt"
    bundle.write_text(forgery["bundle"], encoding="utf-8")
    pin.write_text(forgery["asked"]["pin"], encoding="utf-8")
    page = open_page()
    show(page, bundle)
    assert lines(page)["authority"] == ["clean", "quorum-from-genesis"]
    page.set_input_files("#file-pin", str(pin))
    page.wait_for_selector("[data-code=pin-contradicted]")
    assert lines(page) == forgery["verdict"]


def test_the_conditions_of_the_reader_are_part_of_the_verdict(open_page: OpenPage) -> None:
    page = open_page()
    show(page, VECTORS / "bundle-trace.json")
    page.click(".conditions summary")
    page.fill("#hours", "1")
    page.press("#hours", "Enter")
    page.wait_for_selector("[data-code=too-old]")
    page.fill("#about", "supplies/donation/red-cross.D-2")
    page.press("#about", "Enter")
    page.wait_for_selector("[data-code=another-question]")
    assert page.inner_text(".banner strong") == "不可采信"


def test_a_file_that_is_no_genesis_is_named(open_page: OpenPage) -> None:
    page = open_page("en-GB")
    page.set_input_files("#file-genesis", str(VECTORS / "block.json"))
    page.set_input_files("#file-bundle", str(VECTORS / "bundle-trace.json"))
    page.wait_for_selector("[role=alert]")
    assert "block.json cannot be read" in page.inner_text("[role=alert]")


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_the_page_fits_its_window_and_every_control_has_a_name(
    open_page: OpenPage, viewport: dict[str, int], tmp_path: Path
) -> None:
    page = open_page(viewport=viewport)
    show(page, VECTORS / "bundle-accesses.json")
    page.screenshot(path=str(tmp_path / "accesses.png"), full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, a, select, input')].filter(one =>
            !(one.innerText || one.getAttribute('aria-label') || one.labels?.length)).length"""
    )
    assert nameless == 0
    for one in page.query_selector_all(".line"):
        words = one.inner_text()
        assert any(sign in words for sign in "✓△✗"), "a state is told by more than colour"


def long_trace(events: int) -> tuple[World, bytes]:
    """A donation whose one lot is used in so many events."""
    world = World()
    lot = EntityPath("supplies", "lot", "red-cross.L-1")
    world.grow([stories.receipt(stories.DONATION, ((lot, events),), "a-firm")])
    for start in range(0, events, 50):
        calls = [
            Call(
                [stories.event("used", ((lot, 1),), purpose=f"ward {number}")],
                {lot: {"used": number}},
            )
            for number in range(start, min(events, start + 50))
        ]
        world.grow(calls)
    world.certify()
    return world, encode_bundle(assemble(world, Trace(stories.DONATION)))


def test_a_thousand_events_are_verified_and_shown(
    open_page: OpenPage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world, data = long_trace(1_000)
    bundle, genesis = tmp_path / "bundle.json", tmp_path / "genesis.json"
    bundle.write_bytes(data)
    genesis.write_bytes(world.genesis.to_json())
    page = open_page()
    show(page, bundle, genesis)
    assert {state for state, _ in lines(page).values()} == {"clean"}
    assert page.locator(".event").count() < 100  # the rest waits for its button
    page.click(".content > button")
    assert page.locator(".event").count() > 200
    took = float(page.get_attribute(".took", "data-ms"))
    with capsys.disabled():
        print(f"\n  {len(data)} bytes, 1,000 events: {took:.0f} ms in {page.inner_text('.took')}")
