"""The constant that type checkers alone take for true, and what could make it true."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Collection, Iterator

from .bindings import Part

FLAG = "TYPE_CHECKING"
"""Its name in `typing`, and wherever it is imported or bound."""

SETTER = "setattr"
"""What sets it under a name that is computed."""

SETTING = re.compile(
    rb"""\bTYPE_CHECKING\s*(?::[^=\n]*)?=(?!=|\s*(?:False|typing\.TYPE_CHECKING)\b)"""
    rb"""|TYPE_CHECKING["'][ \t]*(?:,[ \t]*[^\s\])]|\][ \t]*=)"""
)
"""How a source of others may set it, other than to what `typing` has."""

_SOURCES = ("typing", "typing_extensions")


def false_conditions(parts: Collection[Part]) -> frozenset[str]:
    """Return how the module that has `parts` spells it, as long as nobody sets it."""
    bound = Counter(name for part in parts for name in part.binds)
    if "*" in bound:
        return frozenset()
    return frozenset(
        spelling
        for part in parts
        if not part.scope
        for name, spelling in _spellings(part.node)
        if bound[name] == 1
    )


def may_set_flag(node: ast.AST) -> bool:
    """Return whether `node` may set it in a module that isn't the one where `node` stands."""
    return any(
        (isinstance(inner, ast.Attribute) and inner.attr == FLAG and not _is_read(inner))
        or (isinstance(inner, ast.keyword) and inner.arg == FLAG)
        or (isinstance(inner, ast.Constant) and FLAG in str(inner.value))
        or (isinstance(inner, ast.Call) and _sets_what_it_computes(inner))
        for inner in ast.walk(node)
    )


def _spellings(node: ast.stmt) -> Iterator[tuple[str, str]]:
    """Iterate over the names that `node` binds to it or to `typing`, and how it is spelled then."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.name in _SOURCES:
                name = alias.asname or alias.name
                yield name, f"{name}.{FLAG}"
    elif isinstance(node, ast.ImportFrom) and node.module in _SOURCES and not node.level:
        if any(alias.name == FLAG and alias.asname is None for alias in node.names):
            yield FLAG, FLAG
    elif isinstance(node, ast.Assign) and ast.unparse(node) == f"{FLAG} = False":
        yield FLAG, FLAG


def _sets_what_it_computes(call: ast.Call) -> bool:
    """Return whether `call` sets an attribute whose name, or path, doesn't stand there."""
    if ast.unparse(call.func).rpartition(".")[2] != SETTER:
        return False
    named = call.args[1:2] if len(call.args) > 2 else call.args[:1]
    return not all(isinstance(node, ast.Constant) for node in named)


def _is_read(node: ast.Attribute) -> bool:
    return isinstance(node.ctx, ast.Load)
