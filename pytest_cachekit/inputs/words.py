"""The words of code: identifiers, words in strings, and how it gets attributes by computed names.

A word of the last kind is no identifier: it says on whose attributes, and how their names begin.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from typing import TypeGuard

WORD = re.compile(r"[^\W\d]\w*")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
"""Definitions whose bodies don't run when they are made."""

REFLECTION = frozenset(
    {
        "dir", "vars", "globals", "f_globals", "__dict__", "__subclasses__", "__annotations__",
        "getmembers", "getmembers_static", "classify_class_attrs", "get_type_hints",
        "get_annotations", "create_autospec", "help", "pydoc", "signature", "getfullargspec",
        "testmod", "DocTestSuite", "loadTestsFromModule", "loadTestsFromTestCase",
        "register_instance", "getattr", "hasattr", "delattr", "getattr_static", "attrgetter",
        "methodcaller", "eval", "exec", "resolve_name", "locate", "made like",
    }
)  # fmt: skip
"""What code names that may look up any name, of any object."""

AT_IMPORT = frozenset({"locals"})
"""What, besides, does so in the body of a module or a class."""

GETTERS = frozenset({"getattr", "hasattr", "delattr"})
"""Functions that get an attribute by a name."""

_BUILTINS = GETTERS | {"dir", "vars", "globals", "locals", "help", "eval", "exec"}
_PROXIES = frozenset({"__getattr__", "__getattribute__"})
_BUILTIN_TYPES = frozenset(
    {"str", "bytes", "int", "float", "list", "dict", "tuple", "set", "object"}
)
_SCOPES = (
    *FUNCTIONS, ast.ClassDef, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp,
    ast.GeneratorExp,
)  # fmt: skip
_SPECIFICATIONS = ("spec", "spec_set", "autospec")
_ANY, _OWN = "any attribute ", "own attribute "
# Fields of nodes that hold an identifier.
_IDENTIFIERS = ("id", "attr", "arg", "name", "asname", "rest")


def ways_to(name: str, classes: Iterable[str] = ()) -> frozenset[str]:
    """Return `name` and the words of code that could compute it.

    Args:
        name: what is bound.
        classes: names of the classes whose methods get it from `self`.
    """
    starts = [name[:count] for count in range(len(name) + 1)]
    ways = (_ANY, *(f"{_OWN}{owner} " for owner in classes))
    return frozenset({name, *(f"{way}{start}*" for way in ways for start in starts)})


def words_at_import(node: ast.AST) -> Iterator[str]:
    """Iterate over the words of what `node` runs at import.

    Bodies of functions don't run, those of lambdas may at any time. A module that names
    are imported from is not looked up by a name.
    """
    return _Words().of(node)


def words_of_function(
    function: ast.FunctionDef | ast.AsyncFunctionDef, owner: str | None
) -> Iterator[str]:
    """Iterate over the words of all code in `function`; words in strings don't reflect.

    Args:
        function: a function that isn't inside of another.
        owner: name of the class that it is a method of.
    """
    return _FunctionWords(function, owner).of(function)


def signature(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.AST]:
    """Return what runs when `function` is made."""
    returns = [] if function.returns is None else [function.returns]
    return [*function.decorator_list, function.args, *returns]


class _Words:
    """Finds the words of what runs at import."""

    def of(self, node: ast.AST) -> Iterator[str]:
        waiting: list[ast.AST] = [node]
        while waiting:
            current = waiting.pop()
            if isinstance(current, ast.Call):
                if _imitates(current):
                    yield "made like"
                asked = self._asked(current)
                if asked is not None:
                    yield from asked
                    waiting.extend([*current.args, *current.keywords])
                    continue
            elif isinstance(current, ast.Constant):
                yield from _words_of_constant(current)
            elif isinstance(current, ast.alias):
                yield from current.name.split(".")
            elif isinstance(current, (ast.Global, ast.Nonlocal)):
                yield from current.names
            elif isinstance(current, ast.MatchClass):
                yield from current.kwd_attrs
            elif isinstance(current, ast.Subscript):
                subject = _namespace_of(current.value)
                if subject is not None:
                    yield from self._held_under(subject, current.slice)
                    waiting.extend([*_inside(subject), current.slice])
                    continue
            yield from self._identifiers(current)
            waiting.extend(self._inner(current))

    def _inner(self, node: ast.AST) -> Iterable[ast.AST]:
        return signature(node) if isinstance(node, FUNCTIONS) else ast.iter_child_nodes(node)

    def _identifiers(self, node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            return
        for field in _IDENTIFIERS:
            name = getattr(node, field, None)
            if not isinstance(name, str):
                continue
            # An argument may be called like what reflects; an attribute, like a builtin function.
            if field == "arg" and name in REFLECTION:
                continue
            if isinstance(node, ast.Attribute) and name in _BUILTINS and not _is_builtins(node):
                continue
            yield name

    def _asked(self, call: ast.Call) -> tuple[str, ...] | None:
        """Return the words for a call that gets attributes; None where it is another call."""
        function = call.func
        if not call.args or not isinstance(function, (ast.Name, ast.Attribute)):
            return None
        name = function.id if isinstance(function, ast.Name) else function.attr
        subject = call.args[0]
        if isinstance(function, ast.Attribute) and name in ("get", "pop", "setdefault"):
            owner = _namespace_of(function.value)
            if owner is not None:
                words = (word for node in _inside(owner) for word in self.of(node))
                return (*self._held_under(owner, subject), *words)
        if name == "vars" and self._is_instance(subject):
            return ()
        if name in GETTERS and len(call.args) > 1:
            return () if _is_builtin_type(subject) else self._looked_up(subject, call.args[1])
        if name in ("dir", "getmembers") and self._way(subject) != _ANY:
            return (f"{self._way(subject)}*",)
        return None

    def _looked_up(self, subject: ast.AST, name: ast.expr) -> tuple[str, ...]:
        """Return the words for getting an attribute of `subject`; a constant is a word anyway."""
        if isinstance(name, ast.Constant) or self._is_named_by_asker(name):
            return ()
        return (f"{self._way(subject)}{_constant_start(name)}*",)

    def _held_under(self, subject: ast.AST, name: ast.expr) -> tuple[str, ...]:
        """Return the words for what the namespace of `subject` holds under a name."""
        return () if self._is_instance(subject) else self._looked_up(subject, name)

    def _is_named_by_asker(self, name: ast.expr) -> bool:
        return False

    def _way(self, subject: ast.AST) -> str:
        return _ANY

    def _is_instance(self, node: ast.AST) -> bool:
        return False


class _FunctionWords(_Words):
    """Finds the words of a function and of all that is nested in it."""

    def __init__(self, function: ast.FunctionDef | ast.AsyncFunctionDef, owner: str | None) -> None:
        arguments = [*function.args.posonlyargs, *function.args.args]
        first = arguments[0].arg if arguments else None
        stored = frozenset(_stored(function.body))
        bound = owner is not None and not any(
            isinstance(node, ast.Name) and node.id == "staticmethod"
            for node in function.decorator_list
        )
        self._own = first if bound and first not in stored else None
        self._owner = owner
        # Who looks up an attribute that isn't there, names it.
        self._asked_for = arguments[-1].arg if function.name in _PROXIES and arguments else None
        declared = {
            name
            for node in ast.walk(function)
            if isinstance(node, ast.Global)
            for name in node.names
        }
        every = [*arguments, *function.args.kwonlyargs, function.args.vararg, function.args.kwarg]
        self._local = stored.union(item.arg for item in every if item is not None) - declared

    def _inner(self, node: ast.AST) -> Iterable[ast.AST]:
        return ast.iter_child_nodes(node)

    def _identifiers(self, node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.Name) and node.id in self._local:
            return
        # What an instance itself holds, its class doesn't decide.
        if _is_dict(node) and self._is_instance(node.value):
            return
        yield from (name for name in super()._identifiers(node) if name not in AT_IMPORT)

    def _is_named_by_asker(self, name: ast.expr) -> bool:
        return isinstance(name, ast.Name) and name.id == self._asked_for

    def _way(self, subject: ast.AST) -> str:
        is_own = isinstance(subject, ast.Name) and subject.id == self._own
        return f"{_OWN}{self._owner} " if is_own else _ANY

    def _is_instance(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Name) and node.id == self._own == "self"


def _stored(body: list[ast.stmt]) -> Iterator[str]:
    """Iterate over the names that code of a function binds, that of inner functions left out."""
    waiting: list[ast.AST] = [*body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        if not isinstance(node, _SCOPES):
            waiting.extend(ast.iter_child_nodes(node))


def _is_dict(node: ast.AST) -> TypeGuard[ast.Attribute]:
    return isinstance(node, ast.Attribute) and node.attr == "__dict__"


def _namespace_of(node: ast.AST) -> ast.AST | None:
    """Return what `node` is the namespace of: `x` of `x.__dict__`, a call of `globals` itself."""
    if _is_dict(node):
        return node.value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id == "globals" and not node.args:
            return node
        if node.func.id == "vars" and len(node.args) == 1:
            return node.args[0]
    return None


def _inside(subject: ast.AST) -> list[ast.AST]:
    is_call = isinstance(subject, ast.Call) and isinstance(subject.func, ast.Name)
    return [] if is_call and ast.unparse(subject) == "globals()" else [subject]


def _is_builtins(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in ("builtins", "__builtins__")


def _is_builtin_type(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in _BUILTIN_TYPES


def _imitates(call: ast.Call) -> bool:
    """Return whether `call` may make a mock that has the attributes of something else."""
    function = call.func
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    return (bool(call.args) and name.endswith("Mock")) or any(
        keyword.arg in _SPECIFICATIONS for keyword in call.keywords
    )


def _constant_start(node: ast.expr) -> str:
    """Return what each string that `node` makes begins with, as far as that stands there."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr) and node.values:
        return _constant_start(node.values[0])
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _constant_start(node.left)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return _constant_start(node.left).partition("%")[0]
    return ""


def _words_of_constant(node: ast.Constant) -> Iterator[str]:
    text = node.value.decode("latin-1") if isinstance(node.value, bytes) else node.value
    if isinstance(text, str):
        yield from (word for word in WORD.findall(text) if word not in REFLECTION)
