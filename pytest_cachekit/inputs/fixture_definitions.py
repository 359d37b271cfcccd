"""Functions that become fixtures of pytest, as far as their text tells."""

from __future__ import annotations

import ast

from .words import words_at_import

_OF_CLASSES = ("property", "classmethod", "staticmethod")


def is_fixture(node: ast.AST) -> bool:
    """Return whether a decorator of `node` says that it is a fixture."""
    return any("fixture" in words_at_import(decorator) for decorator in _decorators(node))


def may_be_fixture(node: ast.AST) -> bool:
    """Return whether a decorator of `node` could make a fixture, whatever it is called here."""
    return any(
        not (isinstance(decorator, ast.Name) and decorator.id in _OF_CLASSES)
        for decorator in _decorators(node)
    )


def names_given_to_fixture(node: ast.AST) -> frozenset[str] | None:
    """Return the names that decorators give to what `node` makes; None where one is computed."""
    calls = (item for item in _decorators(node) if isinstance(item, ast.Call))
    given = [keyword.value for call in calls for keyword in call.keywords if keyword.arg == "name"]
    constants = [value.value for value in given if isinstance(value, ast.Constant)]
    return frozenset(map(str, constants)) if len(constants) == len(given) else None


def _decorators(node: ast.AST) -> list[ast.expr]:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return decorators
