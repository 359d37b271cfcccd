"""One version of a Python file: its lines, its functions and its import-time code, each found once.

Most of a file is, letter for letter, what it was in other versions. What is found out about such a
piece is shared by all versions that are made with the same `forms`.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from importlib.util import decode_source

from .bindings import Part, cut, normal_form
from .words import FUNCTIONS

Forms = dict[tuple[object, ...], str]
"""Normal forms of import-time statements, by what was written."""

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_HAVE_LINES = (ast.stmt, ast.expr, ast.excepthandler)


class Version:
    """What stands in a file."""

    def __init__(self, content: bytes, forms: Forms | None = None) -> None:
        self.tree = parse(content)
        """Its syntax tree; None where it isn't valid Python, and nothing is found in it."""
        self.text = "" if self.tree is None else decode_source(content)
        self._forms: Forms = {} if forms is None else forms

    @cached_property
    def lines(self) -> list[str]:
        """Its lines, without what ends them."""
        return self.text.split("\n")

    @cached_property
    def functions(self) -> dict[str, tuple[int, _Function]]:
        """By unique dotted name, where each function begins, and its tree.

        Functions inside of others aren't told apart from these.
        """
        found: dict[str, tuple[int, _Function]] = {}
        counts: Counter[str] = Counter()
        for name, node in () if self.tree is None else functions_of(self.tree):
            counts[name] += 1
            unique = name if counts[name] == 1 else f"{name}#{counts[name]}"
            found[unique] = (first_line(node), node)
        return found

    @cached_property
    def parts(self) -> list[Part]:
        """Its import-time code, in the order in which it runs."""
        return [] if self.tree is None else cut(self.tree, self._form)

    def has_alike(self, node: _Function, other: Version, its_node: _Function) -> bool:
        """Return whether a function does what a function of another version does."""
        return self._written(node) == other._written(its_node) or ast.dump(node) == ast.dump(
            its_node
        )

    def stands_like(self, node: _Function, other: Version, its_node: _Function) -> bool:
        """Return whether a function, and all in it, stands on the lines of one that is alike."""
        if first_line(node) != first_line(its_node):
            return False
        return self._written(node) == other._written(its_node) or _lines(node) == _lines(its_node)

    def _form(self, statement: ast.stmt) -> str:
        key = self._written(statement)
        form = self._forms.get(key)
        if form is None:
            form = self._forms[key] = normal_form(statement)
        return form

    def _written(self, node: ast.stmt) -> tuple[object, ...]:
        """Return what is the same, in all versions, for no two different statements."""
        first = first_line(node) if isinstance(node, (*FUNCTIONS, ast.ClassDef)) else node.lineno
        last, end = node.end_lineno, node.end_col_offset
        if isinstance(node, ast.ClassDef):
            # What stands in it are statements of their own.
            last, end = node.body[0].lineno, 0
        return type(node), node.col_offset, end, *self.lines[first - 1 : last]


def parse(source: bytes) -> ast.Module | None:
    """Return the syntax tree of `source`; None where it isn't valid Python."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return None


def functions_of(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, _Function]]:
    """Iterate over functions and methods, by dotted names, not over those inside of others."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, FUNCTIONS):
            yield prefix + child.name, child
        else:
            inner = f"{prefix}{child.name}." if isinstance(child, ast.ClassDef) else prefix
            yield from functions_of(child, inner)


def _lines(function: ast.AST) -> list[int]:
    return [node.lineno for node in ast.walk(function) if isinstance(node, _HAVE_LINES)]


def first_line(definition: _Function | ast.ClassDef) -> int:
    """Return the line on which a definition begins, that of its decorators if it has any."""
    return min([definition.lineno, *(node.lineno for node in definition.decorator_list)])
