"""The errors, warnings and reasons that users can see, found in the package's source.

A message is a text that goes where users look: into an error of ours or of click, into a warning, a
verdict, a refusal; or that is returned by a function whose name says that it tells why.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest_cachekit

PACKAGE = Path(pytest_cachekit.__file__).parent
# Whoever is called one of these shows a text, or keeps it for the summary.
_TELLERS = {
    "Miss", "Obstacle", "Uncacheable", "CacheUnavailableWarning", "forgo", "give_up",
    "_failed", "_refuse", "before_end", "lose", "note_uncacheable", "refuse",
    "refuse_unless_declared", "warn",
}  # fmt: skip
_TELLING = re.compile(
    r"reason|refus|objection|why|problem|remark|obstacle|not_stored|fault|advice|describe|label|^judge$"
)
# Raised and caught within the package: what they say is shown nowhere.
_INTERNAL = {"NotTellableError", "UndecodableError", "NotCollectedError", "Exit"}
# Why a file is imported is told nowhere.
_INTERNAL_FILES = {"collecting.py", "file_collection.py"}
# Messages of fewer letters are little more than holes.
_TOO_VAGUE = 6
HOLE = "\0"


@cache
def messages() -> dict[str, str]:
    """Return each message, holes where values go, with the place where it stands."""
    found: dict[str, str] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.name in _INTERNAL_FILES:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = dict(_constants(tree))
        for node, line in _told(tree):
            for text in _texts(node, names):
                if " " in text.replace(HOLE, ""):
                    found.setdefault(text, f"{path.relative_to(PACKAGE)}:{line}")
    return found


def _constants(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value


def _told(tree: ast.Module) -> Iterator[tuple[ast.expr, int]]:
    """Yield the expressions whose texts users see."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _tells(_name(node.func)):
            yield from ((each, node.lineno) for each in node.args)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if _TELLING.search(node.name) and node.name != "_why_not_collected":
                for inner in ast.walk(node):
                    if isinstance(inner, (ast.Return, ast.Assign)) and inner.value is not None:
                        yield inner.value, inner.lineno
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(_TELLING.search(_name(target)) for target in targets):
                yield node.value, node.lineno
        elif isinstance(node, ast.For):
            targets = node.target.elts if isinstance(node.target, ast.Tuple) else [node.target]
            if any(_TELLING.search(_name(target)) for target in targets):
                yield node.iter, node.lineno


def _tells(name: str) -> bool:
    is_error = re.search(r"(Error|BadParameter|NotThere|Unusable)$", name) is not None
    return name in _TELLERS or (is_error and not hasattr(builtins, name) and name not in _INTERNAL)


def _name(node: ast.AST) -> str:
    return str(getattr(node, "attr", None) or getattr(node, "id", ""))


def _texts(node: ast.expr | None, names: dict[str, ast.expr]) -> Iterator[str]:
    """Yield the texts that an expression can become."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(_part(part) for part in parts)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            ends = list(_texts(right, names)) or [HOLE]
            yield from (start + end for start in _texts(left, names) for end in ends)
        case ast.IfExp(body=body, orelse=other):
            yield from _texts(body, names)
            yield from _texts(other, names)
        case ast.BoolOp(values=values):
            for value in values:
                yield from _texts(value, names)
        case ast.Dict(values=values):
            for value in values:
                yield from _texts(value, names)
        case ast.Call(args=args) if _name(node.func) in {"Miss", "Uncacheable", "Obstacle"}:
            for value in args:
                yield from _texts(value, names)
        case ast.Call(func=ast.Attribute(value=value, attr="items")):
            yield from _texts(value, names)
        case ast.Name(id=name) if name in names:
            yield from _texts(names.pop(name), names)
        case _:
            return


def _part(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else HOLE


def untold(told: Iterable[str]) -> dict[str, str]:
    """Return the messages for which none of the texts `told` stands, whatever fills the holes."""
    shown = list(told)
    return {
        text: place
        for text, place in messages().items()
        if not any(_pattern(text).search(each) for each in shown)
    }


def can_be_said(told: str) -> bool:
    """Return whether some message can become the text `told`, or stand in it."""
    return any(
        len(text.replace(HOLE, "")) > _TOO_VAGUE and _pattern(text).search(told)
        for text in messages()
    )


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in text.strip().split(HOLE)))


if __name__ == "__main__":
    for text, place in messages().items():
        print(place, text.replace(HOLE, "<>"))
