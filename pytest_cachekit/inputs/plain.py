"""Which import-time code does nothing but bind names, judged by what its names mean now.

Names are resolved in the module as it is loaded in this process; nothing is called,
and no attribute of anything but modules and classes is looked at.
"""

from __future__ import annotations
import __future__

import ast
import builtins
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from .bindings import Part, bound_by
from .own_kind import is_a
from .pure_objects import known_objects
from .signatures import annotations_of, defaults
from .words import FUNCTIONS

MISSING = object()

_OF_PROPERTIES = ("setter", "getter", "deleter")
_IMMUTABLE = (str, bytes, int, float, tuple, frozenset, range)
_OPERATORS = (
    ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.BitAnd, ast.BitOr,
    ast.BitXor, ast.LShift,
)  # fmt: skip


def is_standard(value: object) -> bool:
    """Return whether the type of `value`, or `value` itself, is the standard library's."""
    owner = value if is_a(value, type) else type(value)
    top = str(getattr(owner, "__module__", "")).partition(".")[0]
    return top in sys.stdlib_module_names


class PlainCode:
    """Judges the parts of one loaded module."""

    def __init__(self, namespace: Mapping[str, Any], rebound: frozenset[str]) -> None:
        """Judge by what names mean in `namespace`; those `rebound` may mean several things."""
        self._namespace = namespace
        self._rebound = rebound

    def is_plain(self, part: Part) -> bool:
        """Return whether `part` does nothing but bind names, imports aside."""
        return self._statement(part.node, bool(part.scope))

    def are_values_plain(self, node: ast.AST) -> bool:
        """Return whether what decorators in `node` are given is computed without effects."""
        values = [
            value
            for decorator in getattr(node, "decorator_list", ())
            if isinstance(decorator, ast.Call)
            for value in (*decorator.args, *(keyword.value for keyword in decorator.keywords))
        ]
        return all(map(self._expression, values))

    def resolve(self, node: ast.expr) -> object:
        """Return what an expression made of names and dots means, or `MISSING`."""
        if isinstance(node, ast.Name):
            if node.id in self._rebound:
                return MISSING
            found = self._namespace.get(node.id, MISSING)
            return vars(builtins).get(node.id, MISSING) if found is MISSING else found
        if isinstance(node, ast.Attribute):
            owner = self.resolve(node.value)
            if is_a(owner, (ModuleType, type)):
                return vars(owner).get(node.attr, MISSING)
        return MISSING

    def is_pure(self, decorator: ast.expr, table: str) -> bool:
        """Return whether one of the `table` "classes" or "decorators", those of functions, only
        adds to what it is given: it reads no annotations.
        """
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if self._is_mark(called):
            return True
        if isinstance(decorator, ast.Call):
            if any(keyword.arg == "autouse" for keyword in decorator.keywords):
                return False
            values = [*decorator.args, *(keyword.value for keyword in decorator.keywords)]
            if not all(map(self._expression, values)):
                return False
        found = self.resolve(called)
        return any(found is known for known in known_objects(table))

    def is_false(self, node: ast.expr) -> bool:
        """Return whether `node` is the constant that only type checkers take for true."""
        if not isinstance(node, (ast.Name, ast.Attribute)) or self.resolve(node) is not False:
            return False
        return (node.id if isinstance(node, ast.Name) else node.attr) == "TYPE_CHECKING"

    def _statement(self, node: ast.stmt, in_class: bool) -> bool:
        if isinstance(node, FUNCTIONS):
            return self._function(node, in_class)
        if isinstance(node, ast.ClassDef):
            return all(self.is_pure(item, "classes") for item in node.decorator_list) and all(
                self._expression(item) for item in (*node.bases, *(k.value for k in node.keywords))
            )
        if isinstance(node, ast.Assign):
            return all(map(_is_name, node.targets)) and self._expression(node.value)
        if isinstance(node, ast.AnnAssign):
            value = node.value is None or self._expression(node.value)
            return _is_name(node.target) and value and self.is_annotation_plain(node.annotation)
        if isinstance(node, ast.Expr):
            return isinstance(node.value, ast.Constant)
        if isinstance(node, ast.Delete):
            return all(map(_is_name, node.targets))
        if isinstance(node, ast.ImportFrom):
            return node.module != "__future__"
        if isinstance(node, (ast.Import, ast.Pass)):
            return True
        if isinstance(node, ast.If):
            blocks = [*node.body, *node.orelse]
            return self._expression(node.test) and self._block(blocks, in_class)
        if isinstance(node, ast.Try):
            handlers = [inner for handler in node.handlers for inner in handler.body]
            blocks = [*node.body, *handlers, *node.orelse, *node.finalbody]
            caught = [handler.type for handler in node.handlers if handler.type is not None]
            return all(map(self._expression, caught)) and self._block(blocks, in_class)
        return False

    def _block(self, body: list[ast.stmt], in_class: bool) -> bool:
        return all(
            not isinstance(inner, ast.ClassDef) and self._statement(inner, in_class)
            for inner in body
        )

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, in_class: bool) -> bool:
        return (
            all(map(self._expression, defaults(node)))
            and all(map(self.is_annotation_plain, annotations_of(node)))
            and all(
                self.is_pure(item, "decorators") or (in_class and _is_of_property(item))
                for item in node.decorator_list
            )
        )

    def _is_mark(self, node: ast.expr) -> bool:
        """Return whether `node` is one of pytest's marks: they lie where they are put."""
        if not isinstance(node, ast.Attribute):
            return False
        pytest = sys.modules.get("pytest")
        return pytest is not None and self.resolve(node.value) is vars(pytest).get("mark")

    def is_annotation_plain(self, node: ast.AST) -> bool:
        """Return whether an annotation has no effects; where all are strings none is evaluated."""
        are_strings = self._namespace.get("annotations") is __future__.annotations
        return are_strings or self._expression(node)

    def _expression(self, node: ast.AST) -> bool:
        if isinstance(node, (ast.Name, ast.Attribute)) and self._is_used_up(node):
            return False
        if isinstance(node, (ast.Constant, ast.Name, ast.Lambda)):
            return True
        if isinstance(node, ast.Attribute):
            return self._is_mark(node) or self._is_open(node.value)
        if isinstance(node, ast.Subscript):
            return self._is_open(node.value) and self._expression(node.slice)
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.BinOp):
            return isinstance(node.op, _OPERATORS) and all(
                self._is_operand(side) for side in (node.left, node.right)
            )
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            bound = {name for item in node.generators for name in bound_by(item.target)}
            called = {
                inner.func.id
                for inner in ast.walk(node)
                if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name)
            }
            return bound.isdisjoint(called) and self._all(node)
        if isinstance(node, _TRANSPARENT):
            return self._all(node)
        return False

    def _is_used_up(self, node: ast.Name | ast.Attribute) -> bool:
        """Return whether `node` may be an iterator: who goes through it leaves others the rest."""
        name = node.id if isinstance(node, ast.Name) else None
        found = self.resolve(node) if name is None else self._namespace.get(name)
        return hasattr(type(found), "__next__")

    def _all(self, node: ast.AST) -> bool:
        return all(map(self._expression, ast.iter_child_nodes(node)))

    def _call(self, node: ast.Call) -> bool:
        values = [*node.args, *(keyword.value for keyword in node.keywords)]
        if not all(map(self._expression, values)):
            return False
        function = node.func
        if self._is_mark(function):
            return True
        if isinstance(function, ast.Attribute):
            owner = function.value
            if isinstance(owner, (ast.Constant, ast.JoinedStr)):
                return self._expression(owner)
            if type(self.resolve(owner)) in _IMMUTABLE:
                return True
        found = self.resolve(function)
        return any(found is known for known in known_objects("calls"))

    def _is_open(self, node: ast.expr) -> bool:
        """Return whether attributes and items of `node` can be read without running anything."""
        found = self.resolve(node)
        if found is MISSING:
            return isinstance(node, (ast.Attribute, ast.Subscript)) and self._expression(node)
        if is_a(found, ModuleType):
            # Since Python 3.13 `typing` has one as well, which only finds what it replaced.
            return "__getattr__" not in vars(found) or _is_of_python(found)
        return is_a(found, type) or is_standard(found)

    def _is_operand(self, node: ast.expr) -> bool:
        if isinstance(node, (ast.Name, ast.Attribute)):
            found = self.resolve(node)
            return found is not MISSING and (is_a(found, type) or is_standard(found))
        return self._expression(node)


_TRANSPARENT: tuple[type[ast.AST], ...] = (
    ast.Tuple, ast.List, ast.Set, ast.Dict, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp,
    ast.Starred, ast.Slice, ast.JoinedStr, ast.FormattedValue, ast.comprehension,
    ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop,
)  # fmt: skip


def _is_of_python(module: ModuleType) -> bool:
    return module.__name__.partition(".")[0] in sys.stdlib_module_names


def _is_name(target: ast.expr) -> bool:
    if isinstance(target, (ast.Tuple, ast.List)):
        return all(map(_is_name, target.elts))
    if isinstance(target, ast.Starred):
        return _is_name(target.value)
    return isinstance(target, ast.Name)


def _is_of_property(decorator: ast.expr) -> bool:
    return (
        isinstance(decorator, ast.Attribute)
        and decorator.attr in _OF_PROPERTIES
        and isinstance(decorator.value, ast.Name)
    )
