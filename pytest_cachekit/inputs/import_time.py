"""Which names the code that runs at import could look up; so moving what they mean could matter."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .words import FUNCTIONS

# Decorators of the language that do nothing but wrap: where they stand in a class doesn't matter.
_PURE_DECORATORS = frozenset({"property", "staticmethod", "classmethod"})


def names_at_import(body: list[ast.stmt]) -> frozenset[str]:
    """Return every name that import-time code of `body` could look up, code it calls included."""
    code = _ImportTimeCode()
    code.visit(body)
    return code.names()


class _ImportTimeCode:
    """What runs when a module or class body does, and what that can call by name."""

    def __init__(self) -> None:
        self._runs: list[ast.AST] = []
        # What naming a function, or a class other than as a base, could run.
        self._by_name: dict[str, list[ast.AST]] = {}
        # What naming a class as a base could run: __init_subclass__ and its like.
        self._by_base: dict[str, list[ast.AST]] = {}
        self._bases: set[str] = set()

    def visit(self, body: list[ast.stmt]) -> None:
        for statement in body:
            if isinstance(statement, FUNCTIONS):
                self._by_name.setdefault(statement.name, []).append(statement)
                self._runs.extend([*statement.decorator_list, statement.args])
                if statement.returns is not None:
                    self._runs.append(statement.returns)
                if not has_pure_decorators(statement):
                    self._runs.append(statement)
            elif isinstance(statement, ast.ClassDef):
                self._visit_class(statement)
            else:
                self._runs.append(statement)
                for _, block in blocks(statement):
                    self.visit(block)

    def _visit_class(self, statement: ast.ClassDef) -> None:
        self._by_name.setdefault(statement.name, []).append(statement)
        self._by_base.setdefault(statement.name, []).extend(
            node
            for node in statement.body
            if isinstance(node, FUNCTIONS) and node.name.startswith("__")
        )
        for base in statement.bases:
            self._bases.update(_names(base))
        if statement.decorator_list or statement.keywords:
            self._runs.append(statement)
        self.visit(statement.body)

    def names(self) -> frozenset[str]:
        wanted = [*self._runs]
        for name in self._bases:
            wanted.extend(self._by_base.get(name, ()))
        names: set[str] = set()
        while wanted:
            for name in _names(wanted.pop()):
                if name not in names:
                    names.add(name)
                    wanted.extend(self._by_name.get(name, ()))
        return frozenset(names | self._bases)


def has_pure_decorators(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return whether `function` is decorated by nothing that could run it or keep it."""
    return all(
        isinstance(node, ast.Name) and node.id in _PURE_DECORATORS
        for node in function.decorator_list
    )


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.alias):
            yield node.name
            # An import can come back to this module in a circle.
            yield from node.name.split(".")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def blocks(statement: ast.AST) -> Iterator[tuple[str, list[ast.stmt]]]:
    """Iterate over the blocks that a compound `statement` holds, each with its field's name."""
    for name, value in ast.iter_fields(statement):
        if isinstance(value, list):
            if value and isinstance(value[0], ast.stmt):
                yield name, value
            elif value and isinstance(value[0], (ast.ExceptHandler, ast.match_case)):
                for part in value:
                    yield from blocks(part)
