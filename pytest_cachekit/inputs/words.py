"""The words of code: identifiers, words in strings, and how it gets attributes by computed names.

A word of the last kind is no identifier: it says on whose attributes, and how their names begin.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator

from .joined_classes import joins_classes
from .reflection import (
    ANNOTATED,
    AT_IMPORT,
    BUILTINS,
    CALLABLE_GETTERS,
    COMPUTING,
    GETTERS,
    LISTERS,
    constant_start,
    imitates,
    inside,
    is_builtin_type,
    is_builtins,
    is_dict,
    is_patch_of_object,
    namespace_of,
    replaced_path,
)
from .signatures import signature
from .spelling import ANY, FIXTURE, OWN, PARAMETER, all_of, only

WORD = re.compile(r"[^\W\d]\w*")
WhereNames = Callable[[ast.AST], str | None]
"""Tells whose names there are to find where something is looked into: the dotted name of a module
of the project, "" for none of the project's, None where that isn't known."""
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
"""Definitions whose bodies don't run when they are made."""

_PROXIES = frozenset({"__getattr__", "__getattribute__"})
_SCOPES = (
    *FUNCTIONS, ast.ClassDef, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp,
    ast.GeneratorExp,
)  # fmt: skip
# Fields of nodes that hold an identifier.
_IDENTIFIERS = ("id", "attr", "arg", "name", "asname", "rest")


def words_at_import(node: ast.AST, where: WhereNames | None = None) -> Iterator[str]:
    """Iterate over the words of what `node` runs at import.

    Bodies of functions don't run, those of lambdas may at any time. A module that names
    are imported from is not looked up by a name.
    """
    return _Words(where).of(node)


def words_of_function(
    function: ast.FunctionDef | ast.AsyncFunctionDef, owner: str | None
) -> Iterator[str]:
    """Iterate over the words of all code in `function`; words in strings don't reflect.

    Args:
        function: a function that isn't inside of another.
        owner: name of the class that it is a method of.
    """
    return _FunctionWords(function, owner).of(function)


class _Words:
    """Finds the words of what runs at import."""

    def __init__(self, where: WhereNames | None = None) -> None:
        self._where = where or (lambda _: None)

    def of(self, node: ast.AST) -> Iterator[str]:
        waiting: list[ast.AST] = [node]
        while waiting:
            current = waiting.pop()
            if isinstance(current, ast.Call):
                if imitates(current):
                    yield "made like"
                own = self._where(current) if _shows_own(current) else None
                if own is not None:
                    yield from (*all_of(own), *_called(current.func))
                    continue
                asked = self._asked(current)
                if asked is not None:
                    yield from asked
                    yield from _called(current.func)
                    if isinstance(current.func, ast.Attribute) and not namespace_of(
                        current.func.value
                    ):
                        waiting.append(current.func.value)
                    waiting.extend([*current.args, *current.keywords])
                    continue
            elif isinstance(current, ast.Expr) and isinstance(current.value, ast.Constant):
                continue  # What documents names nothing.
            elif isinstance(current, ast.Constant):
                yield from _words_of_constant(current)
            elif isinstance(current, ast.alias):
                # Under its own name, what is imported is named by who uses it.
                kept = () if current.asname else ANNOTATED
                yield from (only(n) if n in kept else n for n in current.name.split("."))
                if current.asname:
                    yield current.asname
                continue
            elif isinstance(current, (ast.Global, ast.Nonlocal)):
                yield from current.names
            elif isinstance(current, ast.MatchClass):
                yield from current.kwd_attrs
            elif isinstance(current, ast.Subscript):
                subject = namespace_of(current.value)
                if subject is not None:
                    yield from self._held_under(subject, current.slice)
                    yield from _called(current.value)
                    waiting.extend([*inside(subject), current.slice])
                    continue
            yield from self._identifiers(current)
            waiting.extend(self._inner(current))

    def _inner(self, node: ast.AST) -> Iterable[ast.AST]:
        return signature(node) if isinstance(node, FUNCTIONS) else ast.iter_child_nodes(node)

    def _identifiers(self, node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            return
        where = self._where(node.value) if is_dict(node) else None
        if where is not None:
            yield from all_of(where)
            return
        for field in _IDENTIFIERS:
            name = getattr(node, field, None)
            if not isinstance(name, str):
                continue
            # An argument may be called like what reflects; an attribute, like a builtin function.
            is_builtin = not isinstance(node, ast.Attribute) or is_builtins(node)
            if isinstance(node, ast.arg):
                yield f"{PARAMETER}{name}"
                continue
            reflects = field != "arg" and (is_builtin or name not in BUILTINS)
            yield name if reflects else only(name)

    def _asked(self, call: ast.Call) -> tuple[str, ...] | None:
        """Return the words for a call that gets attributes; None where it is another call."""
        function = call.func
        if not call.args or not isinstance(function, (ast.Name, ast.Attribute)):
            return None
        name = function.id if isinstance(function, ast.Name) else function.attr
        subject = call.args[0]
        path = replaced_path(call)
        if path is not None:
            start = constant_start(path).rpartition(".")[2]
            return () if isinstance(path, ast.Constant) else (f"{ANY}{start}*",)
        if name in LISTERS:
            return (f"{ANY}*",)
        if isinstance(function, ast.Attribute) and name in ("get", "pop", "setdefault"):
            owner = namespace_of(function.value)
            if owner is not None:
                words = (word for node in inside(owner) for word in self.of(node))
                return (*self._held_under(owner, subject), *_called(function.value), *words)
        if name == "vars" and self._is_instance(subject):
            return ()
        where = self._where(subject) if name in COMPUTING else None
        if where is not None:
            return all_of(where)
        if name in CALLABLE_GETTERS:
            named = call.args if name == "attrgetter" else call.args[:1]
            return tuple(word for node in named for word in self._looked_up(None, node))
        if name == "getfixturevalue" and not isinstance(subject, ast.Constant):
            return (f"{FIXTURE}{constant_start(subject)}*",)
        if (name in GETTERS or is_patch_of_object(function)) and len(call.args) > 1:
            return () if is_builtin_type(subject) else self._looked_up(subject, call.args[1])
        if name in ("dir", "getmembers") and self._way(subject) != ANY:
            return (f"{self._way(subject)}*",)
        return None

    def _looked_up(self, subject: ast.AST | None, name: ast.expr) -> tuple[str, ...]:
        """Return the words for getting an attribute of `subject`; a constant is a word anyway."""
        if isinstance(name, ast.Constant) or self._is_named_by_asker(name):
            return ()
        where = None if subject is None else self._where(subject)
        if where is not None:
            return all_of(where)
        return (f"{self._way(subject)}{constant_start(name)}*",)

    def _held_under(self, subject: ast.AST, name: ast.expr) -> tuple[str, ...]:
        """Return the words for what the namespace of `subject` holds under a name."""
        return () if self._is_instance(subject) else self._looked_up(subject, name)

    def _is_named_by_asker(self, name: ast.expr) -> bool:
        return False

    def _way(self, subject: ast.AST | None) -> str:
        return ANY

    def _is_instance(self, node: ast.AST) -> bool:
        return False


class _FunctionWords(_Words):
    """Finds the words of a function and of all that is nested in it."""

    def __init__(self, function: ast.FunctionDef | ast.AsyncFunctionDef, owner: str | None) -> None:
        super().__init__()
        arguments = [*function.args.posonlyargs, *function.args.args]
        lasting = [item.arg for item in arguments if _means_one_thing(item.arg, function)]
        stored = frozenset(_stored(function.body))
        wrappers = {node.id for node in function.decorator_list if isinstance(node, ast.Name)}
        bound = owner is not None and "staticmethod" not in wrappers
        first = arguments[0].arg if arguments else None
        self._own = first if bound and first in lasting else None
        self._is_of_class = "classmethod" in wrappers
        self._owner = owner
        # Who looks up an attribute that isn't there, names it.
        last = arguments[-1].arg if arguments else None
        self._asked_for = last if function.name in _PROXIES and last in lasting else None
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
        if joins_classes(node):
            # What a method of one of them gets from `self` may be the other's.
            yield f"{ANY}*"
        if isinstance(node, ast.Name) and node.id in self._local:
            return
        if isinstance(node, ast.Name) and node.id == "locals":
            yield from self._local
        # What an instance itself holds, its class doesn't decide.
        if is_dict(node) and self._is_instance(node.value):
            return
        for name in super()._identifiers(node):
            yield only(name) if name in AT_IMPORT else name

    def _is_named_by_asker(self, name: ast.expr) -> bool:
        return isinstance(name, ast.Name) and name.id == self._asked_for

    def _way(self, subject: ast.AST | None) -> str:
        is_own = isinstance(subject, ast.Name) and subject.id == self._own
        return f"{OWN}{self._owner} " if is_own else ANY

    def _is_instance(self, node: ast.AST) -> bool:
        named = isinstance(node, ast.Name) and node.id == self._own == "self"
        return named and not self._is_of_class


def _means_one_thing(name: str, function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return whether nothing in `function` binds `name` but the argument that is called so."""
    return sum(_binds(node, name) for node in ast.walk(function)) == 1


def _binds(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.Name):
        return node.id == name and not isinstance(node.ctx, ast.Load)
    if isinstance(node, ast.arg):
        return node.arg == name
    return name in (getattr(node, field, None) for field in ("name", "asname", "rest"))


def _shows_own(call: ast.Call) -> bool:
    """Return whether `call` returns the namespace that it stands in."""
    named = isinstance(call.func, ast.Name) and call.func.id in ("globals", "locals")
    return named and not call.args


def _called(node: ast.expr) -> Iterator[str]:
    """Iterate over the words for the name by which something is called whose meaning is known."""
    function = node.func if isinstance(node, ast.Call) else node
    if isinstance(function, (ast.Name, ast.Attribute)):
        yield only(function.id if isinstance(function, ast.Name) else function.attr)


def _stored(body: list[ast.stmt]) -> Iterator[str]:
    """Iterate over the names that code of a function binds, that of inner functions left out."""
    waiting: list[ast.AST] = [*body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        if not isinstance(node, _SCOPES):
            waiting.extend(ast.iter_child_nodes(node))


def _words_of_constant(node: ast.Constant) -> Iterator[str]:
    text = node.value.decode("latin-1") if isinstance(node.value, bytes) else node.value
    if isinstance(text, str):
        yield from map(only, WORD.findall(text))
