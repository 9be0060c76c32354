"""The TypeScript verifier: its own tests, its catalogue, and the same verdicts as the Python's.

The differential tests compare state, code and sentences of every line, the question, the notes and
what decides the exit code, on every forgery, on seeded mutations, and on chains whose members all
lie.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from client.portal import generate
from ledger.paths import Path
from ledger.verdict import Report
from ledger.verdict_sentences import LINE_NAMES, SENTENCES, STATE_WORDS
from ledger.verify import verify_bundle
from tests import portal, portal_lies, portal_mutations
from tests.forger import trusts, vectors
from tests.forger.edges import EDGES
from tests.forger.epochs import epochs
from tests.forger.forgeries import FORGERIES
from tests.forger.world import World
from tests.portal_mutations import Case

SEEDS = (1, 2, 3)
MUTATIONS = 700  # of each seed; both verifiers together take about 2 ms for one
# Codes whose sentences carry a rule, which each verifier puts in its own words (FORMATS 8.1).
OWN_WORDS = {
    "handover-malformed",
    "malformed",
    "not-certified",
    "not-in-state",
    "pin-malformed",
    "witness-malformed",
}


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    portal.build()


def test_the_typescript_tests_pass() -> None:
    done = portal.run(["npm", "test", "--ignore-scripts"])
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "# fail 0" in done.stdout
    assert "# skipped 0" in done.stdout


def test_the_typescript_is_strict_and_has_no_way_around_its_types() -> None:
    settings = (portal.PORTAL / "tsconfig.json").read_text(encoding="utf-8")
    assert '"strict": true' in settings  # what it asks for was checked when the tests were compiled
    for source in [*portal.PORTAL.glob("src/**/*.ts"), *portal.PORTAL.glob("test/*.ts")]:
        text = source.read_text(encoding="utf-8")
        for escape in (": any", "as any", "<any>", "@ts-ignore", "@ts-expect-error", "@ts-nocheck"):
            assert escape not in text, f"{source.name}: {escape}"


def test_the_typescript_catalogue_is_the_python_one() -> None:
    assert generate.TARGET.read_text(encoding="utf-8") == generate.source()
    catalogue = generate.catalogue()
    assert catalogue["SENTENCES"] == SENTENCES
    assert catalogue["LINE_NAMES"] == LINE_NAMES
    assert catalogue["STATE_WORDS"] == STATE_WORDS
    for zh, en in catalogue["QUESTIONS"].values():
        assert "{" in zh
        assert "{" in en


def differences(case: Case, report: Report, got: dict[str, object]) -> list[str]:
    """What two verdicts on one file disagree about."""
    lines = got["lines"]
    if not isinstance(lines, dict):
        raise TypeError(lines)
    found = []
    for line in report.lines:
        other = lines[line.name]
        if (line.state, line.code) != (other["state"], other["code"]):
            found.append(f"{line.name}: {line.state} {line.code}, not {other}")
        elif line.code not in OWN_WORDS:
            words = (line.sentence("zh"), line.sentence("en"))
            if words != (other["zh"], other["en"]):
                found.append(f"{line.name}: {words}, not {other}")
    facts = {
        "met": report.met,
        "ok": report.exit_ok,
        "notes": [[note.code, note.sentence("zh"), note.sentence("en")] for note in report.notes],
        "question": {language: report.question(language) for language in ("zh", "en")},
    }
    found += [
        f"{name}: {fact}, not {got[name]}" for name, fact in facts.items() if fact != got[name]
    ]
    return [f"{case.name}: {one}" for one in found]


def agree(cases: Iterable[Case], **asked: str) -> dict[str, int]:
    """Check that both verifiers say the same of every case; give how often each code was said."""
    tried = list(cases)
    got = portal.judge(
        portal.task(case.data, case.genesis.to_json(), **case.asked(), **asked) for case in tried
    )
    said: dict[str, int] = {}
    found = []
    for case, verdict in zip(tried, got, strict=True):
        report = verify_bundle(
            case.data,
            case.genesis,
            case.about,
            case.now_s,
            case.max_age_s,
            case.pin,
            case.policy,
        )
        found += differences(case, report, verdict)
        for line in report.lines:
            said[line.code] = said.get(line.code, 0) + 1
    assert not found, "\n".join(found[:20])
    return said


def forgeries() -> Iterable[Case]:
    for forgery in FORGERIES:
        attempt = forgery.make()
        yield Case(attempt.data, attempt.genesis, name=forgery.name, **attempt.asked)


@pytest.mark.parametrize("engine", ["noble", "webcrypto"])
def test_both_verifiers_name_the_same_line_of_every_forgery(engine: str) -> None:
    said = agree(forgeries(), engine=engine)
    assert said["transaction-unsigned"] >= 1


def test_both_verifiers_call_what_is_honest_at_the_very_edge_clean() -> None:
    made = [(edge.__name__, edge()) for edge in EDGES]
    said = agree(Case(one.data, one.genesis, name=name, **one.asked) for name, one in made)
    assert said["quorum-from-genesis"] == len(EDGES)
    assert said["fresh"] == 2


@pytest.mark.parametrize("engine", ["noble", "webcrypto"])
def test_both_verifiers_tell_every_reader_alike_what_authority_rests_on(engine: str) -> None:
    genesis = epochs().genesis
    cases = [Case(one.bundle(), genesis, name=one.name, **one.asked()) for one in trusts.TRUSTS]
    said = agree(cases, engine=engine)
    assert said["quorum-from-genesis"] >= 3
    assert said["quorum-and-witnesses"] >= 3


def test_both_verifiers_call_every_honest_bundle_clean() -> None:
    files = portal_mutations.honest(*portal_mutations.worlds())
    said = agree(Case(data, world.genesis, claim) for world, claim, data in files)
    assert said["intact"] == 13
    assert said["intact-receipt"] == 2
    assert said["intact-chain"] == 1
    assert said["quorum-from-genesis"] == 16


@pytest.mark.parametrize("seed", SEEDS)
def test_both_verifiers_say_the_same_of_whatever_is_done_to_a_bundle(seed: int) -> None:
    said = agree(portal_mutations.mutations(seed, MUTATIONS))
    assert said["quorum-from-genesis"] > 100  # the mutations reach behind the form
    assert len(said) > 25


def test_both_verifiers_read_leaves_alike_that_every_member_certified() -> None:
    said = agree(portal_lies.certified_lies())
    assert said["intact"] > 10
    assert said["malformed"] > 50


def test_both_verifiers_read_receipts_alike_that_every_member_certified() -> None:
    said = agree(portal_lies.certified_receipts())
    assert said["intact-receipt"] > 10
    assert said["malformed"] > 50


def test_both_verifiers_read_a_path_that_is_asked_about() -> None:
    world, claim, data = portal_mutations.honest(*portal_mutations.worlds())[2]
    lot = Path.parse("supplies/lot/red-cross.L-1")
    said = agree(Case(data, world.genesis, about) for about in (lot, claim, None))
    assert said["complete"] == 2  # a history is not what asking about a lot means
    assert said["another-question"] == 1


def test_both_verifiers_qualify_a_receipt_that_is_not_the_last_word() -> None:
    data = (vectors.FOLDER / "receipt-not-final.json").read_bytes()
    said = agree([Case(data, World().genesis)])
    assert said["not-final"] == 1
