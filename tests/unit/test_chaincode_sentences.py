"""The catalogue of sentences says everything that the runtime and the contracts can say, twice."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import chaincode
from chaincode.refusal import CODES, RULES
from ledger.sentences import SENTENCES, render, render_event, render_role
from ledger.sentences_events import EVENTS, ROLES
from ledger.sentences_events import RULES as RULE_WORDS

ROOM = Path(chaincode.__file__).parent
CALLS = ("refuse", "Refused")
PLACE = re.compile(r"\{([a-z_]+)\}")


def sources() -> list[ast.Module]:
    return [ast.parse(file.read_text(encoding="utf-8")) for file in sorted(ROOM.rglob("*.py"))]


def refusals() -> list[tuple[str, frozenset[str]]]:
    """Every code the sources refuse with, and the names of its parameters."""
    found = []
    for tree in sources():
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            if node.func.id not in CALLS or not node.args:
                continue
            code = node.args[0]
            if not isinstance(code, ast.Constant):
                continue
            names = [keyword.arg or "" for keyword in node.keywords]
            if len(node.args) > 1 and isinstance(node.args[1], ast.Dict):
                names += [
                    str(key.value) for key in node.args[1].keys if isinstance(key, ast.Constant)
                ]
            found.append((str(code.value), frozenset(name.rstrip("_") for name in names)))
    return found


def event_kinds() -> list[str]:
    """Every kind of event the sources make."""
    found = []
    for tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if name in ("event", "Event"):
                    found.append(str(node.args[0].value))
    return found


def test_the_table_of_codes_is_exactly_what_the_sources_refuse_with() -> None:
    found = refusals()
    assert {code for code, _ in found} == set(CODES)
    for code, names in found:
        assert names == set(CODES[code]), code


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_has_two_sentences_that_use_its_parameters_only(code: str) -> None:
    for sentence in SENTENCES[code]:
        assert set(PLACE.findall(sentence)) <= set(CODES[code])


def test_every_kind_of_event_has_two_lines() -> None:
    kinds = event_kinds()
    assert len(kinds) > 20
    assert set(kinds) == set(EVENTS)


def test_every_rule_and_every_role_has_two_words() -> None:
    assert set(RULES) == set(RULE_WORDS)
    roles = {
        keyword.value.value
        for tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "role" and isinstance(keyword.value, ast.Constant) and keyword.value.value
    }
    assert {str(role) for role in roles} <= set(ROLES)
    assert {"user", "auditor"} <= set(ROLES)


def test_a_sentence_is_rendered_in_both_languages() -> None:
    parameters = {"asked": 600, "held": 400, "lot": "redcross.L-1"}
    assert render("more-than-held", parameters, "zh") == "批次 redcross.L-1 只有 400，不足 600。"
    assert render("more-than-held", parameters, "en") == (
        "The lot redcross.L-1 has 400, fewer than 600."
    )


def test_times_roles_and_rules_are_said_in_words() -> None:
    said = render("expired", {"time": 1_579_852_800_000, "valid_until": 0}, "en")
    assert "2020-01-24 16:00:00" in said
    wrong_role = {"account": "a.b", "role": "custodian"}
    assert render("wrong-role", wrong_role, "zh") == "账户 a.b 没有“保管方”这一角色。"
    bad = {"field": "lots[0].count", "rule": "range"}
    assert render("bad-argument", bad, "en").endswith("it lies outside the allowed range.")
    assert render_role("approver", "zh") == "审批员"


def test_what_a_caller_wrote_is_a_value_and_never_a_template() -> None:
    said = render("unknown-contract", {"contract": "{time} {0} %s"}, "en")
    assert said == "There is no contract called {time} {0} %s."


def test_an_unknown_code_or_a_missing_parameter_is_shown_as_it_is() -> None:
    assert render("novelty", {"b": b"\xff", "a": None}, "zh") == "novelty (a=—, b=ff)"
    assert render("novelty", {}, "en") == "novelty"
    assert render("withheld", {}, "en") == "The data set — is withheld from sharing."


def test_an_event_is_one_line() -> None:
    body = {"counted": [["redcross.L-1", 550]], "by": "renai.door"}
    assert render_event("handed_over", body, "zh") == "收货方清点签收：redcross.L-1 550"
    corrected = {"old": {"item": "n95", "quantity": 5}, "new": {"item": "kn95"}, "explanation": "x"}
    assert render_event("receipt_corrected", corrected, "en") == (
        "receipt corrected: item n95, quantity 5 becomes item kn95; x"
    )
    assert render_event("novelty", {}, "en") == "novelty"
