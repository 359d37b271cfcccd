"""Where the lines of one version of a Python file stand in another that means the same there."""

from __future__ import annotations

import ast
from difflib import SequenceMatcher
from typing import Any

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def map_lines(old: bytes, new: bytes) -> dict[int, int]:
    """Return, for lines of `old` whose code `new` has as well, the line there.

    Statements are matched by what they say; definitions that changed are matched by name, and
    what is in them in the same way. Lines of code that changed, or moved past other code, are
    left out.
    """
    try:
        trees = ast.parse(old), ast.parse(new)
    except (SyntaxError, ValueError, RecursionError):
        return {}
    lines = {1: 1}
    _match(trees[0].body, trees[1].body, lines)
    return lines


def _match(old: list[ast.stmt], new: list[ast.stmt], lines: dict[int, int]) -> None:
    matcher = SequenceMatcher(
        None, [_key(node) for node in old], [_key(node) for node in new], autojunk=False
    )
    for start, other, size in matcher.get_matching_blocks():
        for index in range(size):
            _pair(old[start + index], new[other + index], lines)


def _pair(old: ast.stmt, new: ast.stmt, lines: dict[int, int]) -> None:
    if ast.dump(old) == ast.dump(new):
        for before, after in zip(ast.walk(old), ast.walk(new), strict=True):
            _note(before, after, lines)
    elif isinstance(old, _DEFINITIONS) and isinstance(new, _DEFINITIONS):
        lines[old.lineno] = new.lineno
        for before, after in zip(old.decorator_list, new.decorator_list, strict=False):
            lines[before.lineno] = after.lineno
        if isinstance(old, ast.ClassDef) and isinstance(new, ast.ClassDef):
            _match(old.body, new.body, lines)


def _note(before: Any, after: Any, lines: dict[int, int]) -> None:
    for end in ("lineno", "end_lineno"):
        if hasattr(before, end):
            lines[getattr(before, end)] = getattr(after, end)


def _key(node: ast.stmt) -> str:
    if isinstance(node, _DEFINITIONS):
        return f"{type(node).__name__} {node.name}"
    return ast.dump(node)
