"""Every place of a file where one small bug can stand: the mutants that nobody chose.

A comparison turned or off by one, a condition left out or always met, `and` for `or`, a constant
one higher, a call or an assignment forgotten: what DeMillo, Lipton and Sayward (1978) argue larger
bugs are made of. What it is not: a judge of whether the bug matters; some change nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

TURNED: Final = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.In: "not in",
    ast.NotIn: "in",
    ast.Is: "is not",
    ast.IsNot: "is",
}


@dataclass(frozen=True)
class Place:
    """In a file's bytes, from `start` to `stop`: what would stand there, and what that is."""

    line: int
    start: int
    stop: int
    instead: str
    kind: str

    def apply(self, source: bytes) -> bytes:
        """Return the file with the bug in it."""
        return source[: self.start] + self.instead.encode() + source[self.stop :]


def places(source: bytes) -> list[Place]:
    """Return every place, in the order of the file. Raises: SyntaxError."""
    return _Reader(source).read()


class _Reader:
    def __init__(self, source: bytes) -> None:
        self._source = source
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def read(self) -> list[Place]:
        tree = ast.parse(self._source)
        passed = set(map(id, _of_types(tree)))
        found = [
            place for one in ast.walk(tree) if id(one) not in passed for place in self._at(one)
        ]
        return sorted(found, key=lambda place: (place.start, place.stop, place.instead))

    def _span(self, one: ast.expr | ast.stmt) -> tuple[int, int]:
        assert one.end_lineno is not None
        assert one.end_col_offset is not None
        first, last = self._starts[one.lineno - 1], self._starts[one.end_lineno - 1]
        return first + one.col_offset, last + one.end_col_offset

    def _instead(self, one: ast.expr | ast.stmt, text: str, kind: str) -> Place:
        return Place(one.lineno, *self._span(one), text, kind)

    def _between(self, left: ast.expr, right: ast.expr, was: str, text: str) -> Iterator[Place]:
        """What stands between two operands: brackets and comments stay."""
        start, stop = self._span(left)[1], self._span(right)[0]
        gap = self._source[start:stop].decode()
        if gap.count(was) == 1:
            yield Place(left.end_lineno or left.lineno, start, stop, gap.replace(was, text), was)

    def _at(self, one: ast.AST) -> Iterator[Place]:
        match one:
            case ast.Compare(ops=[operator], comparators=[right]):
                was, text = _WRITTEN[type(operator)], TURNED[type(operator)]
                yield from self._between(one.left, right, was, text)
            case ast.BoolOp():
                yield from self._conditions(one)
            case ast.UnaryOp(op=ast.Not()):
                start, stop = self._span(one.operand)
                operand = self._source[start:stop].decode()
                yield self._instead(one, f"({operand})", "not")
            case ast.BinOp(op=ast.Add()):
                yield from self._between(one.left, one.right, "+", "-")
            case ast.BinOp(op=ast.Sub()):
                yield from self._between(one.left, one.right, "-", "+")
            case ast.Constant(value=bool() as truth):
                yield self._instead(one, str(not truth), "constant")
            case ast.Constant(value=int() as number):
                yield self._instead(one, str(number + 1), "constant")
            case ast.If(test=test) | ast.IfExp(test=test):
                yield self._instead(test, "True", "if")
                yield self._instead(test, "False", "if")
            case ast.While(test=test):
                yield self._instead(test, "False", "while")
            case ast.comprehension(ifs=tests):
                yield from (self._instead(test, "True", "if") for test in tests)
            case ast.Expr(value=ast.Call()) | ast.AugAssign():
                yield self._instead(one, "pass", "statement")
            case ast.Assign(targets=[target]) if not isinstance(target, ast.Name):
                yield self._instead(one, "pass", "statement")

    def _conditions(self, one: ast.BoolOp) -> Iterator[Place]:
        was, text, always = (
            ("and", "or", "True") if isinstance(one.op, ast.And) else ("or", "and", "False")
        )
        for left, right in zip(one.values, one.values[1:], strict=False):
            yield from self._between(left, right, was, text)
        yield from (self._instead(each, always, "condition") for each in one.values)


_WRITTEN: Final = {
    operator: ast.unparse(ast.Compare(ast.Name("a"), [operator()], [ast.Name("b")]))[2:-2]
    for operator in TURNED
}


def _of_types(tree: ast.AST) -> Iterator[ast.AST]:
    """What runs for the type checker alone, and how a class is made: no bug can stand there."""
    for one in ast.walk(tree):
        if isinstance(one, ast.FunctionDef):
            annotated = [
                each.annotation for each in ast.walk(one.args) if isinstance(each, ast.arg)
            ]
            for each in (*annotated, one.returns):
                yield from ast.walk(each) if each is not None else ()
        elif isinstance(one, ast.AnnAssign):
            yield from ast.walk(one.annotation)
        elif isinstance(one, ast.ClassDef):
            for head in (*one.decorator_list, *one.bases, *one.keywords):
                yield from ast.walk(head)
        elif isinstance(one, ast.If) and ast.unparse(one.test) == "TYPE_CHECKING":
            yield from ast.walk(one)
