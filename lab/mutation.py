"""Changes of one place in a source file: what a careless edit may do to it.

Each change replaces a piece of the text and leaves the rest as it stands, line
numbers where possible included.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_OPERATORS: dict[type[ast.operator], ast.operator] = {
    ast.Add: ast.Sub(), ast.Sub: ast.Add(), ast.Mult: ast.Add(), ast.Div: ast.Mult(),
    ast.FloorDiv: ast.Mult(), ast.Mod: ast.Mult(), ast.BitOr: ast.BitAnd(),
    ast.BitAnd: ast.BitOr(), ast.LShift: ast.RShift(), ast.RShift: ast.LShift(),
    ast.Pow: ast.Mult(), ast.BitXor: ast.BitOr(),
}  # fmt: skip


@dataclass(frozen=True)
class Mutation:
    """One change: its kind, its line, and the bytes that it replaces."""

    kind: str
    line: int
    start: int
    end: int
    text: bytes

    def apply(self, source: bytes) -> bytes:
        """Return `source` changed."""
        return source[: self.start] + self.text + source[self.end :]


class _Source:
    """A parsed file, and where in its bytes each node stands."""

    def __init__(self, source: bytes) -> None:
        self.bytes = source
        self.tree = ast.parse(source)
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def start(self, node: ast.expr | ast.stmt) -> int:
        if isinstance(node, _Definition) and node.decorator_list:
            first = node.decorator_list[0]
            return self._starts[first.lineno - 1] + first.col_offset - 1
        return self._starts[node.lineno - 1] + node.col_offset

    def end(self, node: ast.expr | ast.stmt) -> int:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._starts[node.end_lineno - 1] + node.end_col_offset

    def replaced(
        self, kind: str, node: ast.expr | ast.stmt, text: str | bytes, end: int | None = None
    ) -> Mutation:
        content = text if isinstance(text, bytes) else text.encode()
        start = self.start(node)
        return Mutation(kind, node.lineno, start, self.end(node) if end is None else end, content)

    def piece(self, node: ast.expr | ast.stmt) -> bytes:
        return self.bytes[self.start(node) : self.end(node)]


def _constants(source: _Source, node: ast.AST) -> Iterator[Mutation]:
    """A number, a word or a truth value becomes another; parts of f-strings stay."""
    if isinstance(node, ast.Constant) and isinstance(node.value, (bool, int, str)):
        yield source.replaced("constant", node, repr(_other(node.value)))


def _defaults(source: _Source, node: ast.AST) -> Iterator[Mutation]:
    """A default argument becomes another."""
    if isinstance(node, _Function):
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if isinstance(default, ast.Constant):
                yield source.replaced("default", default, repr(_other(default.value)))


def _operators(source: _Source, node: ast.AST) -> Iterator[Mutation]:
    """Plus becomes minus, and so on; "and" becomes "or"."""
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        other = ast.BinOp(node.left, _OPERATORS[type(node.op)], node.right)
        yield source.replaced("operator", node, f"({ast.unparse(other)})")
    if isinstance(node, ast.BoolOp):
        operation = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield source.replaced(
            "operator", node, f"({ast.unparse(ast.BoolOp(operation, node.values))})"
        )


def _conditions(source: _Source, node: ast.AST) -> Iterator[Mutation]:
    """A comparison is negated."""
    if isinstance(node, ast.Compare):
        yield source.replaced("negate", node, b"(not (" + source.piece(node) + b"))")


def _statements(source: _Source, node: ast.AST) -> Iterator[Mutation]:
    """A statement is dropped; a function returns nothing."""
    docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    kinds = (ast.Assign, ast.AugAssign, ast.Expr, ast.Delete, ast.Raise, ast.Assert)
    if isinstance(node, kinds) and not docstring:
        yield source.replaced("drop", node, "pass")
    if isinstance(node, ast.Return) and node.value is not None:
        yield source.replaced("return", node, "return None")


def _bodies(source: _Source, node: ast.AST) -> Iterator[Mutation]:
    """A function raises at once."""
    if isinstance(node, _Function):
        first = node.body[int(ast.get_docstring(node) is not None) :][:1]
        if first and first[0].lineno != node.lineno:
            indent = " " * first[0].col_offset
            text = f"raise AssertionError('mutant')\n{indent}".encode()
            yield source.replaced("raise", first[0], text + source.piece(first[0]))


def _decorators(source: _Source, node: ast.AST) -> Iterator[Mutation]:
    """A decorator is dropped."""
    if isinstance(node, _Definition):
        for decorator in node.decorator_list:
            start = source.start(decorator)
            at = source.bytes.rindex(b"@", 0, start)
            yield Mutation("decorator", decorator.lineno, at, source.end(decorator), b"")


def _imports(source: _Source, node: ast.AST) -> Iterator[Mutation]:
    """An import is dropped, or of a name that isn't there."""
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        if getattr(node, "module", "") == "__future__":
            return
        yield source.replaced("import", node, "pass")
        if isinstance(node, ast.ImportFrom) and node.names[0].name != "*":
            names = [ast.alias("mutant_" + node.names[0].name, "mutant"), *node.names]
            other = ast.ImportFrom(node.module, names, node.level)
            yield source.replaced("import", node, ast.unparse(other))


def _classes(source: _Source, node: ast.AST) -> Iterator[Mutation]:
    """A class loses a base; a call loses a keyword."""
    if isinstance(node, ast.ClassDef):
        for base in node.bases:
            yield source.replaced("base", base, "object")
    if isinstance(node, ast.Call):
        for keyword in node.keywords:
            if keyword.arg is not None and isinstance(keyword.value, ast.Constant):
                yield source.replaced("keyword", keyword.value, repr(_other(keyword.value.value)))


def _order(source: _Source, node: ast.AST) -> Iterator[Mutation]:
    """Two definitions or statements that stand side by side change places."""
    if isinstance(node, (ast.Module, ast.ClassDef)):
        for one, other in zip(node.body, node.body[1:], strict=False):
            if one.lineno < other.lineno and not _is_future(one):
                between = source.bytes[source.end(one) : source.start(other)]
                yield source.replaced(
                    "swap", one, source.piece(other) + between + source.piece(one),
                    source.end(other),
                )  # fmt: skip


_FINDERS: tuple[Callable[[_Source, ast.AST], Iterator[Mutation]], ...] = (
    _constants, _defaults, _operators, _conditions, _statements, _bodies, _decorators, _imports,
    _classes, _order,
)  # fmt: skip


def find_mutations(content: bytes) -> dict[str, list[Mutation]]:
    """Return all changes of a source file, by kind.

    Raises:
        SyntaxError: the file isn't Python.
    """
    source = _Source(content)
    found: dict[str, list[Mutation]] = {}
    waiting: list[ast.AST] = [source.tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.JoinedStr):
            continue
        waiting.extend(ast.iter_child_nodes(node))
        for finder in _FINDERS:
            for mutation in finder(source, node):
                found.setdefault(mutation.kind, []).append(mutation)
    return found


def choose_mutation(content: bytes, rng: random.Random) -> Mutation | None:
    """Return a random change, each kind as likely as any other; None where there is none."""
    try:
        found = find_mutations(content)
    except (SyntaxError, ValueError):
        return None
    for _ in range(10):
        if not found:
            return None
        mutation = rng.choice(found[rng.choice(sorted(found))])
        try:
            compile(mutation.apply(content), "mutant", "exec")
        except (SyntaxError, ValueError):
            continue
        return mutation
    return None


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _other(value: object) -> object:
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return value + "x"
    return None
