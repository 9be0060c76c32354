"""Rules about imports: they only go down, the pure rooms import nothing impure, nothing is dead.

The order of the rooms is docs/decisions/0001. An import inside a function counts, as does a module
named by a string (`import_module("node.x")`, "node.x:app", `-m node.x`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from tests.tidy.sources import HOUSE, OUTSIDE, ROOF, ROOMS, Finding, Source

MAY_IMPORT = {
    "ledger": {"ledger"},
    "consensus": {"consensus", "ledger"},
    "chaincode": {"chaincode", "ledger"},
    "network": {"network", "ledger"},
    "node": {"node", "network", "chaincode", "consensus", "ledger"},
    "client": {"client", "ledger"},
    ROOF: {ROOF, *ROOMS},
    **{place: set(HOUSE) for place in OUTSIDE},
}

# What a replica may not see, or two replicas differ: clock, chance, machine, schedule, locale.
IMPURE = {
    "time",
    "datetime",
    "calendar",
    "zoneinfo",
    "random",
    "secrets",
    "uuid",
    "os",
    "posix",
    "sys",
    "platform",
    "socket",
    "ssl",
    "select",
    "selectors",
    "asyncio",
    "concurrent",
    "threading",
    "multiprocessing",
    "subprocess",
    "signal",
    "queue",
    "sched",
    "tempfile",
    "pathlib",
    "shutil",
    "glob",
    "io",
    "fileinput",
    "locale",
    "unicodedata",
    "decimal",
    "statistics",
    "cmath",
    "numpy",
    "pickle",
    "marshal",
    "shelve",
    "weakref",
    "gc",
    "sqlite3",
    "http",
    "urllib",
    "logging",
    "httpx",
    "uvicorn",
    "uvloop",
    "fastapi",
    "starlette",
    "typer",
    "rich",
    "plyvel",
    "rocksdict",
}
PURE_ROOMS = ("ledger", "consensus", "chaincode")

# Modules whose users are tests and auditors; each with its reason, and dead when no test uses it.
CHECKERS = {
    "consensus.audit": "names, offline, who committed and then forgot",
    "chaincode.conservation": "recomputes the lots' invariant from events alone",
}

MODULE_NAME = re.compile(r"([a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)*)(?::[A-Za-z_]\w*)?")


def imported(source: Source) -> Iterator[tuple[ast.AST, str]]:
    """Every (node, dotted name) this file imports; `from a import b` gives a and a.b."""
    package = source.module if source.path.endswith("__init__.py") else _parent(source.module)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            yield node, base
            for alias in node.names:
                yield node, f"{base}.{alias.name}"


def named(source: Source) -> Iterator[tuple[ast.AST, str]]:
    """Every (node, dotted name) that stands as a whole string and could be a module."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            match = MODULE_NAME.fullmatch(node.value)
            if match and "." in match[1]:
                yield node, match[1]


def _parent(module: str) -> str:
    return module.rpartition(".")[0]


def _loads_by_name(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name in {"import_module", "__import__"}


def upward_imports(source: Source) -> list[Finding]:
    """Imports of a room that does not lie below the file's own."""
    allowed = MAY_IMPORT.get(source.room)
    if allowed is None:
        places = "a room, tests/, benchmarks/, or suyuan.py"
        return [Finding(source.path, 1, f"Python files live in {places}")]
    uses = list(imported(source))
    for call in ast.walk(source.tree):
        if _loads_by_name(call):
            uses += [
                (arg, arg.value)
                for arg in getattr(call, "args", [])
                if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
            ]
    found = {
        source.found(node, f"{source.room} may not import {top}: imports only go down")
        for node, top in ((node, name.split(".")[0]) for node, name in uses)
        if top in HOUSE and top not in allowed
    }
    return sorted(found, key=lambda one: (one.line, one.rule))


def impure_imports(source: Source) -> list[Finding]:
    """Imports of clock, chance, machine or IO in ledger, consensus and chaincode."""
    if source.room not in PURE_ROOMS:
        return []
    found = {
        source.found(node, f"{source.room} is pure: it may not import {name.split('.')[0]}")
        for node, name in imported(source)
        if name.split(".")[0] in IMPURE
    }
    return sorted(found, key=lambda one: (one.line, one.rule))


def dead_modules(all_sources: Iterable[Source]) -> list[Finding]:
    """Modules of the rooms that nothing reaches from the roof, a `__main__` or the benchmarks.

    A module that only tests use is dead too, unless CHECKERS says why it is not.
    """
    all_sources = list(all_sources)
    house = {source.module: source for source in all_sources if source.room != "tests"}
    tested = {
        name for source in all_sources if source.room == "tests" for _, name in imported(source)
    }
    reached: set[str] = set()
    waiting = [
        name
        for name, source in house.items()
        if source.room in {ROOF, "benchmarks"}
        or name.endswith("__main__")
        or (name in CHECKERS and name in tested)
    ]
    while waiting:
        name = waiting.pop()
        if name in reached or name not in house:
            continue
        reached.add(name)
        waiting.append(_parent(name))
        waiting += [used for _, used in imported(house[name])]
        waiting += [used for _, used in named(house[name])]
    return [
        Finding(house[name].path, 1, "dead module: nothing reaches it from suyuan.py or a __main__")
        for name in sorted(house.keys() - reached)
    ]
