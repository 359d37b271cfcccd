"""Code that makes classes with several bases: then a method of one finds what another one holds."""

from __future__ import annotations

import ast
import re

_MAKERS = frozenset({"type", "new_class", "make_dataclass"})
# A class statement that isn't a module's own, or a call that may make a class.
_TEXT = re.compile(
    r"^[ \t]+class\b[^\n]*[(\[]|\btype\((?:[^\n]*,|\s*\n)|new_class|make_dataclass", re.M
)


def may_join_classes(text: str) -> bool:
    """Return whether code in functions or classes of `text` may make such a class."""
    return _TEXT.search(text) is not None


def joins_classes(node: ast.AST) -> bool:
    """Return whether `node` makes a class that may have several bases."""
    if isinstance(node, ast.ClassDef):
        return _are_several(node.bases)
    if not isinstance(node, ast.Call) or not isinstance(node.func, (ast.Name, ast.Attribute)):
        return False
    name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
    if name not in _MAKERS or (name == "type" and len(node.args) != 3):
        return False
    given = [item.value for item in node.keywords if item.arg in ("bases", None)]
    if name != "make_dataclass":
        given += node.args[1:2]
    return any(not isinstance(item, ast.Tuple) or _are_several(item.elts) for item in given)


def _are_several(bases: list[ast.expr]) -> bool:
    return len(bases) > 1 or any(isinstance(base, ast.Starred) for base in bases)
