"""The tidy rules at work: each is given small sources that break it, and some that do not."""

from __future__ import annotations

import textwrap

import pytest

from tests.tidy import determinism, imports, shape
from tests.tidy.sources import Finding, Source, Text


def source(path: str, text: str) -> Source:
    return Source.parse(path, textwrap.dedent(text))


def rules(findings: list[Finding]) -> str:
    return "\n".join(map(str, findings))


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("ledger/a.py", "import consensus"),
        ("ledger/a.py", "from node.storage import Store"),
        ("consensus/a.py", "import chaincode.runtime"),
        ("consensus/a.py", "from network import frames"),
        ("chaincode/v1/a.py", "from consensus import replica"),
        ("network/a.py", "import node"),
        ("node/a.py", "from client import sdk"),
        ("client/a.py", "import node.commands"),
        ("client/a.py", "from chaincode import supplies"),
        ("client/a.py", "import suyuan"),
        ("node/a.py", "from tests.simulator import world"),
        ("node/a.py", "import benchmarks"),
        ("ledger/a.py", "def f():\n    import node"),
        ("ledger/a.py", "import_module('consensus.replica')"),
        ("client/a.py", "importlib.import_module('node')"),
        ("scripts/a.py", "x = 1"),
    ],
)
def test_an_upward_import_is_caught(path: str, line: str) -> None:
    assert len(imports.upward_imports(source(path, line))) == 1


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("ledger/a.py", "from ledger import codec"),
        ("ledger/sub/a.py", "from . import codec"),
        ("consensus/a.py", "from ledger.codec import encode"),
        ("node/a.py", "import network, chaincode, consensus, ledger"),
        ("client/a.py", "import httpx, ledger"),
        ("suyuan.py", "import client, node"),
        ("tests/a.py", "import client, node, suyuan"),
        ("benchmarks/a.py", "import client, node"),
    ],
)
def test_a_downward_import_is_let_pass(path: str, line: str) -> None:
    assert imports.upward_imports(source(path, line)) == []


def test_an_upward_import_is_named_by_file_line_and_rule() -> None:
    [finding] = imports.upward_imports(source("ledger/a.py", '"""Doc."""\n\nimport node\n'))
    assert str(finding) == "ledger/a.py:3: ledger may not import node: imports only go down"


@pytest.mark.parametrize("room", ["ledger", "consensus", "chaincode"])
@pytest.mark.parametrize(
    "line",
    [
        "import time",
        "import datetime",
        "from datetime import datetime",
        "import random",
        "import secrets",
        "import os.path",
        "import socket",
        "import asyncio",
        "import threading",
        "import uuid",
        "from concurrent.futures import ThreadPoolExecutor",
        "import pathlib",
        "def f():\n    import time",
    ],
)
def test_an_impure_import_is_caught(room: str, line: str) -> None:
    assert len(imports.impure_imports(source(f"{room}/a.py", line))) == 1


def test_the_node_may_look_at_the_clock() -> None:
    assert imports.impure_imports(source("node/a.py", "import time, os, asyncio")) == []


@pytest.mark.parametrize("line", ["x = 0.5", "x = 1e3", "x = 2j", "x = a / b", "x /= 2"])
def test_a_float_is_caught(line: str) -> None:
    assert len(determinism.floats(source("consensus/a.py", line))) == 1
    assert determinism.floats(source("consensus/a.py", "x = a // b")) == []
    assert determinism.floats(source("node/a.py", line)) == []


@pytest.mark.parametrize("name", ["float", "hash", "id", "open", "print"])
def test_a_call_that_differs_between_processes_is_caught(name: str) -> None:
    assert len(determinism.forbidden_calls(source("chaincode/a.py", f"y = {name}(x)"))) == 1
    assert determinism.forbidden_calls(source("chaincode/a.py", f"y = x.{name}")) == []
    assert determinism.forbidden_calls(source("node/a.py", f"y = {name}(x)")) == []


def test_a_method_that_asks_the_unicode_tables_is_caught() -> None:
    assert len(determinism.unicode_classes(source("chaincode/a.py", "y = name.lower()"))) == 1
    assert determinism.unicode_classes(source("client/a.py", "y = name.lower()")) == []


@pytest.mark.parametrize(
    "text",
    [
        "for x in {1, 2}: pass",
        "for x in set(y): pass",
        "for x in frozenset(y): pass",
        "for x in {a for a in y}: pass",
        "y = [x for x in {1, 2}]",
        "y = {x: 1 for x in set(z)}",
        "y = list({1, 2})",
        "y = tuple(set(z))",
        "y = next(iter(set(z)))",
        "y = b''.join({b'a', b'b'})",
        "y = [*{1, 2}]",
        "y = max({1, 2}, key=f)",
        "for x in a.keys() & b: pass",
        "for x in a.difference(b): pass",
        "def f(voters: set[str]):\n    for x in voters: pass",
        "def f(voters: frozenset[str] | None):\n    for x in voters: pass",
        "def f(voters: 'set[str]'):\n    return list(voters)",
        "def f():\n    seen = set()\n    for x in seen: pass",
        "def f():\n    seen: set[int] = read()\n    return [x for x in seen]",
        "def f():\n    seen = {1}\n    return seen.pop()",
        "def f(a: set[int], b: set[int]):\n    for x in a | b: pass",
        "class A:\n    seen: set[int]\n    def f(self):\n        for x in self.seen: pass",
        "class A:\n    def g(self):\n        self.x = set()\n    def f(self):\n        [*self.x]",
    ],
)
def test_a_walk_in_the_order_of_a_set_is_caught(text: str) -> None:
    assert len(determinism.set_iteration(source("consensus/a.py", text))) == 1
    assert determinism.set_iteration(source("node/a.py", text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "for x in sorted({1, 2}): pass",
        "y = 1 in {1, 2}",
        "y = len(set(z))",
        "y = all(f(x) for x in {1, 2})",
        "y = max({1, 2})",
        "y = {x for x in set(z)}",
        "for x in [1, 2]: pass",
        "for x in dict.fromkeys(y): pass",
        "def f():\n    stack = [1]\n    return stack.pop()",
        "def f(a: dict[str, set[int]]):\n    for x in a: pass",
    ],
)
def test_a_use_of_a_set_that_needs_no_order_is_let_pass(text: str) -> None:
    assert determinism.set_iteration(source("consensus/a.py", text)) == []


def test_a_file_with_one_line_too_many_is_caught() -> None:
    assert shape.long_file(source("node/a.py", "x = 1\n" * shape.LONGEST_FILE)) == []
    assert len(shape.long_file(source("node/a.py", "x = 1\n" * (shape.LONGEST_FILE + 1)))) == 1


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_function_with_one_line_too_many_is_caught(kind: str) -> None:
    fits = f"{kind} f():\n" + "    x = 1\n" * (shape.LONGEST_FUNCTION - 1)
    assert shape.long_functions(source("node/a.py", fits)) == []
    [finding] = shape.long_functions(source("node/a.py", fits + "    x = 1\n"))
    assert "f has 71 lines" in finding.rule


@pytest.mark.parametrize("text", ["x = 1\n", "import ast\n'''late'''\n", "", "# only a comment\n"])
def test_a_module_that_does_not_begin_with_its_docstring_is_caught(text: str) -> None:
    assert len(shape.module_docstring(source("node/a.py", text))) == 1
    assert shape.module_docstring(source("node/a.py", f'"""What it is."""\n{text}')) == []


def test_a_public_name_without_docstring_is_caught() -> None:
    text = "def f(): pass\nclass A: pass\ndef _g(): pass\n"
    assert len(shape.public_docstrings(source("ledger/a.py", text))) == 2
    assert shape.public_docstrings(source("ledger/a.py", "def f():\n    'Says what.'\n")) == []


def test_a_bare_assert_is_caught_outside_tests() -> None:
    assert len(shape.bare_asserts(source("node/a.py", "assert x"))) == 1
    assert shape.bare_asserts(source("tests/a.py", "assert x")) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("node/utils.py", ""),
        ("node/helpers/a.py", ""),
        ("ledger/common.py", ""),
        ("node/a.py", "class PeerManager: pass"),
        ("tests/a.py", "class TestHelper: pass"),
    ],
)
def test_a_name_that_says_nothing_is_caught(path: str, text: str) -> None:
    assert len(shape.vague_names(source(path, text))) == 1
    assert shape.vague_names(source("node/a.py", "class CommonsLicence: pass")) == []


@pytest.mark.parametrize("path", ["node/Store.py", "node/read-model.py", "docs/decisions/a.md"])
def test_a_file_name_out_of_style_is_caught(path: str) -> None:
    assert len(shape.file_names(Text(path, ""))) == 1
    assert shape.file_names(Text("docs/decisions/0001-rooms-and-tools.md", "")) == []


@pytest.mark.parametrize("mark", ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"])
def test_a_left_over_mark_is_caught(mark: str) -> None:
    assert len(shape.marks(Text("README.md", f"fine\n# {mark}: later\n"))) == 1
    assert shape.marks(Text("README.md", f"{mark}LESS")) == []


@pytest.mark.parametrize(
    "place", ["work/x", "opt/venv", "tmp/demo", "root/x", "home/me", "Users/me"]
)
def test_a_place_of_one_machine_is_caught(place: str) -> None:
    assert len(shape.machine_places(Text("node/a.py", f'path = "/{place}"'))) == 1


@pytest.mark.parametrize("host", ["py" + "pi.org", "files.python" + "hosted.org", "npm" + "js.org"])
def test_a_package_host_is_caught(host: str) -> None:
    assert len(shape.machine_places(Text("docs/a.md", f"from https://{host}/simple"))) == 1


@pytest.mark.parametrize("text", ["GET /v1/tmp", "out/tmp/x", "$HOME/work/x", '"/v1/entities"'])
def test_a_relative_path_or_an_address_is_let_pass(text: str) -> None:
    assert shape.machine_places(Text("docs/a.md", text)) == []


def test_a_module_that_nothing_reaches_is_dead_even_when_a_test_uses_it() -> None:
    house = [
        source("suyuan.py", "import client.cli"),
        source("client/__init__.py", ""),
        source("client/cli.py", "from ledger import codec"),
        source("ledger/__init__.py", ""),
        source("ledger/codec.py", ""),
        source("ledger/forgotten.py", "from ledger import codec"),
        source("tests/test_forgotten.py", "from ledger import forgotten"),
    ]
    [finding] = imports.dead_modules(house)
    assert finding.path == "ledger/forgotten.py"


def test_a_checker_lives_only_while_a_test_uses_it() -> None:
    checker = "chaincode.conservation"
    assert checker in imports.CHECKERS
    house = [
        source("suyuan.py", "import chaincode"),
        source("chaincode/__init__.py", ""),
        source("chaincode/conservation.py", ""),
    ]
    [finding] = imports.dead_modules(house)
    assert finding.path == "chaincode/conservation.py"
    used = source("tests/test_lots.py", f"import {checker}")
    assert imports.dead_modules([*house, used]) == []


def test_a_module_reached_by_its_name_in_a_string_lives() -> None:
    house = [
        source("suyuan.py", "LAZY = {'verify': 'client.verify:verify'}"),
        source("client/__init__.py", ""),
        source("client/verify.py", ""),
        source("node/__main__.py", "import node.driver"),
        source("node/__init__.py", ""),
        source("node/driver.py", ""),
    ]
    assert imports.dead_modules(house) == []
