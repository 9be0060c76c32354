"""The documented vectors are what the code makes, and get the verdicts they state."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ledger.claims import parse_claim
from ledger.codec import decode, encode
from ledger.errors import Malformed
from ledger.genesis import Genesis
from ledger.paths import Path
from ledger.tlog_policy import parse_policy
from ledger.verify import verify_bundle
from tests.forger.vectors import FOLDER, files

FILES = files()
GENESIS = Genesis.from_json((FOLDER / "genesis.json").read_bytes())


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_vector_file_is_what_the_code_makes(name: str) -> None:
    """When a format was meant to change: python -m tests.forger.vectors."""
    assert (FOLDER / name).read_bytes() == FILES[name]


def read(name: str) -> Any:
    return json.loads((FOLDER / name).read_bytes())


def test_the_encodings_are_read_or_refused_as_stated() -> None:
    for case in read("encoding.json")["good"]:
        assert encode(decode(bytes.fromhex(case["spelling"]))).hex() == case["spelling"]
    for case in read("encoding.json")["bad"]:
        with pytest.raises(Malformed):
            decode(bytes.fromhex(case["spelling"]))


@pytest.mark.parametrize("name", sorted(name for name in FILES if name.startswith("bundle-")))
def test_the_honest_bundles_are_clean(name: str) -> None:
    assert verify_bundle((FOLDER / name).read_bytes(), GENESIS).clean


def test_the_receipt_that_is_not_final_is_qualified() -> None:
    report = verify_bundle((FOLDER / "receipt-not-final.json").read_bytes(), GENESIS)
    assert (report.completeness.state, report.completeness.code) == ("qualified", "not-final")
    assert [line.state for line in report.lines].count("clean") == 3
    assert report.exit_ok


def test_the_forgeries_get_the_verdicts_stated() -> None:
    cases = read("forgeries.json")
    assert len(cases) > 170
    for case in cases:
        asked = dict(case["asked"])
        if "about" in asked:
            asked["about"] = Path.parse(asked["about"])
        if "claim" in asked:
            asked["about"] = parse_claim(asked.pop("claim"))
        if "policy" in asked:
            asked["policy"] = parse_policy(asked["policy"])
        report = verify_bundle(case["bundle"].encode(), GENESIS, **asked)
        stated = {name: tuple(line) for name, line in case["verdict"].items()}
        assert {line.name: (line.state, line.code) for line in report.lines} == stated
        assert not report.exit_ok
