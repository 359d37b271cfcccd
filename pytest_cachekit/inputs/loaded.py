"""A module of the project as it is loaded in this process: what its changed parts could touch."""

from __future__ import annotations

import ast
import os
import sys
from abc import ABCMeta
from collections import Counter
from collections.abc import Iterator
from enum import Enum
from types import FunctionType, ModuleType
from typing import Generic, TypeGuard

from .bindings import Part, bound_by
from .fixture_definitions import may_be_fixture
from .layout import Layout, Region
from .own_kind import is_a
from .plain import MISSING, PlainCode
from .signatures import annotations_of
from .words import FUNCTIONS

# Modules whose classes compute no names, and list none.
_SPELL = frozenset({"abc", "builtins", "collections", "collections.abc", "numbers"})


class ClassKind(Enum):
    """Who looks into a class when its body changes."""

    PLAIN = "plain"
    """Nobody but who names what changed."""
    CALLED = "called"
    """Besides, classes of Python's own, which spell each name that they look up."""
    KNOWN = "known"
    """The standard library or another package, for whoever has an instance."""
    ACTIVE = "active"
    """Code that runs when the class is made, and may tell others."""


class LoadedModule:
    """What can be learnt of a module by looking at it."""

    def __init__(self, module: ModuleType, parts: list[Part], layout: Layout) -> None:
        counts = Counter(name for part in parts if not part.scope for name in part.binds)
        inner = {name for part in parts if part.scope for name in part.binds}
        rebound = inner | {name for name, count in counts.items() if count > 1}
        self._module = module
        self._layout = layout
        self._plain = PlainCode(vars(module), frozenset(rebound))
        self._kinds: dict[tuple[str, ...], ClassKind] = {}
        self._heads: dict[tuple[str, ...], list[ast.ClassDef]] = {}
        for part in parts:
            if isinstance(part.node, ast.ClassDef):
                self._heads.setdefault((*part.scope, part.node.name), []).append(part.node)

    @property
    def last_name(self) -> str:
        """The last part of the module's dotted name."""
        return self._module.__name__.rpartition(".")[2]

    def is_plain(self, part: Part) -> bool:
        """Return whether `part` does nothing but bind names, and import."""
        return self._plain.is_plain(part)

    def skips(self, part: Part) -> bool:
        """Return whether `part` is a block for type checkers, which didn't run here."""
        node = part.node
        if not isinstance(node, ast.If) or not self._plain.is_false(node.test):
            return False
        inside = {name for inner in node.body for name in bound_by(inner)}
        inside -= {name for inner in node.orelse for name in bound_by(inner)}
        return not any(name in vars(self._module) for name in inside)

    def may_be_fixture(self, part: Part) -> bool:
        """Return whether a decorator of `part` could make a fixture, by what it means now."""
        pytest = sys.modules.get("pytest")
        maker = None if pytest is None else vars(pytest).get("fixture")
        return may_be_fixture(part.node) and any(
            not self._plain.is_pure(item, "decorators")
            or self._plain.resolve(item.func if isinstance(item, ast.Call) else item) is maker
            for item in getattr(part.node, "decorator_list", ())
        )

    def names(self, part: Part, *, annotations: bool = False) -> frozenset[str]:
        """Return the words of what `part` runs at import, by what it looks into now.

        Args:
            part: a statement of this module, as it is or as it was.
            annotations: whether those count that are only kept.
        """
        annotations = annotations or not self._only_keeps_annotations(part)
        own = {inner.id for inner in ast.walk(part.node) if _binds(inner)}
        own |= {inner.arg for inner in ast.walk(part.node) if isinstance(inner, ast.arg)}
        return part.names_where(
            lambda node: self._where(node, own, bool(part.scope)), annotations=annotations
        )

    def kind(self, scope: tuple[str, ...]) -> ClassKind:
        """Return who looks into the class that `scope` names."""
        if scope not in self._kinds:
            kinds = {self._kind_of(self._class(scope))}
            for head in self._heads.get(scope, ()):
                if head.decorator_list:
                    pure = all(self._plain.is_pure(item, "classes") for item in head.decorator_list)
                    kinds.add(ClassKind.KNOWN if pure else ClassKind.ACTIVE)
            if len(self._heads.get(scope, ())) != 1:
                kinds.add(ClassKind.ACTIVE)
            self._kinds[scope] = _strongest(kinds)
        return self._kinds[scope]

    def compares(self, scope: tuple[str, ...]) -> bool:
        """Return whether the class that `scope` names may look which names others hold."""
        return type(self._class(scope)) is not type

    def relatives(self, scope: tuple[str, ...]) -> frozenset[str]:
        """Return the names of all classes of which an instance may be one of the class at `scope`.

        Their methods see on `self` what that class holds.
        """
        found: set[str] = {scope[-1]}
        waiting, seen = [self._class(scope)], set[type]()
        while waiting:
            current = waiting.pop()
            if is_a(current, type) and current not in seen:
                seen.add(current)
                for base in current.__mro__:
                    found.add(base.__name__)
                    found.update(_owners_of_functions(base))
                waiting.extend(type.__subclasses__(current))
        return frozenset(found)

    def kind_of_bases(self, head: ast.ClassDef) -> ClassKind:
        """Return who looks into a class that has, or had, this head."""
        kinds = {ClassKind.PLAIN}
        for keyword in head.keywords:
            metaclass = self._plain.resolve(keyword.value)
            is_known = isinstance(metaclass, type) and self._is_standard(metaclass)
            named = keyword.arg == "metaclass" and is_known
            kinds.add(ClassKind.KNOWN if named else ClassKind.ACTIVE)
        for base in head.bases:
            # A generic base is named with its parameters.
            plain = base.value if isinstance(base, ast.Subscript) else base
            kinds.add(self._kind_of(self._plain.resolve(plain)))
        return _strongest(kinds)

    def imported(self, part: Part) -> Iterator[str]:
        """Iterate over the dotted names of the modules that `part` imports, and may import."""
        for node in self._running(part.node):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield from _prefixes(alias.name)
            elif isinstance(node, ast.ImportFrom):
                base = self._absolute(node)
                yield from _prefixes(base)
                for alias in node.names:
                    name = f"{base}.{alias.name}"
                    if name in sys.modules:
                        yield name

    def _only_keeps_annotations(self, part: Part) -> bool:
        node = part.node
        if isinstance(node, FUNCTIONS):
            noted = annotations_of(node)
            if not all(self._plain.is_pure(item, "decorators") for item in node.decorator_list):
                return False
        elif isinstance(node, ast.AnnAssign) and not part.scope:
            noted = [node.annotation]
        else:
            # What a class holds may be fields.
            return False
        return all(map(self._plain.is_annotation_plain, noted))

    def _where(self, node: ast.AST, own: set[str], in_class: bool) -> str | None:
        """Return whose names there are where `node` is looked into, as `words.WhereNames` does.

        Args:
            node: an expression.
            own: names that the code around it gives another meaning.
            in_class: whether that code is the body of a class.
        """
        if not own.isdisjoint(inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)):
            return None
        if isinstance(node, ast.Constant):
            return ""
        if isinstance(node, ast.Call):
            if ast.unparse(node) in ("globals()", *(() if in_class else ("locals()",))):
                return self._module.__name__
            made = self._plain.resolve(node.func)
            if not is_a(made, type) or type(made) is not type or made in (type, super):
                return None
            return "" if self._is_standard(made) else None
        found = self._plain.resolve(node) if isinstance(node, ast.expr) else MISSING
        if type(found) is ModuleType:
            return found.__name__ if self._is_of_project(found) else ""
        return "" if type(found) is type and self._is_standard(found) else None

    def _is_of_project(self, module: ModuleType) -> bool:
        path = getattr(module, "__file__", None)
        return module.__name__ not in sys.builtin_module_names and (
            path is None or self._layout.region(os.path.abspath(path)) is Region.PROJECT
        )

    def _running(self, node: ast.AST) -> Iterator[ast.AST]:
        if isinstance(node, ast.If) and self._plain.is_false(node.test):
            for inner in node.orelse:
                yield from self._running(inner)
            return
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            for child in ast.iter_child_nodes(node):
                yield from self._running(child)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = str(vars(self._module).get("__package__") or "")
        for _ in range(node.level - 1):
            package = package.rpartition(".")[0]
        return f"{package}.{node.module}" if node.module else package

    def _class(self, scope: tuple[str, ...]) -> object:
        found: object = self._module
        for name in scope:
            if not is_a(found, (ModuleType, type)):
                return MISSING
            found = vars(found).get(name, MISSING)
        return found

    def _kind_of(self, found: object) -> ClassKind:
        if not is_a(found, type):
            return ClassKind.ACTIVE
        kind = ClassKind.PLAIN
        if type(found) is not type:
            if not self._is_standard(type(found)):
                return ClassKind.ACTIVE
            # Those of protocols compare names, that of abstract classes only abstract ones.
            kind = ClassKind.CALLED if type(found) is ABCMeta else ClassKind.KNOWN
        if issubclass(found, type) and found is not type:
            return ClassKind.ACTIVE
        for base in found.__mro__:
            if self._is_standard(base):
                kind = _strongest({kind, _kind_of_standard(base)})
            elif "__init_subclass__" in vars(base) or self._has_hooks(base):
                return ClassKind.ACTIVE
            elif not self._is_project(base):
                kind = ClassKind.KNOWN
        return kind

    def _has_hooks(self, owner: type) -> bool:
        """Return whether what `owner` holds is told its name."""
        return any(
            "__set_name__" in vars(base)
            for value in vars(owner).values()
            for base in type(value).__mro__
            if not self._is_standard(base)
        )

    def _is_standard(self, owner: type) -> bool:
        top = str(vars(owner).get("__module__", owner.__module__)).partition(".")[0]
        path = getattr(sys.modules.get(top), "__file__", None)
        return top in sys.stdlib_module_names and (
            path is None or self._layout.region(os.path.abspath(path)) is not Region.PROJECT
        )

    def _is_project(self, owner: type) -> bool:
        path = getattr(sys.modules.get(owner.__module__), "__file__", None)
        return path is not None and self._layout.is_project(os.path.abspath(path))


def _binds(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def _owners_of_functions(owner: type) -> Iterator[str]:
    """Iterate over the names of the classes in which functions that `owner` holds stand."""
    for value in vars(owner).values():
        function = getattr(value, "__func__", value)
        if is_a(function, FunctionType):
            yield function.__qualname__.rpartition(".")[0].rpartition(".")[2]


def _kind_of_standard(base: type) -> ClassKind:
    if issubclass(base, BaseException) or base is object:
        return ClassKind.PLAIN
    return ClassKind.CALLED if base is Generic or base.__module__ in _SPELL else ClassKind.KNOWN


def _strongest(kinds: set[ClassKind]) -> ClassKind:
    for kind in (ClassKind.ACTIVE, ClassKind.KNOWN, ClassKind.CALLED):
        if kind in kinds:
            return kind
    return ClassKind.PLAIN


def _prefixes(name: str) -> Iterator[str]:
    parts = name.split(".")
    for count in range(1, len(parts) + 1):
        yield ".".join(parts[:count])
