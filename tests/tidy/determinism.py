"""Rules for consensus/ and chaincode/: two replicas that are given the same must do the same.

Floats differ by libm and by rounding, `hash()` and the order of sets by process, `id()` by memory,
and what Unicode calls a letter, a digit or lower case by Python version. Best effort where types
are needed: a name counts as a set when the same function (or, for `self.x`, the same class) says so
by annotation or by what it assigns.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.tidy.sources import Finding, Source

DETERMINISTIC_ROOMS = ("consensus", "chaincode")

FORBIDDEN_CALLS = {
    "float": "no floats",
    "hash": "hash() differs between processes",
    "id": "id() differs between processes",
    "open": "no files",
    "input": "no console",
    "print": "no console",
    "eval": "no code from text",
    "exec": "no code from text",
}
UNICODE_METHODS = {
    "lower",
    "upper",
    "casefold",
    "title",
    "capitalize",
    "swapcase",
    "isalpha",
    "isalnum",
    "isdigit",
    "isnumeric",
    "isdecimal",
    "isprintable",
    "isidentifier",
    "isspace",
    "islower",
    "isupper",
    "istitle",
}
SET_TYPES = {"set", "frozenset", "Set", "AbstractSet", "MutableSet", "FrozenSet"}
SET_METHODS = {"union", "intersection", "difference", "symmetric_difference"}
SET_OPERATORS = ast.BitOr | ast.BitAnd | ast.Sub | ast.BitXor
# Consumers whose result does not depend on the order they are given.
ORDER_FREE = {"sorted", "any", "all", "sum", "len", "set", "frozenset", "min", "max"}
ORDER_BOUND = {
    "list",
    "tuple",
    "iter",
    "enumerate",
    "zip",
    "map",
    "filter",
    "next",
    "reversed",
    "dict",
}

Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.Module


def floats(source: Source) -> list[Finding]:
    """Float and complex literals, and the division that makes one."""
    if source.room not in DETERMINISTIC_ROOMS:
        return []
    found = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            found.append(source.found(node, f"no floats in {source.room}"))
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            found.append(source.found(node, f"no floats in {source.room}: / makes one, use //"))
    return found


def forbidden_calls(source: Source) -> list[Finding]:
    """Calls whose result depends on the process, the files or the console."""
    if source.room not in DETERMINISTIC_ROOMS:
        return []
    return [
        source.found(node, f"{source.room}: {node.func.id}(): {FORBIDDEN_CALLS[node.func.id]}")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in FORBIDDEN_CALLS
    ]


def unicode_classes(source: Source) -> list[Finding]:
    """String methods that ask the Unicode tables, which differ between Python versions."""
    if source.room not in DETERMINISTIC_ROOMS:
        return []
    return [
        source.found(node, f"{source.room}: .{node.func.attr}() follows Python's Unicode version")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in UNICODE_METHODS
    ]


def set_iteration(source: Source) -> list[Finding]:
    """Walks over a set in its own order, which differs between processes."""
    if source.room not in DETERMINISTIC_ROOMS:
        return []
    found: dict[tuple[int, int], Finding] = {}
    for scope, attributes in _scopes(source.tree):
        known = attributes | _set_names(scope, attributes)
        for node in _ordered_walks(scope, known):
            place = (getattr(node, "lineno", 1), getattr(node, "col_offset", 0))
            rule = f"{source.room}: a set has no order: use sorted() or a dict"
            found[place] = source.found(node, rule)
    return [found[place] for place in sorted(found)]


def _scopes(tree: ast.Module) -> Iterator[tuple[Scope, set[str]]]:
    """The module and every function, with the set-typed attributes of the class it is in."""
    yield tree, set()
    attributes_of: dict[ast.AST, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            attributes = _set_attributes(node)
            for inner in ast.walk(node):
                attributes_of[inner] = attributes
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node, attributes_of.get(node, set())


def _set_attributes(node: ast.ClassDef) -> set[str]:
    names: set[str] = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.AnnAssign) and _is_set_type(inner.annotation):
            target = inner.target
            if isinstance(target, ast.Name) and inner in node.body:
                names.add(f"self.{target.id}")
            elif isinstance(target, ast.Attribute):
                names.add(ast.unparse(target))
        elif isinstance(inner, ast.Assign) and _is_set(inner.value, names):
            names |= {ast.unparse(t) for t in inner.targets if isinstance(t, ast.Attribute)}
    return names


def _set_names(scope: Scope, attributes: set[str]) -> set[str]:
    names = set(attributes)
    if not isinstance(scope, ast.Module):
        args = scope.args
        names |= {
            arg.arg
            for arg in [*args.posonlyargs, *args.args, *args.kwonlyargs]
            if arg.annotation is not None and _is_set_type(arg.annotation)
        }
    for node in ast.walk(scope):
        if isinstance(node, ast.AnnAssign) and _is_set_type(node.annotation):
            names.add(ast.unparse(node.target))
        elif isinstance(node, ast.Assign) and _is_set(node.value, names):
            names |= {ast.unparse(target) for target in node.targets}
    return names


def _is_set_type(annotation: ast.expr) -> bool:
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        annotation = ast.parse(annotation.value, mode="eval").body
    if isinstance(annotation, ast.BinOp):
        return _is_set_type(annotation.left) or _is_set_type(annotation.right)
    head = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    name = head.attr if isinstance(head, ast.Attribute) else getattr(head, "id", "")
    return name in SET_TYPES


def _is_set(node: ast.expr, known: set[str]) -> bool:
    if isinstance(node, ast.Set | ast.SetComp):
        return True
    if isinstance(node, ast.Name | ast.Attribute):
        return ast.unparse(node) in known
    if isinstance(node, ast.BinOp) and isinstance(node.op, SET_OPERATORS):
        sides = (node.left, node.right)
        return any(_is_set(side, known) or _is_keys(side) for side in sides)
    if isinstance(node, ast.IfExp):
        return _is_set(node.body, known) or _is_set(node.orelse, known)
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name):
            return node.func.id in {"set", "frozenset"}
        if isinstance(node.func, ast.Attribute):
            copied = node.func.attr == "copy" and _is_set(node.func.value, known)
            return copied or node.func.attr in SET_METHODS
    return False


def _is_keys(node: ast.expr) -> bool:
    called = node.func if isinstance(node, ast.Call) else None
    return isinstance(called, ast.Attribute) and called.attr == "keys"


def _ordered_walks(scope: Scope, known: set[str]) -> Iterator[ast.AST]:
    """The places where a set's own order is looked at."""
    free = {
        id(argument)
        for node in ast.walk(scope)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ORDER_FREE
        and not (node.func.id in {"min", "max"} and node.keywords)
        for argument in node.args
    }
    for node in ast.walk(scope):
        walked: list[ast.expr] = []
        if isinstance(node, ast.For | ast.AsyncFor):
            walked = [node.iter]
        elif isinstance(node, ast.ListComp | ast.GeneratorExp | ast.DictComp):
            walked = [] if id(node) in free else [part.iter for part in node.generators]
        elif isinstance(node, ast.Starred):
            walked = [node.value]
        if any(_is_set(part, known) for part in walked):
            yield node
        if isinstance(node, ast.Call):
            yield from _ordered_calls(node, known)


def _ordered_calls(node: ast.Call, known: set[str]) -> Iterator[ast.AST]:
    called = node.func
    if isinstance(called, ast.Name):
        bound = called.id in ORDER_BOUND or (called.id in {"min", "max"} and bool(node.keywords))
        if bound and any(_is_set(argument, known) for argument in node.args):
            yield node
    elif isinstance(called, ast.Attribute):
        popped = called.attr == "pop" and not node.args and _is_set(called.value, known)
        joined = called.attr in {"join", "extend"} and any(_is_set(a, known) for a in node.args)
        if popped or joined:
            yield node
