"""What a donor and a citizen read: the N95 case and the three accesses, from proved logs, in both
languages.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from rich.console import Console

from client.demo.loading import play
from client.names import item_names
from client.rendering import print_branch, print_report
from client.scenario import build_scenario
from client.sdk import Client
from client.story.facts import Branch, Line, Names, moment
from client.story.telling import tell
from client.transport import FunctionTransport
from client.verify import Report, accesses_claim, verify_now
from ledger.paths import Path
from tests.client_member import SIGNERS, URL, PretendMember


@pytest.fixture(scope="module")
def told() -> tuple[Report, Report, Names, PretendMember]:
    """The verified answers to the donor's and the citizen's question, and the names they need."""
    member = PretendMember()
    client = Client([URL], member.genesis, SIGNERS, transport=FunctionTransport(member.answer))
    scenario = build_scenario(int(time.time() * 1000))
    play(client, scenario, lambda phase, done: None)
    donation = Path("supplies", "donation", scenario.featured_donation)
    donor = verify_now(client.trace(donation), member.genesis, donation)
    dataset = Path("datasharing", "dataset", scenario.featured_dataset)
    pairs = [(grant, handle.hex()) for grant, handle in scenario.featured_pairs]
    listing = client.accesses(dataset, pairs)
    citizen = verify_now(listing, member.genesis, accesses_claim(dataset, pairs))
    return donor, citizen, Names.of(member.genesis, item_names(client, donor)), member


def story(report: Report, names: Names, language: str = "zh") -> Branch:
    branch = tell(report, names, language)
    assert branch is not None
    return branch


def lines(branch: Branch) -> Iterator[Line]:
    yield from branch.lines
    for inner in branch.branches:
        yield from lines(inner)


def titles(branch: Branch) -> Iterator[str]:
    yield branch.title
    for inner in branch.branches:
        yield from titles(inner)


def printed(branch: Branch, language: str = "zh") -> str:
    console = Console(width=300, force_terminal=False, record=True, quiet=True)
    console.quiet = False
    with console.capture() as capture:
        print_branch(console, branch, language)
    return capture.get()


Told = tuple[Report, Report, Names, PretendMember]


def test_a_donor_reads_how_many_went_to_which_hospital_and_who_signed(told: Told) -> None:
    donor, _, names, _ = told
    branch = story(donor, names)
    assert any("运往 武汉仁爱医院：18,000 只" in title for title in titles(branch))
    assert any("运往 武汉天佑医院：18,000 只" in title for title in titles(branch))
    received = next(line for line in lines(branch) if "收到" in line.text)
    assert "医用防护口罩（N95） 36,000 只" in received.text
    assert received.signers == ("武汉市红十字会 reception",)
    assert received.time is not None


def test_a_correction_stays_beside_what_it_corrects_and_shows_the_old_value(told: Told) -> None:
    donor, _, names, _ = told
    found = list(lines(story(donor, names)))
    corrections = [line for line in found if line.old]
    assert [line.old for line in corrections] == [
        "医用防护口罩（N95） 36,000 只", "16,000 只", "16,000 只",
    ]  # fmt: skip
    assert [line.text for line in corrections][1:] == ["更正签收：现为 18,000 只"] * 2
    assert sum(line.tone == "struck" for line in found) == 3
    assert all("缘由" in line.note for line in corrections)
    # Both parties signed the corrected count.
    assert all(len(line.signers) == 2 for line in corrections[1:])


def test_what_is_not_yet_used_is_said_for_the_lot_and_at_each_hospital(told: Told) -> None:
    donor, _, names, _ = told
    texts = [line.text for line in lines(story(donor, names))]
    assert "此处尚未使用 18,000 只" in texts
    assert "此处尚未使用 13,000 只" in texts
    assert "医院已收、尚未使用 31,000 只" in texts
    assert "已使用 5,000 只" in texts


def test_the_same_story_is_told_in_english(told: Told) -> None:
    donor, _, names, _ = told
    texts = [line.text for line in lines(story(donor, names, "en"))]
    assert "count corrected: now 18,000 只" in texts
    assert "with the recipient, not yet used: 31,000 只" in texts


def test_without_terminal_styles_the_old_value_is_still_struck_through(told: Told) -> None:
    donor, _, names, _ = told
    text = printed(story(donor, names))
    assert "1\u03366\u0336,\u03360\u03360\u03360\u0336" in text
    assert "\x1b" not in text


def test_an_item_without_a_known_name_is_told_by_its_id(told: Told) -> None:
    donor, _, _, member = told
    texts = [line.text for line in lines(story(donor, Names.of(member.genesis)))]
    assert any("health-commission.item-mask-n95" in text for text in texts)


def test_a_citizen_reads_each_access_and_that_under_one_grant_there_was_none(told: Told) -> None:
    _, citizen, names, _ = told
    branch = story(citizen, names)
    looked = [line for line in lines(branch) if "查看了您的" in line.text]
    assert len(looked) == 3
    assert all(line.text.startswith("武汉市民政局 查看了您的") for line in looked)
    assert all(len(line.signers) == 2 for line in looked)
    assert [line.text for line in lines(branch)].count("没有任何访问（已证明）") == 1
    assert any("授权已撤销" in line.text for line in lines(branch))
    assert branch.lines[0].text == "共 3 次访问、0 次被拒绝，涉及 2 份授权"


def test_any_other_entity_is_told_by_its_events(told: Told) -> None:
    *_, member = told
    client = Client([URL], member.genesis, transport=FunctionTransport(member.answer))
    path = Path("supplies", "item", "health-commission.item-mask-n95")
    report = verify_now(client.history(path, proof=True), member.genesis)
    branch = story(report, Names.of(member.genesis))
    assert "item-mask-n95" in branch.title
    assert any("物品定义" in line.text for line in branch.lines)


def test_words_from_the_ledger_are_never_markup() -> None:
    branch = Branch("[red]title[/red]", (Line("[bold]text[/bold] [link=x]", note="[/]"),))
    text = printed(branch)
    assert "[red]title[/red]" in text
    assert "[bold]text[/bold] [link=x]" in text


def test_words_from_the_ledger_cannot_steer_the_terminal() -> None:
    hostile = "a\x1b[2Jb\u202ec\x9b"
    text = printed(Branch(hostile, (Line(hostile, note=hostile, old=hostile, signers=(hostile,)),)))
    assert not {"\x1b", "\u202e", "\x9b"} & set(text)
    assert "a\ufffd[2Jb\ufffdc\ufffd" in text


def test_the_verdict_is_printed_as_question_four_lines_and_notes(told: Told) -> None:
    donor, *_ = told
    console = Console(width=300, force_terminal=False)
    with console.capture() as capture:
        print_report(console, donor, "en")
    rows = capture.get().splitlines()
    assert rows[0].startswith("This bundle answers: Where did donation")
    assert [row.split()[1].rstrip(":") for row in rows[1:5]] == [
        "integrity", "completeness", "time", "authority",
    ]  # fmt: skip
    assert all(row.strip().startswith("✓") for row in rows[1:5])


def test_block_times_are_written_at_utc_plus_eight() -> None:
    assert moment(1_579_795_200_000) == "2020-01-24 00:00"
